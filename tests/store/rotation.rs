//! The data key changes while the store is in use: writers and readers notice nothing, an interruption at any moment loses nothing,
//! and afterwards nothing is left that the old key opens.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use kith_base::Secret;
use kith_store::{Files, Lock, Recipient, Storage, Store, Unlock, Vault, new_identity};

use crate::{
    common::{
        Bench, Random, assert_recovers, assert_verifies, content, id, seed, setting, steady, steady_content, try_open,
        unlock, unlock_at,
    },
    image::Disk,
    kill::{child, child_dir},
    power::{acknowledged, recorded},
    shim,
};

fn write_groups(store: &Store, groups: usize) {
    for _ in 0..groups {
        let head = store.head();
        store.append(head, vec![steady(head + 1), steady(head + 2)]).unwrap();
    }
}

fn finish(store: &Store) {
    while store.key_care().unwrap().reseal_step().unwrap() {}
}

/// Ids of the data keys in the vault.
fn key_ids(store: &Store) -> Vec<u16> {
    store.key_care().unwrap().keys().data_keys.iter().map(|key| key.id).collect()
}

/// Recovers with the keys that the folder itself holds, ends the rotation and checks everything once more.
fn assert_rotates_to_its_end(data: &Path, dir: &Path, floor: u64) -> Store {
    let vault = unlock_at(data, dir);
    let (store, _) = assert_recovers(data, &vault, floor);
    finish(&store);
    assert_eq!(key_ids(&store).len(), 1);
    assert!(!data.join("journal/resealing").exists());
    assert_verifies(&store);
    let next = store.head() + 1;
    store.append(next - 1, vec![steady(next)]).unwrap();
    store.close().unwrap();
    drop(store);
    assert_recovers(data, &unlock_at(data, dir), next).0
}

#[test]
fn writers_and_readers_go_on_during_a_rotation_and_the_chain_stays_as_it_was() {
    let bench = Bench::new();
    let (store, _) = bench.open();
    write_groups(&store, 150);
    store.set_cursor("mail", 5).unwrap();
    store.set_cursor("mail", 7).unwrap();
    let files = Files::open(&bench.data(), &bench.vault).unwrap();
    let attached: Vec<_> = (0..20u8).map(|n| files.put(&mut &vec![n; 3_000][..], 1 << 20).unwrap().name).collect();
    let before = store.verify(&mut |_, _| {}).unwrap();
    let old_vault = std::fs::read(bench.data().join("vault.age")).unwrap();
    let care = store.key_care().unwrap();
    care.rotate(77).unwrap();
    assert_eq!(key_ids(&store), [1, 2]);
    assert_eq!(care.rotate(78).unwrap_err().code(), "vault.rotation_under_way");
    assert!(care.keys().resealing.is_some());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                write_groups(&store, 3);
            }
        });
        scope.spawn(|| {
            let mut random = Random(1);
            while !over.load(Ordering::Relaxed) {
                let from = 1 + random.below(store.head() as usize) as u64;
                let entries = store.read_from(from, 20).unwrap();
                assert!(entries.iter().all(|entry| entry.head == entry.seq.to_le_bytes()));
                let expected = steady(from).changes.remove(0);
                let (_, change) = store.read_change(from, expected.id).unwrap().unwrap();
                assert_eq!(change.value, Some(expected.value));
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                content(&store);
                let late = files.put(&mut &b"written meanwhile"[..], 100).unwrap().name;
                let mut back = String::new();
                files.read(&late).unwrap().read_to_string(&mut back).unwrap();
                assert_eq!(back, "written meanwhile");
                files.remove(&late).unwrap();
            }
        });
        finish(&store);
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!((key_ids(&store), care.keys().data_keys[0].made_ms), (vec![2], 77));
    assert!(care.keys().resealing.is_none() && !care.reseal_step().unwrap());
    assert!(content(&store) == steady_content(store.head()));
    assert_verifies(&store);
    let (entry, head) = (store.read_from(before.head_seq, 1).unwrap().remove(0), store.head());
    assert_eq!(entry.hash, before.head_hash, "the chain is the one it was");
    for (name, n) in attached.iter().zip(0..) {
        let mut back = Vec::new();
        files.read(name).unwrap().read_to_end(&mut back).unwrap();
        assert_eq!(back, vec![n; 3_000]);
    }
    store.close().unwrap();
    drop(store);
    let (store, report) = assert_recovers(&bench.data(), &unlock(bench.dir.path()), head);
    assert!(report.notes.is_empty() && store.cursor("mail").unwrap() == 7, "{report:?}");
    drop(store);

    // Whoever kept the old vault reads nothing of it any more.
    std::fs::write(bench.data().join("vault.age"), old_vault).unwrap();
    let old = unlock(bench.dir.path());
    let refused = try_open(&bench.data(), &old).err().unwrap();
    assert_eq!(refused.code(), "store.damaged", "{refused}");
    let old_files = Files::open(&bench.data(), &old).unwrap();
    assert!(attached.iter().all(|name| old_files.read(name).is_err()));
}

