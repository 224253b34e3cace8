//! Time as a parameter. Only `SystemClock` reads the real one.

use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type TimestampMs = i64;

pub trait Clock: Send + Sync {
    fn now_ms(&self) -> TimestampMs;
}

pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> TimestampMs {
        jiff::Timestamp::now().as_millisecond()
    }
}

/// A clock a test holds in its hand.
pub struct FixedClock(AtomicI64);

impl FixedClock {
    pub fn at(now_ms: TimestampMs) -> Self {
        FixedClock(AtomicI64::new(now_ms))
    }

    pub fn advance(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now_ms(&self) -> TimestampMs {
        self.0.load(Ordering::Relaxed)
    }
}
