//! Builds the order of one field without keeping readers out, nor writers for long: texts are ranked by their dictionary codes,
//! piece by piece between other people's work; only during the final pass over the rows must nobody write.

use std::cmp::Ordering;

use kith_model::FieldDef;
use parking_lot::{RwLock, RwLockUpgradableReadGuard};

use super::{
    collate::Collation,
    column::Column,
    key::{Key, key_of, key_of_code},
    order::{Order, Rows},
    slot::Slot,
    table::Table,
};

/// Codes ranked between two releases of the lock.
const CODES_PER_TURN: u32 = 4_096;

/// Dictionary rebuilds during one attempt are rare; after a few the next query tries again.
const ATTEMPTS: usize = 4;

/// Makes sure that the slot has its order.
pub fn build(cell: &RwLock<Table>, slot: usize, collation: &Collation) {
    for _ in 0..ATTEMPTS {
        let coded = {
            let table = cell.read();
            match table.slots.get(slot) {
                Some(slot) if slot.order.is_none() => matches!(slot.column, Column::Coded { .. }),
                _ => return,
            }
        };
        if coded {
            let Some((epoch, ranks)) = rank_codes(cell, slot, collation) else { continue };
            let table = cell.upgradable_read();
            if table.slots[slot].epoch == epoch
                && let Some(order) = by_ranks(&table, slot, &ranks, collation)
            {
                RwLockUpgradableReadGuard::upgrade(table).slots[slot].order = Some(order);
                return;
            }
        } else {
            let table = cell.upgradable_read();
            let order = by_numbers(&table, &table.slots[slot], collation);
            let mut table = RwLockUpgradableReadGuard::upgrade(table);
            table.slots[slot].order = Some(order);
            return;
        }
    }
}

/// The place of each code among all codes of the column; equal keys share one.
fn rank_codes(cell: &RwLock<Table>, slot: usize, collation: &Collation) -> Option<(u64, Vec<u32>)> {
    let (epoch, len) = {
        let table = cell.read();
        let slot = &table.slots[slot];
        let Column::Coded { words, .. } = &slot.column else { return None };
        (slot.epoch, words.len())
    };
    let half = len / 2 + 1;
    let mut keyed = Vec::new();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| prefixes(cell, slot, epoch, half..len + 1, collation));
        keyed = prefixes(cell, slot, epoch, 1..half, collation)?;
        keyed.extend(second.join().ok()??);
        Some(())
    })?;
    keyed.sort_unstable();
    let mut ranks = vec![0u32; len as usize + 1];
    let (mut rank, mut at) = (0, 0);
    while at < keyed.len() {
        let end = at + keyed[at..].partition_point(|(prefix, _)| *prefix == keyed[at].0);
        if end - at == 1 {
            rank += 1;
            ranks[keyed[at].1 as usize] = rank;
        } else {
            let table = cell.read();
            rank = rank_ties(&table.slots[slot], epoch, &mut keyed[at..end], &mut ranks, rank, collation)?;
        }
        at = end;
    }
    Some((epoch, ranks))
}

/// Ranks codes whose prefixes say nothing.
fn rank_ties(
    slot: &Slot,
    epoch: u64,
    ties: &mut [(u128, u32)],
    ranks: &mut [u32],
    mut rank: u32,
    collation: &Collation,
) -> Option<u32> {
    if slot.epoch != epoch {
        return None;
    }
    let key = |code: u32| key_of_code(&slot.def, &slot.column, code);
    ties.sort_by(|(_, a), (_, b)| key(*a).compare(&key(*b), collation));
    for at in 0..ties.len() {
        let equal = at > 0 && key(ties[at - 1].1).compare(&key(ties[at].1), collation) == Ordering::Equal;
        rank += u32::from(!equal);
        ranks[ties[at].1 as usize] = rank;
    }
    Some(rank)
}

