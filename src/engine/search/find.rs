//! Answers searches: per word the documents that have it, from the best kind of match to the weakest, then what all words share.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use kith_base::RecordId;
use parking_lot::RwLock;
use tantivy::{
    InvertedIndexReader, Searcher, SegmentReader, Term, columnar::Column, postings::TermInfo, query::FuzzyTermQuery,
    schema::IndexRecordOption,
};

use super::{SearchError, Shared, verify, words};
use crate::image::{Bits, table::Table};

/// How much a match counts: the word itself, its beginning, nearly its beginning; in the title, elsewhere.
const WEIGHTS: [f32; 6] = [8.0, 4.0, 5.0, 2.0, 1.5, 1.0];
const TITLE_EXACT: usize = 0;
const BODY_EXACT: usize = 1;
const TITLE_BEGIN: usize = 2;
const BODY_BEGIN: usize = 3;
const TITLE_NEAR: usize = 4;
const BODY_NEAR: usize = 5;

/// Documents of one segment that have one word, by kind of match.
type Kinds = [Option<Bits>; 6];

/// Where hits of one object may be.
struct Scope<'a> {
    object: u32,
    fields: &'a [u32],
    table: Arc<RwLock<Table>>,
    /// Hits must be verified field by field.
    verify: bool,
}

pub(super) fn best(shared: &Shared, text: &str, objects: &[(u32, Vec<u32>)], limit: usize) -> Vec<(RecordId, f32)> {
    let typed = words::of_query(text);
    if typed.is_empty() || limit == 0 {
        return Vec::new();
    }
    let scopes: Vec<Scope> = objects.iter().filter_map(|(object, fields)| scope(shared, *object, fields)).collect();
    let searcher = shared.words.reader.searcher();
    let mut hits = Hits { limit, heap: BinaryHeap::new() };
    for slips in [false, true] {
        // Slips are only looked for when what was typed does not fill the list.
        if slips && (hits.heap.len() >= limit || typed.iter().all(|w| words::slips(w) == 0)) {
            break;
        }
        hits.heap.clear();
        if let Err(error) = collect(shared, &searcher, &typed, slips, |place, score| {
            hits.offer(place, score, &scopes, &typed, slips);
        }) {
            tracing::error!(code = error.code(), %error, "search failed");
            return Vec::new();
        }
    }
    hits.into_ids(&scopes)
}

pub(super) fn rows(shared: &Shared, text: &str, object: u32, fields: &[u32], trashed: bool) -> Option<Bits> {
    let typed = words::of_query(text);
    if typed.is_empty() {
        return None;
    }
    let Some(scope) = scope(shared, object, fields) else { return Some(Bits::default()) };
    if trashed {
        // The trash is not indexed: it is small, and read through.
        let table = scope.table.read();
        let mut rows = Bits::zeros(table.len());
        for row in table.trashed.iter().filter(|row| verify::found_in(&table, *row, fields, &typed, false)) {
            rows.set(row as usize, true);
        }
        return Some(rows);
    }
    let searcher = shared.words.reader.searcher();
    let mut rows = Bits::zeros(scope.table.read().len());
    for slips in [false, true] {
        if slips && (!rows.none() || typed.iter().all(|w| words::slips(w) == 0)) {
            break;
        }
        let found = collect(shared, &searcher, &typed, slips, |place, _| {
            if (place >> 32) as u32 == object {
                rows.set(place as u32 as usize, true);
            }
        });
        if let Err(error) = found {
            tracing::error!(code = error.code(), %error, "search failed");
        }
        if scope.verify {
            let table = scope.table.read();
            let wrong: Vec<u32> =
                rows.iter().filter(|row| !verify::found_in(&table, *row, fields, &typed, slips)).collect();
            wrong.into_iter().for_each(|row| rows.set(row as usize, false));
        }
    }
    Some(rows)
}

fn scope<'a>(shared: &Shared, object: u32, fields: &'a [u32]) -> Option<Scope<'a>> {
    let table = shared.image.cell(object)?;
    let verify = verify::hides_any(&table.read(), fields);
    Some(Scope { object, fields, table, verify })
}

