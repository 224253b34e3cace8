//! `vault.age`: the data keys, encrypted with age to a passphrase or to X25519 recipients. Opens with the ordinary `age` tool.
//! Never writes a key in the clear and never looks for one in the data folder.
//!
//! Inside: a version byte, then the keys in postcard form.

use std::{io::Read, io::Write, path::Path, str::FromStr, sync::Arc};

use age::secrecy::{ExposeSecret, SecretString};
use kith_base::Secret;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    StoreError, VaultError,
    error::at,
    folder::{Folder, make_folder, read_file, replace_file},
    seal::Keys,
};

/// Version byte of the vault's content.
const VAULT_FORMAT: u8 = 1;

/// scrypt's work for a passphrase, as a power of two: 64 MB and about a fifth of a second, so that a start stays quick
/// while a guess costs the same to everybody.
const PASSPHRASE_WORK: u8 = 16;
/// More than this would take minutes to open; such a file was not written by us.
const PASSPHRASE_WORK_MAX: u8 = 20;

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
    Passphrase,
    Recipients,
}

/// The data keys, in memory. Cheap to clone; wiped when the last clone is gone.
#[derive(Clone)]
pub struct Vault(pub(crate) Arc<Keys>);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(***)")
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    vault_id: [u8; 16],
    data_keys: Vec<(u16, [u8; 32])>,
    chain_key: [u8; 32],
    digest_key: [u8; 32],
    files_identity: String,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.data_keys.iter_mut().for_each(|(_, key)| key.zeroize());
        self.chain_key.zeroize();
        self.digest_key.zeroize();
        self.files_identity.zeroize();
    }
}

impl Vault {
    /// Makes new keys and writes `vault.age` into `folder`, which is created when missing.
    ///
    /// # Errors
    /// `vault.exists`, `vault.bad_recipient`, `vault.empty_passphrase`, or why the folder cannot be written.
    pub fn create(folder: &Path, lock: &Lock) -> Result<Vault, VaultError> {
        write_new(folder, lock, &new_content()?)
    }

    /// Reads `vault.age` of `folder`.
    ///
    /// # Errors
    /// `vault.missing`, `vault.wrong_key`, `vault.needs_passphrase`, `vault.needs_key_file`, `vault.bad_key_file`,
    /// `vault.damaged`, `vault.newer_format`.
    pub fn unlock(folder: &Path, unlock: &Unlock) -> Result<Vault, VaultError> {
        let path = Folder(folder.to_path_buf()).vault();
        let sealed = read_file(&path)?.ok_or_else(|| VaultError::Missing(folder.display().to_string()))?;
        let decryptor = age::Decryptor::new_buffered(&sealed[..]).map_err(|error| not_opened("key", error))?;
        let (identities, shown) = identities(unlock, decryptor.is_scrypt())?;
        let mut stream = decryptor
            .decrypt(identities.iter().map(|identity| &**identity as &dyn age::Identity))
            .map_err(|error| not_opened(shown, error))?;
        // Sized up front: growing would leave copies of the keys in freed memory.
        let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
        stream.read_to_end(&mut plain).map_err(damaged)?;
        Vault::from_content(&read_content(&plain)?, &sealed)
    }

    fn from_content(content: &Content, file: &[u8]) -> Result<Vault, VaultError> {
        let files = age::x25519::Identity::from_str(&content.files_identity).map_err(damaged)?;
        if content.data_keys.is_empty() {
            return Err(damaged("no data key"));
        }
        Ok(Vault(Arc::new(Keys {
            vault_id: content.vault_id,
            data: content.data_keys.iter().map(|(id, key)| (*id, Secret::new(*key))).collect(),
            chain: Secret::new(content.chain_key),
            digest: Secret::new(content.digest_key),
            files,
            vault_file: *blake3::hash(file).as_bytes(),
        })))
    }
}

/// Writes `vault.age` for `content` into a folder that has none.
fn write_new(folder: &Path, lock: &Lock, content: &Content) -> Result<Vault, VaultError> {
    let path = Folder(folder.to_path_buf()).vault();
    if path.exists() {
        return Err(VaultError::Exists(folder.display().to_string()));
    }
    let encryptor = encryptor(lock)?;
    make_folder(folder)?;
    let plain = Zeroizing::new(postcard::to_extend(content, vec![VAULT_FORMAT]).map_err(damaged)?);
    let mut sealed = Vec::new();
    let unwritten = at(&path);
    encryptor
        .wrap_output(&mut sealed)
        .and_then(|mut stream| stream.write_all(&plain).and_then(|()| stream.finish().map(|_| ())))
        .map_err(unwritten)?;
    replace_file(&path, &sealed)?;
    Vault::from_content(content, &sealed)
}

