//! Backups through the real binary: taken beside a server and without one, proven, restored, opened with the ordinary `age`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    failure,
    harness::{Client, Server, Vault, said},
    json,
};

/// A recovery key: the file with its identity, and its recipient.
pub fn recovery(vault: &Vault) -> (String, String) {
    let (identity, recipient) = kith_store::new_identity();
    let path = vault.folder().join("recovery.txt");
    fs::write(&path, identity.expose()).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (path.to_string_lossy().into_owned(), recipient)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn backups(vault: &Vault) -> PathBuf {
    vault.folder().join("backups")
}

/// A vault whose schedule names a folder and a recipient, with some people in it.
fn prepared() -> (Vault, String, String) {
    let vault = Vault::new();
    let (identity, recipient) = recovery(&vault);
    let folder = text(&backups(&vault));
    let set = json(&vault.run(&["backup", "schedule", "--folder", &folder, "--recipient", &recipient, "--json"]));
    assert_eq!(
        (&set["folder"], &set["recipients"], &set["enabled"]),
        (&json!(folder), &json!([recipient]), &json!(false))
    );
    let people = vault.folder().join("people.csv");
    fs::write(&people, "Last name,E-mail\nÅngström,a@example.com\nO'Hara,o@example.com\n").unwrap();
    json(&vault.run(&["import", &text(&people), "--object", "people", "--json"]));
    (vault, identity, recipient)
}

/// Restores into a folder beside the vault and gives a vault that is opened with the same passphrase.
fn restore(vault: &Vault, file: &str, identity: &str, more: &[&str]) -> (Json, Vault) {
    let other = Vault::empty();
    let mut args = vec!["backup", "restore", file, "--identity", identity, "--json"];
    args.extend(more);
    let restored = json(&other.run(&args));
    assert!(vault.data().exists());
    (restored, other)
}

fn people(client: &Client) -> u64 {
    client.get("/records/people?total=true").expect(200)["total"].as_u64().unwrap()
}

#[test]
fn a_backup_without_a_server_is_proven_listed_and_restored() {
    let (vault, identity, _) = prepared();
    let full = json(&vault.run(&["backup", "create", "--json"]));
    assert_eq!(
        (&full["kind"], &full["state"], &full["there"]),
        (&json!("full"), &json!("done"), &json!(true)),
        "{full}"
    );
    let next = json(&vault.run(&["backup", "create", "--incremental", "--json"]));
    assert_eq!((&next["kind"], &next["builds_on"]), (&json!("incremental"), &full["id"]), "{next}");
    let listed = json(&vault.run(&["backup", "list", "--json"]));
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert!(said(&vault.run(&["backup", "list"])).contains("incremental"));
    let folder = text(&backups(&vault));
    let bare = Vault::empty();
    let found = json(&bare.run(&["backup", "list", "--folder", &folder, "--identity", &identity, "--json"]));
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");

    let path = |backup: &Json| format!("{folder}/{}", backup["name"].as_str().unwrap());
    let checked = json(&bare.run(&["backup", "verify", &path(&next), "--identity", &identity, "--json"]));
    assert_eq!(
        (&checked["counts"]["people"], &checked["from"].as_array().map(Vec::len)),
        (&json!(2), &Some(2)),
        "{checked}"
    );
    let words = said(&bare.run(&["backup", "verify", &path(&full), "--identity", &identity]));
    assert!(words.contains("it restores") && words.contains("2 people"), "{words}");

    let (restored, other) = restore(&vault, &path(&next), &identity, &[]);
    assert_eq!(restored["seq"], next["last_seq"]);
    assert_eq!(json(&other.run(&["verify", "--json"]))["clean"], true);
    let server = Server::on(other);
    assert_eq!(people(&server.admin()), 2);
    let (earlier, other) = restore(&vault, &path(&next), &identity, &["--seq", "3"]);
    assert_eq!(earlier["seq"], 3);
    assert_eq!(json(&other.run(&["verify", "--json"]))["head_seq"], 3);
    let at = full["created_at"].as_str().unwrap();
    let (then, _) = restore(&vault, &path(&full), &identity, &["--at", at]);
    assert_eq!(then["counts"]["people"], 2);
}

#[test]
fn a_backup_beside_a_server_goes_to_a_folder_a_file_or_a_stream_while_writers_go_on() {
    let (vault, identity, _) = prepared();
    let server = Server::on(vault);
    let admin = server.admin();
    let writer = {
        let admin = admin.clone();
        thread::spawn(move || {
            (0..200)
                .filter(|n| {
                    let body = json!({ "values": { "last_name": format!("Writer {n}") } });
                    admin.try_post("/records/people", &body).is_some_and(|reply| reply.status == 201)
                })
                .count()
        })
    };
    let vault = &server.vault;
    let folder = json(&vault.run(&["backup", "create", "--json"]));
    let file = text(&vault.folder().join("elsewhere/mine.tar.age"));
    let named = json(&vault.run(&["backup", "create", "--to", &file, "--json"]));
    assert_eq!((&named["name"], &named["state"]), (&json!("mine.tar.age"), &json!("done")), "{named}");
    let streamed = vault.run(&["backup", "create", "--to", "-"]);
    assert!(streamed.status.success(), "{}", said(&streamed));
    let stdout = vault.folder().join("streamed.tar.age");
    fs::write(&stdout, &streamed.stdout).unwrap();
    let after = json(&vault.run(&["backup", "create", "--to", &format!("{file}.2"), "--incremental", "--json"]));
    assert_eq!(after["builds_on"], named["id"], "an increment builds on what is in its own folder");
    assert_eq!(writer.join().unwrap(), 200, "writers do not wait for a backup");

    let beside: Vec<String> = fs::read_dir(vault.folder().join("elsewhere"))
        .unwrap()
        .flatten()
        .map(|item| item.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(beside.iter().any(|name| name.starts_with("kith-erasures-")), "{beside:?}");
    let in_folder = format!("{}/{}", folder["folder"].as_str().unwrap(), folder["name"].as_str().unwrap());
    for path in [&in_folder, &file, &text(&stdout)] {
        let checked = json(&vault.run(&["backup", "verify", path, "--identity", &identity, "--json"]));
        assert!(checked["counts"]["people"].as_u64().unwrap() >= 2, "{checked}");
    }
    let refused = failure(&vault.run(&["backup", "create", "--to", &file]));
    assert!(refused.0 == Some(1) && refused.1.contains("exists"), "{refused:?}");
    let log = server.log();
    assert!(!log.contains("Writer") && !log.contains("AGE-SECRET"), "{log}");
}

#[test]
fn what_cannot_be_done_is_said_with_its_exit_code() {
    let (vault, identity, _) = prepared();
    let full = json(&vault.run(&["backup", "create", "--json"]));
    let path = format!("{}/{}", full["folder"].as_str().unwrap(), full["name"].as_str().unwrap());
    let code = |args: &[&str]| {
        let (exit, said) = failure(&Vault::empty().run(args));
        (exit, said)
    };
    let other = Vault::empty();
    let (wrong, _) = recovery(&other);
    let refused = failure(&other.run(&["backup", "verify", &path, "--identity", &wrong]));
    assert!(refused.0 == Some(1) && refused.1.contains("does not open with this identity"), "{refused:?}");
    let refused =
        code(&["backup", "restore", &path, "--identity", &identity, "--seq", "1", "--at", "2026-01-01T00:00"]);
    assert_eq!(refused.0, Some(2), "{refused:?}");
    let refused = code(&["backup", "restore", &path, "--identity", &identity, "--at", "yesterday"]);
    assert_eq!(refused.0, Some(2), "{refused:?}");
    let refused = code(&["backup", "restore", &path, "--identity", &identity, "--at", "1999-01-01T00:00"]);
    assert!(refused.0 == Some(1) && refused.1.contains("nothing existed"), "{refused:?}");
    let refused = failure(&vault.run(&["backup", "restore", &path, "--identity", &identity]));
    assert!(refused.0 == Some(1) && refused.1.contains("not empty"), "{refused:?}");
    let refused = failure(&vault.run(&["backup", "create", "--to", "/dev/null/x/y.age"]));
    assert_eq!(refused.0, Some(1), "{refused:?}");
    let refused = failure(&vault.run(&["backup", "schedule", "--daily-at", "25:00"]));
    assert!(refused.0 == Some(1) && refused.1.contains("02:30"), "{refused:?}");
    let bare = Vault::new();
    let refused = failure(&bare.run(&["backup", "create"]));
    assert!(refused.0 == Some(1) && refused.1.contains("--folder"), "{refused:?}");
    let refused = failure(&bare.run(&["backup", "create", "--folder", &text(&backups(&bare))]));
    assert!(refused.0 == Some(1) && refused.1.contains("recovery"), "{refused:?}");
    let doctor = said(&bare.run(&["doctor", "--listen", "127.0.0.1:0"]));
    assert!(doctor.contains("there is no backup yet") && doctor.contains("no recovery key"), "{doctor}");
    let doctor = said(&vault.run(&["doctor", "--listen", "127.0.0.1:0"]));
    assert!(doctor.contains("the newest is") && doctor.contains("disk that the data is on"), "{doctor}");
}

/// A hundred thousand bytes a person, so that a backup takes a while.
fn fill(admin: &Client, people: usize) {
    for n in 0..people {
        let body = format!("{n} {}", "abcdefgh ".repeat(10_000));
        admin.make("people", json!({ "last_name": format!("Large {n}"), "description": body }));
    }
}

#[test]
fn a_kill_in_the_middle_leaves_no_file_that_could_be_taken_for_a_backup() {
    let (vault, identity, _) = prepared();
    let mut server = Server::on(vault);
    fill(&server.admin(), 60);
    for round in 0..4u64 {
        let admin = server.admin();
        admin.post("/backups", &json!({})).expect(202);
        thread::sleep(Duration::from_millis(20 + round * 60));
        let vault = server.kill();
        for item in fs::read_dir(backups(&vault)).into_iter().flatten().flatten() {
            let name = item.file_name().to_string_lossy().into_owned();
            if name.ends_with(".tar.age") {
                let path = text(&item.path());
                json(&vault.run(&["backup", "verify", &path, "--identity", &identity, "--json"]));
            }
        }
        server = Server::on(vault);
    }
    let vault = server.stop();
    let last = json(&vault.run(&["backup", "create", "--json"]));
    assert_eq!(last["state"], "done");
    let left = fs::read_dir(backups(&vault)).unwrap().flatten();
    let left: Vec<String> = left.map(|item| item.file_name().to_string_lossy().into_owned()).collect();
    assert!(left.iter().all(|name| !name.ends_with(".incoming")), "{left:?}");
    let listed = json(&vault.run(&["backup", "list", "--json"]));
    assert!(listed.as_array().unwrap().iter().all(|backup| backup["state"] != "running"), "{listed}");
}

#[test]
fn the_schedule_takes_backups_by_itself_and_tidies_up() {
    let (vault, identity, _) = prepared();
    let set = ["backup", "schedule", "--enable", "--daily-at", "02:30", "--every-hours", "1", "--keep-last", "1"];
    assert!(vault.run(&set).status.success());
    let server = Server::on(vault);
    let admin = server.admin();
    let started = Instant::now();
    let taken = loop {
        let list = admin.get("/backups").expect(200);
        if let Some(done) = list["items"].as_array().unwrap().iter().find(|backup| backup["state"] == "done") {
            break done.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{list}");
        thread::sleep(Duration::from_millis(100));
    };
    assert_eq!((&taken["scheduled"], &taken["kind"]), (&json!(true), &json!("full")));
    let metrics = admin.get("/metrics").text();
    assert!(metrics.contains("backup_newest_age_seconds") && metrics.contains("backup_enabled\"} 1"), "{metrics}");
    let path = format!("{}/{}", taken["folder"].as_str().unwrap(), taken["name"].as_str().unwrap());
    json(&server.vault.run(&["backup", "verify", &path, "--identity", &identity, "--json"]));
    server.stop();
}

#[test]
fn the_ordinary_age_program_opens_a_backup_and_tar_lists_it() {
    let there = Command::new("age").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("left out: there is no 'age' program here; 'cargo xtask test' installs it where it can");
        return;
    }
    let (vault, identity, _) = prepared();
    let full = json(&vault.run(&["backup", "create", "--json"]));
    let path = format!("{}/{}", full["folder"].as_str().unwrap(), full["name"].as_str().unwrap());
    let tar = text(&vault.folder().join("opened.tar"));
    let opened = Command::new("age").args(["--decrypt", "--identity", &identity, "--output", &tar, &path]).output();
    assert!(opened.as_ref().unwrap().status.success(), "{}", said(&opened.unwrap()));
    let listed = Command::new("tar").args(["--list", "--file", &tar]).output().unwrap();
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    for name in ["kith-backup.json", "objects/people.jsonl", "journal/000001.frames", "manifest.json"] {
        assert!(listed.status.success() && names.lines().any(|line| line == name), "{name} in {names}");
    }
    let people = Command::new("tar").args(["-xOf", &tar, "objects/people.jsonl"]).output().unwrap();
    let lines: Vec<Json> =
        String::from_utf8_lossy(&people.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|person| person["values"]["last_name"] == "Ångström"), "{lines:?}");
}
