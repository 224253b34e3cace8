//! Power cuts and kills at any step of an upgrade, and of the way back from one: the folder is the old one or the new one, never less.

use std::path::Path;

use kith_base::Secret;
use kith_store::{Files, Storage, Store, Unlock, Upgrade, Vault};

use crate::{
    common::{Random, assert_verifies, content, options, seed, setting, steady_content},
    image::Disk,
    shim,
};

/// Entries of the fixture, and what they lead to.
const ENTRIES: u64 = 12;

fn fixture() -> Disk {
    Disk::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v1/data"))
}

fn vault(data: &Path) -> Vault {
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/v1/key.txt");
    Vault::unlock(data, &Unlock::Identities(Secret::new(std::fs::read_to_string(key).unwrap()))).unwrap()
}

/// Does `work` on the disk and ends it at a random moment: the machine loses its power, or only the process ends.
fn cut_short(disk: &Disk, random: &mut Random, work: impl FnOnce(&Path)) -> Disk {
    let dir = tempfile::tempdir().unwrap();
    disk.write(dir.path());
    let start = Disk::read(dir.path());
    shim::start(dir.path(), &start.known());
    work(dir.path());
    let ops = shim::finish();
    let until = &ops[..random.below(ops.len() + 1)];
    if random.below(2) == 0 { start.cut(until, random) } else { start.killed(until) }
}

fn open(data: &Path) -> Store {
    Store::open(data, &vault(data), options()).unwrap_or_else(|error| panic!("{}: {error}", error.code())).0
}

fn assert_whole(store: &Store, data: &Path) {
    assert_eq!((store.head(), store.cursor("search").unwrap()), (ENTRIES + 1, 7));
    assert!(content(store) == steady_content(ENTRIES), "the records are not those of the fixture");
    assert_verifies(store);
    let mut text = String::new();
    let files = Files::open(data, &vault(data)).unwrap();
    std::io::Read::read_to_string(&mut files.read(&files.names().unwrap()[0]).unwrap(), &mut text).unwrap();
    assert_eq!(text, "an attachment");
}

/// What counts of a folder of the first format: everything but what is made from it.
fn assert_as_it_was(data: &Path) {
    let before = fixture();
    for (path, file) in before.names.iter().filter(|(path, _)| !path.starts_with("store")) {
        let there = std::fs::read(data.join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert!(there == before.files[file], "{path:?} is not as it was");
    }
}

#[test]
fn an_upgrade_that_is_cut_short_anywhere_is_ended_by_the_next_start_and_can_be_taken_back() {
    let _alone = shim::alone();
    let mut random = Random(seed("upgrades cut short"));
    for round in 0..setting("KITH_ROUNDS", 60) {
        let mut disk = fixture();
        for _ in 0..1 + random.below(3) {
            disk = cut_short(&disk, &mut random, |data| drop(open(data)));
        }
        let dir = tempfile::tempdir().unwrap();
        disk.write(dir.path());
        let store = open(dir.path());
        assert_whole(&store, dir.path());
        drop(store);
        assert_eq!(vault(dir.path()).format(), kith_store::FORMAT, "round {round}");
        let upgrade = Upgrade::of(dir.path()).unwrap();
        assert_eq!(upgrade.kept(), [1], "round {round}");
        assert_eq!(upgrade.back().unwrap(), 1);
        assert_as_it_was(dir.path());
    }
}

#[test]
fn the_way_back_can_be_cut_short_anywhere_and_goes_on_when_it_is_asked_for_again() {
    let _alone = shim::alone();
    let mut random = Random(seed("ways back cut short"));
    let dir = tempfile::tempdir().unwrap();
    fixture().write(dir.path());
    drop(open(dir.path()));
    let upgraded = Disk::read(dir.path());
    for round in 0..setting("KITH_ROUNDS", 60) {
        let mut disk = upgraded.clone();
        for _ in 0..1 + random.below(3) {
            let back = |data: &Path| {
                let upgrade = Upgrade::of(data).unwrap();
                // A cut after the end leaves nothing to do.
                if !upgrade.kept().is_empty() {
                    upgrade.back().unwrap();
                }
            };
            disk = cut_short(&disk, &mut random, back);
        }
        let dir = tempfile::tempdir().unwrap();
        disk.write(dir.path());
        let upgrade = Upgrade::of(dir.path()).unwrap();
        if !upgrade.kept().is_empty() {
            assert_eq!(upgrade.back().unwrap(), 1, "round {round}");
        }
        drop(upgrade);
        assert_as_it_was(dir.path());
        assert_eq!(vault(dir.path()).format(), 1);
        let store = open(dir.path());
        assert_whole(&store, dir.path());
    }
}
