//! Every released format opens in this build. A missing fixture is written anew, to be committed; an existing one never changes.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use kith_base::Secret;
use kith_store::{Files, Lock, Storage, Store, Unlock, Upgrade, Vault, new_identity};

use crate::{
    common::{assert_verifies, content, id, steady, steady_content, try_open, unlock_at},
    image::Disk,
};

const ENTRIES: u64 = 12;

fn fixture(format: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/store/v{format}"))
}

/// Writes the fixture of the current formats.
fn write_fixture(at: &Path) {
    let (key, recipient) = new_identity();
    let vault = Vault::create(&at.join("data"), &Lock::Recipients(vec![recipient])).unwrap();
    std::fs::write(at.join("key.txt"), key.expose()).unwrap();
    let (store, _) = try_open(&at.join("data"), &vault).unwrap();
    (1..=ENTRIES).for_each(|seq| assert_eq!(store.append(seq - 1, vec![steady(seq)]).unwrap(), [seq]));
    store.erase(&[id(999)], b"nobody".to_vec(), 1).unwrap();
    store.set_cursor("search", 7).unwrap();
    let files = Files::open(&at.join("data"), &vault).unwrap();
    files.put(&mut &b"an attachment"[..], 100).unwrap();
    // Values of all sorts: never sealed again, once, and on the way to it.
    let care = store.key_care().unwrap();
    care.rotate(1).unwrap();
    while care.reseal_step().unwrap() {}
    care.rotate(2).unwrap();
    (0..3).for_each(|_| assert!(care.reseal_step().unwrap()));
    store.close().unwrap();
}

#[test]
fn a_folder_of_this_format_in_the_middle_of_a_rotation_opens_and_goes_on() {
    let fixture = fixture(2);
    if !fixture.exists() {
        write_fixture(&fixture);
    }
    let dir = tempfile::tempdir().unwrap();
    Disk::read(&fixture).write(dir.path());
    let data = dir.path().join("data");
    let (store, report) = try_open(&data, &unlock_at(&data, dir.path())).unwrap();
    assert!(report.notes.is_empty(), "{report:?}");
    assert!(content(&store) == steady_content(ENTRIES));
    assert_verifies(&store);
    let care = store.key_care().unwrap();
    let ids = || care.keys().data_keys.iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids(), [2, 3]);
    while care.reseal_step().unwrap() {}
    assert_eq!(ids(), [3]);
    assert_verifies(&store);
    assert_eq!(store.cursor("search").unwrap(), 7);
}

#[test]
fn a_folder_of_the_first_format_is_upgraded_without_being_rebuilt_and_goes_back() {
    let fixture = fixture(1);
    let dir = tempfile::tempdir().unwrap();
    Disk::read(&fixture).write(dir.path());
    let data = dir.path().join("data");
    let key = std::fs::read_to_string(dir.path().join("key.txt")).unwrap();
    let vault = Vault::unlock(&data, &Unlock::Identities(Secret::new(key))).unwrap();
    let (store, report) = Store::open(&data, &vault, crate::common::options()).unwrap();
    assert!(!report.rebuilt && report.replayed == 0, "{report:?}");
    assert!(report.notes.len() == 1 && report.notes[0].contains("format 1 to 2"), "{report:?}");
    assert_eq!((store.head(), store.cursor("search").unwrap()), (ENTRIES + 1, 7));
    assert!(content(&store) == steady_content(ENTRIES));
    assert_verifies(&store);
    let files = Files::open(&data, &vault).unwrap();
    let mut text = String::new();
    files.read(&files.names().unwrap()[0]).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "an attachment");
    drop(store);
    let upgrade = Upgrade::of(&data).unwrap();
    assert_eq!((upgrade.kept(), upgrade.back().unwrap()), (vec![1], 1));
    drop(upgrade);
    let before = Disk::read(&fixture.join("data"));
    for (path, file) in before.names.iter().filter(|(path, _)| !path.starts_with("store")) {
        assert!(std::fs::read(data.join(path)).unwrap() == before.files[file], "{path:?} is not as it was");
    }
}

#[test]
fn a_vault_of_the_first_format_locked_with_a_passphrase_keeps_it_through_the_upgrade() {
    let dir = tempfile::tempdir().unwrap();
    Disk::read(&fixture(1)).write(dir.path());
    let data = dir.path().join("data");
    // As format 1 did it: the vault itself locked with the passphrase.
    let key = std::fs::read_to_string(dir.path().join("key.txt")).unwrap();
    let identity: age::x25519::Identity = key.lines().last().unwrap().parse().unwrap();
    let plain = age::decrypt(&identity, &std::fs::read(data.join("vault.age")).unwrap()).unwrap();
    let passphrase = || age::secrecy::SecretString::from("five quiet words of seven".to_string());
    let mut lock = age::scrypt::Recipient::new(passphrase());
    lock.set_work_factor(10);
    std::fs::write(data.join("vault.age"), age::encrypt(&lock, &plain).unwrap()).unwrap();
    let typed = || Unlock::Passphrase(Secret::new("five quiet words of seven".to_string()));
    let by_key = Vault::unlock(&data, &Unlock::Identities(Secret::new(key))).unwrap_err();
    assert_eq!(by_key.code(), "vault.needs_passphrase");
    for _ in 0..2 {
        let vault = Vault::unlock(&data, &typed()).unwrap();
        let (store, _) = try_open(&data, &vault).unwrap();
        assert!(content(&store) == steady_content(ENTRIES));
        assert_verifies(&store);
        assert_eq!(vault.recipients().len(), 1);
        assert!(vault.recipients()[0].passphrase);
    }
}

#[test]
fn a_vault_of_the_first_format_with_keys_nobody_noted_is_refused_before_anything_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    Disk::read(&fixture(1)).write(dir.path());
    let data = dir.path().join("data");
    let key = std::fs::read_to_string(dir.path().join("key.txt")).unwrap();
    let identity: age::x25519::Identity = key.lines().last().unwrap().parse().unwrap();
    let plain = age::decrypt(&identity, &std::fs::read(data.join("vault.age")).unwrap()).unwrap();
    let (other, public) = new_identity();
    let both = [identity.to_public(), public.parse().unwrap()];
    let list = both.iter().map(|recipient| recipient as &dyn age::Recipient);
    let mut sealed = Vec::new();
    let mut stream = age::Encryptor::with_recipients(list).unwrap().wrap_output(&mut sealed).unwrap();
    std::io::Write::write_all(&mut stream, &plain).unwrap();
    stream.finish().unwrap();
    std::fs::write(data.join("vault.age"), sealed).unwrap();
    let open = |text: String| {
        let vault = Vault::unlock(&data, &Unlock::Identities(Secret::new(text))).unwrap();
        try_open(&data, &vault).map(|(_, report)| (vault.recipients().len(), report))
    };
    let refused = open(key.clone()).unwrap_err();
    assert_eq!(refused.code(), "store.not_upgraded");
    assert!(refused.to_string().contains("into one key file"), "{refused}");
    assert!(!data.join("upgrade-backup-1").exists());
    assert_eq!(open(format!("{key}{}", other.expose())).unwrap().0, 2);
}
