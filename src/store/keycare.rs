//! What the engine sees of the keys: who opens the vault, and how far a rotation has come. No key, no file, no cipher.

use kith_base::Secret;

use crate::{Recipient, VaultError};

/// The vault of an open store. Changes are durable on return and exclude each other.
pub trait KeyCare: Send + Sync {
    fn keys(&self) -> KeyReport;

    /// Lets one more key open the vault. `new.passphrase` is of no account.
    ///
    /// # Errors
    /// `vault.bad_recipient`, `vault.bad_label`, `vault.recipient_exists`, or why it cannot be written.
    fn add_recipient(&self, new: Recipient) -> Result<(), VaultError>;

    /// Takes the vault away from a recipient, named by label or public key, and gives its note back.
    ///
    /// # Errors
    /// `vault.no_such_recipient`, `vault.last_recipient`, `vault.recipient_in_use`.
    fn remove_recipient(&self, which: &str) -> Result<Recipient, VaultError>;

    /// Lets a passphrase open the vault, in place of the one before.
    ///
    /// # Errors
    /// `vault.empty_passphrase`, or why it cannot be written.
    fn set_passphrase(&self, new: &Secret<String>, now_ms: i64) -> Result<(), VaultError>;

    /// Makes a new data key and uses it from now on. Older values are sealed again by [`KeyCare::reseal_step`].
    ///
    /// # Errors
    /// `vault.rotation_under_way`, or why it cannot be written.
    fn rotate(&self, now_ms: i64) -> Result<(), VaultError>;

    /// Seals some older values again; after the last of them the older keys leave the vault. True while there is more to do.
    /// Writers wait some milliseconds at most. May be interrupted at any moment and goes on where it was.
    ///
    /// # Errors
    /// `store.disk_full` and `store.damaged`: nothing is lost, the step can be repeated. Anything else stops the store.
    fn reseal_step(&self) -> Result<bool, VaultError>;
}

/// The keys of a vault, without any key.
#[derive(Clone, Debug, Default)]
pub struct KeyReport {
    pub recipients: Vec<KnownRecipient>,
    /// Newest last. More than one while older values are sealed again.
    pub data_keys: Vec<DataKeyNote>,
    /// How far a rotation has come; none when every value is sealed with the newest key.
    pub resealing: Option<Resealing>,
}

#[derive(Clone, Debug)]
pub struct KnownRecipient {
    pub recipient: Recipient,
    /// The vault was opened with it.
    pub in_use: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataKeyNote {
    pub id: u16,
    /// Milliseconds since 1970; 0 when nobody noted it.
    pub made_ms: i64,
}

/// Progress of a rotation.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Resealing {
    pub done_bytes: u64,
    /// An estimate until the end is near.
    pub all_bytes: u64,
    /// Why the last step failed; it is repeated.
    pub failed: Option<String>,
}
