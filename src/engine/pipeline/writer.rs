//! Writes a group: holds each transaction against what is there and against the group so far, appends the group to the journal with one
//! sync, brings the image up to it, and only then answers. Whose turn it is to write is decided in `turns.rs`.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use kith_base::{RecordId, TimestampMs};
use kith_model::Value;
use kith_store::{ChangeDraft, ENTRY_BYTES_MAX, EntryDraft, HEAD_BYTES_MAX, StoreError};
use tokio::sync::oneshot::Sender;

use super::{
    claims::check_claims,
    erasing::ErasureJob,
    head::{ActorStamp, ChangeNote, Head, IdempotencyStamp},
    plan::{Claim, Planned, encode},
    prepare::Prepared,
};
use crate::{Cause, EngineError, Record, engine::Core, events, system::ids};

/// Bytes of one group: half a segment of the journal.
const GROUP_BYTES: usize = 8 * 1_024 * 1_024;

/// Changes in one group: some megabytes, so that the first of a group does not wait long for the last.
const GROUP_CHANGES: usize = 4_096;

/// A transaction on its way to the writer.
pub(crate) struct Transaction {
    pub prepared: Prepared,
    pub actor: Arc<ActorStamp>,
    pub cause: Cause,
    pub idempotency: Option<IdempotencyStamp>,
    pub now_ms: TimestampMs,
}

/// What became of it.
pub(crate) enum Outcome {
    /// Durable. The new versions, in order of the planned changes.
    Done(Vec<Record>),
    /// Its key had been used for the same request before.
    Replay,
    /// A record or the schema is newer than what it was prepared against.
    Stale,
    Refused(EngineError),
}

/// Work for the writer.
pub(super) enum Job {
    Commit(Box<Transaction>, Sender<Outcome>),
    /// An entry without changes.
    Note(EntryDraft, Sender<Result<u64, EngineError>>),
    /// What is taken for good; whatever came before it is written first.
    Erase(ErasureJob),
    Stop,
}

impl Job {
    /// Answers that nothing is taken any more.
    pub fn refuse(self) {
        match self {
            Job::Commit(_, reply) => drop(reply.send(Outcome::Refused(EngineError::Closing))),
            Job::Note(_, reply) => drop(reply.send(Err(EngineError::Closing))),
            Job::Erase((_, reply)) => drop(reply.send(Err(EngineError::Closing))),
            Job::Stop => {}
        }
    }
}

pub(super) struct Writer {
    pub(super) core: Arc<Core>,
    /// Newest auto-number per (object, field), once one was asked for.
    numbers: HashMap<(u32, u32), i64>,
    /// Transactions that must wait for the group before them.
    held: VecDeque<(Box<Transaction>, Sender<Outcome>)>,
    /// To be done after the group before it.
    erasing: Option<ErasureJob>,
    /// Cleared by the last job, and left cleared by a panic: an image that may lack what the journal has must not be written by.
    whole: bool,
}

/// A group under way.
#[derive(Default)]
struct Group {
    entries: Vec<EntryDraft>,
    waiting: Vec<Waiting>,
    /// Records the group writes.
    written: HashSet<RecordId>,
    trashed: HashSet<RecordId>,
    claims: HashMap<Claim, RecordId>,
    keys: HashSet<[u8; 16]>,
    changes: usize,
    bytes: usize,
    /// A change of metadata ends its group: what follows must be prepared under the new schema.
    metadata: bool,
}

impl Group {
    fn has_room(&self) -> bool {
        self.changes < GROUP_CHANGES && self.bytes < GROUP_BYTES && !self.metadata
    }
}

enum Waiting {
    Commit { head: Head, changes: Vec<Planned>, time_ms: TimestampMs, reply: Sender<Outcome> },
    Note(Sender<Result<u64, EngineError>>),
}

impl Writer {
    pub fn new(core: Arc<Core>) -> Writer {
        Writer { core, numbers: HashMap::new(), held: VecDeque::new(), erasing: None, whole: true }
    }

    /// Whether a single transaction may be written now, before all others.
    pub fn is_free(&self) -> bool {
        self.whole && self.held.is_empty()
    }