#[test]
fn two_rotations_in_a_row_and_a_rebuilt_record_store_keep_everything() {
    let bench = Bench::new();
    for round in 0..2 {
        let vault = unlock(bench.dir.path());
        let (store, _) = try_open(&bench.data(), &vault).unwrap();
        write_groups(&store, 30);
        store.key_care().unwrap().rotate(round).unwrap();
        write_groups(&store, 5);
        finish(&store);
        store.erase(&[id(500 + round as u64)], vec![], 1).unwrap();
        assert_verifies(&store);
        store.close().unwrap();
        std::fs::remove_dir_all(bench.data().join("store")).unwrap();
    }
    let (store, report) = try_open(&bench.data(), &unlock(bench.dir.path())).unwrap();
    assert!(report.rebuilt && key_ids(&store) == [3]);
    assert_verifies(&store);
}

#[test]
fn an_upload_that_outlives_a_rotation_is_kept_and_readable() {
    struct Slow<'a>(&'a Store, usize);
    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.1 += 1;
            if self.1 == 3 {
                self.0.key_care().unwrap().rotate(1).unwrap();
                finish(self.0);
            }
            let bytes = if self.1 > 5 { 0 } else { into.len().min(1_000) };
            into[..bytes].fill(7);
            Ok(bytes)
        }
    }
    let bench = Bench::new();
    let (store, _) = bench.open();
    let files = Files::open(&bench.data(), &bench.vault).unwrap();
    let stored = files.put(&mut Slow(&store, 0), 1 << 20).unwrap();
    assert_eq!(key_ids(&store), [2]);
    let mut back = Vec::new();
    files.read(&stored.name).unwrap().read_to_end(&mut back).unwrap();
    assert_eq!(back, vec![7; 5_000]);
    assert_eq!(std::fs::read_dir(bench.data().join("files")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_power_cut_at_any_moment_of_a_rotation_loses_nothing_and_the_work_goes_on() {
    let _alone = shim::alone();
    let mut random = Random(seed("cut rotations"));
    let bench = Bench::new();
    let (data, dir) = (bench.data(), bench.dir.path());
    let (store, _) = bench.open();
    write_groups(&store, 40);
    let files = Files::open(&data, &bench.vault).unwrap();
    files.put(&mut &b"an attachment"[..], 100).unwrap();
    let (before, ops) = recorded(&data, || {
        shim::acknowledge(store.head());
        let care = store.key_care().unwrap();
        care.rotate(1).unwrap();
        while care.reseal_step().unwrap() {
            write_groups(&store, 1);
            shim::acknowledge(store.head());
        }
    });
    drop(store);
    for _ in 0..setting("KITH_POWER_CUTS", 60) / 3 {
        let place = tempfile::tempdir().unwrap();
        let at = random.below(ops.len() + 1);
        let mut floor = acknowledged(&ops[..at]);
        let mut disk = before.cut(&ops[..at], &mut random);
        if random.below(3) == 0 {
            // The power goes again while the work goes on.
            let again = place.path().join("again");
            disk.write(&again);
            let (start, more) = recorded(&again, || {
                let (store, _) = try_open(&again, &unlock_at(&again, dir)).unwrap();
                shim::acknowledge(store.head());
                for _ in 0..random.below(12) {
                    store.key_care().unwrap().reseal_step().unwrap();
                }
            });
            let until = random.below(more.len() + 1);
            floor = floor.max(acknowledged(&more[..until]));
            disk = start.cut(&more[..until], &mut random);
        }
        let folder = place.path().join("data");
        disk.write(&folder);
        let store = assert_rotates_to_its_end(&folder, dir, floor);
        drop(store);
        let files = Files::open(&folder, &unlock_at(&folder, dir)).unwrap();
        assert!(files.verify(&mut |_, _| {}).unwrap().is_empty(), "at {at}");
        assert_eq!(files.names().unwrap().len(), 1);
    }
}

#[test]
fn a_power_cut_while_the_vault_is_rewritten_leaves_one_that_a_known_key_opens() {
    let _alone = shim::alone();
    let mut random = Random(seed("cut vaults"));
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (key, public) = new_identity();
    let typed = |text: &str| Secret::new(text.to_string());
    let vault = Vault::create(&data, &Lock::Passphrase(typed("the first of two"))).unwrap();
    let (store, _) = try_open(&data, &vault).unwrap();
    let care = store.key_care().unwrap();
    let recovery = |label: &str, recipient: String| {
        let label = label.to_string();
        Recipient { label, recipient, added_ms: 1, passphrase: false, recovery: true }
    };
    let (before, ops) = recorded(&data, || {
        care.add_recipient(recovery("recovery", public)).unwrap();
        shim::acknowledge(1);
        care.set_passphrase(&typed("the second of two"), 2).unwrap();
        shim::acknowledge(2);
        care.add_recipient(recovery("other", new_identity().1)).unwrap();
        care.remove_recipient("other").unwrap();
    });
    for at in 0..=ops.len() {
        let place = tempfile::tempdir().unwrap();
        before.cut(&ops[..at], &mut random).write(place.path());
        let opens = |unlock: Unlock| Vault::unlock(place.path(), &unlock).is_ok();
        let done = acknowledged(&ops[..at]);
        let first = opens(Unlock::Passphrase(typed("the first of two")));
        let second = opens(Unlock::Passphrase(typed("the second of two")));
        assert!(first != second, "exactly one passphrase opens it, at {at}");
        assert!(done < 2 || second, "the new passphrase was acknowledged, at {at}");
        assert!(done < 1 || opens(Unlock::Identities(key.clone())), "the recovery key was acknowledged, at {at}");
    }
}

#[test]
#[ignore = "run by the test below in a process of its own"]
fn child_rotates_until_killed() {
    let Some(dir) = child_dir() else { return };
    let (store, _) = try_open(&dir.join("data"), &unlock(&dir)).unwrap();
    println!("ready {}", store.head());
    let care = store.key_care().unwrap();
    loop {
        if !care.reseal_step().unwrap() {
            care.rotate(1).unwrap();
        }
        write_groups(&store, 1);
        println!("done {}", store.head());
    }
}

#[test]
fn a_rotation_killed_again_and_again_comes_to_its_end() {
    let mut random = Random(seed("killed rotations"));
    let bench = Bench::new();
    let mut acknowledged = 0;
    for _ in 0..setting("KITH_CRASH_ROUNDS", 10) {
        let mut worker = child("rotation::child_rotates_until_killed", bench.dir.path()).spawn().unwrap();
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap().contains("ready")).unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(300) as u64));
        worker.kill().unwrap();
        let told = lines.map_while(Result::ok).filter_map(|line| line.split_once(' ')?.1.parse().ok()).last();
        worker.wait().unwrap();
        acknowledged = told.unwrap_or(0).max(acknowledged);
        let (store, _) = assert_recovers(&bench.data(), &unlock(bench.dir.path()), acknowledged);
        assert_verifies(&store);
        acknowledged = store.head();
    }
    drop(assert_rotates_to_its_end(&bench.data(), bench.dir.path(), acknowledged));
}

