//! Records as files, and back again without loss.

use std::sync::Arc;

use kith_engine::{
    Actor, FieldAccess,
    access::{Grants, ObjectGrant, Reach, Role},
};
use kith_exchange::export::{self, ExportFormat, ExportOptions};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, plain};

fn filled() -> Bench {
    let bench = Bench::new();
    let company = bench.create(
        "companies",
        json!({"name": "Müller & Søn; Inc.", "annual_revenue": {"amount": "1250.50", "currency": "DKK"}}),
    );
    bench.create(
        "people",
        json!({"first_name": "Zoë", "last_name": "O'Hara", "company": company,
            "emails": [{"value": "zoe@x.example", "label": "work"}, {"value": "z@y.example", "label": "home"}],
            "phones": [{"value": "+4520123456", "label": "mobile"}, {"value": "+18463024275 x118", "label": ""}],
            "address": {"street": "Via Roma 1\nInterno 2", "city": "Forlì", "region": "FC", "postal_code": "47121", "country": "IT"},
            "birthday": "1980-02-29", "tags": ["vip", "a, b"], "lifecycle": "customer", "marketing_consent": true,
            "description": "=cmd()\nline \"two\" 🚴 مرحبا", "job_title": "@boss", "website": "https://x.example/"}),
    );
    bench.create("people", json!({"last_name": "'=quoted", "emails": ["q@x.example"]}));
    bench
}

/// Everything about people that a file can carry, by e-mail.
fn people(bench: &Bench) -> Vec<Json> {
    let mut all: Vec<Json> = bench.all("people", "").iter().map(|r| bench.values(r)).collect();
    for person in &mut all {
        if !person["company"].is_null() {
            person["company"] = Json::String(bench.title(&person["company"]));
        }
    }
    all.sort_by_key(|p| p["last_name"].as_str().map(str::to_string));
    all
}

#[test]
fn csv_and_json_lines_go_into_another_vault_without_loss() {
    for format in [ExportFormat::Csv, ExportFormat::Jsonl] {
        let (from, to) = (filled(), Bench::new());
        // Companies first: their ids are kept, so that people link to them by id.
        for object in ["companies", "people"] {
            let file = from.export(object, format);
            let report = to.import(file.as_bytes(), json!({"object": object}));
            assert_eq!(
                (report.refused, report.warnings),
                (0, 0),
                "{format:?} {object}: {:#?}\n{file}",
                report.problems
            );
        }
        assert_eq!(people(&to), people(&from), "{format:?}");
        assert_eq!(to.one("companies", "")["annual_revenue"], json!({"amount": "1250.50", "currency": "DKK"}));
    }
}

#[test]
fn importing_an_export_into_its_own_vault_changes_nothing() {
    let bench = filled();
    let head_people = people(&bench);
    for format in [ExportFormat::Csv, ExportFormat::Jsonl] {
        let file = bench.export("people", format);
        let report = bench.import(file.as_bytes(), json!({"object": "people"}));
        assert_eq!(
            (report.created, report.updated, report.skipped),
            (0, 0, 2),
            "{format:?} {:#?}\n{file}",
            report.problems
        );
    }
    assert_eq!(people(&bench), head_people);
}

