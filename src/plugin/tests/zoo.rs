//! Plugins built for earlier versions of the contract go on working in this host: each file in `tests/fixtures/plugins` as it was built then.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::Bench;
use crate::{delivery, package};

/// What it did when it was put there.
fn works(bench: &Bench, plugin: &str) {
    match plugin {
        "fixture-good" => {
            bench.start();
            bench.until("the beginning", || bench.engine.cursor(&delivery::cursor(plugin)).unwrap() > 0);
            let person =
                bench.create("people", json!({"first_name": "ada", "last_name": "L", "emails": ["a@example.com"]}));
            let person = person.unwrap();
            let values = bench.values("people", person.id);
            assert_eq!((&values["first_name"], &values["fixture_good__score"]), (&json!("Ada"), &json!(10)));
            assert!(bench.create("people", json!({"last_name": "Reject"})).is_err());
            bench.until("the event", || bench.count("fixture_good__things") == 1);
            assert_eq!(bench.act("people", person.id, "fixture_good__greet").unwrap().as_deref(), Some("Hello to 1"));
            let kept = bench.act("people", person.id, "fixture_good__attach").unwrap();
            assert_eq!(kept.as_deref(), Some("12 bytes of good.txt"));
        }
        "vat-iban" => {
            bench.create("companies", json!({"name": "A", "vat_number": "IT00743110157"})).unwrap();
            assert!(bench.create("companies", json!({"name": "B", "vat_number": "IT00743110158"})).is_err());
        }
        "books-bridge" => {
            let key = "books_bridge__invoices";
            assert!(bench.engine.schema().object(key).is_some_and(|object| object.field("amount").is_some()));
            assert!(bench.plugins.health(plugin).is_ok());
        }
        other => panic!("say in this test what '{other}' does"),
    }
}

#[test]
fn plugins_of_every_version_of_the_contract_work() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/plugins");
    let mut met = 0;
    for version in fs::read_dir(root).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for file in fs::read_dir(version.path()).unwrap().flatten() {
            let content = fs::read(file.path()).unwrap();
            let about = package::read(&content).unwrap().manifest.plugin;
            assert_eq!(about.api.as_str(), version.file_name().to_str().unwrap(), "{:?}", file.path());
            let bench = Bench::new();
            bench.install(&content);
            works(&bench, &about.id);
            met += 1;
        }
    }
    assert!(met >= 3, "the files are there");
}
