//! Erasing and retention from the command line, and a kill in the middle of an erasure.

use std::{thread, time::Duration};

use serde_json::json;

use crate::{
    failure,
    harness::{Server, Vault, said},
    json,
};

const PEOPLE: &str = "Last name,E-mail\nLovelace,ada@fixture.example\nBabbage,charles@fixture.example\n";

fn erase_and_retain(vault: &Vault) {
    let file = vault.folder().join("people.csv");
    std::fs::write(&file, PEOPLE).unwrap();
    let path = file.to_string_lossy().into_owned();
    json(&vault.run(&["import", &path, "--object", "people", "--json"]));
    std::fs::remove_file(&file).unwrap();
    let lines = vault.run(&["export", "--object", "people", "--format", "jsonl"]);
    let text = String::from_utf8_lossy(&lines.stdout).into_owned();
    let record = |name: &str| {
        text.lines()
            .find(|line| line.contains(name))
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
    };
    let id = record("Lovelace").unwrap()["id"].as_str().unwrap().to_string();

    let held = vault.folder().join("held.tar").to_string_lossy().into_owned();
    assert!(vault.run(&["personal-data", "people", &id, "--output", &held]).status.success());
    let bytes = std::fs::read(&held).unwrap();
    assert!(bytes.starts_with(b"data.json") && bytes.windows(19).any(|w| w == b"ada@fixture.example"));
    let (code, error) = failure(&vault.run(&["personal-data", "people", "not-an-id", "--output", &held]));
    assert_eq!(code, Some(1), "{error}");
    let plan = json(&vault.run(&["erase", "people", &id, "--preview", "--json"]));
    assert_eq!(plan["count"], 1, "{plan}");
    let (code, error) = failure(&vault.run(&["erase", "people", &id]));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--yes"), "{error}");
    let (code, error) = failure(&vault.run(&["erase", "people", "--yes", "not-an-id"]));
    assert_eq!(code, Some(1), "{error}");
    let done = json(&vault.run(&["erase", "people", &id, "--yes", "--reason", "letter of May 3rd", "--json"]));
    assert_eq!((&done["records"], &done["already"]), (&json!(1), &json!(false)), "{done}");
    let again = vault.run(&["erase", "people", &id, "--yes"]);
    assert!(again.status.success() && said(&again).contains("erased before"), "{}", said(&again));
    let left = said(&vault.run(&["export", "--object", "people"]));
    assert!(left.contains("Babbage") && !left.contains("Lovelace"), "{left}");
    assert_eq!(json(&vault.run(&["verify", "--json"]))["clean"], true);

    let rules = json(&vault.run(&["retention", "list", "--json"]));
    assert_eq!(rules[0]["values"]["enabled"], false, "{rules}");
    assert!(said(&vault.run(&["retention", "list"])).contains("Empty the trash"));
    let preview = json(&vault.run(&["retention", "preview", "--json"]));
    assert!(preview.as_array().is_some_and(|items| items.iter().all(|item| item["count"] == 0)), "{preview}");
    let run = json(&vault.run(&["retention", "run", "Empty the trash", "--json"]));
    assert_eq!((&run["state"], &run["count"]), (&json!("done"), &json!(0)));
    let (code, error) = failure(&vault.run(&["retention", "run", "No such rule"]));
    assert_eq!((code, error.contains("kith retention list")), (Some(1), true), "{error}");
}

#[test]
fn erasing_and_retention_work_without_a_server() {
    erase_and_retain(&Vault::new());
}

#[test]
fn erasing_and_retention_work_beside_a_server() {
    let server = Server::start();
    erase_and_retain(&server.vault);
    assert!(!server.log().contains("Lovelace"), "{}", server.log());
}

#[test]
fn a_kill_in_the_middle_of_an_erasure_leaves_it_done_or_not_begun() {
    let rounds = if std::env::var_os("KITH_TEST_FULL").is_some() { 30 } else { 4 };
    let mut vault = Vault::new();
    let mut finished = 0;
    for round in 0..rounds {
        let server = Server::on(vault);
        let admin = server.admin();
        let person = admin.make("people", json!({ "last_name": format!("Lovelace {round}") }));
        let id = person["id"].as_str().unwrap().to_string();
        for n in 0..30 {
            admin.make("notes", json!({ "body": format!("note {n} on Lovelace {round}"), "about": id }));
        }
        admin.upload(&format!("/files?object=people&record={id}"), &[], "a.txt", b"brass").expect(201);
        let friend = admin.make("tasks", json!({ "title": "stays", "about": id }));
        let path = format!("/records/people/{id}/erase");
        let body = json!({ "confirm": format!("Lovelace {round}"), "keep": ["tasks"] });
        let asking = thread::spawn(move || admin.try_post(&path, &body));
        thread::sleep(Duration::from_millis(round * 37 % 300));
        vault = server.kill();
        drop(asking.join().unwrap());

        let server = Server::on(vault);
        let admin = server.admin();
        let person = admin.get(&format!("/records/people/{id}"));
        let notes = admin.get(&format!("/records/notes?limit=200&filter=about%20%3D%3D%20%22{id}%22")).expect(200);
        let task = admin.get(&format!("/records/tasks/{}", friend["id"].as_str().unwrap())).expect(200);
        if person.status == 404 {
            finished += 1;
            assert_eq!((&notes["total"], &task["values"]["about"]), (&json!(0), &json!(null)), "round {round}");
            assert!(!admin.get("/exports/notes?format=jsonl").text().contains(&format!("Lovelace {round}")));
            let state = admin.get("/records/erasures").expect(200);
            assert!(state["items"].as_array().unwrap().iter().all(|item| item["values"]["state"] == "done"), "{state}");
        } else {
            assert_eq!(notes["total"], 30, "round {round}");
        }
        vault = server.stop();
        assert!(vault.run(&["verify"]).status.success(), "round {round} does not verify");
    }
    println!("{finished} of {rounds} erasures had begun when the server was killed");
}
