//! The vault's content on its way into a backup and out of it. The bytes are plain keys: they go nowhere but into a sealed place.

use std::{path::Path, sync::Arc};

use kith_base::Secret;

use super::*;

impl Vault {
    /// The keys as bytes, versioned like the content of `vault.age`.
    ///
    /// # Errors
    /// Only if plain values cannot be written, which they always can.
    pub fn export(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        let content = self.content();
        // Sized up front: growing would leave copies of the keys in freed memory.
        let mut bytes = Vec::with_capacity(4 * 1024);
        bytes.push(VAULT_FORMAT);
        Ok(Secret::new(postcard::to_extend(&content, bytes).map_err(damaged)?))
    }

    /// The vault that exports of different times belong to: all data keys that any of them holds, the newest last.
    ///
    /// # Errors
    /// `vault.damaged` when there is none or they are of different vaults; `vault.newer_format`.
    pub fn import(exports: &[Secret<Vec<u8>>]) -> Result<Vault, VaultError> {
        let mut joined: Option<Content> = None;
        for export in exports {
            let mut content = read_content(export.expose())?;
            match &mut joined {
                None => joined = Some(content),
                Some(joined) if joined.vault_id != content.vault_id || joined.chain_key != content.chain_key => {
                    return Err(damaged("keys of different vaults"));
                }
                Some(joined) => {
                    let new = content.data_keys.iter().filter(|(id, _)| !joined.data_keys.iter().any(|(k, _)| k == id));
                    let new: Vec<_> = new.copied().collect();
                    joined.data_keys.extend(new);
                    joined.files_identity = std::mem::take(&mut content.files_identity);
                }
            }
        }
        let mut content = joined.ok_or_else(|| damaged("no keys"))?;
        content.data_keys.sort_by_key(|(id, _)| *id);
        Vault::from_content(&content, &[])
    }

    /// Writes `vault.age` with these keys and a lock of its own into `folder`, which must have none.
    ///
    /// # Errors
    /// As `create`.
    pub fn write(&self, folder: &Path, lock: &Lock) -> Result<Vault, VaultError> {
        write_new(folder, lock, &self.content())
    }

    /// Sixteen bytes that tell this vault from others. No secret.
    pub fn id(&self) -> [u8; 16] {
        self.0.vault_id
    }

    fn content(&self) -> Content {
        let keys: &Arc<Keys> = &self.0;
        Content {
            vault_id: keys.vault_id,
            data_keys: keys.data.iter().map(|(id, key)| (*id, *key.expose())).collect(),
            chain_key: *keys.chain.expose(),
            digest_key: *keys.digest.expose(),
            files_identity: keys.files.to_string().expose_secret().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_keys_open_what_was_sealed_under_a_new_lock_and_of_one_vault_only() {
        let (old, new, other) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lock = |text: &str| Lock::Passphrase(Secret::new(text.to_string()));
        let made = Vault::create(old.path(), &lock("four plain words here")).unwrap();
        let copied = Vault::import(&[made.export().unwrap(), made.export().unwrap()]).unwrap();
        copied.write(new.path(), &lock("another set of words")).unwrap();
        assert_eq!(copied.write(new.path(), &lock("x")).unwrap_err().code(), "vault.exists");
        let unlock = Unlock::Passphrase(Secret::new("another set of words".into()));
        let opened = Vault::unlock(new.path(), &unlock).unwrap();
        assert_eq!(opened.id(), made.id());
        assert_eq!(opened.0.data[0].1.expose(), made.0.data[0].1.expose());
        assert_eq!(opened.0.data.len(), 1);
        let stranger = Vault::create(other.path(), &lock("somebody else's words")).unwrap();
        let mixed = Vault::import(&[made.export().unwrap(), stranger.export().unwrap()]).unwrap_err();
        assert_eq!(mixed.code(), "vault.damaged");
        let bytes = made.export().unwrap();
        for length in 0..bytes.expose().len() {
            assert!(Vault::import(&[Secret::new(bytes.expose()[..length].to_vec())]).is_err());
        }
        let mut newer = bytes.expose().clone();
        newer[0] = 99;
        assert_eq!(Vault::import(&[Secret::new(newer)]).unwrap_err().code(), "vault.newer_format");
    }
}
