//! Each command does its work, beside a running server and without one.

use std::fs;

use serde_json::json;

use crate::{
    harness::{Server, Vault, said},
    json,
};

const PEOPLE: &str = "First name;Last name;E-mail;Company;Birthday\n\
    Zoë;O'Hara;zoe@example.com;Ærø Værft;3.4.1980\n\
    Søren;Ångström;soren@example.com;Ærø Værft;\n\
    ;;not an address;;\n";

fn import_and_export(vault: &Vault) {
    let file = vault.folder().join("people.csv");
    fs::write(&file, PEOPLE).unwrap();
    let path = file.to_string_lossy().into_owned();
    let looked = json(&vault.run(&["import", &path, "--object", "people", "--dry-run", "--json"]));
    assert_eq!(looked["delimiter"], ";");
    assert_eq!(looked["counts"]["create"], 2, "{looked}");
    let refused = vault.folder().join("refused.csv").to_string_lossy().into_owned();
    let done = json(&vault.run(&["import", &path, "--object", "people", "--refused", &refused, "--json"]));
    assert_eq!((&done["state"], &done["created"], &done["refused"]), (&json!("done"), &json!(2), &json!(1)), "{done}");
    assert!(fs::read_to_string(&refused).unwrap().contains("not an address"));
    let again = json(&vault.run(&["import", &path, "--object", "people", "--json"]));
    assert_eq!((&again["created"], &again["skipped"]), (&json!(0), &json!(2)), "{again}");

    let csv = vault.run(&["export", "--object", "people", "--filter", "last_name.startsWith(\"O\")"]);
    let text = said(&csv);
    assert!(csv.status.success() && text.contains("O'Hara") && !text.contains("Ångström"), "{text}");
    let lines = vault.run(&["export", "--object", "people", "--format", "jsonl"]);
    assert_eq!(String::from_utf8_lossy(&lines.stdout).lines().count(), 2);
    let cards = vault.run(&["export", "--object", "people", "--format", "vcard"]);
    assert_eq!(said(&cards).matches("BEGIN:VCARD").count(), 2);
    let companies = json(&vault.run(&["import", &path, "--object", "people", "--dry-run", "--json"]));
    assert_eq!(companies["counts"]["create"], 0);
}

fn users_and_tokens(vault: &Vault) {
    let password = vault.folder().join("password").to_string_lossy().into_owned();
    let added =
        json(&vault.run(&["user", "add", "bo@example.com", "--name", "Bo", "--password-file", &password, "--json"]));
    assert_eq!(added["values"]["email"], "bo@example.com");
    assert!(!added.to_string().contains("argon2"), "{added}");
    let listed = json(&vault.run(&["user", "list", "--json"]));
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let shown = said(&vault.run(&["user", "list"]));
    assert!(shown.contains("bo@example.com") && shown.contains("member"), "{shown}");
    assert!(vault.run(&["user", "passwd", "bo@example.com", "--password-file", &password]).status.success());
    let made = json(&vault.run(&[
        "token",
        "create",
        "reports",
        "--user",
        "bo@example.com",
        "--scope",
        "people:read",
        "--json",
    ]));
    assert!(made["token"].as_str().is_some_and(|t| t.starts_with("kith_")));
    let id = made["record"]["id"].as_str().unwrap();
    assert!(vault.run(&["token", "revoke", id]).status.success());
    let tokens = json(&vault.run(&["token", "list", "--json"]));
    assert_eq!(tokens[0]["values"]["revoked"], true, "{tokens}");
    let disabled = json(&vault.run(&["user", "disable", "bo@example.com", "--json"]));
    assert_eq!(disabled["values"]["disabled"], true);
}

fn checks(vault: &Vault) {
    let report = json(&vault.run(&["verify", "--json"]));
    assert_eq!(report["clean"], true, "{report}");
    assert!(vault.run(&["audit", "verify"]).status.success());
    let tail = json(&vault.run(&["audit", "tail", "-n", "20", "--json"]));
    assert!(tail.as_array().is_some_and(|items| !items.is_empty()));
    let doctor = vault.run(&["doctor", "--listen", "127.0.0.1:0", "--json"]);
    let found = json(&doctor);
    assert!(found.as_array().is_some_and(|list| list.iter().all(|f| f["state"] != "fail")), "{found}");
}

#[test]
fn everything_works_without_a_server() {
    let vault = Vault::new();
    import_and_export(&vault);
    users_and_tokens(&vault);
    checks(&vault);
}

#[test]
fn everything_works_beside_a_server_and_the_server_sees_it() {
    let server = Server::start();
    import_and_export(&server.vault);
    users_and_tokens(&server.vault);
    checks(&server.vault);
    let page = server.admin().get("/records/people?total=true").expect(200);
    assert_eq!(page["total"], 2);
    let log = server.log();
    assert!(!log.contains("zoe@example.com") && !log.contains("O'Hara"), "personal data in the log: {log}");
}

#[test]
fn the_binary_describes_itself() {
    let vault = Vault::empty();
    for shell in ["bash", "zsh", "fish"] {
        let output = vault.run(&["completions", shell]);
        assert!(output.status.success() && said(&output).contains("import"), "{shell}");
    }
    assert!(said(&vault.run(&["man"])).contains(".TH kith"));
    assert!(said(&vault.run(&["man", "serve"])).contains("listen"));
    for command in [
        "init", "serve", "demo", "user", "token", "import", "export", "verify", "audit", "doctor", "backup", "key",
        "upgrade",
    ] {
        assert!(vault.run(&[command, "--help"]).status.success(), "{command}");
    }
}

#[test]
fn a_vault_locked_with_a_key_file_is_served_with_it() {
    let vault = Vault::empty();
    let (key, password) = (vault.folder().join("key.txt"), vault.folder().join("password"));
    let (key, password) = (key.to_string_lossy().into_owned(), password.to_string_lossy().into_owned());
    let init =
        ["init", "--key-file", &key, "--admin-email", "ada@example.com", "--admin-password-file", &password, "--json"];
    assert_eq!(json(&vault.run(&init))["admin"]["values"]["email"], "ada@example.com");
    assert!(vault.run(&["user", "list", "--key-file", &key]).status.success());
    let server = Server::with(vault, &["--key-file", &key]);
    server.admin().get("/session").expect(200);
    server.stop();
}
