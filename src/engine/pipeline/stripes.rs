//! Turns for records that several threads change at once. Taken only after a first attempt met a newer version, so that the usual case
//! pays nothing and a hot record is still changed by everyone in turn.

use std::hash::{BuildHasher, RandomState};

use kith_base::RecordId;
use parking_lot::{Mutex, MutexGuard};

/// Enough that two of 64 busy threads rarely share a turn by accident.
const STRIPES: usize = 1_024;

pub struct Stripes {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Stripes {
    fn default() -> Self {
        Stripes { locks: (0..STRIPES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl Stripes {
    /// Waits for the turn of all these records. Always taken in one order, so that nobody waits in a circle.
    pub fn take(&self, ids: &[RecordId]) -> Vec<MutexGuard<'_, ()>> {
        let mut places: Vec<usize> =
            ids.iter().map(|id| self.hasher.hash_one(id) as usize % self.locks.len()).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|at| self.locks[at].lock()).collect()
    }
}
