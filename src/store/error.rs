//! What can go wrong in the store, as situations with a next step. Never holds a value or a key.

use std::{io, path::PathBuf};

/// Errors of the store. `code()` is stable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the data folder is in use by another kith process{0}; stop that process, or use its socket")]
    Locked(String),
    #[error(
        "the disk of {0} is full; free some space (kith needs 64 MB at least) and start again, nothing acknowledged is lost"
    )]
    DiskFull(String),
    #[error("{path} cannot be written ({cause}); make the folder writable for the user that runs kith")]
    ReadOnly { path: String, cause: String },
    #[error("{place} is damaged: {what}; restore this folder from a backup, or put the original file back")]
    Damaged { place: String, seq: u64, what: String },
    #[error(
        "{place} was written by a newer kith (format {found}, this one knows up to {known}); use that version or a later one"
    )]
    NewerFormat { place: String, found: u8, known: u8 },
    #[error("the journal belongs to another vault; put the vault.age that was made with it back")]
    OtherVault,
    #[error("the newest entry is {actual}, not {expected}; read the entries in between and try again")]
    HeadMoved { expected: u64, actual: u64 },
    #[error("{what} has {bytes} bytes; at most {limit} are stored in a record, put larger content into files")]
    TooLarge { what: &'static str, bytes: usize, limit: usize },
    #[error("the records were damaged and have been rebuilt from the journal; scan again from the start")]
    ScanAgain,
    #[error("the store stopped after an error: {0}; end the process and start it again, nothing acknowledged is lost")]
    Stopped(String),
    #[error("the store is closed; open it again")]
    Closed,
    #[error("'{0}' is not a file of this store; names come from the store itself")]
    NoSuchFile(String),
    #[error("this build does not make sled's syncs durable ({0}); build kith with its own sync_file_range linked in")]
    NotDurable(String),
    #[error(
        "the data folder could not be upgraded from format {found} to {newest} ({why}); it was put back as it was; go on with the version before, and report this"
    )]
    NotUpgraded { found: u8, newest: u8, why: String },
    #[error("no state from before an upgrade is kept in this folder; restore a backup instead")]
    NothingKept,
    #[error("{path}: {cause}")]
    Io { path: String, cause: String },
}

impl StoreError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Locked(_) => "store.locked",
            StoreError::DiskFull(_) => "store.disk_full",
            StoreError::ReadOnly { .. } => "store.read_only",
            StoreError::Damaged { .. } => "store.damaged",
            StoreError::NewerFormat { .. } => "store.newer_format",
            StoreError::OtherVault => "store.other_vault",
            StoreError::HeadMoved { .. } => "store.head_moved",
            StoreError::TooLarge { .. } => "store.too_large",
            StoreError::ScanAgain => "store.scan_again",
            StoreError::Stopped(_) => "store.stopped",
            StoreError::Closed => "store.closed",
            StoreError::NoSuchFile(_) => "store.no_such_file",
            StoreError::NotDurable(_) => "store.not_durable",
            StoreError::NotUpgraded { .. } => "store.not_upgraded",
            StoreError::NothingKept => "store.nothing_kept",
            StoreError::Io { .. } => "store.io",
        }
    }
}

/// Errors of the vault. `code()` is stable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    #[error("there is no vault.age in {0}; run 'kith init' first, or point --data at the right folder")]
    Missing(String),
    #[error("{0} already holds a vault; use another folder, or move that one away")]
    Exists(String),
    #[error("the vault does not open with this {0}; check that it is the one this vault was made with")]
    WrongKey(&'static str),
    #[error("this vault opens with a passphrase, not with a key file")]
    NeedsPassphrase,
    #[error("this vault opens with a key file, not with a passphrase")]
    NeedsKeyFile,
    #[error("'{0}' is not an age recipient; recipients look like age1… and come from a key file's comment")]
    BadRecipient(String),
    #[error("the key file holds no age identity; it needs a line that starts with AGE-SECRET-KEY-1")]
    BadKeyFile,
    #[error("an empty passphrase protects nothing; choose one of several words")]
    EmptyPassphrase,
    #[error("vault.age is damaged ({0}); put a copy of it back, the data cannot be read without it")]
    Damaged(String),
    #[error(
        "this data folder was written by kith {writer} (data format {found}); this is kith {own}, which knows data formats up to {known}; use version {writer} or a later one",
        own = env!("CARGO_PKG_VERSION")
    )]
    NewerFormat { found: u8, known: u8, writer: String },
    #[error("the vault already opens with '{0}'; choose another label, or remove that one first")]
    RecipientExists(String),
    #[error("the vault knows no key '{0}'; 'kith key list' shows all of them")]
    NoSuchRecipient(String),
    #[error("this is the last key that opens the vault; add another one first")]
    LastRecipient,
    #[error(
        "the vault was opened with '{0}', and with no key that would stay; start kith with another key, then remove this one"
    )]
    RecipientInUse(String),
    #[error("a label has 1 to 60 printable characters and is not 'passphrase'; choose a short one such as 'server'")]
    BadLabel,
    #[error(
        "the vault opens with {0} more keys that an earlier version did not note; put all keys of the vault into one key file and start once with it"
    )]
    RecipientsUnknown(usize),
    #[error("old values are still being sealed with the newest data key; wait until 'kith key list' says it is done")]
    RotationUnderWay,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VaultError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            VaultError::Missing(_) => "vault.missing",
            VaultError::Exists(_) => "vault.exists",
            VaultError::WrongKey(_) => "vault.wrong_key",
            VaultError::NeedsPassphrase => "vault.needs_passphrase",
            VaultError::NeedsKeyFile => "vault.needs_key_file",
            VaultError::BadRecipient(_) => "vault.bad_recipient",
            VaultError::BadKeyFile => "vault.bad_key_file",
            VaultError::EmptyPassphrase => "vault.empty_passphrase",
            VaultError::Damaged(_) => "vault.damaged",
            VaultError::NewerFormat { .. } => "vault.newer_format",
            VaultError::RecipientExists(_) => "vault.recipient_exists",
            VaultError::NoSuchRecipient(_) => "vault.no_such_recipient",
            VaultError::LastRecipient => "vault.last_recipient",
            VaultError::RecipientInUse(_) => "vault.recipient_in_use",
            VaultError::BadLabel => "vault.bad_label",
            VaultError::RecipientsUnknown(_) => "vault.recipients_unknown",
            VaultError::RotationUnderWay => "vault.rotation_under_way",
            VaultError::Store(error) => error.code(),
        }
    }
}

/// Turns an I/O error at `path` into the situation it stands for.
pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.into();
    move |error| from_io(&path.display().to_string(), &error)
}

pub(crate) fn from_io(path: &str, error: &io::Error) -> StoreError {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        // A file-size limit of the process is a full disk to everybody who meets it.
        StorageFull | QuotaExceeded | FileTooLarge => StoreError::DiskFull(path.to_string()),
        ReadOnlyFilesystem | PermissionDenied => {
            StoreError::ReadOnly { path: path.to_string(), cause: error.to_string() }
        }
        _ => StoreError::Io { path: path.to_string(), cause: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_folder_are_told_apart() {
        let said = |raw| from_io("/data", &io::Error::from_raw_os_error(raw)).code();
        assert_eq!(said(28), "store.disk_full");
        assert_eq!(said(122), "store.disk_full");
        assert_eq!(said(27), "store.disk_full");
        assert_eq!(said(30), "store.read_only");
        assert_eq!(said(13), "store.read_only");
        assert_eq!(said(5), "store.io");
    }
}
