//! Answers searches. Two questions: the best few records for words still being typed, within limits that hold however many match;
//! and all rows of one object that match, for lists, exactly.

use std::sync::Arc;

use kith_base::RecordId;
use parking_lot::RwLock;

use super::{
    SearchError, Shared,
    found::{Budget, Found, Stage, Word},
    hits::Hits,
    verify, words,
};
use crate::image::{Bits, table::Table};

/// What one typed word may read of the index, per stage: about a millisecond's worth. A beginning that more words share is read as
/// far as this, in alphabetical order, and then looked for in the newest records that have the other words.
const BUDGET: Budget = Budget { words: 2_048, documents: 1_000_000 };

/// Fewer hits than these, and slips are looked for too.
const FEW_HITS: usize = 5;

/// When so few rows are left, the remaining words are looked for in the records themselves.
const ROWS_READ_MAX: usize = 1_000;

/// Where hits of one object may be.
pub(super) struct Scope<'a> {
    pub object: u32,
    pub fields: &'a [u32],
    pub table: Arc<RwLock<Table>>,
    /// Hits must be verified field by field.
    pub verify: bool,
}

pub(super) fn best(shared: &Shared, text: &str, objects: &[(u32, Vec<u32>)], limit: usize) -> Vec<(RecordId, f32)> {
    let typed = words::of_query(text);
    if typed.is_empty() || limit == 0 {
        return Vec::new();
    }
    let scopes: Vec<Scope> = objects.iter().filter_map(|(object, fields)| scope(shared, *object, fields)).collect();
    let mut hits = Hits::new(limit, &scopes, &typed);
    match collect(shared, &typed, &scopes, limit, &mut hits) {
        Ok(()) => hits.into_ids(),
        Err(error) => {
            tracing::error!(code = error.code(), %error, "search failed");
            Vec::new()
        }
    }
}

fn collect(
    shared: &Shared,
    typed: &[String],
    scopes: &[Scope<'_>],
    limit: usize,
    hits: &mut Hits<'_>,
) -> Result<(), SearchError> {
    let view = shared.words.view();
    let all = view.documents();
    let mut found: Vec<Found<'_>> = Vec::new();
    for segment in &view.segments {
        let within = segment.of_objects(scopes.iter().map(|s| s.object));
        if !within.none() {
            found.push(Found::new(segment, within, typed.len(), BUDGET.share(segment.len(), all)));
        }
    }
    for (stage, enough) in [(Stage::Titles, limit), (Stage::Elsewhere, limit), (Stage::Slips, limit.min(FEW_HITS))] {
        if hits.len() >= enough || (stage == Stage::Slips && !may_slip(typed)) {
            return Ok(());
        }
        for segment in &mut found {
            segment.read(&shared.words, typed, stage)?;
        }
        let segments = found.len();
        for level in stage.levels() {
            found.iter_mut().for_each(|segment| hits.take(segment, *level, segments));
            if hits.full() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn may_slip(typed: &[String]) -> bool {
    typed.iter().any(|word| words::slips(word) > 0)
}

pub(super) fn rows(shared: &Shared, text: &str, object: u32, fields: &[u32], trashed: bool) -> Option<Bits> {
    let mut typed = words::of_query(text);
    if typed.is_empty() {
        return None;
    }
    // The longest word leaves the fewest rows for the others.
    typed.sort_by_key(|word| std::cmp::Reverse(word.len()));
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
    let matching = |slips| {
        matching(shared, &scope, &typed, slips).unwrap_or_else(|error| {
            tracing::error!(code = error.code(), %error, "search failed");
            Bits::default()
        })
    };
    let rows = matching(false);
    Some(if rows.none() && may_slip(&typed) { matching(true) } else { rows })
}

/// Rows of one object that have all words.
fn matching(shared: &Shared, scope: &Scope<'_>, typed: &[String], slips: bool) -> Result<Bits, SearchError> {
    let stages: &[Stage] =
        if slips { &[Stage::Titles, Stage::Elsewhere, Stage::Slips] } else { &[Stage::Titles, Stage::Elsewhere] };
    let mut rows = Bits::default();
    let view = shared.words.view();
    for segment in &view.segments {
        let mut documents = segment.of_objects(std::iter::once(scope.object));
        let mut unread = &typed[..0];
        for (at, typed_word) in typed.iter().enumerate() {
            let left = documents.count();
            if left == 0 || (at > 0 && left <= ROWS_READ_MAX) {
                unread = &typed[at..];
                break;
            }
            let mut word = Word::default();
            for stage in stages {
                word.read(&shared.words, segment, typed_word, *stage, Budget::NONE)?;
            }
            documents.and(&word.any(segment));
        }
        let to_verify = if scope.verify { typed } else { unread };
        let found = documents.iter().filter_map(|document| segment.place(document)).map(|place| place as u32);
        if to_verify.is_empty() {
            found.for_each(|row| rows.set(row as usize, true));
            continue;
        }
        let table = scope.table.read();
        let found = found.filter(|row| verify::found_in(&table, *row, scope.fields, to_verify, slips));
        found.for_each(|row| rows.set(row as usize, true));
    }
    Ok(rows)
}

fn scope<'a>(shared: &Shared, object: u32, fields: &'a [u32]) -> Option<Scope<'a>> {
    let table = shared.image.cell(object)?;
    let verify = verify::hides_any(&table.read(), fields);
    Some(Scope { object, fields, table, verify })
}
