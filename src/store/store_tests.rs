//! The store against its promises: what was acknowledged comes back, damage is named or healed, erased is erased.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::*;
use crate::{ChangeDraft, Lock, new_identity};

struct Bench {
    dir: tempfile::TempDir,
    vault: Vault,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        Bench { dir, vault }
    }

    fn options() -> OpenOptions {
        OpenOptions { segment_bytes: 32 * 1024, cache_bytes: 8 << 20, checkpoint_groups: 10, checkpoint_ms: 60_000 }
    }

    fn try_open(&self) -> Result<(Store, OpenReport), StoreError> {
        Store::open(self.dir.path(), &self.vault, Bench::options())
    }

    fn open(&self) -> Store {
        self.try_open().unwrap().0
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn id(n: u16) -> RecordId {
    RecordId::new(u64::from(n), [7; 10])
}

fn draft(n: u16, version: u64, value: &str) -> EntryDraft {
    let change = ChangeDraft { id: id(n), version, prev_seq: 0, value: value.into() };
    EntryDraft { time_ms: 1_000 + i64::from(n), head: b"by ada".to_vec(), changes: vec![change] }
}

fn write(store: &Store, n: u16, version: u64, value: &str) -> u64 {
    store.append(store.head(), vec![draft(n, version, value)]).unwrap()[0]
}

fn scan(store: &Store) -> BTreeMap<RecordId, (u64, u64, String)> {
    let mut all = BTreeMap::new();
    let mut last = None;
    store
        .scan(&mut |id, version, seq, value| {
            assert!(last.replace(id) < Some(id), "records come in order of id");
            all.insert(id, (version, seq, String::from_utf8(value.to_vec()).unwrap()));
        })
        .unwrap();
    all
}

fn verify(store: &Store) -> VerifyReport {
    store.verify(&mut |_, _| {}).unwrap()
}

#[test]
fn what_was_written_comes_back_after_reopening() {
    let bench = Bench::new();
    let store = bench.open();
    for n in 0..300 {
        assert_eq!(write(&store, n, 1, &format!("Zoë {n}")), u64::from(n) + 1);
    }
    write(&store, 5, 2, "changed");
    let before = scan(&store);
    assert_eq!(before[&id(5)], (2, 301, "changed".into()));
    assert_eq!(before.len(), 300);
    assert!(store.stats().segments > 2);
    let entry = store.read_from(250, 1).unwrap().remove(0);
    let all = store.read_from(1, usize::MAX).unwrap();
    let heads = store.read_heads(1, usize::MAX).unwrap();
    let head =
        |e: &Entry| EntryHead { seq: e.seq, kind: e.kind, time_ms: e.time_ms, head: e.head.clone(), hash: e.hash };
    assert_eq!(heads, all.iter().map(head).collect::<Vec<_>>());
    assert_eq!(all.len(), 301);
    assert_eq!(all[249], entry);
    assert_eq!((entry.head, entry.changes[0].value.clone().unwrap()), (b"by ada".to_vec(), "Zoë 249".into()));
    let report = verify(&store);
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.entries, report.records, report.head_seq), (301, 300, 301));
    store.close().unwrap();
    assert_eq!(store.append(301, vec![draft(1, 2, "late")]).unwrap_err().code(), "store.closed");
    drop(store);
    let (store, report) = bench.try_open().unwrap();
    assert!(report.notes.is_empty() && report.replayed == 0 && !report.created, "{report:?}");
    assert_eq!(scan(&store), before);
    assert_eq!(write(&store, 6, 2, "goes on"), 302);
    assert!(verify(&store).is_clean());
}

