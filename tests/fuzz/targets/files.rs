//! Imported files: CSV, vCard and JSON Lines, in any encoding.

#![no_main]

use kith_exchange::read::{ReadOptions, Table};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(table) = Table::open(bytes, &ReadOptions::default()) {
        table.rows().take(1_000).for_each(drop);
    }
});
