//! `vault.age`: the data keys, encrypted with age to one or more X25519 recipients. Opens with the ordinary `age` tool. Never
//! writes a key in the clear and never looks for one in the data folder.
//!
//! A passphrase is one of the recipients: its identity lies in `passphrase.age`, locked with the passphrase (`age -d -i
//! passphrase.age vault.age` asks for it). So a passphrase and recovery keys go together, and keys rotate without anybody typing it.

pub(crate) mod content;
mod copy;
pub(crate) mod lock;
mod recipients;

use std::{path::Path, str::FromStr, sync::Arc};

use age::secrecy::ExposeSecret;
use kith_base::Secret;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use self::content::{Content, DataKey, damaged};
pub use self::content::{PASSPHRASE_LABEL, Recipient};
use crate::{
    FORMAT, StoreError, VaultError,
    folder::{Folder, make_folder, read_file, replace_file},
    seal::{Keys, Ring},
};

/// What a new vault is locked to.
pub enum Lock {
    Passphrase(Secret<String>),
    /// age X25519 recipients (`age1…`); any one of their identities opens the vault.
    Recipients(Vec<String>),
}

/// What opens a vault.
pub enum Unlock {
    Passphrase(Secret<String>),
    /// The text of an age key file: lines with `AGE-SECRET-KEY-1…`, comments allowed.
    Identities(Secret<String>),
}

/// How the vault of a folder is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VaultKind {
    Missing,
    /// A passphrase opens it; keys may as well.
    Passphrase,
    Recipients,
}

/// The data keys, in memory. Cheap to clone; wiped when the last clone is gone.
#[derive(Clone)]
pub struct Vault(pub(crate) Arc<Keys>, Arc<Mutex<VaultFile>>);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(***)")
    }
}

/// `vault.age` as it is on the disk. Locked while it is rewritten.
struct VaultFile {
    /// None for keys that came out of a backup and have no folder yet.
    folder: Option<Folder>,
    /// The format it was written in; 1 until the folder is upgraded.
    format: u8,
    content: Content,
    /// The recipients that it was opened with.
    used: Vec<String>,
    /// Recipients that open it but that nobody noted: only format 1 has them.
    unknown: usize,
    /// Format 1 was locked with the passphrase itself; kept until the folder is upgraded.
    passphrase: Option<Secret<String>>,
}

impl Vault {
    /// Makes new keys and writes `vault.age` into `folder`, which is created when missing.
    ///
    /// # Errors
    /// `vault.exists`, `vault.bad_recipient`, `vault.empty_passphrase`, or why the folder cannot be written.
    pub fn create(folder: &Path, lock: &Lock) -> Result<Vault, VaultError> {
        Vault::create_with(folder, new_content(now_ms())?, lock)
    }

    fn create_with(folder: &Path, mut content: Content, lock: &Lock) -> Result<Vault, VaultError> {
        let folder = Folder(folder.to_path_buf());
        if folder.vault().exists() {
            return Err(VaultError::Exists(folder.0.display().to_string()));
        }
        let added_ms = now_ms();
        let note = |label: String, recipient: String, passphrase| Recipient {
            label,
            recipient,
            added_ms,
            passphrase,
            recovery: false,
        };
        let mut wrapped = None;
        match lock {
            Lock::Passphrase(passphrase) => {
                let (file, recipient) = lock::wrapped_identity(passphrase)?;
                wrapped = Some(file);
                content.recipients.push(note(PASSPHRASE_LABEL.into(), recipient, true));
            }
            Lock::Recipients(list) => {
                for (text, number) in list.iter().zip(1..) {
                    let label = if number == 1 { "server".into() } else { format!("server {number}") };
                    content.recipients.push(note(label, lock::recipient(text)?.to_string(), false));
                }
            }
        }
        let used = content.recipients.iter().map(|r| r.recipient.clone()).collect();
        let sealed = seal(&content)?;
        make_folder(&folder.0)?;
        // The vault comes last: with it, the folder holds one.
        if let Some(wrapped) = wrapped {
            replace_file(&folder.passphrase(), &wrapped)?;
        }
        replace_file(&folder.vault(), &sealed)?;
        let folder = Some(folder);
        Vault::new(VaultFile { folder, format: FORMAT, content, used, unknown: 0, passphrase: None })
    }

