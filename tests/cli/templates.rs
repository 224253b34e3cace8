//! The way of a newcomer, in each language: begin a plugin, test it, build it, swap it into a running server, see its field. Each takes that
//! language's tools, so `cargo xtask test --full` runs those whose tools can be had.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{Server, said};

/// The binary with everything around it that compilers and package managers want.
fn author(args: &[&str], folder: &Path) -> Duration {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    let output = command.args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "kith {}: {}", args.join(" "), said(&output));
    began.elapsed()
}

fn newcomer(language: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut took = vec![("new", author(&["plugin", "new", "door-bell", "--language", language], folder.path()))];
    let plugin = folder.path().join("door-bell");
    took.push(("test", author(&["plugin", "test"], &plugin)));
    took.push(("build", author(&["plugin", "build"], &plugin)));
    author(&["plugin", "check", "door-bell.wasm"], &plugin);

    let server = Server::start();
    let began = Instant::now();
    let mut dev = server.vault.kith(&["plugin", "dev", "--once"]);
    for (name, value) in std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("KITH_")) {
        dev.env(name, value);
    }
    let output = dev.current_dir(&plugin).output().unwrap();
    assert!(output.status.success() && said(&output).contains("is enabled"), "{}", said(&output));
    took.push(("dev", began.elapsed()));

    let admin = server.admin();
    let person = admin.make("people", json!({ "first_name": "Zoë", "last_name": "Ray" }));
    assert_eq!(person["values"]["door_bell__completeness"], 33, "{person}");
    admin.put("/plugins/door-bell/settings", &json!({ "need_name": true })).expect(200);
    let nameless = json!({ "values": { "job_title": "Head", "emails": ["head@example.com"] } });
    let refused = admin.post("/records/people", &nameless).refused(422, "record.invalid");
    assert_eq!(refused["errors"][0]["message"], "write a first or a last name", "{refused}");
    for (step, took) in took {
        println!("{language}: {step} took {:.1} s", took.as_secs_f64());
    }
}

#[test]
#[ignore = "builds with cargo for WebAssembly; cargo xtask test --full runs it"]
fn rust() {
    newcomer("rust");
}

#[test]
#[ignore = "needs npm and its registry; cargo xtask test --full runs it"]
fn typescript() {
    newcomer("typescript");
}

#[test]
#[ignore = "needs pip and its registry; cargo xtask test --full runs it"]
fn python() {
    newcomer("python");
}
