//! The store on a disk: journal, records and cursors joined behind [`Storage`]. Order is everything here: the journal's sync
//! comes before the acknowledgement and before the record store hears of a change.

use std::{collections::HashSet, path::Path, sync::Arc};

use kith_base::RecordId;
use parking_lot::Mutex;

use crate::{
    Anchor, Change, Entry, EntryDraft, EntryHead, EntryKind, OpenOptions, OpenReport, Storage, StoreError, StoreStats,
    Vault, VerifyReport,
    api::{HEAD_BYTES_MAX, check_group, check_size},
    applier::Applier,
    checking::Check,
    checkpoint::Checkpoint,
    cursors::Cursors,
    folder::{Folder, FolderLock, disk_bytes, remove_file, remove_folder, replace_file},
    journal::{
        FrameKind, Journal, Mark, Prepared, Row,
        format::{Bad, entry_frame},
    },
    records::{Becomes, Job, JobChange, Records},
    seal::{Keys, Nonces, Place, Ring},
    stop::Stop,
};

/// The store of a data folder. Holds the folder's lock while it lives.
pub struct Store {
    pub(crate) folder: Folder,
    pub(crate) keys: Arc<Keys>,
    pub(crate) vault: Vault,
    pub(crate) work: crate::rotation::Work,
    pub(crate) options: OpenOptions,
    pub(crate) journal: Journal,
    pub(crate) applier: Applier,
    pub(crate) cursors: Cursors,
    pub(crate) stop: Arc<Stop>,
    /// Whoever appends, scans or erases holds it.
    pub(crate) writer: Mutex<()>,
    /// Erasing and verifying exclude each other: segments must not be replaced under who counts bytes. Taken before `writer`.
    pub(crate) long: Mutex<()>,
    pub(crate) lock: Mutex<Option<FolderLock>>,
}

impl Store {
    /// Opens the store in `folder`, or makes a new one there, and repairs what a crash left behind.
    ///
    /// # Errors
    /// `store.locked`, `store.read_only`, `store.disk_full`, `store.damaged` with the place, `store.newer_format`,
    /// `store.other_vault`, `store.not_durable`. Nothing is changed by a refused opening.
    pub fn open(folder: &Path, vault: &Vault, options: OpenOptions) -> Result<(Store, OpenReport), StoreError> {
        crate::opening::open(folder, vault, options)
    }

    /// Reads the whole journal of a folder that may be too damaged to open, and says what does not hold.
    ///
    /// # Errors
    /// `store.locked`, or why the journal's folder cannot be read.
    pub fn inspect(
        folder: &Path,
        vault: &Vault,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<VerifyReport, StoreError> {
        crate::opening::inspect(folder, vault, &[], progress)
    }

    /// As `inspect`, and tells whether the journal contains these heads.
    ///
    /// # Errors
    /// As `inspect`.
    pub fn inspect_anchored(
        folder: &Path,
        vault: &Vault,
        anchors: &[Anchor],
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<VerifyReport, StoreError> {
        crate::opening::inspect(folder, vault, anchors, progress)
    }

    /// Builds the record store anew from the journal, which gives back the space that sled reuses but never returns. Writers
    /// wait: some 15 seconds for a million records.
    pub fn compact(&self) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        self.stop.check()?;
        self.rebuild()?;
        remove_folder(&self.folder.records_damaged())
    }

    pub(crate) fn checkpoint_now(&self) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        self.checkpoint_held()
    }

    fn stopped(&self, error: StoreError) -> StoreError {
        self.stop.stop(error)
    }

