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
        assert_eq!(opened.0.ring().data[0].1.expose(), made.0.ring().data[0].1.expose());
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
    assert_eq!(wrong_way.code(), "vault.wrong_key");
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

fn recipient(label: &str, recipient: &str) -> Recipient {
    let (label, recipient) = (label.to_string(), recipient.to_string());
    Recipient { label, recipient, added_ms: 7, passphrase: false, recovery: true }
}

fn labels(vault: &Vault) -> Vec<String> {
    vault.recipients().into_iter().map(|r| r.label).collect()
}

#[test]
fn a_lost_server_key_is_replaced_with_the_recovery_key_at_hand() {
    let dir = tempfile::tempdir().unwrap();
    let (old_server, old_recipient) = new_identity();
    let (recovery, recovery_recipient) = new_identity();
    let vault = Vault::create(dir.path(), &Lock::Recipients(vec![old_recipient])).unwrap();
    vault.add_recipient(recipient("recovery", &recovery_recipient)).unwrap();
    drop(vault);
    let vault = Vault::unlock(dir.path(), &Unlock::Identities(recovery.clone())).unwrap();
    let (server, new_recipient) = new_identity();
    vault.add_recipient(recipient("new server", &new_recipient)).unwrap();
    assert_eq!(vault.remove_recipient("server").unwrap().label, "server");
    assert_eq!(labels(&vault), ["recovery", "new server"]);
    for key in [server, recovery] {
        let opened = Vault::unlock(dir.path(), &Unlock::Identities(key)).unwrap();
        assert_eq!(opened.0.ring().data[0].1.expose(), vault.0.ring().data[0].1.expose());
        assert_eq!(labels(&opened), ["recovery", "new server"]);
    }
    let lost = Vault::unlock(dir.path(), &Unlock::Identities(old_server)).unwrap_err();
    assert_eq!(lost.code(), "vault.wrong_key");
}

#[test]
fn recipients_that_would_lock_the_vault_or_confuse_it_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
    let file = std::fs::read(dir.path().join("vault.age")).unwrap();
    assert_eq!(vault.remove_recipient("server").unwrap_err().code(), "vault.last_recipient");
    assert_eq!(vault.remove_recipient("nobody").unwrap_err().code(), "vault.no_such_recipient");
    let known = vault.recipients()[0].recipient.clone();
    let add = |label: &str, key: &str| vault.add_recipient(recipient(label, key)).unwrap_err().code();
    assert_eq!(add("again", &known), "vault.recipient_exists");
    assert_eq!(add("server", &new_identity().1), "vault.recipient_exists");
    assert_eq!(add("x", "age1nonsense"), "vault.bad_recipient");
    for label in ["", "  ", "a\nb", "passphrase", &"x".repeat(61)] {
        assert_eq!(add(label, &new_identity().1), "vault.bad_label", "{label:?}");
    }
    assert_eq!(std::fs::read(dir.path().join("vault.age")).unwrap(), file);
    vault.add_recipient(recipient("recovery", &new_identity().1)).unwrap();
    assert_eq!(vault.remove_recipient("server").unwrap_err().code(), "vault.recipient_in_use");
    assert_eq!(vault.remove_recipient(&known).unwrap_err().code(), "vault.recipient_in_use");
}

#[test]
fn a_passphrase_and_keys_open_the_same_vault_and_each_can_go() {
    let dir = tempfile::tempdir().unwrap();
    let open = |unlock: &Unlock| Vault::unlock(dir.path(), unlock);
    let phrase = |text: &str| Unlock::Passphrase(passphrase(text));
    let vault = Vault::create(dir.path(), &Lock::Passphrase(passphrase("one two three four"))).unwrap();
    let (key, public) = new_identity();
    vault.add_recipient(recipient("recovery", &public)).unwrap();
    vault.set_passphrase(&passphrase("five six seven eight"), 9).unwrap();
    assert_eq!(labels(&vault), ["recovery", "passphrase"]);
    assert_eq!(open(&phrase("one two three four")).unwrap_err().code(), "vault.wrong_key");
    open(&phrase("five six seven eight")).unwrap();
    assert_eq!(vault.set_passphrase(&passphrase(""), 9).unwrap_err().code(), "vault.empty_passphrase");
    assert_eq!(vault.remove_recipient("passphrase").unwrap_err().code(), "vault.recipient_in_use");
    let by_key = open(&Unlock::Identities(key.clone())).unwrap();
    by_key.remove_recipient("passphrase").unwrap();
    assert_eq!(vault_kind(dir.path()).unwrap(), VaultKind::Recipients);
    assert_eq!(open(&phrase("five six seven eight")).unwrap_err().code(), "vault.needs_key_file");
    by_key.set_passphrase(&passphrase("back again here"), 11).unwrap();
    assert_eq!(vault_kind(dir.path()).unwrap(), VaultKind::Passphrase);
    open(&phrase("back again here")).unwrap();
    open(&Unlock::Identities(key)).unwrap();
}
