//! What a backup takes from a store, and how a folder is made from it again: frames of the journal as they are, the keys they are
//! sealed with, the erasures they name. Knows no object, no archive and no schedule.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use kith_base::RecordId;

use crate::{
    Store, StoreError, Vault,
    error::at,
    folder::{Folder, create_file, make_folder, replace_file, sync_folder},
    journal::{
        FrameKind, Hash,
        format::{Bad, FrameHeader, SEGMENT_HEADER_BYTES, SegmentHeader},
        opening::check_frame,
        segment::{bad_to_error, file_name},
    },
    seal::Keys,
};

/// An erasure that the journal names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureNote {
    pub seq: u64,
    pub time_ms: i64,
    pub ids: Vec<RecordId>,
}

/// What is known of one frame without unsealing it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameNote {
    pub seq: u64,
    pub time_ms: i64,
    /// False for a mark, which says something of the records and is no entry.
    pub is_entry: bool,
    /// Records that the entry names.
    pub ids: Vec<RecordId>,
    pub is_erasure: bool,
}

/// Takes one sealed frame, whole.
pub type EachFrame<'a> = &'a mut dyn FnMut(&FrameNote, &[u8]) -> Result<(), StoreError>;

/// A store that a backup can be taken from.
pub trait BackupSource {
    /// Hands the frames behind entry `after`, up to and with entry `until`, to `each`: sealed, whole and verified. Returns the chain
    /// hashes of the two entries. Writers do not wait.
    ///
    /// # Errors
    /// `store.damaged` with the place; what `each` says.
    fn copy_journal(&self, after: u64, until: u64, each: EachFrame<'_>) -> Result<([u8; 32], [u8; 32]), StoreError>;

    /// Every erasure behind entry `after`, oldest first.
    ///
    /// # Errors
    /// `store.damaged` with the place.
    fn erasures(&self, after: u64) -> Result<Vec<ErasureNote>, StoreError>;

    /// How far each reader of the journal has come, by name.
    fn cursors(&self) -> Vec<(String, u64)>;

    /// The keys of the vault.
    fn vault(&self) -> Vault;

    /// The data folder.
    fn folder(&self) -> &Path;
}

impl BackupSource for Store {
    fn copy_journal(&self, after: u64, until: u64, each: EachFrame<'_>) -> Result<([u8; 32], [u8; 32]), StoreError> {
        self.stop.check()?;
        self.journal.copy(after, until, &mut |frame, bytes| each(&note(frame), bytes))
    }

    fn erasures(&self, after: u64) -> Result<Vec<ErasureNote>, StoreError> {
        self.stop.check()?;
        let mut found = Vec::new();
        self.journal.erasures(after, &mut |frame| {
            let ids = frame.rows.iter().map(|row| row.id).collect();
            found.push(ErasureNote { seq: frame.seq, time_ms: frame.time_ms, ids });
        })?;
        Ok(found)
    }

    fn cursors(&self) -> Vec<(String, u64)> {
        self.cursors.all()
    }

    fn vault(&self) -> Vault {
        self.vault.clone()
    }

    fn folder(&self) -> &Path {
        &self.folder.0
    }
}

fn note(frame: &crate::journal::Frame) -> FrameNote {
    FrameNote {
        seq: frame.seq,
        time_ms: frame.time_ms,
        is_entry: frame.kind != FrameKind::Mark,
        ids: frame.rows.iter().map(|row| row.id).collect(),
        is_erasure: frame.kind == FrameKind::Erasure,
    }
}

/// Writes a journal from copied frames into a new data folder, checking each as it comes.
pub struct JournalWriter {
    folder: PathBuf,
    keys: Arc<Keys>,
    segment_bytes: usize,
    /// The segment under way; its header is the first page.
    segment: Vec<u8>,
    first_seq: u64,
    /// Newest entry and chain hash of what was given, kept or not.
    seq: u64,
    chain: Hash,
    /// The same of what was kept.
    kept: (u64, Hash),
    ended: bool,
    /// An erasure was kept: values that it names may have come from before it.
    erasures: bool,
}

impl JournalWriter {
    /// Starts an empty journal in `folder`, which is made when missing and must hold none.
    ///
    /// # Errors
    /// `store.read_only`, `store.disk_full`, `store.io`.
    pub fn create(folder: &Path, vault: &Vault, segment_bytes: u64) -> Result<JournalWriter, StoreError> {
        make_folder(folder)?;
        let journal = Folder(folder.to_path_buf()).journal();
        make_folder(&journal)?;
        let mut writer = JournalWriter {
            folder: journal,
            keys: vault.0.clone(),
            segment_bytes: segment_bytes as usize,
            segment: Vec::new(),
            first_seq: 1,
            seq: 0,
            chain: [0; 32],
            kept: (0, [0; 32]),
            ended: false,
            erasures: false,
        };
        writer.begin();
        Ok(writer)
    }

