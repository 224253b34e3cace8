//! What the engine sees of the store: one trait and the values that cross it. No file, no cipher.

use kith_base::RecordId;

use crate::StoreError;

/// Bytes of one change's value before sealing. The record store cuts it into 4 KiB pieces; larger content goes to files.
pub const VALUE_BYTES_MAX: usize = kith_base::limits::RECORD_BYTES_MAX;

/// Bytes of an entry's head before sealing. A head names actor, cause and idempotency key; it is no place for content.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bytes of all values of one entry. A batch of a thousand ordinary records is a thousandth of it; lengths in the journal are
/// 32 bits, and an entry is read into memory whole.
pub const ENTRY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One record's new state, not yet sealed.
#[derive(Clone, Debug)]
pub struct ChangeDraft {
    pub id: RecordId,
    /// 1 for a new record, then one more with each change.
    pub version: u64,
    /// Sequence number of the entry that holds the version before this one; 0 when there is none.
    pub prev_seq: u64,
    pub value: Vec<u8>,
}

/// One transaction: all of its changes become durable, or none.
#[derive(Clone, Debug)]
pub struct EntryDraft {
    pub time_ms: i64,
    /// The engine's own words about the entry (actor, cause, idempotency key). Sealed like the values.
    pub head: Vec<u8>,
    pub changes: Vec<ChangeDraft>,
}

/// What an entry is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// Records were written.
    Change,
    /// The records named in `changes` were erased for good; the changes carry no values.
    Erasure,
}

/// The part of an entry that is not a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryHead {
    pub seq: u64,
    pub kind: EntryKind,
    pub time_ms: i64,
    pub head: Vec<u8>,
    /// Chain hash: covers this entry and, through its predecessor, every entry before it.
    pub hash: [u8; 32],
}

/// An entry as read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub seq: u64,
    pub kind: EntryKind,
    pub time_ms: i64,
    pub head: Vec<u8>,
    pub changes: Vec<Change>,
    pub hash: [u8; 32],
}

/// A record's state as one entry left it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub id: RecordId,
    pub version: u64,
    pub prev_seq: u64,
    /// `None`: erased for good.
    pub value: Option<Vec<u8>>,
}

/// The store as the engine sees it. A later backend keeps the journal elsewhere behind the same words.
///
/// After any write or sync error the store is stopped: every later call answers `store.stopped` (`store.disk_full` when that was
/// why), and the process has to end
/// without acknowledging what was under way. Opening again repairs what can be repaired.
pub trait Storage: Send + Sync {
    /// Sequence number of the newest durable entry; 0 while there is none.
    fn head(&self) -> u64;

    /// Appends a group of entries and returns their sequence numbers once all of them are durable. One sync pays for the
    /// group. Meant for one writer thread.
    ///
    /// # Errors
    /// `store.head_moved` when the newest entry is not `expected_head`; `store.too_large` and `store.disk_full` before
    /// anything is written; anything else stops the store.
    fn append(&self, expected_head: u64, group: Vec<EntryDraft>) -> Result<Vec<u64>, StoreError>;

    /// Up to `limit_entries` entries from `seq` on, in order. Fewer than asked for only at the end of the journal or when
    /// they grow past some megabytes; at least one whenever `seq <= head()`.
    fn read_from(&self, seq: u64, limit_entries: usize) -> Result<Vec<Entry>, StoreError>;

    /// As `read_from`, without unsealing the changes: for readers who only want to know who did what and when.
    fn read_heads(&self, seq: u64, limit_entries: usize) -> Result<Vec<EntryHead>, StoreError>;

    /// The change of record `id` in entry `seq`, without unsealing the others. `None` when there is no such entry or the
    /// entry does not touch the record.
    fn read_change(&self, seq: u64, id: RecordId) -> Result<Option<(EntryHead, Change)>, StoreError>;

    /// Hands every record's current (id, version, seq, value) to `each`, in order of id, and compares the whole with its digest. Writers wait.
    ///
    /// # Errors
    /// `store.scan_again` when the records were found damaged and have been rebuilt from the journal: drop everything that
    /// was delivered and scan again.
    #[expect(clippy::type_complexity, reason = "four plain values, named in the text above")]
    fn scan(&self, each: &mut dyn FnMut(RecordId, u64, u64, &[u8])) -> Result<(), StoreError>;

    /// Brings the record store up to the journal and makes it durable, so that the next start has nothing to replay.
    fn checkpoint(&self) -> Result<(), StoreError>;

    /// Takes every value of these records out of journal and record store for good and returns the sequence number of the
    /// entry that says so. The chain still verifies. Slow: rewrites the segments that name them. Writers wait.
    fn erase(&self, ids: &[RecordId], head: Vec<u8>, time_ms: i64) -> Result<u64, StoreError>;

    /// Reads everything and says what does not hold. `progress` gets (done, all) in bytes. Readers go on; writers wait only
    /// while the records are compared.
    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<VerifyReport, StoreError>;

