//! Flipped bits, zeroed blocks, cut and swapped files anywhere in the folder: refused, found, or healed, and never silent.

use std::{fs, path::PathBuf};

use kith_store::{Anchor, Storage, Store, VerifyReport};

use crate::{
    common::{Bench, Content, Random, content, seed, setting, steady, try_open},
    image::Disk,
};

/// A closed store with some history, and what it holds.
fn filled() -> (Bench, Content, u64) {
    let bench = Bench::new();
    let (store, _) = bench.open();
    for _ in 0..60 {
        let head = store.head();
        store.append(head, vec![steady(head + 1), steady(head + 2)]).unwrap();
    }
    store.set_cursor("mail", 40).unwrap();
    store.set_cursor("mail", 41).unwrap();
    let (all, head) = (content(&store), store.head());
    store.close().unwrap();
    (bench, all, head)
}

/// What became of the damage.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Refused,
    Found,
    Healed,
    Harmless,
}

/// Opens a damaged folder and compares. Panics when it shows something wrong as if it were right.
fn outcome(disk: &Disk, bench: &Bench, all: &Content, head: u64, what: &str) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    disk.write(&data);
    let (store, report) = match try_open(&data, &bench.vault) {
        Ok(opened) => opened,
        Err(error) => {
            let codes = ["store.damaged", "store.newer_format", "store.other_vault"];
            assert!(codes.contains(&error.code()), "{what}: {} {error}", error.code());
            if error.code() == "store.damaged" {
                let inspected = Store::inspect(&data, &bench.vault, &mut |_, _| {});
                let cursors = error.to_string().contains("cursors");
                assert!(inspected.is_err() || !inspected.unwrap().is_clean() || cursors, "{what}: {error}");
            }
            return Outcome::Refused;
        }
    };
    let verified = store.verify(&mut |_, _| {}).unwrap();
    let chain = store.verify_chain(&[], &mut |_, _| true).unwrap();
    let in_frames = |report: &VerifyReport| report.findings.iter().any(|f| f.place.contains(".log at byte"));
    assert_eq!(in_frames(&chain), in_frames(&verified), "{what}: {:?} but {:?}", chain.findings, verified.findings);
    // A finding in the journal stands; one in the record store is healed by the scan.
    if verified.findings.iter().any(|finding| finding.place.starts_with("journal")) {
        return Outcome::Found;
    }
    let mut again = false;
    let shown = content(&store);
    again |= !verified.is_clean();
    assert_eq!(store.head(), head, "{what}: entries vanished without a word; {report:?}");
    assert!(&shown == all, "{what}: other records than before, without a word; {report:?}");
    let after = store.verify(&mut |_, _| {}).unwrap();
    assert!(after.is_clean(), "{what}: {:?}", after.findings);
    assert!(store.cursor("mail").unwrap() >= 40, "{what}");
    if again || !report.notes.is_empty() { Outcome::Healed } else { Outcome::Harmless }
}

#[test]
fn no_damage_anywhere_in_the_folder_is_silent() {
    let mut random = Random(seed("damage"));
    let (bench, all, head) = filled();
    let disk = Disk::read(&bench.data());
    let files: Vec<(PathBuf, usize)> =
        disk.known().into_iter().filter(|(_, file)| !disk.files[file].is_empty()).collect();
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..setting("KITH_FLIPS", 120) {
        let (path, file) = &files[random.below(files.len())];
        // The vault is checked where it is opened, and the lock file's content means nothing.
        if path.ends_with("vault.age") || path.ends_with("kith.lock") {
            continue;
        }
        let mut damaged = disk.clone();
        let bytes = damaged.files.get_mut(file).unwrap();
        // Half of the damage goes where something is written.
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        let at = if random.below(2) == 0 { random.below(bytes.len()) } else { random.below(used) };
        let kind = random.below(4);
        match kind {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => {
                let end = bytes.len().min(at + 512);
                bytes[at..end].fill(0);
            }
            _ => bytes.truncate(at),
        }
        let what = format!("kind {kind} in {path:?} at {at}");
        *counts.entry(outcome(&damaged, &bench, &all, head, &what)).or_insert(0) += 1;
    }
    println!("{counts:?}");
}

