//! Rows of a table in the order of one field, in short chunks so that an insertion moves little. Holds row numbers only; whoever
//! asks brings the comparison. Rows without a value are kept apart, since they come last in both directions.

use std::{
    cmp::Ordering,
    sync::atomic::{self, AtomicBool},
};

/// Rows of a chunk before it splits.
const CHUNK_ROWS_MAX: usize = 1024;

/// Batches of a stream of new records after which an order that nobody asks for is not kept up: some seconds of an import. Keeping a
/// text in order costs as much as all else that the image does with a record, and building the order at the end costs far less.
const BATCHES_UNASKED_MAX: u32 = 64;

#[derive(Default)]
pub struct Rows {
    chunks: Vec<Vec<u32>>,
}

/// All rows of a table by one field.
#[derive(Default)]
pub struct Order {
    pub keyed: Rows,
    pub nulls: Rows,
    /// Somebody has read it since the last batch.
    asked: AtomicBool,
    batches_unasked: u32,
}

impl Rows {
    pub fn from_sorted(rows: Vec<u32>) -> Rows {
        Rows { chunks: rows.chunks(CHUNK_ROWS_MAX / 2).map(<[u32]>::to_vec).collect() }
    }

    /// Inserts a row. `of(other)` tells how another row compares to it; equal is not expected.
    pub fn insert(&mut self, row: u32, of: impl Fn(u32) -> Ordering) {
        if self.chunks.is_empty() {
            self.chunks.push(vec![row]);
            return;
        }
        let at = self.chunk_of(&of);
        let chunk = &mut self.chunks[at];
        let within = chunk.partition_point(|other| of(*other) == Ordering::Less);
        chunk.insert(within, row);
        if chunk.len() > CHUNK_ROWS_MAX {
            let tail = chunk.split_off(CHUNK_ROWS_MAX / 2);
            self.chunks.insert(at + 1, tail);
        }
    }

    /// Removes a row; `of` as for `insert`, with the values by which it was inserted. False when it was not there.
    pub fn remove(&mut self, row: u32, of: impl Fn(u32) -> Ordering) -> bool {
        if self.chunks.is_empty() {
            return false;
        }
        let at = self.chunk_of(&of);
        let chunk = &mut self.chunks[at];
        let within = chunk.partition_point(|other| of(*other) == Ordering::Less);
        if chunk.get(within) != Some(&row) {
            return false;
        }
        chunk.remove(within);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
        true
    }

    /// Rows from the first that is not less than the position, ascending; from the start without one.
    pub fn ascending(&self, from: Option<&dyn Fn(u32) -> Ordering>) -> impl Iterator<Item = u32> + '_ {
        let (chunk, within) = self.position(from, Ordering::Less);
        self.chunks
            .iter()
            .skip(chunk)
            .enumerate()
            .flat_map(move |(n, c)| c.iter().skip(if n == 0 { within } else { 0 }).copied())
    }

    /// Rows from the last that is not greater than the position, descending; from the end without one.
    pub fn descending(&self, from: Option<&dyn Fn(u32) -> Ordering>) -> impl Iterator<Item = u32> + '_ {
        let (chunk, within) = match from {
            Some(of) => {
                let chunk = self.chunks.partition_point(|c| c.first().is_some_and(|r| of(*r) != Ordering::Greater));
                let chunk = chunk.saturating_sub(1);
                let within = self.chunks.get(chunk).map_or(0, |c| c.partition_point(|r| of(*r) != Ordering::Greater));
                (chunk + 1, within)
            }
            None => (self.chunks.len(), usize::MAX),
        };
        self.chunks[..chunk.min(self.chunks.len())]
            .iter()
            .rev()
            .enumerate()
            .flat_map(move |(n, c)| c[..if n == 0 { within.min(c.len()) } else { c.len() }].iter().rev().copied())
    }

    pub fn len(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn heap_bytes(&self) -> usize {
        self.chunks.iter().map(|c| c.capacity() * 4 + 24).sum()
    }

    fn position(&self, from: Option<&dyn Fn(u32) -> Ordering>, before: Ordering) -> (usize, usize) {
        let Some(of) = from else { return (0, 0) };
        let chunk = self.chunks.partition_point(|c| c.first().is_some_and(|r| of(*r) == before)).saturating_sub(1);
        let within = self.chunks.get(chunk).map_or(0, |c| c.partition_point(|r| of(*r) == before));
        (chunk, within)
    }

    /// The chunk in which a row belongs.
    fn chunk_of(&self, of: &impl Fn(u32) -> Ordering) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.first().is_some_and(|row| of(*row) != Ordering::Greater))
            .saturating_sub(1)
    }
}

impl Order {
    pub fn new(keyed: Rows, nulls: Rows) -> Order {
        Order { keyed, nulls, ..Order::default() }
    }

    /// Somebody reads it.
    pub fn ask(&self) {
        self.asked.store(true, atomic::Ordering::Relaxed);
    }

    /// A batch of new records comes. False: nobody has asked for long.
    pub fn is_wanted(&mut self) -> bool {
        self.batches_unasked = if std::mem::take(self.asked.get_mut()) { 0 } else { self.batches_unasked + 1 };
        self.batches_unasked <= BATCHES_UNASKED_MAX
    }

    pub fn heap_bytes(&self) -> usize {
        self.keyed.heap_bytes() + self.nulls.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(target: (i64, u32), keys: &[i64]) -> impl Fn(u32) -> Ordering + '_ {
        move |other| (keys[other as usize], other).cmp(&target)
    }

    #[test]
    fn an_order_is_kept_up_while_somebody_asks() {
        let mut order = Order::default();
        let batches = |order: &mut Order| (0..500).take_while(|_| order.is_wanted()).count() as u32;
        assert_eq!(batches(&mut order), BATCHES_UNASKED_MAX);
        order.ask();
        assert_eq!(batches(&mut order), BATCHES_UNASKED_MAX + 1);
    }

    proptest! {
        #[test]
        fn insertion_and_removal_keep_the_order(keys in proptest::collection::vec(0i64..40, 1..3_000), gone in 0usize..7) {
            let mut rows = Rows::default();
            for (row, key) in keys.iter().enumerate() {
                rows.insert(row as u32, of((*key, row as u32), &keys));
            }
            let mut expected: Vec<u32> = (0..keys.len() as u32).collect();
            if gone > 0 {
                for row in (0..keys.len()).step_by(gone) {
                    prop_assert!(rows.remove(row as u32, of((keys[row], row as u32), &keys)));
                    prop_assert!(!rows.remove(row as u32, of((keys[row], row as u32), &keys)));
                }
                expected.retain(|row| !(*row as usize).is_multiple_of(gone));
            }
            expected.sort_by_key(|row| (keys[*row as usize], *row));
            prop_assert_eq!(rows.ascending(None).collect::<Vec<_>>(), expected.clone());
            let from = (20i64, 17u32);
            let position = of(from, &keys);
            let after: Vec<u32> = rows.ascending(Some(&position)).collect();
            let wanted: Vec<u32> = expected.iter().copied().filter(|r| (keys[*r as usize], *r) >= from).collect();
            prop_assert_eq!(after, wanted);
            let before: Vec<u32> = rows.descending(Some(&position)).collect();
            let wanted: Vec<u32> = expected.iter().rev().copied().filter(|r| (keys[*r as usize], *r) <= from).collect();
            prop_assert_eq!(before, wanted);
            expected.reverse();
            prop_assert_eq!(rows.descending(None).collect::<Vec<_>>(), expected);
        }
    }
}
