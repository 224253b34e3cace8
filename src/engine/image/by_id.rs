//! Rows of a table in the order of their ids. Rows nearly always come in that order, so only those that did not are kept: a walk
//! merges them with the others. Holds row numbers only; whoever asks brings the ids.

use std::{cmp::Ordering, iter::Peekable};

use kith_base::RecordId;

use super::{bits::Bits, order::Rows};

#[derive(Default)]
pub struct ById {
    /// The last row that came in order.
    last: Option<u32>,
    /// Rows that came behind one with a larger id, by their ids; and the same as bits.
    late: Rows,
    is_late: Bits,
}

impl ById {
    /// Takes in a new row, which must be the last of `ids`.
    pub fn push(&mut self, row: u32, ids: &[RecordId]) {
        let id = ids[row as usize];
        if self.last.is_none_or(|last| ids[last as usize] < id) {
            self.last = Some(row);
            return;
        }
        self.late.insert(row, |other| ids[other as usize].cmp(&id));
        self.is_late.set(row as usize, true);
    }

    /// Rows that did not come in order; what a walk costs at most beyond the rows it gives.
    pub fn late(&self) -> usize {
        self.late.len()
    }

    /// All rows, ascending.
    pub fn all<'a>(&'a self, ids: &'a [RecordId]) -> Box<dyn Iterator<Item = u32> + 'a> {
        let rows = 0..ids.len() as u32;
        if self.late.is_empty() {
            return Box::new(rows);
        }
        let on_time = rows.filter(|row| !self.is_late.get(*row as usize));
        Box::new(Merged {
            on_time: on_time.peekable(),
            late: self.late.ascending(None).peekable(),
            ids,
            descending: false,
        })
    }

    /// Those of `rows` behind `after`, ascending or descending.
    pub fn walk(
        &self,
        ids: &[RecordId],
        rows: &Bits,
        after: Option<RecordId>,
        descending: bool,
        limit: usize,
        found: &mut Vec<u32>,
    ) {
        let on_time = if self.late.is_empty() { None } else { Some(self.on_time(rows)) };
        let on_time = on_time.as_ref().unwrap_or(rows);
        let selected = |row: &u32| rows.get(*row as usize);
        let beside = after.map(|id| move |other: u32| ids[other as usize].cmp(&id));
        let beside: Option<&dyn Fn(u32) -> Ordering> = beside.as_ref().map(|of| of as &dyn Fn(u32) -> Ordering);
        // Erased rows may share their id with a living one, so the place itself is passed over here and not by counting.
        let past = |row: &u32| after != Some(ids[*row as usize]);
        if descending {
            let end = after.map_or(ids.len(), |id| self.split(ids, |other| other < id));
            let late = self.late.descending(beside).filter(selected).filter(past);
            let on_time = on_time.iter_back_before(end);
            found.extend(Merged { on_time: on_time.peekable(), late: late.peekable(), ids, descending }.take(limit));
        } else {
            let start = after.map_or(0, |id| self.split(ids, |other| other <= id));
            let late = self.late.ascending(beside).filter(selected).filter(past);
            let on_time = on_time.iter_from(start);
            found.extend(Merged { on_time: on_time.peekable(), late: late.peekable(), ids, descending }.take(limit));
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.late.heap_bytes() + self.is_late.heap_bytes()
    }

    fn on_time(&self, rows: &Bits) -> Bits {
        let mut bits = rows.clone();
        bits.and_not(&self.is_late);
        bits
    }

    /// The row from which on no row that came in order is `before`.
    fn split(&self, ids: &[RecordId], before: impl Fn(RecordId) -> bool) -> usize {
        let (mut low, mut high) = (0, ids.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.is_late.next_clear(middle);
            if row < high && before(ids[row]) {
                low = row + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Two walks as one.
struct Merged<'a, A: Iterator<Item = u32>, B: Iterator<Item = u32>> {
    on_time: Peekable<A>,
    late: Peekable<B>,
    ids: &'a [RecordId],
    descending: bool,
}

impl<A: Iterator<Item = u32>, B: Iterator<Item = u32>> Iterator for Merged<'_, A, B> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (Some(a), Some(b)) = (self.on_time.peek(), self.late.peek()) else {
            return self.on_time.next().or_else(|| self.late.next());
        };
        let (a, b) = (self.ids[*a as usize], self.ids[*b as usize]);
        if (a < b) != self.descending { self.on_time.next() } else { self.late.next() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u32) -> RecordId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        RecordId(bytes)
    }

    proptest! {
        #[test]
        fn walks_give_the_selected_rows_by_their_ids(
            born in prop::collection::vec(0u32..400, 1..300),
            mostly_sorted in any::<bool>(),
            keep in 1usize..5,
            after in prop::option::of(0u32..400),
            limit in 0usize..40,
        ) {
            let mut born = born;
            if mostly_sorted {
                // What concurrent writers leave: sorted but for neighbours.
                born.sort_unstable();
                born.chunks_exact_mut(3).step_by(2).for_each(<[u32]>::reverse);
            }
            let mut seen = std::collections::HashSet::new();
            born.retain(|n| seen.insert(*n));
            let ids: Vec<RecordId> = born.iter().map(|n| id(*n)).collect();
            let mut by_id = ById::default();
            (0..ids.len()).for_each(|row| by_id.push(row as u32, &ids[..=row]));
            let mut all: Vec<u32> = (0..ids.len() as u32).collect();
            all.sort_by_key(|row| ids[*row as usize]);
            prop_assert_eq!(by_id.all(&ids).collect::<Vec<_>>(), all.clone());

            let mut rows = Bits::zeros(ids.len());
            all.iter().filter(|row| (**row as usize).is_multiple_of(keep)).for_each(|row| rows.set(*row as usize, true));
            for descending in [false, true] {
                let mut wanted: Vec<u32> = all.iter().copied().filter(|row| rows.get(*row as usize)).collect();
                wanted.retain(|row| after.is_none_or(|n| if descending { born[*row as usize] < n } else { born[*row as usize] > n }));
                if descending {
                    wanted.reverse();
                }
                wanted.truncate(limit);
                let mut found = Vec::new();
                by_id.walk(&ids, &rows, after.map(id), descending, limit, &mut found);
                prop_assert_eq!(found, wanted);
            }
        }
    }
}
