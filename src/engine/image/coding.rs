//! Values as the bytes of a dictionary entry, and back. In memory only; nothing here is stored.

use kith_base::RecordId;
use kith_model::Value;

/// What the bytes of a dictionary mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// the text itself
    Text,
    /// the 16 bytes of a record id
    Link,
    /// the ids of a list, one after the other
    Links,
    /// a whole value in postcard
    Any,
}

/// The dictionary bytes of a value; none when this coding cannot hold it. The inverse of `decode`.
pub fn encoded<'a>(coding: Coding, value: &'a Value, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    match (coding, value) {
        (Coding::Text, Value::Text(text)) => Some(text.as_bytes()),
        (Coding::Link, Value::Link(id)) => Some(&id.0),
        (Coding::Links, Value::Links(ids)) => {
            scratch.clear();
            ids.iter().for_each(|id| scratch.extend_from_slice(&id.0));
            Some(scratch)
        }
        (Coding::Any, value) => {
            scratch.clear();
            *scratch = postcard::to_extend(value, std::mem::take(scratch)).ok()?;
            Some(scratch)
        }
        _ => None,
    }
}

pub fn decode(coding: Coding, bytes: &[u8]) -> Value {
    match coding {
        Coding::Text => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        Coding::Link => <[u8; 16]>::try_from(bytes).map_or(Value::Null, |id| Value::Link(RecordId(id))),
        Coding::Links => Value::Links(ids_of(bytes).collect()),
        Coding::Any => postcard::from_bytes(bytes).unwrap_or_default(),
    }
}

/// The records that a value of links names.
pub fn linked(value: &Value) -> &[RecordId] {
    match value {
        Value::Link(id) => std::slice::from_ref(id),
        Value::Links(ids) => ids,
        _ => &[],
    }
}

/// The ids in the bytes of coding `Links`.
pub fn ids_of(bytes: &[u8]) -> impl Iterator<Item = RecordId> + '_ {
    bytes.chunks_exact(16).filter_map(|id| id.try_into().ok()).map(RecordId)
}
