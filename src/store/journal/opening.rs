//! Opens the journal: checks that its segments follow one another, finds the end, and cuts what a power cut left of a write
//! that nobody was told about. Cuts nothing else: whatever had been synced and does not verify is an error.

use std::{fs, path::Path, sync::Arc};

use parking_lot::{Mutex, RwLock};

use crate::{
    StoreError,
    error::at,
    folder::{make_folder, sync_folder},
    journal::{
        Journal, Tail,
        format::{Bad, FRAME_MAGIC, Frame, FrameKind, Hash, SEGMENT_HEADER_BYTES, SegmentHeader},
        segment::{Segment, file_name, parse_name, reserve},
    },
    seal::Keys,
};

/// What others remember of the journal: it must reach at least this far.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Known {
    pub seq: u64,
    /// The checkpoint's sequence number and chain hash.
    pub checkpoint: Option<(u64, Hash)>,
    /// A record store was there, so the journal cannot be new.
    pub was_used: bool,
}

/// Bytes cut from the end.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Cut {
    pub bytes: u64,
    pub created: bool,
}

/// Where the written part of the last segment ends.
struct End {
    offset: u64,
    seq: u64,
    chain: Hash,
    torn_bytes: u64,
}

impl Journal {
    pub fn open(
        folder: &Path,
        keys: &Arc<Keys>,
        segment_bytes: u64,
        known: Known,
    ) -> Result<(Journal, Cut), StoreError> {
        let names = list(folder)?;
        let created = names.is_empty();
        if created {
            if known.was_used || known.seq > 0 {
                let what = "the journal is missing, but the records made from it are there".into();
                return Err(StoreError::Damaged { place: "journal".into(), seq: 1, what });
            }
            make_folder(folder)?;
            Segment::birth(folder, SegmentHeader { first_seq: 1, chain: [0; 32] }, segment_bytes, keys)?;
        }
        let segments = open_segments(folder, keys)?;
        let last = segments.last().cloned().ok_or_else(|| missing(1))?;
        let bytes = last.opened()?.read_all()?;
        last.start_index();
        let end = find_end(&last, &bytes, known.seq, keys)?;
        if end.seq < known.seq {
            let what = format!("it ends at entry {}, but entry {} had been made durable", end.seq, known.seq);
            return Err(StoreError::Damaged { place: last.place(end.offset), seq: end.seq + 1, what });
        }
        let file = last.writable()?;
        if end.torn_bytes > 0 {
            file.set_len(end.offset).map_err(at(&last.path))?;
        }
        // What is kept may have been written but never synced; nothing may be built on it before it is.
        file.sync_all().map_err(at(&last.path))?;
        sync_folder(folder)?;
        let capacity = segment_bytes.max(end.offset);
        reserve(&file, capacity).map_err(at(&last.path))?;
        let End { offset: end, seq, chain, torn_bytes } = end;
        let tail = Tail { segment: last, file, end, written: end, capacity, seq, chain };
        let journal = Journal {
            folder: folder.to_path_buf(),
            keys: keys.clone(),
            segment_bytes,
            segments: RwLock::new(segments),
            head: seq.into(),
            tail: Mutex::new(tail),
            swap: RwLock::new(()),
        };
        journal.check_checkpoint(known)?;
        Ok((journal, Cut { bytes: torn_bytes, created }))
    }

    fn check_checkpoint(&self, known: Known) -> Result<(), StoreError> {
        let Some((seq, hash)) = known.checkpoint.filter(|(seq, _)| *seq > 0) else { return Ok(()) };
        match self.find(seq)? {
            Some((_, _, frame)) if frame.chain == hash => Ok(()),
            found => {
                let place = found.map_or("journal".into(), |(opened, offset, _)| opened.segment.place(offset));
                let what = "its chain hash is not the one of the last checkpoint".into();
                Err(StoreError::Damaged { place, seq, what })
            }
        }
    }
}

