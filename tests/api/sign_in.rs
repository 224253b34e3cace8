//! Second factors, sessions one can see and end, and passwords by their strength.

use serde_json::{Value as Json, json};

use crate::{
    harness::{ADMIN_EMAIL, ADMIN_PASSWORD, Client, Server, http::Reply, phone},
    id, token, user,
};

const PASSWORD: &str = "a long enough secret";

fn text(value: &Json) -> &str {
    value.as_str().expect("a text")
}

/// Enrols an app for the client's user; gives its seed and the recovery codes.
fn enrol(client: &Client, password: &str) -> (String, Vec<String>) {
    let begun = client.post("/me/second-factor", &json!({ "password": password })).expect(200);
    assert!(text(&begun["uri"]).starts_with("otpauth://totp/") && text(&begun["qr"]).contains("<svg"));
    let seed = text(&begun["secret"]).to_string();
    let done = client.post("/me/second-factor/confirm", &json!({ "code": phone::code(&seed, -1) })).expect(200);
    let codes = done["recovery_codes"].as_array().expect("codes").iter().map(|code| text(code).to_string());
    (seed, codes.collect())
}

fn first_step(server: &Server, email: &str, password: &str) -> Json {
    let reply = server.guest().post("/session", &json!({ "email": email, "password": password }));
    assert!(reply.header("set-cookie").is_none());
    reply.refused(401, "auth.second_factor")
}

fn second_step(server: &Server, challenge: &Json, code: &str) -> Reply {
    server.guest().post("/session/second-factor", &json!({ "challenge": challenge["challenge"], "code": code }))
}

#[test]
fn signing_in_with_an_app_takes_two_steps_and_every_code_works_once() {
    let server = Server::start();
    let admin = server.admin();
    let zoe = user(&server, &admin, "zoe", "member");
    let other = server.signed_in("zoe@example.com", PASSWORD);
    zoe.post("/me/second-factor", &json!({ "password": "not the one" })).refused(401, "auth.wrong");
    zoe.post("/me/second-factor/confirm", &json!({ "code": "123456" })).refused(422, "record.invalid");
    token(&zoe, &["*:write"]).post("/me/second-factor", &json!({ "password": PASSWORD })).refused(403, "access.denied");
    let (seed, codes) = enrol(&zoe, PASSWORD);
    assert_eq!(codes.len(), 10);
    other.get("/session").refused(401, "auth.required");
    let state = zoe.get("/session").expect(200)["second_factor"].clone();
    assert_eq!(
        (&state["enabled"], &state["required"], &state["recovery_codes_left"]),
        (&json!(true), &json!(false), &json!(10))
    );

    let waits = first_step(&server, "zoe@example.com", PASSWORD);
    assert_eq!(waits["enrol"], Json::Null);
    assert!(text(&waits["expires_at"]).ends_with('Z'));
    second_step(&server, &waits, "000000").refused(401, "auth.wrong_code");
    second_step(&server, &waits, &phone::code(&seed, -1)).refused(401, "auth.wrong_code");
    second_step(&server, &json!({ "challenge": "f".repeat(64) }), "000000").refused(401, "auth.challenge_over");
    let reply = second_step(&server, &waits, &phone::code(&seed, 0));
    assert_eq!(reply.expect(200)["user"]["email"], "zoe@example.com");
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("HttpOnly")));
    let waits = first_step(&server, "zoe@example.com", PASSWORD);
    second_step(&server, &waits, &codes[0].to_lowercase()).expect(200);
    let waits = first_step(&server, "zoe@example.com", PASSWORD);
    second_step(&server, &waits, &codes[0]).refused(401, "auth.wrong_code");

    let renewed = zoe.post("/me/second-factor/recovery-codes", &json!({ "code": codes[1] })).expect(200);
    second_step(&server, &waits, &codes[2]).refused(401, "auth.wrong_code");
    zoe.ask("DELETE", "/me/second-factor", &[], Some(&json!({ "code": codes[3] }))).refused(401, "auth.wrong_code");
    let code = json!({ "code": renewed["recovery_codes"][0] });
    assert_eq!(zoe.ask("DELETE", "/me/second-factor", &[], Some(&code)).status, 204);
    server.signed_in("zoe@example.com", PASSWORD);
    let shown = format!(
        "{}{}{}",
        server.log(),
        admin.get("/audit?limit=500").text(),
        admin.get("/records/second_factors?trashed=true").text()
    );
    for secret in codes.iter().chain([&seed]) {
        assert!(!shown.contains(secret.as_str()), "a secret is shown");
    }
}

