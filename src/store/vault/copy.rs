//! The vault's content on its way into a backup and out of it. The bytes are plain keys: they go nowhere but into a sealed place.

use std::path::Path;

use kith_base::Secret;

use super::{Lock, Vault, VaultFile, content::Content, content::damaged};
use crate::{FORMAT, VaultError};

impl Vault {
    /// The keys as bytes, versioned like the content of `vault.age`. Says nothing of who opens the vault.
    ///
    /// # Errors
    /// Only if plain values cannot be written, which they always can.
    pub fn export(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        let mut plain = self.content().encode()?;
        Ok(Secret::new(std::mem::take(&mut *plain)))
    }

    /// The vault that exports of different times belong to: all data keys that any of them holds, the newest last.
    ///
    /// # Errors
    /// `vault.damaged` when there is none or they are of different vaults; `vault.newer_format`.
    pub fn import(exports: &[Secret<Vec<u8>>]) -> Result<Vault, VaultError> {
        let mut joined: Option<Content> = None;
        for export in exports {
            let (mut content, _) = Content::decode(export.expose())?;
            content.recipients.clear();
            match &mut joined {
                None => joined = Some(content),
                Some(joined) if joined.vault_id != content.vault_id || joined.chain_key != content.chain_key => {
                    return Err(damaged("keys of different vaults"));
                }
                Some(joined) => {
                    let new = content.data_keys.iter().filter(|key| !joined.data_keys.iter().any(|k| k.id == key.id));
                    let new: Vec<_> = new.cloned().collect();
                    joined.data_keys.extend(new);
                    // The newest key for files is the one of the newest export.
                    joined.files.retain(|known| !content.files.contains(known));
                    joined.files.append(&mut content.files);
                }
            }
        }
        let mut content = joined.ok_or_else(|| damaged("no keys"))?;
        content.data_keys.sort_by_key(|key| key.id);
        Vault::new(VaultFile { folder: None, format: FORMAT, content, used: Vec::new(), unknown: 0, passphrase: None })
    }

    /// Writes `vault.age` with these keys and a lock of its own into `folder`, which must have none. Nobody who could open the old
    /// vault can open this one, unless `lock` names them.
    ///
    /// # Errors
    /// As `create`.
    pub fn write(&self, folder: &Path, lock: &Lock) -> Result<Vault, VaultError> {
        Vault::create_with(folder, self.content(), lock)
    }

    /// Sixteen bytes that tell this vault from others. No secret.
    pub fn id(&self) -> [u8; 16] {
        self.0.vault_id
    }

    /// Without the recipients.
    fn content(&self) -> Content {
        let mut content = self.1.lock().content.clone();
        content.recipients.clear();
        content
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Unlock, new_identity};
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
        assert_eq!(opened.0.ring().data[0].1.expose(), made.0.ring().data[0].1.expose());
        assert_eq!((opened.0.ring().data.len(), opened.recipients().len()), (1, 1));
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

    #[test]
    fn exports_from_before_and_after_a_rotation_join_to_all_keys_with_the_newest_last() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vault = Vault::create(old.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let before = vault.export().unwrap();
        vault.begin_rotation(5).unwrap();
        vault.end_rotation().unwrap();
        vault.install().unwrap();
        let joined = Vault::import(&[before, vault.export().unwrap()]).unwrap();
        let (key, recipient) = new_identity();
        joined.write(new.path(), &Lock::Recipients(vec![recipient])).unwrap();
        let opened = Vault::unlock(new.path(), &Unlock::Identities(key)).unwrap();
        assert_eq!(opened.data_keys(), [(1, vault_made(&joined)), (2, 5)]);
        let newest = |vault: &Vault| vault.0.ring().files.last().unwrap().to_public().to_string();
        assert_eq!((newest(&opened), opened.0.ring().files.len()), (newest(&vault), 2));
    }

    fn vault_made(vault: &Vault) -> i64 {
        vault.data_keys()[0].1
    }
}
