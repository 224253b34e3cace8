//! Seals the values of closed segments again with the newest data key. A sealed value keeps its length, so every frame, place and
//! hash stays as it was and only sealed bytes differ: readers may go on with the file they have open. Each segment is made anew
//! aside, synced and renamed.

use std::sync::Arc;

use super::{
    Journal,
    format::{Frame, FrameKind, SEGMENT_HEADER_BYTES},
    opening::check_frame,
    segment::Segment,
};
use crate::{
    StoreError,
    folder::replace_file,
    journal::format::Bad,
    seal::{Keys, Nonces, Place, Ring, key_id},
};

/// One sealed value of a frame: where it lies in the frame, what it is bound to, and the hash of its first sealing.
type Piece = (std::ops::Range<u64>, Place, [u8; 32]);

impl Journal {
    /// The first closed segment that begins at `first_seq` or later.
    pub fn closed_from(&self, first_seq: u64) -> Option<Arc<Segment>> {
        let (last_first, _) = self.last_end();
        let segments = self.segments();
        let at = segments.partition_point(|segment| segment.header.first_seq < first_seq);
        segments.get(at).filter(|segment| segment.header.first_seq < last_first).cloned()
    }

    /// Seals again what an older key sealed in a closed segment. True when there was something. Whoever calls keeps others from
    /// rewriting the segment meanwhile.
    ///
    /// # Errors
    /// `store.damaged` with the place, before anything is written; `store.disk_full`; else nobody knows what the disk holds.
    pub fn reseal(&self, segment: &Arc<Segment>) -> Result<bool, StoreError> {
        let (ring, mut bytes) = (self.keys.ring(), segment.opened()?.read_all()?);
        if !holds_older(&bytes, ring.newest(), &self.keys) {
            return Ok(false);
        }
        let (mut offset, mut seq, mut chain) =
            (SEGMENT_HEADER_BYTES as usize, segment.header.first_seq - 1, segment.header.chain);
        while bytes[offset..].iter().take(48).any(|byte| *byte != 0) {
            let wrong = |bad| segment.error(bad, offset as u64, seq + 1);
            let frame = check_frame(&bytes[offset..], seq, &chain, &self.keys).map_err(wrong)?;
            let end = offset + frame.bytes as usize;
            reseal_frame(&frame, &mut bytes[offset..end], &ring).map_err(|error| match error {
                Ok(bad) => segment.error(bad, offset as u64, frame.seq),
                Err(error) => error,
            })?;
            chain = frame.chain;
            if frame.kind != FrameKind::Mark {
                seq = frame.seq;
            }
            offset = end;
        }
        replace_file(&segment.path, &bytes)?;
        Ok(true)
    }
}

/// Whether anything in a segment is sealed with another key than `newest`. What does not decode counts, so that somebody looks.
fn holds_older(bytes: &[u8], newest: u16, keys: &Keys) -> bool {
    let mut offset = SEGMENT_HEADER_BYTES as usize;
    while bytes.get(offset..).unwrap_or(&[]).iter().take(48).any(|byte| *byte != 0) {
        let Ok(frame) = Frame::decode(&bytes[offset..], keys) else { return true };
        let older = pieces(&frame).into_iter().any(|(place, ..)| {
            let piece = bytes.get(offset + place.start as usize..offset + place.end as usize);
            piece.and_then(key_id) != Some(newest)
        });
        if older {
            return true;
        }
        offset += frame.bytes as usize;
    }
    false
}

fn pieces(frame: &Frame) -> Vec<Piece> {
    if frame.kind == FrameKind::Mark {
        return Vec::new();
    }
    let seq = frame.seq;
    let changes = frame.places().filter_map(|(row, place)| {
        Some((place?, Place::Change { id: row.id, version: row.version, seq }, row.sealed_hash))
    });
    std::iter::once((frame.head_place(), Place::Head { seq }, frame.head_hash)).chain(changes).collect()
}

fn reseal_frame(frame: &Frame, bytes: &mut [u8], ring: &Ring) -> Result<(), Result<Bad, StoreError>> {
    let unopened = || Ok(Bad::Broken("a sealed value does not open"));
    let pieces = pieces(frame);
    let mut nonces = Nonces::new(pieces.len()).map_err(Err)?;
    for (place, bound, hash) in pieces {
        let piece = bytes.get_mut(place.start as usize..place.end as usize).ok_or_else(unopened)?;
        if key_id(piece) == Some(ring.newest()) {
            continue;
        }
        let plain = ring.unseal(piece, bound, &hash).map_err(|_| unopened())?;
        let plain = zeroize::Zeroizing::new(plain);
        let again = ring.reseal(&plain, bound, &hash, &mut nonces).map_err(Err)?;
        if again.0.len() != piece.len() {
            return Err(unopened());
        }
        piece.copy_from_slice(&again.0);
    }
    Ok(())
}
