//! Finds rows by the folded text of one field: uniqueness, import matching. Built on first use, kept up after. For dictionary
//! columns it indexes codes and chains the rows of each, so that a million rows cost some 15 bytes each.

use std::{collections::HashMap, hash::BuildHasher};

use hashbrown::{DefaultHashBuilder, HashTable};
use kith_model::FieldDef;

use super::{coding::decode, column::Column};

pub enum Lookup {
    Coded(Chains),
    Plain(HashMap<String, Vec<u32>>),
}

/// Rows are kept plus one; 0 ends a chain.
pub struct Chains {
    hasher: DefaultHashBuilder,
    /// Short hash of a key, and a code that has the key. Every code below `heads.len()` is in it.
    keys: HashTable<(u32, u32)>,
    heads: Vec<u32>,
    next: Vec<u32>,
}

impl Lookup {
    pub fn build(def: &FieldDef, column: &Column, rows: usize) -> Lookup {
        let mut lookup = match column {
            Column::Coded { .. } => Lookup::Coded(Chains {
                hasher: DefaultHashBuilder::default(),
                keys: HashTable::new(),
                heads: vec![0],
                next: Vec::new(),
            }),
            _ => Lookup::Plain(HashMap::new()),
        };
        for row in 0..rows as u32 {
            lookup.insert(def, column, row);
        }
        lookup
    }

    /// Adds a row under its present value.
    pub fn insert(&mut self, def: &FieldDef, column: &Column, row: u32) {
        match self {
            Lookup::Coded(chains) => chains.insert(def, column, row),
            Lookup::Plain(rows) => {
                for key in def.kind().unique_keys(def, &column.get(row)) {
                    rows.entry(key).or_default().push(row);
                }
            }
        }
    }

    /// Takes a row out; to be called while the column still holds the value it was added with.
    pub fn remove(&mut self, def: &FieldDef, column: &Column, row: u32) {
        match self {
            Lookup::Coded(chains) => chains.remove(column, row),
            Lookup::Plain(rows) => {
                for key in def.kind().unique_keys(def, &column.get(row)) {
                    if let Some(found) = rows.get_mut(&key) {
                        found.retain(|r| *r != row);
                        if found.is_empty() {
                            rows.remove(&key);
                        }
                    }
                }
            }
        }
    }

    /// Rows whose value has this key.
    pub fn find(&self, def: &FieldDef, column: &Column, key: &str) -> Vec<u32> {
        match self {
            Lookup::Coded(chains) => chains.find(def, column, key),
            Lookup::Plain(rows) => rows.get(key).cloned().unwrap_or_default(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Lookup::Coded(c) => c.keys.allocation_size() + (c.heads.capacity() + c.next.capacity()) * 4,
            Lookup::Plain(rows) => rows.capacity() * 64,
        }
    }
}

impl Chains {
    fn insert(&mut self, def: &FieldDef, column: &Column, row: u32) {
        let Column::Coded { coding, codes, words, .. } = column else { return };
        let code = codes.get(row as usize) as usize;
        if code == 0 {
            return;
        }
        while self.heads.len() <= code {
            let new = self.heads.len() as u32;
            for key in def.kind().unique_keys(def, &decode(*coding, words.get(new))) {
                let hash = self.short(&key);
                self.keys.insert_unique(spread(hash), (hash, new), |(hash, _)| spread(*hash));
            }
            self.heads.push(0);
        }
        if self.next.len() <= row as usize {
            self.next.resize(row as usize + 1, 0);
        }
        self.next[row as usize] = self.heads[code];
        self.heads[code] = row + 1;
    }

    fn remove(&mut self, column: &Column, row: u32) {
        let Column::Coded { codes, .. } = column else { return };
        let code = codes.get(row as usize) as usize;
        let (Some(head), Some(after)) = (self.heads.get_mut(code), self.next.get(row as usize).copied()) else {
            return;
        };
        if code == 0 {
            return;
        }
        if *head == row + 1 {
            *head = after;
            return;
        }
        let mut at = *head;
        while at != 0 {
            let next = self.next[at as usize - 1];
            if next == row + 1 {
                self.next[at as usize - 1] = after;
                return;
            }
            at = next;
        }
    }

    fn find(&self, def: &FieldDef, column: &Column, key: &str) -> Vec<u32> {
        let Column::Coded { coding, words, .. } = column else { return Vec::new() };
        let hash = self.short(key);
        let mut rows = Vec::new();
        for (_, code) in self.keys.iter_hash(spread(hash)).filter(|(h, _)| *h == hash) {
            if !def.kind().unique_keys(def, &decode(*coding, words.get(*code))).iter().any(|k| k == key) {
                continue;
            }
            let mut at = self.heads[*code as usize];
            while at != 0 {
                rows.push(at - 1);
                at = self.next[at as usize - 1];
            }
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn short(&self, key: &str) -> u32 {
        self.hasher.hash_one(key) as u32
    }
}

/// The table takes its buckets and its tags from different ends of the hash.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
