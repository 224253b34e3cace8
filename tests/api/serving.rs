//! Headers, the web app's files, health, figures, and stopping.

use std::{thread, time::Duration};

use serde_json::json;

use crate::{harness::Server, token, user};

#[test]
fn every_answer_carries_the_security_headers() {
    let server = Server::start();
    let admin = server.admin();
    let guest = server.guest();
    for reply in
        [admin.get("/objects"), admin.get("/nothing"), guest.get("/session"), guest.get("//"), guest.get("//x.js")]
    {
        for (name, part) in [
            ("content-security-policy", "frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("permissions-policy", "camera=()"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert!(reply.header(name).is_some_and(|value| value.contains(part)), "{name} on {:?}", reply.headers);
        }
        assert!(reply.header("access-control-allow-origin").is_none());
    }
    let page = guest.get("//");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(admin.get("/objects").header("cache-control"), Some("no-store"));
}

#[test]
fn the_web_app_is_served_for_every_page_and_compressed() {
    let server = Server::start();
    let guest = server.guest();
    let page = guest.get("//people/0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let etag = page.header("etag").expect("an etag").to_string();
    assert_eq!(guest.ask("GET", "//", &[("if-none-match", &etag)], None).status, 304);
    guest.get("//assets/missing.js").refused(404, "route.not_found");
    let climbing = guest.get("//../../etc/passwd");
    assert!(!climbing.text().contains("root:"), "{}", climbing.text());
    let text = page.text();
    if let Some(at) = text.find("/assets/") {
        let path: String = text[at..].chars().take_while(|c| !matches!(c, '"' | '\'' | '>')).collect();
        let packed = guest.ask("GET", &format!("/{path}"), &[("accept-encoding", "gzip, br")], None);
        assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("br")), "{path}");
        assert!(packed.header("cache-control").is_some_and(|value| value.contains("immutable")));
    }
}

#[test]
fn large_answers_are_compressed_when_the_client_takes_it() {
    let server = Server::start();
    let admin = server.admin();
    let plain = admin.get("/objects");
    assert_eq!(plain.header("content-encoding"), None);
    let packed = admin.ask("GET", "/objects", &[("accept-encoding", "gzip")], None);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 3 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
}

#[test]
fn health_is_for_all_and_figures_for_admins_or_this_machine() {
    let server = Server::start();
    let admin = server.admin();
    let health = server.guest().get("/health").expect(200);
    assert_eq!(health["status"], "ok");
    assert!(health["version"].is_string() && health["head"].is_u64());
    let person = admin.make("people", json!({ "last_name": "Figure" }));
    admin.get(&format!("/records/people/{}", crate::id(&person))).expect(200);
    let figures = server.guest().get("/metrics");
    assert_eq!(figures.status, 200);
    let text = figures.text();
    assert!(text.contains("kith_records{name=\"people\"} 1"), "{text}");
    assert!(text.contains("route=\"/records/{object}/{id}\""), "{text}");
    assert!(!text.contains(crate::id(&person)), "figures name no record");
    let elsewhere = [("x-forwarded-for", "203.0.113.9")];
    server.guest().ask("GET", "/metrics", &elsewhere, None).refused(401, "auth.required");
    let reader = user(&server, &admin, "reader", "read-only");
    reader.ask("GET", "/metrics", &elsewhere, None).refused(403, "access.denied");
    assert_eq!(token(&admin, &["admin"]).ask("GET", "/metrics", &elsewhere, None).status, 200);
}

#[test]
fn stopping_ends_live_streams_and_loses_nothing() {
    let server = Server::start();
    let admin = server.admin();
    let mut events = admin.events(None);
    assert_eq!(events.expect("ready").kind, "ready");
    let writer = {
        let admin = admin.clone();
        thread::spawn(move || {
            let mut written = 0;
            let body = json!({ "values": { "last_name": "Written" } });
            while written < 200 && admin.post("/records/people", &body).status == 201 {
                written += 1;
            }
            written
        })
    };
    thread::sleep(Duration::from_millis(100));
    let drained = thread::spawn(move || while events.next().is_some() {});
    let written = writer.join().expect("the writer");
    let vault = server.stop();
    drained.join().expect("the stream ended");
    assert!(!vault.data().join("kith.sock").exists(), "the socket stays behind");
    let server = Server::on(vault);
    assert_eq!(server.admin().get("/records/people").expect(200)["total"], written);
}