fn read_content(plain: &[u8]) -> Result<Content, VaultError> {
    match plain.first() {
        Some(&VAULT_FORMAT) => postcard::from_bytes(&plain[1..]).map_err(damaged),
        Some(&found) if found > VAULT_FORMAT => Err(VaultError::NewerFormat { found, known: VAULT_FORMAT }),
        _ => Err(damaged("no version")),
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
    let Some(sealed) = read_file(&Folder(folder.to_path_buf()).vault())? else { return Ok(VaultKind::Missing) };
    let decryptor = age::Decryptor::new_buffered(&sealed[..]).map_err(|error| not_opened("key", error))?;
    Ok(if decryptor.is_scrypt() { VaultKind::Passphrase } else { VaultKind::Recipients })
}

fn new_content() -> Result<Content, StoreError> {
    let mut random = Zeroizing::new([0u8; 16 + 3 * 32]);
    getrandom::fill(&mut *random)
        .map_err(|error| StoreError::Io { path: "random numbers".into(), cause: error.to_string() })?;
    let key = |at: usize| -> [u8; 32] { std::array::from_fn(|i| random[16 + at * 32 + i]) };
    Ok(Content {
        vault_id: std::array::from_fn(|i| random[i]),
        data_keys: vec![(1, key(0))],
        chain_key: key(1),
        digest_key: key(2),
        files_identity: age::x25519::Identity::generate().to_string().expose_secret().to_string(),
    })
}

fn encryptor(lock: &Lock) -> Result<age::Encryptor, VaultError> {
    let recipients: Vec<Box<dyn age::Recipient>> = match lock {
        Lock::Passphrase(passphrase) if passphrase.expose().is_empty() => return Err(VaultError::EmptyPassphrase),
        Lock::Passphrase(passphrase) => {
            let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
            recipient.set_work_factor(PASSPHRASE_WORK);
            vec![Box::new(recipient)]
        }
        Lock::Recipients(list) => list
            .iter()
            .map(|text| {
                let recipient = age::x25519::Recipient::from_str(text.trim());
                let shown = || VaultError::BadRecipient(text.chars().take(80).collect());
                recipient.map(|recipient| Box::new(recipient) as _).map_err(|_| shown())
            })
            .collect::<Result<_, _>>()?,
    };
    age::Encryptor::with_recipients(recipients.iter().map(|recipient| &**recipient))
        .map_err(|_| VaultError::BadRecipient(String::new()))
}

pub(crate) type Identities = Vec<Box<dyn age::Identity>>;

/// The identities to try, and what to call them in a refusal.
pub(crate) fn identities(unlock: &Unlock, is_scrypt: bool) -> Result<(Identities, &'static str), VaultError> {
    match unlock {
        Unlock::Passphrase(_) if !is_scrypt => Err(VaultError::NeedsKeyFile),
        Unlock::Identities(_) if is_scrypt => Err(VaultError::NeedsPassphrase),
        Unlock::Passphrase(passphrase) => {
            let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
            identity.set_max_work_factor(PASSPHRASE_WORK_MAX);
            Ok((vec![Box::new(identity)], "passphrase"))
        }
        Unlock::Identities(text) => {
            let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            let list: Identities = lines
                .map(|line| match age::x25519::Identity::from_str(line) {
                    Ok(identity) => Ok(Box::new(identity) as Box<dyn age::Identity>),
                    Err(_) => Err(VaultError::BadKeyFile),
                })
                .collect::<Result<_, _>>()?;
            if list.is_empty() { Err(VaultError::BadKeyFile) } else { Ok((list, "key file")) }
        }
    }
}

pub(crate) fn not_opened(shown: &'static str, error: age::DecryptError) -> VaultError {
    use age::DecryptError::{DecryptionFailed, KeyDecryptionFailed, NoMatchingKeys};
    match error {
        DecryptionFailed | KeyDecryptionFailed | NoMatchingKeys => VaultError::WrongKey(shown),
        other => damaged(other),
    }
}

fn damaged(what: impl std::fmt::Display) -> VaultError {
    VaultError::Damaged(what.to_string())
}

#[path = "vault_copy.rs"]
mod copy;

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
