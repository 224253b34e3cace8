//! Reads entries back from the journal and unseals them. Never beyond the newest durable entry.

use crate::{
    Change, Entry, EntryHead, EntryKind, StoreError,
    journal::{
        Frame, FrameKind, Journal,
        format::{Bad, FRAME_HEADER_BYTES, FrameHeader},
        segment::Opened,
    },
    seal::{Keys, Place},
};

/// Bytes of sealed entries in one answer; one entry may exceed it alone.
const ANSWER_BYTES: u64 = 8 * 1024 * 1024;
/// Read at a time from a segment.
const WINDOW_BYTES: u64 = 256 * 1024;

/// A stretch of a segment in memory.
struct Window {
    opened: Opened,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// `length` bytes from `at`, fewer at the end of the file.
    fn get(&mut self, at: u64, length: u64) -> Result<&[u8], StoreError> {
        if at < self.start || at + length > self.start + self.bytes.len() as u64 {
            self.bytes = self.opened.read(at..at + length.max(WINDOW_BYTES))?;
            self.start = at;
        }
        let from = (at - self.start) as usize;
        Ok(&self.bytes[from..self.bytes.len().min(from + length as usize)])
    }
}

pub(crate) fn read_from(journal: &Journal, keys: &Keys, seq: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
    walk(journal, keys, seq, limit, open_entry)
}

/// As `read_from`, without unsealing a change.
pub(crate) fn read_heads(journal: &Journal, keys: &Keys, seq: u64, limit: usize) -> Result<Vec<EntryHead>, StoreError> {
    walk(journal, keys, seq, limit, open_head)
}

fn walk<T>(
    journal: &Journal,
    keys: &Keys,
    seq: u64,
    limit: usize,
    open: impl Fn(&Frame, &[u8], &Keys) -> Result<T, Bad>,
) -> Result<Vec<T>, StoreError> {
    let (mut next, head) = (seq.max(1), journal.head());
    let (mut out, mut taken) = (Vec::new(), 0);
    let mut at: Option<(Window, u64)> = None;
    while next <= head && out.len() < limit && (taken < ANSWER_BYTES || out.is_empty()) {
        let (window, offset) = match &mut at {
            Some((window, offset)) => (window, offset),
            none => {
                let Some((opened, offset, _)) = journal.find(next)? else { break };
                let (window, offset) = none.insert((Window { opened, start: 0, bytes: Vec::new() }, offset));
                (window, offset)
            }
        };
        let (place, segment) = (*offset, window.opened.segment.clone());
        let wrong = |bad| segment.error(bad, place, next);
        let header = match FrameHeader::decode(window.get(place, FRAME_HEADER_BYTES as u64)?) {
            Ok(header) => header,
            // The segment's end: the entry is in the next one.
            Err(Bad::Empty | Bad::Broken("a frame is cut off")) => {
                at = None;
                continue;
            }
            Err(bad) => return Err(wrong(bad)),
        };
        let length = header.bytes();
        *offset += length;
        if header.kind == FrameKind::Mark {
            continue;
        }
        if length > window.opened.bytes()? {
            return Err(wrong(Bad::Broken("a frame is cut off")));
        }
        let bytes = window.get(place, length)?;
        let frame = Frame::decode(bytes, keys).map_err(wrong)?;
        if frame.seq != next {
            return Err(wrong(Bad::Broken("an entry is missing or out of order")));
        }
        out.push(open(&frame, bytes, keys).map_err(wrong)?);
        taken += length;
        next += 1;
    }
    Ok(out)
}

fn open_head(frame: &Frame, bytes: &[u8], keys: &Keys) -> Result<EntryHead, Bad> {
    let place = frame.head_place();
    let sealed = bytes.get(place.start as usize..place.end as usize).ok_or(Bad::Broken("a frame is cut off"))?;
    let head = keys
        .ring()
        .unseal(sealed, Place::Head { seq: frame.seq }, &frame.head_hash)
        .map_err(|_| Bad::Broken("the head of the entry does not open"))?;
    Ok(EntryHead { seq: frame.seq, kind: kind_of(frame), time_ms: frame.time_ms, head, hash: frame.chain })
}

fn kind_of(frame: &Frame) -> EntryKind {
    if frame.kind == FrameKind::Erasure { EntryKind::Erasure } else { EntryKind::Change }
}

fn open_entry(frame: &Frame, bytes: &[u8], keys: &Keys) -> Result<Entry, Bad> {
    let EntryHead { seq, kind, time_ms, head, hash } = open_head(frame, bytes, keys)?;
    let ring = keys.ring();
    let changes = frame.places().map(|(row, place)| {
        let (id, version) = (row.id, row.version);
        let open = |sealed: &[u8]| {
            let opened = ring.unseal(sealed, Place::Change { id, version, seq }, &row.sealed_hash);
            opened.map_err(|_| Bad::Broken("a change does not open"))
        };
        let sealed = |place: std::ops::Range<u64>| {
            bytes.get(place.start as usize..place.end as usize).ok_or(Bad::Broken("a frame is cut off"))
        };
        let value = place.map(|place| sealed(place).and_then(open)).transpose()?;
        Ok(Change { id, version, prev_seq: row.prev_seq, value })
    });
    let changes = changes.collect::<Result<_, Bad>>()?;
    Ok(Entry { seq, kind, time_ms, head, changes, hash })
}
