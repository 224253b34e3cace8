//! Cookie headers and the sessions that they name: nothing but the one that was issued signs anybody in.

#![no_main]

#[path = "../common.rs"]
mod common;
#[allow(dead_code)]
#[path = "../../../src/server/extract/credentials.rs"]
mod credentials;

use std::sync::LazyLock;

use common::{Bench, header};
use credentials::cookie;
use libfuzzer_sys::fuzz_target;

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let sound = format!("theme=dark; kith_session={}; x=y", BENCH.session);
    let line = match mode % 4 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => header(rest),
        2 => String::from_utf8_lossy(&kith_store::fuzzing::edited(sound.as_bytes(), rest)).into_owned(),
        _ => format!("kith_session={}", header(rest)),
    };
    let Some(word) = cookie(line.lines(), "kith_session") else { return };
    let known = BENCH.engine.actor_for_session_here(word);
    assert!(known.is_err() || word.eq_ignore_ascii_case(&BENCH.session), "another word signs somebody in");
});
