//! Second factors against an engine in memory: the test plays the phone.

use kith_base::Secret;
use serde_json::json;

use super::{Challenge, Client, otp, recovery};
use crate::{
    Actor, EngineError, Query,
    audit::AuditQuery,
    auth::fixture::{Fixture, PASSWORD, secret},
    system::{ids, seeds},
};

/// Enrols the actor's user and gives the seed and the recovery codes. Half a minute passes, so that the next code is another.
pub fn enrol(f: &Fixture, actor: &Actor) -> (String, Vec<Secret<String>>) {
    let begun = f.engine.begin_second_factor(actor, &secret(PASSWORD), None).unwrap();
    let seed = begun.secret.expose().clone();
    let codes = f.engine.confirm_second_factor(actor, &code(f, &seed), None).unwrap();
    f.clock.advance(30_000);
    (seed, codes)
}

fn code(f: &Fixture, seed: &str) -> Secret<String> {
    secret(&otp::code_now(seed, f.engine.now_ms()))
}

/// The challenge after a right password.
fn challenge(f: &Fixture, email: &str) -> Box<Challenge> {
    match f.sign_in(email, PASSWORD).unwrap_err() {
        EngineError::SecondFactor(challenge) => challenge,
        other => panic!("{other}"),
    }
}

fn answer(f: &Fixture, challenge: &Challenge, code: &Secret<String>) -> Result<usize, &'static str> {
    let client = Client { address: "192.0.2.1", name: "Test" };
    let answered = f.engine.answer_challenge(challenge.word.expose(), code, client);
    answered.map(|(_, codes)| codes.len()).map_err(|e| e.code())
}

fn alerts(f: &Fixture) -> Vec<String> {
    f.engine.flush_audit();
    let query = AuditQuery { kind: Some("alert".into()), ..AuditQuery::default() };
    f.engine.audit_page(&f.admin, &query).unwrap().items.into_iter().filter_map(|line| line.alert).collect()
}

#[test]
fn an_enrolled_user_needs_a_code_and_each_works_once() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (seed, codes) = enrol(&f, &zoe);
    assert_eq!(codes.len(), recovery::CODES);
    assert_eq!(f.engine.second_factor_state(&zoe).recovery_codes_left, 10);
    let waits = challenge(&f, "zoe@example.org");
    assert!(waits.enrol.is_none());
    assert_eq!(answer(&f, &waits, &secret("000000")), Err("auth.wrong_code"));
    let right = code(&f, &seed);
    assert_eq!(answer(&f, &waits, &right), Ok(0));
    assert_eq!(answer(&f, &waits, &right), Err("auth.challenge_over"));
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &right), Err("auth.wrong_code"), "used");
    f.clock.advance(30_000);
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &code(&f, &seed)), Ok(0));
    assert!(f.engine.sessions(&zoe, zoe.id).unwrap().iter().all(|session| session.second_factor));
}

#[test]
fn of_many_who_send_one_code_at_once_one_is_let_in() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (seed, _) = enrol(&f, &zoe);
    let right = code(&f, &seed);
    let waits: Vec<_> = (0..4).map(|_| challenge(&f, "zoe@example.org")).collect();
    let let_in = std::thread::scope(|scope| {
        let all: Vec<_> = waits.iter().map(|w| scope.spawn(|| answer(&f, w, &right))).collect();
        all.into_iter().filter_map(|thread| thread.join().unwrap().ok()).count()
    });
    assert_eq!(let_in, 1);
}

#[test]
fn a_recovery_code_works_once_and_administrators_hear_of_it() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (seed, codes) = enrol(&f, &zoe);
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &codes[3]), Ok(0));
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &codes[3]), Err("auth.wrong_code"));
    assert_eq!(f.engine.second_factor_state(&zoe).recovery_codes_left, 9);
    assert!(alerts(&f).contains(&"second_factor.recovery_code".to_string()));
    let renewed = f.engine.renew_recovery_codes(&zoe, &code(&f, &seed)).unwrap();
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &codes[4]), Err("auth.wrong_code"), "an old one");
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &renewed[0]), Ok(0));
}

