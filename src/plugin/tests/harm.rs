//! Whatever a plugin does, a save, the others and the host go on, and the administrator learns what it was.

use kith_engine::Actor;
use serde_json::json;

use super::Bench;
use crate::{compile::Compiler, install::Consent};

/// What a call of the action ends in. Whatever it is, the administrator reads it too, with the capability that it happened in.
fn ends_in(behaviour: &str, said: &str) -> Option<String> {
    let bench = Bench::with("fixture-bad", json!({"where": "action", "behaviour": behaviour}))?;
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    let outcome = bench.act("companies", company.id, "fixture_bad__act");
    // The server is there, and so is the record.
    assert_eq!(bench.values("companies", company.id)["name"], "A");
    Some(match outcome {
        Ok(said) => format!("fine: {}", said.unwrap_or_default()),
        Err(error) => {
            let line = bench.told("fixture-bad", said);
            assert!(line.starts_with("actions 'act'"), "{line}");
            error.to_string()
        }
    })
}

macro_rules! harms {
    ($($name:ident: $behaviour:literal => $said:literal;)*) => { $(
        #[test]
        fn $name() {
            let Some(said) = ends_in($behaviour, $said) else { return };
            assert!(said.contains($said), "{}: {said}", $behaviour);
        }
    )* };
}

harms! {
    a_memory_bomb_meets_its_limit: "memory-bomb" => "more than 64 MB of memory";
    a_stack_overflow_is_stopped: "stack-overflow" => "out of bounds memory access";
    a_trap_costs_one_call: "trap" => "failed";
    an_abort_costs_one_call: "abort" => "failed";
    a_flood_of_host_calls_is_stopped: "host-call-flood" => "more than 1000 times";
    endless_host_calls_are_stopped: "endless-host-calls" => "more than 1000 times";
    a_flood_of_log_lines_is_left_out: "log-flood" => "fine";
    a_flood_of_values_meets_its_quota: "kv-flood" => "may take 16 KiB in all";
    a_flood_of_random_bytes_is_cut: "random-flood" => "fine: 1024";
    a_huge_answer_is_stopped: "huge-output" => "was stopped: it";
    a_secret_does_not_leave_for_another_host: "secret-elsewhere" => "is not for http://127.0.0.1:2";
    a_host_that_is_not_listed_is_refused: "http-unlisted" => "not among the granted hosts";
    an_address_of_this_machine_is_refused: "http" => "an address of this machine";
    writing_what_was_not_granted_is_refused: "write-ungranted" => "is not granted";
    reading_what_was_not_granted_is_refused: "read-ungranted" => "is not granted";
}

#[test]
fn an_answer_that_is_too_large_is_not_taken_in() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "health", "behaviour": "huge-output"})) else {
        return;
    };
    let health = bench.plugins.health("fixture-bad").unwrap();
    assert!(health["message"].to_string().contains("it handed over more than 17 MB at once"), "{health}");
    bench.told("fixture-bad", "lifecycle 'health' was stopped: it handed over more than 17 MB at once");
}

#[test]
fn a_line_of_log_that_is_too_long_is_cut() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "health", "behaviour": "huge-log-line"})) else {
        return;
    };
    assert_eq!(bench.plugins.health("fixture-bad").unwrap()["message"], "logged");
    let line = bench.told("fixture-bad", "long long");
    assert!(line.len() < 5_000 && line.ends_with('…'), "{} bytes", line.len());
}

#[test]
fn a_table_bomb_meets_its_limit() {
    let Some(file) = super::fixture("fixture-tables") else { return };
    let bench = Bench::new();
    bench.install(&file);
    let health = bench.plugins.health("fixture-tables").unwrap();
    assert!(health["message"].to_string().contains("it asked for tables of more than 100000 entries"), "{health}");
    bench.told("fixture-tables", "lifecycle 'health' was stopped: it asked for tables");
}

#[test]
fn a_loop_of_one_comes_to_an_end() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "after-commit", "behaviour": "event-loop"})) else {
        return;
    };
    bench.start();
    let cursor = crate::delivery::cursor("fixture-bad");
    bench.until("the beginning", || bench.engine.cursor(&cursor).unwrap() > 0);
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    let lines = || bench.plugins.watch("fixture-bad").lines();
    bench.until("the refusal", || {
        lines().iter().any(|l| l.message.starts_with("after-commit") && l.message.contains("set each other off"))
    });
    let version = bench.engine.get(&Actor::cli(), "companies", company.id).unwrap().version;
    assert!(version < 20, "{version} versions");
}

#[test]
fn an_endless_loop_in_a_save_is_cut_and_the_save_goes_on() {
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "before-save", "behaviour": "endless-loop"})) else {
        return;
    };
    for n in 0..6 {
        bench.create("companies", json!({"name": format!("A{n}")})).unwrap();
    }
    let lines = bench.plugins.watch("fixture-bad").lines();
    assert!(lines.iter().any(|l| l.message.contains("before-save did not answer within 50 ms")), "{lines:?}");
    assert!(lines.iter().any(|l| l.message.contains("rests until")), "the circuit opened: {lines:?}");
}

