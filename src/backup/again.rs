//! Does again, in a restored store, what was erased after the moment it was restored to, or only elsewhere. What rules anonymised is not
//! taken away: its older versions are, and it gets the same values as then.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use kith_base::RecordId;
use kith_engine::{
    Actor, ActorStamp, Cause, ChangeKind, Record,
    erase::Given,
    pipeline::head::{ChangeNote, Head},
};
use kith_store::{BackupSource, ChangeDraft, EntryDraft, Storage, Store};

use crate::{BackupError, erasures::Named};

/// Records erased, or put back, in one entry.
const AT_ONCE: usize = 500;

/// What came of it.
pub struct Again {
    /// Records that had been erased altogether.
    pub gone: u64,
    /// Records that were there, and hold the values of a rule again.
    pub replaced: u64,
}

/// What should happen to a record.
enum Fate {
    Gone,
    /// Oldest first.
    Given(BTreeMap<u64, Given>),
}

/// Does what `named` says and the journal of `store` does not say itself: that was done when it was opened.
///
/// # Errors
/// What the store says; `backup.not_verified` when a record in it cannot be read.
pub fn erase(store: &Store, named: &[Named], cause: &str, now_ms: i64) -> Result<Again, BackupError> {
    let own: HashSet<(u64, RecordId)> =
        store.erasures(0)?.into_iter().flat_map(|note| note.ids.into_iter().map(move |id| (note.seq, id))).collect();
    let fates = fates(named, &own);
    let gone: Vec<RecordId> = fates.iter().filter(|(_, fate)| matches!(fate, Fate::Gone)).map(|(id, _)| *id).collect();
    let head = Head {
        actor: Arc::new(ActorStamp::of(&Actor::system())),
        cause: Cause::of("restore", cause),
        idempotency: None,
        notes: Vec::new(),
        audit: Vec::new(),
    };
    for some in gone.chunks(AT_ONCE) {
        store.erase(some, head.encode()?, now_ms)?;
    }
    let replaced = replaced(store, &fates)?;
    for some in replaced.chunks(AT_ONCE) {
        let ids: Vec<RecordId> = some.iter().map(|record| record.id).collect();
        store.erase(&ids, head.encode()?, now_ms)?;
        let note =
            |record: &Record| ChangeNote { object: record.object, kind: ChangeKind::Updated, fields: Vec::new() };
        let head = Head { notes: some.iter().map(note).collect(), ..head.clone() };
        let change = |record: &Record| {
            let (id, version, prev_seq) = (record.id, record.version + 1, record.seq);
            ChangeDraft { id, version, prev_seq, value: record.encode() }
        };
        let changes = some.iter().map(change).collect();
        store.append(store.head(), vec![EntryDraft { time_ms: now_ms, head: head.encode()?, changes }])?;
    }
    Ok(Again { gone: gone.len() as u64, replaced: replaced.len() as u64 })
}

fn fates(named: &[Named], own: &HashSet<(u64, RecordId)>) -> BTreeMap<RecordId, Fate> {
    // A journal does not know what was given; a list beside it does, and speaks of the same entry.
    let mut given: BTreeMap<(RecordId, u64), Option<&Given>> = BTreeMap::new();
    for erasure in named {
        for id in erasure.ids.iter().filter(|id| !own.contains(&(erasure.seq, **id))) {
            let known = given.entry((*id, erasure.seq)).or_default();
            *known = known.or(erasure.given.as_ref());
        }
    }
    let mut fates = BTreeMap::new();
    for ((id, seq), given) in given {
        let fate = fates.entry(id).or_insert_with(|| Fate::Given(BTreeMap::new()));
        match (fate, given) {
            (Fate::Given(list), Some(given)) => drop(list.insert(seq, given.clone())),
            (fate, None) => *fate = Fate::Gone,
            (Fate::Gone, Some(_)) => {}
        }
    }
    fates
}

/// The records that get other values, with them, as far as they are there.
fn replaced(store: &Store, fates: &BTreeMap<RecordId, Fate>) -> Result<Vec<Record>, BackupError> {
    let wanted: BTreeSet<RecordId> =
        fates.iter().filter(|(_, fate)| matches!(fate, Fate::Given(_))).map(|(id, _)| *id).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    store.scan(&mut |id, version, seq, value| {
        if wanted.contains(&id) {
            found.push(Record::decode(id, version, seq, value));
        }
    })?;
    let mut replaced = Vec::with_capacity(found.len());
    for record in found {
        let mut record = record.map_err(|error| BackupError::NotVerified(error.to_string()))?;
        if let Some(Fate::Given(list)) = fates.get(&record.id) {
            for given in list.values() {
                given.put_over(&mut record)?;
            }
        }
        replaced.push(record);
    }
    Ok(replaced)
}
