//! What changed, with the records before and after: for readers of the journal that act on it after the fact, such as plugins. They speak for an
//! administrator's grant and no actor, so nothing is masked here.

use std::sync::Arc;

use kith_base::{RecordId, TimestampMs};
use kith_store::Entry;

use crate::{
    Cause, Engine, EngineError, Record,
    pipeline::head::{ActorStamp, ChangeKind, Head},
};

/// Entries read from the journal at a time.
const READ_ENTRIES: usize = 64;

/// One change of one record.
#[derive(Clone, Debug)]
pub struct Happened {
    pub seq: u64,
    pub at: TimestampMs,
    pub actor: Arc<ActorStamp>,
    pub cause: Cause,
    /// Numeric id of the object.
    pub object: u32,
    pub id: RecordId,
    pub kind: ChangeKind,
    /// None when it was created, or its values were erased since.
    pub before: Option<Record>,
    /// None when its values were erased since.
    pub after: Option<Record>,
}

impl Engine {
    /// Changes after entry `seq` of the objects that are `wanted`, oldest first, and the number of the last entry that was read. At least `most`
    /// of them, unless the journal ends or a stretch of it holds none that are wanted; an entry comes whole.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn happened(
        &self,
        seq: u64,
        most: usize,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Result<(Vec<Happened>, u64), EngineError> {
        let head = self.head();
        let (mut found, mut last) = (Vec::new(), seq);
        if seq >= head {
            return Ok((found, last));
        }
        for entry in self.core().storage.read_from(seq + 1, READ_ENTRIES)? {
            if entry.seq > head || found.len() >= most {
                break;
            }
            last = entry.seq;
            self.changes_of(&entry, wanted, &mut found)?;
        }
        Ok((found, last))
    }

    /// One change again, as it is told after a failure; none when the entry does not hold the record.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn happened_at(&self, seq: u64, id: RecordId) -> Result<Option<Happened>, EngineError> {
        let mut found = Vec::new();
        for entry in self.core().storage.read_from(seq, 1)?.iter().filter(|entry| entry.seq == seq) {
            self.changes_of(entry, &|_| true, &mut found)?;
        }
        Ok(found.into_iter().find(|change| change.id == id))
    }

    fn changes_of(
        &self,
        entry: &Entry,
        wanted: &dyn Fn(u32) -> bool,
        found: &mut Vec<Happened>,
    ) -> Result<(), EngineError> {
        if entry.changes.is_empty() {
            return Ok(());
        }
        let head = Head::decode(&entry.head)?;
        for (note, change) in head.notes.iter().zip(&entry.changes) {
            if !wanted(note.object) {
                continue;
            }
            let after = change.value.as_ref().map(|bytes| Record::decode(change.id, change.version, entry.seq, bytes));
            let after = after.transpose().map_err(|e| EngineError::Internal(e.to_string()))?;
            let before = self.version(change.prev_seq, change.id)?.and_then(|version| version.record);
            found.push(Happened {
                seq: entry.seq,
                at: entry.time_ms,
                actor: head.actor.clone(),
                cause: head.cause.clone(),
                object: note.object,
                id: change.id,
                kind: note.kind,
                before,
                after,
            });
        }
        Ok(())
    }
}
