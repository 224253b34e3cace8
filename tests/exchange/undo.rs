//! Taking an import back: created records to the trash, updated ones set back, what was changed since left and told.

use kith_exchange::import;
use serde_json::json;

use crate::bench::{Bench, plain};

const FILE: &[u8] = b"Email,First Name,Last Name,Company\nada@x.example,Ada,Lovelace,Acme\nbo@x.example,Bo,Berg,Acme\n";

#[test]
fn an_import_is_undone_after_a_restart() {
    let mut bench = Bench::new();
    let known = bench.create("people", json!({"first_name": "Augusta", "emails": ["ada@x.example"]}));
    let report = bench.import(FILE, plain());
    assert_eq!((report.created, report.updated, report.links_created), (1, 1, 1));
    bench.reopen();
    let undone = bench.undo(report.id);
    assert_eq!((undone.removed, undone.reverted, undone.kept), (2, 1, 0));
    assert_eq!((bench.count("people"), bench.count("companies")), (1, 0));
    let person = bench.one("people", "");
    assert_eq!(
        (person["first_name"].as_str(), &person["last_name"], &person["company"]),
        (Some("Augusta"), &json!(null), &json!(null))
    );
    assert_eq!(bench.all("people", "")[0].id, known);
    assert_eq!(import::status(&bench.engine, &bench.actor, report.id).unwrap()["state"], "undone");
}

#[test]
fn what_somebody_changed_since_is_left_and_told() {
    let bench = Bench::new();
    let known = bench.create("people", json!({"first_name": "Augusta", "emails": ["ada@x.example"]}));
    let report = bench.import(FILE, plain());
    let bo = bench.all("people", r#"first_name == "Bo""#)[0].id;
    bench.update("people", bo, json!({"job_title": "Boss"}));
    bench.update("people", known, json!({"last_name": "King"}));
    let undone = bench.undo(report.id);
    assert_eq!((undone.kept, undone.reverted), (2, 1));
    assert!(undone.kept_ids.contains(&bo) && undone.kept_ids.contains(&known));
    let person = bench.one("people", r#""ada@x.example" in emails"#);
    assert_eq!((person["first_name"].as_str(), person["last_name"].as_str()), (Some("Augusta"), Some("King")));
}

#[test]
fn an_import_is_undone_once_and_an_unknown_one_never() {
    let bench = Bench::new();
    let report = bench.import(FILE, plain());
    bench.undo(report.id);
    let again = import::undo(&bench.engine, &bench.actor, report.id, &mut |_| {}).unwrap_err();
    assert_eq!(again.code(), "import.conflict");
    let unknown = import::undo(&bench.engine, &bench.actor, kith_base::RecordId([9; 16]), &mut |_| {}).unwrap_err();
    assert_eq!(unknown.code(), "import.not_found");
}

#[test]
fn an_interrupted_import_is_marked_as_failed_and_can_be_undone() {
    let mut bench = Bench::new();
    let mut csv = String::from("Email,Last Name\n");
    (0..1_500).for_each(|n| csv.push_str(&format!("p{n}@x.example,P{n}\n")));
    let options = serde_json::from_value(plain()).unwrap();
    let announced = import::start(&bench.engine, &bench.actor, csv.as_bytes(), &options).unwrap();
    let id = announced.id;
    // The process dies after the first batch: nothing is noted any more.
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = import::carry_out(&bench.engine, &bench.actor, announced, csv.as_bytes(), &options, &mut |_| {
            panic!("killed")
        });
    }));
    assert!(died.is_err());
    bench.reopen();
    let there = bench.count("people");
    assert!(there > 0 && there < 1_500, "{there}");
    assert_eq!(import::mark_interrupted(&bench.engine).unwrap(), 1);
    let status = import::status(&bench.engine, &bench.actor, id).unwrap();
    assert_eq!(status["state"], "failed");
    assert_eq!(bench.undo(id).removed, there);
    assert_eq!(bench.count("people"), 0);
}

#[test]
fn the_record_of_an_import_says_what_came_of_it() {
    let bench = Bench::new();
    let report = bench.import(FILE, json!({"file_name": "friends.csv"}));
    let status = import::status(&bench.engine, &bench.actor, report.id).unwrap();
    assert_eq!((status["state"].as_str(), status["name"].as_str()), (Some("done"), Some("friends.csv")));
    assert_eq!(
        (status["rows"].as_u64(), status["created"].as_u64(), status["links_created"].as_u64()),
        (Some(2), Some(2), Some(1))
    );
    let person = bench.all("people", "").remove(0);
    let history = bench.engine.history(&bench.actor, "people", person.id, None, 10).unwrap();
    assert_eq!(
        (history.items[0].cause.kind.as_str(), history.items[0].cause.id.clone()),
        ("import", report.id.to_string())
    );
}
