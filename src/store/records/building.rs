//! Builds the record store from the journal, aside, so that a half-built one is never taken for whole.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use super::{Becomes, Job, JobChange, READY, Records, Unusable};
use crate::{
    StoreError,
    folder::{Folder, make_folder, remove_folder, rename, replace_file, sync_folder, sync_tree},
    journal::{FrameKind, Journal, Replayed},
    seal::{Keys, Sealed},
};

/// Bytes of entries handed to sled in one call while replaying.
const REPLAY_BYTES: usize = 512 * 1024;

impl Records {
    /// Builds the records from the whole journal and puts them in place; an older store is kept as `store.damaged`.
    pub fn build(
        folder: &Folder,
        keys: &Arc<Keys>,
        cache_bytes: u64,
        journal: &Journal,
    ) -> Result<Records, StoreError> {
        let aside = folder.records_new();
        remove_folder(&aside)?;
        make_folder(&aside)?;
        let mut records = Records::open_at(&aside, keys, cache_bytes).map_err(|error| unbuilt(&aside, error))?;
        records.catch_up(journal)?;
        records.flush()?;
        drop(records);
        sync_tree(&aside)?;
        replace_file(&aside.join(READY), &[super::row::RECORDS_FORMAT])?;
        sync_folder(&aside)?;
        if folder.records().exists() {
            remove_folder(&folder.records_damaged())?;
            rename(&folder.records(), &folder.records_damaged())?;
        }
        rename(&aside, &folder.records())?;
        Records::open(folder, keys, cache_bytes).map_err(|error| unbuilt(&folder.records(), error))
    }

    /// Applies what the journal holds beyond the records' state. Returns the number of entries.
    pub fn catch_up(&mut self, journal: &Journal) -> Result<u64, StoreError> {
        let state = self.state();
        let expected = (state.seq > 0).then_some(state.chain);
        let (mut jobs, mut bytes, mut entries) = (Vec::new(), 0, 0);
        let followed = journal.replay(state.seq, expected, &mut |replayed| {
            if replayed.frame.kind == FrameKind::Mark {
                return Ok(());
            }
            bytes += replayed.bytes.len();
            entries += 1;
            jobs.push(job(&replayed));
            if bytes >= REPLAY_BYTES {
                self.apply_caught(&jobs)?;
                (bytes, jobs) = (0, Vec::new());
            }
            Ok(())
        })?;
        if !followed {
            return Err(StoreError::ScanAgain);
        }
        if !jobs.is_empty() {
            self.apply_caught(&jobs)?;
        }
        Ok(entries)
    }

    /// `apply`, with sled's panics turned into errors.
    pub fn apply_caught(&mut self, jobs: &[Job]) -> Result<(), StoreError> {
        let path = self.path.display().to_string();
        catch_unwind(AssertUnwindSafe(|| self.apply(jobs)))
            .unwrap_or(Err(StoreError::Io { path, cause: "the record store failed while writing".into() }))
    }
}

fn job(replayed: &Replayed<'_>) -> Job {
    let frame = &replayed.frame;
    let changes = frame.places().map(|(row, place)| {
        let to = match place {
            _ if frame.kind == FrameKind::Erasure => Becomes::Gone,
            None => Becomes::Skipped,
            Some(place) => {
                Becomes::Value { sealed: Sealed(replayed.piece(place).into()), sealed_hash: row.sealed_hash }
            }
        };
        JobChange { id: row.id, version: row.version, to }
    });
    Job { seq: frame.seq, chain: frame.chain, time_ms: frame.time_ms, changes: changes.collect() }
}

fn unbuilt(path: &Path, error: Unusable) -> StoreError {
    match error {
        Unusable::Fatal(error) => error,
        Unusable::Damaged(cause) => StoreError::Io { path: path.display().to_string(), cause },
        Unusable::Missing => StoreError::Io { path: path.display().to_string(), cause: "it vanished".into() },
    }
}