/// Calls `hit` with the place and score of every document that has all words.
fn collect(
    shared: &Shared,
    searcher: &Searcher,
    typed: &[String],
    slips: bool,
    mut hit: impl FnMut(u64, f32),
) -> Result<(), SearchError> {
    for segment in searcher.segment_readers() {
        let mut kinds: Vec<Kinds> = Vec::with_capacity(typed.len());
        let mut common: Option<Bits> = None;
        for word in typed {
            let found = word_in(shared, segment, word, slips)?;
            let mut any = Bits::zeros(segment.max_doc() as usize);
            for bits in found.iter().flatten() {
                any.or(bits);
            }
            kinds.push(found);
            match &mut common {
                Some(common) => {
                    common.and(&any);
                }
                None => common = Some(any),
            }
            if common.as_ref().is_some_and(Bits::none) {
                break;
            }
        }
        let Some(common) = common.filter(|c| !c.none()) else { continue };
        let places: Column<u64> = segment.fast_fields().u64("place")?;
        for document in common.iter().filter(|d| !segment.is_deleted(*d)) {
            if let Some(place) = places.first(document) {
                hit(place, kinds.iter().map(|kinds| score(kinds, document)).sum());
            }
        }
    }
    Ok(())
}

/// The best kind of match counts.
fn score(kinds: &Kinds, document: u32) -> f32 {
    let has = |kind: usize| kinds[kind].as_ref().is_some_and(|bits| bits.get(document as usize));
    let matched = (0..WEIGHTS.len()).filter(|kind| has(*kind)).map(|kind| WEIGHTS[kind]);
    matched.fold(0.0, f32::max)
}

fn word_in(shared: &Shared, segment: &SegmentReader, word: &str, slips: bool) -> Result<Kinds, SearchError> {
    let mut kinds: Kinds = Default::default();
    let fields = [
        (shared.words.title, TITLE_EXACT, TITLE_BEGIN, TITLE_NEAR),
        (shared.words.body, BODY_EXACT, BODY_BEGIN, BODY_NEAR),
    ];
    for (field, exact, begin, near) in fields {
        let postings = segment.inverted_index(field)?;
        let mut upper = word.as_bytes().to_vec();
        // No text has this byte, so it lies behind every word that begins so.
        upper.push(0xff);
        let mut stream = postings
            .terms()
            .range()
            .ge(word.as_bytes())
            .lt(&upper)
            .into_stream()
            .map_err(tantivy::TantivyError::from)?;
        while stream.advance() {
            let kind = if stream.key().len() == word.len() { exact } else { begin };
            add(segment, &postings, stream.value(), &mut kinds[kind])?;
        }
        let allowed = words::slips(word);
        if slips && allowed > 0 {
            let term = Term::from_field_text(field, word);
            let automaton = FuzzyTermQuery::new_prefix(term, allowed, true).automaton()?;
            let mut stream = postings.terms().search(automaton).into_stream().map_err(tantivy::TantivyError::from)?;
            while stream.advance() {
                add(segment, &postings, stream.value(), &mut kinds[near])?;
            }
        }
    }
    Ok(kinds)
}

fn add(
    segment: &SegmentReader,
    postings: &InvertedIndexReader,
    term: &TermInfo,
    into: &mut Option<Bits>,
) -> Result<(), SearchError> {
    let bits = into.get_or_insert_with(|| Bits::zeros(segment.max_doc() as usize));
    let mut blocks = postings
        .read_block_postings_from_terminfo(term, IndexRecordOption::Basic)
        .map_err(tantivy::TantivyError::from)?;
    loop {
        let documents = blocks.docs();
        if documents.is_empty() {
            return Ok(());
        }
        documents.iter().for_each(|document| bits.set(*document as usize, true));
        blocks.advance();
    }
}

/// The best hits so far. Of equal ones the newer record wins.
struct Hits {
    limit: usize,
    heap: BinaryHeap<Reverse<(u32, u64)>>,
}

impl Hits {
    fn offer(&mut self, place: u64, score: f32, scopes: &[Scope<'_>], typed: &[String], slips: bool) {
        // Scores are positive, so their bits order as they do.
        let entry = Reverse((score.to_bits(), place));
        if self.heap.len() >= self.limit && self.heap.peek().is_some_and(|worst| entry >= *worst) {
            return;
        }
        let Some(scope) = scopes.iter().find(|s| s.object == (place >> 32) as u32) else { return };
        let row = place as u32;
        let table = scope.table.read();
        // The index may lag behind the image by a moment.
        if !table.live.get(row as usize) || (scope.verify && !verify::found_in(&table, row, scope.fields, typed, slips))
        {
            return;
        }
        self.heap.push(entry);
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    fn into_ids(self, scopes: &[Scope<'_>]) -> Vec<(RecordId, f32)> {
        self.heap
            .into_sorted_vec()
            .into_iter()
            .filter_map(|Reverse((score, place))| {
                let scope = scopes.iter().find(|s| s.object == (place >> 32) as u32)?;
                let id = scope.table.read().ids.get(place as u32 as usize).copied()?;
                Some((id, f32::from_bits(score)))
            })
            .collect()
    }
}
