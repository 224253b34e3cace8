//! Carries rows into the vault: resolves links, finds duplicates, commits in batches. Every row ends as created, updated, skipped or
//! refused, and every cell that could not be read is kept beside its reason.

use std::sync::mpsc::sync_channel;

use kith_base::RecordId;
use kith_engine::{Command, EngineError, Fields};
use kith_model::Value;
use serde_json::{Map, Value as Json};

use super::{
    choices::Choices,
    draft::OPTION,
    duplicates::{Found, Seen, changes, is_stub},
    link::{BATCH, Linker, Miss},
    options::Duplicates,
    plan::Draft,
    refused::Refused,
    report::{Counts, Notice, PreviewRow, Problem, Progress, RowAction},
    scope,
    session::Session,
};
use crate::{
    ExchangeError,
    map::target::link_target,
    read::{Row, Table},
};

/// Rows shown as they would become.
const PREVIEW_ROWS: usize = 20;
/// Rows with problems that a report carries; the file of refused rows has all.
const PROBLEM_ROWS: usize = 100;
/// Rows read ahead of the commits, in batches.
const AHEAD: usize = 4;
/// Remarks that differ, kept apart in a report.
const NOTICES_MAX: usize = 200;

/// What came of the rows.
#[derive(Default)]
pub struct Outcome {
    pub rows: u64,
    pub counts: Counts,
    pub notices: Vec<Notice>,
    pub preview: Vec<PreviewRow>,
    pub problems: Vec<PreviewRow>,
    pub refused: Refused,
}

/// A row whose command waits for its batch.
pub(super) struct Waiting {
    pub draft: Draft,
    id: RecordId,
    created: bool,
    pub command: Command,
}

pub(super) struct Job<'a, 's> {
    pub(super) session: &'a Session<'s>,
    pub(super) linker: Linker,
    choices: Choices,
    seen: Seen,
    pub(super) waiting: Vec<Waiting>,
    out: Outcome,
    /// The object links to itself, so that its own rows may be named before they are written.
    own_links: bool,
    /// Place of each link field's scope.
    scopes: Vec<(usize, usize)>,
    default_scope: Option<Option<RecordId>>,
}

/// Takes every row of the table through.
///
/// # Errors
/// When the engine or store cannot go on; what was committed stays, and can be undone.
pub fn carry(
    session: &Session<'_>,
    table: &Table<'_>,
    progress: &mut dyn FnMut(Progress, &Counts) -> Result<(), ExchangeError>,
    rows: u64,
) -> Result<Outcome, ExchangeError> {
    let object = &session.plan.object;
    let place = |key: &str| object.fields.iter().position(|f| f.key == key);
    let scopes = object
        .fields
        .iter()
        .enumerate()
        .filter_map(|(at, field)| Some((at, place(&scope::scoped_by(object, field, &session.view.schema)?.key)?)));
    let mut job = Job {
        session,
        linker: Linker::default(),
        choices: Choices::default(),
        seen: Seen::default(),
        waiting: Vec::with_capacity(BATCH),
        out: Outcome { refused: Refused::new(&table.header), ..Outcome::default() },
        own_links: object.fields.iter().any(|f| link_target(f) == Some(&object.key)),
        scopes: scopes.collect(),
        default_scope: None,
    };
    scope::prepare(session, &mut job.linker, table, session.plan);
    std::thread::scope(|threads| {
        let (send, receive) = sync_channel::<Vec<Draft>>(AHEAD);
        let (plan, schema) = (session.plan, session.view.schema.clone());
        threads.spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            for row in table.rows() {
                batch.push(plan.read(row, &schema));
                if batch.len() == BATCH && send.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err()
                {
                    return;
                }
            }
            // Nobody listens any more only where the job has failed already.
            let _ = send.send(batch);
        });
        for drafts in receive {
            for draft in drafts {
                job.out.rows += 1;
                job.row(draft)?;
            }
            job.flush()?;
            progress(Progress { done: job.out.rows, rows }, &job.out.counts)?;
        }
        Ok::<(), ExchangeError>(())
    })?;
    job.out.counts.links_created = job.linker.made.len() as u64;
    if !session.dry {
        session.engine.many_came(&object.key);
    }
    Ok(job.out)
}

impl Job<'_, '_> {
    fn row(&mut self, mut draft: Draft) -> Result<(), ExchangeError> {
        if self.own_links && !self.linker.pending.is_empty() {
            self.flush()?;
        }
        let shown = (self.out.preview.len() < PREVIEW_ROWS && self.session.dry).then(|| self.shown(&draft));
        self.links(&mut draft);
        let had = draft.values.clone();
        let action = self.take(draft, had)?;
        if let (Some((row, values)), Some((action, problems))) = (shown, action) {
            self.out.preview.push(PreviewRow { row, action, values, problems });
        }
        Ok(())
    }

