//! Proves the store from outside: power cuts, kills, damage, full disks, old formats. Drives the crate's
//! public interface only; what needs the whole server lives in the other folders.
//!
//! `KITH_CRASH_ROUNDS`, `KITH_POWER_CUTS` and `KITH_FLIPS` make the runs longer; `KITH_SEED` repeats one.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
// A test that cannot go on should say where.
#![allow(clippy::unwrap_used)]

mod common;
mod damage;
mod disk;
mod formats;
mod image;
mod kill;
mod power;
mod rotation;
mod shim;
#[allow(dead_code)]
#[path = "../harness/small_disk.rs"]
mod small_disk;
mod upgrade;