#[test]
fn values_sealed_again_that_are_changed_swapped_or_put_back_are_found() {
    let bench = Bench::new();
    let (store, _) = bench.open();
    write_groups(&store, 30);
    store.close().unwrap();
    drop(store);
    let older = Disk::read(&bench.data());
    let (store, _) = try_open(&bench.data(), &unlock(bench.dir.path())).unwrap();
    store.key_care().unwrap().rotate(1).unwrap();
    finish(&store);
    store.close().unwrap();
    drop(store);
    let newer = Disk::read(&bench.data());
    let log = |disk: &Disk| {
        let named = disk.known().into_iter().find(|(path, _)| path.extension().is_some_and(|e| e == "log"));
        named.unwrap()
    };
    let (path, file) = log(&newer);
    let (_, old_file) = log(&older);
    let (now, before) = (newer.files[&file].clone(), older.files[&old_file].clone());
    let differs: Vec<usize> = (0..now.len()).filter(|at| now[*at] != before[*at]).collect();
    assert_eq!(now.len(), before.len());
    assert!(!differs.is_empty(), "the segment was sealed again");
    let mut random = Random(seed("tampering after a rotation"));
    let mut damaged: Vec<Vec<u8>> = vec![before.clone()];
    // One value of before among those of now: the whole run of bytes that differs around a random place.
    for _ in 0..10 {
        let at = differs[random.below(differs.len())];
        let mut bytes = now.clone();
        let (start, end) = (at.saturating_sub(40), (at + 40).min(now.len()));
        bytes[start..end].copy_from_slice(&before[start..end]);
        damaged.push(bytes);
        let mut bytes = now.clone();
        bytes[at] ^= 1 << random.below(8);
        damaged.push(bytes);
    }
    for (bytes, number) in damaged.into_iter().zip(0..) {
        let mut disk = newer.clone();
        disk.files.insert(file, bytes);
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        disk.write(&data);
        let vault = unlock_at(&data, bench.dir.path());
        let report = Store::inspect(&data, &vault, &mut |_, _| {}).unwrap();
        assert!(!report.is_clean(), "{number}: a change in {path:?} was not seen");
        assert!(report.findings.iter().any(|finding| finding.place.starts_with("journal")), "{:?}", report.findings);
    }
}

