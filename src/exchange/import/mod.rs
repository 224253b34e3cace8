//! Import: a file into records, as one job that can be looked at first and undone afterwards. Everything it writes goes through
//! `Engine::execute` in batches, with the import as the cause.

mod choices;
mod commit;
mod draft;
mod duplicates;
mod job;
mod link;
pub mod options;
pub mod plan;
mod refused;
pub mod report;
mod scope;
mod session;
mod state;
mod undo;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kith_base::{RecordId, money::parse_currency};
use kith_engine::{Actor, Cause, Engine};
use kith_model::{ReadContext, local::countries};
use serde_json::json;

pub use options::{ColumnChoice, Duplicates, ImportOptions};
pub use report::{
    ColumnView, Counts, ImportReport, Inspection, Notice, PreviewRow, Problem, Progress, RowAction, UndoReport,
};
pub use state::{mark_interrupted, refused, status};
pub use undo::undo;

use crate::{
    ExchangeError,
    map::{self, Column, shape::Profile, words::fold},
    read::{Format, ReadOptions, Table},
};
use plan::Plan;
use session::{Session, View};

/// How often a running import notes how far it is.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// An import that was announced: its record, and what was seen of the file, which is not looked through again.
pub struct Announced {
    pub id: RecordId,
    look: Look,
}

/// What all rows of a file told.
#[derive(Clone)]
struct Look {
    profiles: Vec<Profile>,
    rows: u64,
}

/// A file, understood.
struct Opened<'a> {
    table: Table<'a>,
    columns: Vec<Column>,
    look: Look,
    view: View,
    plan: Plan,
}

fn open<'a>(
    engine: &Engine,
    actor: &Actor,
    bytes: &'a [u8],
    options: &ImportOptions,
    look: Option<Look>,
) -> Result<Opened<'a>, ExchangeError> {
    let read = ReadOptions { encoding: options.encoding.clone(), delimiter: options.delimiter.clone() };
    let table = Table::open(bytes, &read)?;
    let view = View::of(engine, actor);
    let look = look.unwrap_or_else(|| {
        let (profiles, rows) = map::profile(&table);
        Look { profiles, rows }
    });
    let profiles = &look.profiles;
    if look.rows == 0 {
        return Err(ExchangeError::Empty);
    }
    let object = match options.object.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => view.object(key)?,
        None => {
            let guessed = map::guess_object(&table.header, profiles, view.importable(), &view.schema);
            let key = guessed.map(|object| object.key.clone()).ok_or(ExchangeError::ObjectUnclear)?;
            view.object(&key)?
        }
    };
    if let Some(field) = &options.match_by
        && object.field(field).is_none()
    {
        let said = format!("'match_by' names '{field}', which is no field of '{}'", object.key);
        return Err(ExchangeError::BadOption(said));
    }
    let mut columns = map::map(&table.header, profiles, &object, &view.schema, &options.mapping)?;
    for column in &mut columns {
        if column.header == refused::RESULT || column.header == refused::REASON {
            column.target = None;
        }
    }
    if columns.iter().all(|column| column.target.is_none()) {
        let shown = table.header.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
        return Err(ExchangeError::NothingMapped { object: object.key.clone(), columns: shown });
    }
    let context = context(engine, options, &columns)?;
    let mut plan = Plan::new(object, &columns, context);
    plan.unguard = table.format == Format::Csv;
    Ok(Opened { table, columns, look, view, plan })
}

