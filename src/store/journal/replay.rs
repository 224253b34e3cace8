//! Reads the journal forward, checking every frame, hash and link on the way. Stops at the first thing that does not hold.

use crate::{
    StoreError,
    journal::{
        Journal,
        format::{Bad, Frame, FrameKind, Hash, SEGMENT_HEADER_BYTES},
        opening::check_frame,
    },
};

/// A verified frame with its bytes.
pub(crate) struct Replayed<'a> {
    pub frame: Frame,
    pub bytes: &'a [u8],
}

impl Replayed<'_> {
    pub fn piece(&self, place: std::ops::Range<u64>) -> &[u8] {
        &self.bytes[place.start as usize..place.end as usize]
    }
}

impl Journal {
    /// Hands every frame after entry `after` to `each`. `expected` is the chain hash that entry `after` must have.
    ///
    /// # Errors
    /// `store.damaged` with the place; `Ok(false)` when entry `after` has another hash.
    pub fn replay(
        &self,
        after: u64,
        expected: Option<Hash>,
        each: &mut dyn FnMut(Replayed<'_>) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let segments = self.segments();
        let (last_first, last_end) = self.last_end();
        let start = segments.partition_point(|segment| segment.header.first_seq <= after.max(1)).saturating_sub(1);
        let mut state: Option<(u64, Hash)> = None;
        for segment in &segments[start..] {
            let header = segment.header;
            let (mut seq, mut chain) = state.unwrap_or((header.first_seq - 1, header.chain));
            if (seq + 1, chain) != (header.first_seq, header.chain) {
                let bad = Bad::Broken("it does not follow from the segment before it");
                return Err(segment.error(bad, 0, seq + 1));
            }
            let mut bytes = segment.opened()?.read_all()?;
            if header.first_seq == last_first {
                bytes.truncate(last_end as usize);
            }
            let mut offset = SEGMENT_HEADER_BYTES as usize;
            while bytes[offset..].iter().take(48).any(|byte| *byte != 0) {
                let rest = &bytes[offset..];
                let frame = check_frame(rest, seq, &chain, &self.keys)
                    .map_err(|bad| segment.error(bad, offset as u64, seq + 1))?;
                chain = frame.chain;
                let is_entry = frame.kind != FrameKind::Mark;
                if is_entry {
                    seq = frame.seq;
                    if seq == after && expected.is_some_and(|hash| hash != chain) {
                        return Ok(false);
                    }
                }
                let end = frame.bytes as usize;
                if seq > after {
                    each(Replayed { bytes: &rest[..end], frame })?;
                }
                offset += end;
            }
            if let Some(at) = bytes[offset..].iter().position(|byte| *byte != 0) {
                let bad = Bad::Broken("there are bytes after the last entry");
                return Err(segment.error(bad, (offset + at) as u64, seq + 1));
            }
            state = Some((seq, chain));
        }
        Ok(true)
    }
}
