//! The age side of the vault: what encrypts it, what opens it, and the identity that a passphrase stands for. Knows nothing of
//! what is inside.

use std::{
    io::{Read, Write},
    str::FromStr,
};

use age::secrecy::{ExposeSecret, SecretString};
use kith_base::Secret;
use zeroize::Zeroizing;

use super::{Unlock, content::damaged};
use crate::{
    VaultError,
    folder::{Folder, read_file},
};

/// scrypt's work for a passphrase, as a power of two: 64 MB and about a fifth of a second, so that a start stays quick
/// while a guess costs the same to everybody.
const PASSPHRASE_WORK: u8 = 16;
/// More than this would take minutes to open; such a file was not written by us.
const PASSPHRASE_WORK_MAX: u8 = 20;

/// An opened vault, still in bytes.
pub(super) struct Opened {
    pub plain: Zeroizing<Vec<u8>>,
    /// The recipients whose identities open it, of those that were offered.
    pub used: Vec<String>,
    /// How many recipients it has.
    pub stanzas: usize,
    /// It was locked with the passphrase itself, as format 1 did.
    pub is_scrypt: bool,
}

/// Opens the bytes of `vault.age` in `folder`.
pub(super) fn open(folder: &Folder, sealed: &[u8], unlock: &Unlock) -> Result<Opened, VaultError> {
    let is_scrypt = decryptor(sealed)?.is_scrypt();
    if is_scrypt {
        let Unlock::Passphrase(passphrase) = unlock else { return Err(VaultError::NeedsPassphrase) };
        let plain = decrypt(sealed, &scrypt_identity(passphrase)).map_err(|error| not_opened("passphrase", error))?;
        return Ok(Opened { plain, used: Vec::new(), stanzas: 1, is_scrypt });
    }
    let (identities, shown) = match unlock {
        Unlock::Passphrase(passphrase) => {
            let wrapped = read_file(&folder.passphrase())?.ok_or(VaultError::NeedsKeyFile)?;
            (vec![unwrap_identity(&wrapped, passphrase)?], "passphrase")
        }
        Unlock::Identities(text) => (parse_identities(text)?, "key file"),
    };
    let (mut plain, mut used) = (None, Vec::new());
    let mut refused = VaultError::WrongKey(shown);
    // One by one, since only then it shows which of them the vault knows.
    for identity in &identities {
        match decrypt(sealed, identity) {
            Ok(opened) => {
                used.push(identity.to_public().to_string());
                plain = Some(opened);
            }
            Err(error) => match not_opened(shown, error) {
                VaultError::WrongKey(_) => {}
                other => refused = other,
            },
        }
    }
    let plain = plain.ok_or(refused)?;
    Ok(Opened { plain, used, stanzas: stanzas(sealed), is_scrypt })
}

/// Whether `vault.age` is locked with a passphrase itself.
pub(super) fn is_scrypt(sealed: &[u8]) -> Result<bool, VaultError> {
    Ok(decryptor(sealed)?.is_scrypt())
}

/// Encrypts the vault to recipients.
pub(super) fn encrypt<'a>(plain: &[u8], to: impl Iterator<Item = &'a str>) -> Result<Vec<u8>, VaultError> {
    let recipients = to.map(recipient).collect::<Result<Vec<_>, _>>()?;
    let list = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(list).map_err(|_| VaultError::BadRecipient(String::new()))?;
    write(encryptor, plain)
}

/// Reads a public key.
pub(crate) fn recipient(text: &str) -> Result<age::x25519::Recipient, VaultError> {
    let shown = || VaultError::BadRecipient(text.chars().take(80).collect());
    age::x25519::Recipient::from_str(text.trim()).map_err(|_| shown())
}

/// A new identity, locked with a passphrase: the file that holds it, and its recipient.
pub(super) fn wrapped_identity(passphrase: &Secret<String>) -> Result<(Vec<u8>, String), VaultError> {
    if passphrase.expose().is_empty() {
        return Err(VaultError::EmptyPassphrase);
    }
    let identity = age::x25519::Identity::generate();
    let mut lock = age::scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
    lock.set_work_factor(PASSPHRASE_WORK);
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&lock as &dyn age::Recipient)).map_err(damaged)?;
    let text = Zeroizing::new(format!("{}\n", identity.to_string().expose_secret()));
    Ok((write(encryptor, text.as_bytes())?, identity.to_public().to_string()))
}

fn unwrap_identity(wrapped: &[u8], passphrase: &Secret<String>) -> Result<age::x25519::Identity, VaultError> {
    let plain =
        decrypt(wrapped, &scrypt_identity(passphrase)).map_err(|error| match not_opened("passphrase", error) {
            VaultError::Damaged(what) => VaultError::Damaged(format!("passphrase.age: {what}")),
            other => other,
        })?;
    let text = std::str::from_utf8(&plain).map_err(damaged)?;
    age::x25519::Identity::from_str(text.trim()).map_err(damaged)
}

fn scrypt_identity(passphrase: &Secret<String>) -> age::scrypt::Identity {
    let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
    identity.set_max_work_factor(PASSPHRASE_WORK_MAX);
    identity
}

pub(crate) fn parse_identities(text: &Secret<String>) -> Result<Vec<age::x25519::Identity>, VaultError> {
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let list: Vec<_> = lines
        .map(|line| age::x25519::Identity::from_str(line).map_err(|_| VaultError::BadKeyFile))
        .collect::<Result<_, _>>()?;
    if list.is_empty() { Err(VaultError::BadKeyFile) } else { Ok(list) }
}

fn decryptor(sealed: &[u8]) -> Result<age::Decryptor<&[u8]>, VaultError> {
    age::Decryptor::new_buffered(sealed).map_err(|error| not_opened("key", error))
}

fn decrypt(sealed: &[u8], identity: &dyn age::Identity) -> Result<Zeroizing<Vec<u8>>, age::DecryptError> {
    let mut stream = age::Decryptor::new_buffered(sealed)?.decrypt(std::iter::once(identity))?;
    // Sized up front: growing would leave copies of the keys in freed memory.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    stream.read_to_end(&mut plain)?;
    Ok(plain)
}

fn write(encryptor: age::Encryptor, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut sealed = Vec::new();
    let written = encryptor
        .wrap_output(&mut sealed)
        .and_then(|mut stream| stream.write_all(plain).and_then(|()| stream.finish().map(|_| ())));
    written.map_err(damaged)?;
    Ok(sealed)
}

/// Recipients in an age header.
fn stanzas(sealed: &[u8]) -> usize {
    let header = sealed.split(|byte| *byte == b'\n').take_while(|line| !line.starts_with(b"---"));
    header.filter(|line| line.starts_with(b"-> X25519 ")).count()
}

pub(crate) fn not_opened(shown: &'static str, error: age::DecryptError) -> VaultError {
    use age::DecryptError::{DecryptionFailed, KeyDecryptionFailed, NoMatchingKeys};
    match error {
        DecryptionFailed | KeyDecryptionFailed | NoMatchingKeys => VaultError::WrongKey(shown),
        other => damaged(other),
    }
}
