//! The index as it was when it last became searchable, with what every search asks of a segment kept ready: where its documents
//! lie in the image, which are still alive, and of which object they are. Made by the thread that writes, so that no search waits.

use std::sync::Arc;

use tantivy::{Opstamp, Searcher, SegmentReader, columnar::Column};

use super::{SearchError, replaced::PLACE};
use crate::image::Bits;

#[derive(Default)]
pub(super) struct View {
    pub segments: Vec<Segment>,
}

pub(super) struct Segment {
    pub reader: SegmentReader,
    placed: Arc<Placed>,
    /// None: no document has been replaced or removed.
    alive: Option<Arc<Bits>>,
}

/// What a segment keeps as long as it lives.
struct Placed {
    places: Column<u64>,
    by_object: Vec<(u32, Bits)>,
}

impl View {
    /// What the searcher sees. Segments that `before` knows are taken from there.
    pub fn of(searcher: &Searcher, before: &View) -> Result<View, SearchError> {
        let segment = |reader: &SegmentReader| {
            let known = before.segments.iter().find(|s| s.reader.segment_id() == reader.segment_id());
            let placed = match known {
                Some(segment) => Arc::clone(&segment.placed),
                None => Arc::new(Placed::of(reader)?),
            };
            let same = known.filter(|s| opstamp(&s.reader) == opstamp(reader));
            let alive = same.map_or_else(|| alive(reader), |s| s.alive.clone());
            Ok(Segment { reader: reader.clone(), placed, alive })
        };
        let segments: Result<Vec<Segment>, SearchError> = searcher.segment_readers().iter().map(segment).collect();
        Ok(View { segments: segments? })
    }

    pub fn documents(&self) -> usize {
        self.segments.iter().map(Segment::len).sum()
    }
}

fn opstamp(reader: &SegmentReader) -> Option<Opstamp> {
    reader.delete_opstamp()
}

fn alive(reader: &SegmentReader) -> Option<Arc<Bits>> {
    let set = reader.alive_bitset()?;
    let mut bits = Bits::ones(reader.max_doc() as usize);
    (0..reader.max_doc()).filter(|document| set.is_deleted(*document)).for_each(|d| bits.set(d as usize, false));
    Some(Arc::new(bits))
}

impl Placed {
    fn of(reader: &SegmentReader) -> Result<Placed, SearchError> {
        let places = reader.fast_fields().u64(PLACE)?;
        let mut by_object: Vec<(u32, Bits)> = Vec::new();
        let mut at = 0;
        for document in 0..reader.max_doc() {
            let Some(place) = places.first(document) else { continue };
            let object = (place >> 32) as u32;
            // Runs of one object are the rule.
            if by_object.get(at).is_none_or(|(known, _)| *known != object) {
                at = by_object.iter().position(|(known, _)| *known == object).unwrap_or(by_object.len());
                if at == by_object.len() {
                    by_object.push((object, Bits::zeros(reader.max_doc() as usize)));
                }
            }
            by_object[at].1.set(document as usize, true);
        }
        Ok(Placed { places, by_object })
    }
}

impl Segment {
    /// Documents, dead ones included.
    pub fn len(&self) -> usize {
        self.reader.max_doc() as usize
    }

    /// Living documents of these objects.
    pub fn of_objects(&self, objects: impl Iterator<Item = u32>) -> Bits {
        let mut documents = Bits::zeros(self.len());
        for object in objects {
            if let Some((_, bits)) = self.placed.by_object.iter().find(|(known, _)| *known == object) {
                documents.or(bits);
            }
        }
        if let Some(alive) = &self.alive {
            documents.and(alive);
        }
        documents
    }

    /// Object and row of a document.
    pub fn place(&self, document: u32) -> Option<u64> {
        self.placed.places.first(document)
    }
}
