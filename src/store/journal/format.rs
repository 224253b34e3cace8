//! Bytes of the journal: segment headers and frames. Pure: encodes and checks, reads no file, opens no seal.
//!
//! Segment: a header page of 4 KiB, then frames one after the other, then zeros.
//! Frame, little-endian: `"KJF" version | kind u8, 0 0 0 | meta_len u32 | data_len u32 | seq u64 | durable u64 | checksum 16`,
//! then meta, then data.
//! - Meta of an entry: `time i64 | head_len u32 | head_hash 32 | n u32 | n rows | chain hash 32`; a row is
//!   `id 16 | version u64 | prev_seq u64 | len u32 | erased u8 | sealed_hash 32`. Data: the sealed head, then the sealed values.
//! - Meta of a mark: `time i64 | digest 32 | chain hash 32`: the digest of the records after entry `seq`.
//!
//! The checksum covers header and meta; meta holds the hash of every piece of data. The chain hash covers meta without the
//! `erased` bytes, so taking a value out leaves the chain as it was. `durable` is the place in the segment up to which all was
//! synced when the frame was written: a broken place below it cannot be a torn write.

use kith_base::RecordId;

use crate::seal::{Keys, Place, Sealed, Unopened};

/// Version byte of segments and frames.
pub(crate) const JOURNAL_FORMAT: u8 = 1;
/// The header has a page for itself, so that no torn frame can reach it.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 4096;
pub(crate) const FRAME_HEADER_BYTES: usize = 48;
pub(crate) const FRAME_MAGIC: [u8; 4] = [b'K', b'J', b'F', JOURNAL_FORMAT];
const SEGMENT_MAGIC: [u8; 7] = *b"KITHLOG";
const SEGMENT_HEADER_USED: usize = 8 + 16 + 8 + 32 + 16;
const ENTRY_META_FIXED: usize = 8 + 4 + 32 + 4 + 32;
const ROW_BYTES: usize = 16 + 8 + 8 + 4 + 1 + 32;
const MARK_META_BYTES: usize = 8 + 32 + 32;

pub(crate) type Hash = [u8; 32];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameKind {
    Change,
    Erasure,
    Mark,
}

impl FrameKind {
    fn byte(self) -> u8 {
        match self {
            FrameKind::Change => 1,
            FrameKind::Erasure => 2,
            FrameKind::Mark => 3,
        }
    }

    fn from_byte(byte: u8) -> Option<FrameKind> {
        [FrameKind::Change, FrameKind::Erasure, FrameKind::Mark].into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Why bytes are not what they should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Bad {
    /// Nothing but zeros: nothing was written here.
    Empty,
    Newer(u8),
    OtherVault,
    Broken(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    pub first_seq: u64,
    /// Chain hash before the segment's first frame.
    pub chain: Hash,
}

impl SegmentHeader {
    pub fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES as usize);
        out.extend_from_slice(&SEGMENT_MAGIC);
        out.push(JOURNAL_FORMAT);
        out.extend_from_slice(&keys.vault_id);
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.chain);
        let checksum = keys.checksum(&[&out]);
        out.extend_from_slice(&checksum);
        out.resize(SEGMENT_HEADER_BYTES as usize, 0);
        out
    }

    pub fn decode(bytes: &[u8], keys: &Keys) -> Result<SegmentHeader, Bad> {
        let page = bytes.get(..SEGMENT_HEADER_BYTES as usize).ok_or(Bad::Broken("it is too short for its header"))?;
        if page.iter().all(|byte| *byte == 0) {
            return Err(Bad::Empty);
        }
        if page[..7] != SEGMENT_MAGIC {
            return Err(Bad::Broken("its header is not one of kith's"));
        }
        if page[7] > JOURNAL_FORMAT {
            return Err(Bad::Newer(page[7]));
        }
        let (used, rest) = page.split_at(SEGMENT_HEADER_USED);
        let (covered, checksum) = used.split_at(SEGMENT_HEADER_USED - 16);
        if keys.checksum(&[covered]) != *checksum {
            let foreign = page[8..24] != keys.vault_id;
            return Err(if foreign { Bad::OtherVault } else { Bad::Broken("its header does not match its checksum") });
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err(Bad::Broken("its header page holds bytes that do not belong there"));
        }
        Ok(SegmentHeader { first_seq: u64_at(page, 24), chain: hash_at(page, 32) })
    }
}

