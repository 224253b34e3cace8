//! Running guests: the engine, their limits, and one fresh instance for every call.

pub mod call;
pub mod code;
pub mod engine;
pub mod limits;
pub mod recorder;

pub use call::{CallError, CallInfo, Capability, Phase};
pub use code::Code;
pub use engine::Runtime;