    /// Checks the chain alone, from the first entry to the newest: frames, hashes and links, but no seals and no records. Needs
    /// memory for one segment; readers, writers and erasures go on. `go_on` gets (done, all) in bytes after each segment; false ends
    /// it there. Says of each anchor whether the journal still contains it.
    fn verify_chain(
        &self,
        anchors: &[Anchor],
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<VerifyReport, StoreError>;

    /// The position a reader of the journal noted under `name`; 0 when it never did.
    fn cursor(&self, name: &str) -> Result<u64, StoreError>;

    /// Notes how far the reader `name` has come. Durable on return, so note it once per batch, after the batch's effects.
    fn set_cursor(&self, name: &str, seq: u64) -> Result<(), StoreError>;

    fn stats(&self) -> StoreStats;

    /// What a backup is taken from; none where nothing lasts.
    fn backup_source(&self) -> Option<&dyn crate::BackupSource> {
        None
    }

    /// The vault behind this store; none where nothing is sealed.
    fn key_care(&self) -> Option<&dyn crate::KeyCare> {
        None
    }

    /// Checkpoints and ends the store's threads. Later calls answer `store.closed`.
    fn close(&self) -> Result<(), StoreError>;
}

/// How to open a store. The defaults are right for a server.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Size of a journal segment when it is born. Small enough to rewrite quickly when a person is erased.
    pub segment_bytes: u64,
    /// Memory that sled may use for pages.
    pub cache_bytes: u64,
    /// A checkpoint is made after this many groups …
    pub checkpoint_groups: u32,
    /// … or this long after the first change since the last one.
    pub checkpoint_ms: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            segment_bytes: 16 * 1024 * 1024,
            cache_bytes: 64 * 1024 * 1024,
            checkpoint_groups: 1_000,
            checkpoint_ms: 5_000,
        }
    }
}

/// What happened while opening.
#[derive(Clone, Debug, Default)]
pub struct OpenReport {
    /// Sentences for the person who runs the server; empty after a clean stop.
    pub notes: Vec<String>,
    /// The store did not exist before.
    pub created: bool,
    /// Bytes of an unfinished, never acknowledged write that were cut from the journal's end.
    pub cut_bytes: u64,
    /// The record store was rebuilt from the journal.
    pub rebuilt: bool,
    /// Entries that were replayed into the record store.
    pub replayed: u64,
}

/// One thing that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Where: `journal/00000000000000000001.log at byte 4096`, `store`, `files/…`.
    pub place: String,
    /// The first entry affected, when known.
    pub seq: Option<u64>,
    /// The records affected, as far as they can still be read.
    pub ids: Vec<RecordId>,
    /// What is wrong and what to do.
    pub what: String,
}

/// A head of the journal that was noted outside earlier: an entry, and its chain hash or the first 20 bytes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    pub seq: u64,
    pub hash: Vec<u8>,
}

/// The outcome of a full verification.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    pub segments: u64,
    pub entries: u64,
    pub changes: u64,
    /// Changes whose values were erased, each covered by an erasure entry.
    pub erased_changes: u64,
    pub records: u64,
    pub head_seq: u64,
    pub head_hash: [u8; 32],
    pub findings: Vec<Finding>,
    /// The anchors asked about, and whether the journal still contains each.
    pub anchors: Vec<(Anchor, bool)>,
}

impl VerifyReport {
    /// True when nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Sizes and positions, for `doctor` and metrics.
#[derive(Clone, Debug, Default)]
pub struct StoreStats {
    pub head: u64,
    pub journal_bytes: u64,
    pub segments: u64,
    pub records_bytes: u64,
    pub files_bytes: u64,
    /// Entry up to which the record store is durable.
    pub checkpoint_seq: u64,
    /// Groups that are durable in the journal and not yet in the record store.
    pub behind_groups: u64,
    /// Files in sled's `blobs/`; anything but 0 is an alarm, since sled loses them in power cuts.
    pub alarm_blobs: u64,
    /// The store met a write error and accepts nothing more.
    pub stopped: bool,
}

/// Refuses a group before anything of it is written.
pub(crate) fn check_group(head: u64, expected: u64, group: &[EntryDraft]) -> Result<(), StoreError> {
    if head != expected {
        return Err(StoreError::HeadMoved { expected, actual: head });
    }
    for entry in group {
        check_size("the head of an entry", entry.head.len(), HEAD_BYTES_MAX)?;
        for change in &entry.changes {
            check_size("a record", change.value.len(), VALUE_BYTES_MAX)?;
        }
        check_size("an entry", entry.changes.iter().map(|change| change.value.len()).sum(), ENTRY_BYTES_MAX)?;
    }
    Ok(())
}

pub(crate) fn check_size(what: &'static str, bytes: usize, limit: usize) -> Result<(), StoreError> {
    if bytes > limit { Err(StoreError::TooLarge { what, bytes, limit }) } else { Ok(()) }
}
