//! Import and export: files of other programs to records and back. Goes through the engine's commands and queries only, so access,
//! validation, history and undo hold for a file as for a form. Knows fields by their kind and key, never a table of the domain's.

pub mod error;
pub mod export;
pub mod import;
pub mod map;
pub mod personal;
pub mod read;

pub use error::ExchangeError;
