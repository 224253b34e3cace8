//! Import and export against a real engine with the real objects of the domain, kept in memory. Drives no server and no command line.

// A test that cannot go on says so by panicking; clippy's exception covers only functions marked as tests.
#![allow(clippy::unwrap_used)]

mod bench;
mod duplicates;
mod export;
mod formats;
mod links;
mod refusals;
mod shared_data;
mod speed;
mod undo;