/// How the file writes numbers and dates: as the caller says, else as its columns show, else as the workspace does.
fn context(engine: &Engine, options: &ImportOptions, columns: &[Column]) -> Result<ReadContext, ExchangeError> {
    let mut context = engine.read_context();
    let profiles: Vec<Profile> = columns.iter().map(|c| c.profile.clone()).collect();
    let (day_first, decimal_comma) = map::shape::habits(&profiles);
    context.day_first = options.day_first.or(day_first).unwrap_or(context.day_first);
    context.decimal_comma = options.decimal_comma.or(decimal_comma).unwrap_or(context.decimal_comma);
    if let Some(country) = &options.country {
        let code = countries::find(country);
        context.country = code
            .ok_or_else(|| ExchangeError::BadOption(format!("'{country}' is not a country; use a code such as IT")))?
            .into();
    }
    if let Some(currency) = &options.currency {
        let parsed = parse_currency(currency).map_err(|error| ExchangeError::BadOption(error.to_string()))?;
        context.currency = parsed.code().to_string();
    }
    if let Some(zone) = &options.time_zone {
        jiff::tz::TimeZone::get(zone).map_err(|_| {
            ExchangeError::BadOption(format!("'{zone}' is not a time zone; use an IANA name such as Europe/Rome"))
        })?;
        context.time_zone.clone_from(zone);
    }
    Ok(context)
}

