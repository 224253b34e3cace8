//! The command line of the real binary: every command beside a server and without one, and what it refuses.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

#[path = "../harness/mod.rs"]
mod harness;

mod audit;
mod backup;
mod crash;
mod disk;
mod erase;
mod full_disk;
mod keys;
mod plugin_kills;
mod plugins;
mod readme;
mod record;
mod refusals;
mod service;
mod static_binary;
mod templates;
mod work;

use std::process::Output;

use serde_json::Value as Json;

/// What a command printed as JSON.
#[track_caller]
fn json(output: &Output) -> Json {
    assert!(output.status.success(), "{}", harness::said(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e} in {}", harness::said(output)))
}

/// The exit code and what was written to standard error.
fn failure(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
