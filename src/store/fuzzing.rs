//! Doors for the fuzz targets into what reads the bytes of a disk: compiled for them alone. Each takes a sound piece, damages it as the
//! input says, and holds what comes out against what went in.
//!
//! Checksums are keyed, so damage alone never gets past them. An odd first byte mends them afterwards, which is what somebody with the
//! keys could write: nothing may panic then either.

use std::{
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use kith_base::{RecordId, Secret};

use crate::{
    checkpoint::Checkpoint,
    digest::Digest,
    folder::Folder,
    journal::{
        Frame, FrameKind, Journal, Row,
        format::{FRAME_HEADER_BYTES, FrameHeader, SEGMENT_HEADER_BYTES, SegmentHeader, entry_frame, mark_frame},
        opening::Known,
        segment::file_name,
    },
    records::row::{RowHead, State, parse_key, rows},
    seal::{Keys, Nonces, Place, Ring},
    vault::content::Content,
};

const SEGMENT_BYTES: u64 = 16 * 1024;

/// `base` with the edits that `input` names, four bytes each: place, kind, value.
pub fn edited(base: &[u8], input: &[u8]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for edit in input.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        if at >= bytes.len() {
            continue;
        }
        match edit[2] % 8 {
            0..=2 => bytes[at] ^= edit[3].max(1),
            3 | 4 => bytes[at] = edit[3],
            5 => bytes.truncate(at),
            6 => {
                let end = bytes.len().min(at + usize::from(edit[3]) + 1);
                bytes[at..end].fill(0);
            }
            _ => {
                let piece: Vec<u8> = bytes[at..].iter().take(usize::from(edit[3]) + 1).copied().collect();
                bytes.extend_from_slice(&piece);
            }
        }
    }
    bytes
}

struct Base {
    keys: Arc<Keys>,
    segment: Vec<u8>,
    frames: Vec<Vec<u8>>,
    value: Vec<u8>,
    /// Rows of a record: key and value.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// A state note and a checkpoint.
    notes: [Vec<u8>; 2],
}

const ID: RecordId = RecordId([9; 16]);

fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| make().expect("sealing fixed values"))
}

fn make() -> Option<Base> {
    let data = [1, 2].map(|id| (u16::from(id), Secret::new([id; 32]))).to_vec();
    let keys = Arc::new(Keys::new([7; 16], [3; 32], [4; 32], Ring { data, files: Vec::new() }));
    // The same in every process, so that an input stays what it was.
    let mut nonces = Nonces::fixed(64);
    let ring = keys.ring();
    let header = SegmentHeader { first_seq: 1, chain: [0; 32] };
    let (mut segment, mut frames, mut chain) = (header.encode(&keys), Vec::new(), header.chain);
    for seq in 1..=6u64 {
        let head = ring.seal(b"who and why", Place::Head { seq }, &mut nonces).ok()?;
        let mut pieces = Vec::new();
        let mut row = |n: u8, erased: bool| {
            let (id, version) = (RecordId([n; 16]), seq);
            let sealed =
                ring.seal(&vec![n; 10 * usize::from(n)], Place::Change { id, version, seq }, &mut nonces).ok()?;
            let row = Row {
                id,
                version,
                prev_seq: seq - 1,
                len: sealed.0.len() as u32,
                erased,
                sealed_hash: keys.sealed_hash(&sealed.0),
            };
            if !erased {
                pieces.push(sealed);
            }
            Some(row)
        };
        let list = (1..=seq as u8 % 4).map(|n| row(n, n == 2)).collect::<Option<Vec<_>>>()?;
        let kind = if seq == 5 { FrameKind::Erasure } else { FrameKind::Change };
        let list = if seq == 5 { vec![Row { len: 0, erased: true, sealed_hash: [0; 32], ..list[0] }] } else { list };
        let pieces = if seq == 5 { Vec::new() } else { pieces };
        let mark = mark_frame(seq - 1, 9, [seq as u8; 32]);
        let marked = (seq % 3 == 0).then_some((mark, None, Vec::new()));
        let entry = (entry_frame(kind, seq, 9, &head, list, &keys), Some(&head), pieces);
        for (mut frame, head, pieces) in marked.into_iter().chain([entry]) {
            frame.durable = segment.len() as u64;
            frame.chain = frame.chain_after(&chain, &keys);
            chain = frame.chain;
            let at = segment.len();
            let head: &[u8] = head.map_or(&[], |head| &head.0);
            frame.encode(head, pieces.iter().map(|piece| &*piece.0), &keys, &mut segment);
            frames.push(segment[at..].to_vec());
        }
    }
    segment.resize(segment.len() + 200, 0);
    let value: Vec<u8> = (0..9_000u32).map(|at| at as u8).collect();
    let sealed = ring.seal(&value, Place::Change { id: ID, version: 3, seq: 12 }, &mut nonces).ok()?;
    let state = State { seq: 12, part: 3, chain: [1; 32], digest: Digest::from_bytes([9; 32]) }.encode(&keys);
    let checkpoint = Checkpoint { seq: 9, chain: [1; 32], digest: [2; 32] }.encode(&keys);
    let rows = rows(ID, 3, 12, &keys.sealed_hash(&sealed.0), &sealed.0);
    Some(Base { keys, segment, frames, value, rows, notes: [state, checkpoint] })
}

