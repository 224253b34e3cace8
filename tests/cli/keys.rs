//! `kith key`, beside a server and without one: a lost server key, a rotation, the passphrase, and every refusal.

use std::{fs, path::Path};

use serde_json::{Value as Json, json};

use crate::{
    harness::{Server, Vault, said},
    json,
};

fn path(vault: &Vault, name: &str) -> String {
    vault.folder().join(name).to_string_lossy().into_owned()
}

fn labels(keys: &Json) -> Vec<String> {
    keys["recipients"].as_array().unwrap().iter().map(|key| key["label"].as_str().unwrap().to_string()).collect()
}

fn refused(vault: &Vault, args: &[&str], code: &str) {
    let output = vault.run(&[args, &["--json"]].concat());
    // The last line: a remark on a file's permissions may come before it.
    let told = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_string();
    let told: Json = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{}", said(&output)));
    assert_eq!(told["code"], code, "{args:?}: {told}");
    assert!(!output.status.success());
}

/// A vault that opens with a key file, with a recovery key made along.
fn with_key_file() -> (Vault, String, String) {
    let vault = Vault::empty();
    let (key, recovery, password) =
        (path(&vault, "server.key"), path(&vault, "recovery.txt"), path(&vault, "password"));
    let init = [
        "init",
        "--key-file",
        &key,
        "--admin-email",
        "ada@example.com",
        "--admin-password-file",
        &password,
        "--recovery-key-file",
        &recovery,
    ];
    let output = vault.run(&init);
    assert!(output.status.success(), "{}", said(&output));
    (vault, key, recovery)
}

#[test]
fn a_lost_server_key_is_replaced_with_the_recovery_key_on_paper() {
    let (vault, key, recovery) = with_key_file();
    let page = fs::read_to_string(&recovery).unwrap();
    assert!(page.contains("AGE-SECRET-KEY-1") && page.contains('█') && page.contains("kith key add"), "{page}");
    // The server key is lost. The paper is typed in again: one line.
    fs::remove_file(&key).unwrap();
    let typed = path(&vault, "typed.txt");
    fs::write(&typed, page.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap()).unwrap();
    let server = Server::with(vault, &["--key-file", &typed]);
    let new_key = path(&server.vault, "new.key");
    let added = json(&server.vault.run(&["key", "add", "new server", "--make", &new_key, "--json"]));
    assert_eq!(labels(&added), ["server", "recovery", "new server"]);
    refused(&server.vault, &["key", "remove", "recovery"], "vault.recipient_in_use");
    let removed = json(&server.vault.run(&["key", "remove", "server", "--json"]));
    assert_eq!(labels(&removed), ["recovery", "new server"]);
    let vault = server.stop();
    let server = Server::with(vault, &["--key-file", &new_key]);
    server.admin().get("/session").expect(200);
    let doctor = json(&server.vault.run(&["doctor", "--listen", "127.0.0.1:0", "--json"]));
    let state = |check: &str| {
        let found = doctor.as_array().unwrap().iter().find(|f| f["check"] == check);
        found.unwrap_or_else(|| panic!("{check}: {doctor}"))["state"].clone()
    };
    assert_eq!((state("recovery"), state("data key")), (json!("ok"), json!("ok")));
    let audit = said(&server.vault.run(&["audit", "tail", "--kind", "keys"]));
    assert!(audit.contains("key removed: server") && audit.contains("key added: new server"), "{audit}");
    server.stop();
}

fn rotates(vault: &Vault, args: &[&str]) {
    let word = "Lovelace-Ørsted";
    let csv = path(vault, "people.csv");
    fs::write(&csv, format!("Last name\n{word}\n")).unwrap();
    assert!(vault.run(&[&["import", &csv, "--object", "people"], args].concat()).status.success());
    let before = json(&vault.run(&[&["key", "list", "--json"], args].concat()));
    let old = before["data_keys"][0]["id"].as_u64().unwrap();
    let done = json(&vault.run(&[&["key", "rotate", "--json"], args].concat()));
    assert_eq!((&done["rotation"], done["data_keys"].as_array().unwrap().len()), (&Json::Null, 1), "{done}");
    assert_eq!(done["data_keys"][0]["id"], old + 1);
    let verified = json(&vault.run(&[&["verify", "--json"], args].concat()));
    assert_eq!(verified["clean"], true, "{verified}");
    let lines = said(&vault.run(&[&["export", "--object", "people", "--format", "jsonl"], args].concat()));
    assert!(lines.contains(word), "{lines}");
    assert!(!readable(&vault.data(), word.as_bytes()));
    let audit = said(&vault.run(&[&["audit", "tail", "--kind", "keys"], args].concat()));
    assert!(audit.contains("data key rotated") && audit.contains("older data keys dropped"), "{audit}");
}

fn readable(folder: &Path, word: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|item| match item.path() {
        path if path.is_dir() => readable(&path, word),
        path => fs::read(path).is_ok_and(|bytes| bytes.windows(word.len()).any(|window| window == word)),
    })
}

#[test]
fn the_data_key_rotates_without_a_server() {
    let vault = Vault::new();
    rotates(&vault, &[]);
    let server = Server::on(vault);
    assert_eq!(server.admin().get("/records/people?total=true").expect(200)["total"], 1);
}

