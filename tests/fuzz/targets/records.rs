//! Rows of the record store, the notes beside them, and the content of a vault.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kith_store::fuzzing::records(bytes));
