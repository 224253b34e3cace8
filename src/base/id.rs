//! Record ids: UUIDv7, so that ids sort by birth. Makes none without being handed time and randomness.

use std::{fmt, str::FromStr};

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

    /// A new id from the system's randomness.
    pub fn generate(now_ms: i64) -> Self {
        let mut random = [0u8; 10];
        // The kernel's generator only fails before it is seeded, at boot; there is no id to give then.
        getrandom::fill(&mut random).unwrap_or_else(|e| panic!("the system has no randomness: {e}"));
        RecordId::new(now_ms.max(0) as u64, random)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
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
    fn a_bad_id_says_what_one_looks_like() {
        let said = "nope".parse::<RecordId>().unwrap_err().to_string();
        assert!(said.contains("'nope'") && said.contains("0199"), "{said}");
    }
}
