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

/// A person who is anonymised some time after a backup, and what the rule left of them.
fn anonymised(bench: &Bench) -> (Record, Entry, u64) {
    let person =
        bench.create("people", json!({ "first_name": "Ludmilla", "last_name": "Forgotten", "job_title": "Smith" }));
    bench.rename(person.id, "Forgotten-Again");
    let full = bench.take(Kind::Full);
    let rule = json!({
        "name": "Former", "object": "people", "days": 0, "action": "anonymise", "percent_max": 100,
        "fields": { "first_name": null, "last_name": "former customer" }
    });
    let rule = bench.create("retention_rules", rule);
    let before = bench.engine.head();
    // The rule looks for what is older than now.
    std::thread::sleep(std::time::Duration::from_millis(5));
    let run = bench.engine.run_retention(&Actor::cli(), rule.id, true).unwrap();
    assert_eq!((run.state.as_str(), run.count), ("done", 1), "{}", run.message);
    (bench.engine.get(&Actor::cli(), "people", person.id).unwrap(), full, before)
}

fn texts(store: &Store, id: RecordId) -> Vec<String> {
    let mut found = None;
    store
        .scan(&mut |at, version, seq, value| {
            if at == id {
                found = Some(Record::decode(at, version, seq, value).unwrap());
            }
        })
        .unwrap();
    let found = found.expect("the record is there");
    let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
    found.values.iter().filter_map(|(_, value)| text(value)).collect()
}

#[test]
fn who_was_anonymised_after_a_backup_is_there_after_a_restore_and_anonymous() {
    let bench = Bench::new();
    let (person, full, _) = anonymised(&bench);
    crate::erasures::write(&bench.engine, &bench.folder(), std::slice::from_ref(&bench.recipient)).unwrap();
    for until in [Until::End, Until::Seq(full.last_seq - 1)] {
        let (dir, restored) = bench.restore(&full.path().unwrap(), until).unwrap();
        assert_eq!((restored.erased, restored.replaced), (0, 1));
        let (store, _) = opened(&dir);
        let texts = texts(&store, person.id);
        assert!(texts.contains(&"former customer".to_string()) && texts.contains(&"Smith".to_string()), "{texts:?}");
        assert!(!holds(&store, "Forgotten") && !holds(&store, "Ludmilla"));
    }
}

#[test]
fn who_was_anonymised_keeps_what_was_written_since() {
    let bench = Bench::new();
    let (person, _, before) = anonymised(&bench);
    bench.update(person.id, json!({ "job_title": "Carpenter" }));
    let later = bench.take(Kind::Incremental);
    // The journal itself holds the erasure and what came after it; the list says the same once more.
    let (dir, restored) = bench.restore(&later.path().unwrap(), Until::End).unwrap();
    assert_eq!((restored.erased, restored.replaced), (0, 0));
    assert_eq!(content(&opened(&dir).0), bench.model(later.last_seq));
    // Another past, in which the same record goes on: the list of the first one takes nothing from it.
    let (dir, restored) = bench.restore(&later.path().unwrap(), Until::Seq(before)).unwrap();
    assert_eq!((restored.erased, restored.replaced), (0, 1));
    assert!(texts(&opened(&dir).0, person.id).contains(&"former customer".to_string()));
}

#[test]
fn who_was_anonymised_and_erased_later_is_gone() {
    let bench = Bench::new();
    let (person, full, _) = anonymised(&bench);
    erase(&bench, person.id);
    crate::erasures::write(&bench.engine, &bench.folder(), std::slice::from_ref(&bench.recipient)).unwrap();
    let (dir, restored) = bench.restore(&full.path().unwrap(), Until::End).unwrap();
    assert_eq!((restored.erased, restored.replaced), (1, 0));
    let (store, _) = opened(&dir);
    assert!(!content(&store).contains_key(&person.id) && !holds(&store, "Forgotten"));
}

#[test]
fn without_a_list_who_was_anonymised_is_rather_gone_than_shown() {
    let bench = Bench::new();
    let (person, full, before) = anonymised(&bench);
    let later = bench.take(Kind::Incremental);
    for item in std::fs::read_dir(bench.folder()).unwrap().flatten() {
        if item.file_name().to_string_lossy().starts_with("kith-erasures") {
            std::fs::remove_file(item.path()).unwrap();
        }
    }
    let (dir, restored) = bench.restore(&later.path().unwrap(), Until::Seq(before)).unwrap();
    assert_eq!((restored.erased, restored.replaced, restored.erasures_known), (1, 0, false));
    assert!(!content(&opened(&dir).0).contains_key(&person.id) && full.last_seq < before);
}
