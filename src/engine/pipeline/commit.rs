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
    Actor, Cause, Command, CommitOptions, Engine, EngineError, IdempotencyKey, Record,
    access::{Guard, last_admin},
    idempotency,
    system::{ids, seeds},
};

/// Attempts at a transaction whose records keep changing. From the second on it waits for its turn, so more than a few are only needed
/// when others come first again and again.
const ATTEMPTS_MAX: usize = 32;

/// A transaction that was asked for.
pub(super) struct Asked<'a> {
    pub actor: &'a Actor,
    pub rights: Rights,
    pub commands: &'a [Command],
    pub ids: Vec<RecordId>,
    pub stamp: Option<IdempotencyStamp>,
    context: ReadContext,
    cause: Cause,
    dry_run: bool,
    actor_stamp: Arc<ActorStamp>,
}

/// An attempt at it.
pub(super) enum Drafted {
    /// There is nothing to write.
    Answered(Vec<Record>),
    Ready(Box<Transaction>, Kept),
}

/// What the answer needs besides the records written.
pub(super) struct Kept {
    pub results: Vec<RecordId>,
    pub unchanged: Vec<Record>,
}

impl Engine {
    /// Parse → access → hooks → validate (all in `prepare`) → commit → image → acknowledge → publish (all in the writer).
    pub(crate) fn commit(
        &self,
        actor: &Actor,
        rights: Rights,
        commands: impl AsRef<[Command]>,
        options: CommitOptions,
    ) -> Result<Vec<Record>, EngineError> {
        let commands = commands.as_ref();
        let outcome = self.commit_whole(actor, rights, commands, options);
        self.ended(actor, rights, commands, outcome)
    }

