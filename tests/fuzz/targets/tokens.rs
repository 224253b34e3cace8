//! Authorization headers and the tokens that they carry: nothing but the one that was issued is anybody's.

#![no_main]

#[path = "../common.rs"]
mod common;
#[allow(dead_code)]
#[path = "../../../src/server/extract/credentials.rs"]
mod credentials;

use std::sync::LazyLock;

use common::{Bench, header};
use credentials::bearer;
use libfuzzer_sys::fuzz_target;

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let sound = format!("Bearer {}", BENCH.token);
    let line = match mode % 4 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => header(rest),
        2 => String::from_utf8_lossy(&kith_store::fuzzing::edited(sound.as_bytes(), rest)).into_owned(),
        _ => format!("Bearer kith_{}", header(rest)),
    };
    let Some(word) = bearer(&line) else { return };
    let known = BENCH.engine.actor_for_token_here(word);
    assert!(known.is_err() || word.eq_ignore_ascii_case(&BENCH.token), "another word is somebody's token");
});