fn prefixes(
    cell: &RwLock<Table>,
    slot: usize,
    epoch: u64,
    codes: std::ops::Range<u32>,
    collation: &Collation,
) -> Option<Vec<(u128, u32)>> {
    let mut keyed = Vec::with_capacity(codes.len());
    let mut from = codes.start;
    while from < codes.end {
        let table = cell.read();
        let slot = &table.slots[slot];
        if slot.epoch != epoch {
            return None;
        }
        let to = (from + CODES_PER_TURN).min(codes.end);
        for code in from..to {
            // What has no key keeps rank 0, like rows without a value.
            if let Some(prefix) = prefix(&slot.def, &slot.column, code, collation) {
                keyed.push((prefix, code));
            }
        }
        from = to;
    }
    Some(keyed)
}

fn prefix(def: &FieldDef, column: &Column, code: u32, collation: &Collation) -> Option<u128> {
    match key_of_code(def, column, code) {
        Key::Text(text) => Some(collation.prefix(&text)),
        Key::Int(place) => Some(place.max(0) as u128),
        Key::Double(_) => Some(u128::MAX),
        Key::Null => None,
    }
}

/// Sorts the rows by the ranks of their codes: one counting pass. Rows that came since are inserted.
fn by_ranks(table: &Table, at: usize, ranks: &[u32], collation: &Collation) -> Option<Order> {
    let Column::Coded { codes, .. } = &table.slots[at].column else { return None };
    let buckets = ranks.iter().copied().max().unwrap_or(0) as usize + 2;
    let mut starts = vec![0u32; buckets];
    let (mut nulls, mut late) = (Vec::new(), Vec::new());
    let rank = |row: usize| ranks.get(codes.get(row) as usize).copied();
    // Rows are taken by their ids, which break ties.
    for row in table.by_id.all(&table.ids) {
        match rank(row as usize) {
            Some(0) => nulls.push(row),
            Some(rank) => starts[rank as usize + 1] += 1,
            None => late.push(row),
        }
    }
    for bucket in 1..buckets {
        starts[bucket] += starts[bucket - 1];
    }
    let mut sorted = vec![0u32; starts[buckets - 1] as usize];
    for row in table.by_id.all(&table.ids) {
        if let Some(rank) = rank(row as usize).filter(|rank| *rank > 0) {
            sorted[starts[rank as usize] as usize] = row;
            starts[rank as usize] += 1;
        }
    }
    let ids = &table.ids;
    let mut order = Order::new(Rows::from_sorted(sorted), Rows::from_sorted(nulls));
    let slot = &table.slots[at];
    let around = table.around(collation);
    for row in late {
        let key = slot.key(row);
        let id = ids[row as usize];
        if key.is_null() {
            order.nulls.insert(row, |other| ids[other as usize].cmp(&id));
        } else {
            order.keyed.insert(row, |other| super::slot::beside(&slot.def, &slot.column, other, &key, id, around));
        }
    }
    Some(order)
}

fn by_numbers(table: &Table, slot: &Slot, collation: &Collation) -> Order {
    let (mut keyed, mut nulls) = (Vec::with_capacity(table.len()), Vec::new());
    for row in table.by_id.all(&table.ids) {
        match key_of(&slot.def, &slot.column, row) {
            Key::Null => nulls.push(row),
            Key::Int(v) => keyed.push((ordered(v), row)),
            Key::Double(v) => keyed.push((ordered_float(v), row)),
            // No column of numbers has text keys.
            Key::Text(_) => keyed.push((0, row)),
        }
    }
    // Stable: what is equal stays in the order of ids.
    keyed.sort_by_key(|(key, _)| *key);
    debug_assert!(
        keyed.is_sorted_by(|(_, a), (_, b)| { slot.key(*a).compare(&slot.key(*b), collation) != Ordering::Greater })
    );
    let rows = keyed.into_iter().map(|(_, row)| row).collect();
    Order::new(Rows::from_sorted(rows), Rows::from_sorted(nulls))
}

fn ordered(value: i64) -> u64 {
    (value as u64) ^ (1 << 63)
}

/// As `f64::total_cmp`.
fn ordered_float(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}
