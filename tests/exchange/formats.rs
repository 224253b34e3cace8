//! Files as other programs write them: encodings, delimiters, languages, local numbers and dates, vCards of phones.

use serde_json::json;

use crate::bench::{Bench, fixture, plain};

#[test]
fn outlook_in_utf16_with_american_dates() {
    let bench = Bench::new();
    let bytes = fixture("outlook-utf16.csv");
    let seen = bench.inspect(&bytes, plain());
    assert_eq!((seen.encoding, seen.delimiter, seen.object.as_str(), seen.rows), ("UTF-16LE", Some(','), "people", 2));
    let report = bench.import(&bytes, plain());
    assert_eq!((report.created, report.refused), (2, 0), "{:#?}", report.problems);
    let person = bench.one("people", r#"last_name == "Kjærgård""#);
    assert_eq!((person["birthday"].as_str(), person["job_title"].as_str()), (Some("1975-03-14"), Some("Indkøbschef")));
    assert_eq!(person["emails"].as_array().unwrap().len(), 2);
    assert_eq!(
        person["phones"],
        json!([{"value": "+4586123456", "label": "work"}, {"value": "+4520123456", "label": "mobile"}])
    );
    assert_eq!(
        person["address"],
        json!({"street": "Havnegade 12", "city": "Århus", "region": "", "postal_code": "8000", "country": "DK"})
    );
    assert_eq!(bench.title(&person["company"]), "Nordlys & Sønner A/S");
    let person = bench.one("people", r#"last_name == "Peña""#);
    assert_eq!(person["address"]["city"], "Cádiz", "the work address is the one that is kept");
    assert!(
        report.problems[0].problems.iter().any(|p| p.message.contains("Rota")),
        "and the other one is told: {:?}",
        report.problems
    );
}

#[test]
fn italian_semicolons_in_windows_1252_with_decimal_commas() {
    let bench = Bench::new();
    let bytes = fixture("fatture-cp1252.csv");
    let seen = bench.inspect(&bytes, json!({"country": "IT"}));
    assert_eq!((seen.encoding, seen.delimiter, seen.object.as_str()), ("windows-1252", Some(';'), "companies"));
    assert!(seen.reading.decimal_comma);
    let report = bench.import(&bytes, json!({"country": "IT"}));
    assert_eq!((report.created, report.refused, report.warnings), (2, 0, 0), "{:#?}", report.problems);
    let company = bench.one("companies", r#"name == "Caffè Forlì S.r.l.""#);
    assert_eq!(company["annual_revenue"], json!({"amount": "1250000.50", "currency": "EUR"}));
    assert_eq!((company["employees"].as_i64(), company["address"]["region"].as_str()), (Some(12), Some("FC")));
    assert_eq!(
        (company["phones"][0]["value"].as_str(), company["vat_number"].as_str()),
        (Some("+390543123456"), Some("IT01234567890"))
    );
}

#[test]
fn german_excel_with_points_in_dates() {
    let bench = Bench::new();
    let report = bench.import(&fixture("excel-de.csv"), plain());
    assert_eq!(
        (report.object.as_str(), report.created, report.links_created, report.warnings),
        ("people", 2, 1, 0),
        "{:#?}",
        report.problems
    );
    let person = bench.one("people", r#"last_name == "Groß""#);
    assert_eq!((person["birthday"].as_str(), person["address"]["country"].as_str()), (Some("1990-04-03"), Some("DE")));
    let person = bench.one("people", r#"last_name == "Müller""#);
    assert_eq!(
        person["phones"][0],
        json!({"value": "+49301234567", "label": "work"}),
        "read as a number of the row's country"
    );
    assert_eq!(person["description"], "=SUMME(A1)");
}

#[test]
fn danish_headers_and_letters() {
    let bench = Bench::new();
    let report = bench.import(&fixture("dansk.csv"), plain());
    assert_eq!(
        (report.object.as_str(), report.created, report.links_created),
        ("people", 2, 1),
        "{:#?}",
        report.problems
    );
    let person = bench.one("people", r#"first_name == "Åse""#);
    assert_eq!(
        (person["phones"][0]["value"].as_str(), person["address"]["city"].as_str()),
        (Some("+4586123456"), Some("Aarhus"))
    );
}

#[test]
fn tabs_with_stages_pipelines_and_several_contacts() {
    let bench = Bench::new();
    let report = bench.import(&fixture("tab.txt"), plain());
    assert_eq!(
        (report.object.as_str(), report.created, report.refused, report.warnings),
        ("deals", 2, 0, 0),
        "{:#?}",
        report.problems
    );
    let roof = bench.one("deals", r#"name == "Roof""#);
    assert_eq!(
        (roof["amount"]["amount"].as_str(), roof["close_date"].as_str()),
        (Some("12500.00"), Some("2026-12-31"))
    );
    assert_eq!((bench.title(&roof["stage"]).as_str(), bench.title(&roof["pipeline"]).as_str()), ("Proposal", "Sales"));
    let cellar = bench.one("deals", r#"name == "Cellar""#);
    assert_eq!((bench.title(&cellar["pipeline"]).as_str(), cellar["status"].as_str()), ("Service", Some("won")));
    assert_eq!(cellar["people"].as_array().unwrap().len(), 2);
    assert_eq!((bench.count("people"), bench.count("companies")), (2, 1));
}

#[test]
fn cards_of_an_iphone_and_of_an_old_android() {
    let bench = Bench::new();
    let report = bench.import(&fixture("apple.vcf"), plain());
    assert_eq!((report.created, report.refused), (1, 0), "{:#?}", report.problems);
    assert!(report.notices.iter().any(|n| n.message.contains("PHOTO")));
    let person = bench.one("people", r#"last_name == "O'Hara""#);
    assert_eq!(person["emails"][0], json!({"value": "zoe@acme.example", "label": "work"}));
    assert_eq!((person["department"].as_str(), person["job_title"].as_str()), (Some("Sales"), Some("Head of Sales")));
    assert_eq!(person["address"]["street"], "Via Roma 1\nInterno 2");
    assert_eq!(bench.title(&person["company"]), "Acme, Inc.");

    let report = bench.import(&fixture("android.vcf"), plain());
    assert_eq!((report.created, report.refused, report.warnings), (2, 0, 1), "{:#?}", report.problems);
    let person = bench.one("people", r#"first_name == "Åse""#);
    assert_eq!(
        (person["last_name"].as_str(), bench.title(&person["company"]).as_str()),
        (Some("Sørensen"), "Blåbær ApS")
    );
    assert_eq!(bench.one("people", r#"first_name == "Bo""#)["phones"], json!(null));
}

#[test]
fn hostile_rows_are_taken_refused_or_told_and_never_lost() {
    let bench = Bench::new();
    let report = bench.import(&fixture("hostile.csv"), json!({"duplicates": "skip"}));
    assert_eq!(report.object, "people");
    assert_eq!(report.created + report.skipped + report.refused, report.rows);
    assert_eq!((report.rows, report.skipped), (6, 1), "{report:#?}");
    assert_eq!(bench.one("people", r#""good@x.example" in emails"#)["last_name"], "O'Hara");
    assert_eq!(bench.one("people", r#""bidi@x.example" in emails"#)["last_name"], r#"=HYPERLINK("http://x")"#);
    let file = kith_exchange::import::refused(&bench.engine, &bench.actor, report.id).unwrap().unwrap();
    let file = String::from_utf8(file).unwrap();
    assert!(file.starts_with("Email,First Name,Last Name,Notes,Company,Import result,Import reason\n"));
    for kept in ["not-an-address", "nobody@", "NUL characters", "extra"] {
        assert!(file.contains(kept), "{kept} in {file}");
    }
}

#[test]
fn a_full_name_and_a_headerless_file_are_understood() {
    let bench = Bench::new();
    let report = bench.import(
        "Name;E-Mail\nAda King Lovelace;ada@x.example\n\"van Beethoven, Ludwig\";l@x.example\n".as_bytes(),
        plain(),
    );
    assert_eq!((report.object.as_str(), report.created), ("people", 2));
    assert_eq!(bench.one("people", r#"last_name == "van Beethoven""#)["first_name"], "Ludwig");
    let report = bench.import(
        b"Grace Hopper,grace@y.example,+1 212 555 0100\nAlan Turing,alan@y.example,+44 20 7946 0000\n",
        plain(),
    );
    assert_eq!((report.object.as_str(), report.created), ("people", 2), "{report:#?}");
    assert_eq!(bench.one("people", r#""grace@y.example" in emails"#)["last_name"], "Hopper");
}

#[test]
fn a_preview_says_what_would_happen_and_writes_nothing() {
    let bench = Bench::new();
    let head = bench.engine.head();
    let seen = bench.inspect(&fixture("tab.txt"), plain());
    assert_eq!((seen.counts.create, seen.counts.refuse, seen.preview.len()), (2, 0, 2));
    assert_eq!(seen.preview[0].values["company"], "Acme");
    assert_eq!(seen.columns[1].field.as_deref(), Some("amount"));
    assert_eq!(bench.engine.head(), head);
    assert_eq!((bench.count("deals"), bench.count("companies"), bench.count("imports")), (0, 0, 0));
}

#[test]
fn the_caller_may_map_columns_and_make_fields_of_others() {
    let bench = Bench::new();
    let csv = b"Kind,Mail,Shoe size\nx,a@x.example,43\ny,b@x.example,\n";
    let mapping =
        json!([{"column": "Kind", "field": "last_name"}, {"column": "Mail", "field": "emails", "label": "work"}]);
    let report = bench.import(csv, json!({"object": "people", "mapping": mapping, "create_fields": true}));
    assert_eq!((report.created, report.refused), (2, 0), "{:#?}", report.problems);
    let person = bench.one("people", r#"last_name == "x""#);
    assert_eq!((person["shoe_size"].as_str(), person["emails"][0]["label"].as_str()), (Some("43"), Some("work")));
}