    /// Seals an entry at `seq`; gives what goes to the journal.
    fn prepare(
        &self,
        kind: FrameKind,
        seq: u64,
        draft: EntryDraft,
        ring: &Ring,
        nonces: &mut Nonces,
    ) -> Result<(Prepared, Vec<JobChange>), StoreError> {
        let keys = &self.keys;
        let head = ring.seal(&draft.head, Place::Head { seq }, nonces)?;
        let (mut rows, mut pieces, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for change in draft.changes {
            let (id, version, prev_seq) = (change.id, change.version, change.prev_seq);
            if kind == FrameKind::Erasure {
                rows.push(Row { id, version, prev_seq, len: 0, erased: true, sealed_hash: [0; 32] });
                changes.push(JobChange { id, version, to: Becomes::Gone });
                continue;
            }
            let sealed = ring.seal(&change.value, Place::Change { id, version, seq }, nonces)?;
            let sealed_hash = keys.sealed_hash(&sealed.0);
            rows.push(Row { id, version, prev_seq, len: sealed.0.len() as u32, erased: false, sealed_hash });
            pieces.push(sealed.clone());
            changes.push(JobChange { id, version, to: Becomes::Value { sealed, sealed_hash } });
        }
        let frame = entry_frame(kind, seq, draft.time_ms, &head, rows, keys);
        Ok((Prepared { frame, head, pieces }, changes))
    }

    /// Makes a group durable and hands it to the record store. The caller holds `writer`.
    fn commit(&self, kind: FrameKind, group: Vec<EntryDraft>) -> Result<Vec<u64>, StoreError> {
        let mut nonces = Nonces::new(group.iter().map(|entry| 1 + entry.changes.len()).sum())?;
        let (first, ring) = (self.journal.head() + 1, self.keys.ring());
        let (mut prepared, mut applied) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        for (draft, seq) in group.into_iter().zip(first..) {
            let (entry, changes) = self.prepare(kind, seq, draft, &ring, &mut nonces)?;
            prepared.push(entry);
            applied.push(changes);
        }
        let mark = self.applier.mark();
        self.make_room(&prepared, mark)?;
        self.journal.append(mark, &mut prepared).map_err(|error| self.stopped(error))?;
        mark.into_iter().for_each(|mark| self.applier.marked(mark));
        let seqs = prepared.iter().map(|entry| entry.frame.seq).collect();
        let jobs = prepared.iter().zip(applied).map(|(entry, changes)| Job {
            seq: entry.frame.seq,
            chain: entry.frame.chain,
            time_ms: entry.frame.time_ms,
            changes,
        });
        self.applier.apply(jobs.collect()).map_err(|error| self.stopped(error))?;
        Ok(seqs)
    }

    fn make_room(&self, group: &[Prepared], mark: Option<Mark>) -> Result<(), StoreError> {
        self.journal.make_room(group, mark).map_err(|error| match error {
            // Nothing of the group was written: with more space the same store goes on.
            StoreError::DiskFull(_) => error,
            error => self.stopped(error),
        })
    }

    fn checkpoint_held(&self) -> Result<(), StoreError> {
        self.applier.checkpoint()?;
        if let Some(mark) = self.applier.mark() {
            self.make_room(&[], Some(mark))?;
            self.journal.append(Some(mark), &mut []).map_err(|error| self.stopped(error))?;
            self.applier.marked(mark);
        }
        Ok(())
    }

    /// Replaces the record store by one built from the journal. The caller holds `writer`.
    pub(crate) fn rebuild(&self) -> Result<(), StoreError> {
        drop(self.applier.take()?);
        let built = Records::build(&self.folder, &self.keys, self.options.cache_bytes, &self.journal);
        let records = built.map_err(|error| self.stopped(error))?;
        let state = records.state();
        let checkpoint = Checkpoint { seq: state.seq, chain: state.chain, digest: state.digest.to_bytes() };
        checkpoint.write(&self.folder, &self.keys).map_err(|error| self.stopped(error))?;
        self.applier.put(records)
    }

    fn erase_held(&self, ids: &[RecordId], head: Vec<u8>, time_ms: i64) -> Result<u64, StoreError> {
        let named: std::collections::BTreeSet<_> = ids.iter().copied().collect();
        let seq = self.journal.head() + 1;
        // Noted before the entry is written: should the power go in between, the next opening finishes the work.
        replace_file(&self.folder.erasing(), &[1])?;
        let changes = named.iter().map(|id| crate::ChangeDraft { id: *id, version: 0, prev_seq: 0, value: Vec::new() });
        let draft = EntryDraft { time_ms, head, changes: changes.collect() };
        self.commit(FrameKind::Erasure, vec![draft])?;
        self.finish_erasing(&[(seq, named.into_iter().collect())]).map_err(|error| self.stopped(error))?;
        Ok(seq)
    }

    /// Takes out what erasure entries (their sequence numbers and ids) name. Safe to repeat.
    pub(crate) fn finish_erasing(&self, erasures: &[(u64, HashSet<RecordId>)]) -> Result<(), StoreError> {
        self.journal.close_segment()?;
        for (seq, ids) in erasures {
            self.journal.erase(ids, *seq)?;
        }
        self.rebuild()?;
        // The old store's files still hold what was erased.
        remove_folder(&self.folder.records_damaged())?;
        crate::upgrade::drop_snapshots(&self.folder)?;
        remove_file(&self.folder.erasing())
    }
}

impl Storage for Store {
    fn head(&self) -> u64 {
        self.journal.head()
    }

    fn append(&self, expected_head: u64, group: Vec<EntryDraft>) -> Result<Vec<u64>, StoreError> {
        let _writer = self.writer.lock();
        self.stop.check()?;
        check_group(self.journal.head(), expected_head, &group)?;
        if group.is_empty() { Ok(Vec::new()) } else { self.commit(FrameKind::Change, group) }
    }

    fn read_from(&self, seq: u64, limit_entries: usize) -> Result<Vec<Entry>, StoreError> {
        self.stop.check()?;
        let _reading = self.journal.reading();
        crate::reading::read_from(&self.journal, &self.keys, seq, limit_entries)
    }

    fn read_heads(&self, seq: u64, limit_entries: usize) -> Result<Vec<EntryHead>, StoreError> {
        self.stop.check()?;
        let _reading = self.journal.reading();
        crate::reading::read_heads(&self.journal, &self.keys, seq, limit_entries)
    }

