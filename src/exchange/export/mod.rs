//! Export: records of one object to CSV, JSON Lines or vCard, streamed page by page. What the actor may not export or see is not there.

mod card;
mod table;

use std::{io::Write, str::FromStr};

use kith_engine::{Actor, Engine, Query};
use kith_model::{FieldDef, ObjectDef};

use crate::ExchangeError;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    #[default]
    Csv,
    Jsonl,
    Vcard,
}

impl FromStr for ExportFormat {
    type Err = ExchangeError;
    fn from_str(text: &str) -> Result<Self, ExchangeError> {
        match text {
            "csv" => Ok(ExportFormat::Csv),
            "jsonl" | "json" => Ok(ExportFormat::Jsonl),
            "vcard" | "vcf" => Ok(ExportFormat::Vcard),
            other => Err(ExchangeError::UnknownFormat(other.chars().take(20).collect())),
        }
    }
}

impl ExportFormat {
    pub fn content_type(self) -> &'static str {
        match self {
            ExportFormat::Csv => "text/csv; charset=utf-8",
            ExportFormat::Jsonl => "application/jsonl; charset=utf-8",
            ExportFormat::Vcard => "text/vcard; charset=utf-8",
        }
    }

    /// File name ending.
    pub fn extension(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Jsonl => "jsonl",
            ExportFormat::Vcard => "vcf",
        }
    }
}

/// What to export.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    pub object: String,
    pub format: ExportFormat,
    /// CEL.
    pub filter: Option<String>,
    /// Words to search for.
    pub q: Option<String>,
    /// Keys of the fields, in order; empty: all that are not hidden.
    pub fields: Vec<String>,
    pub sort: Vec<(String, bool)>,
    /// Start a CSV with a byte order mark, for spreadsheets that ask for one.
    pub bom: bool,
}

/// Writes the records and returns how many. Checks everything before the first byte.
///
/// # Errors
/// `object.not_found`, `access.denied`, `filter.invalid`, `field.not_found`, `export.no_cards`, `export.output`.
pub fn write(
    engine: &Engine,
    actor: &Actor,
    options: &ExportOptions,
    out: &mut dyn Write,
) -> Result<u64, ExchangeError> {
    let view = engine.object_view(actor, &options.object)?;
    let mut object = view.object;
    object.fields = view.fields.into_iter().map(|f| f.field).collect();
    let fields = chosen(&object, &options.fields)?;
    if options.format == ExportFormat::Vcard && !card::has_cards(&object) {
        return Err(ExchangeError::NoCards(object.key));
    }
    let mut query = Query::of(&options.object).limit(kith_base::limits::PAGE_ROWS_MAX);
    query.filter.clone_from(&options.filter);
    query.q.clone_from(&options.q);
    query.sort.clone_from(&options.sort);
    let mut page = engine.query_export(actor, &query)?;
    let mut written = 0;
    let mut sheet = match options.format {
        ExportFormat::Csv => Some(table::Sheet::begin(engine, actor, &fields, options.bom, out)?),
        ExportFormat::Jsonl | ExportFormat::Vcard => None,
    };
    loop {
        match (&mut sheet, options.format) {
            (Some(sheet), _) => sheet.page(&page.records, out)?,
            (None, ExportFormat::Jsonl) => lines(engine, actor, &page.records, options, out)?,
            (None, _) => card::page(engine, actor, &object, &page.records, out)?,
        }
        written += page.records.len() as u64;
        let Some(cursor) = page.next_cursor else { break };
        query.cursor = Some(cursor);
        page = engine.query_export(actor, &query)?;
    }
    out.flush()?;
    Ok(written)
}

/// The fields to write: those asked for, or all that a person would miss.
fn chosen(object: &ObjectDef, asked: &[String]) -> Result<Vec<FieldDef>, ExchangeError> {
    if asked.is_empty() {
        let shown = object.fields.iter().filter(|f| f.kind != "secret" && (!f.hidden || f.key == "external_id"));
        return Ok(shown.cloned().collect());
    }
    let find = |key: &String| {
        let field = object.field(key).filter(|f| f.kind != "secret").cloned();
        field.ok_or_else(|| {
            let missing = kith_engine::EngineError::FieldNotFound {
                object: object.key.clone(),
                field: key.clone(),
                hint: String::new(),
            };
            ExchangeError::from(missing)
        })
    };
    asked.iter().map(find).collect()
}

fn lines(
    engine: &Engine,
    actor: &Actor,
    records: &[kith_engine::Record],
    options: &ExportOptions,
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    for record in records {
        let mut json = engine.to_json(actor, record);
        if !options.fields.is_empty()
            && let Some(values) = json.get_mut("values").and_then(|v| v.as_object_mut())
        {
            values.retain(|key, _| options.fields.contains(key));
        }
        serde_json::to_writer(&mut *out, &json).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
