//! Segments of the journal, damaged or made by somebody who has the keys.

#![no_main]

#[path = "../common.rs"]
mod common;

use std::{path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(common::folder);

fuzz_target!(|bytes: &[u8]| kith_store::fuzzing::segment(&FOLDER, bytes));
