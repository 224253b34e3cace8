//! A migration runs once, over a kept state that can be put back; one that fails, or breaks something, leaves the folder as it was.

use std::path::PathBuf;

use super::*;
use crate::{ChangeDraft, EntryDraft, Lock, OpenOptions, Storage, Store, Unlock, new_identity};
use kith_base::{RecordId, Secret};

/// A folder with some history. Its vault says format 2, so migrations from there are tried.
struct Bench {
    dir: tempfile::TempDir,
    key: Secret<String>,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (key, recipient) = new_identity();
        Vault::create(dir.path(), &Lock::Recipients(vec![recipient])).unwrap();
        let bench = Bench { dir, key };
        let store = bench.open();
        write(&store, 1);
        store.close().unwrap();
        bench
    }

    fn vault(&self) -> Vault {
        Vault::unlock(self.dir.path(), &Unlock::Identities(self.key.clone())).unwrap()
    }

    fn open(&self) -> Store {
        Store::open(self.dir.path(), &self.vault(), OpenOptions::default()).unwrap().0
    }

    fn folder(&self) -> Folder {
        Folder(self.dir.path().to_path_buf())
    }

    fn upgrade(&self, list: &[Migration]) -> Result<OpenReport, StoreError> {
        let mut report = OpenReport::default();
        run_list(&self.folder(), &self.vault(), list, FORMAT + 1, &mut report).map(|()| report)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn write(store: &Store, n: u8) {
    let change = ChangeDraft { id: RecordId([n; 16]), version: 1, prev_seq: 0, value: vec![n; 100] };
    let entry = EntryDraft { time_ms: 1, head: vec![n], changes: vec![change] };
    store.append(store.head(), vec![entry]).unwrap();
}

fn all(store: &Store) -> usize {
    let mut count = 0;
    store.scan(&mut |_, _, _, _| count += 1).unwrap();
    count
}

const MARKS: &[Migration] = &[
    Migration { from: FORMAT - 1, what: "too old to be run here", run: |_, _| Err(StoreError::Closed) },
    Migration {
        from: FORMAT,
        what: "a file is added to the journal's folder",
        run: |folder, _| replace_file(&folder.journal().join("marked"), b"done"),
    },
];

#[test]
fn every_format_before_this_one_has_its_step() {
    let from: Vec<u8> = MIGRATIONS.iter().map(|migration| migration.from).collect();
    assert_eq!(from, (1..FORMAT).collect::<Vec<_>>());
}

#[test]
fn an_upgrade_keeps_what_was_and_can_go_back_with_nothing_of_before_lost() {
    let bench = Bench::new();
    let report = bench.upgrade(MARKS).unwrap();
    assert!(report.notes[0].contains("upgrade back"), "{:?}", report.notes);
    assert!(bench.path("journal/marked").exists());
    let store = bench.open();
    write(&store, 2);
    assert_eq!(all(&store), 2);
    let locked = Upgrade::of(bench.dir.path()).err().unwrap();
    assert_eq!(locked.code(), "store.locked");
    store.close().unwrap();
    drop(store);
    let upgrade = Upgrade::of(bench.dir.path()).unwrap();
    assert_eq!(upgrade.kept(), [FORMAT]);
    assert_eq!(upgrade.back().unwrap(), FORMAT);
    assert_eq!(upgrade.kept(), []);
    assert_eq!(upgrade.back().unwrap_err().code(), "store.nothing_kept");
    drop(upgrade);
    assert!(!bench.path("journal/marked").exists() && bench.path("upgrade-undone/journal/marked").exists());
    let store = bench.open();
    assert_eq!(all(&store), 1, "what was written since is only in upgrade-undone");
    assert!(store.verify(&mut |_, _| {}).unwrap().is_clean());
}

#[test]
fn going_back_can_be_interrupted_after_every_step() {
    for steps in 0..12 {
        let bench = Bench::new();
        std::fs::write(bench.path("passphrase.age"), b"x").unwrap();
        bench.upgrade(MARKS).unwrap();
        let (kept, partial) = (bench.path(&format!("{KEPT_PREFIX}{FORMAT}")), bench.path("upgrade-undone.partial"));
        // What an interruption leaves: some of the moves done, in order.
        std::fs::create_dir(&partial).unwrap();
        let away = KEPT.into_iter().rev().map(|name| (bench.path(name), partial.join(name)));
        let back = KEPT.into_iter().map(|name| (kept.join(name), bench.path(name)));
        for (number, (from, to)) in away.chain(back).enumerate().take(steps) {
            if number == KEPT.len() {
                std::fs::write(kept.join(MOVED), [1]).unwrap();
            }
            if from.exists() {
                std::fs::rename(from, to).unwrap();
            }
        }
        Upgrade::of(bench.dir.path()).unwrap().back().unwrap();
        assert!(bench.path("upgrade-undone/journal/marked").exists(), "{steps}");
        assert!(bench.path("passphrase.age").exists() && !bench.path("journal/marked").exists(), "{steps}");
        if steps % 4 == 0 {
            assert_eq!(all(&bench.open()), 1, "{steps}");
        }
    }
}

#[test]
fn a_migration_that_fails_or_breaks_the_journal_leaves_the_folder_as_it_was() {
    let fails = Migration {
        from: FORMAT,
        what: "fails half-way",
        run: |folder, _| {
            replace_file(&folder.journal().join("half"), b"")?;
            Err(StoreError::Closed)
        },
    };
    let breaks = Migration {
        from: FORMAT,
        what: "damages a segment",
        run: |folder, _| {
            let path = folder.journal().join(file_name(1));
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[4_300] ^= 1;
            replace_file(&path, &bytes)
        },
    };
    for migration in [fails, breaks] {
        let bench = Bench::new();
        let refused = bench.upgrade(&[migration]).unwrap_err();
        assert_eq!(refused.code(), "store.not_upgraded", "{refused}");
        assert!(!bench.path("journal/half").exists());
        let store = bench.open();
        assert_eq!(all(&store), 1);
        assert!(store.verify(&mut |_, _| {}).unwrap().is_clean());
    }
}

#[test]
fn an_interrupted_upgrade_is_repeated_over_the_state_that_was_kept_first() {
    let bench = Bench::new();
    keep(&bench.folder(), &bench.path(&format!("{KEPT_PREFIX}{FORMAT}"))).unwrap();
    replace_file(&bench.path("journal/marked"), b"half").unwrap();
    bench.upgrade(MARKS).unwrap();
    assert_eq!(std::fs::read(bench.path("journal/marked")).unwrap(), b"done");
    Upgrade::of(bench.dir.path()).unwrap().back().unwrap();
    assert!(!bench.path("journal/marked").exists());
}

#[test]
fn erasing_and_rotating_remove_what_was_kept_since_it_holds_what_has_to_go() {
    let bench = Bench::new();
    let kept = bench.path(&format!("{KEPT_PREFIX}{FORMAT}"));
    keep(&bench.folder(), &kept).unwrap();
    let store = bench.open();
    store.erase(&[RecordId([1; 16])], b"asked".to_vec(), 2).unwrap();
    assert!(!kept.exists());
    keep(&bench.folder(), &kept).unwrap();
    let care = store.key_care().unwrap();
    care.rotate(3).unwrap();
    while care.reseal_step().unwrap() {}
    assert!(!kept.exists());
}
