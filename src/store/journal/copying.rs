//! Hands frames out as they lie in the journal, each checked with hash and link, so that a copy of them is the history itself.
//! Unseals nothing and changes nothing; appends go on meanwhile.

use crate::{
    StoreError,
    journal::{
        Frame, FrameKind, Hash, Journal,
        format::{Bad, SEGMENT_HEADER_BYTES},
        opening::check_frame,
    },
};

/// Where a walk is: the newest entry and the chain hash behind it.
#[derive(Clone, Copy)]
struct At {
    seq: u64,
    chain: Hash,
}

/// Takes one frame with its bytes.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&Frame, &[u8]) -> Result<(), StoreError>;

impl Journal {
    /// Hands every frame behind entry `after`, up to and with entry `until`, to `each`, in order. `after` 0 is the beginning.
    /// Returns the chain hashes of the two entries.
    ///
    /// # Errors
    /// `store.damaged` with the place; what `each` says.
    pub fn copy(&self, after: u64, until: u64, each: Each<'_>) -> Result<(Hash, Hash), StoreError> {
        let segments = self.segments();
        let (last_first, last_end) = self.last_end();
        let start = segments.partition_point(|segment| segment.header.first_seq <= after.max(1)).saturating_sub(1);
        let mut at: Option<At> = None;
        let mut chain_after: Option<Hash> = (after == 0).then_some([0; 32]);
        for segment in &segments[start..] {
            let header = segment.header;
            let begins = At { seq: header.first_seq - 1, chain: header.chain };
            let mut here = at.unwrap_or(begins);
            if (here.seq, here.chain) != (begins.seq, begins.chain) {
                let bad = Bad::Broken("it does not follow from the segment before it");
                return Err(segment.error(bad, 0, here.seq + 1));
            }
            let mut bytes = segment.opened()?.read_all()?;
            if header.first_seq == last_first {
                bytes.truncate(last_end as usize);
            }
            let mut offset = SEGMENT_HEADER_BYTES as usize;
            while bytes[offset..].iter().take(48).any(|byte| *byte != 0) {
                let rest = &bytes[offset..];
                let frame = check_frame(rest, here.seq, &here.chain, &self.keys)
                    .map_err(|bad| segment.error(bad, offset as u64, here.seq + 1))?;
                let is_entry = frame.kind != FrameKind::Mark;
                here = At { seq: if is_entry { frame.seq } else { here.seq }, chain: frame.chain };
                let length = frame.bytes as usize;
                match chain_after {
                    Some(first) => {
                        each(&frame, &rest[..length])?;
                        if is_entry && here.seq == until {
                            return Ok((first, here.chain));
                        }
                    }
                    None if is_entry && here.seq == after => {
                        chain_after = Some(here.chain);
                        if until == after {
                            return Ok((here.chain, here.chain));
                        }
                    }
                    None => {}
                }
                offset += length;
            }
            at = Some(here);
        }
        match chain_after {
            Some(chain) if until == 0 => Ok((chain, chain)),
            _ => {
                let what = format!("entry {until} is not there");
                Err(StoreError::Damaged { place: "journal".into(), seq: until, what })
            }
        }
    }

    /// Hands the frame of every erasure behind entry `after` to `each`.
    ///
    /// # Errors
    /// `store.damaged` with the place.
    pub fn erasures(&self, after: u64, each: &mut dyn FnMut(&Frame)) -> Result<(), StoreError> {
        let segments = self.segments();
        let (last_first, last_end) = self.last_end();
        let start = segments.partition_point(|segment| segment.header.first_seq <= after.max(1)).saturating_sub(1);
        for segment in &segments[start..] {
            let mut bytes = segment.opened()?.read_all()?;
            if segment.header.first_seq == last_first {
                bytes.truncate(last_end as usize);
            }
            let mut offset = SEGMENT_HEADER_BYTES as usize;
            while bytes.get(offset..).is_some_and(|rest| rest.iter().take(48).any(|byte| *byte != 0)) {
                let wrong = |bad| segment.error(bad, offset as u64, 0);
                let header = super::format::FrameHeader::decode(&bytes[offset..]).map_err(wrong)?;
                if header.kind == FrameKind::Erasure && header.seq > after {
                    each(&Frame::decode(&bytes[offset..], &self.keys).map_err(wrong)?);
                }
                offset += header.bytes() as usize;
            }
        }
        Ok(())
    }
}
