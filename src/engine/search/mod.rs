//! Full-text search over all objects that are not administration. The index follows the image from a thread of its own: it is told
//! which records changed, reads them from the image and is searchable within a second. It knows no actor; whoever asks says
//! which fields of which objects may decide.

mod find;
mod found;
mod hits;
mod index;
mod replaced;
mod verify;
mod view;
pub mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use kith_base::RecordId;
use parking_lot::RwLock;

use self::index::Words;
use crate::{
    Record,
    image::{Bits, Image},
};

/// Cloning gives another handle to the same index. The thread ends with the last handle.
#[derive(Clone)]
pub struct SearchIndex {
    shared: Arc<Shared>,
    changed: Sender<Change>,
}

struct Shared {
    image: Image,
    words: Words,
    /// Everything that was in the image at the start is in the index.
    ready: AtomicBool,
    /// Changes told and not yet searchable.
    behind: AtomicU64,
    /// Set when the index cannot be written; search then answers with what it has.
    failed: RwLock<Option<String>>,
}

enum Change {
    Record(RecordId),
    /// Already gone from the image.
    Place(u64),
    /// Index all records of the image.
    Everything,
    /// Answer when what was told before is searchable.
    Settle(Sender<()>),
}

/// Where a record is: object and row.
fn place(object: u32, row: u32) -> u64 {
    u64::from(object) << 32 | u64::from(row)
}

impl SearchIndex {
    /// An empty index over the records of the image.
    ///
    /// # Errors
    /// When the thread cannot start or the index refuses its own definition.
    pub fn start(image: Image) -> Result<SearchIndex, SearchError> {
        let words = Words::new()?;
        let shared = Arc::new(Shared {
            image,
            words,
            ready: AtomicBool::new(false),
            behind: AtomicU64::new(0),
            failed: RwLock::new(None),
        });
        let (changed, told): (Sender<Change>, Receiver<Change>) = unbounded();
        let worker = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("kith-search".into())
            .spawn(move || index::follow(&worker, &told))
            .map_err(|e| SearchError::NoThread(e.to_string()))?;
        Ok(SearchIndex { shared, changed })
    }

    /// Indexes what the image holds now, in the background. To be called once, after opening.
    pub fn fill(&self) {
        self.tell(Change::Everything);
    }

    /// Takes note of a change; the image must hold it already.
    pub fn upsert(&self, record: &Record) {
        self.tell(Change::Record(record.id));
    }

    pub fn upsert_many(&self, records: &[Record]) {
        records.iter().for_each(|record| self.upsert(record));
    }

    /// Takes a record out. To be called before the image erases it.
    pub fn remove(&self, id: RecordId) {
        if let Some((object, row)) = self.shared.image.place(id) {
            self.tell(Change::Place(place(object, row)));
        }
    }

    /// The whole image has been indexed.
    pub fn ready(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    /// Changes that are not searchable yet.
    pub fn behind(&self) -> u64 {
        self.shared.behind.load(Ordering::Relaxed)
    }

    /// Bytes held by the index.
    pub fn memory_bytes(&self) -> u64 {
        self.shared.words.memory_bytes()
    }

    /// Waits until everything told so far is searchable; for tests and orderly ends.
    pub fn settle(&self) {
        let (done, wait) = crossbeam_channel::bounded(1);
        self.tell(Change::Settle(done));
        // An error means that the thread has ended; there is nothing left to wait for.
        let _ = wait.recv();
    }

    /// The best records for the words as typed, in the objects given. Per object: the fields that may decide, by id; a record is
    /// found by no other. The score only orders the answers of one search.
    ///
    /// Made for words still being typed, so it takes as long for a million matches as for a hundred: of a beginning that many
    /// words share it reads the first 2,048, of many equal matches the newest 6,000 compete, and 1,500 records at most are read to
    /// see whether they have what the index did not tell. A word itself is always read, and where every word is in the title
    /// comes first. Slips are forgiven where fewer than five records match as typed. Whoever needs all matches asks for
    /// `rows_matching`.
    pub fn search(&self, words: &str, objects: &[(u32, Vec<u32>)], limit: usize) -> Vec<(RecordId, f32)> {
        find::best(&self.shared, words, objects, limit)
    }

    /// Rows of one object that match the words, in the trash as well as outside it. Exact and by beginnings; with slips only
    /// where nothing matches as typed. None: there are no words to look for.
    pub fn rows_matching(&self, words: &str, object: u32, fields: &[u32], trashed: bool) -> Option<Bits> {
        find::rows(&self.shared, words, object, fields, trashed)
    }

    /// As `rows_matching`, outside the trash, as ids; at most `limit`.
    pub fn ids_matching(&self, words: &str, object: u32, fields: &[u32], limit: usize) -> Vec<RecordId> {
        let rows = self.rows_matching(words, object, fields, false).unwrap_or_default();
        self.shared.image.ids_of_rows(object, &rows, limit)
    }

    fn tell(&self, change: Change) {
        self.shared.behind.fetch_add(1, Ordering::Relaxed);
        // The thread only ends early when the index broke; that is reported where it happened.
        drop(self.changed.send(change));
    }
}

/// Why there is no search.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the thread for search cannot start: {0}")]
    NoThread(String),
    #[error("the search index: {0}")]
    Index(#[from] tantivy::TantivyError),
}

impl SearchError {
    pub fn code(&self) -> &'static str {
        match self {
            SearchError::NoThread(_) => "search.no_thread",
            SearchError::Index(_) => "search.index",
        }
    }
}
