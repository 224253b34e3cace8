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

const ALL: &[usize] = &[TITLE_EXACT, BODY_EXACT, TITLE_BEGIN, BODY_BEGIN, TITLE_NEAR, BODY_NEAR];
const TITLE_WORDS: &[usize] = &[TITLE_EXACT];
const TITLE_WORDS_AND_BEGINNINGS: &[usize] = &[TITLE_EXACT, TITLE_BEGIN];

/// Matches are taken in three levels, see `Matches::level`; weaker ones are not looked at when better ones fill the list.
const LEVELS: usize = 3;

/// Where words are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Titles,
    Everywhere,
}

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
    // Each further way costs more and finds what ranks behind, so it is only gone when the list is not full yet.
    for (reach, slips) in [(Reach::Titles, false), (Reach::Everywhere, false), (Reach::Everywhere, true)] {
        if hits.full() || (slips && typed.iter().all(|w| words::slips(w) == 0)) {
            break;
        }
        let found = match matches(shared, &searcher, &typed, reach, slips) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(code = error.code(), %error, "search failed");
                return Vec::new();
            }
        };
        hits.heap.clear();
        for level in 0..LEVELS {
            found.iter().for_each(|segment| hits.take(segment, level, &scopes, &typed, slips));
            if hits.full() {
                break;
            }
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
        match matches(shared, &searcher, &typed, Reach::Everywhere, slips) {
            Ok(found) => {
                let places = found.iter().flat_map(Matches::places);
                places.filter(|place| (place >> 32) as u32 == object).for_each(|p| rows.set(p as u32 as usize, true));
            }
            Err(error) => tracing::error!(code = error.code(), %error, "search failed"),
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

/// The documents of one segment that have all words.
struct Matches {
    /// Per word.
    kinds: Vec<Kinds>,
    documents: Bits,
    places: Column<u64>,
}

fn matches(
    shared: &Shared,
    searcher: &Searcher,
    typed: &[String],
    reach: Reach,
    slips: bool,
) -> Result<Vec<Matches>, SearchError> {
    let mut found = Vec::new();
    for segment in searcher.segment_readers() {
        let mut kinds: Vec<Kinds> = Vec::with_capacity(typed.len());
        let mut documents = Bits::ones(segment.max_doc() as usize);
        for word in typed {
            let of_word = word_in(shared, segment, word, reach, slips)?;
            documents.and(&any_of(&of_word, ALL, segment.max_doc()));
            kinds.push(of_word);
            if documents.none() {
                break;
            }
        }
        if segment.has_deletes() {
            let deleted: Vec<u32> = documents.iter().filter(|d| segment.is_deleted(*d)).collect();
            deleted.into_iter().for_each(|d| documents.set(d as usize, false));
        }
        if !documents.none() {
            found.push(Matches { kinds, documents, places: segment.fast_fields().u64("place")? });
        }
    }
    Ok(found)
}

fn any_of(kinds: &Kinds, which: &[usize], documents: u32) -> Bits {
    let mut any = Bits::zeros(documents as usize);
    for bits in which.iter().filter_map(|kind| kinds[*kind].as_ref()) {
        any.or(bits);
    }
    any
}

impl Matches {
    fn places(&self) -> impl Iterator<Item = u64> + '_ {
        self.documents.iter().filter_map(|document| self.places.first(document))
    }

    /// Documents whose every word is in the title as typed; begins there; is anywhere. Each without those before.
    fn level(&self, level: usize) -> Bits {
        let within = |which: &[usize]| {
            let mut bits = self.documents.clone();
            for kinds in &self.kinds {
                bits.and(&any_of(kinds, which, self.documents.len() as u32));
            }
            bits
        };
        let mut bits = match level {
            0 => within(TITLE_WORDS),
            1 => within(TITLE_WORDS_AND_BEGINNINGS),
            _ => self.documents.clone(),
        };
        match level {
            0 => {}
            1 => {
                bits.and_not(&within(TITLE_WORDS));
            }
            _ => {
                bits.and_not(&within(TITLE_WORDS_AND_BEGINNINGS));
            }
        }
        bits
    }
}

/// The best kind of match counts.
fn score(kinds: &Kinds, document: u32) -> f32 {
    let has = |kind: usize| kinds[kind].as_ref().is_some_and(|bits| bits.get(document as usize));
    let matched = (0..WEIGHTS.len()).filter(|kind| has(*kind)).map(|kind| WEIGHTS[kind]);
    matched.fold(0.0, f32::max)
}

fn word_in(
    shared: &Shared,
    segment: &SegmentReader,
    word: &str,
    reach: Reach,
    slips: bool,
) -> Result<Kinds, SearchError> {
    let mut kinds: Kinds = Default::default();
    let fields = [
        (shared.words.title, TITLE_EXACT, TITLE_BEGIN, TITLE_NEAR),
        (shared.words.body, BODY_EXACT, BODY_BEGIN, BODY_NEAR),
    ];
    let fields = if reach == Reach::Titles { &fields[..1] } else { &fields[..] };
    for (field, exact, begin, near) in fields.iter().copied() {
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
    fn full(&self) -> bool {
        self.heap.len() >= self.limit
    }

    /// Takes the best of one level of one segment.
    fn take(&mut self, found: &Matches, level: usize, scopes: &[Scope<'_>], typed: &[String], slips: bool) {
        // From the newest on, so that of many equal ones the first to come stay. With a single word all of a level are equal
        // but for what is elsewhere than in the title.
        let alike = typed.len() == 1 && level < 2;
        let mut taken = 0;
        for document in found.level(level).iter_back() {
            let Some(place) = found.places.first(document) else { continue };
            let score = found.kinds.iter().map(|kinds| score(kinds, document)).sum();
            taken += usize::from(self.offer(place, score, scopes, typed, slips));
            if alike && taken >= self.limit {
                return;
            }
        }
    }

    fn offer(&mut self, place: u64, score: f32, scopes: &[Scope<'_>], typed: &[String], slips: bool) -> bool {
        // Scores are positive, so their bits order as they do.
        let entry = Reverse((score.to_bits(), place));
        if self.full() && self.heap.peek().is_some_and(|worst| entry >= *worst) {
            return false;
        }
        let Some(scope) = scopes.iter().find(|s| s.object == (place >> 32) as u32) else { return false };
        let row = place as u32;
        let table = scope.table.read();
        // The index may lag behind the image by a moment.
        if !table.live.get(row as usize) || (scope.verify && !verify::found_in(&table, row, scope.fields, typed, slips))
        {
            return false;
        }
        self.heap.push(entry);
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
        true
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