#[test]
fn a_large_record_and_a_large_entry_come_back() {
    let bench = Bench::new();
    let store = bench.open();
    let large = "x".repeat(1024 * 1024);
    write(&store, 1, 1, &large);
    let changes = (0..1000).map(|n| ChangeDraft { id: id(n), version: 2, prev_seq: 0, value: vec![b'y'; 5000] });
    let entry = EntryDraft { time_ms: 5, head: Vec::new(), changes: changes.collect() };
    store.append(1, vec![entry, draft(1, 3, "small again")]).unwrap();
    drop(store);
    let (store, report) = bench.try_open().unwrap();
    assert!(!report.rebuilt, "{report:?}");
    let all = scan(&store);
    assert_eq!(all.len(), 1000);
    assert_eq!(all[&id(1)].2, "small again");
    assert_eq!(all[&id(999)].2.len(), 5000);
    let (head, change) = store.read_change(2, id(700)).unwrap().unwrap();
    assert_eq!((head.seq, change.version, change.value.unwrap().len()), (2, 2, 5000));
    assert!(store.read_change(2, id(1001)).unwrap().is_none());
    assert!(store.read_change(9, id(1)).unwrap().is_none());
    assert_eq!(store.read_change(1, id(1)).unwrap().unwrap().1.value.unwrap(), large.into_bytes());
    assert_eq!(store.stats().alarm_blobs, 0);
    assert!(verify(&store).is_clean());
}

#[test]
fn a_stale_head_and_oversized_content_are_refused_and_nothing_is_written() {
    let bench = Bench::new();
    let store = bench.open();
    write(&store, 1, 1, "one");
    assert_eq!(store.append(0, vec![draft(2, 1, "two")]).unwrap_err().code(), "store.head_moved");
    let large = "x".repeat(crate::VALUE_BYTES_MAX + 1);
    assert_eq!(store.append(1, vec![draft(2, 1, "ok"), draft(3, 1, &large)]).unwrap_err().code(), "store.too_large");
    let head = EntryDraft { time_ms: 0, head: vec![0; HEAD_BYTES_MAX + 1], changes: Vec::new() };
    assert_eq!(store.append(1, vec![head]).unwrap_err().code(), "store.too_large");
    assert_eq!((store.head(), scan(&store).len()), (1, 1));
    assert_eq!(store.append(1, Vec::new()).unwrap(), Vec::<u64>::new());
}

#[test]
fn a_second_store_on_the_folder_is_refused_until_the_first_is_closed() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(bench.try_open().err().unwrap().code(), "store.locked");
    store.close().unwrap();
    bench.open();
}

#[test]
fn a_missing_or_damaged_record_store_is_rebuilt_and_said_so() {
    let bench = Bench::new();
    let store = bench.open();
    (0..200).for_each(|n| {
        write(&store, n, 1, &format!("value {n}"));
    });
    let before = scan(&store);
    store.close().unwrap();
    drop(store);
    fs::remove_dir_all(bench.path("store")).unwrap();
    let (store, report) = bench.try_open().unwrap();
    assert!(report.rebuilt && report.notes[0].contains("rebuilt"), "{report:?}");
    assert_eq!(scan(&store), before);
    drop(store);
    fs::remove_file(bench.path("store/READY")).unwrap();
    assert!(bench.try_open().unwrap().1.rebuilt);
    let db = bench.path("store/db");
    let length = fs::metadata(&db).unwrap().len();
    fs::write(&db, vec![0xA5; length as usize]).unwrap();
    let (store, _) = bench.try_open().unwrap();
    let again = scan(&store);
    assert_eq!(again, before);
    assert!(verify(&store).is_clean());
}

#[test]
fn a_record_changed_behind_our_back_is_healed_by_the_scan() {
    let bench = Bench::new();
    let store = bench.open();
    (0..50).for_each(|n| {
        write(&store, n, 1, &format!("value {n}"));
    });
    let before = scan(&store);
    let records = store.applier.lend().unwrap();
    records.tamper(id(7));
    drop(records);
    let findings = verify(&store).findings;
    assert!(findings.iter().any(|finding| finding.ids == [id(7)]), "{findings:?}");
    assert_eq!(store.scan(&mut |_, _, _, _| {}).unwrap_err().code(), "store.scan_again");
    assert_eq!(scan(&store), before);
    assert!(verify(&store).is_clean());
    assert!(bench.path("store.damaged").exists());
}

