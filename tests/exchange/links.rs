//! Rows that name other records: found by id, e-mail or name, made once where missing, refused to be guessed.

use serde_json::json;

use crate::bench::{Bench, plain};

#[test]
fn a_company_is_made_once_and_found_by_id_and_name() {
    let bench = Bench::new();
    let csv = b"Email,Last Name,Associated Company,Associated Company IDs (Primary)\na@x.example,A,Acme,9\nb@x.example,B,ACME,9\nc@x.example,C,Acme,\n";
    let report = bench.import(csv, plain());
    assert_eq!((report.created, report.links_created, report.warnings), (3, 1, 0), "{report:#?}");
    let company = bench.one("companies", "");
    assert_eq!((company["name"].as_str(), company["external_id"].as_str()), (Some("Acme"), Some("9")));
}

#[test]
fn the_same_number_of_another_program_does_not_link_to_a_stranger() {
    let bench = Bench::new();
    bench.import(b"Record ID,Company name,City\n9,Acme,Rome\n", plain());
    bench.import(
        b"Email,Last Name,Associated Company,Associated Company IDs (Primary)\na@x.example,A,Zenith,9\n",
        plain(),
    );
    let person = bench.one("people", "");
    assert_eq!(bench.title(&person["company"]), "Zenith");
    assert_eq!(bench.count("companies"), 2);
}

#[test]
fn links_that_may_not_be_made_are_told_and_the_row_goes_in() {
    let bench = Bench::new();
    let csv = b"Email,Last Name,Company\na@x.example,A,Acme\n";
    let report = bench.import(csv, json!({"create_links": false}));
    assert_eq!((report.created, report.warnings, report.links_created), (1, 1, 0));
    assert!(report.problems[0].problems[0].message.contains("Acme"));
    assert_eq!(bench.count("companies"), 0);
}

#[test]
fn owners_are_found_by_name_and_address_and_never_made() {
    let bench = Bench::new();
    let role = bench.all("roles", r#"key == "member""#)[0].id;
    let user = bench.create("users", json!({"name": "Luca Riva", "email": "luca@x.example", "role": role}));
    let csv = b"Email,Last Name,Contact owner\na@x.example,A,Luca Riva\nb@x.example,B,LUCA@x.example\nc@x.example,C,Anna Berg\nd@x.example,D,Anna Berg\n";
    let report = bench.import(csv, plain());
    assert_eq!((report.created, report.refused, report.warnings), (4, 0, 0), "{report:#?}");
    assert_eq!(bench.all("people", &format!("owner == \"{user}\"")).len(), 2);
    assert_eq!(report.notices.len(), 1);
    assert_eq!((report.notices[0].rows, report.notices[0].column.as_str()), (2, "Contact owner"));
    assert_eq!(bench.count("users"), 1);
    let file = kith_exchange::import::refused(&bench.engine, &bench.actor, report.id).unwrap().unwrap();
    assert!(String::from_utf8(file).unwrap().contains("Anna Berg"), "what had no place is kept beside its row");
}

#[test]
fn two_people_of_one_name_are_not_guessed_between() {
    let bench = Bench::new();
    for mail in ["a@x.example", "b@x.example"] {
        bench.create("people", json!({"first_name": "Ada", "last_name": "Berg", "emails": [mail]}));
    }
    let csv = b"Deal Name,Amount,Associated Contact\nOne,10,Ada Berg\nTwo,10,Ada Berg (b@x.example)\n";
    let report = bench.import(csv, plain());
    assert_eq!((report.created, report.warnings), (2, 1), "{report:#?}");
    assert_eq!(bench.one("deals", r#"name == "Two""#)["people"].as_array().unwrap().len(), 1);
}

#[test]
fn new_stages_stand_in_their_order_and_know_when_a_deal_is_over() {
    let bench = Bench::new();
    let csv = b"Deal Name,Deal Stage,Pipeline,Amount\nA,Closed Lost,Service,1\nB,Contract Sent,Service,1\nC,Appointment Scheduled,Service,1\nD,Closed Won,Service,1\n";
    let report = bench.import(csv, plain());
    assert_eq!((report.created, report.links_created), (4, 5), "{report:#?}");
    let pipeline = bench.all("pipelines", r#"name == "Service""#)[0].id;
    let mut stages: Vec<_> =
        bench.all("stages", &format!("pipeline == \"{pipeline}\"")).iter().map(|s| bench.values(s)).collect();
    stages.sort_by_key(|s| s["position"].as_i64());
    let names: Vec<&str> = stages.iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["Appointment Scheduled", "Contract Sent", "Closed Won", "Closed Lost"]);
    assert_eq!(
        (bench.all("deals", r#"status == "won""#).len(), bench.all("deals", r#"status == "lost""#).len()),
        (1, 1)
    );
}
