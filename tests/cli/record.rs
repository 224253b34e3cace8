//! One record at the terminal: as it is, as it was, and brought back; beside a server and without one.

use serde_json::json;

use crate::{
    failure,
    harness::{Server, Vault, said},
    json,
};

/// A person who was a sailor of the deck and is captain of the bridge.
fn person(vault: Vault) -> (Vault, String) {
    let server = Server::on(vault);
    let admin = server.admin();
    let made = admin.make("people", json!({"last_name": "Former", "job_title": "Sailor", "department": "Deck"}));
    let id = made["id"].as_str().unwrap().to_string();
    let values = json!({"values": {"job_title": "Captain", "department": "Bridge"}});
    admin.patch(&format!("/records/people/{id}"), &values).expect(200);
    (server.stop(), id)
}

fn walk(vault: &Vault, id: &str) {
    let history = json(&vault.run(&["record", "history", "people", id, "--json"]));
    let first = history.as_array().unwrap().last().unwrap()["seq"].to_string();
    assert!(said(&vault.run(&["record", "history", "people", id])).contains("job_title"));
    let shown = |args: &[&str]| said(&vault.run(&[&["record", "show", "people", id], args].concat()));
    assert!(shown(&[]).contains("Captain"));
    let was = shown(&["--at", &first]);
    assert!(was.contains("Sailor") && was.contains(&format!("journal entry {first}")), "{was}");
    let back = json(&vault.run(&["record", "revert", "people", id, "--at", &first, "--field", "job_title", "--json"]));
    assert_eq!((&back["values"]["job_title"], &back["values"]["department"]), (&json!("Sailor"), &json!("Bridge")));
    assert!(said(&vault.run(&["record", "revert", "people", id, "--at", &first])).contains("Brought back"));
    assert!(shown(&[]).contains("Deck"));
    // And back again, the same way.
    let second = history[0]["seq"].to_string();
    json(&vault.run(&["record", "revert", "people", id, "--at", &second, "--json"]));
    assert!(shown(&[]).contains("Captain"));
}

#[test]
fn it_is_shown_as_it_was_and_brought_back_with_and_without_a_server() {
    let (vault, id) = person(Vault::new());
    walk(&vault, &id);
    let server = Server::on(vault);
    walk(&server.vault, &id);
}

#[test]
fn moments_and_records_that_are_not_are_refused() {
    let (vault, id) = person(Vault::new());
    let refused = |args: &[&str], said: &str| {
        let (code, words) = failure(&vault.run(args));
        assert!(code == Some(1) && words.contains(said), "{args:?}: {code:?} {words}");
    };
    refused(&["record", "show", "people", &id, "--at", "yesterday"], "'at' must be a time like");
    refused(&["record", "show", "people", "nobody"], "nobody");
    refused(&["record", "revert", "people", &id, "--at", "1", "--field", "shoe_size"], "");
    assert_eq!(failure(&vault.run(&["record", "revert", "people", &id])).0, Some(2));
}