    /// Reads `vault.age` of `folder`. Touches nothing.
    ///
    /// # Errors
    /// `vault.missing`, `vault.wrong_key`, `vault.needs_passphrase`, `vault.needs_key_file`, `vault.bad_key_file`,
    /// `vault.damaged`, `vault.newer_format`.
    pub fn unlock(folder: &Path, unlock: &Unlock) -> Result<Vault, VaultError> {
        let folder = Folder(folder.to_path_buf());
        let missing = || VaultError::Missing(folder.0.display().to_string());
        let sealed = read_file(&folder.vault())?.ok_or_else(missing)?;
        let opened = lock::open(&folder, &sealed, unlock)?;
        let (mut content, format) = Content::decode(&opened.plain)?;
        let (mut unknown, mut passphrase) = (0, None);
        if format == 1 {
            // Format 1 did not note its recipients; those whose identities are at hand are known now.
            for (recipient, number) in opened.used.iter().zip(1..) {
                let label = if number == 1 { "server".into() } else { format!("server {number}") };
                let recipient = recipient.clone();
                content.recipients.push(Recipient {
                    label,
                    recipient,
                    added_ms: 0,
                    passphrase: false,
                    recovery: false,
                });
            }
            match unlock {
                Unlock::Passphrase(typed) if opened.is_scrypt => passphrase = Some(typed.clone()),
                _ => unknown = opened.stanzas.saturating_sub(opened.used.len()),
            }
        }
        Vault::new(VaultFile { folder: Some(folder), format, content, used: opened.used, unknown, passphrase })
    }

    fn new(file: VaultFile) -> Result<Vault, VaultError> {
        let content = &file.content;
        let keys = Keys::new(content.vault_id, content.chain_key, content.digest_key, ring(content)?);
        *keys.vault_file.lock() = file.folder.as_ref().map_or([0; 32], file_hash);
        Ok(Vault(Arc::new(keys), Arc::new(Mutex::new(file))))
    }

    /// Format of the data folder, as the vault says.
    pub fn format(&self) -> u8 {
        self.1.lock().format
    }

    /// Ids of the data keys and when they were made, newest last. More than one while old values are sealed again.
    pub fn data_keys(&self) -> Vec<(u16, i64)> {
        self.1.lock().content.data_keys.iter().map(|key| (key.id, key.made_ms)).collect()
    }

    /// Brings `vault.age` to this build's format. The last step of an upgrade: from here on older builds refuse the folder.
    pub(crate) fn upgrade(&self) -> Result<(), VaultError> {
        let file = &mut *self.1.lock();
        let content = file.content.clone();
        self.rewrite(file, content)
    }

    /// # Errors
    /// `vault.recipients_unknown` when rewriting the file would lock somebody out.
    pub(crate) fn check_recipients_known(&self) -> Result<(), VaultError> {
        match self.1.lock().unknown {
            0 => Ok(()),
            unknown => Err(VaultError::RecipientsUnknown(unknown)),
        }
    }

    /// Adds a data key and a key for files, durably, and does not use them yet: [`Vault::install`] does.
    pub(crate) fn begin_rotation(&self, now_ms: i64) -> Result<(), VaultError> {
        let file = &mut *self.1.lock();
        let mut content = file.content.clone();
        if content.data_keys.len() > 1 {
            return Err(VaultError::RotationUnderWay);
        }
        let newest = content.data_keys.iter().map(|key| key.id).max().unwrap_or(0);
        let id = newest.checked_add(1).ok_or_else(|| damaged("its key numbers are used up"))?;
        content.data_keys.push(DataKey { id, key: random_key()?, made_ms: now_ms });
        content.files.push(new_files_identity());
        self.rewrite(file, content)
    }

    /// Drops all data keys but the newest, durably; memory keeps them until [`Vault::install`].
    pub(crate) fn end_rotation(&self) -> Result<(), VaultError> {
        let file = &mut *self.1.lock();
        let mut content = file.content.clone();
        let (old_keys, old_files) = (content.data_keys.len() - 1, content.files.len() - 1);
        content.data_keys.drain(..old_keys).for_each(|mut key| zeroize::Zeroize::zeroize(&mut key.key));
        content.files.drain(..old_files).for_each(|key| drop(Zeroizing::new(key)));
        self.rewrite(file, content)
    }

