//! Power cuts at any moment: of the first moments of a store, of steady work, of an erasure, and of the recovery itself.

use std::path::Path;

use kith_store::{Storage, Vault};

use crate::{
    common::{
        Bench, Random, assert_recovers, assert_verifies, content, id, seed, setting, steady, steady_content, try_open,
    },
    image::Disk,
    shim::{self, Op},
};

/// Runs `work` on the data folder and gives the disk before and the record.
pub fn recorded(data: &Path, work: impl FnOnce()) -> (Disk, Vec<Op>) {
    let before = Disk::read(data);
    shim::start(data, &before.known());
    work();
    (before, shim::finish())
}

pub fn acknowledged(ops: &[Op]) -> u64 {
    ops.iter().filter_map(|op| if let Op::Acknowledged(seq) = op { Some(*seq) } else { None }).max().unwrap_or(0)
}

fn write_steadily(data: &Path, vault: &Vault, groups: u64, random: &mut Random) {
    let (store, _) = try_open(data, vault).unwrap();
    for _ in 0..groups {
        let head = store.head();
        let group = (1..=1 + random.below(4) as u64).map(|more| steady(head + more)).collect();
        let seqs = store.append(head, group).unwrap();
        shim::acknowledge(*seqs.last().unwrap());
    }
    if random.below(2) == 0 {
        store.close().unwrap();
    }
}

/// Cuts the power at a random moment of `ops`, lets it come back, sometimes cuts again while recovering, and checks.
fn cut_and_check(vault: &Vault, before: &Disk, ops: &[Op], random: &mut Random) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let at = random.below(ops.len() + 1);
    let mut floor = acknowledged(&ops[..at]);
    let mut disk = before.cut(&ops[..at], random);
    for round in 0..random.below(3) {
        let data = dir.path().join(format!("again-{round}"));
        disk.write(&data);
        let (start, recovery) = recorded(&data, || {
            let (store, _) = try_open(&data, vault).unwrap_or_else(|error| panic!("{}: {error}", error.code()));
            // What was shown once must stay.
            shim::acknowledge(store.head());
        });
        let again = random.below(recovery.len() + 1);
        floor = floor.max(acknowledged(&recovery[..again]));
        disk = start.cut(&recovery[..again], random);
    }
    let data = dir.path().join("data");
    disk.write(&data);
    let (store, report) = assert_recovers(&data, vault, floor);
    assert_verifies(&store);
    let next = store.head() + 1;
    store.append(next - 1, vec![steady(next)]).unwrap();
    store.close().unwrap();
    drop(store);
    let (store, _) = assert_recovers(&data, vault, next);
    drop(store);
    report.rebuilt
}

#[test]
fn no_acknowledged_write_is_lost_in_a_power_cut() {
    let _alone = shim::alone();
    let mut random = Random(seed("power cuts"));
    let (all, mut rebuilt) = (setting("KITH_POWER_CUTS", 60), 0);
    let mut done = 0;
    while done < all {
        let bench = Bench::new();
        let data = bench.data();
        if random.below(4) > 0 {
            // Otherwise the record begins with the store's birth.
            write_steadily(&data, &bench.vault, 5, &mut random);
        }
        let (before, ops) = recorded(&data, || write_steadily(&data, &bench.vault, 40, &mut random));
        for _ in 0..20.min(all - done) {
            rebuilt += u64::from(cut_and_check(&bench.vault, &before, &ops, &mut random));
            done += 1;
        }
    }
    println!("{done} power cuts, {rebuilt} of them with a record store rebuilt");
}

#[test]
fn an_erasure_cut_short_is_carried_out_and_nothing_else_is_touched() {
    let _alone = shim::alone();
    let mut random = Random(seed("cut erasures"));
    let bench = Bench::new();
    let data = bench.data();
    write_steadily(&data, &bench.vault, 40, &mut random);
    let (store, _) = bench.open();
    let head = store.head();
    let gone = [id(3), id(7)];
    let mut kept = steady_content(head);
    let (before, ops) = recorded(&data, || {
        shim::acknowledge(head);
        store.erase(&gone, b"asked".to_vec(), 9).unwrap();
        shim::acknowledge(head + 1);
    });
    drop(store);
    gone.iter().for_each(|id| drop(kept.remove(id)));
    let needle = &steady(first_of(3, head)).changes[0].value;
    assert!(!needle.is_empty());
    for _ in 0..setting("KITH_POWER_CUTS", 60) / 3 {
        let dir = tempfile::tempdir().unwrap();
        let at = random.below(ops.len() + 1);
        before.cut(&ops[..at], &mut random).write(dir.path());
        let (store, report) = try_open(dir.path(), &bench.vault).unwrap_or_else(|error| panic!("at {at}: {error}"));
        assert!(store.head() >= acknowledged(&ops[..at]));
        if store.head() == head {
            assert_eq!(content(&store), steady_content(head));
        } else {
            assert_eq!(content(&store), kept, "{report:?}");
            let (_, change) = store.read_change(first_of(3, head), id(3)).unwrap().unwrap();
            assert_eq!(change.value, None, "the value must be gone once the erasure is there: {report:?}");
        }
        assert_verifies(&store);
    }
}

/// The first entry of the steady writer that changes record `n`.
fn first_of(n: u64, head: u64) -> u64 {
    (1..=head).find(|seq| steady(*seq).changes[0].id == id(n)).unwrap()
}