#[test]
fn cards_carry_people_and_come_back() {
    let (from, to) = (filled(), Bench::new());
    let file = from.export("people", ExportFormat::Vcard);
    assert!(file.starts_with("BEGIN:VCARD\r\nVERSION:4.0\r\n") && file.lines().all(|l| l.len() <= 75));
    let report = to.import(file.as_bytes(), plain());
    assert_eq!((report.created, report.refused, report.warnings), (2, 0, 0), "{:#?}\n{file}", report.problems);
    let (mine, theirs) = (people(&to), people(&from));
    for field in
        ["first_name", "emails", "phones", "address", "birthday", "tags", "description", "job_title", "company"]
    {
        assert_eq!(mine[1][field], theirs[1][field], "{field}");
    }
    let error = export::write(
        &from.engine,
        &from.actor,
        &ExportOptions { object: "companies".into(), format: ExportFormat::Vcard, ..ExportOptions::default() },
        &mut Vec::new(),
    );
    assert_eq!(error.unwrap_err().code(), "export.no_cards");
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_guarded() {
    let file = filled().export("people", ExportFormat::Csv);
    assert!(file.contains("'=cmd()") && file.contains("'@boss") && file.contains("''=quoted"), "{file}");
    assert!(file.contains(",+4520123456,"), "a phone number is no formula");
    assert!(!file.contains(",=") && !file.contains("\"=") && !file.contains(",@"));
}

#[test]
fn an_export_keeps_to_the_right_to_export_and_to_hidden_fields() {
    let mut bench = filled();
    let hidden = [("job_title".to_string(), FieldAccess::Hidden)];
    let grant =
        |export| ObjectGrant { export, fields: hidden.clone().into_iter().collect(), ..ObjectGrant::everything() };
    for (reach, code) in [(Reach::None, Some("access.denied")), (Reach::All, None)] {
        let role = Role::new(
            kith_base::RecordId([7; 16]),
            "odd",
            "Odd",
            false,
            Grants { default: grant(reach), ..Grants::default() },
        );
        bench.actor = Actor { role: Arc::new(role), ..Actor::cli() };
        let options = ExportOptions { object: "people".into(), ..ExportOptions::default() };
        let mut out = Vec::new();
        let done = export::write(&bench.engine, &bench.actor, &options, &mut out);
        match code {
            Some(code) => assert_eq!((done.unwrap_err().code(), out.len()), (code, 0)),
            None => {
                let text = String::from_utf8(out).unwrap();
                assert!(!text.contains("boss") && !text.contains("job_title") && text.contains("zoe@x.example"));
            }
        }
        let options =
            ExportOptions { object: "people".into(), fields: vec!["job_title".into()], ..ExportOptions::default() };
        assert!(export::write(&bench.engine, &bench.actor, &options, &mut Vec::new()).is_err());
    }
}

#[test]
fn filters_and_chosen_fields_hold_and_pages_follow_each_other() {
    let bench = Bench::new();
    let mut csv = String::from("Email,Last Name\n");
    (0..1_234).for_each(|n| csv.push_str(&format!("p{n}@x.example,P{n}\n")));
    bench.import(csv.as_bytes(), plain());
    let options =
        ExportOptions { object: "people".into(), fields: vec!["last_name".into()], ..ExportOptions::default() };
    let mut out = Vec::new();
    assert_eq!(export::write(&bench.engine, &bench.actor, &options, &mut out).unwrap(), 1_234);
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1_235);
    let options = ExportOptions { filter: Some(r#"last_name == "P7""#.into()), bom: true, ..options };
    let mut out = Vec::new();
    assert_eq!(export::write(&bench.engine, &bench.actor, &options, &mut out).unwrap(), 1);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("\u{FEFF}id,last_name\n") && text.ends_with(",P7\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_csv_and_back(texts in proptest::collection::vec("[ -~àøé🚴’\n\"',;=+@-]{1,40}", 1..8)) {
        let (from, to) = (Bench::new(), Bench::new());
        for (at, text) in texts.iter().enumerate() {
            from.create("people", json!({"last_name": format!("P{at}"), "description": text, "emails": [format!("p{at}@x.example")]}));
        }
        let file = from.export("people", ExportFormat::Csv);
        let report = to.import(file.as_bytes(), json!({"object": "people"}));
        prop_assert_eq!((report.refused, report.warnings), (0, 0), "{:?}\n{}", report.problems, file);
        for at in 0..texts.len() {
            let filter = format!("last_name == \"P{at}\"");
            prop_assert_eq!(&to.one("people", &filter)["description"], &from.one("people", &filter)["description"]);
        }
    }

    #[test]
    fn no_bytes_make_an_import_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bench = Bench::new();
        let _ = bench.try_import(&bytes, json!({"object": "people"}));
        let text = [&b"Email,Last Name,Amount,Birthday,Company\n"[..], &bytes].concat();
        let report = bench.try_import(&text, json!({"object": "people"}));
        if let Ok(report) = report {
            prop_assert_eq!(report.created + report.updated + report.skipped + report.refused, report.rows);
        }
    }
}
