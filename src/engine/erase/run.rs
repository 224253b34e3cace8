//! Carries an erasure out, step by step, each of which may be repeated: noted, taken out of the store, files removed, links cleared, done.
//! An erasure that a kill interrupted is finished at the next start, before anything is answered.

use std::{collections::HashMap, io::Read, sync::Arc};

use kith_base::RecordId;
use kith_model::Value;
use kith_store::EntryKind;

use super::{EraseOutcome, EraseRequest, Given, RECORDS_MAX, Work, plan::is_title, work};
use crate::{
    Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, Query, Record,
    meta::ObjectMeta,
    pipeline::{
        erasing::Erasure,
        head::{ActorStamp, Head},
        prepare::{Rights, strip_computed},
    },
    system::ids,
};

/// Records whose links are cleared in one transaction.
const CLEAR_AT_ONCE: usize = 200;

/// Records that `erase_all` names in one erasure; what hangs on them comes to that.
const ALL_AT_ONCE: usize = RECORDS_MAX / 2;

/// Rows read at a time.
const PAGE: usize = 500;

/// Entries looked through for the one of an erasure that was interrupted.
const LOOK_BACK: u64 = 20_000;

impl Engine {
    /// Erases for good. `confirm` is the token of the plan as it is now, or the title of the one record. Idempotent: what has been erased
    /// before is answered as such.
    ///
    /// # Errors
    /// `erase.unconfirmed` when `confirm` does not fit, `erase.blocked`; otherwise as `erase_plan`, and the store's.
    pub fn erase(&self, actor: &Actor, request: &EraseRequest, confirm: &str) -> Result<EraseOutcome, EngineError> {
        let plan = match self.erase_plan(actor, request) {
            Err(EngineError::RecordNotFound { object, id }) => {
                return self.erased_before(actor, request).ok_or(EngineError::RecordNotFound { object, id });
            }
            plan => plan?,
        };
        if plan.token != confirm && !is_title(&plan, &self.titles(actor, &request.ids), confirm) {
            let said = "send the plan's token as 'confirm', or the title of the one record; if you did, something has changed since: \
                        look at the plan again";
            return Err(EngineError::EraseUnconfirmed(said.into()));
        }
        if let Some(first) = plan.blocked.first() {
            let said = format!(
                "{} of '{}' need what would be erased in '{}'; change them first, or name '{}' in 'with' to erase them too",
                first.count,
                first.object,
                first.field.as_deref().unwrap_or_default(),
                first.object
            );
            return Err(EngineError::EraseBlocked(said));
        }
        self.erase_noted(actor, &request.object, &request.reason, plan.work)
    }

    /// Notes the work and does it. For callers that have decided already.
    pub(crate) fn erase_noted(
        &self,
        actor: &Actor,
        object: &str,
        reason: &str,
        work: Work,
    ) -> Result<EraseOutcome, EngineError> {
        let id = RecordId::generate(self.now_ms());
        let noted = serde_json::to_string(&work)
            .map_err(|e| EngineError::Internal(format!("an erasure cannot be noted: {e}")))?;
        let values = vec![
            ("object".to_string(), Value::Text(object.to_string())),
            ("state".to_string(), Value::Text("running".into())),
            ("reason".to_string(), text_or_null(reason)),
            ("records".to_string(), int(work.ids.len())),
            ("files".to_string(), int(work.files.len())),
            ("work".to_string(), Value::Json(noted)),
        ];
        let command = Command::Create { object: "erasures".into(), id: Some(id), values: Fields::Parsed(values) };
        self.commit(actor, Rights::Engine, vec![command], CommitOptions::caused_by(Cause::new("erase")))?;
        self.carry_out(actor, id, reason, &work)
    }

    /// Erases all records of these objects, of each those that the filter names, the trash included. For callers who decided about them as a whole:
    /// the actor is named, and not asked. Returns how many there were.
    ///
    /// # Errors
    /// `erase.blocked` before anything of an erasure was done; the store's.
    pub fn erase_all(&self, actor: &Actor, of: &[(String, Option<String>)], reason: &str) -> Result<u64, EngineError> {
        let mut ids = Vec::new();
        for (object, filter) in of {
            for trashed in [false, true] {
                let mut query = Query { filter: filter.clone(), trashed, ..Query::of(object).limit(PAGE) };
                loop {
                    let page = self.query(&Actor::system(), &query)?;
                    ids.extend(page.records.iter().map(|record| record.id));
                    query.cursor = page.next_cursor;
                    if query.cursor.is_none() {
                        break;
                    }
                }
            }
        }
        let objects: Vec<&str> = of.iter().map(|(object, _)| object.as_str()).collect();
        let (mut left, mut at_once, mut erased) = (&ids[..], ALL_AT_ONCE, 0);
        while !left.is_empty() {
            let (some, rest) = left.split_at(at_once.min(left.len()));
            match self.work_of(some) {
                // So much hangs on them that fewer fit.
                Err(EngineError::Request(_)) if some.len() > 1 => at_once = some.len() / 2,
                Err(error) => return Err(error),
                Ok(work) => {
                    self.erase_noted(actor, &objects.join(", "), reason, work)?;
                    erased += some.len() as u64;
                    left = rest;
                }
            }
        }
        Ok(erased)
    }

