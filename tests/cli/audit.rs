//! The audit from the command line: searched, carried out, verified, anchored; and what an earlier anchor catches.

use std::{fs, os::unix::fs::FileExt, path::Path, time::Duration};

use serde_json::json;

use crate::{
    failure,
    harness::{Server, Vault, phone, said},
    json,
};

fn add_user(vault: &Vault, email: &str) {
    let output = vault.run(&["user", "add", email, "--no-password"]);
    assert!(output.status.success(), "{}", said(&output));
}

fn searches(vault: &Vault) {
    add_user(vault, "bo@example.com");
    let found = json(&vault.run(&["audit", "search", "users", "--kind", "changed", "--since", "2026-01-01", "--json"]));
    assert!(found.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|line| line["kind"] == "changed")));
    let shown = said(&vault.run(&["audit", "tail", "-n", "3", "--object", "users"]));
    assert!(shown.contains("users") && shown.contains("Command line"), "{shown}");
    assert_eq!(json(&vault.run(&["audit", "search", "--until", "2026-01-01", "--json"])), json!([]));
    let ada = json(&vault.run(&["audit", "search", "--actor", "ada@example.com", "--json"]));
    assert!(ada.is_array());
    let file = vault.folder().join("audit.csv");
    let path = file.to_string_lossy().into_owned();
    assert!(vault.run(&["audit", "export", "--format", "csv", "--output", &path]).status.success());
    assert!(fs::read_to_string(&file).unwrap().lines().count() > 3);
    let lines = vault.run(&["audit", "export", "--kind", "changed"]);
    assert!(String::from_utf8_lossy(&lines.stdout).lines().all(|line| line.contains("\"kind\":\"changed\"")));
    for (args, part) in [
        (&["audit", "search", "--kind", "gossip"][..], "signed_in"),
        (&["audit", "search", "--since", "yesterday"], "2026-01-31"),
        (&["audit", "search", "--actor", "nobody@example.com"], "kith user list"),
        (&["audit", "export", "--severity", "huge"], "critical"),
    ] {
        let (code, said) = failure(&vault.run(args));
        assert!(code == Some(1) && said.contains(part), "{args:?}: {said}");
    }
    assert_eq!(vault.run(&["audit", "export", "--format", "xml"]).status.code(), Some(2));
}

fn anchors(vault: &Vault) {
    let head = json(&vault.run(&["audit", "head", "--json"]));
    let paper = said(&vault.run(&["audit", "head", "--short"])).trim().to_string();
    let notes = vault.folder().join("anchors");
    fs::write(&notes, format!("# kept elsewhere\n2026-11-23T07:00:00Z {}\n", head["anchor"].as_str().unwrap()))
        .unwrap();
    let notes = notes.to_string_lossy().into_owned();
    let args = ["audit", "verify", "--anchor", &paper, "--anchors", &notes, "--json"];
    let report = json(&vault.run(&args));
    assert_eq!((&report["clean"], report["anchors"].as_array().map(Vec::len)), (&json!(true), Some(2)), "{report}");
    let false_one = format!("{}:{}", head["seq"], "0".repeat(64));
    let (code, said) = failure(&vault.run(&["audit", "verify", "--anchor", &false_one]));
    assert!(code == Some(1) && said.contains("rewritten"), "{said}");
    let (code, said) = failure(&vault.run(&["audit", "verify", "--anchor", "12:short"]));
    assert!(code == Some(2) && said.contains("kith audit head"), "{said}");
    let (code, _) = failure(&vault.run(&["audit", "verify", "--anchors", "/no/such/file"]));
    assert_eq!(code, Some(1));
}

#[test]
fn it_is_searched_exported_and_anchored_without_a_server() {
    let vault = Vault::new();
    searches(&vault);
    anchors(&vault);
}

#[test]
fn it_is_searched_exported_and_anchored_beside_a_server() {
    let server = Server::start();
    searches(&server.vault);
    anchors(&server.vault);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else if item.file_type().unwrap().is_file() {
            fs::copy(item.path(), &target).unwrap();
        }
    }
}

