//! One change from beginning to end, as one readable list. The steps are elsewhere; their order is only here.

use std::sync::Arc;

use kith_base::RecordId;
use kith_model::ReadContext;

use super::{
    claims::check_claims,
    head::{ActorStamp, Head, IdempotencyStamp},
    prepare::{Prepared, Rights, ids_of, prepare},
    writer::{Outcome, Transaction},
};
use crate::{
    Actor, Command, CommitOptions, Engine, EngineError, Record,
    access::{Guard, last_admin},
    idempotency,
    system::{ids, seeds},
};

/// Attempts at a transaction whose records keep changing. From the second on it waits for its turn, so more than a few are only needed
/// when others come first again and again.
const ATTEMPTS_MAX: usize = 32;

impl Engine {
    /// Parse → access → hooks → validate (all in `prepare`) → commit → image → acknowledge → publish (all in the writer).
    pub(crate) fn commit(
        &self,
        actor: &Actor,
        rights: Rights,
        commands: Vec<Command>,
        options: CommitOptions,
    ) -> Result<Vec<Record>, EngineError> {
        let outcome = self.commit_whole(actor, rights, &commands, options);
        if let Err(error) = &outcome {
            self.core().counters.refuse();
            tracing::debug!(code = error.code(), "a transaction was refused");
            self.audit_refused(actor, &commands, error);
        }
        let mut records = outcome?;
        if rights == Rights::Actor {
            self.mask(actor, &mut records);
        }
        Ok(records)
    }

    fn commit_whole(
        &self,
        actor: &Actor,
        rights: Rights,
        commands: &[Command],
        options: CommitOptions,
    ) -> Result<Vec<Record>, EngineError> {
        if commands.len() > kith_base::limits::BATCH_OPS_MAX {
            return Err(EngineError::BatchTooLarge(commands.len()));
        }
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let core = self.core();
        let _administration = last_admin::concerns(commands).then(|| core.access.administration.lock());
        let stamp = options.idempotency.as_ref().map(|key| idempotency::stamp(actor, key)).transpose()?;
        let context = options.context.unwrap_or_else(|| self.read_context());
        let ids = ids_of(commands, core.now_ms());
        let actor_stamp = Arc::new(ActorStamp::of(actor));
        for attempt in 0..ATTEMPTS_MAX {
            let _turns = if attempt == 0 { Vec::new() } else { core.stripes.take(&ids) };
            if let Some(done) = self.replay(stamp.as_ref())? {
                return Ok(done);
            }
            let prepared = prepare(core, actor, rights, commands, &ids, &context)?;
            last_admin::keep_one(core, &prepared)?;
            if options.dry_run {
                return self.as_it_would_be(prepared);
            }
            if prepared.changes.is_empty() {
                return Ok(self.answers(&prepared.results, &[], prepared.unchanged.into_values().collect()));
            }
            let results = prepared.results.clone();
            let unchanged: Vec<Record> = prepared.unchanged.values().cloned().collect();
            let transaction = Transaction {
                prepared,
                actor: actor_stamp.clone(),
                cause: options.cause.clone(),
                idempotency: stamp.clone(),
                now_ms: core.now_ms(),
            };
            match self.writer().commit(transaction) {
                Outcome::Done(written) => return Ok(self.answers(&results, &written, unchanged)),
                Outcome::Refused(error) => return Err(error),
                Outcome::Replay | Outcome::Stale => {}
            }
        }
        let id = ids[0];
        let found = core.image.meta(id).map_or(0, |meta| meta.version);
        Err(EngineError::VersionConflict { id, expected: found.saturating_sub(1), found })
    }

