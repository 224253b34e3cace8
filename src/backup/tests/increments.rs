//! Increments hold what changed and find what they build on; a chain with a gap is refused by name.

use std::fs;

use super::*;
use crate::verify;

fn check(bench: &Bench, entry: &Entry) -> crate::Checked {
    verify(&entry.path().unwrap(), bench.dir.path(), &bench.identity, 1, &mut |_, _| {}).unwrap()
}

#[test]
fn a_chain_restores_to_its_end_and_each_link_holds_only_what_changed() {
    let bench = Bench::new();
    let ids: Vec<RecordId> = (0..50).map(|n| bench.person(&format!("Person {n}")).id).collect();
    let (old, _) = bench.attach("old.txt", b"old");
    let mut chain = vec![bench.take(Kind::Full)];
    for (round, id) in ids.iter().take(3).enumerate() {
        bench.rename(*id, "Changed");
        bench.attach("new.txt", format!("new {round}").as_bytes());
        chain.push(bench.take(Kind::Incremental));
    }
    for (at, entry) in chain.iter().enumerate() {
        let checked = check(&bench, entry);
        assert_eq!((checked.restored.from.len(), checked.restored.counts["people"]), (at + 1, 50));
        assert_eq!((checked.first_seq, checked.last_seq), (entry.first_seq, entry.last_seq));
        let (dir, _) = bench.restore(&entry.path().unwrap(), Until::End).unwrap();
        assert_eq!(content(&opened(&dir).0), bench.model(entry.last_seq));
        if at > 0 {
            let people = lines(&entry.path().unwrap(), &bench.identity);
            let people: Vec<&Json> = people.values().filter(|r| r["object"] == "people").collect();
            assert_eq!(people.len(), 1);
            assert_eq!(people[0]["values"]["last_name"], "Changed");
            assert!(!members(&entry.path().unwrap(), &bench.identity).keys().any(|path| path.contains(&old)));
            assert_eq!(entry.files, 1);
        }
    }
    let full = &chain[0];
    assert!(chain[3].size_bytes < full.size_bytes / 2, "{} of {}", chain[3].size_bytes, full.size_bytes);
}

#[test]
fn a_missing_link_is_named_and_nothing_is_written() {
    let bench = Bench::new();
    bench.person("Person");
    let full = bench.take(Kind::Full);
    let middle = bench.take(Kind::Incremental);
    let last = bench.take(Kind::Incremental);
    fs::rename(middle.path().unwrap(), bench.dir.path().join("away")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let lock = lock();
    let options = Options { identity: &bench.identity, until: Until::End, erasures: &[], lock: &lock, now_ms: 1 };
    let error = restore(&last.path().unwrap(), &dir.path().join("data"), &options, &mut |_, _| {}).unwrap_err();
    assert_eq!(error.code(), "backup.gap");
    assert!(error.to_string().contains(&middle.id.to_string()), "{error}");
    assert!(!dir.path().join("data").exists());
    // Another name does no harm: what counts is what a file says of itself.
    fs::rename(bench.dir.path().join("away"), bench.folder().join("renamed.age")).unwrap();
    assert_eq!(bench.restore(&last.path().unwrap(), Until::End).unwrap().1.from.len(), 3);
    fs::remove_file(full.path().unwrap()).unwrap();
    assert_eq!(bench.restore(&last.path().unwrap(), Until::End).err().unwrap().code(), "backup.gap");
}

#[test]
fn an_increment_needs_something_to_build_on_that_is_still_there() {
    let bench = Bench::new();
    assert_eq!(bench.try_take(Kind::Incremental).err().unwrap().code(), "backup.no_base");
    let full = bench.take(Kind::Full);
    let folder = bench.folder().display().to_string();
    assert_eq!(run::choose(&bench.engine, &folder, Kind::Incremental).unwrap(), Kind::Incremental);
    fs::remove_file(full.path().unwrap()).unwrap();
    assert_eq!(bench.try_take(Kind::Incremental).err().unwrap().code(), "backup.no_base");
    assert_eq!(run::choose(&bench.engine, &folder, Kind::Incremental).unwrap(), Kind::Full);
    let entries = crate::catalog::all(&bench.engine).unwrap();
    assert_eq!(entries.len(), 1, "a refusal leaves no record");
}

#[test]
fn what_is_no_longer_kept_is_removed_and_the_rest_still_restores() {
    let bench = Bench::new();
    for _ in 0..2 {
        bench.take(Kind::Full);
        bench.take(Kind::Incremental);
    }
    let last = bench.take(Kind::Incremental);
    let schedule = crate::schedule::Schedule {
        folder: Some(bench.folder().display().to_string()),
        keep: crate::retention::Keep { last: 1, daily: 0, weekly: 0, monthly: 0 },
        ..Default::default()
    };
    let removed = run::prune(&bench.engine, &Actor::cli(), &schedule).unwrap();
    assert_eq!(removed.len(), 2);
    assert!(removed.iter().all(|name| !bench.folder().join(name).exists()));
    assert_eq!(bench.restore(&last.path().unwrap(), Until::End).unwrap().1.from.len(), 3);
    let states: Vec<_> = crate::catalog::all(&bench.engine).unwrap().into_iter().map(|e| e.state).collect();
    use crate::catalog::State::{Done, Removed};
    assert_eq!(states, [Removed, Removed, Done, Done, Done]);
    assert!(run::prune(&bench.engine, &Actor::cli(), &schedule).unwrap().is_empty());
}