#[test]
fn an_unfinished_write_is_cut_and_said_so_but_damage_is_an_error_that_names_the_place() {
    let bench = Bench::new();
    let store = bench.open();
    (0..4).for_each(|n| {
        write(&store, n, 1, "value");
    });
    drop(store);
    let log = bench.path("journal/00000000000000000001.log");
    let good = fs::read(&log).unwrap();
    let end = good.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // Beyond the end: what a torn write leaves.
    let mut torn = good.clone();
    torn[end..end + 100].fill(0x5A);
    fs::write(&log, &torn).unwrap();
    let (store, report) = bench.try_open().unwrap();
    assert_eq!((report.cut_bytes, store.head()), (100, 4));
    store.close().unwrap();
    drop(store);
    // Before the end: the checkpoint knows better than to call it torn.
    let good = fs::read(&log).unwrap();
    for at in [4096, 4200, 4300, 4096 + 600] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&log, &bad).unwrap();
        let refused = bench.try_open().err().unwrap();
        assert_eq!(refused.code(), "store.damaged", "byte {at}");
        assert!(refused.to_string().contains("00000000000000000001.log at byte"), "{refused}");
        let report = Store::inspect(bench.dir.path(), &bench.vault, &mut |_, _| {}).unwrap();
        assert!(!report.is_clean());
        assert_eq!(fs::read(&log).unwrap(), bad, "a refused opening changes nothing");
    }
    fs::write(&log, &good).unwrap();
    assert!(verify(&bench.open()).is_clean());
}

#[test]
fn a_removed_or_shortened_journal_is_refused() {
    let bench = Bench::new();
    let store = bench.open();
    (0..400).for_each(|n| {
        write(&store, n, 1, "value");
    });
    store.close().unwrap();
    drop(store);
    let mut logs: Vec<_> = fs::read_dir(bench.path("journal")).unwrap().map(|f| f.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort();
    assert!(logs.len() >= 4);
    for log in &logs {
        let content = fs::read(log).unwrap();
        fs::remove_file(log).unwrap();
        let refused = bench.try_open();
        let code = refused.map_or_else(
            |error| error.code(),
            |(store, _)| {
                let report = verify(&store);
                assert!(report.findings.iter().any(|f| f.what.contains("missing")), "{:?}", report.findings);
                "found"
            },
        );
        assert!(["store.damaged", "found"].contains(&code), "{code}");
        fs::write(log, &content).unwrap();
    }
    let whole = bench.path("journal.away");
    fs::rename(bench.path("journal"), &whole).unwrap();
    assert_eq!(bench.try_open().err().unwrap().code(), "store.damaged");
    let _ = fs::remove_dir_all(bench.path("journal"));
    fs::rename(&whole, bench.path("journal")).unwrap();
    assert!(verify(&bench.open()).is_clean());
}

#[test]
fn an_erased_record_leaves_journal_and_store_and_the_chain_still_verifies() {
    let bench = Bench::new();
    let store = bench.open();
    for round in 1..4 {
        (0..100).for_each(|n| {
            write(&store, n, round, &format!("value {n} of {round}"));
        });
    }
    let seq = store.erase(&[id(3), id(4), id(999)], b"asked for by Zoe".to_vec(), 77).unwrap();
    assert_eq!((seq, store.head()), (301, 301));
    let all = scan(&store);
    assert_eq!(all.len(), 98);
    let (_, change) = store.read_change(4, id(3)).unwrap().unwrap();
    assert_eq!(change.value, None);
    let entry = store.read_from(301, 1).unwrap().remove(0);
    assert_eq!((entry.kind, entry.head, entry.changes.len()), (EntryKind::Erasure, b"asked for by Zoe".to_vec(), 3));
    let report = verify(&store);
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.erased_changes, report.records), (6, 98));
    write(&store, 3, 1, "a new life under the same id");
    assert!(verify(&store).is_clean());
    store.close().unwrap();
    drop(store);
    let (store, report) = bench.try_open().unwrap();
    assert!(report.notes.is_empty(), "{report:?}");
    assert_eq!(scan(&store).len(), 99);
    drop(store);
    // Interrupted and found again: carried out once more, to the same end.
    fs::write(bench.path("journal/erasing"), [1]).unwrap();
    let (store, report) = bench.try_open().unwrap();
    assert!(report.notes[0].contains("erasure"), "{report:?}");
    assert_eq!(scan(&store)[&id(3)].2, "a new life under the same id");
    assert!(verify(&store).is_clean() && !bench.path("journal/erasing").exists());
}