    fn read_change(&self, seq: u64, id: RecordId) -> Result<Option<(EntryHead, Change)>, StoreError> {
        self.stop.check()?;
        let _reading = self.journal.reading();
        let Some((opened, offset, frame)) = self.journal.find(seq)? else { return Ok(None) };
        // The last one counts: an entry may change a record twice.
        let Some((row, place)) = frame.places().filter(|(row, _)| row.id == id).last() else { return Ok(None) };
        let wrong = |what| opened.segment.error(Bad::Broken(what), offset, seq);
        let sealed = |place: std::ops::Range<u64>| opened.read(offset + place.start..offset + place.end);
        let head = sealed(frame.head_place())?;
        let head = self.keys.ring().unseal(&head, Place::Head { seq }, &frame.head_hash);
        let head = head.map_err(|_| wrong("the head of the entry does not open"))?;
        let value = match place {
            None => None,
            Some(place) => {
                let place_of = Place::Change { id, version: row.version, seq };
                let sealed = sealed(place)?;
                let opened = self.keys.ring().unseal(&sealed, place_of, &row.sealed_hash);
                Some(opened.map_err(|_| wrong("the change does not open"))?)
            }
        };
        let kind = if frame.kind == FrameKind::Erasure { EntryKind::Erasure } else { EntryKind::Change };
        let change = Change { id, version: row.version, prev_seq: row.prev_seq, value };
        Ok(Some((EntryHead { seq, kind, time_ms: frame.time_ms, head, hash: frame.chain }, change)))
    }

    fn scan(&self, each: &mut dyn FnMut(RecordId, u64, u64, &[u8])) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        self.stop.check()?;
        let records = self.applier.lend()?;
        // Entries that the record store refused would be missing from the scan.
        self.stop.check()?;
        let scanned = records.scan(each);
        drop(records);
        match scanned {
            Ok(()) => Ok(()),
            Err(damage) => {
                tracing::warn!("the record store is damaged ({}); it is being rebuilt from the journal", damage.0);
                self.rebuild()?;
                Err(StoreError::ScanAgain)
            }
        }
    }

    fn checkpoint(&self) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        self.stop.check()?;
        self.checkpoint_held()
    }

    fn erase(&self, ids: &[RecordId], head: Vec<u8>, time_ms: i64) -> Result<u64, StoreError> {
        let _long = self.long.lock();
        let _writer = self.writer.lock();
        self.stop.check()?;
        check_size("the head of an entry", head.len(), HEAD_BYTES_MAX)?;
        self.erase_held(ids, head, time_ms)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError> {
        self.stop.check()?;
        let _long = self.long.lock();
        let mut check = Check::new(&self.keys, &self.folder);
        let seen = check.journal(&self.journal.segments(), self.journal.last_end(), progress)?;
        // What came in meanwhile, then the records: now nothing may change in between.
        let _writer = self.writer.lock();
        check.journal_after(seen, &self.journal.segments(), self.journal.last_end())?;
        let records = self.applier.lend()?;
        check.records(&records);
        Ok(check.finish())
    }

    fn verify_chain(
        &self,
        anchors: &[Anchor],
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<VerifyReport, StoreError> {
        self.stop.check()?;
        let mut once = || {
            let check = Check::new(&self.keys, &self.folder).with_anchors(anchors);
            check.chain(&self.journal.segments(), self.journal.last_end(), &mut *go_on)
        };
        let report = once()?;
        if report.is_clean() && report.anchors.iter().all(|(_, holds)| *holds) {
            return Ok(report);
        }
        // An erasure may have replaced a segment while it was read. With erasures kept out, what is found again is there.
        let _long = self.long.lock();
        once()
    }

    fn cursor(&self, name: &str) -> Result<u64, StoreError> {
        self.stop.check()?;
        Ok(self.cursors.get(name))
    }

    fn set_cursor(&self, name: &str, seq: u64) -> Result<(), StoreError> {
        self.stop.check()?;
        self.cursors.set(name, seq).map_err(|error| match error {
            StoreError::TooLarge { .. } => error,
            error => self.stopped(error),
        })
    }

    fn key_care(&self) -> Option<&dyn crate::KeyCare> {
        Some(self)
    }

    fn stats(&self) -> StoreStats {
        StoreStats {
            head: self.journal.head(),
            journal_bytes: self.journal.disk_bytes(),
            segments: self.journal.segments().len() as u64,
            records_bytes: disk_bytes(&self.folder.records()),
            files_bytes: disk_bytes(&self.folder.files()),
            checkpoint_seq: self.applier.checkpoint_seq(),
            behind_groups: self.applier.behind_groups(),
            alarm_blobs: Records::blobs(&self.folder),
            stopped: self.stop.check().is_err(),
        }
    }

    fn backup_source(&self) -> Option<&dyn crate::BackupSource> {
        Some(self)
    }

    fn close(&self) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        let closed = self.stop.check().and_then(|()| self.checkpoint_held());
        self.stop.stop_quietly(StoreError::Closed);
        self.applier.end();
        self.lock.lock().take();
        closed
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.applier.end();
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
