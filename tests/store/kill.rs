//! A writer process killed at random moments, again and again on the same folder; and a second process on a folder in use.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use kith_store::Storage;

use crate::common::{Bench, Random, assert_recovers, assert_verifies, seed, setting, steady, try_open, unlock};

/// Starts this binary again as one of the ignored tests below, which are not tests but what children do.
pub fn child(name: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("KITH_CHILD_DIR", dir).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

pub fn child_dir() -> Option<std::path::PathBuf> {
    std::env::var_os("KITH_CHILD_DIR").map(Into::into)
}

#[test]
#[ignore = "run by the tests above in a process of its own"]
fn child_writes_until_killed() {
    let Some(dir) = child_dir() else { return };
    let (store, _) = try_open(&dir.join("data"), &unlock(&dir)).unwrap();
    println!("ready {}", store.head());
    let mut random = Random(store.head());
    loop {
        let head = store.head();
        let group = (1..=1 + random.below(6) as u64).map(|more| steady(head + more)).collect();
        let seqs = store.append(head, group).unwrap();
        println!("done {}", seqs.last().unwrap());
    }
}

/// The newest number a killed child told.
fn told(child: &mut Child) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once(' ')?.1.parse().ok()).last().unwrap_or(0)
}

#[test]
fn no_acknowledged_write_is_lost_when_the_process_is_killed() {
    let mut random = Random(seed("kills"));
    let (rounds, mut rebuilt) = (setting("KITH_CRASH_ROUNDS", 10), 0);
    let mut bench = Bench::new();
    let mut acknowledged = 0;
    for round in 0..rounds {
        if acknowledged > 6_000 {
            (bench, acknowledged) = (Bench::new(), 0);
        }
        let mut writer = child("kill::child_writes_until_killed", bench.dir.path()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(400) as u64));
        writer.kill().unwrap();
        acknowledged = told(&mut writer).max(acknowledged);
        writer.wait().unwrap();
        let (store, report) = assert_recovers(&bench.data(), &bench.vault, acknowledged);
        if round % 5 == 0 {
            assert_verifies(&store);
        }
        rebuilt += u64::from(report.rebuilt);
        acknowledged = store.head();
        // Now and then the next process finds a folder that was closed in order.
        if random.below(3) == 0 {
            store.close().unwrap();
        }
    }
    println!("{rounds} kills, {rebuilt} of them with a record store rebuilt");
}

#[test]
fn a_second_process_on_the_folder_is_refused_and_the_first_goes_on() {
    let bench = Bench::new();
    let mut writer = child("kill::child_writes_until_killed", bench.dir.path()).spawn().unwrap();
    let number = writer.id();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("ready")).unwrap().unwrap();
    let refused = try_open(&bench.data(), &bench.vault).err().unwrap();
    assert_eq!(refused.code(), "store.locked");
    assert!(refused.to_string().contains(&number.to_string()), "{refused}");
    assert!(lines.next().unwrap().unwrap().starts_with("done"));
    writer.kill().unwrap();
    let last = lines.map_while(Result::ok).filter_map(|line| line.split_once(' ')?.1.parse().ok()).last().unwrap_or(0);
    writer.wait().unwrap();
    assert_recovers(&bench.data(), &bench.vault, last);
}