#[test]
fn guessing_codes_is_slowed_down_across_challenges() {
    let server = Server::start();
    let zoe = user(&server, &server.admin(), "zoe", "member");
    enrol(&zoe, PASSWORD);
    // The challenges first: what is tried within a second is what is slowed down.
    let waits: Vec<Json> = (0..3).map(|_| first_step(&server, "zoe@example.com", PASSWORD)).collect();
    let guesses = waits.iter().flat_map(|waits| (0..5).map(move |_| waits));
    let slowed = guesses.map(|waits| second_step(&server, waits, "000000")).find(|reply| reply.status == 429);
    let slowed = slowed.expect("a slow-down");
    slowed.refused(429, "auth.slow_down");
    assert!(slowed.header("retry-after").is_some());
}

#[test]
fn where_everyone_needs_one_sessions_end_and_signing_in_enrols() {
    let server = Server::start();
    let admin = server.admin();
    let settings = admin.get("/records/settings").expect(200)["items"][0]["id"].clone();
    let ask = |client: &Client, word: &str| {
        client.patch(&format!("/records/settings/{}", text(&settings)), &json!({ "values": { "second_factor": word } }))
    };
    ask(&user(&server, &admin, "zoe", "member"), "optional").refused(403, "access.denied");
    ask(&admin, "nobody").refused(422, "record.invalid");
    ask(&admin, "everyone").expect(200);
    admin.get("/session").refused(401, "auth.required");
    let waits = first_step(&server, ADMIN_EMAIL, ADMIN_PASSWORD);
    let seed = text(&waits["enrol"]["secret"]).to_string();
    second_step(&server, &waits, "000000").refused(401, "auth.wrong_code");
    let reply = second_step(&server, &waits, &phone::code(&seed, -1));
    let body = reply.expect(200);
    assert_eq!(body["recovery_codes"].as_array().map(Vec::len), Some(10));
    let mut admin = server.guest();
    admin.take_cookie(&reply);
    assert_eq!(admin.get("/me/second-factor").expect(200)["required"], true);
    let code = json!({ "code": phone::code(&seed, 0) });
    admin.ask("DELETE", "/me/second-factor", &[], Some(&code)).refused(403, "access.denied");
    let waits = first_step(&server, ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(waits["enrol"], Json::Null, "once is enough");
}

#[test]
fn an_administrator_resets_a_second_factor_and_nobody_else() {
    let server = Server::start();
    let admin = server.admin();
    let (zoe, bob) = (user(&server, &admin, "zoe", "member"), user(&server, &admin, "bob", "member"));
    enrol(&zoe, PASSWORD);
    let path = format!("/users/{}/second-factor", text(&zoe.get("/session").expect(200)["user"]["id"]));
    bob.delete(&path).refused(403, "access.denied");
    assert_eq!(admin.delete(&path).status, 204);
    zoe.get("/session").refused(401, "auth.required");
    server.signed_in("zoe@example.com", PASSWORD);
    admin.delete(&path).refused(404, "record.not_found");
    let record = admin.get("/records/second_factors?trashed=true").expect(200)["items"][0].clone();
    admin.post(&format!("/records/second_factors/{}/restore", id(&record)), &json!({})).refused(403, "access.denied");
}

#[test]
fn sessions_are_seen_and_ended_by_their_owner_and_by_administrators() {
    let server = Server::start();
    let admin = server.admin();
    let zoe = user(&server, &admin, "zoe", "member");
    let others: Vec<Client> = (0..2).map(|_| server.signed_in("zoe@example.com", PASSWORD)).collect();
    let list = |client: &Client, path: &str| client.get(path).expect(200)["items"].as_array().cloned().expect("items");
    let sessions = list(&zoe, "/me/sessions");
    assert_eq!(sessions.len(), 3);
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
    assert!(sessions.iter().all(|s| s["address"] == "127.0.0.1" && s["created_at"].is_string()));
    let user_id = text(&zoe.get("/session").expect(200)["user"]["id"]).to_string();
    let (all, one) =
        (format!("/users/{user_id}/sessions"), sessions.iter().find(|s| s["current"] == false).expect("another"));
    let bob = user(&server, &admin, "bob", "member");
    bob.get(&all).refused(403, "access.denied");
    bob.delete(&all).refused(403, "access.denied");
    bob.delete(&format!("{all}/{}", id(one))).refused(403, "access.denied");
    bob.delete(&format!("/me/sessions/{}", id(one))).refused(404, "record.not_found");
    assert_eq!(zoe.delete(&format!("/me/sessions/{}", id(one))).status, 204);
    assert_eq!(others.iter().filter(|client| client.get("/session").status == 401).count(), 1);
    zoe.post(&format!("/records/sessions/{}/restore", id(one)), &json!({})).refused(403, "access.denied");
    assert_eq!(zoe.delete("/me/sessions").expect(200)["ended"], 1);
    assert!(others.iter().all(|client| client.get("/session").status == 401));
    assert_eq!(zoe.get("/session").status, 200);
    assert_eq!(list(&admin, &all).len(), 1);
    assert_eq!(admin.delete(&all).expect(200)["ended"], 1);
    zoe.get("/session").refused(401, "auth.required");
}

#[test]
fn a_new_role_or_a_disabled_account_ends_the_sessions() {
    let server = Server::start();
    let admin = server.admin();
    let zoe = user(&server, &admin, "zoe", "member");
    let path = format!("/records/users/{}", text(&zoe.get("/session").expect(200)["user"]["id"]));
    let roles = admin.get("/records/roles").expect(200);
    let role = roles["items"].as_array().and_then(|all| all.iter().find(|r| r["values"]["key"] == "read-only"));
    admin.patch(&path, &json!({ "values": { "role": role.expect("a role")["id"] } })).expect(200);
    zoe.get("/session").refused(401, "auth.required");
    let zoe = server.signed_in("zoe@example.com", PASSWORD);
    for disabled in [true, false] {
        admin.patch(&path, &json!({ "values": { "disabled": disabled } })).expect(200);
    }
    zoe.get("/session").refused(401, "auth.required");
}

#[test]
fn passwords_are_judged_by_how_soon_they_are_guessed() {
    let server = Server::start();
    let admin = server.admin();
    let judge = |password: &str| {
        admin.post("/password-strength", &json!({ "password": password, "name": "Zoë O'Hara" })).expect(200)
    };
    for (password, code) in [("Pa$$1", "too_short"), ("Password1!", "too_simple"), ("Zoë O'Hara1", "too_simple")] {
        let judged = judge(password);
        assert_eq!((&judged["ok"], text(&judged["code"])), (&json!(false), code), "{judged}");
        assert!(text(&judged["message"]).len() > 20);
        let body = json!({ "email": "zoe@example.com", "name": "Zoë O'Hara", "role": "member", "password": password });
        admin.post("/users", &body).refused(422, "record.invalid");
    }
    let judged = judge("four plain small words");
    assert_eq!((&judged["ok"], &judged["message"]), (&json!(true), &Json::Null));
    assert!(judged["score"].as_i64().is_some_and(|score| score >= 3));
    server.guest().post("/password-strength", &json!({ "password": "x" })).refused(401, "auth.required");
    let long = "many quiet words ".repeat(7);
    let body = json!({ "email": "zoe@example.com", "role": "member", "password": long });
    admin.post("/users", &body).expect(201);
    server.signed_in("zoe@example.com", &long);
}
