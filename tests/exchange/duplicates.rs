//! Rows that are there already: by e-mail, by id, by name; in the vault and within the file.

use serde_json::json;

use crate::bench::{Bench, plain};

const FILE: &[u8] =
    b"Email,First Name,Last Name,Phone\nada@x.example,Ada,Lovelace,+45 20 12 34 56\nbo@x.example,Bo,Berg,\n";

fn with_ada() -> Bench {
    let bench = Bench::new();
    bench.create("people", json!({"first_name": "Augusta", "last_name": "King", "emails": ["ADA@x.example", "a@y.example"], "job_title": "Countess"}));
    bench
}

#[test]
fn skipping_leaves_the_record_as_it_is() {
    let bench = with_ada();
    let report = bench.import(FILE, json!({"duplicates": "skip"}));
    assert_eq!((report.created, report.updated, report.skipped), (1, 0, 1));
    assert_eq!(bench.one("people", r#"last_name == "King""#)["first_name"], "Augusta");
}

#[test]
fn updating_overwrites_filled_cells_and_joins_lists() {
    let bench = with_ada();
    let report = bench.import(FILE, json!({"duplicates": "update"}));
    assert_eq!((report.created, report.updated, report.skipped), (1, 1, 0));
    let person = bench.one("people", r#"last_name == "Lovelace""#);
    assert_eq!((person["first_name"].as_str(), person["job_title"].as_str()), (Some("Ada"), Some("Countess")));
    assert_eq!(
        (person["emails"].as_array().unwrap().len(), person["phones"][0]["value"].as_str()),
        (2, Some("+4520123456"))
    );
}

#[test]
fn keeping_makes_a_second_record() {
    let bench = with_ada();
    let report = bench.import(FILE, json!({"duplicates": "keep"}));
    assert_eq!((report.created, report.updated, report.skipped), (2, 0, 0));
    assert_eq!(bench.count("people"), 3);
}

#[test]
fn rows_of_one_file_are_duplicates_of_each_other() {
    let bench = Bench::new();
    let csv = b"Email,First Name,Last Name,Job title\nada@x.example,Ada,,\nADA@X.example,,Lovelace,Analyst\nada@x.example,Ada,Lovelace,\n";
    let report = bench.import(csv, plain());
    assert_eq!((report.created, report.updated, report.skipped), (1, 1, 1), "{report:#?}");
    let person = bench.one("people", "");
    assert_eq!(
        (person["first_name"].as_str(), person["last_name"].as_str(), person["job_title"].as_str()),
        (Some("Ada"), Some("Lovelace"), Some("Analyst"))
    );
}

#[test]
fn an_id_of_another_program_finds_its_record_unless_everything_else_contradicts() {
    let bench = Bench::new();
    bench.import(b"Record ID,First Name,Last Name,Email\n7,Ada,Lovelace,ada@x.example\n", plain());
    let again = bench.import(b"Record ID,First Name,Last Name,Email\n7,Ada,King,ada@king.example\n", plain());
    assert_eq!((again.created, again.updated), (0, 1), "she has a new name and address, and the same id");
    let other = bench.import(b"Person ID,First Name,Last Name,Email\n7,Grace,Hopper,grace@y.example\n", plain());
    assert_eq!((other.created, other.updated), (1, 0), "the same number from somewhere else is somebody else");
}

#[test]
fn companies_of_one_name_and_two_ids_stay_two() {
    let bench = Bench::new();
    let csv = b"Record ID,Company name,City\n1,Acme,Rome\n2,Acme,Oslo\n";
    assert_eq!(bench.import(csv, plain()).created, 2);
    let again = bench.import(csv, plain());
    assert_eq!((again.created, again.skipped), (0, 2));
}

#[test]
fn one_field_may_be_named_to_tell_duplicates() {
    let bench = with_ada();
    let csv = b"First Name,Last Name,Job title\nAugusta,King,Analyst\n";
    let report = bench.import(csv, json!({"object": "people", "match_by": "last_name"}));
    assert_eq!((report.created, report.updated), (0, 1));
    let error = bench.try_import(csv, json!({"object": "people", "match_by": "nickname"})).unwrap_err();
    assert_eq!(error.code(), "import.bad_option");
}

#[test]
fn a_record_made_for_a_link_is_completed_even_when_duplicates_are_skipped() {
    let bench = Bench::new();
    bench.import(b"Email,Last Name,Company\na@x.example,A,Acme\n", plain());
    let report = bench.import(b"Company name,City,Number of employees\nAcme,Oslo,12\n", json!({"duplicates": "skip"}));
    assert_eq!((report.created, report.updated, report.skipped), (0, 1, 0));
    assert_eq!(bench.one("companies", "")["employees"], 12);
    let report = bench.import(b"Company name,City,Number of employees\nAcme,Rome,99\n", json!({"duplicates": "skip"}));
    assert_eq!((report.updated, report.skipped), (0, 1));
}