/// Checksums of the header and of each frame that can be found, made right again.
fn mend(bytes: &mut [u8], keys: &Keys) {
    if bytes.len() < SEGMENT_HEADER_BYTES as usize {
        return;
    }
    let checksum = keys.checksum(&[&bytes[..64]]);
    bytes[64..80].copy_from_slice(&checksum);
    let mut at = SEGMENT_HEADER_BYTES as usize;
    while let Some(Ok(header)) = bytes.get(at..).map(FrameHeader::decode) {
        let Some(meta) = bytes.get(at + FRAME_HEADER_BYTES..at.saturating_add(header.meta_end() as usize)) else {
            return;
        };
        let checksum = keys.checksum(&[&bytes[at..at + 32], meta]);
        bytes[at + 32..at + FRAME_HEADER_BYTES].copy_from_slice(&checksum);
        at = at.saturating_add(header.bytes() as usize);
    }
}

/// A segment of the journal, opened, read from its beginning and by place. `folder` is the fuzzer's own.
pub fn segment(folder: &Path, input: &[u8]) {
    let base = base();
    let Some((mode, edits)) = input.split_first() else { return };
    let mended = mode % 2 == 1;
    let mut bytes = if mode % 8 == 7 { edits.to_vec() } else { edited(&base.segment, edits) };
    if mended {
        mend(&mut bytes, &base.keys);
    }
    let journal = Folder(folder.to_path_buf()).journal();
    drop(fs::create_dir(&journal));
    fs::write(journal.join(file_name(1)), &bytes).expect("the fuzzer's folder can be written to");
    let known = Known { seq: u64::from(mode >> 5), ..Known::default() };
    let Ok((opened, _)) = Journal::open(&journal, &base.keys, SEGMENT_BYTES, known) else { return };
    let mut seen = 0;
    let whole = opened.replay(0, None, &mut |replayed| {
        if !mended {
            assert!(base.frames[seen] == replayed.bytes, "frame {seen} is not the one that was written");
        }
        seen += 1;
        replayed.frame.places().for_each(drop);
        Ok(())
    });
    assert!(mended || matches!(whole, Ok(true)), "what opens reads to its end");
    for seq in 0..=opened.head() + 1 {
        let _guard = opened.reading();
        let found = opened.find(seq);
        assert!(mended || found.is_ok_and(|found| found.is_some() == (1..=opened.head()).contains(&seq)));
    }
    let head = opened.head();
    drop(opened);
    let again = Journal::open(&journal, &base.keys, SEGMENT_BYTES, known).map(|(journal, _)| journal.head());
    assert_eq!(again.ok(), Some(head), "a second opening sees what the first one kept");
}

/// Rows of the record store, notes beside it, and the content of the vault.
pub fn records(input: &[u8]) {
    let base = base();
    let keys = &base.keys;
    let Some((mode, rest)) = input.split_first() else { return };
    match mode % 4 {
        0 => {
            drop((State::decode(rest, keys), RowHead::decode(rest), parse_key(rest), Content::decode(rest)));
            drop((Checkpoint::decode(rest, keys), SegmentHeader::decode(rest, keys), Frame::decode(rest, keys)));
        }
        1 => {
            let [state, checkpoint] = &base.notes;
            let bad = edited(state, rest);
            assert!(bad == *state || !matches!(State::decode(&bad, keys), Ok(Some(_))), "a changed note is believed");
            let bad = edited(checkpoint, rest);
            let noted = Checkpoint::decode(&bad, keys);
            assert!(
                bad == *checkpoint || !matches!(noted, Ok(crate::checkpoint::Noted::At(_))),
                "a changed checkpoint is believed"
            );
        }
        _ => {
            let Some((row, edits)) = rest.split_first() else { return };
            let mut list = base.rows.clone();
            let row = usize::from(*row) % list.len();
            if mode % 4 == 2 {
                list[row].1 = edited(&list[row].1, edits);
            } else {
                list[row].0 = edited(&list[row].0, edits);
            }
            if let Some((id, head, sealed)) = joined(&list) {
                let place = Place::Change { id, version: head.version, seq: head.seq };
                let opened = keys.ring().unseal(&sealed, place, &head.sealed_hash);
                assert!(opened.is_err() || opened.is_ok_and(|plain| plain == base.value), "other bytes opened");
            }
        }
    }
}

/// The sealed value of rows that follow each other, as a scan puts them together.
fn joined(list: &[(Vec<u8>, Vec<u8>)]) -> Option<(RecordId, RowHead, Vec<u8>)> {
    let (first, rest) = list.split_first()?;
    let (id, 0) = parse_key(&first.0)? else { return None };
    let (head, piece) = RowHead::decode(&first.1)?;
    let mut sealed = piece.to_vec();
    for (number, (key, piece)) in (1u16..).zip(rest) {
        if parse_key(key)? != (id, number) {
            return None;
        }
        sealed.extend_from_slice(piece);
    }
    (usize::from(head.pieces) == rest.len()).then_some((id, head, sealed))
}