    /// Writes `first` and what `next` gives, in as many groups as it takes. False: nothing will be written any more.
    pub fn work(&mut self, first: Job, next: &mut dyn FnMut() -> Option<Job>) -> bool {
        if !std::mem::take(&mut self.whole) {
            first.refuse();
            return false;
        }
        let mut group = Group::default();
        let mut open = self.take(&mut group, first);
        loop {
            while open && group.has_room() && self.erasing.is_none() {
                match next() {
                    Some(job) => open = self.take(&mut group, job),
                    None => break,
                }
            }
            self.write(group);
            if let Some(job) = self.erasing.take() {
                self.erase(job);
            }
            if self.held.is_empty() {
                break;
            }
            group = Group::default();
            for (transaction, reply) in std::mem::take(&mut self.held) {
                self.admit(&mut group, transaction, reply);
            }
        }
        self.whole = open;
        open
    }

    /// False: the last job.
    fn take(&mut self, group: &mut Group, job: Job) -> bool {
        match job {
            Job::Commit(transaction, reply) => self.admit(group, transaction, reply),
            Job::Note(draft, reply) => {
                group.entries.push(draft);
                group.waiting.push(Waiting::Note(reply));
                group.changes += 1;
            }
            Job::Erase(job) => self.erasing = Some(job),
            Job::Stop => return false,
        }
        true
    }

    /// Puts a transaction into the group, or answers it at once.
    fn admit(&mut self, group: &mut Group, mut transaction: Box<Transaction>, reply: Sender<Outcome>) {
        if let Some(stamp) = &transaction.idempotency {
            if group.keys.contains(&stamp.key) {
                return self.held.push_back((transaction, reply));
            }
            match self.core.idempotency.find(stamp) {
                Ok(None) => {}
                Ok(Some(_)) => return drop(reply.send(Outcome::Replay)),
                Err(error) => return drop(reply.send(Outcome::Refused(error))),
            }
        }
        if let Err(outcome) = self.check(group, &transaction.prepared) {
            return drop(reply.send(outcome));
        }
        match self.stage(group, &mut transaction) {
            Ok((head, entry)) => {
                group.bytes += entry.changes.iter().map(|change| change.value.len()).sum::<usize>();
                let Transaction { prepared, now_ms, .. } = *transaction;
                group.changes += prepared.changes.len();
                group.entries.push(entry);
                group.waiting.push(Waiting::Commit { head, changes: prepared.changes, time_ms: now_ms, reply });
            }
            Err(error) => drop(reply.send(Outcome::Refused(error))),
        }
    }

    /// Holds versions, links and unique values against the image and the group so far.
    fn check(&self, group: &Group, prepared: &Prepared) -> Result<(), Outcome> {
        if group.metadata || prepared.revision != self.core.meta.read().revision {
            return Err(Outcome::Stale);
        }
        for planned in &prepared.changes {
            let found = self.core.image.meta(planned.record.id).map_or(0, |meta| meta.version);
            let expected = planned.before.as_ref().map_or(0, |before| before.version);
            if group.written.contains(&planned.record.id) || found != expected {
                return Err(Outcome::Stale);
            }
        }
        let own: HashSet<RecordId> = prepared.changes.iter().map(|p| p.record.id).collect();
        for planned in &prepared.changes {
            // Prepared against a record that has gone to the trash since: preparing again says so with the right words.
            let gone = |id: &RecordId| {
                let there = group.written.contains(id) || self.core.image.meta(*id).is_some_and(|m| !m.trashed);
                !own.contains(id) && (group.trashed.contains(id) || !there)
            };
            if planned.targets.iter().any(|target| gone(&target.id)) {
                return Err(Outcome::Stale);
            }
        }
        check_claims(&self.core, prepared, &|claim| group.claims.get(claim).copied()).map_err(Outcome::Refused)
    }

