//! One segment file: born aside, read by place, searched by sequence number. Knows nothing of the segments around it.

use std::{
    fs::File,
    io::Write,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    StoreError,
    error::at,
    folder::{create_file, rename},
    journal::format::{Bad, FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, SEGMENT_HEADER_BYTES, SegmentHeader},
    seal::Keys,
};

/// Entries between two places that the index remembers: 16 bytes for every 32 entries, and at most 32 headers to step over.
const INDEX_STEP: u64 = 32;
/// Read in one go when looking for a frame; most entries fit.
const READ_BYTES: u64 = 16 * 1024;

/// A segment as the journal remembers it. Holds no open file: a long journal has more segments than a process may have files.
#[derive(Debug)]
pub(crate) struct Segment {
    pub header: SegmentHeader,
    pub path: PathBuf,
    /// (sequence number, place) of some entries, in order; `None` until somebody looks.
    index: Mutex<Option<Vec<(u64, u64)>>>,
}

/// A segment with its file open for reading.
pub(crate) struct Opened {
    pub segment: Arc<Segment>,
    file: File,
}

pub(crate) fn file_name(first_seq: u64) -> String {
    format!("{first_seq:020}.log")
}

/// The sequence number in a segment's name; `None` for other files.
pub(crate) fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == 20)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl Segment {
    /// Makes a segment of `bytes` aside, syncs it, and gives it its name.
    pub fn birth(folder: &Path, header: SegmentHeader, bytes: u64, keys: &Keys) -> Result<(Segment, File), StoreError> {
        let aside = folder.join("next.tmp");
        let mut file = create_file(&aside)?;
        let made = reserve(&file, bytes)
            .and_then(|()| file.write_all(&header.encode(keys)))
            .and_then(|()| file.sync_all())
            .map_err(at(&aside));
        if let Err(error) = made {
            // Gives the space back at once; a leftover is also removed at the next start.
            let _ = std::fs::remove_file(&aside);
            return Err(error);
        }
        let path = folder.join(file_name(header.first_seq));
        rename(&aside, &path)?;
        Ok((Segment { header, path, index: Mutex::new(Some(Vec::new())) }, file))
    }

    pub fn open(path: &Path, first_seq: u64, keys: &Keys) -> Result<Segment, StoreError> {
        let file = File::open(path).map_err(at(path))?;
        let mut page = vec![0; SEGMENT_HEADER_BYTES as usize];
        let got = read_up_to(&file, &mut page, 0).map_err(at(path))?;
        let shown = format!("journal/{}", file_name(first_seq));
        let wrong = |bad| bad_to_error(bad, shown.clone(), first_seq);
        let header = SegmentHeader::decode(&page[..got], keys).map_err(wrong)?;
        if header.first_seq != first_seq {
            return Err(wrong(Bad::Broken("its name and its header disagree")));
        }
        Ok(Segment { header, path: path.to_path_buf(), index: Mutex::new(None) })
    }

    /// The words for a place in this segment.
    pub fn place(&self, offset: u64) -> String {
        format!("journal/{} at byte {offset}", file_name(self.header.first_seq))
    }

    pub fn error(&self, bad: Bad, offset: u64, seq: u64) -> StoreError {
        bad_to_error(bad, self.place(offset), seq)
    }

    /// Tells the index about an entry; in order.
    pub fn note(&self, seq: u64, offset: u64) {
        if let Some(index) = &mut *self.index.lock()
            && index.last().is_none_or(|(last, _)| seq >= last + INDEX_STEP)
        {
            index.push((seq, offset));
        }
    }

    /// Opens the file for reading.
    pub fn opened(self: &Arc<Segment>) -> Result<Opened, StoreError> {
        let file = File::open(&self.path).map_err(at(&self.path))?;
        Ok(Opened { segment: self.clone(), file })
    }

    /// Opens the file for appending.
    pub fn writable(&self) -> Result<File, StoreError> {
        std::fs::OpenOptions::new().read(true).write(true).open(&self.path).map_err(at(&self.path))
    }

    /// Makes `note` count from here on, for a segment whose entries are about to be told.
    pub fn start_index(&self) {
        *self.index.lock() = Some(Vec::new());
    }
}

