//! A disk that fills up, fails, or cannot be written: a clear error, no acknowledgement, nothing lost.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use kith_store::{Storage, Store, StoreError, Vault};

use crate::{
    common::{Bench, Random, assert_recovers, seed, setting, steady, try_open, unlock},
    kill::{child, child_dir},
    shim,
    small_disk::SmallDisk,
};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// Writes until something fails. Gives the last acknowledged number and the error.
fn write_until_refused(store: &Store, groups: usize) -> (u64, Option<StoreError>) {
    let mut acknowledged = store.head();
    for _ in 0..groups {
        let head = store.head();
        match store.append(head, vec![steady(head + 1), steady(head + 2)]) {
            Ok(seqs) => acknowledged = *seqs.last().unwrap(),
            Err(error) => return (acknowledged, Some(error)),
        }
    }
    (acknowledged, store.checkpoint().err())
}

#[test]
fn a_write_or_sync_that_fails_stops_the_store_and_loses_nothing() {
    let _alone = shim::alone();
    let mut random = Random(seed("failing disk"));
    for round in 0..setting("KITH_FAULTS", 24) {
        let bench = Bench::new();
        let (store, _) = bench.open();
        let errno = if round % 2 == 0 { ENOSPC } else { EIO };
        shim::fail_after(&bench.data(), random.below(150), errno);
        let (acknowledged, error) = write_until_refused(&store, 60);
        if error.is_none() {
            shim::finish();
            continue;
        }
        let later = (0..200).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            store.append(store.head(), vec![steady(store.head() + 1)]).err()
        });
        let code = later.expect("a stopped store must not go on").code();
        assert!(["store.disk_full", "store.stopped"].contains(&code), "{code}");
        let codes = if errno == ENOSPC { ["store.disk_full", "store.stopped"] } else { ["store.io", "store.stopped"] };
        let first = error.unwrap();
        assert!(codes.contains(&first.code()), "{} {first}", first.code());
        assert!(store.stats().stopped || first.code() == "store.disk_full");
        drop(store);
        shim::finish();
        assert_recovers(&bench.data(), &bench.vault, acknowledged);
    }
}

#[test]
fn an_opening_that_meets_a_failing_disk_is_refused_and_can_be_repeated() {
    let _alone = shim::alone();
    let mut random = Random(seed("failing opening"));
    let bench = Bench::new();
    let (store, _) = bench.open();
    let (acknowledged, _) = write_until_refused(&store, 30);
    drop(store);
    for round in 0..12 {
        shim::fail_after(&bench.data(), random.below(30), if round % 2 == 0 { ENOSPC } else { EIO });
        let opened = try_open(&bench.data(), &bench.vault);
        if let Err(error) = &opened {
            assert!(
                ["store.disk_full", "store.io", "store.stopped"].contains(&error.code()),
                "{} {error}",
                error.code()
            );
        }
        drop(opened);
        shim::finish();
    }
    assert_recovers(&bench.data(), &bench.vault, acknowledged);
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost_when_there_is_space_again() {
    let bench = Bench::new();
    let small = bench.dir.path().join("small");
    // Where there is none, failing writes are tested above.
    let Some(_disk) = SmallDisk::mount(&small, 48 << 20) else { return };
    let data = small.join("data");
    copy(&bench.data(), &data);
    let (store, _) = try_open(&data, &bench.vault).unwrap();
    let (acknowledged, error) = write_until_refused(&store, 100_000);
    let error = error.expect("48 MB do not hold a gigabyte");
    assert_eq!(error.code(), "store.disk_full", "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
    drop(store);
    std::fs::write(small.join("ballast"), vec![1; 1 << 20]).ok();
    let moved = bench.dir.path().join("moved");
    copy(&data, &moved);
    assert_recovers(&moved, &bench.vault, acknowledged);
}

fn copy(from: &Path, to: &Path) {
    crate::image::Disk::read(from).write(to);
}

#[test]
#[ignore = "run by the test below in a process of its own"]
fn child_opens_read_only() {
    let Some(dir) = child_dir() else { return };
    let vault: Vault = unlock(&dir);
    println!("code {}", try_open(&dir.join("data"), &vault).map_or_else(|error| error.code(), |_| "opened"));
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_and_left_as_it_was() {
    let bench = Bench::new();
    drop(bench.open());
    let open_to_read = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let mut todo = vec![bench.dir.path().to_path_buf()];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            open_to_read(&path, 0o555);
            todo.extend(std::fs::read_dir(&path).unwrap().map(|item| item.unwrap().path()));
        } else {
            open_to_read(&path, 0o444);
        }
    }
    let mut reader = child("disk::child_opens_read_only", bench.dir.path());
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere; nobody may not.
        reader.uid(65_534).gid(65_534);
    }
    let exe = std::env::current_exe().unwrap();
    let reachable = exe
        .ancestors()
        .all(|path| std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o005 == 0o005));
    if !reachable && rustix::process::geteuid().is_root() {
        // The test binary lies below a private folder: give the child a copy it may run.
        let copy = std::env::temp_dir().join(format!("kith-store-test-{}", std::process::id()));
        std::fs::copy(&exe, &copy).unwrap();
        open_to_read(&copy, 0o755);
        let mut other = Command::new(&copy);
        other.args(reader.get_args()).env("KITH_CHILD_DIR", bench.dir.path()).uid(65_534).gid(65_534);
        let said = other.output().unwrap();
        std::fs::remove_file(copy).unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.contains("code store.read_only"), "{said}");
    } else {
        let said = String::from_utf8_lossy(&reader.output().unwrap().stdout).into_owned();
        assert!(said.contains("code store.read_only"), "{said}");
    }
    open_to_read(bench.dir.path(), 0o755);
    open_to_read(&bench.data(), 0o755);
}