#[test]
fn the_data_key_rotates_beside_a_server_and_over_a_kill() {
    let server = Server::start();
    rotates(&server.vault, &[]);
    let admin = server.admin();
    admin.post("/keys/rotate", &json!({})).expect(200);
    let vault = server.kill();
    let server = Server::on(vault);
    let output = server.vault.run(&["key", "rotate", "--json"]);
    assert_eq!(json(&output)["rotation"], Json::Null);
    assert_eq!(json(&server.vault.run(&["verify", "--json"]))["clean"], true);
    let started = server.vault.run(&["key", "rotate", "--no-wait"]);
    assert!(started.status.success(), "{}", said(&started));
    server.stop();
}

#[test]
fn a_passphrase_is_changed_beside_a_server_and_recovery_keys_go_with_it() {
    let server = Server::start();
    let vault = &server.vault;
    let (new, image) = (path(vault, "new-passphrase"), path(vault, "recovery.svg"));
    fs::write(&new, "another set of seven words").unwrap();
    assert!(vault.run(&["key", "passphrase", "--new-passphrase-file", &new]).status.success());
    let made = json(&vault.run(&["key", "recovery", "--output", &image, "--json"]));
    assert!(made.get("recovery_key").is_none(), "{made}");
    let drawn = fs::read_to_string(&image).unwrap();
    assert!(drawn.contains("<path") && drawn.contains("AGE-SECRET-KEY-1"));
    let shown = said(&vault.run(&["key", "recovery", "--label", "second paper"]));
    assert!(shown.contains("AGE-SECRET-KEY-1") && shown.contains('█'), "{shown}");
    assert!(!readable(&vault.data(), b"AGE-SECRET-KEY-1") && !server.log().contains("AGE-SECRET-KEY"));
    let listed = said(&vault.run(&["key", "list"]));
    assert!(listed.contains("passphrase") && listed.contains("second paper"), "{listed}");
    let vault = server.stop();
    refused(&vault, &["key", "list"], "vault.wrong_key");
    assert_eq!(labels(&json(&vault.run(&["key", "list", "--json", "--passphrase-file", &new]))).len(), 3);
    let paper = path(&vault, "paper.txt");
    let at = shown.find("AGE-SECRET-KEY-1").unwrap();
    fs::write(&paper, shown[at..].lines().next().unwrap()).unwrap();
    let by_paper = json(&vault.run(&["key", "remove", "passphrase", "--json", "--key-file", &paper]));
    assert_eq!(labels(&by_paper), ["recovery", "second paper"]);
}

#[test]
fn what_would_lock_the_vault_or_is_no_key_is_refused() {
    let server = Server::start();
    let vault = &server.vault;
    refused(vault, &["key", "remove", "passphrase"], "vault.last_recipient");
    refused(vault, &["key", "remove", "nobody"], "vault.no_such_recipient");
    refused(vault, &["key", "add", "x", "age1nonsense"], "vault.bad_recipient");
    let inside = vault.data().join("key.txt").to_string_lossy().into_owned();
    refused(vault, &["key", "add", "x", "--make", &inside], "cli.wrong_use");
    refused(vault, &["key", "recovery", "--output", &inside], "cli.wrong_use");
    let twice = path(vault, "twice.txt");
    refused(vault, &["key", "add", "passphrase", "--make", &twice], "vault.bad_label");
    assert!(!Path::new(&twice).exists(), "a key that opens nothing is not left lying about");
    assert_eq!(vault.run(&["key", "add", "x"]).status.code(), Some(2));
    assert_eq!(labels(&json(&vault.run(&["key", "list", "--json"]))), ["passphrase"]);

    let admin = server.admin();
    assert_eq!(admin.get("/keys").expect(200)["recipients"][0]["label"], "passphrase");
    let body = json!({"label": "mine", "recipient": "age1nonsense"});
    admin.post("/keys", &body).refused(403, "access.denied");
    admin.post("/keys/remove", &json!({"key": "passphrase"})).refused(403, "access.denied");
    admin.post("/keys/passphrase", &json!({"passphrase": "x"})).refused(403, "access.denied");
    vault.run(&["user", "add", "bo@example.com", "--password-file", &path(vault, "password")]);
    let member = server.signed_in("bo@example.com", crate::harness::ADMIN_PASSWORD);
    member.get("/keys").refused(403, "access.denied");
    member.post("/keys/rotate", &json!({})).refused(403, "access.denied");
    server.guest().get("/keys").refused(401, "auth.required");
    assert_eq!(json(&vault.run(&["key", "list", "--json"]))["data_keys"][0]["id"], 1, "nothing was rotated");
}

#[test]
fn an_upgrade_that_never_was_cannot_be_undone_and_a_served_folder_is_left_alone() {
    let server = Server::start();
    refused(&server.vault, &["upgrade", "back", "--yes"], "store.locked");
    let vault = server.stop();
    assert_eq!(json(&vault.run(&["upgrade", "--json"]))["kept"], json!([]));
    assert_eq!(vault.run(&["upgrade", "back"]).status.code(), Some(2));
    refused(&vault, &["upgrade", "back", "--yes"], "store.nothing_kept");
    assert!(vault.run(&["upgrade", "drop"]).status.success());
}
