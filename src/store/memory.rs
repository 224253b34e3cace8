//! The store without a disk, for tests of the layers above. Same meaning as the real one, expected heads and limits
//! included; nothing is sealed and nothing survives.

use std::collections::BTreeMap;

use kith_base::RecordId;
use parking_lot::Mutex;

use crate::{
    Anchor, Change, Entry, EntryDraft, EntryHead, EntryKind, Storage, StoreError, StoreStats, VerifyReport,
    api::check_group,
};

/// A [`Storage`] in memory.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    records: BTreeMap<RecordId, (u64, u64, Vec<u8>)>,
    cursors: BTreeMap<String, u64>,
    closed: bool,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }
}

impl State {
    fn open(&self) -> Result<(), StoreError> {
        if self.closed { Err(StoreError::Closed) } else { Ok(()) }
    }

    fn push(&mut self, kind: EntryKind, draft: EntryDraft) -> u64 {
        let seq = self.entries.len() as u64 + 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.entries.last().map_or(&[0; 32], |e| &e.hash));
        hasher.update(&seq.to_le_bytes()).update(&draft.time_ms.to_le_bytes()).update(&draft.head);
        let mut changes = Vec::with_capacity(draft.changes.len());
        for change in draft.changes {
            hasher.update(change.id.as_bytes()).update(&change.version.to_le_bytes()).update(&change.value);
            let value = (kind == EntryKind::Change).then_some(change.value);
            if let Some(value) = &value {
                self.records.insert(change.id, (change.version, seq, value.clone()));
            }
            changes.push(Change { id: change.id, version: change.version, prev_seq: change.prev_seq, value });
        }
        let hash = *hasher.finalize().as_bytes();
        self.entries.push(Entry { seq, kind, time_ms: draft.time_ms, head: draft.head, changes, hash });
        seq
    }
}

impl Storage for MemoryStore {
    fn head(&self) -> u64 {
        self.0.lock().entries.len() as u64
    }

    fn append(&self, expected_head: u64, group: Vec<EntryDraft>) -> Result<Vec<u64>, StoreError> {
        let mut state = self.0.lock();
        state.open()?;
        check_group(state.entries.len() as u64, expected_head, &group)?;
        Ok(group.into_iter().map(|draft| state.push(EntryKind::Change, draft)).collect())
    }

    fn read_from(&self, seq: u64, limit_entries: usize) -> Result<Vec<Entry>, StoreError> {
        let state = self.0.lock();
        state.open()?;
        Ok(state.entries.iter().skip(seq.saturating_sub(1) as usize).take(limit_entries).cloned().collect())
    }

    fn read_heads(&self, seq: u64, limit_entries: usize) -> Result<Vec<EntryHead>, StoreError> {
        let entries = self.read_from(seq, limit_entries)?.into_iter();
        Ok(entries
            .map(|e| EntryHead { seq: e.seq, kind: e.kind, time_ms: e.time_ms, head: e.head, hash: e.hash })
            .collect())
    }

    fn read_change(&self, seq: u64, id: RecordId) -> Result<Option<(EntryHead, Change)>, StoreError> {
        let state = self.0.lock();
        state.open()?;
        let Some(entry) = seq.checked_sub(1).and_then(|at| state.entries.get(at as usize)) else { return Ok(None) };
        // The last one counts: an entry may change a record twice.
        let Some(change) = entry.changes.iter().rev().find(|change| change.id == id) else { return Ok(None) };
        let head =
            EntryHead { seq, kind: entry.kind, time_ms: entry.time_ms, head: entry.head.clone(), hash: entry.hash };
        Ok(Some((head, change.clone())))
    }

    fn scan(&self, each: &mut dyn FnMut(RecordId, u64, u64, &[u8])) -> Result<(), StoreError> {
        let state = self.0.lock();
        state.open()?;
        state.records.iter().for_each(|(id, (version, seq, value))| each(*id, *version, *seq, value));
        Ok(())
    }

    fn checkpoint(&self) -> Result<(), StoreError> {
        self.0.lock().open()
    }

    fn erase(&self, ids: &[RecordId], head: Vec<u8>, time_ms: i64) -> Result<u64, StoreError> {
        let mut state = self.0.lock();
        state.open()?;
        let named: std::collections::BTreeSet<_> = ids.iter().copied().collect();
        let changes = named.iter().map(|id| crate::ChangeDraft { id: *id, version: 0, prev_seq: 0, value: Vec::new() });
        let draft = EntryDraft { time_ms, head, changes: changes.collect() };
        for entry in &mut state.entries {
            for change in entry.changes.iter_mut().filter(|change| named.contains(&change.id)) {
                change.value = None;
            }
        }
        state.records.retain(|id, _| !named.contains(id));
        Ok(state.push(EntryKind::Erasure, draft))
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError> {
        let state = self.0.lock();
        state.open()?;
        progress(1, 1);
        let changes = || state.entries.iter().filter(|e| e.kind == EntryKind::Change).flat_map(|e| &e.changes);
        Ok(VerifyReport {
            entries: state.entries.len() as u64,
            changes: changes().count() as u64,
            erased_changes: changes().filter(|change| change.value.is_none()).count() as u64,
            records: state.records.len() as u64,
            head_seq: state.entries.len() as u64,
            head_hash: state.entries.last().map_or([0; 32], |entry| entry.hash),
            ..VerifyReport::default()
        })
    }

    fn verify_chain(
        &self,
        anchors: &[Anchor],
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<VerifyReport, StoreError> {
        let report = self.verify(&mut |_, _| {})?;
        go_on(1, 1);
        let state = self.0.lock();
        let holds = |anchor: &Anchor| {
            let entry = anchor.seq.checked_sub(1).and_then(|at| state.entries.get(at as usize));
            entry.is_some_and(|entry| !anchor.hash.is_empty() && entry.hash.starts_with(&anchor.hash))
        };
        let anchors = anchors.iter().map(|anchor| (anchor.clone(), holds(anchor))).collect();
        Ok(VerifyReport { anchors, ..report })
    }

    fn cursor(&self, name: &str) -> Result<u64, StoreError> {
        let state = self.0.lock();
        state.open()?;
        Ok(state.cursors.get(name).copied().unwrap_or(0))
    }

    fn set_cursor(&self, name: &str, seq: u64) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        state.open()?;
        state.cursors.insert(name.to_string(), seq);
        Ok(())
    }

    fn stats(&self) -> StoreStats {
        let head = self.head();
        StoreStats { head, checkpoint_seq: head, ..StoreStats::default() }
    }

    fn close(&self) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        state.open()?;
        state.closed = true;
        Ok(())
    }
}
