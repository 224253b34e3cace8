//! The best hits of one search so far. Decides what counts as a hit at last: the record must be there, and what the asker may see
//! of it must have the words.

use std::{cmp::Reverse, collections::BinaryHeap};

use kith_base::RecordId;

use super::{
    find::Scope,
    found::{Found, Level},
    verify,
};

/// Documents looked at per level, newest first. Ranking needs no more to be sensible, and no search takes longer for having more.
const VISITS_MAX: usize = 6_000;

/// Records read to see whether they have the words, per search: some microseconds each. Hits behind that are left out.
const VERIFIED_MAX: usize = 1_500;

pub(super) struct Hits<'a> {
    limit: usize,
    scopes: &'a [Scope<'a>],
    typed: &'a [String],
    /// Score and place. Of equal scores the newer record wins.
    heap: BinaryHeap<Reverse<(u32, u64)>>,
    verified: usize,
}

impl<'a> Hits<'a> {
    pub fn new(limit: usize, scopes: &'a [Scope<'a>], typed: &'a [String]) -> Hits<'a> {
        Hits { limit, scopes, typed, heap: BinaryHeap::new(), verified: 0 }
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn full(&self) -> bool {
        self.heap.len() >= self.limit
    }

    /// Takes the best of one level of one segment, of `segments` in all.
    pub fn take(&mut self, found: &mut Found<'_>, level: Level, segments: usize) {
        // With a single word all documents of a level are alike, so the newest are the best.
        let alike = self.typed.len() == 1 && level != Level::Nearly;
        let visits = (VISITS_MAX / segments.max(1)).max(self.limit);
        let mut taken = 0;
        for document in found.next(level).iter_back().take(visits) {
            let Some(place) = found.segment.place(document) else { continue };
            let (score, uncertain) = found.score(document);
            taken += usize::from(self.offer(place, score, uncertain, level == Level::Nearly));
            if alike && taken >= self.limit {
                return;
            }
        }
    }

    fn offer(&mut self, place: u64, score: f32, uncertain: bool, slips: bool) -> bool {
        // Scores are positive, so their bits order as they do.
        let entry = Reverse((score.to_bits(), place));
        if self.full() && self.heap.peek().is_some_and(|worst| entry >= *worst) {
            return false;
        }
        let Some(scope) = self.scopes.iter().find(|s| s.object == (place >> 32) as u32) else { return false };
        let row = place as u32;
        let table = scope.table.read();
        // The index may lag behind the image by a moment.
        if !table.live.get(row as usize) {
            return false;
        }
        if scope.verify || uncertain {
            self.verified += 1;
            if self.verified > VERIFIED_MAX || !verify::found_in(&table, row, scope.fields, self.typed, slips) {
                return false;
            }
        }
        self.heap.push(entry);
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
        true
    }

    pub fn into_ids(self) -> Vec<(RecordId, f32)> {
        let Hits { heap, scopes, .. } = self;
        heap.into_sorted_vec()
            .into_iter()
            .filter_map(|Reverse((score, place))| {
                let scope = scopes.iter().find(|s| s.object == (place >> 32) as u32)?;
                let id = scope.table.read().ids.get(place as u32 as usize).copied()?;
                Some((id, f32::from_bits(score)))
            })
            .collect()
    }
}
