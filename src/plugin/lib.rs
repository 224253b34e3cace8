//! The plugin host: WebAssembly components that add fields, rules, actions, endpoints, jobs and panels to a running Kith. A plugin may only do
//! what its manifest asks for and an administrator granted, under limits of time, memory and calls.

pub mod actions;
pub mod asking;
pub mod backfill;
mod backoff;
mod breaker;
pub mod compile;
pub mod conditions;
pub mod contract;
pub mod delivery;
mod dropping;
pub mod endpoints;
pub mod error;
mod filter;
mod host;
pub mod hosted;
pub mod http;
pub mod importers;
pub mod inspect;
pub mod install;
pub mod installed;
pub mod jobs;
mod kept;
pub mod lifecycle;
mod manage;
pub mod manifest;
pub mod objects;
pub mod package;
pub mod panels;
pub mod plugin;
pub mod plugins;
pub mod runtime;
pub mod saving;
mod schema;
pub mod services;
pub mod set;
pub mod settings;
pub mod shown;
pub mod texts;
pub mod trace;
mod values;
pub mod watch;

pub use asking::{AskError, Asker};
pub use error::PluginError;
pub use hosted::Hosted;
pub use objects::objects;
pub use plugins::Plugins;

#[cfg(test)]
mod tests;
