//! Seals records again with the newest data key, some at a time. Version, entry, hash and digest stay as they were.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kith_base::RecordId;

use super::{Records, row};
use crate::{
    StoreError,
    records::scan::{Damaged, SealedRow},
    seal::{Nonces, Place, key_id},
};

/// Bytes of sealed values in one step, so that writers wait a few milliseconds at most.
const STEP_BYTES: usize = 512 * 1024;
/// Records looked at in one step.
const STEP_ROWS: usize = 2_000;

/// What one step did.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Resealed {
    /// Where the next step begins: after this record; `None` at the end.
    pub next: Option<RecordId>,
    /// Bytes looked at.
    pub bytes: u64,
    /// Records that were sealed again.
    pub changed: u64,
}

/// Why a step could not be done.
pub(crate) enum NotResealed {
    /// The records are not what they should be and have to be rebuilt.
    Damaged(String),
    Store(StoreError),
}

impl Records {
    /// Goes on after `after` with some records. sled's panics become errors.
    pub fn reseal(&self, after: Option<RecordId>) -> Result<Resealed, NotResealed> {
        let failed = || NotResealed::Damaged("sled failed while sealing again".into());
        catch_unwind(AssertUnwindSafe(|| self.reseal_some(after))).unwrap_or_else(|_| Err(failed()))
    }

    fn reseal_some(&self, after: Option<RecordId>) -> Result<Resealed, NotResealed> {
        let (ring, mut step, mut rows, mut sealed) = (self.keys.ring(), Resealed::default(), 0, 0);
        let mut old: Vec<SealedRow> = Vec::new();
        let read = self.each_sealed_after(after, &mut |found| {
            (step.bytes, rows) = (step.bytes + found.sealed().len() as u64, rows + 1);
            step.next = Some(found.id);
            if key_id(found.sealed()) != Some(ring.newest()) {
                sealed += found.sealed().len();
                old.push(found);
            }
            rows < STEP_ROWS && sealed < STEP_BYTES
        });
        read.map_err(|Damaged(why)| NotResealed::Damaged(why))?;
        if rows < STEP_ROWS && sealed < STEP_BYTES {
            step.next = None;
        }
        if old.is_empty() {
            return Ok(step);
        }
        let mut nonces = Nonces::new(old.len()).map_err(NotResealed::Store)?;
        let mut batch = sled::Batch::default();
        for found in &old {
            let (id, head) = (found.id, found.head);
            let place = Place::Change { id, version: head.version, seq: head.seq };
            let plain = ring.unseal(found.sealed(), place, &head.sealed_hash);
            let plain = plain.map_err(|_| NotResealed::Damaged(format!("record {id} does not open")))?;
            let plain = zeroize::Zeroizing::new(plain);
            let again = ring.reseal(&plain, place, &head.sealed_hash, &mut nonces).map_err(NotResealed::Store)?;
            for (key, value) in row::rows(id, head.version, head.seq, &head.sealed_hash, &again.0) {
                batch.insert(key, value);
            }
            step.changed += 1;
        }
        self.db.apply_batch(batch).map_err(|error| NotResealed::Store(self.sled_error(&error)))?;
        Ok(step)
    }
}