    /// Does these updates and erases every older version of their records. Records that they would not change are left alone. Returns
    /// how many were changed.
    ///
    /// # Errors
    /// As for the updates themselves; nothing has been changed then.
    pub(crate) fn replace_for_good(
        &self,
        actor: &Actor,
        object: &str,
        reason: &str,
        commands: Vec<Command>,
    ) -> Result<u64, EngineError> {
        let meta = self.core().meta();
        let named = meta.object(object).map_or_else(|_| Vec::new(), |object| named(object, &commands));
        let options = CommitOptions { dry_run: true, ..CommitOptions::caused_by(Cause::of("erase", reason)) };
        let would_be = self.commit(actor, Rights::Engine, commands, options)?;
        let mut next = Vec::with_capacity(would_be.len());
        for mut record in would_be {
            let changed = self.core().image.meta(record.id).is_some_and(|now| record.version == now.version + 1);
            if let Some(object) = meta.object_by_id(record.object).filter(|_| changed) {
                strip_computed(object, &mut record);
                next.push(record);
            }
        }
        let Some(first) = next.first() else { return Ok(0) };
        let given = Some(Given::of(first, named));
        let bytes = work::encode(&next)?;
        let stored = self.files().put(&mut bytes.as_slice(), bytes.len() as u64)?;
        let ids = next.iter().map(|record| record.id).collect();
        let work = Work { ids, put_back: Some(stored.name), given, ..Work::default() };
        self.erase_noted(actor, object, reason, work)?;
        Ok(next.len() as u64)
    }

    /// What erasures put in the place of what they took, by the number of their entry. Most put nothing there.
    ///
    /// # Errors
    /// The store's.
    pub fn given_by_erasures(&self) -> Result<HashMap<u64, Given>, EngineError> {
        let mut found = HashMap::new();
        for record in self.core().records_of(ids::erasures::OBJECT) {
            let Some(work) = Work::of(&record) else { continue };
            let Some(given) = work.given else { continue };
            let seq = match record.values.get(ids::erasures::SEQ) {
                Value::Int(seq) => u64::try_from(*seq).ok(),
                // It is under way, and has not noted its entry yet.
                _ => self.entry_of(&work.ids)?,
            };
            found.extend(seq.map(|seq| (seq, given)));
        }
        Ok(found)
    }

    fn carry_out(&self, actor: &Actor, id: RecordId, reason: &str, work: &Work) -> Result<EraseOutcome, EngineError> {
        let cause = Cause::of("erase", reason);
        let back = self.to_put_back(work)?;
        // What was read or tried lately names records and actors; it belongs before the gap.
        self.flush_audit();
        let head = Head {
            actor: Arc::new(ActorStamp::of(actor)),
            cause: cause.clone(),
            idempotency: None,
            notes: Vec::new(),
            audit: Vec::new(),
        };
        let gone = if work.put_back.is_some() { Vec::new() } else { work.ids.clone() };
        let erasure = Erasure { ids: gone.clone(), head, time_ms: self.now_ms(), put_back: back };
        let erased = self.writer().erase(erasure)?;
        let seq = match erased.seq {
            Some(seq) => Some(seq),
            None => self.entry_of(&work.ids)?,
        };
        for name in work.files.iter().chain(&work.put_back) {
            self.files().remove(name)?;
        }
        let (links, links_left) = self.clear(actor, &cause, &gone, work)?;
        let outcome = EraseOutcome {
            erasure: Some(id),
            seq,
            records: work.ids.len() as u64,
            files: work.files.len() as u64,
            links,
            links_left,
            already: false,
        };
        let values = vec![
            ("state".to_string(), Value::Text("done".into())),
            ("links".to_string(), int(usize::try_from(links).unwrap_or(usize::MAX))),
            ("seq".to_string(), seq.map_or(Value::Null, |seq| Value::Int(i64::try_from(seq).unwrap_or(i64::MAX)))),
            ("finished_at".to_string(), Value::DateTime(self.now_ms())),
        ];
        let done = Command::Update { object: "erasures".into(), id, version: None, values: Fields::Parsed(values) };
        self.commit(actor, Rights::Engine, vec![done], CommitOptions::caused_by(Cause::new("erase")))?;
        Ok(outcome)
    }

