//! How fast a large file goes in, in memory; `KITH_IMPORT_ROWS` says how large. A figure, not a verdict: run it in release with `--run-ignored all`.

use std::time::Instant;

use crate::bench::{Bench, plain};

#[test]
#[ignore = "a measurement: cargo nextest run --release -p kith-exchange --run-ignored all speed"]
fn a_hundred_thousand_people() {
    let wanted = std::env::var("KITH_IMPORT_ROWS").ok().and_then(|rows| rows.parse().ok());
    let rows: usize = wanted.unwrap_or(100_000);
    let mut csv = String::from(
        "Record ID,First Name,Last Name,Email,Phone Number,Job Title,Associated Company,City,Country/Region,Lifecycle Stage\n",
    );
    for n in 0..rows {
        let company = n % 5_000;
        csv.push_str(&format!("{n},First{n},Last{},p{n}@c{company}.example,+45 20 {:02} {:02} {:02},Engineer,Company {company},Aarhus,DK,Lead\n", n % 977, n % 100, n / 100 % 100, n / 10_000 % 100));
    }
    let bench = Bench::new();
    let begun = Instant::now();
    let report = bench.import(csv.as_bytes(), plain());
    let took = begun.elapsed();
    assert_eq!(
        (report.created, report.refused, report.warnings),
        (rows as u64, 0, 0),
        "{:#?}",
        report.problems.first()
    );
    let rate = |count: f64, took: std::time::Duration| (count / took.as_secs_f64()).round();
    println!(
        "import: {rows} rows of {} bytes in {took:?}, {} rows/s, {} companies made",
        csv.len(),
        rate(rows as f64, took),
        report.links_created
    );
    let begun = Instant::now();
    let again = bench.import(csv.as_bytes(), plain());
    println!("again, nothing new: {:?}, {} rows/s", begun.elapsed(), rate(again.skipped as f64, begun.elapsed()));
    let begun = Instant::now();
    let file = bench.export("people", kith_exchange::export::ExportFormat::Csv);
    println!("export to CSV: {} bytes in {:?}", file.len(), begun.elapsed());
    let begun = Instant::now();
    let undone = bench.undo(report.id);
    println!("undo: {} records in {:?}", undone.removed, begun.elapsed());
}
