//! What is too large, too deep, too fast or not HTTP as it should be.

use std::{thread, time::Instant};

use serde_json::json;

use crate::harness::Server;

#[test]
fn bodies_that_are_too_large_deep_or_strange_are_refused() {
    let server = Server::start();
    let admin = server.admin();
    let large = json!({ "values": { "last_name": "x".repeat(1_100_000) } });
    admin.post("/records/people", &large).refused(413, "request.too_large");
    let as_json = [("content-type", "application/json")];
    let deep = format!("{{\"values\":{}1{}}}", "[".repeat(60), "]".repeat(60));
    admin.raw("POST", "/records/people", &as_json, deep.as_bytes()).refused(400, "request.invalid");
    let bottomless = "[".repeat(200_000);
    admin.raw("POST", "/records/people", &as_json, bottomless.as_bytes()).refused(400, "request.invalid");
    admin.raw("POST", "/records/people", &as_json, b"{\"values\":").refused(400, "request.invalid");
    admin.raw("POST", "/records/people", &as_json, b"").refused(400, "request.invalid");
    admin.raw("POST", "/records/people", &as_json, b"\xff\xfe{}").refused(400, "request.invalid");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    admin.raw("POST", "/records/people", &form, b"last_name=x").refused(415, "request.media_type");
    let packed = [("content-type", "application/json"), ("content-encoding", "gzip")];
    admin.raw("POST", "/records/people", &packed, b"\x1f\x8b").refused(415, "request.media_type");
    // The announced length alone is enough to refuse.
    let announced = [("content-type", "application/json"), ("content-length", "5000000")];
    admin.raw("POST", "/records/people", &announced, b"{").refused(413, "request.too_large");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);
}

#[test]
fn unknown_routes_and_methods_are_problems_too() {
    let server = Server::start();
    let admin = server.admin();
    for path in ["/nothing", "/records", "/records/people/x/y/z", "//api", "//api/v2/records", "/records/people/%ff"] {
        let reply = admin.get(path);
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
    }
    let reply = admin.delete("/records/people");
    reply.refused(405, "method.not_allowed");
    assert_eq!(reply.header("allow"), Some("GET, POST, HEAD"));
    admin.ask("OPTIONS", "/records/people", &[], None).refused(405, "method.not_allowed");
    let head = admin.ask("HEAD", "/records/people", &[], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
    server.guest().ask("POST", "//people", &[], Some(&json!({}))).refused(405, "method.not_allowed");
}

#[test]
fn a_caller_who_sends_too_much_is_slowed_down_and_others_are_not() {
    let server = Server::start();
    let (admin, other) = (server.admin(), server.admin());
    let started = Instant::now();
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let admin = admin.clone();
            thread::spawn(move || (0..500).map(|_| admin.get("/health")).find(|reply| reply.status == 429))
        })
        .collect();
    let refused = senders.into_iter().filter_map(|sender| sender.join().expect("a sender")).next();
    // 1,000 at once and 200 a second: a machine that answers 4,000 more slowly than that never meets the limit.
    let Some(refused) = refused else {
        assert!(started.elapsed().as_secs_f64() > 3_000.0 / 200.0, "no limit");
        return;
    };
    refused.refused(429, "rate.limited");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(other.get("/session").status, 200);
}
