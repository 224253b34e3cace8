//! Counts and sums per value of one field: the columns of a board, the slices of a chart.

use std::collections::{BTreeMap, HashMap};

use kith_base::Money;
use kith_model::Value;
use rust_decimal::Decimal;

use crate::image::{
    Bits,
    coding::decode,
    column::{Column, Shape},
    slot::Slot,
};

/// What a group's numbers add up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sum {
    /// nothing was asked for
    #[default]
    None,
    /// whole numbers and durations; decimals
    Number(Decimal),
    /// one amount per currency that occurs, by currency code
    Money(Vec<Money>),
}

/// One value of the field with the rows that have it. Lists count under each of their items; null is rows without a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueGroup {
    pub value: Value,
    pub count: u64,
    pub sum: Sum,
}

/// Adds up one column for any number of groups.
struct Adder<'a> {
    column: Option<&'a Column>,
    numbers: HashMap<u32, Decimal>,
    /// By group; for money by group and currency. None where no row had a value.
    totals: Vec<Option<i128>>,
}

/// Groups of the selected rows, in no particular order. `sum` is a column of numbers or money.
pub fn groups(by: &Slot, rows: &Bits, sum: Option<&Column>) -> Vec<ValueGroup> {
    let mut adder = Adder { column: sum, numbers: HashMap::new(), totals: Vec::new() };
    let (values, counts) = match &by.column {
        Column::Coded { coding, codes, words, .. } => {
            let mut counts = vec![0u64; words.len() as usize + 1];
            for row in rows.iter() {
                let code = codes.get(row as usize);
                counts[code as usize] += 1;
                adder.add(code, row);
            }
            let values: Vec<Value> = (0..counts.len() as u32)
                .map(|code| match code {
                    0 => Value::Null,
                    code if counts[code as usize] > 0 => decode(*coding, words.get(code)),
                    _ => Value::Null,
                })
                .collect();
            (values, counts)
        }
        column => {
            // Few distinct values are the rule (booleans, ratings, dates); each gets a number as it comes.
            let mut numbers: HashMap<Option<i64>, u32> = HashMap::new();
            let (mut values, mut counts) = (vec![Value::Null], vec![0u64]);
            for row in rows.iter() {
                let (key, value) = plain(column, row);
                let group = match key {
                    None => 0,
                    key => *numbers.entry(key).or_insert_with(|| {
                        values.push(value);
                        counts.push(0);
                        values.len() as u32 - 1
                    }),
                };
                counts[group as usize] += 1;
                adder.add(group, row);
            }
            (values, counts)
        }
    };
    let found = values
        .into_iter()
        .zip(counts)
        .enumerate()
        .filter(|(_, (_, count))| *count > 0)
        .map(|(group, (value, count))| ValueGroup { value, count, sum: adder.sum(group as u32) });
    split_lists(found.collect())
}

fn plain(column: &Column, row: u32) -> (Option<i64>, Value) {
    match column.get(row) {
        Value::Null => (None, Value::Null),
        value @ Value::Bool(on) => (Some(i64::from(on)), value),
        value => {
            let key = match (&value, column) {
                (Value::Decimal(_), Column::Double { values, .. }) => values[row as usize].to_bits() as i64,
                (Value::Money(money), _) => money.minor,
                (Value::Int(n) | Value::DateTime(n), _) => *n,
                (Value::Date(days), _) => i64::from(*days),
                _ => 0,
            };
            (Some(key), value)
        }
    }
}

/// A record with two tags counts under both.
fn split_lists(groups: Vec<ValueGroup>) -> Vec<ValueGroup> {
    if !groups.iter().any(|g| matches!(g.value, Value::Texts(_) | Value::Links(_))) {
        return groups;
    }
    let mut merged: BTreeMap<String, ValueGroup> = BTreeMap::new();
    for group in groups {
        let items: Vec<(String, Value)> = match &group.value {
            Value::Texts(texts) => texts.iter().map(|t| (t.clone(), Value::Text(t.clone()))).collect(),
            Value::Links(ids) => ids.iter().map(|id| (id.to_string(), Value::Link(*id))).collect(),
            _ => vec![(String::new(), Value::Null)],
        };
        for (key, value) in items {
            let into = merged.entry(key).or_insert(ValueGroup { value, count: 0, sum: Sum::None });
            into.count += group.count;
            into.sum = add(std::mem::take(&mut into.sum), &group.sum);
        }
    }
    merged.into_values().collect()
}

fn add(a: Sum, b: &Sum) -> Sum {
    match (a, b) {
        (Sum::None, b) => b.clone(),
        (Sum::Number(a), Sum::Number(b)) => Sum::Number(a.saturating_add(*b)),
        (Sum::Money(mut a), Sum::Money(b)) => {
            for amount in b {
                match a.iter_mut().find(|m| m.currency == amount.currency) {
                    Some(m) => m.minor = m.minor.saturating_add(amount.minor),
                    None => a.push(*amount),
                }
            }
            Sum::Money(a)
        }
        (a, _) => a,
    }
}

impl Adder<'_> {
    fn add(&mut self, group: u32, row: u32) {
        let at = row as usize;
        match self.column {
            Some(Column::Money { set, minor, currency, currencies }) if set.get(at) => {
                self.total(group as usize * currencies.len() + usize::from(currency[at]), minor[at]);
            }
            Some(Column::Int { shape: Shape::Int, set, values }) if set.get(at) => {
                self.total(group as usize, values[at]);
            }
            Some(column @ Column::Double { .. }) => {
                if let Value::Decimal(number) = column.get(row) {
                    let total = self.numbers.entry(group).or_default();
                    *total = total.saturating_add(number);
                }
            }
            _ => {}
        }
    }

    fn total(&mut self, at: usize, value: i64) {
        if at >= self.totals.len() {
            self.totals.resize(at + 1, None);
        }
        *self.totals[at].get_or_insert(0) += i128::from(value);
    }

    fn sum(&self, group: u32) -> Sum {
        match self.column {
            None => Sum::None,
            Some(Column::Money { currencies, .. }) => {
                let mut amounts: Vec<Money> = currencies
                    .iter()
                    .enumerate()
                    .filter_map(|(code, currency)| {
                        let minor = (*self.totals.get(group as usize * currencies.len() + code)?)?;
                        Some(Money { minor: clamped(minor), currency: *currency })
                    })
                    .collect();
                amounts.sort_by_key(|m| m.currency.code());
                Sum::Money(amounts)
            }
            Some(Column::Int { .. }) => {
                Sum::Number(Decimal::from(clamped(self.totals.get(group as usize).copied().flatten().unwrap_or(0))))
            }
            Some(_) => Sum::Number(self.numbers.get(&group).copied().unwrap_or_default()),
        }
    }
}

/// Sums beyond what an amount can hold stop at its end.
fn clamped(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

/// Whether a column can be added up.
pub fn summable(column: &Column) -> bool {
    matches!(
        column,
        Column::Money { .. } | Column::Double { .. } | Column::Int { shape: Shape::Int | Shape::Unknown, .. }
    )
}
