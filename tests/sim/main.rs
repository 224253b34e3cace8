//! Seeded random histories of a store beside a plain model that is always right: writes of all sizes, checkpoints, erasures,
//! backups, restores to any entry, stops, kills, power cuts (again while recovering), write errors, a full disk, damage. After
//! each step and each new start the two must agree; nothing acknowledged may be missing and nothing else may be there.
//!
//! One seed is one history, and the same seed is the same history: a failure prints its seed, and `KITH_SIM_SEED=<seed>
//! KITH_SIM_HISTORIES=1` plays it again. `cargo xtask sim` runs ten thousand.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
// A test that cannot go on should say where.
#![allow(clippy::unwrap_used)]

#[path = "../store/common.rs"]
#[allow(dead_code)]
mod common;
#[path = "../store/image.rs"]
mod image;
#[path = "../store/shim.rs"]
mod shim;

mod backups;
mod damage;
mod history;
mod model;
mod world;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{SystemTime, UNIX_EPOCH},
};

use common::setting;
use history::History;

#[test]
fn every_history_agrees_with_the_model() {
    let _alone = shim::alone();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let (first, histories) = (setting("KITH_SIM_SEED", now >> 8), setting("KITH_SIM_HISTORIES", 60));
    println!("histories from KITH_SIM_SEED={first}");
    let mut done: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in first..first + histories {
        let played = catch_unwind(AssertUnwindSafe(|| History::play(seed)));
        match played {
            Ok(counts) => counts.into_iter().for_each(|(what, count)| *done.entry(what).or_default() += count),
            Err(panic) => {
                println!("this history failed; play it again with KITH_SIM_SEED={seed} KITH_SIM_HISTORIES=1");
                resume_unwind(panic);
            }
        }
    }
    println!("{histories} histories: {done:?}");
}
