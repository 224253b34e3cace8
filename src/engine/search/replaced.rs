//! Takes documents out of the index by the places of their records. A query over the column of places, and not a term per document as the
//! library would have it: a million terms of one document each cost time and memory and are of no other use.

use std::{collections::HashSet, sync::Arc};

use tantivy::{
    DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError,
    query::{ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight},
};

/// Field of the index that holds the place.
pub(super) const PLACE: &str = "place";

/// The documents at these places.
#[derive(Clone, Debug)]
pub(super) struct AtPlaces(pub Arc<HashSet<u64>>);

impl Query for AtPlaces {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for AtPlaces {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let places = reader.fast_fields().u64(PLACE)?;
        let first = self.0.iter().min().copied().unwrap_or(u64::MAX);
        let last = self.0.iter().max().copied().unwrap_or(0);
        let wanted = |document: &DocId| {
            let place = places.first(*document);
            place.is_some_and(|place| (first..=last).contains(&place) && self.0.contains(&place))
        };
        let found: Vec<DocId> = (0..reader.max_doc()).filter(wanted).collect();
        Ok(Box::new(ConstScorer::new(Documents { found, at: 0 }, boost)))
    }

    fn explain(&self, _: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument(format!("document {document} has no score to explain")))
    }
}

/// Documents, ascending.
struct Documents {
    found: Vec<DocId>,
    at: usize,
}

impl DocSet for Documents {
    fn advance(&mut self) -> DocId {
        self.at = (self.at + 1).min(self.found.len());
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.found.get(self.at).copied().unwrap_or(TERMINATED)
    }

    fn size_hint(&self) -> u32 {
        self.found.len() as u32
    }
}