    /// Takes whole frames, one after the other. `keep` sees each before it is written; once it says no, that frame and all later
    /// ones are checked and shown to it, and not written.
    ///
    /// # Errors
    /// `store.damaged` when a frame is not the next one or does not verify; `store.other_vault`; `store.newer_format`; why it
    /// cannot be written.
    pub fn push(&mut self, frames: &[u8], keep: &mut dyn FnMut(&FrameNote) -> bool) -> Result<(), StoreError> {
        let mut rest = frames;
        while !rest.is_empty() {
            let place = format!("the journal of the backup after entry {}", self.seq);
            let wrong = |bad: Bad| bad_to_error(bad, place.clone(), self.seq + 1);
            let header = FrameHeader::decode(rest).map_err(wrong)?;
            let length = usize::try_from(header.bytes()).map_err(|_| wrong(Bad::Broken("a frame is too long")))?;
            let bytes = rest.get(..length).ok_or_else(|| wrong(Bad::Broken("a frame is cut off")))?;
            let mut frame = check_frame(bytes, self.seq, &self.chain, &self.keys).map_err(wrong)?;
            let about = note(&frame);
            // Asked of every frame: later ones may name what has to go again.
            let wanted = keep(&about);
            self.ended = self.ended || !wanted;
            self.chain = frame.chain;
            if about.is_entry {
                self.seq = about.seq;
            }
            if !self.ended {
                if self.segment.len() + length > self.segment_bytes && self.kept.0 >= self.first_seq {
                    self.close_segment()?;
                    self.first_seq = self.kept.0 + 1;
                    self.begin();
                }
                // Every segment is synced whole before the folder is used.
                frame.durable = self.segment.len() as u64;
                let piece = |place: std::ops::Range<u64>| &bytes[place.start as usize..place.end as usize];
                let pieces: Vec<_> = frame.places().filter_map(|(_, place)| place).collect();
                let head = if about.is_entry { piece(frame.head_place()) } else { &[] };
                frame.encode(head, pieces.into_iter().map(piece), &self.keys, &mut self.segment);
                self.kept = (self.seq, self.chain);
                self.erasures = self.erasures || about.is_erasure;
            }
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Newest entry and chain hash of all that was given.
    pub fn given(&self) -> (u64, [u8; 32]) {
        (self.seq, self.chain)
    }

    /// Writes the rest and makes all of it durable. The first opening carries out every erasure that was kept. Returns the newest entry that was kept, and its chain hash.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn finish(mut self) -> Result<(u64, [u8; 32]), StoreError> {
        self.close_segment()?;
        if self.erasures {
            replace_file(&self.folder.join("erasing"), &[1])?;
        }
        sync_folder(&self.folder)?;
        Ok(self.kept)
    }

    fn begin(&mut self) {
        self.segment.clear();
        let header = SegmentHeader { first_seq: self.first_seq, chain: self.kept.1 };
        self.segment.extend_from_slice(&header.encode(&self.keys));
        debug_assert_eq!(self.segment.len() as u64, SEGMENT_HEADER_BYTES);
    }

    fn close_segment(&mut self) -> Result<(), StoreError> {
        let path = self.folder.join(file_name(self.first_seq));
        let mut file = create_file(&path)?;
        std::io::Write::write_all(&mut file, &self.segment).and_then(|()| file.sync_all()).map_err(at(&path))
    }
}

/// Whether a new vault can be put into `folder`: it is missing or empty.
///
/// # Errors
/// Why it cannot be looked into.
pub fn is_free(folder: &Path) -> Result<bool, StoreError> {
    match fs::read_dir(folder) {
        Ok(mut items) => Ok(items.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(at(folder)(error)),
    }
}

#[cfg(test)]
#[path = "copying_tests.rs"]
mod tests;
