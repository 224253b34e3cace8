//! What was erased for good stays erased, whichever backup is restored.

use super::*;

fn erase(bench: &Bench, id: RecordId) -> u64 {
    bench.engine.storage().erase(&[id], erasure_head(), 5).unwrap()
}

fn holds(store: &Store, word: &str) -> bool {
    let entries = store.read_from(1, usize::MAX).unwrap();
    let values = entries.iter().flat_map(|entry| &entry.changes).filter_map(|change| change.value.as_ref());
    let mut values = values;
    values.any(|value| value.windows(word.len()).any(|window| window == word.as_bytes()))
}

#[test]
fn a_backup_from_before_an_erasure_restores_without_what_was_erased() {
    let bench = Bench::new();
    let person = bench.person("Ludmilla-Forgotten");
    bench.rename(person.id, "Ludmilla-Forgotten-Again");
    let (content_name, file) = bench.attach("ludmilla.txt", b"of Ludmilla");
    let full = bench.take(Kind::Full);
    let path = full.path().unwrap();
    erase(&bench, person.id);
    erase(&bench, file.id);
    // The list beside the backups is older than the erasure.
    let (dir, restored) = bench.restore(&path, Until::End).unwrap();
    assert_eq!((restored.erased, restored.erasures_known), (0, true));
    assert!(holds(&opened(&dir).0, "Ludmilla-Forgotten"), "the test looks in the right place");
    // Now it knows.
    crate::erasures::write(&bench.engine, &bench.folder(), std::slice::from_ref(&bench.recipient)).unwrap();
    for until in [Until::End, Until::Seq(full.last_seq - 3)] {
        let (dir, restored) = bench.restore(&path, until).unwrap();
        assert_eq!((restored.erased, restored.erasures_known), (2, true));
        let (store, files) = opened(&dir);
        assert!(!holds(&store, "Ludmilla"));
        assert!(!content(&store).contains_key(&person.id));
        assert_eq!(files.read(&content_name).err().unwrap().code(), "store.no_such_file");
    }
    // The same list, kept elsewhere and named.
    let list = crate::erasures::find(&bench.folder(), &kith_vault(&bench)).unwrap();
    let away = bench.dir.path().join("list.age");
    std::fs::rename(&list, &away).unwrap();
    assert!(!bench.restore(&path, Until::End).unwrap().1.erasures_known);
    let (dir, restored) = bench.restore_with(&path, Until::End, std::slice::from_ref(&away)).unwrap();
    assert_eq!(restored.erased, 2);
    assert!(!holds(&opened(&dir).0, "Ludmilla"));
}

fn kith_vault(bench: &Bench) -> String {
    crate::manifest::hex(&bench.engine.storage().backup_source().unwrap().vault().id())
}

#[test]
fn an_increment_carries_the_erasure_to_what_it_builds_on_even_when_the_moment_lies_before_it() {
    let bench = Bench::new();
    let person = bench.person("Ludmilla-Forgotten");
    let full = bench.take(Kind::Full);
    bench.person("Somebody");
    let seq = erase(&bench, person.id);
    let last = bench.take(Kind::Incremental);
    // The list alone must not be what does it.
    for item in std::fs::read_dir(bench.folder()).unwrap().flatten() {
        if item.file_name().to_string_lossy().starts_with("kith-erasures") {
            std::fs::remove_file(item.path()).unwrap();
        }
    }
    let (dir, restored) = bench.restore(&last.path().unwrap(), Until::End).unwrap();
    assert_eq!(restored.erased, 0, "the journal itself has the erasure");
    let (store, _) = opened(&dir);
    assert_eq!(content(&store), bench.model(last.last_seq));
    assert!(!holds(&store, "Ludmilla"));
    let (dir, restored) = bench.restore(&last.path().unwrap(), Until::Seq(seq - 1)).unwrap();
    assert_eq!((restored.seq, restored.erased), (seq - 1, 1));
    assert!(!holds(&opened(&dir).0, "Ludmilla"));
    assert!(full.last_seq < seq);
}

#[test]
fn a_list_that_does_not_open_is_no_reason_to_bring_back_what_was_erased() {
    let bench = Bench::new();
    bench.person("Person");
    let full = bench.take(Kind::Full);
    crate::erasures::write(&bench.engine, &bench.folder(), &[new_identity().1]).unwrap();
    let error = bench.restore(&full.path().unwrap(), Until::End).err().unwrap();
    assert_eq!(error.code(), "backup.wrong_identity");
    assert!(error.to_string().contains("kith-erasures"), "{error}");
}

#[test]
fn a_backup_under_which_something_was_erased_is_taken_again() {
    let bench = Bench::new();
    let ids: Vec<RecordId> = (0..5).map(|n| bench.person(&format!("Person {n}")).id).collect();
    let once = std::cell::Cell::new(false);
    let stop = || {
        if !once.replace(true) {
            erase(&bench, ids[1]);
        }
        false
    };
    let wanted = bench.wanted(Kind::Full);
    let entry = run::create_into(&bench.engine, &Actor::cli(), &bench.folder(), &wanted, &stop).unwrap();
    let (dir, _) = bench.restore(&entry.path().unwrap(), Until::End).unwrap();
    assert_eq!(content(&opened(&dir).0), bench.model(entry.last_seq));
    assert!(!lines(&entry.path().unwrap(), &bench.identity).contains_key(&ids[1]));
}