    /// Counts and audits a refusal, and takes out of an answer what the actor may not see.
    pub(super) fn ended(
        &self,
        actor: &Actor,
        rights: Rights,
        commands: &[Command],
        outcome: Result<Vec<Record>, EngineError>,
    ) -> Result<Vec<Record>, EngineError> {
        if let Err(error) = &outcome {
            self.core().counters.refuse();
            tracing::debug!(code = error.code(), "a transaction was refused");
            self.audit_refused(actor, commands, error);
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
        let asked = self.asked(actor, rights, commands, options)?;
        for attempt in 0..ATTEMPTS_MAX {
            let _turns = if attempt == 0 { Vec::new() } else { core.stripes.take(&asked.ids) };
            if let Some(done) = self.replay(asked.stamp.as_ref())? {
                return Ok(done);
            }
            let (transaction, kept) = match self.draft(&asked)? {
                Drafted::Answered(records) => return Ok(records),
                Drafted::Ready(transaction, kept) => (transaction, kept),
            };
            match self.writer().commit(transaction) {
                Outcome::Done(written) => return Ok(self.answers(&kept.results, written, kept.unchanged)),
                Outcome::Refused(error) => return Err(error),
                Outcome::Replay | Outcome::Stale => {}
            }
        }
        let id = asked.ids[0];
        let found = core.image.meta(id).map_or(0, |meta| meta.version);
        Err(EngineError::VersionConflict { id, expected: found.saturating_sub(1), found })
    }

    /// What stays the same however often the transaction has to be prepared.
    pub(super) fn asked<'a>(
        &self,
        actor: &'a Actor,
        rights: Rights,
        commands: &'a [Command],
        options: CommitOptions,
    ) -> Result<Asked<'a>, EngineError> {
        let stamp = options.idempotency.as_ref().map(|key| idempotency::stamp(actor, key)).transpose()?;
        Ok(Asked {
            actor,
            rights,
            commands,
            ids: ids_of(commands, self.core().now_ms()),
            stamp,
            context: options.context.unwrap_or_else(|| self.read_context()),
            cause: options.cause,
            dry_run: options.dry_run,
            actor_stamp: Arc::new(ActorStamp::of(actor)),
        })
    }

    /// One attempt, up to where it has to be written.
    pub(super) fn draft(&self, asked: &Asked<'_>) -> Result<Drafted, EngineError> {
        let core = self.core();
        let prepared =
            prepare(core, asked.actor, asked.rights, asked.commands, &asked.ids, &asked.cause, &asked.context)?;
        last_admin::keep_one(core, &prepared)?;
        if asked.dry_run {
            return self.as_it_would_be(prepared).map(Drafted::Answered);
        }
        if prepared.changes.is_empty() {
            let unchanged = prepared.unchanged.into_values().collect();
            return Ok(Drafted::Answered(self.answers(&prepared.results, Vec::new(), unchanged)));
        }
        let kept =
            Kept { results: prepared.results.clone(), unchanged: prepared.unchanged.values().cloned().collect() };
        let transaction = Transaction {
            prepared,
            actor: asked.actor_stamp.clone(),
            cause: asked.cause.clone(),
            idempotency: asked.stamp.clone(),
            now_ms: core.now_ms(),
        };
        Ok(Drafted::Ready(Box::new(transaction), kept))
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
        self.evaluate(&mut written);
        let answers = self.answers(&known.results, written, Vec::new());
        // What the request led to may have been erased since; doing it again would bring it back.
        match known.results.iter().find(|id| !answers.iter().any(|record| record.id == **id)) {
            Some(id) => Err(EngineError::RecordNotFound { object: "erased".into(), id: *id }),
            None => Ok(Some(answers)),
        }
    }

    /// What an earlier request with this key led to, masked for the actor; for callers who check more than the commands before they
    /// commit.
    ///
    /// # Errors
    /// `idempotency.mismatch`; `record.not_found` when what it led to has been erased since.
    pub(crate) fn replayed(
        &self,
        actor: &Actor,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<Vec<Record>>, EngineError> {
        let stamp = key.map(|key| idempotency::stamp(actor, key)).transpose()?;
        let mut records = self.replay(stamp.as_ref())?;
        records.iter_mut().for_each(|records| self.mask(actor, records));
        Ok(records)
    }

    /// Keeps a key whose request is done and committed nothing under it.
    pub(crate) fn remember_key(&self, actor: &Actor, cause: Cause, key: &IdempotencyKey) -> Result<(), EngineError> {
        let stamp = idempotency::stamp(actor, key)?;
        let head = Head {
            actor: Arc::new(ActorStamp::of(actor)),
            cause,
            idempotency: Some(stamp.clone()),
            notes: Vec::new(),
            audit: Vec::new(),
        };
        let now_ms = self.core().now_ms();
        let seq = self.writer().note(now_ms, &head)?;
        self.core().idempotency.remember(&stamp, seq, now_ms);
        Ok(())
    }

    fn as_it_would_be(&self, prepared: Prepared) -> Result<Vec<Record>, EngineError> {
        check_claims(self.core(), &prepared, &|_| None)?;
        let mut written: Vec<Record> = prepared.changes.into_iter().map(|planned| planned.record).collect();
        self.evaluate(&mut written);
        Ok(self.answers(&prepared.results, written, prepared.unchanged.into_values().collect()))
    }

    /// One record per command: what was written, with its computed fields, or what was there already.
    pub(super) fn answers(
        &self,
        results: &[RecordId],
        written: Vec<Record>,
        mut unchanged: Vec<Record>,
    ) -> Vec<Record> {
        // The usual transaction has one record per command, in order.
        if results.len() == written.len() && results.iter().zip(&written).all(|(id, r)| *id == r.id) {
            return written;
        }
        self.evaluate(&mut unchanged);
        let all: std::collections::HashMap<RecordId, &Record> =
            unchanged.iter().chain(&written).map(|record| (record.id, record)).collect();
        let image = &self.core().image;
        results.iter().filter_map(|id| all.get(id).map(|r| (*r).clone()).or_else(|| image.get(*id))).collect()
    }

    /// Sets the computed fields of records that do not come from the image.
    fn evaluate(&self, records: &mut [Record]) {
        records.iter_mut().for_each(|record| self.core().image.evaluate_computed(record));
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
    pub(crate) fn note(&self, actor: &Actor, cause: Cause, audit: Vec<u8>) -> Result<u64, EngineError> {
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
