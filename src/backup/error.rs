//! What can go wrong with a backup, as situations with a next step. Never holds a value or a key.

use std::io;

use kith_engine::EngineError;
use kith_store::{StoreError, VaultError};

/// Errors of backups. `code()` is stable.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(
        "there is no recovery recipient yet, and a backup that only this server can open is none; make a recovery key with 'kith key recovery', or name the recipient of one (age1…) in the schedule or with --recipient"
    )]
    NoRecipient,
    #[error("no folder for backups is set; name one with 'kith backup schedule --folder DIR', or use --to FILE")]
    NoFolder,
    #[error(
        "{0} lies in the data folder; a backup there goes with the disk it is to protect against, choose another place"
    )]
    Inside(String),
    #[error("an increment needs a backup that it can build on in {0}; make a full one there first")]
    NoBase(String),
    #[error("another backup is under way; wait for it to end")]
    Busy,
    #[error("records were erased while the backup was taken, and it must not hold them; take it again")]
    Erased,
    #[error("the server is stopping; the backup was broken off and nothing of it is kept")]
    Stopping,
    #[error("{path} exists; choose another name, a backup is never written over")]
    Exists { path: String },
    #[error("{path} cannot be written ({cause}); make room or choose another place, nothing half-written is kept")]
    Target { path: String, cause: String },
    #[error("{path} cannot be read ({cause})")]
    Source { path: String, cause: String },
    #[error("{place} is not a backup of kith, or is damaged: {what}; use another one")]
    Damaged { place: String, what: String },
    #[error(
        "{place} was made by a newer kith (backup format {found}, this one knows up to {known}); use that version or a later one"
    )]
    NewerFormat { place: String, found: u32, known: u32 },
    #[error(
        "{place} does not open with this identity; name the file of a recovery key it was made for with --identity"
    )]
    WrongIdentity { place: String },
    #[error(
        "{place} builds on backup {missing} (entries {first} to {last}), which is not in {folder}; put it there and try again"
    )]
    Gap { place: String, missing: String, first: u64, last: u64, folder: String },
    #[error("{0} is not empty; restore into a new folder")]
    NotEmpty(String),
    #[error("{0}")]
    Moment(String),
    #[error("the schedule is not right: {0}")]
    Schedule(String),
    #[error("there is no such backup; GET /api/v1/backups lists them")]
    NotFound,
    #[error("this store cannot be backed up")]
    NoSource,
    #[error("the restored vault does not hold: {0}; the folder was removed, use another backup")]
    NotVerified(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl BackupError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            BackupError::NoRecipient => "backup.no_recipient",
            BackupError::NoFolder => "backup.no_folder",
            BackupError::Inside(_) => "backup.inside",
            BackupError::NoBase(_) => "backup.no_base",
            BackupError::Busy => "backup.busy",
            BackupError::Erased => "backup.erased_meanwhile",
            BackupError::Stopping => "backup.stopping",
            BackupError::Exists { .. } => "backup.exists",
            BackupError::Target { .. } => "backup.target",
            BackupError::Source { .. } => "backup.source",
            BackupError::Damaged { .. } => "backup.damaged",
            BackupError::NewerFormat { .. } => "backup.newer_format",
            BackupError::WrongIdentity { .. } => "backup.wrong_identity",
            BackupError::Gap { .. } => "backup.gap",
            BackupError::NotEmpty(_) => "backup.not_empty",
            BackupError::Moment(_) => "backup.moment",
            BackupError::Schedule(_) => "backup.schedule",
            BackupError::NotFound => "backup.not_found",
            BackupError::NoSource => "backup.no_source",
            BackupError::NotVerified(_) => "backup.not_verified",
            BackupError::Store(error) => error.code(),
            BackupError::Vault(error) => error.code(),
            BackupError::Engine(error) => error.code(),
        }
    }

    pub(crate) fn damaged(place: &str, what: impl Into<String>) -> BackupError {
        BackupError::Damaged { place: place.to_string(), what: what.into() }
    }

    /// An error while writing to `path`.
    pub(crate) fn target(path: &str) -> impl Fn(io::Error) -> BackupError + use<> {
        let path = path.to_string();
        move |error| BackupError::Target { path: path.clone(), cause: error.to_string() }
    }

    /// An error while reading `path`.
    pub(crate) fn source(path: &str) -> impl Fn(io::Error) -> BackupError + use<> {
        let path = path.to_string();
        move |error| BackupError::Source { path: path.clone(), cause: error.to_string() }
    }
}