#[test]
fn what_saving_must_not_do_is_refused() {
    for behaviour in ["write", "kv-write", "mail", "http"] {
        let Some(bench) = Bench::with("fixture-bad", json!({"where": "before-save", "behaviour": behaviour})) else {
            return;
        };
        bench.create("companies", json!({"name": "A"})).unwrap();
        assert_eq!(bench.count("notes"), 0, "{behaviour}");
        assert_eq!(bench.kept("fixture-bad", "key"), None, "{behaviour}");
    }
}

#[test]
fn what_is_amended_without_leave_counts_as_a_failure() {
    for behaviour in ["amend-other-field", "amend-wrong-type"] {
        let Some(bench) = Bench::with("fixture-bad", json!({"where": "before-save", "behaviour": behaviour})) else {
            return;
        };
        let company = bench.create("companies", json!({"name": "A"})).unwrap();
        assert_eq!(bench.values("companies", company.id)["name"], "A", "{behaviour}");
        let lines = bench.plugins.watch("fixture-bad").lines();
        assert!(lines.iter().any(|l| l.message.contains("before-save was skipped")), "{behaviour}: {lines:?}");
    }
}

#[test]
fn what_does_not_fit_the_contract_is_not_installed() {
    for (name, said) in [("fixture-ungranted", "plugin.toml does not ask for it"), ("fixture-types", "contract")] {
        let Some(file) = super::fixture(name) else { return };
        let bench = Bench::new();
        let error = bench.plugins.offer(&Actor::cli(), &file).err().expect(name).to_string();
        assert!(error.contains(said), "{name}: {error}");
    }
    let Some(file) = super::fixture("fixture-good") else { return };
    let bench = Bench::new();
    for end in (0..file.len()).step_by(file.len() / 40) {
        assert!(bench.plugins.offer(&Actor::cli(), &file[..end]).is_err(), "{end} bytes");
    }
}

#[test]
fn a_damaged_file_is_refused_in_words_and_nothing_is_kept_of_it() {
    let Some(file) = super::fixture("fixture-pong") else { return };
    let bench = Bench::new();
    let consent = Consent { grant: true, ..Consent::default() };
    let mut refused = 0;
    for at in (8..file.len()).step_by(file.len() / 12) {
        let mut damaged = file.clone();
        damaged[at..(at + 4).min(file.len())].fill(0xff);
        // A constant or a name may have any bytes; then it runs, within its limits.
        if let Err(error) = bench.plugins.install(&Actor::cli(), &damaged, consent) {
            assert!(error.code().starts_with("plugin."), "{}: {error}", error.code());
            refused += 1;
        } else {
            bench.plugins.remove(&Actor::cli(), "fixture-pong", false).unwrap();
        }
    }
    assert!(refused > 3, "{refused} refusals");
    assert!(bench.plugins.list(&[]).unwrap().is_empty());
    bench.create("companies", json!({"name": "A"})).unwrap();
}

#[test]
fn what_is_too_much_for_the_compiler_is_not_installed() {
    use std::os::unix::fs::PermissionsExt;
    let Some(file) = super::fixture("fixture-pong") else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("compiler");
    // As the system ends a compiler that used up its time: the real one and a real bomb meet in tests/cli.
    std::fs::write(&program, "#!/bin/sh\ncat > /dev/null\nkill -KILL $$\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let bench = Bench::compiling(Compiler::with(program), std::sync::Arc::new(kith_base::SystemClock));
    for consent in [Consent::default(), Consent { grant: true, ..Consent::default() }] {
        let error = bench.plugins.install(&Actor::cli(), &file, consent).unwrap_err();
        assert_eq!(error.code(), "plugin.compile");
        let said = error.to_string();
        assert!(said.contains("seconds or 4 GB of memory; it is no ordinary plugin"), "{said}");
    }
    assert!(bench.plugins.list(&[]).unwrap().is_empty());
    assert!(bench.engine.files().names().unwrap().is_empty(), "nothing of it is kept");
    bench.create("companies", json!({"name": "A"})).unwrap();
}

#[test]
fn one_that_fails_leaves_the_others_alone() {
    let Some(good) = super::fixture("fixture-good") else { return };
    let Some(bench) = Bench::with("fixture-bad", json!({"where": "before-save", "behaviour": "trap"})) else { return };
    bench.install(&good);
    for _ in 0..6 {
        bench.create("companies", json!({"name": "A"})).unwrap();
    }
    let person = bench.create("people", json!({"first_name": "ada", "last_name": "L"})).unwrap();
    assert_eq!(bench.values("people", person.id)["first_name"], "Ada");
}