#[test]
fn an_anchor_holds_only_in_the_journal_it_was_taken_from() {
    let (bench, _, head) = filled();
    let (store, _) = bench.open();
    let entry = store.read_from(head - 3, 1).unwrap().remove(0);
    let anchor = |seq: u64, bytes: usize| Anchor { seq, hash: entry.hash[..bytes].to_vec() };
    let wrong = Anchor { seq: entry.seq, hash: vec![7; 32] };
    let asked = [anchor(head + 9, 32), anchor(entry.seq, 20), wrong.clone(), anchor(entry.seq, 32), anchor(1, 32)];
    let holds = |seq: u64, report: &VerifyReport| -> Vec<bool> {
        report.anchors.iter().filter(|(anchor, _)| anchor.seq == seq).map(|(_, holds)| *holds).collect()
    };
    let chain = store.verify_chain(&asked, &mut |_, _| true).unwrap();
    assert!(chain.is_clean() && chain.head_seq == head && chain.entries == head);
    assert_eq!(holds(entry.seq, &chain), [true, false, true]);
    assert_eq!((holds(1, &chain), holds(head + 9, &chain)), (vec![false], vec![false]));
    let whole = store.verify(&mut |_, _| {}).unwrap();
    assert_eq!(whole.head_hash, chain.head_hash);
    assert_eq!(chain.head_hash, store.read_from(head, 1).unwrap()[0].hash);
    // An erasure takes values out and leaves the hashes.
    store.erase(&[entry.changes[0].id], b"gone".to_vec(), 1).unwrap();
    assert_eq!(holds(entry.seq, &store.verify_chain(&asked, &mut |_, _| true).unwrap()), [true, false, true]);
    store.close().unwrap();
    drop(store);
    let inspected = Store::inspect_anchored(&bench.data(), &bench.vault, &asked, &mut |_, _| {}).unwrap();
    assert_eq!(holds(entry.seq, &inspected), [true, false, true]);
}

#[test]
fn missing_swapped_and_rolled_back_files_are_not_silent() {
    let (bench, all, head) = filled();
    let newer = Disk::read(&bench.data());
    for (path, _) in newer.known() {
        if path.ends_with("vault.age") || path.ends_with("kith.lock") {
            continue;
        }
        let mut damaged = newer.clone();
        damaged.names.remove(&path);
        outcome(&damaged, &bench, &all, head, &format!("{path:?} removed"));
    }
    let logs: Vec<_> =
        newer.known().into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "log")).collect();
    let mut swapped = newer.clone();
    swapped.names.insert(logs[0].0.clone(), logs[1].1);
    swapped.names.insert(logs[1].0.clone(), logs[0].1);
    assert_eq!(outcome(&swapped, &bench, &all, head, "segments swapped"), Outcome::Refused);
    // An older state of one part beside newer ones of the others.
    let (store, _) = bench.open();
    store.append(head, vec![steady(head + 1), steady(head + 2)]).unwrap();
    let all = content(&store);
    store.close().unwrap();
    drop(store);
    let newest = Disk::read(&bench.data());
    for part in ["store", "journal"] {
        let mut mixed = newest.clone();
        mixed.names.retain(|path, _| !path.starts_with(part));
        for (path, file) in newer.names.iter().filter(|(path, _)| path.starts_with(part)) {
            let number = mixed.files.keys().max().unwrap() + 1;
            mixed.files.insert(number, newer.files[file].clone());
            mixed.names.insert(path.clone(), number);
        }
        let outcome = outcome(&mixed, &bench, &all, head + 2, &format!("{part} rolled back"));
        assert!(outcome != Outcome::Harmless, "{part} rolled back: {outcome:?}");
    }
    assert!(fs::metadata(bench.data()).is_ok());
}
