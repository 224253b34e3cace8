//! Running guests: the engine, their limits, and one fresh instance for every call.

pub mod engine;

pub use engine::Runtime;
