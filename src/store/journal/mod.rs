//! The journal: segments in a row, one writer, many readers. It appends what is already sealed and hands it back; it never
//! unseals, and knows nothing of the record store behind it.

mod copying;
pub(crate) mod format;
pub(crate) mod opening;
mod replay;
mod resealing;
mod rewrite;
pub(crate) mod segment;

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

pub(crate) use self::{
    format::{Frame, FrameKind, Hash, Row},
    opening::Known,
    replay::Replayed,
};
use crate::{
    StoreError,
    error::{at, from_io},
    journal::{
        format::{SEGMENT_HEADER_BYTES, SegmentHeader, mark_frame},
        segment::{Opened, Segment, reserve},
    },
    seal::{Keys, Sealed},
};

/// Space kept free when a segment is born, so that the record store behind the journal can still write what the segment
/// will hold.
const DISK_RESERVE_BYTES: u64 = 32 * 1024 * 1024;

/// Zeros written behind a group that reaches into space never written before. The first write to reserved space changes the file's
/// metadata, and a sync that has to carry metadata takes ten times as long; so one sync in a thousand does it for the others.
const AHEAD_BYTES: u64 = 1024 * 1024;
/// From this size on a group carries its own metadata: zeros ahead would only double what is written.
const AHEAD_BELOW_BYTES: u64 = 128 * 1024;

/// A sealed entry that waits for its place. `pieces` belong to the rows, in order.
pub(crate) struct Prepared {
    pub frame: Frame,
    pub head: Sealed,
    pub pieces: Vec<Sealed>,
}

/// The records' digest after entry `seq`, to be noted in the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub seq: u64,
    pub digest: Hash,
    pub time_ms: i64,
}

pub(crate) struct Journal {
    folder: PathBuf,
    keys: Arc<Keys>,
    segment_bytes: u64,
    segments: RwLock<Vec<Arc<Segment>>>,
    tail: Mutex<Tail>,
    head: AtomicU64,
    /// Readers hold it while they use places in a segment; an erasure takes it for the moment it replaces one.
    swap: RwLock<()>,
}

struct Tail {
    segment: Arc<Segment>,
    file: File,
    end: u64,
    /// Up to here the file has been written, be it with zeros.
    written: u64,
    capacity: u64,
    seq: u64,
    chain: Hash,
}

