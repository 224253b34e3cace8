//! What one erasure has to do, as noted before it begins so that it can be finished after a kill. Ids, numbers, names of files,
//! and the values that a rule puts in the place of others: nothing that was anybody's.

use data_encoding::HEXLOWER;
use kith_base::RecordId;
use kith_model::{Value, Values, codec};
use serde::{Deserialize, Serialize};

use crate::{EngineError, Record, system::ids};

/// Format of the records put back: this byte, then postcard.
const FORMAT: u8 = 1;

/// Noted as JSON in the erasure's record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Work {
    pub ids: Vec<RecordId>,
    /// Content in the vault's files that goes too.
    pub files: Vec<String>,
    /// Fields of other records that name such content: object, field, record.
    pub clear: Vec<(u32, u32, RecordId)>,
    /// Content that holds the new versions of records whose older ones are erased.
    pub put_back: Option<String>,
    /// What those new versions were given.
    pub given: Option<Given>,
}

/// Values that were put over what is erased, the same for all records of one erasure. They are those of a rule and nobody's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Numbers of the fields; those without a value were emptied.
    pub fields: Vec<u32>,
    /// The values as a record stores them, in hexadecimal.
    pub values: String,
}

impl Given {
    /// The values that `record` has in `fields`.
    pub(super) fn of(record: &Record, fields: Vec<u32>) -> Given {
        let values: Values = fields
            .iter()
            .map(|field| (*field, record.values.get(*field).clone()))
            .filter(|(_, value)| !value.is_null())
            .collect();
        Given { fields, values: HEXLOWER.encode(&codec::encode(&values)) }
    }

    /// Puts the values over those that a record has.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn put_over(&self, record: &mut Record) -> Result<(), EngineError> {
        let damaged = |e: String| EngineError::Internal(format!("values put over what was erased cannot be read: {e}"));
        let bytes = HEXLOWER.decode(self.values.as_bytes()).map_err(|e| damaged(e.to_string()))?;
        let values = codec::decode(&bytes).map_err(|e| damaged(e.to_string()))?;
        for field in &self.fields {
            record.values.set(*field, values.get(*field).clone());
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Back {
    id: RecordId,
    version: u64,
    seq: u64,
    bytes: Vec<u8>,
}

impl Work {
    /// The work noted in a record of `erasures`.
    pub fn of(record: &Record) -> Option<Work> {
        match record.values.get(ids::erasures::WORK) {
            Value::Json(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }
}

/// The stored form of records to be put back.
pub(super) fn encode(records: &[Record]) -> Result<Vec<u8>, EngineError> {
    let back: Vec<Back> = records
        .iter()
        .map(|record| Back { id: record.id, version: record.version, seq: record.seq, bytes: record.encode() })
        .collect();
    postcard::to_extend(&back, vec![FORMAT])
        .map_err(|e| EngineError::Internal(format!("records to put back cannot be written: {e}")))
}

/// Reads what `encode` wrote.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Record>, EngineError> {
    let damaged = |e: String| EngineError::Internal(format!("records to put back cannot be read: {e}"));
    let back: Vec<Back> = match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|e| damaged(e.to_string()))?,
        Some((format, _)) => return Err(damaged(format!("format {format} is newer than this version of Kith"))),
        None => return Err(damaged("there is nothing".into())),
    };
    let record = |b: Back| Record::decode(b.id, b.version, b.seq, &b.bytes).map_err(|e| damaged(e.to_string()));
    back.into_iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_their_way_through_a_file_and_other_bytes_are_refused() {
        let record = Record {
            id: RecordId([3; 16]),
            object: 100,
            version: 4,
            seq: 9,
            created_at: 1,
            updated_at: 2,
            created_by: RecordId([4; 16]),
            updated_by: RecordId([5; 16]),
            trashed: false,
            values: [(1, Value::Text("Zoë".into()))].into_iter().collect(),
        };
        assert_eq!(decode(&encode(std::slice::from_ref(&record)).unwrap()).unwrap(), [record]);
        assert!(decode(&[]).is_err() && decode(&[2, 0]).is_err() && decode(&[1, 9, 9]).is_err());
    }
}
