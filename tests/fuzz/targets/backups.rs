//! Backups: the envelope, the tar in it, heads, manifests, members, and the list of erasures beside them.

#![no_main]

#[path = "../common.rs"]
mod common;

use std::sync::LazyLock;

use kith_backup::fuzzing::Bench;
use libfuzzer_sys::fuzz_target;

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new(&common::folder()));

fuzz_target!(|bytes: &[u8]| BENCH.read(bytes));