impl Journal {
    /// Sequence number of the newest durable entry.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Keeps segments from being replaced while places in them are used.
    pub fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.swap.read()
    }

    /// Runs `work` while nobody reads.
    pub fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let _alone = self.swap.write();
        work()
    }

    /// Makes sure that `group` fits, with a new segment where needed. Nothing of the group is written when this fails.
    pub fn make_room(&self, group: &[Prepared], mark: Option<Mark>) -> Result<(), StoreError> {
        let mark_bytes = mark.map_or(0, |mark| framed(mark).encoded_bytes());
        let needed = mark_bytes + group.iter().map(|entry| entry.frame.encoded_bytes()).sum::<u64>();
        let tail = &mut *self.tail.lock();
        if tail.end + needed <= tail.capacity {
            return Ok(());
        }
        self.check_disk(needed)?;
        if tail.seq < tail.segment.header.first_seq {
            // No entry in it yet: it grows, since the next one would have its name.
            let capacity = tail.end + needed;
            reserve(&tail.file, capacity).map_err(at(&tail.segment.path))?;
            tail.capacity = capacity;
            return Ok(());
        }
        self.roll(tail, needed)
    }

    /// Writes the mark and the group and syncs once. On return all of it is durable. After an error the journal must not be
    /// used again: nobody knows what reached the disk.
    pub fn append(&self, mark: Option<Mark>, group: &mut [Prepared]) -> Result<(), StoreError> {
        let tail = &mut *self.tail.lock();
        let durable = tail.end;
        let (mut out, mut chain, mut places) = (Vec::new(), tail.chain, Vec::with_capacity(group.len()));
        if let Some(mark) = mark {
            let mut frame = framed(mark);
            frame.durable = durable;
            frame.chain = frame.chain_after(&chain, &self.keys);
            chain = frame.chain;
            frame.encode(&[], std::iter::empty(), &self.keys, &mut out);
        }
        for Prepared { frame, head, pieces } in group.iter_mut() {
            frame.durable = durable;
            frame.chain = frame.chain_after(&chain, &self.keys);
            chain = frame.chain;
            places.push((frame.seq, durable + out.len() as u64));
            frame.encode(&head.0, pieces.iter().map(|piece| &*piece.0), &self.keys, &mut out);
        }
        let end = durable + out.len() as u64;
        if end > tail.written {
            let small = end - durable < AHEAD_BELOW_BYTES;
            tail.written = if small { (end + AHEAD_BYTES).min(tail.capacity.max(end)) } else { end };
            out.resize((tail.written - durable) as usize, 0);
        }
        let file = &tail.file;
        file.write_all_at(&out, durable).and_then(|()| file.sync_data()).map_err(at(&tail.segment.path))?;
        tail.end = end;
        tail.chain = chain;
        for (seq, offset) in places {
            tail.segment.note(seq, offset);
            tail.seq = seq;
        }
        self.head.store(tail.seq, Ordering::Release);
        Ok(())
    }

    /// Closes the last segment, so that everything written so far lies in closed ones.
    pub fn close_segment(&self) -> Result<(), StoreError> {
        let tail = &mut *self.tail.lock();
        if tail.seq < tail.segment.header.first_seq { Ok(()) } else { self.roll(tail, 0) }
    }

    /// Header and meta of entry `seq`, and the segment it lies in with its place. The caller holds [`Journal::reading`].
    pub fn find(&self, seq: u64) -> Result<Option<(Opened, u64, Frame)>, StoreError> {
        if seq == 0 || seq > self.head() {
            return Ok(None);
        }
        let Some(segment) = self.segment_of(seq) else { return Ok(None) };
        let missing = || segment.error(format::Bad::Broken("the entry is missing"), SEGMENT_HEADER_BYTES, seq);
        let opened = segment.opened()?;
        let offset = opened.find(seq)?.ok_or_else(missing)?;
        let frame = opened.frame(offset, &self.keys)?;
        if frame.seq != seq || frame.kind == FrameKind::Mark {
            return Err(missing());
        }
        Ok(Some((opened, offset, frame)))
    }

    /// The segment that holds `seq`, if any does.
    fn segment_of(&self, seq: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let after = segments.partition_point(|segment| segment.header.first_seq <= seq);
        after.checked_sub(1).map(|i| segments[i].clone())
    }

    pub fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().clone()
    }

    /// Where the written part of the last segment ends, for readers that must not go beyond it.
    pub fn last_end(&self) -> (u64, u64) {
        let tail = self.tail.lock();
        (tail.segment.header.first_seq, tail.end)
    }

    fn roll(&self, tail: &mut Tail, needed: u64) -> Result<(), StoreError> {
        let header = SegmentHeader { first_seq: tail.seq + 1, chain: tail.chain };
        let capacity = self.segment_bytes.max(SEGMENT_HEADER_BYTES + needed);
        let (segment, file) = Segment::birth(&self.folder, header, capacity, &self.keys)?;
        let segment = Arc::new(segment);
        // Only zeros are given back; should the sync be lost, they are still there at the next start.
        tail.file.set_len(tail.end).map_err(at(&tail.segment.path))?;
        self.segments.write().push(segment.clone());
        tail.segment = segment;
        tail.file = file;
        tail.end = SEGMENT_HEADER_BYTES;
        tail.written = SEGMENT_HEADER_BYTES;
        tail.capacity = capacity;
        Ok(())
    }

    fn check_disk(&self, needed: u64) -> Result<(), StoreError> {
        let folder = self.folder.display().to_string();
        let stat = rustix::fs::statvfs(&self.folder).map_err(|error| from_io(&folder, &error.into()))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let wanted = DISK_RESERVE_BYTES + self.segment_bytes.max(needed);
        if free < wanted { Err(StoreError::DiskFull(folder)) } else { Ok(()) }
    }
}

fn framed(mark: Mark) -> Frame {
    mark_frame(mark.seq, mark.time_ms, mark.digest)
}
