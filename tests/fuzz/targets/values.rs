//! Stored values: bytes that a damaged or hostile disk may hold.

#![no_main]

use kith_base::RecordId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = kith_model::codec::decode(bytes);
    let _ = kith_engine::Record::decode(RecordId([0; 16]), 1, 1, bytes);
});