    /// Gives numbers, and makes the entry.
    fn stage(&mut self, group: &mut Group, transaction: &mut Transaction) -> Result<(Head, EntryDraft), EngineError> {
        let mut stamp = transaction.idempotency.take();
        let prepared = &mut transaction.prepared;
        if let Some(stamp) = &mut stamp {
            stamp.results = prepared.results.clone();
            group.keys.insert(stamp.key);
        }
        let mut notes = Vec::with_capacity(prepared.changes.len());
        let mut drafts = Vec::with_capacity(prepared.changes.len());
        for planned in &mut prepared.changes {
            let value = match planned.encoded.take() {
                Some(bytes) => bytes,
                None => {
                    self.number(planned);
                    encode(&planned.record)?
                }
            };
            let record = &planned.record;
            notes.push(ChangeNote { object: record.object, kind: planned.kind, fields: planned.fields.clone() });
            let prev_seq = planned.before.as_ref().map_or(0, |before| before.seq);
            drafts.push(ChangeDraft { id: record.id, version: record.version, prev_seq, value });
        }
        let head = Head {
            actor: transaction.actor.clone(),
            cause: transaction.cause.clone(),
            idempotency: stamp,
            notes,
            audit: Vec::new(),
        };
        let entry = EntryDraft { time_ms: transaction.now_ms, head: head.encode()?, changes: drafts };
        check_room(&entry)?;
        for planned in &prepared.changes {
            let id = planned.record.id;
            group.written.insert(id);
            if planned.record.trashed {
                group.trashed.insert(id);
            }
            group.claims.extend(planned.claims.iter().map(|claim| (claim.clone(), id)));
            group.metadata |= is_metadata(planned.record.object);
        }
        Ok((head, entry))
    }

    fn number(&mut self, planned: &mut Planned) {
        for field in planned.meta.auto_numbers.clone() {
            let at = (planned.record.object, field);
            let core = &self.core;
            let newest = self.numbers.entry(at).or_insert_with(|| core.newest_number(at.0, at.1));
            *newest += 1;
            planned.record.values.set(field, Value::Int(*newest));
        }
    }

    /// Makes the group durable, brings the image up to it, and answers.
    fn write(&self, group: Group) {
        if group.entries.is_empty() {
            return;
        }
        match self.core.storage.append(self.core.storage.head(), group.entries) {
            Ok(seqs) => {
                self.core.counters.groups.fetch_add(1, Ordering::Relaxed);
                for (waiting, seq) in group.waiting.into_iter().zip(seqs) {
                    match waiting {
                        Waiting::Note(reply) => drop(reply.send(Ok(seq))),
                        Waiting::Commit { head, changes, time_ms, reply } => {
                            self.applied(seq, time_ms, &head, changes, reply);
                        }
                    }
                }
            }
            Err(error) => fail(group.waiting, &error),
        }
    }

    fn applied(&self, seq: u64, time_ms: TimestampMs, head: &Head, changes: Vec<Planned>, reply: Sender<Outcome>) {
        let core = &self.core;
        let mut records = Vec::with_capacity(changes.len());
        for mut planned in changes {
            planned.record.seq = seq;
            records.push(planned.record);
        }
        core.image.apply_in_order(&mut records);
        let schema = core.note_records(&records, seq);
        if let Some(stamp) = &head.idempotency {
            core.idempotency.remember(stamp, seq, time_ms);
        }
        core.counters.commits.fetch_add(1, Ordering::Relaxed);
        core.index(&records);
        if core.events.receiver_count() > 0 {
            let meta = core.meta();
            let changed = records.iter().map(|r| (r.id, r.version));
            drop(core.events.send(Arc::new(events::event(&meta, seq, time_ms, head, changed, schema))));
        }
        drop(reply.send(Outcome::Done(records)));
    }
}

/// What the store would refuse must be refused here, or the whole group would be.
fn check_room(entry: &EntryDraft) -> Result<(), EngineError> {
    let bytes: usize = entry.changes.iter().map(|change| change.value.len()).sum();
    if bytes > ENTRY_BYTES_MAX || entry.head.len() > HEAD_BYTES_MAX {
        return Err(EngineError::Request(
            "the transaction is too large for one entry; send it in smaller batches".into(),
        ));
    }
    Ok(())
}

fn fail(waiting: Vec<Waiting>, error: &StoreError) {
    // An erasure appended an entry of its own beside this thread: nothing is lost, everyone prepares again.
    let moved = matches!(error, StoreError::HeadMoved { .. });
    if !moved {
        tracing::error!(code = error.code(), %error, "a group could not be written");
    }
    for waiting in waiting {
        match waiting {
            Waiting::Note(reply) => drop(reply.send(Err(error.clone().into()))),
            Waiting::Commit { reply, .. } if moved => drop(reply.send(Outcome::Stale)),
            Waiting::Commit { reply, .. } => drop(reply.send(Outcome::Refused(error.clone().into()))),
        }
    }
}

pub(crate) fn is_metadata(object: u32) -> bool {
    matches!(object, ids::objects::OBJECT | ids::fields::OBJECT)
}
