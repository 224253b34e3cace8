//! Which documents of one segment have the words of a query, and how: in the title or elsewhere, as typed, as a beginning, or but
//! for slips. Reads the index within a budget, so that a broad beginning (`p1` in a million addresses) costs no more than a narrow
//! one; says where it stopped, so that what was not read is looked up in the records instead of being taken for absent.

use tantivy::{
    InvertedIndexReader, Term,
    postings::{BlockSegmentPostings, TermInfo},
    query::FuzzyTermQuery,
    schema::{Field, IndexRecordOption},
};

use super::{SearchError, index::Words, view::Segment, words};
use crate::image::Bits;

/// How much a match counts: the word itself, its beginning, nearly its beginning; in the title, elsewhere.
const WEIGHTS: [f32; 6] = [8.0, 4.0, 5.0, 2.0, 1.5, 1.0];
const TITLE_EXACT: usize = 0;
const BODY_EXACT: usize = 1;
const TITLE_BEGIN: usize = 2;
const BODY_BEGIN: usize = 3;
const TITLE_NEAR: usize = 4;
const BODY_NEAR: usize = 5;

const EXACT: &[usize] = &[TITLE_EXACT, BODY_EXACT];
const TITLE: &[usize] = &[TITLE_EXACT, TITLE_BEGIN];
const AS_TYPED: &[usize] = &[TITLE_EXACT, BODY_EXACT, TITLE_BEGIN, BODY_BEGIN];
const ALL: &[usize] = &[TITLE_EXACT, BODY_EXACT, TITLE_BEGIN, BODY_BEGIN, TITLE_NEAR, BODY_NEAR];

/// Titles that are looked at first although a broad beginning beside them was not read to its end.
const TITLES_READ_MAX: usize = 200;

/// What is read of the index. Each costs more than the one before and finds what ranks behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Titles,
    Elsewhere,
    Slips,
}

/// Documents of equal standing, best first. Each level is without those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Level {
    /// Every word is in the title as typed.
    TitleWords,
    /// Every word is in the title or begins a word there.
    Titles,
    /// Every word whose reading was not cut is in the title, of few records; whether they have the others, they must tell.
    TitlesUnread,
    /// Every word is somewhere as typed.
    Words,
    /// Every word is somewhere, one in the title.
    Mixed,
    /// Every word is somewhere.
    Anywhere,
    /// Every word whose reading was not cut is somewhere; whether the others are, the record must tell.
    Unread,
    /// As `Anywhere`, but for slips.
    Nearly,
}

impl Stage {
    pub fn levels(self) -> &'static [Level] {
        match self {
            Stage::Titles => &[Level::TitleWords, Level::Titles],
            Stage::Elsewhere => &[Level::TitlesUnread, Level::Words, Level::Mixed, Level::Anywhere, Level::Unread],
            Stage::Slips => &[Level::Nearly],
        }
    }
}

/// How much of a segment's index one word may read, per field and stage.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Words of the index that begin as typed.
    pub words: usize,
    /// Documents listed under them.
    pub documents: usize,
}

impl Budget {
    pub const NONE: Budget = Budget { words: usize::MAX, documents: usize::MAX };

    /// The share of a segment with `part` of `whole` documents.
    pub fn share(self, part: usize, whole: usize) -> Budget {
        let of = |all: usize| (all as u128 * part as u128 / whole.max(1) as u128) as usize;
        // A small segment may be read to a useful depth all the same.
        Budget { words: of(self.words).max(64), documents: of(self.documents).max(4_096) }
    }
}

/// Documents that have one word, by kind of match.
#[derive(Default)]
pub(super) struct Word {
    kinds: [Option<Bits>; 6],
    /// The budget ended before all beginnings were read.
    cut: bool,
}

impl Word {
    pub fn read(
        &mut self,
        index: &Words,
        segment: &Segment,
        typed: &str,
        stage: Stage,
        budget: Budget,
    ) -> Result<(), SearchError> {
        let (title, body) = ((index.title, TITLE_EXACT, TITLE_BEGIN), (index.body, BODY_EXACT, BODY_BEGIN));
        match stage {
            Stage::Titles => self.beginnings(title, segment, typed, budget),
            Stage::Elsewhere => self.beginnings(body, segment, typed, budget),
            Stage::Slips => {
                self.nearly(index.title, TITLE_NEAR, segment, typed, budget)?;
                self.nearly(index.body, BODY_NEAR, segment, typed, budget)
            }
        }
    }

    fn beginnings(
        &mut self,
        (field, exact, begin): (Field, usize, usize),
        segment: &Segment,
        typed: &str,
        budget: Budget,
    ) -> Result<(), SearchError> {
        let index = segment.reader.inverted_index(field)?;
        let mut reading = Reading { index: &index, len: segment.len(), postings: None, budget };
        // The word itself is always read, whatever begins like it.
        if let Some(term) = index.terms().get(typed).map_err(tantivy::TantivyError::from)? {
            reading.add(&term, &mut self.kinds[exact])?;
        }
        let mut upper = typed.as_bytes().to_vec();
        // No text has this byte, so it lies behind every word that begins so.
        upper.push(0xff);
        let range = index.terms().range().gt(typed.as_bytes()).lt(&upper);
        let mut stream = range.into_stream().map_err(tantivy::TantivyError::from)?;
        while stream.advance() {
            if !reading.add(stream.value(), &mut self.kinds[begin])? {
                self.cut = true;
                break;
            }
        }
        Ok(())
    }