    /// The answer of an earlier request with the same key, as it was then.
    fn replay(&self, stamp: Option<&IdempotencyStamp>) -> Result<Option<Vec<Record>>, EngineError> {
        let Some(stamp) = stamp else { return Ok(None) };
        let Some(known) = self.core().idempotency.find(stamp)? else { return Ok(None) };
        let mut written = Vec::new();
        if let Some(entry) =
            self.core().storage.read_from(known.seq, 1)?.into_iter().next().filter(|e| e.seq == known.seq)
        {
            for change in entry.changes {
                let Some(value) = change.value else { continue };
                let record = Record::decode(change.id, change.version, entry.seq, &value)
                    .map_err(|e| EngineError::Internal(e.to_string()))?;
                written.push(record);
            }
        }
        Ok(Some(self.answers(&known.results, &written, Vec::new())))
    }

    fn as_it_would_be(&self, prepared: Prepared) -> Result<Vec<Record>, EngineError> {
        check_claims(self.core(), &prepared, &|_| None)?;
        let written: Vec<Record> = prepared.changes.into_iter().map(|planned| planned.record).collect();
        Ok(self.answers(&prepared.results, &written, prepared.unchanged.into_values().collect()))
    }

    /// One record per command: what was written, or what was there already. With computed fields.
    fn answers(&self, results: &[RecordId], written: &[Record], unchanged: Vec<Record>) -> Vec<Record> {
        // The usual transaction has one record per command, in order.
        let in_order = results.len() == written.len() && results.iter().zip(written).all(|(id, r)| *id == r.id);
        let mut records: Vec<Record> = if in_order {
            written.to_vec()
        } else {
            let all: std::collections::HashMap<RecordId, &Record> =
                unchanged.iter().chain(written).map(|record| (record.id, record)).collect();
            results
                .iter()
                .filter_map(|id| all.get(id).map(|r| (*r).clone()).or_else(|| self.core().image.get(*id)))
                .collect()
        };
        let meta = self.core().meta();
        for record in &mut records {
            if meta.object_by_id(record.object).is_none_or(|object| object.computed.is_empty()) {
                continue;
            }
            // The image has computed them already, unless someone else was faster.
            match self.core().image.get_of(record.object, record.id).filter(|now| now.seq == record.seq && now.seq > 0)
            {
                Some(now) => *record = now,
                None => self.core().image.evaluate_computed(record),
            }
        }
        records
    }

    /// Takes out what the actor may not see.
    pub(crate) fn mask(&self, actor: &Actor, records: &mut [Record]) {
        if actor.is_system() {
            return;
        }
        let meta = self.core().meta();
        let guard = Guard::new(actor);
        for record in records {
            if let Some(object) = meta.object_by_id(record.object) {
                guard.mask_record(&object.def, record);
            }
        }
    }

    /// How local forms are read in this workspace.
    pub fn read_context(&self) -> ReadContext {
        if let Some(known) = self.core().read_context.read().as_ref() {
            return known.clone();
        }
        let context = self.core().image.get(seeds::SETTINGS).map_or_else(ReadContext::default, |r| from_settings(&r));
        *self.core().read_context.write() = Some(context.clone());
        context
    }

    /// Appends an entry that changes nothing: audit items in their module's own form.
    pub(crate) fn note(&self, actor: &Actor, cause: crate::Cause, audit: Vec<u8>) -> Result<u64, EngineError> {
        let head = Head { actor: Arc::new(ActorStamp::of(actor)), cause, idempotency: None, notes: Vec::new(), audit };
        self.writer().note(self.core().now_ms(), &head)
    }
}

pub(crate) fn from_settings(record: &Record) -> ReadContext {
    use kith_model::Value;
    let default = ReadContext::default();
    let text = |field: u32, or: String| match record.values.get(field) {
        Value::Text(text) => text.clone(),
        _ => or,
    };
    let flag = |field: u32| matches!(record.values.get(field), Value::Bool(true));
    ReadContext {
        country: text(ids::settings::COUNTRY, default.country),
        currency: text(ids::settings::CURRENCY, default.currency),
        time_zone: text(ids::settings::TIME_ZONE, default.time_zone),
        day_first: flag(ids::settings::DAY_FIRST),
        decimal_comma: flag(ids::settings::DECIMAL_COMMA),
    }
}
