//! The audit: what is in it, how it is searched and carried out, the journal's head and the check of the chain.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    harness::{Client, Server},
    id, token, user, user_with_role,
};

fn lines(client: &Client, query: &str) -> Vec<Json> {
    client.get(&format!("/audit?limit=500&{query}")).expect(200)["items"].as_array().cloned().expect("items")
}

/// Waits until the audit has such a line: reads and sign-ins are written in batches, a second apart at most.
#[track_caller]
fn wait_for(client: &Client, query: &str) -> Vec<Json> {
    let started = Instant::now();
    loop {
        let found = lines(client, query);
        if !found.is_empty() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "nothing in the audit for '{query}'");
        sleep(Duration::from_millis(100));
    }
}

/// Waits for the newest verification to end.
fn verified(client: &Client) -> Json {
    let started = Instant::now();
    loop {
        let state = client.get("/audit/verify").expect(200);
        if state["running"].is_null() && state["last"]["run"] == state["run"] {
            return state["last"].clone();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the verification does not end: {state}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn whatever_happens_is_in_the_audit() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    let path = format!("/records/people/{}", id(&person));
    let of = |kind: &str| format!("kind={kind}&record={}", id(&person));
    wait_for(&admin, &of("changed"));
    let changes = |what: &str| lines(&admin, &of("changed")).iter().filter(|l| l["changes"][0]["kind"] == what).count();
    admin.patch(&path, &json!({ "values": { "last_name": "Bianchi" } })).expect(200);
    assert_eq!(admin.delete(&path).status, 204);
    admin.post(&format!("{path}/restore"), &json!({})).expect(200);
    let batch = json!({ "operations": [{ "op": "update", "id": id(&person), "values": { "last_name": "Verdi" } }] });
    admin.post("/records/people/batch", &batch).expect(200);
    assert_eq!(["created", "updated", "deleted", "restored"].map(changes), [1, 2, 1, 1]);

    admin.get(&path).expect(200);
    admin.get("/records/people").expect(200);
    admin.get("/search?q=verdi").expect(200);
    assert_eq!(admin.get("/exports/people?format=jsonl").status, 200);
    let reader = user(&server, &admin, "reader", "read-only");
    reader.post("/records/people", &json!({ "values": { "last_name": "X" } })).refused(403, "access.denied");
    reader.get("/audit").refused(403, "access.denied");
    assert_eq!(reader.delete("/session").status, 204);
    server
        .guest()
        .post("/session", &json!({ "email": "reader@example.com", "password": "no" }))
        .refused(401, "auth.wrong");
    wait_for(&admin, &of("opened"));
    for kind in ["listed", "searched", "exported", "signed_in", "signed_out", "sign_in_failed"] {
        wait_for(&admin, &format!("kind={kind}"));
    }
    assert!(wait_for(&admin, "kind=refused&object=people")[0]["detail"] == "create");
    wait_for(&admin, "kind=refused&object=audit");
    assert_eq!(wait_for(&admin, "kind=sign_in_failed&address=127.0.0.1")[0]["detail"], "127.0.0.1");
}

#[test]
fn it_is_searched_by_time_actor_kind_object_record_address_and_words() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    admin.make("companies", json!({ "name": "Værft" }));
    let me = admin.get("/session").expect(200)["user"]["id"].as_str().expect("an id").to_string();
    wait_for(&admin, "kind=signed_in");
    assert!(lines(&admin, &format!("actor={me}")).iter().all(|line| line["actor"]["id"] == me.as_str()));
    assert!(lines(&admin, "object=companies").iter().all(|line| line["object"] == "companies"));
    assert_eq!(lines(&admin, &format!("record={}&kind=changed", id(&person))).len(), 1);
    assert!(!lines(&admin, "text=SIGNED_IN+ada").is_empty() && lines(&admin, "text=unheard-of").is_empty());
    assert!(lines(&admin, "address=203.0.113").is_empty());
    assert!(lines(&admin, "until=2026-01-01").is_empty() && lines(&admin, "since=2099-01-01").is_empty());
    let at =
        lines(&admin, &format!("record={}&kind=changed", id(&person)))[0]["at"].as_str().expect("a time").to_string();
    assert!(lines(&admin, &format!("until={at}")).iter().all(|line| line["at"].as_str() < Some(at.as_str())));
    assert!(lines(&admin, &format!("since={at}&kind=changed")).iter().any(|line| line["ids"][0] == id(&person)));
    let many: Vec<Json> =
        (0..120).map(|n| json!({ "op": "create", "values": { "last_name": format!("P{n}") } })).collect();
    let made = admin.post("/records/people/batch", &json!({ "operations": many })).expect(200);
    let last = made["items"][119]["id"].as_str().expect("an id").to_string();
    assert_eq!(lines(&admin, &format!("record={last}&kind=changed")).len(), 1, "the last of a large batch too");
    for (query, code) in [
        ("kind=nothing", "request.invalid"),
        ("since=yesterday", "request.invalid"),
        ("until=x", "request.invalid"),
        ("severity=huge", "request.invalid"),
        ("cursor=nonsense", "cursor.invalid"),
    ] {
        admin.get(&format!("/audit?{query}")).refused(400, code);
    }
    let page = admin.get("/audit?limit=1").expect(200);
    let next =
        admin.get(&format!("/audit?limit=1&cursor={}", page["next_cursor"].as_str().expect("a cursor"))).expect(200);
    assert_ne!(page["items"][0], next["items"][0]);
    assert!(page["searched_to"].is_string());
}

#[test]
fn alerts_are_a_kind_of_their_own_and_counted() {
    let server = Server::start();
    let admin = server.admin();
    user(&server, &admin, "zoe", "member");
    let body = json!({ "email": "zoe@example.com", "password": "a long enough secret" });
    server.guest().ask("POST", "/session", &[("user-agent", "Another/1.0")], Some(&body)).expect(200);
    let alert = wait_for(&admin, "kind=alert&severity=notice")[0].clone();
    assert_eq!((&alert["alert"], &alert["detail"]), (&json!("sign_in.new_device"), &json!("127.0.0.1")));
    assert!(lines(&admin, "kind=alert&severity=critical").is_empty());
    assert!(server.guest().get("/metrics").text().contains(r#"kith_state{name="alerts_notice"} 1.0"#));
    assert!(!server.log().contains("zoe"), "names in the log");
}

#[test]
fn it_is_carried_out_as_lines_and_as_a_table() {
    let server = Server::start();
    let admin = server.admin();
    admin.make("people", json!({ "last_name": "Rossi" }));
    user(&server, &admin, "=cmd", "member");
    wait_for(&admin, "kind=signed_in&text=cmd");
    let file = admin.get("/audit/export?kind=changed").text();
    let rows: Vec<Json> = file.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(rows.len() > 2 && rows.iter().all(|row| row["kind"] == "changed"));
    let table = admin.get("/audit/export?format=csv").text();
    assert!(table.starts_with("seq,at,kind,severity,alert,actor,") && table.contains("'=cmd"), "{table:.300}");
    assert!(
        admin.get("/audit/export?format=csv&since=2099-01-01").text().starts_with("seq,"),
        "an empty table has a heading"
    );
    admin.get("/audit/export?format=xml").refused(400, "request.invalid");
    admin.get("/audit/export?limit=3").refused(400, "request.invalid");
    let reader = user(&server, &admin, "reader", "read-only");
    reader.get("/audit/export").refused(403, "access.denied");
    server.guest().get("/audit/export").refused(401, "auth.required");
    wait_for(&admin, "kind=exported&object=audit");
}

#[test]
fn the_head_is_for_administrators_and_for_tokens_that_see_nothing_else() {
    let server = Server::start();
    let admin = server.admin();
    let head = admin.get("/audit/head").expect(200);
    assert_eq!((head["hash"].as_str().map(str::len), head["short"].as_str().map(str::len)), (Some(64), Some(39)));
    let only = token(&admin, &["audit:head"]);
    assert!(only.get("/audit/head").expect(200)["seq"].as_u64() >= head["seq"].as_u64());
    only.get("/audit").refused(403, "access.denied");
    only.get("/audit/verify").refused(403, "access.denied");
    only.get("/records/people").refused(403, "access.denied");
    token(&admin, &["*:write"]).get("/audit/head").refused(403, "access.denied");
    let zoe = user(&server, &admin, "zoe", "member");
    zoe.get("/audit/head").refused(403, "access.denied");
    token(&zoe, &["audit:head"]).get("/audit/head").refused(403, "access.denied");
    zoe.get("/audit/verify").refused(403, "access.denied");
    zoe.post("/audit/verify", &json!({})).refused(403, "access.denied");
    server.guest().get("/audit/head").refused(401, "auth.required");
}

#[test]
fn the_chain_is_verified_after_the_start_and_on_demand() {
    let server = Server::start();
    let admin = server.admin();
    let after_start = verified(&admin);
    assert_eq!(
        (&after_start["report"]["clean"], &after_start["records"]),
        (&json!(true), &json!(false)),
        "{after_start}"
    );
    let head = admin.get("/audit/head").expect(200);
    let (seq, hash) = (&head["seq"], head["hash"].as_str().expect("a hash"));
    admin.make("people", json!({ "last_name": "Rossi" }));
    let short = format!("{seq}:{}", head["short"].as_str().expect("a short form"));
    let state = admin.post("/audit/verify", &json!({ "anchors": [format!("{seq}:{hash}"), short], "records": true }));
    assert_eq!(state.expect(202)["run"].as_u64(), after_start["run"].as_u64().map(|run| run + 1));
    let last = verified(&admin);
    let report = &last["report"];
    assert_eq!((&report["clean"], &report["findings"], &last["records"]), (&json!(true), &json!([]), &json!(true)));
    assert_eq!(report["anchors"].as_array().map(Vec::len), Some(2));
    let other = format!("{seq}:{}", "0".repeat(64));
    let far = format!("999999:{hash}");
    admin.post("/audit/verify", &json!({ "anchors": [head["anchor"], other, far] })).expect(202);
    let report = verified(&admin)["report"].clone();
    assert_eq!(report["clean"], false);
    let said: Vec<&str> =
        report["anchors"].as_array().expect("anchors").iter().filter_map(|a| a["what"].as_str()).collect();
    assert!(
        said.iter().any(|what| what.contains("rewritten")) && said.iter().any(|what| what.contains("cut off")),
        "{said:?}"
    );
    wait_for(&admin, "kind=alert&severity=critical&text=journal.rewritten");
    admin.post("/audit/verify", &json!({ "anchors": ["1:xyz"] })).refused(400, "request.invalid");
    admin.post("/audit/verify", &json!({ "all": true })).refused(400, "request.invalid");
    let figures = server.guest().get("/metrics").text();
    assert!(
        figures.contains(r#"name="verified_entry""#)
            && figures.contains(r#"kith_state{name="verify_anchors_lost"} 2.0"#)
    );
}

#[test]
fn a_value_that_must_be_unique_is_refused_without_naming_who_has_it() {
    let server = Server::start();
    let admin = server.admin();
    admin
        .post("/objects/people/fields", &json!({ "key": "badge", "label": "Badge", "kind": "text", "unique": true }))
        .expect(201);
    let hidden = admin.make("people", json!({ "last_name": "Hidden", "badge": "B-1" }));
    let own = json!({ "create": true, "read": "own", "update": "own", "delete": "own", "export": "own" });
    let zoe = user_with_role(&server, &admin, "seller", json!({ "grants": { "objects": { "people": own } } }));
    zoe.get(&format!("/records/people/{}", id(&hidden))).refused(404, "record.not_found");
    let again = json!({ "values": { "last_name": "New", "badge": "B-1" } });
    let seen = admin.post("/records/people", &again).refused(409, "record.not_unique");
    let unseen = zoe.post("/records/people", &again).refused(409, "record.not_unique");
    assert_eq!(seen, unseen, "the same words, whoever asks");
    assert!(!unseen.to_string().contains(id(&hidden)) && !unseen.to_string().contains("Hidden"));
}
