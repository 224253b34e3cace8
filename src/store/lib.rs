//! The store: a sealed, hash-chained journal, the records it leads to, keys and files. It moves bytes and versions, and
//! knows no object and no field.
//!
//! The journal is the truth: [`Storage::append`] returns when a group of entries is on the disk. The record store behind it
//! (sled) may lag, break or vanish; it is rebuilt from the journal. Only this crate names sled and the ciphers.

mod api;
mod applier;
mod checking;
mod checkpoint;
mod copying;
mod cursors;
mod digest;
mod envelope;
mod error;
mod files;
mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
mod journal;
mod keycare;
mod memory;
mod opening;
mod reading;
mod records;
mod rotation;
mod seal;
mod stop;
mod store;
mod sync;
mod upgrade;
mod vault;

pub use api::{
    Anchor, Change, ChangeDraft, ENTRY_BYTES_MAX, Entry, EntryDraft, EntryHead, EntryKind, Finding, HEAD_BYTES_MAX,
    OpenOptions, OpenReport, Storage, StoreStats, VALUE_BYTES_MAX, VerifyReport,
};
pub use copying::{BackupSource, EachFrame, ErasureNote, FrameNote, JournalWriter, is_free};
pub use envelope::{SealedReader, SealedWriter, check_recipient};
pub use error::{StoreError, VaultError};
pub use files::{FileReader, Files, StoredFile};
pub use keycare::{DataKeyNote, KeyCare, KeyReport, KnownRecipient, Resealing};
pub use memory::MemoryStore;
pub use store::Store;
pub use upgrade::{FORMAT, Upgrade};
pub use vault::{Lock, PASSPHRASE_LABEL, Recipient, Unlock, Vault, VaultKind, new_identity, vault_kind};
