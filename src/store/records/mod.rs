//! The record store: what the journal leads to, in sled. Applies sealed changes and keeps their digest; never unseals, and
//! is never the only copy of anything.

mod building;
mod resealing;
pub(crate) mod row;
mod scan;

use std::{
    collections::HashMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kith_base::RecordId;

pub(crate) use self::{
    resealing::{NotResealed, Resealed},
    row::State,
};
use crate::{
    StoreError,
    error::{at, from_io},
    folder::{Folder, sync_folder},
    journal::Hash,
    records::row::{OPENINGS_KEY, RowHead, STATE_KEY, piece_key, row_key, rows},
    seal::{Keys, Sealed},
    sync::durable_syncs,
};

/// sled's own segments: large enough that a batch rarely spans many, the size the trials were made with.
const SLED_SEGMENT_BYTES: usize = 512 * 1024;
/// Values of one batch: a large entry is applied in several, so that none strains sled or memory.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Opening takes a second per million records; far beyond that sled hangs on something it cannot read.
const OPEN_TIMEOUT: Duration = Duration::from_secs(300);
/// The store folder is whole only with this file in it.
const READY: &str = "READY";

/// An entry on its way into the records.
pub(crate) struct Job {
    pub seq: u64,
    pub chain: Hash,
    pub time_ms: i64,
    pub changes: Vec<JobChange>,
}

pub(crate) struct JobChange {
    pub id: RecordId,
    pub version: u64,
    pub to: Becomes,
}

/// What a change does to the record.
pub(crate) enum Becomes {
    Value {
        sealed: Sealed,
        sealed_hash: Hash,
    },
    /// The value was erased later on; the erasure's own entry removes the record.
    Skipped,
    Gone,
}

/// Why the records cannot be opened as they are.
pub(crate) enum Unusable {
    /// Never finished, or not there.
    Missing,
    /// To be rebuilt; in words for the report.
    Damaged(String),
    /// A rebuild would not help.
    Fatal(StoreError),
}

/// sled panics when its last flush, on being dropped, fails; by then nothing depends on it.
struct Quiet(Option<sled::Db>);

impl std::ops::Deref for Quiet {
    type Target = sled::Db;

    fn deref(&self) -> &sled::Db {
        match &self.0 {
            Some(db) => db,
            None => unreachable!("only the drop takes it out"),
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let db = self.0.take();
        if catch_unwind(AssertUnwindSafe(move || drop(db))).is_err() {
            tracing::warn!("the record store could not be closed in order; it is repaired at the next start");
        }
    }
}

pub(crate) struct Records {
    db: Quiet,
    keys: Arc<Keys>,
    path: PathBuf,
    state: State,
}

impl Records {
    /// Opens `store/`, on a thread of its own: what sled cannot read, it panics or hangs on.
    pub fn open(folder: &Folder, keys: &Arc<Keys>, cache_bytes: u64) -> Result<Records, Unusable> {
        let path = folder.records();
        if !path.join(READY).is_file() {
            return Err(Unusable::Missing);
        }
        Records::open_at(&path, keys, cache_bytes)
    }

    fn open_at(path: &Path, keys: &Arc<Keys>, cache_bytes: u64) -> Result<Records, Unusable> {
        remove_half_snapshots(path).map_err(Unusable::Fatal)?;
        let (tell, told) = crossbeam_channel::bounded(1);
        let (path, keys) = (path.to_path_buf(), keys.clone());
        let work = move || {
            let opened = catch_unwind(AssertUnwindSafe(|| open_sled(&path, keys, cache_bytes)));
            // Nobody listens any more after the timeout; the result is dropped then.
            let _ = tell.send(opened.unwrap_or_else(|_| Err(Unusable::Damaged("sled could not read it".into()))));
        };
        std::thread::Builder::new()
            .name("records-open".into())
            .spawn(work)
            .map_err(|error| Unusable::Fatal(from_io("records-open", &error)))?;
        told.recv_timeout(OPEN_TIMEOUT).unwrap_or_else(|_| Err(Unusable::Damaged("sled did not come back".into())))
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// Another handle to the same records, for reading.
    pub fn lend(&self) -> Records {
        Records {
            db: Quiet(Some(sled::Db::clone(&self.db))),
            keys: self.keys.clone(),
            path: self.path.clone(),
            state: self.state,
        }
    }

    /// Applies entries in order. They must be durable in the journal.
    pub fn apply(&mut self, jobs: &[Job]) -> Result<(), StoreError> {
        let mut step = Step { state: self.state, batch: sled::Batch::default(), bytes: 0, heads: HashMap::new() };
        for job in jobs {
            // An interrupted run may have come part of the way into this entry.
            let done = if step.state.seq + 1 == job.seq { step.state.part as usize } else { 0 };
            for change in job.changes.iter().skip(done) {
                self.change(&mut step, job.seq, change)?;
                step.state.part += 1;
                if step.bytes >= BATCH_BYTES_MAX {
                    self.commit(&mut step)?;
                }
            }
            step.state = State { seq: job.seq, part: 0, chain: job.chain, digest: step.state.digest };
        }
        self.commit(&mut step)
    }

    fn change(&self, step: &mut Step, seq: u64, change: &JobChange) -> Result<(), StoreError> {
        let id = change.id;
        let (new, pieces) = match &change.to {
            Becomes::Skipped => return Ok(()),
            Becomes::Gone => (None, 0),
            Becomes::Value { sealed, sealed_hash } => {
                let rows = rows(id, change.version, seq, sealed_hash, &sealed.0);
                let pieces = (rows.len() - 1) as u16;
                for (key, value) in rows {
                    step.bytes += key.len() + value.len();
                    step.batch.insert(key, value);
                }
                step.state.digest.add(&self.keys, id, change.version, seq, sealed_hash);
                let head = RowHead { version: change.version, seq, pieces, sealed_hash: *sealed_hash };
                (Some(head), pieces)
            }
        };
        let old = match step.heads.get(&id) {
            Some(head) => *head,
            None => self.head_of(id)?,
        };
        if let Some(old) = old {
            step.state.digest.remove(&self.keys, id, old.version, old.seq, &old.sealed_hash);
            (pieces + 1..=old.pieces).for_each(|number| step.batch.remove(piece_key(id, number)));
            if new.is_none() {
                step.batch.remove(row_key(id));
            }
        }
        step.heads.insert(id, new);
        Ok(())
    }

    fn commit(&mut self, step: &mut Step) -> Result<(), StoreError> {
        let mut batch = std::mem::take(&mut step.batch);
        batch.insert(STATE_KEY, step.state.encode(&self.keys));
        self.db.apply_batch(batch).map_err(|error| self.sled_error(&error))?;
        self.state = step.state;
        step.bytes = 0;
        step.heads.clear();
        Ok(())
    }

    fn head_of(&self, id: RecordId) -> Result<Option<RowHead>, StoreError> {
        let value = self.db.get(row_key(id)).map_err(|error| self.sled_error(&error))?;
        // A row that cannot be read leaves the digest wrong, and the next scan rebuilds.
        Ok(value.and_then(|value| RowHead::decode(&value).map(|(head, _)| head)))
    }

    /// Makes everything applied so far durable.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| self.sled_error(&error))?;
        let file = self.path.join("db");
        fs::File::open(&file).and_then(|file| file.sync_data()).map_err(at(&file))?;
        sync_folder(&self.path)
    }

    /// Counts the opening and checks that sled's sync of it went through ours.
    fn prove_durable(&self) -> Result<(), StoreError> {
        let before = durable_syncs();
        let count = |old: Option<&[u8]>| {
            let old = old.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
            Some(old.wrapping_add(1).to_le_bytes().to_vec())
        };
        // sled writes nothing when a value stays the same, hence the counter.
        let written = self.db.update_and_fetch(OPENINGS_KEY, count).and_then(|_| self.db.flush());
        written.map_err(|error| self.sled_error(&error))?;
        if durable_syncs() == before {
            return Err(StoreError::NotDurable("sled's sync went elsewhere".into()));
        }
        Ok(())
    }

    /// Files in `blobs/`. There must never be one.
    pub fn blobs(folder: &Folder) -> u64 {
        fs::read_dir(folder.records().join("blobs")).map_or(0, |list| list.count() as u64)
    }

    /// Changes one byte of a record, as a failing disk would.
    #[cfg(test)]
    pub fn tamper(&self, id: RecordId) {
        let mut value = self.db.get(row_key(id)).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 1;
        self.db.insert(row_key(id), value).unwrap();
    }

    fn sled_error(&self, error: &sled::Error) -> StoreError {
        sled_error(&self.path, error)
    }
}

/// A batch that is being put together.
struct Step {
    state: State,
    batch: sled::Batch,
    bytes: usize,
    /// What the batch makes of records, since sled does not show it before it is applied.
    heads: HashMap<RecordId, Option<RowHead>>,
}

fn sled_error(path: &Path, error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => from_io(&path.display().to_string(), error),
        other => {
            StoreError::Io { path: path.display().to_string(), cause: format!("the record store failed: {other}") }
        }
    }
}

fn open_sled(path: &Path, keys: Arc<Keys>, cache_bytes: u64) -> Result<Records, Unusable> {
    let config = sled::Config::new()
        .path(path)
        .flush_every_ms(None)
        .segment_size(SLED_SEGMENT_BYTES)
        .cache_capacity(cache_bytes);
    let mut tries = 0;
    let db = loop {
        match config.open() {
            Ok(db) => break Quiet(Some(db)),
            // Threads of an instance that was just closed may hold its lock a moment longer; no other process can.
            Err(sled::Error::Io(error)) if error.to_string().contains("lock") && tries < 200 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(25));
            }
            Err(sled::Error::Io(error)) => {
                return Err(match from_io(&path.display().to_string(), &error) {
                    StoreError::Io { cause, .. } => Unusable::Damaged(cause),
                    other => Unusable::Fatal(other),
                });
            }
            Err(other) => return Err(Unusable::Damaged(other.to_string())),
        }
    };
    let note = db.get(STATE_KEY).map_err(|error| Unusable::Damaged(error.to_string()))?;
    let state = match note {
        None => State::default(),
        Some(note) => match State::decode(&note, &keys) {
            Ok(Some(state)) => state,
            Ok(None) => return Err(Unusable::Damaged("its state note is damaged".into())),
            Err(found) => {
                let place = "store".into();
                return Err(Unusable::Fatal(StoreError::NewerFormat { place, found, known: row::RECORDS_FORMAT }));
            }
        },
    };
    let records = Records { db, keys, path: path.to_path_buf(), state };
    records.prove_durable().map_err(|error| match error {
        StoreError::Io { cause, .. } => Unusable::Damaged(cause),
        other => Unusable::Fatal(other),
    })?;
    Ok(records)
}

/// A snapshot that was being written when the power went makes sled fail; it is never needed.
fn remove_half_snapshots(path: &Path) -> Result<(), StoreError> {
    let mut removed = false;
    for item in fs::read_dir(path).map_err(at(path))?.flatten() {
        if item.file_name().to_string_lossy().ends_with(".generating") {
            fs::remove_file(item.path()).map_err(at(item.path()))?;
            removed = true;
        }
    }
    if removed { sync_folder(path) } else { Ok(()) }
}
