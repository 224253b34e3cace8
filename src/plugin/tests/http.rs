//! Whatever the other side of a request does, a call ends in time, nothing goes where it was not granted, and the rest of Kith goes on.

use serde_json::{Value as Json, json};

use super::{
    Bench, fixture,
    other_side::{Manner, OtherSide, answer},
};
use crate::delivery;

/// `fixture-bad` with leave to speak to this machine, doing this in this place.
fn speaking(place: &str, behaviour: &str, to: &str) -> Option<Bench> {
    let bench = Bench::new();
    bench.install(&bad_with("[http]\n", "[http]\nprivate = true\n")?);
    bench.set("fixture-bad", doing(place, behaviour, to));
    Some(bench)
}

fn bad_with(from: &str, to: &str) -> Option<Vec<u8>> {
    super::changed("fixture-bad", from, to)
}

fn doing(place: &str, behaviour: &str, to: &str) -> Json {
    json!({ "where": place, "behaviour": behaviour, "base_url": to })
}

/// What the action ends in, as the person reads it.
fn act(bench: &Bench) -> String {
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    match bench.act("companies", company.id, "fixture_bad__act") {
        Ok(said) => said.unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_slow_answer_is_waited_for() {
    let other = OtherSide::new(Manner::Slowly(answer("200 OK", "", "slow but whole")));
    let Some(bench) = speaking("action", "http", &other.origin) else { return };
    let said = act(&bench);
    assert!(said.contains("\"status\":200") && said.contains("\"bytes\":14"), "{said}");
}

#[test]
fn an_answer_that_does_not_come_or_does_not_end_costs_one_call_its_time() {
    for manner in [Manner::Hangs, Manner::Drips] {
        let other = OtherSide::new(manner);
        // Asks for more time than it has.
        let Some(bench) = speaking("health", "http-long", &other.origin) else { return };
        let health = bench.plugins.health("fixture-bad").unwrap();
        let said = health["message"].to_string();
        assert!(health["ok"] == false && (said.contains("in time") || said.contains("5000 ms")), "{said}");
        assert_eq!(other.heard().len(), 1);
    }
}

#[test]
fn an_answer_without_end_is_cut_at_its_size() {
    let other = OtherSide::new(Manner::Floods);
    let Some(bench) = speaking("action", "http", &other.origin) else { return };
    let said = act(&bench);
    assert!(said.contains("more than 8 MiB"), "{said}");
    bench.told("fixture-bad", "actions 'act': http was refused");
}

#[test]
fn a_plugin_that_waits_for_the_other_side_keeps_nobody_else_waiting() {
    let other = OtherSide::new(Manner::Hangs);
    let Some(good) = fixture("fixture-good") else { return };
    let Some(bench) = speaking("after-commit", "http-long", &other.origin) else { return };
    bench.install(&good);
    bench.start();
    bench.until("the beginning", || {
        ["fixture-bad", "fixture-good"].iter().all(|id| bench.engine.cursor(&delivery::cursor(id)).unwrap() > 0)
    });
    let company = bench.create("companies", json!({"name": "A"})).unwrap();
    bench.until("the request", || other.heard().len() == 1);
    // It waits now. Saves, actions and the events of the other go on.
    bench.update("companies", company.id, json!({"name": "B"})).unwrap();
    let person = bench.create("people", json!({"first_name": "ada", "last_name": "L"})).unwrap();
    assert_eq!(bench.values("people", person.id)["first_name"], "Ada");
    bench.act("people", person.id, "fixture_good__greet").unwrap();
    bench.until("the other's event", || bench.kept("fixture-good", "heard:created").as_deref() == Some("1"));
    assert!(
        delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap().is_empty(),
        "it still waits"
    );
    other.let_go();
    bench.until("the failure", || {
        let failures = delivery::failures(&bench.engine, &kith_engine::Actor::cli(), "fixture-bad").unwrap();
        failures.iter().any(|failure| failure.about == company.id && failure.attempts == 1)
    });
}

#[test]
fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let inside = OtherSide::new(Manner::Says(answer("200 OK", "", "secret")));
    let location = format!("location: {}/latest/meta-data\r\n", inside.origin);
    let outside = OtherSide::new(Manner::Says(answer("302 Found", &location, "")));
    let Some(bench) = speaking("action", "http", &outside.origin) else { return };
    let said = act(&bench);
    assert!(said.contains("\"status\":302") && said.contains(&inside.origin), "{said}");
    assert_eq!((outside.heard().len(), inside.heard().len()), (1, 0));
}

#[test]
fn a_name_that_leads_to_this_machine_is_refused_like_its_address() {
    let other = OtherSide::new(Manner::Says(answer("200 OK", "", "")));
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let to = format!("http://{host}:{}", other.port());
        let Some(bench) = Bench::with("fixture-bad", doing("action", "http", &to)) else { return };
        let said = act(&bench);
        assert!(said.contains("an address of this machine"), "{host}: {said}");
        let line = bench.told("fixture-bad", "actions 'act': http was refused");
        assert!(line.contains("an address of this machine"), "{line}");
    }
    assert_eq!(other.heard(), Vec::<String>::new());
}

#[test]
fn a_header_cannot_carry_another_one() {
    let other = OtherSide::new(Manner::Says(answer("200 OK", "", "")));
    let Some(bench) = speaking("action", "http-header-injection", &other.origin) else { return };
    act(&bench);
    assert!(!other.heard().concat().to_lowercase().contains("x-injected"));
}

#[test]
fn what_is_no_web_address_is_refused() {
    for behaviour in ["http-file", "http-private"] {
        let Some(bench) = speaking("action", behaviour, "http://127.0.0.1:1") else { return };
        let said = act(&bench);
        assert!(said.contains("no http or https") || said.contains("not among the granted hosts"), "{said}");
    }
}

#[test]
fn a_secret_is_filled_in_on_the_way_out_and_nowhere_else() {
    let other = OtherSide::new(Manner::Says(answer("200 OK", "", "")));
    let Some(bench) = speaking("action", "secret", &other.origin) else { return };
    let said = act(&bench);
    assert!(said.contains("is not set"), "{said}");
    let secret = kith_base::Secret::new("hush".to_string());
    bench.plugins.set_secret(&kith_engine::Actor::cli(), "fixture-bad", "token", Some(&secret)).unwrap();
    let said = act(&bench);
    assert!(said.contains("\"status\":200") && !said.contains("hush"), "{said}");
    assert!(other.heard().concat().contains("Bearer hush"));
    assert!(!format!("{:?}", bench.plugins.watch("fixture-bad").lines()).contains("hush"));
}
