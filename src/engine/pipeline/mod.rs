//! The one way in which anything changes. `commit` is the list of steps; the others are the steps.

mod claims;
pub mod commit;
mod counters;
pub mod erasing;
pub mod head;
pub mod here;
mod hooking;
pub mod hooks;
pub mod plan;
pub mod prepare;
pub mod stripes;
pub mod turns;
pub mod writer;

pub use counters::Counters;

#[cfg(test)]
mod tests;
