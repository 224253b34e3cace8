//! The Kith of the tests, tried by a plugin of its own.
#![cfg(test)]

use super::{Kith, Logged, Plugin, web};
use crate::bindings::after_commit::exports::kith::plugin::after_commit::Outcome;
use crate::{Error, Response, Value, fields, http, kv, outbox, records, settings, testing::HttpError};

const MANIFEST: &str = r#"
[plugin]
id = "trial"
[events]
objects = ["people"]
[records]
people = ["read", "create", "update", "delete"]
notes = ["create"]
[http]
allow = ["https://api.example.com", "settings:base"]
[secrets.token]
allow-hosts = ["https://api.example.com"]
[kv]
[jobs.again]
[settings.properties.base]
default = "http://127.0.0.1:7000/v1"
"#;

fn hear(call: super::Call, events: Vec<crate::Event>) -> Vec<Outcome> {
    crate::export::after_commit(call, &events, |event: &crate::Event| {
        records::create("notes", fields! { "body" => event.kind.as_str() }, Some(&event.id)).map(|_| ())
    })
}

fn kith() -> Kith {
    Kith::new(Plugin { after_commit: Some(hear), ..Plugin::new(MANIFEST) })
}

fn people(kith: &Kith) {
    for (name, age) in [("Ada", 36), ("Bo", 17), ("Cleo", 52)] {
        kith.add("people", fields! { "name" => name, "age" => age, "emails" => Value::Json(format!(r#"[{{"value":"{name}@x.org"}}]"#)) });
    }
    kith.add("people", fields! { "name" => "Nobody" });
}

#[test]
fn filters_are_those_of_lists_and_parameters_are_never_code() {
    let kith = kith();
    people(&kith);
    let names = |filter: &str, params: Vec<Value>| -> Vec<String> {
        let found = records::find("people").filter(filter, params).order(["-age"]).all().unwrap();
        found.iter().filter_map(|row| row.text("name").map(str::to_string)).collect()
    };
    assert_eq!(names("age >= 18", vec![]), ["Cleo", "Ada"]);
    assert_eq!(names("name == $1", vec!["Bo".into()]), ["Bo"]);
    assert_eq!(names("name == $1", vec!["x\" || true || name == \"".into()]), Vec::<String>::new());
    assert_eq!(names("'Ada@x.org' in emails", vec![]), ["Ada"]);
    assert_eq!(names("age == null", vec![]), ["Nobody"]);
    assert!(matches!(records::find("people").filter("name ==", [""]).all(), Err(Error::Invalid(_))));
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let kith = kith();
    people(&kith);
    let first = records::find("people").limit(3).page().unwrap();
    let second = records::find("people").limit(3).after(first.next.as_deref()).page().unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (3, 1, None));
    assert_eq!(records::find("people").limit(1).all().unwrap().len(), 4);
}

#[test]
fn what_was_not_granted_is_denied() {
    let _kith = kith();
    assert!(matches!(records::find("deals").all(), Err(Error::Denied(_))));
    assert!(matches!(records::update("notes", "x", vec![]), Err(Error::Denied(_))));
    assert!(matches!(http::get("https://elsewhere.example/").send(), Err(Error::Denied(_))));
    assert!(matches!(http::get("https://api.example.com@elsewhere.example/").send(), Err(Error::Denied(_))));
    assert!(matches!(outbox::notify(&outbox::Notice::new("u", "t", "b")), Err(Error::Denied(_))));
    assert_eq!(settings::secret("token"), None);
}

#[test]
fn secrets_reach_their_host_and_no_other() {
    let kith = kith();
    kith.secret("token", "s3cret");
    kith.serve(|_| Ok(Response::plain(200, "hello")));
    let send = |url: &str| http::get(url).secret_header("Authorization", "Bearer {{secret:token}}").send();
    assert_eq!(send("https://api.example.com/me").unwrap().text(), "hello");
    assert!(matches!(send("http://127.0.0.1:7000/v1/me"), Err(Error::Denied(_))));
    let sent: Vec<web::Request> = kith.requests();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].headers, [("Authorization".to_string(), "Bearer s3cret".to_string())]);
}

#[test]
fn answers_can_be_faults_and_a_key_is_sent_once() {
    let kith = kith();
    let post = || http::post("https://api.example.com/").json(&1).idempotency_key("k").send();
    assert!(matches!(post(), Err(Error::Unavailable(_))), "nobody plays the other side");
    kith.serve(|_| Ok(Response::empty(201)));
    kith.next_answer(Ok(Response::empty(429)));
    kith.next_answer(Err(HttpError::Timeout));
    assert!(matches!(post().unwrap().ok(), Err(Error::Unavailable(_))));
    assert!(matches!(post(), Err(Error::Unavailable(_))));
    assert_eq!(post().unwrap().status, 201);
    assert_eq!(post().unwrap().status, 201);
    assert_eq!(kith.requests().len(), 4, "the answer that succeeded is given again");
}

#[test]
fn a_conflict_and_an_old_version_refuse_a_change() {
    let kith = kith();
    people(&kith);
    let ada = records::find("people").first().unwrap().unwrap();
    kith.next_change_conflicts();
    let change = || records::update_if_unchanged(&ada, fields! { "age" => 37 });
    assert!(matches!(change(), Err(Error::Conflict(2))));
    assert_eq!(change().unwrap().version, 2);
    assert!(matches!(change(), Err(Error::Conflict(2))));
}

#[test]
fn own_values_have_versions_and_an_end() {
    let kith = kith();
    assert_eq!(kv::put("a", &1).unwrap(), 1);
    assert!(matches!(kv::put_if("a", &2, 0), Err(Error::Conflict(1))));
    assert_eq!(kv::put_if("a", &2, 1).unwrap(), 2);
    kv::put_for("b", &"short", 60).unwrap();
    assert_eq!(kv::keys("").unwrap(), ["a", "b"]);
    kith.advance_s(61);
    assert_eq!(kv::get::<String>("b").unwrap(), None);
    assert_eq!(kv::get::<i32>("a").unwrap(), Some(2));
}

#[test]
fn an_event_delivered_twice_or_cut_off_writes_one_note() {
    let kith = kith();
    kith.create("people", fields! { "name" => "Ada" }).unwrap();
    kith.deliver_twice();
    assert_eq!(kith.records("notes").len(), 1);
    kith.create("people", fields! { "name" => "Bo" }).unwrap();
    kith.crash_after(1);
    assert_eq!(kith.deliver(), [Outcome::Retry(5)]);
    assert_eq!(kith.records("notes").len(), 2, "what the host did is done");
    kith.advance_s(5);
    assert_eq!(kith.deliver(), [Outcome::Done]);
    assert_eq!(kith.records("notes").len(), 2);
}

#[test]
fn a_later_event_of_a_record_waits_for_the_one_before() {
    let kith = kith();
    let ada = kith.create("people", fields! { "name" => "Ada" }).unwrap();
    kith.create("people", fields! { "name" => "Bo" }).unwrap();
    kith.update("people", &ada.id, fields! { "name" => "Ada L." }).unwrap();
    kith.next_change_conflicts();
    assert_eq!(kith.deliver(), [Outcome::Retry(5), Outcome::Done, Outcome::Retry(5)]);
    assert!(kith.log().says("tried again"));
}

#[test]
fn time_is_what_the_test_says() {
    let kith = kith();
    assert_eq!(crate::time::rfc3339(crate::now_ms()), "2026-03-01T12:00:00Z");
    kith.set_now_ms(951_826_799_000);
    assert_eq!(crate::time::rfc3339(crate::now_ms()), "2000-02-29T12:19:59Z");
    assert_eq!(crate::random(4), {
        drop(kith);
        let _again = self::kith();
        crate::random(4)
    });
}
