//! Backups: one age file each, which the ordinary `age` program opens to a tar of JSON Lines, attachments and the sealed journal.
//! Takes them while writers go on, consistent at one journal entry; restores them to any entry; keeps a schedule and tidies up.
//! Knows no cipher and no object of the domain but `files`, whose contents lie outside the records.

mod again;
mod archive;
pub mod catalog;
mod chain;
mod create;
pub mod erasures;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod manifest;
mod place;
mod restore;
pub mod retention;
mod run;
pub mod schedule;
mod service;

pub use chain::{Chain, read_head};
pub use create::{Made, Plan, write};
pub use error::BackupError;
pub use manifest::{Base, FORMAT, Head, Kind, Manifest};
pub use place::{ENDING, Target, folder_of, is_backup_name, replace};
pub use restore::{Checked, Options, Restored, Until, restore, verify};
pub use run::{Job, Wanted, begin_in, begin_stream, choose, create_into, create_to, prune};
pub use service::{Backups, Health, Turn};

#[cfg(test)]
mod tests;
