//! The plugin host: WebAssembly components that add fields, rules, actions, endpoints, jobs and panels to a running Kith. A plugin may only do
//! what its manifest asks for and an administrator granted, under limits of time, memory and calls.

pub mod contract;
pub mod manifest;
pub mod objects;
pub mod package;
pub mod runtime;

pub use objects::objects;
