//! How much was committed and refused since start, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since start.
#[derive(Default)]
pub struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) groups: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub fn groups(&self) -> u64 {
        self.groups.load(Ordering::Relaxed)
    }

    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
