//! The table: what was measured, how it came out, what the budget is.

use std::{io::Write, time::Duration};

pub struct Table(String);

impl Table {
    pub fn new(title: &str) -> Table {
        Table(format!("## {title}\n\n| what | measured | budget |\n|---|---|---|\n"))
    }

    /// Printed as it comes: a long run shows how far it is.
    pub fn row(&mut self, what: &str, measured: &str, budget: &str) {
        println!("{what}: {measured}");
        self.0.push_str(&format!("| {what} | {measured} | {budget} |\n"));
    }

    pub fn finish(self) {
        println!("\n{}", self.0);
        if let Some(path) = std::env::var_os("KITH_BENCH_OUTPUT") {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).expect("the file opens");
            file.write_all(format!("{}\n", self.0).as_bytes()).expect("the table can be written");
        }
    }
}

pub fn quantile(times: &[Duration], at: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[((sorted.len() - 1) as f64 * at).round() as usize]
}

pub fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub fn per_second(count: usize, took: Duration) -> String {
    let rate = (count as f64 / took.as_secs_f64().max(1e-9)).round() as u64;
    format!("{rate}/s ({:.1} s)", took.as_secs_f64())
}