    /// Puts the keys of the file into use.
    pub(crate) fn install(&self) -> Result<(), VaultError> {
        let file = self.1.lock();
        self.0.set_ring(ring(&file.content)?);
        Ok(())
    }

    /// Replaces `vault.age` whole, in this build's format. After a power cut the old one is there or the new one.
    fn rewrite(&self, file: &mut VaultFile, mut content: Content) -> Result<(), VaultError> {
        let folder = file.folder()?;
        if file.unknown > 0 {
            return Err(VaultError::RecipientsUnknown(file.unknown));
        }
        let mut used = Vec::new();
        if let Some(passphrase) = &file.passphrase {
            let (wrapped, recipient) = lock::wrapped_identity(passphrase)?;
            replace_file(&folder.passphrase(), &wrapped)?;
            used.push(recipient.clone());
            let label = PASSPHRASE_LABEL.into();
            content.recipients.push(Recipient { label, recipient, added_ms: 0, passphrase: true, recovery: false });
        }
        replace_file(&folder.vault(), &seal(&content)?)?;
        file.used.extend(used);
        file.passphrase = None;
        file.format = FORMAT;
        file.content = content;
        *self.0.vault_file.lock() = file_hash(&folder);
        Ok(())
    }
}

impl VaultFile {
    fn folder(&self) -> Result<Folder, VaultError> {
        self.folder.clone().ok_or_else(|| VaultError::Missing("memory".into()))
    }
}

/// A new age identity: the text of its key file, and the recipient to lock a vault to.
pub fn new_identity() -> (Secret<String>, String) {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let text = format!("# recipient: {recipient}\n{}\n", identity.to_string().expose_secret());
    (Secret::new(text), recipient)
}

/// How the vault in `folder` is locked, without opening it.
///
/// # Errors
/// `vault.damaged` when the file is no age file; or why it cannot be read.
pub fn vault_kind(folder: &Path) -> Result<VaultKind, VaultError> {
    let folder = Folder(folder.to_path_buf());
    let Some(sealed) = read_file(&folder.vault())? else { return Ok(VaultKind::Missing) };
    let by_passphrase = lock::is_scrypt(&sealed)? || folder.passphrase().exists();
    Ok(if by_passphrase { VaultKind::Passphrase } else { VaultKind::Recipients })
}

/// Hash of the files that the next start needs.
pub(crate) fn file_hash(folder: &Folder) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for path in [folder.vault(), folder.passphrase()] {
        // A missing file hashes like an empty one, which no age file is.
        let bytes = std::fs::read(path).unwrap_or_default();
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
    *hasher.finalize().as_bytes()
}

fn seal(content: &Content) -> Result<Vec<u8>, VaultError> {
    lock::encrypt(&content.encode()?, content.recipients.iter().map(|r| r.recipient.as_str()))
}

fn ring(content: &Content) -> Result<Ring, VaultError> {
    let files = content.files.iter().map(|text| age::x25519::Identity::from_str(text).map_err(damaged));
    Ok(Ring {
        data: content.data_keys.iter().map(|key| (key.id, Secret::new(key.key))).collect(),
        files: files.collect::<Result<_, _>>()?,
    })
}

fn new_content(now_ms: i64) -> Result<Content, VaultError> {
    let mut vault_id = [0; 16];
    vault_id.copy_from_slice(&random_key()?[..16]);
    Ok(Content {
        vault_id,
        data_keys: vec![DataKey { id: 1, key: random_key()?, made_ms: now_ms }],
        chain_key: random_key()?,
        digest_key: random_key()?,
        files: vec![new_files_identity()],
        recipients: Vec::new(),
    })
}

fn new_files_identity() -> String {
    age::x25519::Identity::generate().to_string().expose_secret().to_string()
}

fn random_key() -> Result<[u8; 32], StoreError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| StoreError::Io { path: "random numbers".into(), cause: error.to_string() })?;
    Ok(key)
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