#[test]
fn codes_are_slowed_down_whatever_the_challenge_and_a_right_password_does_not_help() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (seed, _) = enrol(&f, &zoe);
    let tries: Vec<_> = (0..8).map(|_| answer(&f, &challenge(&f, "zoe@example.org"), &secret("000000"))).collect();
    assert_eq!(tries[5], Err("auth.wrong_code"));
    assert_eq!(tries[6..], [Err("auth.slow_down"); 2]);
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &code(&f, &seed)), Err("auth.slow_down"));
    assert_eq!(f.engine.renew_recovery_codes(&zoe, &code(&f, &seed)).unwrap_err().code(), "auth.slow_down");
    assert!(alerts(&f).contains(&"second_factor.many_failures".to_string()));
    f.clock.advance(2_000);
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &code(&f, &seed)), Ok(0));
    let unknown = Challenge { word: secret("x"), expires_at: 0, enrol: None };
    assert_eq!(answer(&f, &unknown, &secret("1")), Err("auth.challenge_over"));
}

#[test]
fn enrolling_needs_the_password_a_first_code_and_a_code_of_the_one_before() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let begin =
        |password: &str, code: Option<&Secret<String>>| f.engine.begin_second_factor(&zoe, &secret(password), code);
    assert_eq!(begin("not the password", None).unwrap_err().code(), "auth.wrong");
    assert_eq!(f.engine.confirm_second_factor(&zoe, &secret("123456"), None).unwrap_err().code(), "record.invalid");
    begin(PASSWORD, None).unwrap();
    assert_eq!(f.engine.confirm_second_factor(&zoe, &secret("abcdef"), None).unwrap_err().code(), "auth.wrong_code");
    assert!(!f.engine.second_factor_state(&zoe).enabled, "nothing counts before it is confirmed");
    assert!(f.sign_in("zoe@example.org", PASSWORD).is_ok());
    let (seed, _) = enrol(&f, &zoe);
    assert_eq!(begin(PASSWORD, None).unwrap_err().code(), "record.invalid", "a code of the present one is missing");
    let next = begin(PASSWORD, Some(&code(&f, &seed))).unwrap();
    f.engine.confirm_second_factor(&zoe, &code(&f, next.secret.expose()), None).unwrap();
    f.clock.advance(30_000);
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &code(&f, &seed)), Err("auth.wrong_code"));
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &code(&f, next.secret.expose())), Ok(0));
    for actor in [&Actor::cli(), &Actor { kind: crate::ActorKind::Token, ..zoe.clone() }] {
        assert_eq!(f.engine.begin_second_factor(actor, &secret(PASSWORD), None).unwrap_err().code(), "access.denied");
    }
}

#[test]
fn confirming_ends_the_other_sessions() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (one, two) = (f.sign_in("zoe@example.org", PASSWORD).unwrap(), f.sign_in("zoe@example.org", PASSWORD).unwrap());
    let begun = f.engine.begin_second_factor(&zoe, &secret(PASSWORD), None).unwrap();
    f.engine.confirm_second_factor(&zoe, &code(&f, begun.secret.expose()), Some(one.token.expose())).unwrap();
    assert!(f.engine.session(one.token.expose()).is_ok() && f.engine.session(two.token.expose()).is_err());
}

#[test]
fn where_it_is_required_old_sessions_end_and_signing_in_enrols() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let before = f.sign_in("zoe@example.org", PASSWORD).unwrap();
    let ask = |word: &str| f.update(&f.admin, "settings", seeds::SETTINGS, json!({ "second_factor": word })).map(drop);
    ask("admins").unwrap();
    assert!(f.engine.session(before.token.expose()).is_ok(), "a member is not asked");
    assert!(challenge(&f, "admin@example.org").enrol.is_some());
    ask("everyone").unwrap();
    assert_eq!(f.engine.session(before.token.expose()).unwrap_err().code(), "auth.required");
    let waits = challenge(&f, "zoe@example.org");
    let shown = waits.enrol.as_ref().expect("something to enrol");
    assert!(shown.uri.expose().contains("zoe%40example.org") && shown.qr.expose().contains("<svg"));
    assert_eq!(answer(&f, &waits, &secret("000000")), Err("auth.wrong_code"));
    let seed = shown.secret.expose().clone();
    assert_eq!(answer(&f, &waits, &code(&f, &seed)), Ok(recovery::CODES));
    f.clock.advance(30_000);
    assert_eq!(f.engine.remove_second_factor(&zoe, &code(&f, &seed)).unwrap_err().code(), "access.denied");
    ask("optional").unwrap();
    f.engine.remove_second_factor(&zoe, &code(&f, &seed)).unwrap();
    assert!(f.sign_in("zoe@example.org", PASSWORD).is_ok());
    assert_eq!(f.engine.remove_second_factor(&zoe, &code(&f, &seed)).unwrap_err().code(), "record.not_found");
    assert!(ask("some").is_err());
}

