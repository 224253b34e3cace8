//! What an import refuses as a whole, and what a role keeps it from.

use std::sync::Arc;

use kith_engine::{
    Actor, FieldAccess,
    access::{Grants, ObjectGrant, Reach, Role},
};
use kith_exchange::import::{self, ImportOptions};
use serde_json::json;

use crate::bench::{Bench, plain};

fn as_role(bench: &mut Bench, grant: ObjectGrant) {
    let role =
        Role::new(kith_base::RecordId([7; 16]), "odd", "Odd", false, Grants { default: grant, ..Grants::default() });
    bench.actor = Actor { role: Arc::new(role), ..Actor::cli() };
}

#[test]
fn files_and_options_that_make_no_sense_are_refused_before_anything_is_written() {
    let bench = Bench::new();
    let head = bench.engine.head();
    let csv = &b"Email,Last Name\na@x.example,A\n"[..];
    for (bytes, options, code) in [
        (&b""[..], plain(), "import.empty"),
        (b"Email,Last Name\n", plain(), "import.empty"),
        (b"Foo,Bar\nx,y\n", plain(), "import.object_unclear"),
        (b"Foo,Bar\nx,y\n", json!({"object": "people"}), "import.nothing_mapped"),
        (csv, json!({"object": "nothing"}), "object.not_found"),
        (csv, json!({"object": "users"}), "import.not_importable"),
        (csv, json!({"encoding": "utf-99"}), "import.unknown_encoding"),
        (csv, json!({"delimiter": "#"}), "import.unknown_delimiter"),
        (csv, json!({"mapping": [{"column": "Mail", "field": "emails"}]}), "import.unknown_column"),
        (csv, json!({"mapping": [{"column": "Email", "field": "mails"}]}), "import.bad_target"),
        (csv, json!({"mapping": [{"column": "Email", "field": "name.x"}]}), "import.bad_target"),
        (csv, json!({"currency": "XXQ"}), "import.bad_option"),
        (csv, json!({"time_zone": "Mars/North"}), "import.bad_option"),
        (csv, json!({"country": "Atlantis"}), "import.bad_option"),
    ] {
        let error = bench.try_import(bytes, options).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().len() > 15);
    }
    assert_eq!(bench.engine.head(), head);
}

#[test]
fn a_role_that_may_not_create_may_not_import() {
    let mut bench = Bench::new();
    as_role(&mut bench, ObjectGrant { read: Reach::All, ..ObjectGrant::default() });
    let head = bench.engine.head();
    let error = bench.try_import(b"Email,Last Name\na@x.example,A\n", json!({"object": "people"})).unwrap_err();
    assert_eq!(error.code(), "access.denied");
    assert_eq!(bench.engine.head(), head);
}

#[test]
fn a_hidden_field_is_no_target_and_a_read_only_one_is_not_filled() {
    let mut bench = Bench::new();
    let fields = [("job_title".to_string(), FieldAccess::Hidden), ("department".to_string(), FieldAccess::Read)];
    as_role(&mut bench, ObjectGrant { fields: fields.into_iter().collect(), ..ObjectGrant::everything() });
    let csv = b"Email,Last Name,Job title,Department\na@x.example,A,Boss,Sales\n";
    let seen = bench.inspect(csv, json!({"object": "people"}));
    assert_eq!((seen.columns[2].field.as_deref(), seen.columns[3].field.as_deref()), (None, None));
    let mapping = json!([{"column": "Job title", "field": "job_title"}]);
    let error = bench.try_import(csv, json!({"object": "people", "mapping": mapping})).unwrap_err();
    assert_eq!(error.code(), "import.bad_target");
}

#[test]
fn rows_without_what_is_required_are_refused_with_the_reason() {
    let bench = Bench::new();
    let csv = b"Deal Name,Amount,Pipeline\n,12,Sales\nGood,x,Sales\nFine,5,Sales\n";
    let report = bench.import(csv, plain());
    assert_eq!((report.created, report.refused, report.warnings), (2, 1, 1), "{report:#?}");
    assert_eq!(report.problems[0].problems[0].column, "Deal Name");
    let file = import::refused(&bench.engine, &bench.actor, report.id).unwrap().unwrap();
    let mended = String::from_utf8(file).unwrap().replacen("\n,12,", "\nMended,12,", 1);
    let again = bench.import(mended.as_bytes(), json!({"object": "deals"}));
    assert_eq!(again.refused, 0, "the file of refused rows can be mended and imported: {again:#?}");
    assert_eq!(bench.one("deals", r#"name == "Mended""#)["amount"]["amount"], "12.00");
}

#[test]
fn unique_fields_hold_within_and_across_batches() {
    let bench = Bench::new();
    bench
        .engine
        .define_field(&bench.actor, "people", json!({"key": "badge", "label": "Badge", "kind": "text", "unique": true}))
        .unwrap();
    let mut csv = String::from("Email,Last Name,Badge\n");
    for n in 0..1_200 {
        csv.push_str(&format!("p{n}@x.example,P{n},{}\n", n % 1_000));
    }
    let report = bench.import(csv.as_bytes(), json!({"duplicates": "keep"}));
    assert_eq!((report.created, report.refused), (1_000, 200));
}

#[test]
fn options_refuse_what_they_do_not_know() {
    assert!(serde_json::from_value::<ImportOptions>(json!({"objekt": "people"})).is_err());
    assert!(serde_json::from_value::<ImportOptions>(json!({"duplicates": "merge"})).is_err());
}
