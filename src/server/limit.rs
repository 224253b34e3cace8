//! Token buckets per caller, bounded in memory. Knows callers only as numbers; holds no address and no token.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// How many requests one caller may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    /// Requests at once after a pause.
    pub burst: f64,
}

impl Default for Rate {
    /// Far above what a person or a well-made script needs, far below what would starve the others.
    fn default() -> Self {
        Rate { per_second: 200.0, burst: 1_000.0 }
    }
}

/// Buckets kept at a time, some 40 bytes each. A full bucket says nothing and is dropped when room is needed.
const BUCKETS_MAX: usize = 20_000;

struct Bucket {
    tokens: f64,
    at: Instant,
}

/// One rate for many callers.
pub struct Limiter {
    rate: Rate,
    keys: RandomState,
    buckets: Mutex<HashMap<u64, Bucket>>,
}

impl Limiter {
    pub fn new(rate: Rate) -> Self {
        Limiter { rate, keys: RandomState::new(), buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes `cost` tokens from the caller's bucket. `Err` holds the seconds after which it is worth trying again.
    pub fn take(&self, caller: impl Hash, cost: f64, now: Instant) -> Result<(), u64> {
        let key = self.keys.hash_one(caller);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            self.make_room(&mut buckets, now);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: self.rate.burst, at: now });
        bucket.tokens = self.filled(bucket, now);
        bucket.at = now;
        if bucket.tokens >= cost {
            bucket.tokens -= cost;
            return Ok(());
        }
        Err(((cost - bucket.tokens) / self.rate.per_second).ceil().max(1.0) as u64)
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate.per_second;
        (bucket.tokens + gained).min(self.rate.burst)
    }

    fn make_room(&self, buckets: &mut HashMap<u64, Bucket>, now: Instant) {
        buckets.retain(|_, bucket| self.filled(bucket, now) < self.rate.burst);
        if buckets.len() >= BUCKETS_MAX {
            // That many busy callers are one attacker with many addresses: forgetting them costs less than growing.
            buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(Rate { per_second: 10.0, burst: 3.0 })
    }

    #[test]
    fn a_burst_is_let_through_then_the_rate_holds() {
        let (limiter, now) = (limiter(), Instant::now());
        for _ in 0..3 {
            assert_eq!(limiter.take("a", 1.0, now), Ok(()));
        }
        assert_eq!(limiter.take("a", 1.0, now), Err(1));
        assert_eq!(limiter.take("b", 1.0, now), Ok(()), "another caller has a bucket of its own");
        assert_eq!(limiter.take("a", 1.0, now + Duration::from_millis(100)), Ok(()));
        assert_eq!(limiter.take("a", 1.0, now + Duration::from_millis(110)), Err(1));
    }

    #[test]
    fn memory_stays_bounded_under_many_callers() {
        let (limiter, now) = (limiter(), Instant::now());
        for caller in 0..(BUCKETS_MAX * 2) {
            let _ = limiter.take(caller, 1.0, now);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= BUCKETS_MAX);
    }
}
