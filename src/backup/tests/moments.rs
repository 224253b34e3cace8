//! A backup is the state at one entry, whatever goes on meanwhile, and leads back to every entry before it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[test]
fn under_concurrent_writers_a_backup_is_exactly_the_state_at_its_entry() {
    let bench = Bench::new();
    let known: Vec<RecordId> = (0..400).map(|n| bench.person(&format!("Person {n}")).id).collect();
    let stop = AtomicBool::new(false);
    let entries = std::thread::scope(|scope| {
        for writer in 0..3 {
            let (bench, stop, known) = (&bench, &stop, &known);
            scope.spawn(move || {
                let mut turn = 0usize;
                while !stop.load(Ordering::Relaxed) {
                    let id = known[(turn * 7 + writer * 131) % known.len()];
                    match turn % 5 {
                        0 => drop(bench.person(&format!("Late {writer} {turn}"))),
                        1 if writer == 0 => {
                            let made = bench.person("Short");
                            bench.run(Command::Delete { object: "people".into(), id: made.id, version: None });
                        }
                        _ => drop(bench.rename(id, &format!("Renamed {writer} {turn}"))),
                    }
                    turn += 1;
                }
            });
        }
        let taken: Vec<Entry> =
            (0..4).map(|n| bench.take(if n == 0 || n == 2 { Kind::Full } else { Kind::Incremental })).collect();
        stop.store(true, Ordering::Relaxed);
        taken
    });
    assert!(bench.engine.head() > entries[3].last_seq, "nobody wrote meanwhile: the test proved nothing");
    for entry in &entries {
        let path = entry.path().unwrap();
        let model = bench.model(entry.last_seq);
        let (dir, restored) = bench.restore(&path, Until::End).unwrap();
        assert_eq!(restored.seq, entry.last_seq);
        let (store, _) = opened(&dir);
        assert_eq!(content(&store), model, "entry {}", entry.last_seq);
        let hash = bench.engine.storage().read_from(entry.last_seq, 1).unwrap()[0].hash;
        assert_eq!(store.read_from(entry.last_seq, 1).unwrap()[0].hash, hash, "the chain is the same");
        let lines = lines(&path, &bench.identity);
        let versions = |id: &RecordId| lines[id]["version"].as_u64().unwrap();
        if entry.kind == Kind::Full {
            assert!(lines.keys().eq(model.keys()));
        }
        for (id, record) in &lines {
            assert_eq!(model[id].0, versions(id), "{record}");
            let stored = Record::decode(*id, versions(id), 0, &model[id].1).unwrap();
            assert_eq!(record["trashed"] == json!(true), stored.trashed);
        }
    }
}

#[test]
fn every_moment_before_a_backup_can_be_restored() {
    let bench = Bench::new();
    let first = bench.engine.head();
    let ids: Vec<RecordId> = (0..20).map(|n| bench.person(&format!("Person {n}")).id).collect();
    let full = bench.take(Kind::Full);
    for (n, id) in ids.iter().enumerate() {
        bench.rename(*id, &format!("Renamed {n}"));
    }
    bench.run(Command::Delete { object: "people".into(), id: ids[3], version: None });
    let last = bench.take(Kind::Incremental);
    let path = last.path().unwrap();
    for seq in [1, first, first + 7, full.last_seq, full.last_seq + 1, full.last_seq + 9, last.last_seq] {
        let (dir, restored) = bench.restore(&path, Until::Seq(seq)).unwrap();
        let (store, _) = opened(&dir);
        assert_eq!((restored.seq, store.head()), (seq, seq));
        assert_eq!(content(&store), bench.model(seq), "entry {seq}");
    }
    let all = bench.engine.storage().read_from(1, usize::MAX).unwrap();
    for entry in all.iter().skip(first as usize).step_by(9).take(3) {
        let (dir, restored) = bench.restore(&path, Until::Time(entry.time_ms)).unwrap();
        let expected = all.iter().take_while(|other| other.time_ms <= entry.time_ms).last().unwrap().seq;
        assert_eq!(restored.seq, expected.min(last.last_seq));
        assert_eq!(content(&opened(&dir).0), bench.model(restored.seq));
    }
    let code = |until| bench.restore(&path, until).err().unwrap().code();
    assert_eq!(code(Until::Seq(last.last_seq + 1)), "backup.moment");
    assert_eq!(code(Until::Seq(0)), "backup.moment");
    assert_eq!(code(Until::Time(0)), "backup.moment");
    assert_eq!(code(Until::Time(i64::MAX / 2)), "backup.moment");
}

