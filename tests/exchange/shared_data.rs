//! The sample exports that lie beside the repository on some machines: they import cleanly and stay linked. Skipped where they are not.

use std::path::PathBuf;

use serde_json::json;

use crate::bench::{Bench, plain};

fn shared(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is not here", path.display());
    }
    bytes
}

fn hubspot(bench: &Bench, order: [&str; 3]) {
    for object in order {
        let Some(bytes) = shared(&format!("hubspot-{object}.csv")) else { return };
        let report = bench.import(&bytes, plain());
        let wanted = if object == "contacts" { "people" } else { object };
        assert_eq!(report.object, wanted);
        assert_eq!(
            (report.refused, report.warnings),
            (0, 0),
            "{object}: {:#?}",
            report.problems.iter().take(5).collect::<Vec<_>>()
        );
        eprintln!("{object}: {report:?}");
    }
    assert_eq!((bench.count("people"), bench.count("companies"), bench.count("deals")), (1200, 2256, 800));
    assert_eq!(bench.all("people", "company == null").len(), 0);
    assert_eq!(bench.all("deals", "company == null || size(people) == 0 || amount == null || stage == null").len(), 0);
    let person = bench.one("people", r#"external_id == "1003""#);
    assert_eq!((person["first_name"].as_str(), person["lifecycle"].as_str()), (Some("Oskar"), Some("customer")));
    assert_eq!(person["phones"][0]["value"], "+4590830166");
    assert_eq!(person["phones"][1]["label"], "mobile");
    assert_eq!(bench.title(&person["company"]), "Schou & Søn A/S");
    let deal = bench.one("deals", r#"external_id == "90003""#);
    assert_eq!(deal["amount"], json!({"amount": "139670.50", "currency": "DKK"}));
    assert_eq!((deal["status"].as_str(), deal["close_date"].as_str()), (Some("lost"), Some("2025-12-09")));
    assert_eq!(bench.title(&deal["people"][0]), "Oskar Mortensen");
    assert_eq!(deal["company"], person["company"]);
    assert_eq!(bench.title(&deal["pipeline"]), "Sales Pipeline");
    assert_eq!(bench.count("pipelines"), 2);
    let company = bench.one("companies", r#"external_id == "50003""#);
    assert_eq!(
        (company["industry"].as_str(), company["address"]["city"].as_str()),
        (Some("computer_software"), Some("Strandby"))
    );
}

#[test]
fn hubspot_companies_contacts_and_deals_stay_linked() {
    hubspot(&Bench::new(), ["companies", "contacts", "deals"]);
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    hubspot(&Bench::new(), ["deals", "contacts", "companies"]);
}

#[test]
fn importing_the_same_file_again_changes_nothing() {
    let bench = Bench::new();
    let Some(bytes) = shared("hubspot-contacts.csv") else { return };
    bench.import(&bytes, plain());
    let again = bench.import(&bytes, plain());
    assert_eq!((again.created, again.updated, again.skipped, again.links_created), (0, 0, 1200, 0));
}

#[test]
fn google_contacts_come_in_whole() {
    let bench = Bench::new();
    let Some(bytes) = shared("google-contacts.csv") else { return };
    let report = bench.import(&bytes, plain());
    assert_eq!(
        (report.object.as_str(), report.created, report.refused, report.warnings),
        ("people", 500, 0, 0),
        "{:#?}",
        report.problems.first()
    );
    let person = bench.one("people", r#""maryjenkins@brown-stone.example" in emails"#);
    assert_eq!(person["emails"][0]["label"], "work");
    assert_eq!(person["emails"].as_array().unwrap().len(), 2);
    assert_eq!(person["phones"][1], json!({"value": "+18463024275 x118", "label": "work"}));
    assert_eq!(
        person["address"],
        json!({"street": "34836 April Run", "city": "Cervantesberg", "region": "", "postal_code": "50793", "country": "US"})
    );
    assert_eq!((person["birthday"].as_str(), person["tags"][0].as_str()), (Some("1979-02-02"), Some("Kunder")));
    assert!(person["description"].as_str().unwrap().contains("Second line, \"quoted\""));
    assert_eq!(bench.title(&person["company"]), "Williams, Brown and Miles");
}

#[test]
fn vcards_come_in_whole() {
    let bench = Bench::new();
    let Some(bytes) = shared("contacts.vcf") else { return };
    let report = bench.import(&bytes, plain());
    assert_eq!(
        (report.object.as_str(), report.created, report.refused, report.warnings),
        ("people", 200, 0, 0),
        "{:#?}",
        report.problems.first()
    );
    let person = bench.one("people", r#"first_name == "Antonina" && last_name == "Boitani""#);
    assert_eq!(
        person["address"],
        json!({"street": "Rotonda Alberico, 73", "city": "Tolve", "region": "", "postal_code": "26847", "country": "IT"})
    );
    assert_eq!(person["birthday"], "1998-02-09");
    assert!(person["description"].as_str().unwrap().ends_with("meglio umano dimenticare."));
    assert_eq!(bench.title(&person["company"]), "Pacelli s.r.l.");
}