/// One change in a frame's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub id: RecordId,
    pub version: u64,
    pub prev_seq: u64,
    /// Bytes of the sealed value, also when it was erased.
    pub len: u32,
    pub erased: bool,
    pub sealed_hash: Hash,
}

/// What a frame says, without its data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub kind: FrameKind,
    pub seq: u64,
    pub durable: u64,
    pub time_ms: i64,
    pub head_len: u32,
    pub head_hash: Hash,
    pub rows: Vec<Row>,
    /// Marks only.
    pub digest: Hash,
    pub chain: Hash,
    /// Bytes of the whole frame.
    pub bytes: u64,
    /// Where data begins, from the frame's start.
    pub data_at: u64,
}

/// The fixed part of a frame, enough to step over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameHeader {
    pub kind: FrameKind,
    pub meta_len: u32,
    pub data_len: u32,
    pub seq: u64,
    pub durable: u64,
}

impl FrameHeader {
    pub fn decode(bytes: &[u8]) -> Result<FrameHeader, Bad> {
        let head = bytes.get(..FRAME_HEADER_BYTES).ok_or(Bad::Broken("a frame is cut off"))?;
        if head.iter().all(|byte| *byte == 0) {
            return Err(Bad::Empty);
        }
        if head[..3] != FRAME_MAGIC[..3] {
            return Err(Bad::Broken("a frame does not begin as it should"));
        }
        if head[3] > JOURNAL_FORMAT {
            return Err(Bad::Newer(head[3]));
        }
        let kind = FrameKind::from_byte(head[4]).ok_or(Bad::Broken("a frame is of no known kind"))?;
        let (meta_len, data_len) = (u32_at(head, 8), u32_at(head, 12));
        Ok(FrameHeader { kind, meta_len, data_len, seq: u64_at(head, 16), durable: u64_at(head, 24) })
    }

    pub fn meta_end(&self) -> u64 {
        FRAME_HEADER_BYTES as u64 + u64::from(self.meta_len)
    }

    pub fn bytes(&self) -> u64 {
        self.meta_end() + u64::from(self.data_len)
    }
}

impl Frame {
    /// Decodes header and meta from `bytes`, which may end anywhere after them, and checks the checksum.
    pub fn decode(bytes: &[u8], keys: &Keys) -> Result<Frame, Bad> {
        let header = FrameHeader::decode(bytes)?;
        let end = usize::try_from(header.meta_end()).map_err(|_| Bad::Broken("a frame is too long"))?;
        let meta = bytes.get(FRAME_HEADER_BYTES..end).ok_or(Bad::Broken("a frame is cut off"))?;
        if keys.checksum(&[&bytes[..32], meta]) != bytes[32..FRAME_HEADER_BYTES] {
            return Err(Bad::Broken("a frame does not match its checksum"));
        }
        let mut frame = Frame {
            kind: header.kind,
            seq: header.seq,
            durable: header.durable,
            time_ms: 0,
            head_len: 0,
            head_hash: [0; 32],
            rows: Vec::new(),
            digest: [0; 32],
            chain: [0; 32],
            bytes: header.bytes(),
            data_at: header.meta_end(),
        };
        match header.kind {
            FrameKind::Mark => frame.fill_mark(meta)?,
            FrameKind::Change | FrameKind::Erasure => frame.fill_entry(meta)?,
        }
        if frame.data_bytes() != u64::from(header.data_len) {
            return Err(Bad::Broken("a frame's lengths do not add up"));
        }
        Ok(frame)
    }

