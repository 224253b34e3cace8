//! A record as the engine holds it, and its stored form. Knows no schema: values carry numeric field ids, and stay readable
//! when fields are renamed or removed.

use kith_base::{RecordId, TimestampMs};
use kith_model::{Values, codec};
use serde::{Deserialize, Serialize};

/// Format of a stored record: one byte, this head in postcard, then the values in the model's codec.
const FORMAT: u8 = 1;

/// The actor behind what nobody did in person: seeds, upkeep.
pub const SYSTEM_ID: RecordId = RecordId([0; 16]);

/// One record at one version. `values` may also hold computed fields when it comes out of the image; they are never stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: RecordId,
    /// Numeric id of its object.
    pub object: u32,
    /// 1 for a new record, one more with every change.
    pub version: u64,
    /// Sequence number of the journal entry that holds this version.
    pub seq: u64,
    pub created_at: TimestampMs,
    pub updated_at: TimestampMs,
    /// Id of the actor; `SYSTEM_ID` for the system.
    pub created_by: RecordId,
    pub updated_by: RecordId,
    pub trashed: bool,
    pub values: Values,
}

#[derive(Serialize, Deserialize)]
struct Head {
    object: u32,
    created_at: TimestampMs,
    updated_at: TimestampMs,
    created_by: RecordId,
    updated_by: RecordId,
    trashed: bool,
}

/// Why stored bytes are not a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record is stored in format {0}, which this version of Kith does not know; run a newer one")]
    NewerFormat(u8),
    #[error("the stored record cannot be read: {0}")]
    Damaged(String),
    #[error(transparent)]
    Values(#[from] codec::CodecError),
}

impl Record {
    /// The stored form. Id, version and sequence number are kept by the store, beside the bytes.
    pub fn encode(&self) -> Vec<u8> {
        let head = Head {
            object: self.object,
            created_at: self.created_at,
            updated_at: self.updated_at,
            created_by: self.created_by,
            updated_by: self.updated_by,
            trashed: self.trashed,
        };
        // Writing plain integers and arrays into a growing vector cannot fail; an empty head would be refused on reading.
        let mut bytes = postcard::to_extend(&head, vec![FORMAT]).unwrap_or_default();
        bytes.extend_from_slice(&codec::encode(&self.values));
        bytes
    }

    /// Reads what `encode` wrote.
    ///
    /// # Errors
    /// A format from the future, or bytes that are no record.
    pub fn decode(id: RecordId, version: u64, seq: u64, bytes: &[u8]) -> Result<Record, RecordError> {
        let (format, rest) = bytes.split_first().ok_or_else(|| RecordError::Damaged("it is empty".into()))?;
        if *format != FORMAT {
            return Err(RecordError::NewerFormat(*format));
        }
        let (head, values) =
            postcard::take_from_bytes::<Head>(rest).map_err(|e| RecordError::Damaged(e.to_string()))?;
        Ok(Record {
            id,
            object: head.object,
            version,
            seq,
            created_at: head.created_at,
            updated_at: head.updated_at,
            created_by: head.created_by,
            updated_by: head.updated_by,
            trashed: head.trashed,
            values: codec::decode(values)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use kith_model::Value;

    use super::*;

    fn record() -> Record {
        Record {
            id: RecordId::new(5, [1; 10]),
            object: 100,
            version: 3,
            seq: 9,
            created_at: 1_700_000_000_000,
            updated_at: 1_700_000_000_001,
            created_by: SYSTEM_ID,
            updated_by: RecordId::new(6, [2; 10]),
            trashed: true,
            values: [(1, Value::Text("Zoë\nO'Hara".into())), (7, Value::Int(-4))].into_iter().collect(),
        }
    }

    #[test]
    fn a_record_survives_its_stored_form() {
        let before = record();
        assert_eq!(Record::decode(before.id, 3, 9, &before.encode()).unwrap(), before);
    }

    #[test]
    fn no_cut_or_foreign_bytes_are_taken_for_a_record() {
        let bytes = record().encode();
        assert!(matches!(Record::decode(SYSTEM_ID, 1, 1, &[2, 0, 0]), Err(RecordError::NewerFormat(2))));
        for end in 0..40 {
            assert!(Record::decode(SYSTEM_ID, 1, 1, &bytes[..end]).is_err(), "{end} bytes");
        }
    }
}