/// First sequence numbers of the segments in a folder, in order. Removes what an interrupted birth or rewrite left.
fn list(folder: &Path) -> Result<Vec<u64>, StoreError> {
    let mut names = Vec::new();
    let items = match fs::read_dir(folder) {
        Ok(items) => items,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(names),
        Err(error) => return Err(at(folder)(error)),
    };
    for item in items {
        let item = item.map_err(at(folder))?;
        let name = item.file_name().to_string_lossy().into_owned();
        if name.ends_with(".tmp") {
            fs::remove_file(item.path()).map_err(at(item.path()))?;
        }
        names.extend(parse_name(&name));
    }
    names.sort_unstable();
    Ok(names)
}

/// Opens all segments and checks what their headers say; their frames are checked when they are read.
pub(crate) fn open_segments(folder: &Path, keys: &Keys) -> Result<Vec<Arc<Segment>>, StoreError> {
    let names = list_only(folder)?;
    if names.first() != Some(&1) {
        return Err(missing(1));
    }
    names.iter().map(|seq| Segment::open(&folder.join(file_name(*seq)), *seq, keys).map(Arc::new)).collect()
}

fn list_only(folder: &Path) -> Result<Vec<u64>, StoreError> {
    let items = fs::read_dir(folder).map_err(at(folder))?;
    let mut names: Vec<u64> =
        items.flatten().filter_map(|item| parse_name(&item.file_name().to_string_lossy())).collect();
    names.sort_unstable();
    Ok(names)
}

fn missing(seq: u64) -> StoreError {
    StoreError::Damaged { place: format!("journal/{}", file_name(seq)), seq, what: "the file is missing".into() }
}

/// Walks the last segment frame by frame to the first place where none verifies, and judges what lies there.
fn find_end(segment: &Segment, bytes: &[u8], known_seq: u64, keys: &Keys) -> Result<End, StoreError> {
    let (mut offset, mut seq, mut chain) = (SEGMENT_HEADER_BYTES, segment.header.first_seq - 1, segment.header.chain);
    let bad = loop {
        let rest = &bytes[offset as usize..];
        if rest.is_empty() {
            break Bad::Empty;
        }
        match check_frame(rest, seq, &chain, keys) {
            Ok(frame) => {
                if frame.kind != FrameKind::Mark {
                    seq = frame.seq;
                    segment.note(seq, offset);
                }
                chain = frame.chain;
                offset += frame.bytes;
            }
            Err(bad) => break bad,
        }
    };
    let rest = &bytes[offset as usize..];
    let torn_bytes = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
    let end = End { offset, seq, chain, torn_bytes };
    if torn_bytes == 0 {
        return Ok(end);
    }
    if let Bad::Newer(_) = bad {
        return Err(segment.error(bad, offset, seq + 1));
    }
    if seq < known_seq || later_frame_knows(rest, offset, keys) {
        return Err(segment.error(bad, offset, seq + 1));
    }
    Ok(end)
}

/// The frame at the start of `bytes`, when everything about it holds.
pub(crate) fn check_frame(bytes: &[u8], seq: u64, chain: &Hash, keys: &Keys) -> Result<Frame, Bad> {
    let frame = Frame::decode(bytes, keys)?;
    frame.check_data(bytes, keys)?;
    let in_order = if frame.kind == FrameKind::Mark { frame.seq <= seq } else { frame.seq == seq + 1 };
    if !in_order {
        return Err(Bad::Broken("an entry is missing or out of order"));
    }
    if frame.chain_after(chain, keys) != frame.chain {
        return Err(Bad::Broken("an entry does not follow from the one before it"));
    }
    Ok(frame)
}

/// True when an intact frame further on was written after the place at `offset` had been synced: then the place was
/// damaged later, and is no torn write.
fn later_frame_knows(rest: &[u8], offset: u64, keys: &Keys) -> bool {
    let starts = rest.windows(FRAME_MAGIC.len()).enumerate().skip(1).filter(|(_, window)| *window == FRAME_MAGIC);
    starts.filter_map(|(at, _)| Frame::decode(&rest[at..], keys).ok()).any(|frame| frame.durable > offset)
}
