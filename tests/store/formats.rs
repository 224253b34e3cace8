//! Every released format opens in this build. A missing fixture is written anew, to be committed; an existing one never changes.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use kith_base::Secret;
use kith_store::{Files, Lock, Storage, Store, Unlock, Vault, new_identity};

use crate::{
    common::{assert_verifies, content, id, steady, steady_content, try_open},
    image::Disk,
};

const ENTRIES: u64 = 12;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v1")
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
    store.close().unwrap();
}

#[test]
fn a_folder_of_the_first_format_opens_without_being_rebuilt() {
    let fixture = fixture();
    if !fixture.exists() {
        write_fixture(&fixture);
    }
    let dir = tempfile::tempdir().unwrap();
    Disk::read(&fixture).write(dir.path());
    let data = dir.path().join("data");
    let key = std::fs::read_to_string(dir.path().join("key.txt")).unwrap();
    let vault = Vault::unlock(&data, &Unlock::Identities(Secret::new(key))).unwrap();
    let (store, report) = Store::open(&data, &vault, crate::common::options()).unwrap();
    assert!(report.notes.is_empty(), "{report:?}");
    assert_eq!((store.head(), store.cursor("search").unwrap()), (ENTRIES + 1, 7));
    assert!(content(&store) == steady_content(ENTRIES));
    assert_verifies(&store);
    let files = Files::open(&data, &vault).unwrap();
    let mut text = String::new();
    files.read(&files.names().unwrap()[0]).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "an attachment");
}
