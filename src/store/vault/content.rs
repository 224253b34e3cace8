//! What is inside `vault.age`, and its bytes. Pure: opens no file, asks no lock.
//!
//! The first byte is the format of the whole data folder. From format 2 on: `format | n | n bytes: the version that wrote it`,
//! then [`Content`] in postcard form, so that every later build can name both versions when it has to refuse. Format 1 had no
//! version and no recipients.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{FORMAT, VaultError};

/// Label of the recipient that a passphrase stands for.
pub const PASSPHRASE_LABEL: &str = "passphrase";
/// Characters of a label.
pub(super) const LABEL_CHARS_MAX: usize = 60;

/// One key that values are or were sealed with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DataKey {
    pub id: u16,
    pub key: [u8; 32],
    /// Milliseconds since 1970; 0 when nobody noted it.
    pub made_ms: i64,
}

/// Somebody whose key opens the vault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recipient {
    /// What people call it: `server`, `recovery`; unique.
    pub label: String,
    /// The public half: `age1…`.
    pub recipient: String,
    /// Milliseconds since 1970; 0 when nobody noted it.
    pub added_ms: i64,
    /// Its key is in `passphrase.age`, locked with the passphrase.
    pub passphrase: bool,
    /// Made to be kept on paper.
    pub recovery: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub vault_id: [u8; 16],
    pub chain_key: [u8; 32],
    pub digest_key: [u8; 32],
    /// Newest last.
    pub data_keys: Vec<DataKey>,
    /// What files are encrypted to; newest last.
    pub files: Vec<String>,
    pub recipients: Vec<Recipient>,
}

/// Format 1.
#[derive(Serialize, Deserialize)]
struct ContentV1 {
    vault_id: [u8; 16],
    data_keys: Vec<(u16, [u8; 32])>,
    chain_key: [u8; 32],
    digest_key: [u8; 32],
    files_identity: String,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.data_keys.iter_mut().for_each(|key| key.key.zeroize());
        self.chain_key.zeroize();
        self.digest_key.zeroize();
        self.files.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl Content {
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.encode_as(FORMAT)
    }

    pub fn encode_as(&self, format: u8) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let writer = env!("CARGO_PKG_VERSION").as_bytes();
        // Sized up front: growing would leave copies of the keys in freed memory.
        let bytes = 1_024 + 64 * self.data_keys.len() + 128 * self.files.len() + 512 * self.recipients.len();
        let mut out = Vec::with_capacity(bytes);
        out.push(format);
        out.push(writer.len() as u8);
        out.extend_from_slice(writer);
        postcard::to_extend(self, out).map(Zeroizing::new).map_err(damaged)
    }

    /// The content and the format it was written in.
    pub fn decode(plain: &[u8]) -> Result<(Content, u8), VaultError> {
        let (format, rest) = plain.split_first().ok_or_else(|| damaged("it is empty"))?;
        let content = match format {
            1 => Content::from_v1(rest)?,
            _ => {
                let (length, rest) = rest.split_first().ok_or_else(|| damaged("it names no version"))?;
                let length = usize::from(*length);
                let writer = rest.get(..length).ok_or_else(|| damaged("it names no version"))?;
                if *format > FORMAT {
                    let writer = String::from_utf8_lossy(writer).chars().filter(|c| !c.is_control()).take(40).collect();
                    return Err(VaultError::NewerFormat { found: *format, known: FORMAT, writer });
                }
                if *format == 0 {
                    return Err(damaged("no version"));
                }
                postcard::from_bytes(&rest[length..]).map_err(damaged)?
            }
        };
        if content.data_keys.is_empty() || content.files.is_empty() {
            return Err(damaged("no data key"));
        }
        Ok((content, *format))
    }

    fn from_v1(bytes: &[u8]) -> Result<Content, VaultError> {
        let mut old: ContentV1 = postcard::from_bytes(bytes).map_err(damaged)?;
        let content = Content {
            vault_id: old.vault_id,
            chain_key: old.chain_key,
            digest_key: old.digest_key,
            data_keys: old.data_keys.iter().map(|(id, key)| DataKey { id: *id, key: *key, made_ms: 0 }).collect(),
            files: vec![std::mem::take(&mut old.files_identity)],
            recipients: Vec::new(),
        };
        old.data_keys.iter_mut().for_each(|(_, key)| key.zeroize());
        old.chain_key.zeroize();
        old.digest_key.zeroize();
        Ok(content)
    }
}

pub(super) fn damaged(what: impl std::fmt::Display) -> VaultError {
    VaultError::Damaged(what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            vault_id: [1; 16],
            chain_key: [2; 32],
            digest_key: [3; 32],
            data_keys: vec![DataKey { id: 1, key: [4; 32], made_ms: 5 }],
            files: vec!["AGE-SECRET-KEY-1X".into()],
            recipients: Vec::new(),
        }
    }

    #[test]
    fn a_newer_format_is_refused_with_both_versions_in_the_words() {
        let (_, format) = Content::decode(&content().encode().unwrap()).unwrap();
        assert_eq!(format, FORMAT);
        let refused = Content::decode(&content().encode_as(FORMAT + 1).unwrap()).err().unwrap();
        assert_eq!(refused.code(), "vault.newer_format");
        let said = refused.to_string();
        assert!(
            said.contains(&format!("format {}", FORMAT + 1)) && said.contains(&format!("up to {FORMAT}")),
            "{said}"
        );
        assert!(said.matches(env!("CARGO_PKG_VERSION")).count() >= 2, "{said}");
    }

    #[test]
    fn arbitrary_bytes_are_no_content() {
        for bytes in [&[][..], &[0], &[0, 0, 0], &[1], &[2], &[2, 200, 1], &[2, 0, 9], &[9, 3, b'0']] {
            assert!(Content::decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