    /// Decides what becomes of a row and queues its command.
    fn take(
        &mut self,
        mut draft: Draft,
        values: Vec<(usize, Value)>,
    ) -> Result<Option<(RowAction, Vec<Problem>)>, ExchangeError> {
        if draft.refused || draft.values.is_empty() {
            if !draft.refused {
                draft.problems.push(Problem::new("", "nothing in this row fits a field"));
            }
            let problems = draft.problems.clone();
            self.refuse(draft);
            return Ok(Some((RowAction::Refuse, problems)));
        }
        let object = self.session.plan.object.clone();
        let keep = self.session.options.duplicates == Duplicates::Keep && draft.id.is_none();
        let mut found = if keep { None } else { self.seen.find(self.session, &draft) };
        let problems = draft.problems.clone();
        let skip = self.session.options.duplicates == Duplicates::Skip;
        // A record that was only made so that others could link to it is completed whatever the choice.
        let stub = |found: &Found| matches!(found, Found::InVault(record) if is_stub(&object, record));
        if skip && found.as_ref().is_some_and(|found| !stub(found)) {
            self.settle(draft, RowAction::Skip);
            return Ok(Some((RowAction::Skip, problems)));
        }
        if let Some(Found::InFile(id)) = found {
            if self.waiting.iter().any(|w| w.id == id) {
                self.flush()?;
            }
            let record = self.session.engine.get_for_change(self.session.actor, &object.key, id).ok();
            if record.is_none() {
                // A dry run writes nothing to compare with; a refused row is no duplicate.
                self.settle(draft, RowAction::Update);
                return Ok(Some((RowAction::Update, problems)));
            }
            found = record.map(|record| Found::InVault(Box::new(record)));
        }
        if let Some(Found::InVault(record)) = found {
            self.seen.remember(self.session, &draft, record.id);
            let mut changed = changes(&object, &record, values);
            if skip {
                changed.retain(|(place, _)| record.values.get(object.fields[*place].id).is_null());
            }
            if changed.is_empty() {
                self.settle(draft, RowAction::Skip);
                return Ok(Some((RowAction::Skip, problems)));
            }
            let values = Fields::Parsed(keyed(self.session, changed));
            let command = Command::Update { object: object.key.clone(), id: record.id, version: None, values };
            self.waiting.push(Waiting { draft, id: record.id, created: false, command });
            return Ok(Some((RowAction::Update, problems)));
        }
        if let Some(problem) = self.missing(&draft) {
            draft.problems.push(problem);
            let problems = draft.problems.clone();
            self.refuse(draft);
            return Ok(Some((RowAction::Refuse, problems)));
        }
        // Our own id is kept where it is free, so that a file exported from one vault links up in another.
        let engine = self.session.engine;
        let free = |id: &RecordId| engine.get_for_change(self.session.actor, &object.key, *id).is_err();
        let id = draft.id.filter(free).unwrap_or_else(|| RecordId::generate(engine.now_ms()));
        self.seen.remember(self.session, &draft, id);
        if self.own_links {
            let text = |key: &str| text_of(self.session, &draft, key);
            self.linker.learn(&object, &text(&object.title), &text("external_id"), id);
        }
        let values = Fields::Parsed(keyed(self.session, values));
        let command = Command::Create { object: object.key.clone(), id: Some(id), values };
        self.waiting.push(Waiting { draft, id, created: true, command });
        Ok(Some((RowAction::Create, problems)))
    }

    /// A required field that the row leaves empty.
    fn missing(&self, draft: &Draft) -> Option<Problem> {
        let plan = self.session.plan;
        let mut fields = plan.object.fields.iter().enumerate();
        let (_, field) = fields.find(|(at, field)| {
            let given = || draft.values.iter().any(|(place, _)| place == at);
            field.required && !field.read_only && field.default.is_null() && !given()
        })?;
        Some(Problem::new(&plan.header_of(&field.key), format!("'{}' is required and empty in this row", field.label)))
    }

    /// Wishes for links and options into values.
    fn links(&mut self, draft: &mut Draft) {
        let session = self.session;
        let plan = session.plan;
        let mut wishes = std::mem::take(&mut draft.wishes);
        // What others are scoped by comes first.
        wishes.sort_by_key(|wish| self.scopes.iter().any(|(scoped, _)| *scoped == wish.field));
        for wish in wishes {
            let field = plan.field(wish.field);
            if wish.given.first().is_some_and(|(key, _)| key == OPTION) {
                match self.choices.find(session, field, &wish.given[0].1) {
                    Ok(key) if field.kind == "multi_select" => add(draft, wish.field, Value::Texts(vec![key])),
                    Ok(key) => add(draft, wish.field, Value::Text(key)),
                    Err(miss) => self.missed(draft, &wish.header, miss),
                }
                continue;
            }
            let scope = self.scopes.iter().find(|(scoped, _)| *scoped == wish.field).map(|(_, scope)| *scope);
            let scope = scope.and_then(|place| Some((plan.field(place).key.as_str(), self.scope(draft, place)?)));
            match self.linker.find(session, field, &wish.given, scope) {
                Ok(id) if field.kind == "links" => add(draft, wish.field, Value::Links(vec![id])),
                Ok(id) => add(draft, wish.field, Value::Link(id)),
                Err(miss) => self.missed(draft, &wish.header, miss),
            }
        }
    }