    fn fill_mark(&mut self, meta: &[u8]) -> Result<(), Bad> {
        if meta.len() != MARK_META_BYTES {
            return Err(Bad::Broken("a mark has the wrong length"));
        }
        (self.time_ms, self.digest, self.chain) = (u64_at(meta, 0) as i64, hash_at(meta, 8), hash_at(meta, 40));
        Ok(())
    }

    fn fill_entry(&mut self, meta: &[u8]) -> Result<(), Bad> {
        let wrong = Bad::Broken("an entry has the wrong length");
        if meta.len() < ENTRY_META_FIXED {
            return Err(wrong);
        }
        let rows = u32_at(meta, 44) as usize;
        if rows.checked_mul(ROW_BYTES) != Some(meta.len() - ENTRY_META_FIXED) {
            return Err(wrong);
        }
        (self.time_ms, self.head_len, self.head_hash) = (u64_at(meta, 0) as i64, u32_at(meta, 8), hash_at(meta, 12));
        self.rows = meta[48..48 + rows * ROW_BYTES].chunks_exact(ROW_BYTES).map(decode_row).collect();
        self.chain = hash_at(meta, meta.len() - 32);
        Ok(())
    }

    fn data_bytes(&self) -> u64 {
        u64::from(self.head_len) + self.rows.iter().filter(|r| !r.erased).map(|r| u64::from(r.len)).sum::<u64>()
    }

    /// The place of each row's sealed value, from the start of the frame; `None` when erased.
    pub fn places(&self) -> impl Iterator<Item = (&Row, Option<std::ops::Range<u64>>)> {
        let mut at = self.data_at + u64::from(self.head_len);
        self.rows.iter().map(move |row| {
            let place = (!row.erased).then(|| at..at + u64::from(row.len));
            at = place.as_ref().map_or(at, |place| place.end);
            (row, place)
        })
    }

    pub fn head_place(&self) -> std::ops::Range<u64> {
        self.data_at..self.data_at + u64::from(self.head_len)
    }

    /// What the chain hash must be after `before`.
    pub fn chain_after(&self, before: &Hash, keys: &Keys) -> Hash {
        let mut hasher = keys.chain_hasher();
        hasher.update(before).update(&[self.kind.byte()]).update(&self.seq.to_le_bytes());
        hasher.update(&self.time_ms.to_le_bytes());
        if self.kind == FrameKind::Mark {
            hasher.update(&self.digest);
        } else {
            hasher.update(&self.head_len.to_le_bytes()).update(&self.head_hash);
            hasher.update(&(self.rows.len() as u32).to_le_bytes());
            for row in &self.rows {
                let mut bytes = [0; ROW_BYTES];
                encode_row(&Row { erased: false, ..*row }, &mut bytes);
                hasher.update(&bytes);
            }
        }
        *hasher.finalize().as_bytes()
    }

    /// Checks every piece of data in `bytes` (the whole frame) against its hash, or, when it was sealed again since, against the
    /// sealing that vouches for that hash.
    pub fn check_data(&self, bytes: &[u8], keys: &Keys) -> Result<(), Bad> {
        let piece = |place: std::ops::Range<u64>| bytes.get(place.start as usize..place.end as usize);
        let cut_off = Bad::Broken("a frame is cut off");
        if self.kind != FrameKind::Mark {
            let head = piece(self.head_place()).ok_or_else(|| cut_off.clone())?;
            let place = Place::Head { seq: self.seq };
            let checked = keys.check_sealed(head, place, &self.head_hash);
            checked.map_err(|why| unsealed(why, "the head of an entry does not match its hash"))?;
        }
        for (row, place) in self.places() {
            let Some(place) = place else { continue };
            let sealed = piece(place).ok_or_else(|| cut_off.clone())?;
            let place = Place::Change { id: row.id, version: row.version, seq: self.seq };
            let checked = keys.check_sealed(sealed, place, &row.sealed_hash);
            checked.map_err(|why| unsealed(why, "a change does not match its hash"))?;
        }
        Ok(())
    }

