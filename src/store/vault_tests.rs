//! The vault opens with its own key, refuses every other, and says which kind it wants.

use super::*;

fn passphrase(text: &str) -> Secret<String> {
    Secret::new(text.to_string())
}

#[test]
fn any_of_several_recipients_opens_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (server, server_recipient) = new_identity();
    let (recovery, recovery_recipient) = new_identity();
    assert_eq!(vault_kind(dir.path()).unwrap(), VaultKind::Missing);
    let made = Vault::create(dir.path(), &Lock::Recipients(vec![server_recipient, recovery_recipient])).unwrap();
    assert_eq!(vault_kind(dir.path()).unwrap(), VaultKind::Recipients);
    for key in [server, recovery] {
        let opened = Vault::unlock(dir.path(), &Unlock::Identities(key)).unwrap();
        assert_eq!(opened.0.data[0].1.expose(), made.0.data[0].1.expose());
    }
    let stranger = Vault::unlock(dir.path(), &Unlock::Identities(new_identity().0)).unwrap_err();
    assert_eq!(stranger.code(), "vault.wrong_key");
    let wrong_way = Vault::unlock(dir.path(), &Unlock::Passphrase(passphrase("x"))).unwrap_err();
    assert_eq!(wrong_way.code(), "vault.needs_key_file");
}

#[test]
fn a_passphrase_opens_and_a_wrong_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Vault::create(dir.path(), &Lock::Passphrase(passphrase("four plain words here"))).unwrap();
    assert_eq!(vault_kind(dir.path()).unwrap(), VaultKind::Passphrase);
    Vault::unlock(dir.path(), &Unlock::Passphrase(passphrase("four plain words here"))).unwrap();
    let wrong = Vault::unlock(dir.path(), &Unlock::Passphrase(passphrase("four plain words"))).unwrap_err();
    assert_eq!(wrong.code(), "vault.wrong_key");
    assert!(wrong.to_string().contains("passphrase"), "{wrong}");
    let wrong_way = Vault::unlock(dir.path(), &Unlock::Identities(new_identity().0)).unwrap_err();
    assert_eq!(wrong_way.code(), "vault.needs_passphrase");
}

#[test]
fn a_second_vault_in_the_same_folder_is_refused_and_the_first_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (key, recipient) = new_identity();
    Vault::create(dir.path(), &Lock::Recipients(vec![recipient.clone()])).unwrap();
    let again = Vault::create(dir.path(), &Lock::Recipients(vec![recipient])).unwrap_err();
    assert_eq!(again.code(), "vault.exists");
    Vault::unlock(dir.path(), &Unlock::Identities(key)).unwrap();
}

#[test]
fn bad_locks_and_keys_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |lock| Vault::create(dir.path(), &lock).unwrap_err().code();
    assert_eq!(refused(Lock::Recipients(vec!["age1nonsense".into()])), "vault.bad_recipient");
    assert_eq!(refused(Lock::Recipients(vec![])), "vault.bad_recipient");
    assert_eq!(refused(Lock::Passphrase(passphrase(""))), "vault.empty_passphrase");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let unlock = |text: &str| Vault::unlock(dir.path(), &Unlock::Identities(passphrase(text))).unwrap_err().code();
    assert_eq!(unlock("x"), "vault.missing");
    Vault::create(dir.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
    assert_eq!(unlock("# only a comment\n"), "vault.bad_key_file");
    assert_eq!(unlock("AGE-SECRET-KEY-1NOPE"), "vault.bad_key_file");
}

#[test]
fn a_damaged_vault_never_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (key, recipient) = new_identity();
    Vault::create(dir.path(), &Lock::Recipients(vec![recipient])).unwrap();
    let path = dir.path().join("vault.age");
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        let refused = Vault::unlock(dir.path(), &Unlock::Identities(key.clone()));
        assert!(refused.is_err(), "byte {at}");
    }
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(Vault::unlock(dir.path(), &Unlock::Identities(key.clone())).is_err(), "length {length}");
    }
}
