//! Sessions listed and ended, and the alerts about sign-ins, against an engine in memory.

use serde_json::json;

use super::Client;
use crate::{
    Actor, ActorKind, Command, CommitOptions,
    audit::{AuditQuery, Severity},
    auth::fixture::{DAY_MS, Fixture, PASSWORD, secret},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

fn sign_in(f: &Fixture, email: &str, address: &str, name: &str) -> String {
    let client = Client { address, name };
    f.engine.sign_in(email, &secret(PASSWORD), client).unwrap().token.expose().clone()
}

fn alerts(f: &Fixture) -> Vec<(Severity, String)> {
    f.engine.flush_audit();
    let query = AuditQuery { kind: Some("alert".into()), ..AuditQuery::default() };
    let page = f.engine.audit_page(&f.admin, &query).unwrap();
    page.items.into_iter().map(|line| (line.severity.unwrap(), line.alert.unwrap())).collect()
}

#[test]
fn sessions_are_listed_with_device_and_address_and_ended_one_by_one() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let bob = f.user("bob@example.org", "member");
    let one = sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    f.clock.advance(1_000);
    let two = sign_in(&f, "zoe@example.org", "2001:db8::1", "curl/8.5\n\u{7}");
    sign_in(&f, "bob@example.org", "192.0.2.9", FIREFOX);
    let listed = f.engine.sessions(&zoe, zoe.id).unwrap();
    let shown: Vec<_> = listed.iter().map(|s| (s.client.as_str(), s.address.as_str())).collect();
    assert_eq!(shown, [("curl/8.5", "2001:db8::1"), (FIREFOX, "192.0.2.1")]);
    assert_eq!(f.engine.sessions(&f.admin, zoe.id).unwrap().len(), 2);
    for actor in [&bob, &Actor { kind: ActorKind::Token, ..zoe.clone() }] {
        assert_eq!(f.engine.sessions(actor, zoe.id).unwrap_err().code(), "access.denied");
        assert_eq!(f.engine.end_session(actor, zoe.id, listed[0].id).unwrap_err().code(), "access.denied");
        assert_eq!(f.engine.end_all_sessions(actor, zoe.id, None).unwrap_err().code(), "access.denied");
    }
    assert_eq!(f.engine.end_session(&bob, bob.id, listed[0].id).unwrap_err().code(), "record.not_found");
    f.engine.end_session(&zoe, zoe.id, listed[0].id).unwrap();
    assert!(f.engine.session(&two).is_err() && f.engine.session(&one).is_ok());
    assert_eq!(f.engine.end_session(&zoe, zoe.id, listed[0].id).unwrap_err().code(), "record.not_found");
}

#[test]
fn all_others_end_at_once_and_an_administrator_ends_all() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let tokens: Vec<String> = (0..4).map(|_| sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX)).collect();
    let keep = f.engine.session(&tokens[1]).unwrap().id;
    assert_eq!(f.engine.end_all_sessions(&zoe, zoe.id, Some(keep)).unwrap(), 3);
    let alive: Vec<bool> = tokens.iter().map(|token| f.engine.session(token).is_ok()).collect();
    assert_eq!(alive, [false, true, false, false]);
    assert_eq!(f.engine.end_all_sessions(&f.admin, zoe.id, None).unwrap(), 1);
    assert!(f.engine.session(&tokens[1]).is_err());
}

#[test]
fn an_ended_session_does_not_come_back_from_the_trash() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let token = sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    let id = f.engine.session(&token).unwrap().id;
    f.engine.end_session(&zoe, zoe.id, id).unwrap();
    for actor in [&zoe, &f.admin] {
        let back = Command::Restore { object: "sessions".into(), id };
        let refused = f.engine.execute(actor, vec![back], CommitOptions::default()).unwrap_err();
        assert_eq!(refused.code(), "access.denied");
    }
    assert!(f.engine.session(&token).is_err());
}

#[test]
fn a_change_of_role_ends_the_sessions_and_a_change_of_name_does_not() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let token = sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    f.update(&f.admin, "users", zoe.id, json!({ "name": "Zoë" })).unwrap();
    assert!(f.engine.session(&token).is_ok());
    let role = f.role("sales", json!({ "default": { "read": "all" } }));
    f.update(&f.admin, "users", zoe.id, json!({ "role": role })).unwrap();
    assert!(f.engine.session(&token).is_err() && f.engine.sessions(&f.admin, zoe.id).unwrap().is_empty());
    assert!(f.engine.session(&sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX)).is_ok());
    assert!(f.update(&f.admin, "users", zoe.id, json!({ "session_epoch": 0 })).is_err(), "not by hand");
}

#[test]
fn unusual_sign_ins_are_alerts_and_usual_ones_are_not() {
    let f = Fixture::new();
    f.user("zoe@example.org", "member");
    sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    sign_in(&f, "zoe@example.org", "192.0.2.44", FIREFOX);
    assert_eq!(alerts(&f), []);
    sign_in(&f, "zoe@example.org", "203.0.113.5", "curl/8");
    assert_eq!(alerts(&f), [(Severity::Warning, "sign_in.new_place".to_string())]);
    sign_in(&f, "zoe@example.org", "203.0.113.5", "curl/9");
    assert_eq!(alerts(&f).len(), 1, "known by now");
    let token = sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    f.engine.sign_out(&token).unwrap();
    f.clock.advance(61 * DAY_MS);
    sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    assert_eq!(alerts(&f)[0], (Severity::Notice, "sign_in.long_absence".to_string()));
    assert_eq!(f.engine.alert_count(Severity::Warning), 1);
}

#[test]
fn many_failures_are_one_alert_and_strangers_cannot_keep_the_owner_out() {
    let f = Fixture::new();
    f.user("zoe@example.org", "member");
    sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    let guess = |n: u64| {
        let address = format!("203.0.113.{n}");
        let client = Client { address: &address, name: "" };
        f.engine.sign_in("zoe@example.org", &secret("a wrong password"), client).unwrap_err().code()
    };
    for n in 0..12 {
        while guess(n) == "auth.slow_down" {
            f.clock.advance(1_000);
        }
    }
    assert_eq!(alerts(&f), [(Severity::Warning, "sign_in.many_failures".to_string())]);
    assert_eq!(guess(200), "auth.slow_down", "whatever the address");
    sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
}

#[test]
fn a_reader_with_a_cursor_gets_every_alert_once() {
    let f = Fixture::new();
    f.user("zoe@example.org", "member");
    let start = f.engine.head();
    sign_in(&f, "zoe@example.org", "192.0.2.1", FIREFOX);
    sign_in(&f, "zoe@example.org", "203.0.113.5", "curl/8");
    f.engine.flush_audit();
    let (lines, next) = f.engine.alerts_after(start).unwrap();
    assert_eq!((lines.len(), next), (1, f.engine.head()));
    assert_eq!(lines[0].detail.as_deref(), Some("203.0.113.5"));
    assert!(f.engine.alerts_after(next).unwrap().0.is_empty());
}