impl Opened {
    /// Bytes of the file.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        Ok(self.file.metadata().map_err(at(&self.segment.path))?.len())
    }

    /// The whole file. Segments are small, and who reads one needs all of it.
    pub fn read_all(&self) -> Result<Vec<u8>, StoreError> {
        let length = self.bytes()?;
        let mut bytes = vec![0; length as usize];
        let got = read_up_to(&self.file, &mut bytes, 0).map_err(at(&self.segment.path))?;
        bytes.truncate(got);
        Ok(bytes)
    }

    pub fn read(&self, place: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; (place.end - place.start) as usize];
        let got = read_up_to(&self.file, &mut bytes, place.start).map_err(at(&self.segment.path))?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// Header and meta of the frame at `offset`, checksum checked.
    pub fn frame(&self, offset: u64, keys: &Keys) -> Result<Frame, StoreError> {
        let mut bytes = self.read(offset..offset + READ_BYTES)?;
        let wrong = |bad| self.segment.error(bad, offset, 0);
        let header = FrameHeader::decode(&bytes).map_err(wrong)?;
        if header.meta_end() > bytes.len() as u64 {
            let length = self.bytes()?;
            // A broken length must not make us ask for memory.
            bytes = self.read(offset..length.min(offset + header.meta_end()))?;
        }
        Frame::decode(&bytes, keys).map_err(wrong)
    }

    /// Where the entry `seq` begins; `None` when the segment ends before it.
    pub fn find(&self, seq: u64) -> Result<Option<u64>, StoreError> {
        let mut at = {
            let mut index = self.segment.index.lock();
            let known = match &mut *index {
                Some(known) => known,
                none => none.insert(self.build_index()?),
            };
            let after = known.partition_point(|(first, _)| *first <= seq);
            after.checked_sub(1).map_or(SEGMENT_HEADER_BYTES, |i| known[i].1)
        };
        loop {
            let bytes = self.read(at..at + FRAME_HEADER_BYTES as u64)?;
            match FrameHeader::decode(&bytes) {
                Ok(header) if header.kind != FrameKind::Mark && header.seq == seq => return Ok(Some(at)),
                Ok(header) if header.kind != FrameKind::Mark && header.seq > seq => return Ok(None),
                Ok(header) => at += header.bytes(),
                Err(Bad::Empty) => return Ok(None),
                Err(_) if bytes.len() < FRAME_HEADER_BYTES => return Ok(None),
                Err(bad) => return Err(self.segment.error(bad, at, seq)),
            }
        }
    }

    fn build_index(&self) -> Result<Vec<(u64, u64)>, StoreError> {
        let bytes = self.read_all()?;
        let (mut index, mut at) = (Vec::new(), SEGMENT_HEADER_BYTES);
        // Ends at the first thing that is no frame: whoever reads there gets the error, with its place.
        while let Some(Ok(header)) = bytes.get(at as usize..).map(FrameHeader::decode) {
            if header.kind != FrameKind::Mark
                && index.last().is_none_or(|(last, _): &(u64, u64)| header.seq >= last + INDEX_STEP)
            {
                index.push((header.seq, at));
            }
            at += header.bytes();
        }
        Ok(index)
    }
}

/// Allocates `bytes` for a file, so that a full disk shows before anything is written, and appends need no new metadata.
pub(crate) fn reserve(file: &File, bytes: u64) -> std::io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        // Some file systems cannot; appends then grow the file, at a little cost.
        Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn bad_to_error(bad: Bad, place: String, seq: u64) -> StoreError {
    use crate::journal::format::JOURNAL_FORMAT;
    match bad {
        Bad::Newer(found) => StoreError::NewerFormat { place, found, known: JOURNAL_FORMAT },
        Bad::OtherVault => StoreError::OtherVault,
        Bad::Empty => StoreError::Damaged { place, seq, what: "there is nothing where an entry should be".into() },
        Bad::Broken(what) => StoreError::Damaged { place, seq, what: what.into() },
    }
}

/// Fills `into` as far as the file goes.
fn read_up_to(file: &File, into: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match file.read_at(&mut into[got..], offset + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
