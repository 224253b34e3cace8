//! Panels of plugins through the API: what is drawn for whom, and what of it may be used.

use serde_json::{Value as Json, json};

use crate::{
    harness::{Client, Server, plugins::fixture},
    user,
};

const ABOUT: &str = "/plugins/fixture-good/panels/about";

/// A server with the fixture, and a person to stand beside.
fn with_fixture() -> Option<(Server, Client, String)> {
    let file = fixture("fixture-good")?;
    let server = Server::start();
    let admin = server.admin();
    admin.upload("/plugins", &[("grant", "true")], "plugin.wasm", &file).expect(201);
    let person = admin.make("people", json!({ "first_name": "Ann", "last_name": "A" }));
    let id = person["id"].as_str().unwrap().to_string();
    Some((server, admin, id))
}

fn calls(admin: &Client) -> usize {
    let calls = admin.get("/plugins/fixture-good/calls").expect(200);
    calls["items"].as_array().unwrap().iter().filter(|call| call["capability"] == "panels").count()
}

#[test]
fn a_form_reaches_the_plugin_only_as_it_was_drawn() {
    let Some((_server, admin, id)) = with_fixture() else { return };
    let drawn = admin.post(&format!("{ABOUT}/render"), &json!({ "target": id })).expect(200);
    let act = |handler: &str, form: Json| {
        let body = json!({ "target": id, "handler": handler, "form": form, "state": drawn["state"] });
        admin.post(&format!("{ABOUT}/act"), &body)
    };
    let before = calls(&admin);
    for (form, field, code) in [
        (json!({ "nickname": 7 }), "nickname", "wrong_type"),
        (json!({ "nickname": "A", "role": "admin" }), "role", "unknown"),
    ] {
        let refused = act("rename", form).refused(422, "record.invalid");
        assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(field), &json!(code)));
    }
    act("rename", json!([1])).refused(400, "request.invalid");
    act("erase", json!({})).refused(409, "plugin.stale");
    assert_eq!(calls(&admin), before, "what is refused does not reach the plugin");
    let used = act("rename", json!({ "nickname": "Bee" })).expect(200);
    assert!(used["root"].to_string().contains("nickname: Bee"), "{used}");
    assert_eq!(calls(&admin), before + 1);
    act("rename", json!({})).expect(200);
}

#[test]
fn a_button_takes_no_form() {
    let Some((_server, admin, _)) = with_fixture() else { return };
    let home = "/plugins/fixture-good/panels/home";
    let drawn = admin.post(&format!("{home}/render"), &json!({})).expect(200);
    let act = |form: Json| {
        admin.post(&format!("{home}/act"), &json!({ "handler": "more", "form": form, "state": drawn["state"] }))
    };
    act(json!({ "count": 99 })).refused(422, "record.invalid");
    assert!(act(json!(null)).expect(200)["root"].to_string().contains("\"1\""));
}

#[test]
fn a_panel_that_was_drawn_for_another_is_used_by_nobody() {
    let Some((server, admin, id)) = with_fixture() else { return };
    let member = user(&server, &admin, "ann", "member");
    let drawn = admin.post(&format!("{ABOUT}/render"), &json!({ "target": id })).expect(200);
    let body = json!({ "target": id, "handler": "rename", "form": {}, "state": drawn["state"] });
    member.post(&format!("{ABOUT}/act"), &body).refused(409, "plugin.stale");
    server.guest().post(&format!("{ABOUT}/act"), &body).refused(401, "auth.required");
    admin.post("/plugins/fixture-good/disable", &json!(null)).expect(200);
    admin.post(&format!("{ABOUT}/act"), &body).expect(404);
    assert_eq!(admin.get("/panels?slot=record&object=people").expect(200)["items"], json!([]));
}
