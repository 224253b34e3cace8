//! Signing in and out, the cookie, and pages of other sites.

use serde_json::json;

use crate::harness::{ADMIN_EMAIL, ADMIN_PASSWORD, Server};

#[test]
fn a_session_lives_from_sign_in_to_sign_out() {
    let server = Server::start();
    server.guest().get("/session").refused(401, "auth.required");
    server.guest().get("/records/people").refused(401, "auth.required");

    let reply = server.guest().post("/session", &json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD }));
    let body = reply.expect(200);
    assert_eq!(body["user"]["email"], ADMIN_EMAIL);
    assert_eq!(body["user"]["is_admin"], true);
    assert_eq!(body["user"]["role"]["key"], "admin");
    assert!(body["expires_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{body}");
    let cookie = reply.header("set-cookie").expect("a cookie");
    for part in ["kith_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{part} is missing");
    }
    assert!(!cookie.contains("Secure"), "over plain HTTP a browser would drop a Secure cookie");

    let admin = server.admin();
    assert_eq!(admin.get("/session").expect(200)["user"]["email"], ADMIN_EMAIL);
    let reply = admin.delete("/session");
    assert_eq!(reply.status, 204);
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    admin.get("/session").refused(401, "auth.required");
    admin.get("/records/people").refused(401, "auth.required");
}

#[test]
fn over_https_the_cookie_is_secure() {
    let server = Server::start();
    let body = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let origin = format!("https://{}", server.address);
    let reply = server.guest().ask("POST", "/session", &[("origin", &origin)], Some(&body));
    reply.expect(200);
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("; Secure")));
}

#[test]
fn wrong_passwords_and_wrong_users_look_the_same_and_are_slowed_down() {
    let server = Server::start();
    let wrong = |email: &str| server.guest().post("/session", &json!({ "email": email, "password": "not the one" }));
    let known = wrong(ADMIN_EMAIL).refused(401, "auth.wrong");
    let unknown = wrong("nobody@example.com").refused(401, "auth.wrong");
    assert_eq!(known["detail"], unknown["detail"]);
    let slowed = (0..12).map(|_| wrong(ADMIN_EMAIL)).find(|reply| reply.status == 429).expect("a slow-down");
    slowed.refused(429, "auth.slow_down");
    assert!(slowed.header("retry-after").and_then(|s| s.parse::<u64>().ok()).is_some_and(|s| s >= 1));
    let right = server.guest().post("/session", &json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD }));
    right.refused(429, "auth.slow_down");
}

#[test]
fn pages_of_other_sites_change_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let body = json!({ "values": { "last_name": "Mallory" } });
    for origin in [[("origin", "http://evil.example.com")], [("origin", "null")], [("sec-fetch-site", "cross-site")]] {
        let mut headers = origin.to_vec();
        if origin[0].0 != "origin" {
            // Takes out the origin that the test client would send.
            headers.push(("origin", ""));
        }
        admin.ask("POST", "/records/people", &headers, Some(&body)).refused(403, "origin.refused");
    }
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);
    let signing_in = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let elsewhere = [("origin", "http://evil.example.com")];
    server.guest().ask("POST", "/session", &elsewhere, Some(&signing_in)).refused(403, "origin.refused");
    // Reading is allowed from anywhere: the browser itself keeps the answer from the other page.
    assert_eq!(admin.ask("GET", "/records/people", &elsewhere, None).status, 200);
}

#[test]
fn changing_the_password_ends_the_other_sessions() {
    let server = Server::start();
    let (admin, other) = (server.admin(), server.admin());
    let wrong = json!({ "current": "not the one", "new": "another long secret" });
    admin.post("/me/password", &wrong).refused(401, "auth.wrong");
    let weak = json!({ "current": ADMIN_PASSWORD, "new": "short" });
    admin.post("/me/password", &weak).refused(422, "record.invalid");
    let good = json!({ "current": ADMIN_PASSWORD, "new": "another long secret" });
    assert_eq!(admin.post("/me/password", &good).status, 204);
    assert_eq!(admin.get("/session").status, 200);
    other.get("/session").refused(401, "auth.required");
    server.signed_in(ADMIN_EMAIL, "another long secret");
}

#[test]
fn everybody_has_a_profile_of_their_own() {
    let server = Server::start();
    let admin = server.admin();
    assert_eq!(admin.get("/me").expect(200)["values"]["email"], ADMIN_EMAIL);
    let body = admin.patch("/me", &json!({ "values": { "locale": "it" } })).expect(200);
    assert_eq!(body["values"]["locale"], "it");
    assert_eq!(admin.get("/session").expect(200)["user"]["locale"], "it");
}