    /// Sets `chain`, and writes the frame to `out`. `pieces` are the sealed values of the rows that are not erased.
    pub fn encode<'a>(&self, head: &[u8], pieces: impl Iterator<Item = &'a [u8]>, keys: &Keys, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&FRAME_MAGIC);
        out.extend_from_slice(&[self.kind.byte(), 0, 0, 0]);
        out.extend_from_slice(&(self.meta_bytes() as u32).to_le_bytes());
        out.extend_from_slice(&(self.data_bytes() as u32).to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.durable.to_le_bytes());
        out.extend_from_slice(&[0; 16]);
        out.extend_from_slice(&self.time_ms.to_le_bytes());
        if self.kind == FrameKind::Mark {
            out.extend_from_slice(&self.digest);
        } else {
            out.extend_from_slice(&self.head_len.to_le_bytes());
            out.extend_from_slice(&self.head_hash);
            out.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
            for row in &self.rows {
                let at = out.len();
                out.resize(at + ROW_BYTES, 0);
                encode_row(row, &mut out[at..]);
            }
        }
        out.extend_from_slice(&self.chain);
        let checksum = keys.checksum(&[&out[start..start + 32], &out[start + FRAME_HEADER_BYTES..]]);
        out[start + 32..start + FRAME_HEADER_BYTES].copy_from_slice(&checksum);
        out.extend_from_slice(head);
        pieces.for_each(|piece| out.extend_from_slice(piece));
    }

    fn meta_bytes(&self) -> usize {
        match self.kind {
            FrameKind::Mark => MARK_META_BYTES,
            FrameKind::Change | FrameKind::Erasure => ENTRY_META_FIXED + self.rows.len() * ROW_BYTES,
        }
    }

    /// Bytes the frame will have when encoded.
    pub fn encoded_bytes(&self) -> u64 {
        FRAME_HEADER_BYTES as u64 + self.meta_bytes() as u64 + self.data_bytes()
    }
}

fn unsealed(why: Unopened, otherwise: &'static str) -> Bad {
    match why {
        Unopened::UnknownKey(_) => Bad::Broken("an entry is sealed with a key that is no longer in the vault"),
        Unopened::Newer(_) | Unopened::Damaged => Bad::Broken(otherwise),
    }
}

/// An entry's frame that is not placed and not chained yet.
pub(crate) fn entry_frame(
    kind: FrameKind,
    seq: u64,
    time_ms: i64,
    head: &Sealed,
    rows: Vec<Row>,
    keys: &Keys,
) -> Frame {
    Frame {
        kind,
        seq,
        time_ms,
        head_len: head.0.len() as u32,
        head_hash: keys.sealed_hash(&head.0),
        rows,
        ..mark_frame(seq, time_ms, [0; 32])
    }
}

/// A mark's frame that is not placed and not chained yet.
pub(crate) fn mark_frame(seq: u64, time_ms: i64, digest: Hash) -> Frame {
    Frame {
        kind: FrameKind::Mark,
        seq,
        durable: 0,
        time_ms,
        head_len: 0,
        head_hash: [0; 32],
        rows: Vec::new(),
        digest,
        chain: [0; 32],
        bytes: 0,
        data_at: 0,
    }
}

fn encode_row(row: &Row, out: &mut [u8]) {
    out[..16].copy_from_slice(row.id.as_bytes());
    out[16..24].copy_from_slice(&row.version.to_le_bytes());
    out[24..32].copy_from_slice(&row.prev_seq.to_le_bytes());
    out[32..36].copy_from_slice(&row.len.to_le_bytes());
    out[36] = u8::from(row.erased);
    out[37..69].copy_from_slice(&row.sealed_hash);
}

fn decode_row(bytes: &[u8]) -> Row {
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    Row {
        id: RecordId(id),
        version: u64_at(bytes, 16),
        prev_seq: u64_at(bytes, 24),
        len: u32_at(bytes, 32),
        erased: bytes[36] != 0,
        sealed_hash: hash_at(bytes, 37),
    }
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(out)
}

pub(crate) fn hash_at(bytes: &[u8], at: usize) -> Hash {
    let mut out = [0; 32];
    out.copy_from_slice(&bytes[at..at + 32]);
    out
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