#[test]
fn a_role_may_ask_for_it() {
    let f = Fixture::new();
    let role = f.role("finance", json!({ "default": { "read": "all" } }));
    f.user("zoe@example.org", "finance");
    assert!(f.sign_in("zoe@example.org", PASSWORD).is_ok());
    f.update(&f.admin, "roles", role, json!({ "second_factor": true })).unwrap();
    assert!(challenge(&f, "zoe@example.org").enrol.is_some());
}

#[test]
fn an_administrator_resets_it_and_nobody_else() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let bob = f.user("bob@example.org", "member");
    let (seed, codes) = enrol(&f, &zoe);
    let waits = challenge(&f, "zoe@example.org");
    assert_eq!(f.engine.reset_second_factor(&bob, zoe.id).unwrap_err().code(), "access.denied");
    f.engine.reset_second_factor(&Actor::cli(), zoe.id).unwrap();
    assert_eq!(answer(&f, &waits, &code(&f, &seed)), Err("auth.challenge_over"));
    assert!(f.sign_in("zoe@example.org", PASSWORD).is_ok());
    assert!(alerts(&f).contains(&"second_factor.reset".to_string()));
    assert_eq!(f.engine.reset_second_factor(&f.admin, zoe.id).unwrap_err().code(), "record.not_found");
    let (_, again) = enrol(&f, &zoe);
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &codes[0]), Err("auth.wrong_code"), "of the old set");
    assert_eq!(answer(&f, &challenge(&f, "zoe@example.org"), &again[0]), Ok(0));
}

#[test]
fn a_change_of_role_or_state_ends_a_challenge() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (seed, _) = enrol(&f, &zoe);
    let waits = challenge(&f, "zoe@example.org");
    f.update(&f.admin, "users", zoe.id, json!({ "disabled": true })).unwrap();
    assert_eq!(answer(&f, &waits, &code(&f, &seed)), Err("auth.challenge_over"));
    f.update(&f.admin, "users", zoe.id, json!({ "disabled": false })).unwrap();
    assert_eq!(answer(&f, &waits, &code(&f, &seed)), Err("auth.challenge_over"));
}

#[test]
fn nothing_secret_about_it_is_shown_and_no_hand_changes_it() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (seed, codes) = enrol(&f, &zoe);
    let page = f.engine.query(&f.admin, &Query::of("second_factors")).unwrap();
    let record = &page.records[0];
    let shown = f.engine.to_json(&f.admin, record).to_string();
    let history = f.engine.history(&f.admin, "second_factors", record.id, None, 10).unwrap();
    let said = format!("{shown} {history:?} {:?}", f.engine.audit_page(&f.admin, &AuditQuery::default()).unwrap());
    for word in codes.iter().map(|code| code.expose().as_str()).chain([seed.as_str()]) {
        assert!(!said.contains(word));
    }
    assert!(!shown.contains("\"seed\"") && !shown.contains("\"recovery\""), "{shown}");
    assert!(
        f.engine.query(&zoe, &Query::of("second_factors")).is_err_and(|e| e.code() == "access.denied")
            || f.engine.query(&zoe, &Query::of("second_factors")).unwrap().records.is_empty()
    );
    for actor in [&f.admin, &zoe] {
        assert_ne!(f.delete(actor, "second_factors", record.id).map(drop).map_err(|e| e.code()), Ok(()));
        let wrong = json!({ "recovery_codes_left": 99 });
        assert!(f.update(actor, "second_factors", record.id, wrong).is_err());
        assert!(f.create(actor, "second_factors", json!({})).is_err());
    }
    f.engine.reset_second_factor(&f.admin, zoe.id).unwrap();
    let gone = f.engine.core().image.get_of(ids::second_factors::OBJECT, record.id).unwrap();
    assert!(gone.trashed && gone.values.get(ids::second_factors::SEED).is_null(), "the seed goes with it");
    let back = crate::Command::Restore { object: "second_factors".into(), id: record.id };
    assert!(f.engine.execute(&f.admin, vec![back], crate::CommitOptions::default()).is_err());
}