    fn to_put_back(&self, work: &Work) -> Result<Vec<Record>, EngineError> {
        let Some(name) = &work.put_back else { return Ok(Vec::new()) };
        let mut bytes = Vec::new();
        match self.files().read(name) {
            Ok(mut file) => {
                let read = file.read_to_end(&mut bytes);
                read.map_err(|e| EngineError::Internal(format!("records to put back cannot be read: {e}")))?;
            }
            // Removed only after all of it was put back.
            Err(kith_store::StoreError::NoSuchFile(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        work::decode(&bytes)
    }

    /// Clears links to what is gone and fields that name removed content. Returns how many links, and how many would not go.
    fn clear(&self, actor: &Actor, cause: &Cause, gone: &[RecordId], work: &Work) -> Result<(u64, u64), EngineError> {
        let core = self.core();
        let meta = core.meta();
        let mut changes = core.without(gone);
        for (object, field, record) in &work.clear {
            let living = core.image.get_of(*object, *record).is_some_and(|record| !record.trashed);
            if living {
                changes.entry(*record).or_insert_with(|| (*object, Vec::new())).1.push((*field, Value::Null));
            }
        }
        let mut commands: Vec<(u64, Command)> = Vec::new();
        for (id, (object, fields)) in changes {
            let Some(object) = meta.object_by_id(object) else { continue };
            let links =
                fields.iter().filter(|(field, _)| !work.clear.contains(&(object.def.id, *field, id))).count() as u64;
            let keyed = |(field, value): (u32, Value)| Some((object.field_by_id(field)?.key.clone(), value));
            let values: Vec<(String, Value)> = fields.into_iter().filter_map(keyed).collect();
            let object = object.def.key.clone();
            commands.push((links, Command::Update { object, id, version: None, values: Fields::Parsed(values) }));
        }
        let (mut cleared, mut left) = (0, 0);
        for some in commands.chunks(CLEAR_AT_ONCE) {
            let mut some: Vec<&(u64, Command)> = some.iter().collect();
            while !some.is_empty() {
                let batch: Vec<Command> = some.iter().map(|(_, command)| command.clone()).collect();
                match self.commit(actor, Rights::Engine, batch, CommitOptions::caused_by(cause.clone())) {
                    Ok(_) => {
                        cleared += some.drain(..).map(|(count, _)| count).sum::<u64>();
                    }
                    Err(error) => {
                        // A record that its own rules refuse keeps a link to nothing; the others do not wait for it.
                        let index = error.index().or((some.len() == 1).then_some(0)).filter(|at| *at < some.len());
                        let Some(at) = index.filter(|_| !error.code().starts_with("store.")) else { return Err(error) };
                        tracing::warn!(code = error.code(), "a link to an erased record could not be cleared");
                        left += some.remove(at).0;
                    }
                }
            }
        }
        Ok((cleared, left))
    }

    /// Finishes erasures that were interrupted. Called once, after opening.
    pub(crate) fn resume_erasures(&self) {
        let running = |record: &Record| record.values.get(ids::erasures::STATE) == &Value::Text("running".into());
        for record in self.core().records_of(ids::erasures::OBJECT).into_iter().filter(running) {
            let Some(work) = Work::of(&record) else { continue };
            let reason = crate::auth::directory::text(record.values.get(ids::erasures::REASON));
            match self.carry_out(&Actor::system(), record.id, &reason, &work) {
                Ok(outcome) => {
                    tracing::info!(records = outcome.records, "an interrupted erasure was carried to its end")
                }
                Err(error) => tracing::error!(
                    code = error.code(), %error,
                    "an interrupted erasure could not be finished; it is tried again at the next start"
                ),
            }
        }
    }

    /// The newest entry that erased these.
    fn entry_of(&self, gone: &[RecordId]) -> Result<Option<u64>, EngineError> {
        let Some(first) = gone.first() else { return Ok(None) };
        let head = self.head();
        let mut to = head;
        while to > head.saturating_sub(LOOK_BACK) {
            let from = to.saturating_sub(255).max(1);
            let entries = self.storage().read_from(from, usize::try_from(to - from + 1).unwrap_or(256))?;
            let named = |change: &kith_store::Change| change.id == *first;
            let found = entries.iter().rev().find(|e| e.kind == EntryKind::Erasure && e.changes.iter().any(named));
            if let Some(entry) = found {
                return Ok(Some(entry.seq));
            }
            if from == 1 {
                break;
            }
            to = from - 1;
        }
        Ok(None)
    }

    /// The answer for a request whose records are all gone already.
    fn erased_before(&self, actor: &Actor, request: &EraseRequest) -> Option<EraseOutcome> {
        if !self.can(actor, &request.object, crate::Op::Erase) {
            return None;
        }
        let mut last = None;
        for id in &request.ids {
            last = Some(self.core().erasure_of(*id)?);
        }
        let (record, work) = last?;
        let number = |field: u32| match record.values.get(field) {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        Some(EraseOutcome {
            erasure: Some(record.id),
            seq: number(ids::erasures::SEQ),
            records: work.ids.len() as u64,
            files: work.files.len() as u64,
            links: number(ids::erasures::LINKS).unwrap_or(0),
            links_left: 0,
            already: true,
        })
    }
}

/// Numbers of the fields that updates name.
fn named(object: &ObjectMeta, commands: &[Command]) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    for command in commands {
        if let Command::Update { values: Fields::Json(values), .. } = command {
            found.extend(values.keys().filter_map(|key| object.field(key)).map(|field| field.id));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn text_or_null(text: &str) -> Value {
    if text.trim().is_empty() { Value::Null } else { Value::Text(text.trim().to_string()) }
}

fn int(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
