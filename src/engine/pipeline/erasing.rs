//! Erasing in the one thread that writes, so that no change can slip in between what is there and what is taken out. Decides nothing:
//! what is erased has been worked out and permitted before.

use std::sync::Arc;

use kith_base::{RecordId, TimestampMs};
use kith_store::{ChangeDraft, EntryDraft};
use tokio::sync::oneshot::Sender;

use super::{
    head::{ChangeKind, ChangeNote, Head},
    plan::encode,
    writer::Writer,
};
use crate::{EngineError, Record, events};

/// Records put back in one entry.
const BACK_ENTRY: usize = 500;

/// What to take out for good, and what to put in its place.
pub(crate) struct Erasure {
    pub ids: Vec<RecordId>,
    /// Who and why; its notes are filled in here.
    pub head: Head,
    pub time_ms: TimestampMs,
    /// New versions of records whose older ones are erased; each one's `seq` still that of the version before. One that somebody has
    /// changed meanwhile is left alone.
    pub put_back: Vec<Record>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Erased {
    /// Number of the entry that says so; none where nothing was left to erase.
    pub seq: Option<u64>,
}

pub(super) type ErasureJob = (Box<Erasure>, Sender<Result<Erased, EngineError>>);

impl Writer {
    pub(super) fn erase(&self, (erasure, reply): ErasureJob) {
        // Whoever waited may be gone; the work is done all the same.
        let _ = reply.send(self.carry_out(*erasure));
    }

    fn carry_out(&self, erasure: Erasure) -> Result<Erased, EngineError> {
        let Erasure { mut ids, mut head, time_ms, mut put_back } = erasure;
        let core = &self.core;
        // There as planned, or gone in an attempt that was interrupted.
        put_back.retain(|record| core.image.meta(record.id).is_none_or(|now| now.version + 1 == record.version));
        ids.extend(put_back.iter().map(|record| record.id));
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| core.image.meta(*id).is_some());
        let mut erased = Erased::default();
        if !ids.is_empty() {
            let notes = ids.iter().filter_map(|id| core.image.meta(*id)).map(|meta| meta.object);
            head.notes =
                notes.map(|object| ChangeNote { object, kind: ChangeKind::Erased, fields: Vec::new() }).collect();
            let seq = core.storage.erase(&ids, head.encode()?, time_ms)?;
            erased.seq = Some(seq);
            for id in &ids {
                core.search.remove(*id);
                core.image.erase(*id);
            }
            head.notes.iter().for_each(|note| core.access.directory.changed(note.object));
            self.tell(seq, time_ms, &head, ids.iter().map(|id| (*id, 0)));
        }
        for some in put_back.chunks(BACK_ENTRY) {
            self.put_back(&head, time_ms, some)?;
        }
        Ok(erased)
    }

    fn put_back(&self, head: &Head, time_ms: TimestampMs, records: &[Record]) -> Result<(), EngineError> {
        let core = &self.core;
        let notes = records.iter().map(|record| ChangeNote {
            object: record.object,
            kind: ChangeKind::Updated,
            fields: Vec::new(),
        });
        let head = Head { notes: notes.collect(), audit: Vec::new(), ..head.clone() };
        let mut changes = Vec::with_capacity(records.len());
        for record in records {
            let (id, version, prev_seq) = (record.id, record.version, record.seq);
            changes.push(ChangeDraft { id, version, prev_seq, value: encode(record)? });
        }
        let entry = EntryDraft { time_ms, head: head.encode()?, changes };
        let seqs = core.storage.append(core.storage.head(), vec![entry])?;
        let Some(seq) = seqs.first().copied() else { return Ok(()) };
        let records: Vec<Record> = records.iter().map(|record| Record { seq, ..record.clone() }).collect();
        core.image.apply_many(records.clone());
        core.note_records(&records, seq);
        core.index(&records);
        self.tell(seq, time_ms, &head, records.iter().map(|record| (record.id, record.version)));
        Ok(())
    }

    fn tell(&self, seq: u64, at: TimestampMs, head: &Head, changed: impl Iterator<Item = (RecordId, u64)>) {
        if self.core.events.receiver_count() > 0 {
            let event = events::event(&self.core.meta(), seq, at, head, changed, None);
            drop(self.core.events.send(Arc::new(event)));
        }
    }
}
