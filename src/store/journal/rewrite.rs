//! Takes values out of closed segments for good and leaves their hashes. Each segment is made anew aside, synced and
//! renamed; the chain, the sequence numbers and every other byte of content stay.

use std::{collections::HashSet, fs, sync::Arc};

use kith_base::RecordId;

use crate::{
    StoreError,
    folder::replace_file,
    journal::{
        Journal,
        format::{FrameKind, SEGMENT_HEADER_BYTES},
        opening::check_frame,
        segment::Segment,
    },
};

impl Journal {
    /// Erases the values of `ids` up to entry `until` from every closed segment. Safe to repeat after an interruption.
    pub fn erase(&self, ids: &HashSet<RecordId>, until: u64) -> Result<(), StoreError> {
        let (last_first, _) = self.last_end();
        for segment in self.segments().into_iter().filter(|segment| segment.header.first_seq < last_first) {
            if let Some(content) = self.without(&segment, ids, until)? {
                let _alone = self.swap.write();
                replace_file(&segment.path, &content)?;
                let fresh = Segment::open(&segment.path, segment.header.first_seq, &self.keys)?;
                let mut segments = self.segments.write();
                if let Some(slot) = segments.iter_mut().find(|s| s.header.first_seq == segment.header.first_seq) {
                    *slot = Arc::new(fresh);
                }
            }
        }
        Ok(())
    }

    /// The segment's new content; `None` when it holds nothing of `ids`.
    fn without(
        &self,
        segment: &Arc<Segment>,
        ids: &HashSet<RecordId>,
        until: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = segment.opened()?.read_all()?;
        let mut out = bytes[..SEGMENT_HEADER_BYTES as usize].to_vec();
        let (mut offset, mut touched) = (SEGMENT_HEADER_BYTES as usize, false);
        let (mut seq, mut chain) = (segment.header.first_seq - 1, segment.header.chain);
        while bytes[offset..].iter().take(48).any(|byte| *byte != 0) {
            let rest = &bytes[offset..];
            let mut frame =
                check_frame(rest, seq, &chain, &self.keys).map_err(|bad| segment.error(bad, offset as u64, seq + 1))?;
            chain = frame.chain;
            let places: Vec<_> = frame.places().map(|(_, place)| place).collect();
            let head = frame.head_place();
            if frame.kind != FrameKind::Mark {
                seq = frame.seq;
                for row in frame.rows.iter_mut().filter(|row| seq <= until && !row.erased && ids.contains(&row.id)) {
                    row.erased = true;
                    touched = true;
                }
            }
            let kept = frame.rows.iter().zip(places).filter(|(row, _)| !row.erased).filter_map(|(_, place)| place);
            // The whole file is synced before it gets its name, so every frame is durable up to itself.
            frame.durable = out.len() as u64;
            let piece = |place: std::ops::Range<u64>| &rest[place.start as usize..place.end as usize];
            frame.encode(piece(head), kept.map(piece), &self.keys, &mut out);
            offset += frame.bytes as usize;
        }
        Ok(touched.then_some(out))
    }

    /// Bytes of all segments on the disk.
    pub fn disk_bytes(&self) -> u64 {
        use std::os::unix::fs::MetadataExt;
        self.segments().iter().filter_map(|segment| fs::metadata(&segment.path).ok()).map(|m| m.blocks() * 512).sum()
    }
}