#[test]
fn attachments_come_back_whole_and_later_ones_do_not_slip_into_the_past() {
    let bench = Bench::new();
    let content = "Zoë's offer 🦊 ".repeat(9_000).into_bytes();
    let (early, record) = bench.attach("../Angebot für Zoë.pdf", &content);
    let before = bench.engine.head();
    let (late, _) = bench.attach("later.txt", b"later");
    let full = bench.take(Kind::Full);
    assert_eq!(full.files, 2);
    let (dir, restored) = bench.restore(&full.path().unwrap(), Until::End).unwrap();
    assert_eq!(restored.files, 2);
    let mut back = Vec::new();
    std::io::Read::read_to_end(&mut opened(&dir).1.read(&early).unwrap(), &mut back).unwrap();
    assert_eq!(back, content);
    let members = members(&full.path().unwrap(), &bench.identity);
    let name = format!("files/{early}-_Angebot_f_r_Zo_.pdf");
    assert!(members.contains_key(&name), "{:?}", members.keys());
    assert_eq!(lines(&full.path().unwrap(), &bench.identity)[&record.id]["values"]["content"], json!(early));
    let (dir, restored) = bench.restore(&full.path().unwrap(), Until::Seq(before)).unwrap();
    assert_eq!(restored.files, 1);
    assert_eq!(opened(&dir).1.read(&late).err().unwrap().code(), "store.no_such_file");
}

#[test]
fn a_damaged_attachment_does_not_keep_the_rest_from_being_saved() {
    let bench = Bench::new();
    let (broken, _) = bench.attach("broken.bin", &vec![7; 200_000]);
    let (headless, _) = bench.attach("headless.bin", b"content");
    let (good, _) = bench.attach("good.bin", b"content");
    let place = bench.dir.path().join("data/files");
    let mut bytes = std::fs::read(place.join(&broken)).unwrap();
    let at = bytes.len() - 1_000;
    bytes[at] ^= 1;
    std::fs::write(place.join(&broken), bytes).unwrap();
    std::fs::write(place.join(&headless), b"nothing").unwrap();
    let full = bench.take(Kind::Full);
    assert!(full.message.contains("2 attachments"), "{}", full.message);
    let (dir, restored) = bench.restore(&full.path().unwrap(), Until::End).unwrap();
    let mut named = vec![broken, headless];
    named.sort();
    assert_eq!((restored.files, restored.damaged_files), (1, named));
    assert!(opened(&dir).1.read(&good).is_ok());
}

#[test]
fn readers_of_the_journal_go_on_where_they_were() {
    let bench = Bench::new();
    (0..5).for_each(|n| drop(bench.person(&format!("Person {n}"))));
    bench.engine.set_cursor("webhooks", bench.engine.head()).unwrap();
    let at = bench.engine.head();
    let full = bench.take(Kind::Full);
    let (dir, _) = bench.restore(&full.path().unwrap(), Until::End).unwrap();
    assert_eq!(opened(&dir).0.cursor("webhooks").unwrap(), at);
    let (dir, _) = bench.restore(&full.path().unwrap(), Until::Seq(at - 2)).unwrap();
    assert_eq!(opened(&dir).0.cursor("webhooks").unwrap(), at - 2);
}
