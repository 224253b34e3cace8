//! Record ids: UUIDv7, so that ids sort by birth. Makes none without being handed time and randomness.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a record, of any object. 16 bytes, unique across the whole vault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a record id; ids look like 0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07")]
pub struct BadRecordId(String);

impl RecordId {
    /// A new id for a record born at `now_ms`. `random` fills everything that is not time.
    pub fn new(now_ms: u64, random: [u8; 10]) -> Self {
        let id = uuid::Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid();
        RecordId(*id.as_bytes())
    }

    /// A new id from the system's randomness. Ids of one process ascend in the order in which they are asked for, whatever the
    /// clock does, and 58 bits of each cannot be guessed. At time zero it is an id that sorts before all others and has no order
    /// of its own.
    pub fn generate(now_ms: i64) -> Self {
        let mut random = [0u8; 10];
        // The kernel's generator only fails before it is seeded, at boot; there is no id to give then.
        getrandom::fill(&mut random).unwrap_or_else(|e| panic!("the system has no randomness: {e}"));
        match u64::try_from(now_ms) {
            Ok(now_ms) if now_ms > 0 => BIRTHS.next(now_ms, random),
            _ => RecordId::new(0, random),
        }
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

static BIRTHS: Births = Births(AtomicU64::new(0));

/// Gives ids that ascend (RFC 9562, 6.2, method 1): the millisecond and, below it, a counter of 16 bits, which begins each
/// millisecond at a random place in its lower half. A full counter borrows from the next millisecond; a clock that went back is
/// waited out by counting on.
struct Births(AtomicU64);

impl Births {
    fn next(&self, now_ms: u64, mut random: [u8; 10]) -> RecordId {
        let seed = u64::from(u16::from_be_bytes([random[0], random[1]]) >> 1);
        let fresh = now_ms << 16 | seed;
        let after = |last: u64| fresh.max(last.saturating_add(1));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        let mine = after(last.unwrap_or_else(|last| last));
        // Twelve bits of the counter stand before the two bits that say what kind of id this is, four behind them.
        let counter = mine as u16;
        random[0] = (counter >> 12) as u8;
        random[1] = (counter >> 4) as u8;
        random[2] = (counter as u8 & 0x0f) << 2 | random[2] & 0x03;
        RecordId::new(mine >> 16, random)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordId {
    type Err = BadRecordId;
    fn from_str(text: &str) -> Result<Self, BadRecordId> {
        let id = uuid::Uuid::parse_str(text.trim()).map_err(|_| BadRecordId(text.chars().take(60).collect()))?;
        Ok(RecordId(*id.as_bytes()))
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(d)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            Ok(RecordId(<[u8; 16]>::deserialize(d)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_birth_and_survive_text() {
        let early = RecordId::new(1_000, [9; 10]);
        let late = RecordId::new(2_000, [0; 10]);
        assert!(early < late);
        assert_eq!(early, early.to_string().parse().unwrap());
    }

    #[test]
    fn ids_of_one_millisecond_ascend_and_so_they_do_when_the_clock_goes_back() {
        let births = Births(AtomicU64::new(0));
        let mut last = RecordId::new(0, [0; 10]);
        let times = [5_000, 5_000, 5_001, 4_000, 4_001, 5_002];
        for (at, now_ms) in times.into_iter().flat_map(|now_ms| std::iter::repeat_n(now_ms, 40_000)).enumerate() {
            let id = births.next(now_ms, [(at * 7 % 256) as u8; 10]);
            assert!(last < id, "{last} {id}");
            last = id;
        }
    }

    #[test]
    fn ids_keep_their_form_and_their_randomness() {
        let births = Births(AtomicU64::new(0));
        let (zeros, ones) = (births.next(1 << 40, [0; 10]), births.next(1 << 40, [255; 10]));
        for id in [zeros, ones] {
            let form = uuid::Uuid::from_bytes(id.0);
            assert_eq!((form.get_version_num(), form.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(id.0[..6], (1u64 << 40).to_be_bytes()[2..]);
        }
        assert_eq!(zeros.0[9..], [0; 7]);
        assert_eq!(ones.0[9..], [255; 7]);
        assert_ne!(RecordId::generate(0), RecordId::generate(0));
        assert!(RecordId::generate(0) < RecordId::generate(1));
    }

    #[test]
    fn threads_never_get_the_same_place() {
        let births = Births(AtomicU64::new(0));
        let mut all: Vec<RecordId> = std::thread::scope(|scope| {
            let give = || (0..20_000).map(|_| births.next(1_000, [1; 10])).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(give)).collect();
            threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 80_000);
    }

    #[test]
    fn a_bad_id_says_what_one_looks_like() {
        let said = "nope".parse::<RecordId>().unwrap_err().to_string();
        assert!(said.contains("'nope'") && said.contains("0199"), "{said}");
    }
}