    fn scope(&mut self, draft: &Draft, place: usize) -> Option<RecordId> {
        if let Some((_, Value::Link(id))) = draft.values.iter().find(|(field, _)| *field == place) {
            return Some(*id);
        }
        let (session, field) = (self.session, self.session.plan.field(place));
        *self.default_scope.get_or_insert_with(|| scope::default_scope(session, field))
    }

    fn missed(&mut self, draft: &mut Draft, header: &str, miss: Miss) {
        match miss {
            Miss::Problem(said) => draft.problems.push(Problem::new(header, said)),
            Miss::Notice(said) => {
                let known = self.out.notices.iter().position(|n| n.column == header && n.message == said);
                match known {
                    Some(at) => self.out.notices[at].rows += 1,
                    None if self.out.notices.len() < NOTICES_MAX => {
                        self.out.notices.push(Notice { column: header.to_string(), message: said.clone(), rows: 1 });
                    }
                    None => {}
                }
                draft.row.remarks.push(format!("{header}: {said}"));
            }
        }
    }

    pub(super) fn done(&mut self, waiting: Waiting) {
        let action = if waiting.created { RowAction::Create } else { RowAction::Update };
        self.settle(waiting.draft, action);
    }

    pub(super) fn refuse_for(&mut self, waiting: Waiting, error: &EngineError) {
        let mut draft = waiting.draft;
        let violations = error.violations();
        if violations.is_empty() {
            draft.problems.push(Problem::new("", error.root().to_string()));
        }
        for violation in violations {
            let column = violation.field.as_deref().map(|key| self.session.plan.header_of(key)).unwrap_or_default();
            draft.problems.push(Problem { column, message: violation.message.clone() });
        }
        if waiting.created {
            self.seen.forget(self.session, &draft, waiting.id);
        }
        let (row, problems) = (draft.row.line, draft.problems.clone());
        if let Some(shown) = self.out.preview.iter_mut().find(|p| p.row == row) {
            shown.action = RowAction::Refuse;
            shown.problems = problems;
        }
        self.refuse(draft);
    }

    fn refuse(&mut self, draft: Draft) {
        self.settle(draft, RowAction::Refuse);
    }

    /// Counts a row and keeps what was wrong with it.
    fn settle(&mut self, draft: Draft, action: RowAction) {
        let counts = &mut self.out.counts;
        match action {
            RowAction::Create => counts.create += 1,
            RowAction::Update => counts.update += 1,
            RowAction::Skip => counts.skip += 1,
            RowAction::Refuse => counts.refuse += 1,
        }
        if action != RowAction::Refuse {
            counts.warnings += draft.problems.len() as u64;
        }
        self.out.refused.add(&draft.row, action, &draft.problems);
        if !draft.problems.is_empty() && self.out.problems.len() < PROBLEM_ROWS {
            let values = cells(&draft.row, self.out.refused.header());
            self.out.problems.push(PreviewRow { row: draft.row.line, action, values, problems: draft.problems });
        }
    }

    /// A draft as a person would see it: values as the API shows them, links by what the row says.
    fn shown(&self, draft: &Draft) -> (u64, Json) {
        let plan = self.session.plan;
        let mut values = Map::new();
        for (place, value) in &draft.values {
            let field = plan.field(*place);
            values.insert(field.key.clone(), field.kind().to_json(field, value));
        }
        for wish in &draft.wishes {
            let said = wish.given.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" · ");
            values.insert(plan.field(wish.field).key.clone(), Json::String(said));
        }
        (draft.row.line, Json::Object(values))
    }
}

fn cells(row: &Row, header: &[String]) -> Json {
    let filled = header.iter().zip(&row.cells).filter(|(_, cell)| !cell.is_empty());
    Json::Object(
        filled.map(|(header, cell)| (header.clone(), Json::String(cell.chars().take(200).collect()))).collect(),
    )
}

fn keyed(session: &Session<'_>, values: Vec<(usize, Value)>) -> Vec<(String, Value)> {
    values.into_iter().map(|(place, value)| (session.plan.field(place).key.clone(), value)).collect()
}

fn text_of(session: &Session<'_>, draft: &Draft, key: &str) -> String {
    let place = session.plan.object.fields.iter().position(|f| f.key == key);
    let found = draft.values.iter().find(|(field, _)| Some(*field) == place);
    match found {
        Some((_, Value::Text(text))) => text.clone(),
        _ => String::new(),
    }
}

fn add(draft: &mut Draft, place: usize, value: Value) {
    match (draft.values.iter_mut().find(|(field, _)| *field == place), value) {
        (Some((_, Value::Links(held))), Value::Links(new)) => {
            let fresh: Vec<RecordId> = new.into_iter().filter(|id| !held.contains(id)).collect();
            held.extend(fresh);
        }
        (Some((_, Value::Texts(held))), Value::Texts(new)) => held.extend(new),
        (Some((_, held)), value) => *held = value,
        (None, value) => draft.values.push((place, value)),
    }
}