    fn nearly(
        &mut self,
        field: Field,
        near: usize,
        segment: &Segment,
        typed: &str,
        budget: Budget,
    ) -> Result<(), SearchError> {
        let allowed = words::slips(typed);
        if allowed == 0 {
            return Ok(());
        }
        let index = segment.reader.inverted_index(field)?;
        let mut reading = Reading { index: &index, len: segment.len(), postings: None, budget };
        let automaton = FuzzyTermQuery::new_prefix(Term::from_field_text(field, typed), allowed, true).automaton()?;
        let mut stream = index.terms().search(automaton).into_stream().map_err(tantivy::TantivyError::from)?;
        while stream.advance() && reading.add(stream.value(), &mut self.kinds[near])? {}
        Ok(())
    }

    fn any_of(&self, which: &[usize], documents: usize) -> Bits {
        let mut any = Bits::zeros(documents);
        for bits in which.iter().filter_map(|kind| self.kinds[*kind].as_ref()) {
            any.or(bits);
        }
        any
    }

    /// Documents that have the word in any way that was read.
    pub fn any(&self, segment: &Segment) -> Bits {
        self.any_of(ALL, segment.len())
    }

    fn has(&self, kind: usize, document: u32) -> bool {
        self.kinds[kind].as_ref().is_some_and(|bits| bits.get(document as usize))
    }
}

/// Reads lists of documents one after the other into the same buffers.
struct Reading<'a> {
    index: &'a InvertedIndexReader,
    len: usize,
    postings: Option<BlockSegmentPostings>,
    budget: Budget,
}

impl Reading<'_> {
    /// False, and nothing read, when the budget is at its end.
    fn add(&mut self, term: &TermInfo, into: &mut Option<Bits>) -> Result<bool, SearchError> {
        if self.budget.words == 0 || self.budget.documents == 0 {
            return Ok(false);
        }
        self.budget.words -= 1;
        self.budget.documents = self.budget.documents.saturating_sub(term.doc_freq as usize);
        let bits = into.get_or_insert_with(|| Bits::zeros(self.len));
        let postings = match &mut self.postings {
            Some(postings) => {
                let reset = self.index.reset_block_postings_from_terminfo(term, postings);
                reset.map_err(tantivy::TantivyError::from)?;
                postings
            }
            none => {
                let opened = self.index.read_block_postings_from_terminfo(term, IndexRecordOption::Basic);
                none.insert(opened.map_err(tantivy::TantivyError::from)?)
            }
        };
        loop {
            let documents = postings.docs();
            if documents.is_empty() {
                return Ok(true);
            }
            documents.iter().for_each(|document| bits.set(*document as usize, true));
            postings.advance();
        }
    }
}

/// What one segment has of a query.
pub(super) struct Found<'a> {
    pub segment: &'a Segment,
    /// Living documents of the objects asked for.
    within: Bits,
    words: Vec<Word>,
    budget: Budget,
    given: Bits,
}

impl<'a> Found<'a> {
    pub fn new(segment: &'a Segment, within: Bits, words: usize, budget: Budget) -> Found<'a> {
        let words = (0..words).map(|_| Word::default()).collect();
        Found { segment, within, words, budget, given: Bits::zeros(segment.len()) }
    }

    pub fn read(&mut self, index: &Words, typed: &[String], stage: Stage) -> Result<(), SearchError> {
        let mut words = self.words.iter_mut().zip(typed);
        words.try_for_each(|(word, typed)| word.read(index, self.segment, typed, stage, self.budget))
    }

    /// The documents of a level that no level gave before.
    pub fn next(&mut self, level: Level) -> Bits {
        let mut bits = match level {
            Level::TitleWords => self.all(&[TITLE_EXACT]),
            Level::Titles => self.all(TITLE),
            Level::Words => self.all(EXACT),
            Level::Mixed => {
                let mut titled = Bits::zeros(self.segment.len());
                for word in &self.words {
                    titled.or(&word.any_of(TITLE, self.segment.len()));
                }
                titled.and(&self.all(AS_TYPED));
                titled
            }
            Level::Anywhere => self.all(AS_TYPED),
            Level::TitlesUnread => {
                let bits = self.unread(TITLE);
                let few = bits.count() <= TITLES_READ_MAX && self.words.iter().any(|word| !word.cut);
                if few { bits } else { Bits::default() }
            }
            Level::Unread => self.unread(AS_TYPED),
            Level::Nearly => self.all(ALL),
        };
        bits.and_not(&self.given);
        self.given.or(&bits);
        bits
    }

    /// Documents that have all words in one of these ways.
    fn all(&self, which: &[usize]) -> Bits {
        let mut bits = self.within.clone();
        for word in &self.words {
            bits.and(&word.any_of(which, self.segment.len()));
        }
        bits
    }

    /// As `all`, whatever is known of words whose reading was cut; nothing when there are none.
    fn unread(&self, which: &[usize]) -> Bits {
        let mut bits = self.within.clone();
        for word in self.words.iter().filter(|word| !word.cut) {
            bits.and(&word.any_of(which, self.segment.len()));
        }
        if self.words.iter().any(|word| word.cut) { bits } else { Bits::default() }
    }

    /// The best kind of match of each word counts. The second: not all words are known to be there.
    pub fn score(&self, document: u32) -> (f32, bool) {
        let mut uncertain = false;
        let of_word = |word: &Word| {
            let kinds = (0..WEIGHTS.len()).filter(|kind| word.has(*kind, document));
            let best = kinds.map(|kind| WEIGHTS[kind]).fold(0.0, f32::max);
            uncertain |= best == 0.0;
            // It can only be a beginning, or it would have been read.
            if best == 0.0 { WEIGHTS[BODY_BEGIN] } else { best }
        };
        let score = self.words.iter().map(of_word).sum();
        (score, uncertain)
    }
}
