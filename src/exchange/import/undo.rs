//! Takes an import back: what it created goes to the trash, what it updated gets its values of before, except where somebody changed
//! things since. What it wrote is read from the journal entries that name it as their cause.

use std::collections::{BTreeMap, HashSet};

use kith_base::RecordId;
use kith_engine::{Actor, Cause, ChangeKind, Command, CommitOptions, Engine, EngineError, Fields};
use serde_json::{Map, Value as Json};

use super::{
    link::BATCH,
    report::{Progress, UndoReport},
    state,
};
use crate::ExchangeError;

/// Ids of untouched records that the report names.
const KEPT_SHOWN: usize = 100;
/// Versions of one record that are looked at.
const VERSIONS_MAX: usize = 100;
const EVENTS: usize = 64;

/// What the import did to one record.
struct Touched {
    object: String,
    created: bool,
    /// The version that it left.
    version: u64,
}

/// Undoes an import that is done or failed.
///
/// # Errors
/// `import.not_found`, `import.conflict` for one that runs or is undone, or the engine's refusal (`access.denied`).
pub fn undo(
    engine: &Engine,
    actor: &Actor,
    id: RecordId,
    progress: &mut dyn FnMut(Progress),
) -> Result<UndoReport, ExchangeError> {
    let record = state::get(engine, actor, id)?;
    match state::text_of(engine, &record, "state").as_str() {
        "running" => return Err(ExchangeError::Conflict("still running".into(), "wait until it is done")),
        "undone" => return Err(ExchangeError::Conflict("undone already".into(), "nothing is left to undo")),
        _ => {}
    }
    let first = state::number_of(engine, &record, "first_seq");
    let last = match state::number_of(engine, &record, "last_seq") {
        0 => engine.head(),
        last => last,
    };
    let touched = touched(engine, actor, id, first, last)?;
    let mut undo = Undo { engine, actor, id, report: UndoReport::default(), waiting: Vec::new() };
    let rows = touched.len() as u64;
    // Newest first: what links goes before what it links to.
    for (done, (record, what)) in (1u64..).zip(touched.into_iter().rev()) {
        undo.one(record, &what)?;
        if undo.waiting.len() >= BATCH {
            undo.flush()?;
            progress(Progress { done, rows });
        }
    }
    undo.flush()?;
    let report = undo.report;
    progress(Progress { done: rows, rows });
    let said = format!(
        "undone: {} removed, {} set back, {} left because they were changed since",
        report.removed, report.reverted, report.kept
    );
    state::undone(engine, actor, id, said)?;
    Ok(report)
}

/// Every record that the import wrote, in order of birth.
fn touched(
    engine: &Engine,
    actor: &Actor,
    id: RecordId,
    first: u64,
    last: u64,
) -> Result<BTreeMap<RecordId, Touched>, EngineError> {
    let mut touched = BTreeMap::new();
    let wanted = state::cause(id);
    let mut at = first;
    while at < last {
        let events = engine.events_from(actor, at, EVENTS)?;
        let Some(newest) = events.last().map(|e| e.seq) else { break };
        at = newest;
        for event in events.into_iter().filter(|e| e.cause == wanted && e.seq <= last) {
            for change in event.changes.into_iter().filter(|c| &*c.object != state::OBJECT) {
                let what = touched.entry(change.id).or_insert_with(|| Touched {
                    object: change.object.to_string(),
                    created: change.kind == ChangeKind::Created,
                    version: 0,
                });
                what.version = what.version.max(change.version);
            }
        }
    }
    Ok(touched)
}

struct Undo<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    id: RecordId,
    report: UndoReport,
    /// Commands, and whether each removes.
    waiting: Vec<(Command, bool)>,
}

impl Undo<'_> {
    fn one(&mut self, id: RecordId, what: &Touched) -> Result<(), ExchangeError> {
        let Ok(now) = self.engine.get_for_change(self.actor, &what.object, id) else {
            self.keep(id);
            return Ok(());
        };
        if now.trashed {
            return Ok(());
        }
        if what.created {
            if now.version > what.version {
                self.keep(id);
                return Ok(());
            }
            self.waiting.push((Command::Delete { object: what.object.clone(), id, version: Some(now.version) }, true));
            return Ok(());
        }
        self.revert(id, what)
    }

    /// Sets the fields back that the import changed and nobody since.
    fn revert(&mut self, id: RecordId, what: &Touched) -> Result<(), ExchangeError> {
        let history = self.engine.history(self.actor, &what.object, id, None, VERSIONS_MAX)?;
        let wanted = state::cause(self.id);
        let mut since: HashSet<String> = HashSet::new();
        let mut back: Map<String, Json> = Map::new();
        let mut kept = false;
        for version in history.items {
            for change in version.changes {
                if version.cause != wanted {
                    // Older than the import: of no concern. Newer: it holds.
                    if version.version > what.version {
                        since.insert(change.field);
                    }
                } else if since.contains(&change.field) {
                    kept = true;
                } else {
                    back.insert(change.field, change.before);
                }
            }
        }
        if kept {
            self.keep(id);
        }
        if !back.is_empty() {
            let schema = self.engine.schema();
            let object = schema.object(&what.object);
            back.retain(|key, _| object.and_then(|o| o.field(key)).is_some_and(|field| !field.read_only));
        }
        if !back.is_empty() {
            let command =
                Command::Update { object: what.object.clone(), id, version: None, values: Fields::Json(back) };
            self.waiting.push((command, false));
        }
        Ok(())
    }

    fn keep(&mut self, id: RecordId) {
        self.report.kept += 1;
        if self.report.kept_ids.len() < KEPT_SHOWN {
            self.report.kept_ids.push(id);
        }
    }

    fn flush(&mut self) -> Result<(), ExchangeError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let cause = Cause::of("import_undo", self.id.to_string());
        while !waiting.is_empty() {
            let commands = waiting.iter().map(|(command, _)| command.clone()).collect();
            match self.engine.execute(self.actor, commands, CommitOptions::caused_by(cause.clone())) {
                Ok(_) => {
                    for (_, removes) in waiting.drain(..) {
                        self.report.removed += u64::from(removes);
                        self.report.reverted += u64::from(!removes);
                    }
                }
                Err(error) => {
                    // One that cannot be undone, by right or because it changed this moment, stays; the others do not wait for it.
                    let index = error.index().or((waiting.len() == 1).then_some(0)).filter(|at| *at < waiting.len());
                    let Some(at) = index.filter(|_| !error.code().starts_with("store.")) else {
                        return Err(error.into());
                    };
                    let (Command::Delete { id, .. } | Command::Update { id, .. }) = waiting.remove(at).0 else {
                        continue;
                    };
                    self.keep(id);
                }
            }
        }
        Ok(())
    }
}
