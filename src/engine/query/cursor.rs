//! Where a page ended: the sort keys and the id of its last row, bound to the shape of the list. A cursor is a place, not a right;
//! what it may show is decided anew each time. Whatever a client sends in its stead is refused, never trusted.

use std::hash::{DefaultHasher, Hash, Hasher};

use kith_base::RecordId;
use serde::{Deserialize, Serialize};

use super::QueryError;
use crate::image::key::Key;

const FORMAT: u8 = 1;

/// Characters of a cursor: a few keys of at most 256 bytes each. Longer ones were not made here.
const CURSOR_CHARS_MAX: usize = 8 * 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    format: u8,
    shape: u64,
    pub keys: Vec<Key<'static>>,
    pub id: RecordId,
}

impl Position {
    pub fn new(shape: u64, keys: Vec<Key<'static>>, id: RecordId) -> Position {
        Position { format: FORMAT, shape, keys, id }
    }

    /// Text for a URL: hexadecimal.
    pub fn encode(&self) -> String {
        let bytes = postcard::to_allocvec(self).unwrap_or_default();
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text
    }

    /// Reads what `encode` wrote for a list of this shape with this many sort keys.
    pub fn decode(text: &str, shape: u64, keys: usize) -> Result<Position, QueryError> {
        if text.len() > CURSOR_CHARS_MAX || text.len() % 2 == 1 {
            return Err(QueryError::BadCursor);
        }
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
        let bytes: Vec<u8> = digits.ok_or(QueryError::BadCursor)?.chunks(2).map(|d| d[0] << 4 | d[1]).collect();
        let position: Position = postcard::from_bytes(&bytes).map_err(|_| QueryError::BadCursor)?;
        let fits = position.format == FORMAT && position.shape == shape && position.keys.len() == keys;
        if fits { Ok(position) } else { Err(QueryError::BadCursor) }
    }
}

/// What two pages of one list have in common.
pub fn shape(object: u32, sort: &[(String, bool)], trashed: bool) -> u64 {
    // Fixed keys: cursors outlive the process.
    let mut hasher = DefaultHasher::new();
    (FORMAT, object, sort, trashed).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position() -> Position {
        let keys = vec![Key::Text("Zoë\nO'Hara".into()), Key::Null, Key::Int(-5), Key::Double(0.5)];
        Position::new(shape(7, &[], false), keys, RecordId::new(5, [3; 10]))
    }

    #[test]
    fn a_cursor_survives_its_text_and_fits_only_its_list() {
        let text = position().encode();
        assert_eq!(Position::decode(&text, shape(7, &[], false), 4).unwrap(), position());
        assert_eq!(Position::decode(&text, shape(8, &[], false), 4), Err(QueryError::BadCursor));
        assert_eq!(Position::decode(&text, shape(7, &[], true), 4), Err(QueryError::BadCursor));
        assert_eq!(Position::decode(&text, shape(7, &[], false), 3), Err(QueryError::BadCursor));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(text in ".{0,200}", hex in "[0-9a-f]{0,400}", cut in 0usize..200) {
            let _ = Position::decode(&text, 1, 1);
            let _ = Position::decode(&hex, 1, 1);
            let whole = position().encode();
            let at = cut.min(whole.len());
            let _ = Position::decode(&whole[..at], shape(7, &[], false), 4);
        }
    }
}