#[test]
fn an_older_segment_put_back_during_a_rotation_is_only_sealed_again() {
    let bench = Bench::new();
    let (store, _) = bench.open();
    write_groups(&store, 30);
    let first = bench.data().join("journal/00000000000000000001.log");
    let before = std::fs::read(&first).unwrap();
    let care = store.key_care().unwrap();
    care.rotate(1).unwrap();
    (0..3).for_each(|_| assert!(care.reseal_step().unwrap()));
    assert!(std::fs::read(&first).unwrap() != before);
    std::fs::write(&first, before).unwrap();
    finish(&store);
    assert_eq!(key_ids(&store), [2]);
    assert_verifies(&store);
    assert!(content(&store) == steady_content(store.head()));
}

#[test]
fn a_damaged_segment_stops_the_rotation_and_not_the_store_and_the_old_key_stays() {
    let bench = Bench::new();
    let (store, _) = bench.open();
    write_groups(&store, 30);
    let first = bench.data().join("journal/00000000000000000001.log");
    let good = std::fs::read(&first).unwrap();
    let mut bad = good.clone();
    *bad.iter_mut().rev().find(|byte| **byte != 0).unwrap() ^= 1;
    std::fs::write(&first, bad).unwrap();
    let care = store.key_care().unwrap();
    care.rotate(1).unwrap();
    let refused = (0..100).find_map(|_| care.reseal_step().err()).unwrap();
    assert_eq!(refused.code(), "store.damaged");
    assert!(care.keys().resealing.unwrap().failed.unwrap().contains("damaged"));
    assert_eq!(key_ids(&store), [1, 2]);
    write_groups(&store, 1);
    std::fs::write(&first, good).unwrap();
    finish(&store);
    assert_eq!(key_ids(&store), [2]);
    assert_verifies(&store);
}

#[test]
fn a_disk_that_fails_during_a_rotation_loses_nothing() {
    let _alone = shim::alone();
    let mut random = Random(seed("failing rotations"));
    for round in 0..setting("KITH_FAULTS", 24) / 3 {
        let bench = Bench::new();
        let (store, _) = bench.open();
        write_groups(&store, 20);
        let head = store.head();
        shim::fail_after(&bench.data(), random.below(80), if round % 2 == 0 { 28 } else { 5 });
        let care = store.key_care().unwrap();
        if care.rotate(1).is_ok() {
            while care.reseal_step().unwrap_or(false) {}
        }
        drop(store);
        shim::finish();
        drop(assert_rotates_to_its_end(&bench.data(), bench.dir.path(), head));
    }
}