#[test]
fn a_long_journal_does_not_hold_its_files_open() {
    let bench = Bench::new();
    let store = bench.open();
    (0..800).for_each(|n| {
        write(&store, n % 50, 1, "value");
    });
    store.read_from(1, usize::MAX).unwrap();
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
    let here = fs::canonicalize(bench.path("journal")).unwrap();
    let is_segment = |link: &PathBuf| link.starts_with(&here) && link.extension().is_some_and(|end| end == "log");
    assert!(links.filter(is_segment).count() <= 1);
    assert!(store.stats().segments > 5);
}

#[test]
fn compacting_gives_space_back_and_keeps_every_record() {
    let bench = Bench::new();
    let store = bench.open();
    // Batches apart from each other: what gathers into one leaves nothing behind to give back.
    (1..300).for_each(|version| {
        store.append(store.head(), (0..5).map(|n| draft(n, version, &"long ".repeat(600))).collect()).unwrap();
        store.checkpoint_now().unwrap();
    });
    let (before, bytes) = (scan(&store), store.stats().records_bytes);
    store.compact().unwrap();
    assert_eq!(scan(&store), before);
    assert!(store.stats().records_bytes * 2 <= bytes, "{} after {bytes}", store.stats().records_bytes);
    write(&store, 1, 9_000, "goes on");
    assert!(verify(&store).is_clean());
    assert!(!bench.path("store.damaged").exists());
}

#[test]
fn a_vault_file_that_was_changed_is_found_while_it_can_still_be_put_back() {
    let bench = Bench::new();
    let store = bench.open();
    let good = fs::read(bench.path("vault.age")).unwrap();
    fs::write(bench.path("vault.age"), &good[1..]).unwrap();
    assert_eq!(verify(&store).findings[0].place, "vault.age");
    fs::write(bench.path("vault.age"), good).unwrap();
    assert!(verify(&store).is_clean());
}

#[test]
fn cursors_survive_and_a_foreign_vault_is_refused() {
    let bench = Bench::new();
    let store = bench.open();
    assert_eq!(store.cursor("webhooks").unwrap(), 0);
    store.set_cursor("webhooks", 17).unwrap();
    store.close().unwrap();
    drop(store);
    assert_eq!(bench.open().cursor("webhooks").unwrap(), 17);
    let other = Bench::new();
    let refused = Store::open(bench.dir.path(), &other.vault, Bench::options()).err().unwrap();
    assert_eq!(refused.code(), "store.other_vault");
    assert_eq!(bench.open().cursor("webhooks").unwrap(), 17);
}

#[test]
fn nothing_readable_lies_on_the_disk() {
    let bench = Bench::new();
    let store = bench.open();
    (0..60).for_each(|n| {
        write(&store, n, 1, "Ludmilla O'Hara-Søndergaard");
    });
    store.set_cursor("a-reader-name", 3).unwrap();
    store.checkpoint().unwrap();
    let look = |dir: &std::path::Path| {
        let mut todo = vec![dir.to_path_buf()];
        while let Some(path) = todo.pop() {
            if path.is_dir() {
                todo.extend(fs::read_dir(&path).unwrap().map(|item| item.unwrap().path()));
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for word in [&b"Ludmilla"[..], b"ndergaard", b"by ada", b"a-reader-name"] {
                assert!(!bytes.windows(word.len()).any(|window| window == word), "{path:?}");
            }
        }
    };
    look(bench.dir.path());
    store.close().unwrap();
    look(bench.dir.path());
}