/// Says what an import would do, row by row, and writes nothing.
///
/// # Errors
/// `import.*` when the file or the options cannot be understood, `access.denied`, `object.not_found`.
pub fn inspect(
    engine: &Engine,
    actor: &Actor,
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<Inspection, ExchangeError> {
    let opened = open(engine, actor, bytes, options, None)?;
    let session = Session {
        engine,
        actor,
        view: &opened.view,
        plan: &opened.plan,
        options,
        cause: Cause::new("import"),
        dry: true,
    };
    let outcome = job::carry(&session, &opened.table, &mut |_, _| Ok(()), opened.look.rows)?;
    let mut notices = file_notices(&opened, options, actor);
    notices.extend(outcome.notices);
    let mut preview = outcome.preview;
    let shown: Vec<u64> = preview.iter().map(|p| p.row).collect();
    preview.extend(outcome.problems.into_iter().filter(|p| !shown.contains(&p.row)));
    Ok(Inspection {
        object: opened.plan.object.key.clone(),
        format: opened.table.format,
        encoding: opened.table.encoding,
        delimiter: opened.table.delimiter,
        rows: opened.look.rows,
        columns: opened.columns.iter().map(column_view).collect(),
        preview,
        counts: outcome.counts,
        reading: (&opened.plan.context).into(),
        notices,
    })
}

fn column_view(column: &Column) -> ColumnView {
    ColumnView {
        header: column.header.clone(),
        samples: column.profile.samples.clone(),
        filled: column.profile.filled,
        field: column.target.as_ref().map(map::target::Target::path),
        label: column.label.clone(),
        confidence: (column.confidence * 100.0).round() / 100.0,
    }
}

/// What is to say about the file and its columns before any row.
fn file_notices(opened: &Opened<'_>, options: &ImportOptions, actor: &Actor) -> Vec<Notice> {
    let file = opened.table.notes.iter().map(|note| Notice {
        column: String::new(),
        message: note.clone(),
        rows: opened.look.rows,
    });
    let will = options.create_fields && actor.is_admin();
    let ignored = leftover(&opened.columns).map(|column| Notice {
        column: column.header.clone(),
        message: if will {
            "it becomes a new field".into()
        } else {
            "it fits no field and is left out; map it, or make fields of such columns".into()
        },
        rows: column.profile.filled,
    });
    file.chain(ignored).collect()
}

/// Columns that hold something and go nowhere.
fn leftover(columns: &[Column]) -> impl Iterator<Item = &Column> {
    columns.iter().filter(|c| {
        c.target.is_none() && c.profile.filled > 0 && c.header != refused::RESULT && c.header != refused::REASON
    })
}

/// Checks file and options and makes the record of the import, which `carry_out` then fills.
///
/// # Errors
/// As `inspect`.
pub fn start(
    engine: &Engine,
    actor: &Actor,
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<Announced, ExchangeError> {
    let opened = open(engine, actor, bytes, options, None)?;
    let format = opened.table.format.to_string();
    let id = state::begin(engine, actor, &opened.plan.object.key, &format, opened.look.rows, options)?;
    Ok(Announced { id, look: opened.look })
}

/// Does what `start` announced for these bytes. Blocks until done; `progress` is called after each batch.
///
/// # Errors
/// When the engine cannot go on; the import is then marked as failed and can be undone.
pub fn carry_out(
    engine: &Engine,
    actor: &Actor,
    announced: Announced,
    bytes: &[u8],
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ExchangeError> {
    let id = announced.id;
    let done = work(engine, actor, announced, bytes, options, progress);
    if let Err(error) = &done {
        // The first error is the one to tell; a store that is gone cannot take a note either.
        let _ = state::fail(engine, actor, id, &error.to_string());
    }
    done
}

fn work(
    engine: &Engine,
    actor: &Actor,
    Announced { id, look }: Announced,
    bytes: &[u8],
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ExchangeError> {
    let mut opened = open(engine, actor, bytes, options, Some(look))?;
    let mut notices = file_notices(&opened, options, actor);
    let with_fields;
    let mut options = options;
    if options.create_fields && actor.is_admin() && leftover(&opened.columns).next().is_some() {
        let mapping = create_fields(engine, actor, &opened)?;
        with_fields =
            ImportOptions { mapping: options.mapping.iter().cloned().chain(mapping).collect(), ..options.clone() };
        options = &with_fields;
        opened = open(engine, actor, bytes, options, Some(opened.look))?;
    }
    let session =
        Session { engine, actor, view: &opened.view, plan: &opened.plan, options, cause: state::cause(id), dry: false };
    let mut noted = Instant::now();
    let mut each = |at: Progress, counts: &Counts| {
        progress(at);
        if noted.elapsed() >= NOTE_EVERY {
            noted = Instant::now();
            state::advance(engine, actor, id, at, counts)?;
        }
        Ok(())
    };
    let mut outcome = job::carry(&session, &opened.table, &mut each, opened.look.rows)?;
    notices.append(&mut outcome.notices);
    outcome.notices.clone_from(&notices);
    let counts = outcome.counts;
    let report = ImportReport {
        id,
        object: opened.plan.object.key.clone(),
        rows: outcome.rows,
        created: counts.create,
        updated: counts.update,
        skipped: counts.skip,
        refused: counts.refuse,
        warnings: counts.warnings,
        links_created: counts.links_created,
        notices,
        problems: std::mem::take(&mut outcome.problems),
    };
    state::finish(engine, actor, id, outcome)?;
    Ok(report)
}

/// Imports a file: `start` and `carry_out` in one.
///
/// # Errors
/// As those.
pub fn run(
    engine: &Engine,
    actor: &Actor,
    bytes: &[u8],
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ExchangeError> {
    let announced = start(engine, actor, bytes, options)?;
    carry_out(engine, actor, announced, bytes, options, progress)
}

/// A custom text field for each column that fits none, and the mapping to it.
fn create_fields(engine: &Engine, actor: &Actor, opened: &Opened<'_>) -> Result<Vec<ColumnChoice>, ExchangeError> {
    let object = Arc::clone(&opened.plan.object);
    let mut taken: Vec<String> =
        engine.schema().object(&object.key).map_or_else(Vec::new, |o| o.fields.iter().map(|f| f.key.clone()).collect());
    let mut choices = Vec::new();
    for column in leftover(&opened.columns) {
        let ascii: String =
            fold(&column.header).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(50).collect();
        let plain = ascii.trim_matches('_');
        let base = if plain.starts_with(|c: char| c.is_ascii_lowercase()) {
            plain.to_string()
        } else {
            format!("column_{plain}")
        };
        let base = base.trim_end_matches('_').to_string();
        let mut key = base.clone();
        let mut number = 2;
        while taken.contains(&key) {
            key = format!("{base}_{number}");
            number += 1;
        }
        let long = column.profile.multi_line || column.profile.chars_max > 250;
        let kind = if long { "long_text" } else { "text" };
        let label: String = column.header.chars().filter(|c| !c.is_control()).take(80).collect();
        engine.define_field(actor, &object.key, json!({"key": key, "label": label, "kind": kind}))?;
        taken.push(key.clone());
        choices.push(ColumnChoice { column: column.header.clone(), field: Some(key), label: None });
    }
    Ok(choices)
}
