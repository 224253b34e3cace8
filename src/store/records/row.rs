//! Bytes of the record store: how a record and the state note lie in sled. Pure. No value is larger than 4 KiB, since sled
//! puts larger ones into blob files, which power cuts break.
//!
//! Record: key `r | id`, value `version 1 | version u64 | seq u64 | pieces u16 | sealed_hash 32 | first piece`; further pieces
//! under `r | id | number u16` (big-endian, from 1). State: key `m`, value
//! `version 1 | seq u64 | part u32 | chain hash 32 | digest 32 | checksum 16`. Count of openings: key `o`, value `u64`.

use kith_base::RecordId;

use crate::{
    digest::Digest,
    journal::{Hash, format::hash_at, format::u64_at},
    seal::Keys,
};

/// Version byte of rows and state.
pub(crate) const RECORDS_FORMAT: u8 = 1;
pub(crate) const VALUE_BYTES_MAX: usize = 4096;
pub(crate) const STATE_KEY: &[u8] = b"m";
/// How often the store was opened; says nothing, but gives each opening something to write.
pub(crate) const OPENINGS_KEY: &[u8] = b"o";
pub(crate) const ROWS: &[u8] = b"r";
pub(crate) const ROW_HEAD_BYTES: usize = 1 + 8 + 8 + 2 + 32;
const STATE_BYTES: usize = 1 + 8 + 4 + 32 + 32 + 16;

/// The state the records are in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct State {
    /// The newest entry that is wholly applied.
    pub seq: u64,
    /// How many changes of the entry after it are applied as well: a large entry takes several batches.
    pub part: u32,
    pub chain: Hash,
    pub digest: Digest,
}

impl State {
    pub fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut out = Vec::with_capacity(STATE_BYTES);
        out.push(RECORDS_FORMAT);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.part.to_le_bytes());
        out.extend_from_slice(&self.chain);
        out.extend_from_slice(&self.digest.to_bytes());
        out.extend_from_slice(&keys.checksum(&[&out]));
        out
    }

    /// `None` when damaged; a newer format gives its number.
    pub fn decode(bytes: &[u8], keys: &Keys) -> Result<Option<State>, u8> {
        match bytes.first() {
            Some(&format) if format > RECORDS_FORMAT => return Err(format),
            _ if bytes.len() != STATE_BYTES => return Ok(None),
            _ => {}
        }
        let (covered, checksum) = bytes.split_at(STATE_BYTES - 16);
        if keys.checksum(&[covered]) != *checksum {
            return Ok(None);
        }
        let part = u32::from_le_bytes([bytes[9], bytes[10], bytes[11], bytes[12]]);
        let digest = Digest::from_bytes(hash_at(bytes, 45));
        Ok(Some(State { seq: u64_at(bytes, 1), part, chain: hash_at(bytes, 13), digest }))
    }
}

/// What a record's first row says beside its first piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RowHead {
    pub version: u64,
    pub seq: u64,
    /// Rows that follow the first.
    pub pieces: u16,
    pub sealed_hash: Hash,
}

impl RowHead {
    pub fn decode(value: &[u8]) -> Option<(RowHead, &[u8])> {
        if value.len() < ROW_HEAD_BYTES || value[0] != RECORDS_FORMAT {
            return None;
        }
        let pieces = u16::from_le_bytes([value[17], value[18]]);
        let head =
            RowHead { version: u64_at(value, 1), seq: u64_at(value, 9), pieces, sealed_hash: hash_at(value, 19) };
        Some((head, &value[ROW_HEAD_BYTES..]))
    }
}

/// The rows of a sealed value: key and value of each.
pub(crate) fn rows(id: RecordId, version: u64, seq: u64, sealed_hash: &Hash, sealed: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (first, rest) = sealed.split_at(sealed.len().min(VALUE_BYTES_MAX - ROW_HEAD_BYTES));
    let pieces = rest.chunks(VALUE_BYTES_MAX);
    let mut value = Vec::with_capacity(ROW_HEAD_BYTES + first.len());
    value.push(RECORDS_FORMAT);
    value.extend_from_slice(&version.to_le_bytes());
    value.extend_from_slice(&seq.to_le_bytes());
    value.extend_from_slice(&(pieces.len() as u16).to_le_bytes());
    value.extend_from_slice(sealed_hash);
    value.extend_from_slice(first);
    let more = pieces.zip(1u16..).map(|(piece, number)| (piece_key(id, number), piece.to_vec()));
    std::iter::once((row_key(id), value)).chain(more).collect()
}

pub(crate) fn row_key(id: RecordId) -> Vec<u8> {
    [ROWS, id.as_bytes()].concat()
}

pub(crate) fn piece_key(id: RecordId, number: u16) -> Vec<u8> {
    [ROWS, id.as_bytes(), &number.to_be_bytes()].concat()
}

/// The id in a key, and the piece's number (0 for the first row).
pub(crate) fn parse_key(key: &[u8]) -> Option<(RecordId, u16)> {
    let rest = key.strip_prefix(ROWS)?;
    let id = RecordId(rest.get(..16)?.try_into().ok()?);
    match rest.len() {
        16 => Some((id, 0)),
        18 => Some((id, u16::from_be_bytes([rest[16], rest[17]]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::keys;

    #[test]
    fn a_large_value_is_cut_into_rows_that_follow_each_other_and_none_is_too_large() {
        let id = RecordId([255; 16]);
        for length in [0, 1, 4045, 4046, 8141, 8142, 1024 * 1024 + 43] {
            let sealed: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let rows = rows(id, 3, 9, &[7; 32], &sealed);
            assert!(rows.iter().all(|(key, value)| key.len() <= 200 && value.len() <= VALUE_BYTES_MAX));
            assert!(rows.is_sorted_by(|a, b| a.0 < b.0));
            let (head, first) = RowHead::decode(&rows[0].1).unwrap();
            assert_eq!((head.version, head.seq, head.sealed_hash), (3, 9, [7; 32]));
            assert_eq!(usize::from(head.pieces), rows.len() - 1);
            let whole = rows[1..].iter().fold(first.to_vec(), |whole, (_, piece)| [whole, piece.clone()].concat());
            assert_eq!(whole, sealed);
            for ((key, _), number) in rows.iter().zip(0..) {
                assert_eq!(parse_key(key), Some((id, number)));
            }
        }
    }

    #[test]
    fn a_changed_state_note_is_not_believed() {
        let keys = keys();
        let state = State { seq: 12, part: 3, chain: [1; 32], digest: Digest::from_bytes([9; 32]) };
        let good = state.encode(&keys);
        assert_eq!(State::decode(&good, &keys), Ok(Some(state)));
        for at in 1..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(State::decode(&bad, &keys), Ok(None));
        }
        assert_eq!(State::decode(&[9; 200], &keys), Err(9));
        assert_eq!(State::decode(&[], &keys), Ok(None));
    }
}