#[test]
fn somebody_with_every_key_who_rewrites_the_past_is_caught_by_an_earlier_anchor() {
    let vault = Vault::new();
    let first = json(&vault.run(&["audit", "head", "--json"]));
    let early = vault.folder().join("early");
    copy(&vault.data(), &early);
    add_user(&vault, "witness@example.com");
    let second = json(&vault.run(&["audit", "head", "--json"]));
    // The same journal up to a point, and from there on another story, told with the same keys.
    fs::remove_dir_all(vault.data()).unwrap();
    copy(&early, &vault.data());
    for n in 0..6 {
        add_user(&vault, &format!("other{n}@example.com"));
    }
    assert_eq!(json(&vault.run(&["verify", "--json"]))["clean"], true, "by itself it is a perfect journal");
    let anchor = |head: &serde_json::Value| head["anchor"].as_str().unwrap().to_string();
    assert!(vault.run(&["audit", "verify", "--anchor", &anchor(&first)]).status.success());
    let both = ["audit", "verify", "--anchor", &anchor(&first), "--anchor", &anchor(&second), "--json"];
    let (code, said) = failure(&vault.run(&both));
    let between = format!("between entry {}, whose anchor holds, and entry {}", first["seq"], second["seq"]);
    assert!(code == Some(1) && said.contains("audit.rewritten") && said.contains(&between), "{said}");
    let server = Server::on(vault);
    let (code, said) = failure(&server.vault.run(&both));
    assert!(code == Some(1) && said.contains(&between), "{said}");
}

#[test]
fn a_changed_entry_is_found_and_named_beside_a_server_and_without_one() {
    let server = Server::start();
    add_user(&server.vault, "bo@example.com");
    let journal = server.vault.data().join("journal");
    let segment = fs::read_dir(&journal).unwrap().flatten().map(|item| item.path());
    let segment = segment.filter(|path| path.extension().is_some_and(|e| e == "log")).min().expect("a segment");
    let bytes = fs::read(&segment).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&segment).unwrap();
    file.write_all_at(&[bytes[used / 2] ^ 1], (used / 2) as u64).unwrap();
    let name = segment.file_name().unwrap().to_string_lossy().into_owned();
    let (code, told) = failure(&server.vault.run(&["audit", "verify", "--json"]));
    assert!(code == Some(1) && told.contains("store.damaged"), "{told}");
    let shown = said(&server.vault.run(&["audit", "verify"]));
    assert!(shown.contains(&name) && shown.contains("byte"), "{shown}");
    let (code, _) = failure(&server.vault.run(&["doctor", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, Some(1));
    assert!(said(&server.vault.run(&["doctor", "--listen", "127.0.0.1:0"])).contains("did not verify"));
    let vault = server.kill();
    let shown = said(&vault.run(&["audit", "verify"]));
    assert!(shown.contains(&name), "{shown}");
}

#[test]
fn the_head_is_noted_in_a_file_outside_the_data_folder() {
    let vault = Vault::new();
    let inside = vault.data().join("anchors").to_string_lossy().into_owned();
    let (code, told) = failure(&vault.run(&["serve", "--listen", "127.0.0.1:0", "--anchor-file", &inside]));
    assert!(code == Some(2) && told.contains("data folder"), "{told}");
    let outside = vault.folder().join("anchors");
    let shown = outside.to_string_lossy().into_owned();
    let server = Server::with(vault, &["--anchor-file", &shown]);
    let started = std::time::Instant::now();
    while fs::read_to_string(&outside).map_or(0, |text| text.lines().count()) == 0 {
        assert!(started.elapsed() < Duration::from_secs(20), "nothing is noted");
        std::thread::sleep(Duration::from_millis(50));
    }
    let vault = server.stop();
    add_user(&vault, "bo@example.com");
    let report = json(&vault.run(&["audit", "verify", "--anchors", &shown, "--json"]));
    assert_eq!(report["anchors"][0]["holds"], true, "{report}");
    let server = Server::with(vault, &["--anchor-file", "-"]);
    while !server.log().contains("anchor 20") {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing is printed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_lost_phone_is_no_lost_account() {
    let server = Server::start();
    let admin = server.admin();
    let begun = admin.post("/me/second-factor", &json!({ "password": crate::harness::ADMIN_PASSWORD })).expect(200);
    let code = phone::code(begun["secret"].as_str().unwrap(), 0);
    admin.post("/me/second-factor/confirm", &json!({ "code": code })).expect(200);
    let sign_in = json!({ "email": "ada@example.com", "password": crate::harness::ADMIN_PASSWORD });
    server.guest().post("/session", &sign_in).refused(401, "auth.second_factor");
    let vault = server.stop();
    assert!(vault.run(&["user", "reset-second-factor", "ada@example.com"]).status.success());
    let (code, told) = failure(&vault.run(&["user", "reset-second-factor", "ada@example.com"]));
    assert!(code == Some(1) && told.contains("second_factors"), "{told}");
    let server = Server::on(vault);
    server.admin();
    assert_eq!(server.vault.run(&["user", "reset-second-factor", "nobody@example.com"]).status.code(), Some(1));
}
