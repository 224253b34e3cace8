//! Signing in, sessions, tokens, passwords and the users behind them, against an engine in memory.

use serde_json::json;

use super::{NewToken, second_factor_tests::enrol};
use crate::{
    Actor, Query,
    audit::AuditQuery,
    auth::fixture::{DAY_MS, Fixture, PASSWORD, START_MS, secret},
    system::ids,
};

fn token(scopes: &[&str]) -> NewToken {
    NewToken { name: "script".into(), scopes: scopes.iter().map(|s| s.to_string()).collect(), ..NewToken::default() }
}

#[test]
fn a_session_leads_to_its_user_until_it_signs_out() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let signed = f.sign_in(" Zoe@Example.org ", PASSWORD).unwrap();
    let word = signed.token.expose();
    let actor = f.engine.actor_for_session(word).unwrap();
    assert_eq!((actor.id, actor.user, actor.is_admin()), (zoe.id, Some(zoe.id), false));
    assert_eq!(signed.expires_at, START_MS + 90 * DAY_MS);
    f.engine.sign_out(word).unwrap();
    assert_eq!(f.engine.actor_for_session(word).unwrap_err().code(), "auth.required");
    assert!(f.engine.sign_out(word).is_ok(), "signing out twice is no error");
}

#[test]
fn wrong_user_wrong_password_no_password_and_a_disabled_user_get_the_same_answer() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let bob = f.user("bob@example.org", "member");
    f.update(&f.admin, "users", bob.id, json!({ "disabled": true })).unwrap();
    f.create(&f.admin, "users", json!({ "email": "new@example.org", "name": "New", "role": zoe.role.id })).unwrap();
    let head = f.engine.head();
    let tries = [
        ("nobody@example.org", PASSWORD),
        ("zoe@example.org", "wrong horse battery"),
        ("bob@example.org", PASSWORD),
        ("new@example.org", PASSWORD),
        ("new@example.org", ""),
        ("", ""),
    ];
    for (email, password) in tries {
        let error = f.sign_in(email, password).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("auth.wrong", "e-mail or password is wrong"),
            "{email}"
        );
    }
    let pages = |object: &str| f.engine.query(&f.admin, &Query::of(object)).unwrap().records.len();
    assert_eq!(pages("sessions"), 0);
    assert!(f.engine.head() <= head + 1, "nothing is written but the audit of it");
}

#[test]
fn every_refused_sign_in_does_the_same_work() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let bob = f.user("bob@example.org", "member");
    f.update(&f.admin, "users", bob.id, json!({ "disabled": true })).unwrap();
    f.create(&f.admin, "users", json!({ "email": "new@example.org", "name": "New", "role": zoe.role.id })).unwrap();
    let gone = f.user("gone@example.org", "member");
    f.delete(&f.admin, "users", gone.id).unwrap();
    enrol(&f, &f.user("app@example.org", "member"));
    super::password::prepare();
    // Hashing is all that takes time that could be measured: one evaluation, whoever is asked for.
    let emails = [
        "nobody@example.org",
        "zoe@example.org",
        "bob@example.org",
        "new@example.org",
        "gone@example.org",
        "app@example.org",
        "",
    ];
    for (email, password) in emails.iter().flat_map(|e| [(e, "a wrong password"), (e, ""), (e, "\u{0}")]) {
        let before = super::password::EVALUATIONS.get();
        let error = f.sign_in(email, password).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("auth.wrong", "e-mail or password is wrong"),
            "{email}"
        );
        assert_eq!(super::password::EVALUATIONS.get() - before, 1, "{email}");
    }
}

#[test]
fn guessing_is_slowed_and_a_right_password_is_not_looked_at_meanwhile() {
    let f = Fixture::new();
    f.user("zoe@example.org", "member");
    for _ in 0..6 {
        assert_eq!(f.sign_in("zoe@example.org", "a wrong password").unwrap_err().code(), "auth.wrong");
    }
    let error = f.sign_in("zoe@example.org", PASSWORD).unwrap_err();
    assert_eq!(error.code(), "auth.slow_down");
    f.clock.advance(2_000);
    assert!(f.sign_in("zoe@example.org", PASSWORD).is_ok());
}

#[test]
fn sessions_end_after_thirty_idle_days_and_after_ninety_in_any_case() {
    let f = Fixture::new();
    f.user("zoe@example.org", "member");
    let (idle, used) =
        (f.sign_in("zoe@example.org", PASSWORD).unwrap(), f.sign_in("zoe@example.org", PASSWORD).unwrap());
    for _ in 0..4 {
        f.clock.advance(20 * DAY_MS);
        assert!(f.engine.actor_for_session(used.token.expose()).is_ok());
    }
    assert_eq!(f.engine.actor_for_session(idle.token.expose()).unwrap_err().code(), "auth.required");
    f.clock.advance(11 * DAY_MS);
    assert_eq!(f.engine.actor_for_session(used.token.expose()).unwrap_err().code(), "auth.required");
}

#[test]
fn the_last_use_is_noted_to_the_hour_only() {
    let f = Fixture::new();
    f.user("zoe@example.org", "member");
    let session = f.sign_in("zoe@example.org", PASSWORD).unwrap();
    f.engine.flush_audit();
    let head = f.engine.head();
    for _ in 0..100 {
        f.clock.advance(30_000);
        f.engine.actor_for_session(session.token.expose()).unwrap();
    }
    assert_eq!(f.engine.head(), head, "50 minutes of use write nothing");
    f.clock.advance(DAY_MS);
    f.engine.actor_for_session(session.token.expose()).unwrap();
    f.engine.actor_for_session(session.token.expose()).unwrap();
    assert_eq!(f.engine.head(), head + 1);
}

#[test]
fn a_disabled_or_removed_users_session_dies_at_once() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let session = f.sign_in("zoe@example.org", PASSWORD).unwrap();
    let (word, _) = f.engine.create_token(&zoe, token(&["*:read"])).unwrap();
    let alive = || {
        (f.engine.actor_for_session(session.token.expose()).is_ok(), f.engine.actor_for_token(word.expose()).is_ok())
    };
    assert_eq!(alive(), (true, true));
    f.update(&f.admin, "users", zoe.id, json!({ "disabled": true })).unwrap();
    assert_eq!(alive(), (false, false));
    assert!(f.engine.refresh(&zoe).is_none(), "an open stream ends too");
    f.update(&f.admin, "users", zoe.id, json!({ "disabled": false })).unwrap();
    assert_eq!(alive(), (false, true), "a session does not come back");
    f.delete(&f.admin, "users", zoe.id).unwrap();
    assert_eq!(alive(), (false, false));
}

#[test]
fn a_changed_role_holds_from_the_next_request_on() {
    let f = Fixture::new();
    let role = f.role("sales", json!({ "default": { "read": "all" } }));
    let zoe = f.user("zoe@example.org", "sales");
    let session = f.sign_in("zoe@example.org", PASSWORD).unwrap();
    let actor = || f.engine.actor_for_session(session.token.expose()).unwrap();
    assert_eq!(f.create(&actor(), "deals", json!({ "name": "One" })).unwrap_err().code(), "access.denied");
    f.update(&f.admin, "roles", role, json!({ "grants": { "default": { "read": "all", "create": true } } })).unwrap();
    assert!(f.create(&actor(), "deals", json!({ "name": "One" })).is_ok());
    f.delete(&f.admin, "roles", role).unwrap();
    assert_eq!(f.create(&actor(), "deals", json!({ "name": "Two" })).unwrap_err().code(), "access.denied");
    let team = f.create(&f.admin, "teams", json!({ "name": "North" })).unwrap();
    f.update(&f.admin, "users", zoe.id, json!({ "teams": [team.id] })).unwrap();
    assert_eq!(actor().teams, [team.id]);
}

#[test]
fn a_new_password_ends_the_other_sessions_and_needs_the_old_one() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (one, two) = (f.sign_in("zoe@example.org", PASSWORD).unwrap(), f.sign_in("zoe@example.org", PASSWORD).unwrap());
    let change = |current: &str, new: &str| {
        f.engine.change_password(&zoe, &secret(current), &secret(new), Some(one.token.expose())).map_err(|e| e.code())
    };
    assert_eq!(change("not the password", "another good phrase"), Err("auth.wrong"));
    assert_eq!(change(PASSWORD, "short"), Err("record.invalid"));
    assert_eq!(change(PASSWORD, "another good phrase"), Ok(()));
    assert!(f.engine.actor_for_session(one.token.expose()).is_ok(), "the session that asked goes on");
    assert!(f.engine.actor_for_session(two.token.expose()).is_err());
    assert_eq!(f.sign_in("zoe@example.org", PASSWORD).unwrap_err().code(), "auth.wrong");
    f.engine.set_password(&f.admin, zoe.id, &secret("a third good phrase")).unwrap();
    assert!(f.engine.actor_for_session(one.token.expose()).is_err(), "set by an administrator, all end");
    assert!(f.sign_in("zoe@example.org", "a third good phrase").is_ok());
    assert_eq!(
        f.engine.set_password(&zoe, f.admin.id, &secret("a fourth good phrase")).unwrap_err().code(),
        "access.denied"
    );
}

#[test]
fn a_token_has_its_users_rights_narrowed_by_scopes_until_it_ends() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let (word, record) = f.engine.create_token(&zoe, token(&["deals:read"])).unwrap();
    assert!(word.expose().starts_with("kith_"));
    let actor = f.engine.actor_for_token(word.expose()).unwrap();
    assert_eq!((actor.id, actor.user), (record.id, Some(zoe.id)));
    assert!(f.engine.query(&actor, &Query::of("deals")).is_ok());
    assert_eq!(f.create(&actor, "deals", json!({ "name": "One" })).unwrap_err().code(), "access.denied");
    assert_eq!(f.engine.create_token(&actor, token(&["admin"])).unwrap_err().code(), "access.denied");
    f.engine.revoke_token(&zoe, record.id).unwrap();
    assert_eq!(f.engine.actor_for_token(word.expose()).unwrap_err().code(), "auth.required");

    let until = NewToken { expires_at: Some(START_MS + DAY_MS), ..token(&["deals:write"]) };
    let (word, _) = f.engine.create_token(&zoe, until).unwrap();
    let made = f.create(&f.engine.actor_for_token(word.expose()).unwrap(), "deals", json!({ "name": "One" })).unwrap();
    assert_eq!(made.created_by, zoe.id, "what a token makes is its user's");
    f.clock.advance(DAY_MS);
    assert_eq!(f.engine.actor_for_token(word.expose()).unwrap_err().code(), "auth.required");
}

#[test]
fn a_token_is_refused_when_it_is_asked_for_wrongly() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    let code = |actor: &Actor, new: NewToken| f.engine.create_token(actor, new).map(drop).unwrap_err().code();
    assert_eq!(code(&zoe, token(&[])), "record.invalid");
    assert_eq!(code(&zoe, token(&["everything"])), "record.invalid");
    assert_eq!(code(&zoe, NewToken { name: " ".into(), ..token(&["*:read"]) }), "record.invalid");
    assert_eq!(code(&zoe, NewToken { expires_at: Some(START_MS), ..token(&["*:read"]) }), "record.invalid");
    assert_eq!(code(&zoe, NewToken { user: Some(f.admin.id), ..token(&["*:read"]) }), "access.denied");
    assert_eq!(code(&Actor::cli(), token(&["*:read"])), "record.invalid", "the command line must name a user");
    for word in ["", "kith_", "s_00", "kith_zz", &format!("kith_{}", "0".repeat(96))] {
        assert_eq!(f.engine.actor_for_token(word).unwrap_err().code(), "auth.required", "{word}");
        assert_eq!(f.engine.actor_for_session(word).unwrap_err().code(), "auth.required", "{word}");
    }
    assert_eq!(f.create(&f.admin, "tokens", json!({ "name": "x" })).unwrap_err().code(), "access.denied");
    assert_eq!(f.create(&f.admin, "sessions", json!({})).unwrap_err().code(), "access.denied");
}

#[test]
fn hashes_never_leave_the_engine() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    f.sign_in("zoe@example.org", PASSWORD).unwrap();
    f.engine.create_token(&zoe, token(&["*:read"])).unwrap();
    f.engine.set_password(&f.admin, zoe.id, &secret("another good phrase")).unwrap();
    let mut shown = String::new();
    for object in ["users", "tokens", "sessions"] {
        let page = f.engine.query(&f.admin, &Query::of(object)).unwrap();
        for record in page.records {
            assert!(record.values.iter().all(|(_, value)| !matches!(value, kith_model::Value::Secret(_))));
            shown += &f.engine.to_json(&f.admin, &record).to_string();
            let history = f.engine.history(&f.admin, object, record.id, None, 50).unwrap();
            shown += &serde_json::to_string(&history).unwrap();
        }
    }
    shown += &serde_json::to_string(&f.engine.events_from(&f.admin, 0, 1_000).unwrap()).unwrap();
    assert!(shown.contains("zoe@example.org"));
    for trace in ["argon2", "\"hash\"", "\"password\""] {
        assert!(!shown.contains(trace), "{trace}");
    }
    for filter in ["password != null", "hash == null"] {
        for object in ["users", "tokens"] {
            assert!(f.engine.query(&f.admin, &Query::of(object).filter(filter)).is_err(), "{object} {filter}");
        }
    }
    let head = f.engine.head();
    assert!(f.update(&f.admin, "users", zoe.id, json!({ "password": "x" })).is_err());
    assert_eq!(f.engine.head(), head);
}

#[test]
fn nobody_grants_themselves_rights_and_a_refusal_writes_nothing() {
    let f = Fixture::new();
    let zoe = f.user("zoe@example.org", "member");
    f.engine.flush_audit();
    let head = f.engine.head();
    let refused = [
        f.update(&zoe, "users", zoe.id, json!({ "role": f.admin.role.id })).map(drop),
        f.update(&zoe, "users", zoe.id, json!({ "teams": [] , "email": "x@example.org" })).map(drop),
        f.update(&zoe, "roles", zoe.role.id, json!({ "admin": true })).map(drop),
        f.create(&zoe, "roles", json!({ "key": "mine", "name": "Mine", "admin": true })).map(drop),
        f.create(&zoe, "users", json!({ "email": "y@example.org", "name": "Y", "role": f.admin.role.id })).map(drop),
        f.delete(&zoe, "users", f.admin.id).map(drop),
        f.create(&zoe, "teams", json!({ "name": "Mine" })).map(drop),
        f.update(&zoe, "settings", crate::system::seeds::SETTINGS, json!({ "name": "Mine" })).map(drop),
        f.engine.create_user(&zoe, crate::auth::fixture::new_user("y@example.org", "admin")).map(drop),
        f.engine.audit_page(&zoe, &AuditQuery::default()).map(drop),
    ];
    for (at, outcome) in refused.into_iter().enumerate() {
        assert_eq!(outcome.map_err(|e| e.root().code()), Err("access.denied"), "attempt {at}");
    }
    assert_eq!(f.engine.head(), head, "nothing is written");
    f.engine.flush_audit();
    let query = AuditQuery { kind: Some("refused".into()), actor: Some(zoe.id), ..AuditQuery::default() };
    assert_eq!(f.engine.audit_page(&f.admin, &query).unwrap().items.len(), 10, "each attempt is in the audit");
    assert!(f.update(&zoe, "users", zoe.id, json!({ "name": "Zoë", "time_zone": "Europe/Rome" })).is_ok());
}

#[test]
fn there_is_always_an_administrator() {
    let f = Fixture::new();
    let member = f.user("zoe@example.org", "member");
    let code = |outcome: Result<crate::Record, crate::EngineError>| outcome.unwrap_err().violations()[0].code.clone();
    assert_eq!(code(f.update(&f.admin, "users", f.admin.id, json!({ "disabled": true }))), "last_admin");
    assert_eq!(code(f.update(&f.admin, "users", f.admin.id, json!({ "role": member.role.id }))), "last_admin");
    assert_eq!(code(f.delete(&f.admin, "users", f.admin.id)), "last_admin");
    assert_eq!(code(f.update(&f.admin, "roles", f.admin.role.id, json!({ "admin": false }))), "last_admin");
    assert_eq!(code(f.delete(&f.admin, "roles", f.admin.role.id)), "last_admin");
    let second = f.user("second@example.org", "admin");
    assert!(f.update(&f.admin, "users", second.id, json!({ "disabled": true })).is_ok(), "while another one is left");
}

#[test]
fn two_administrators_cannot_remove_each_other_at_once() {
    for _ in 0..5 {
        let f = Fixture::new();
        let second = f.user("second@example.org", "admin");
        let disable = |by: &Actor, whom: &Actor| f.update(by, "users", whom.id, json!({ "disabled": true })).is_ok();
        let done = std::thread::scope(|scope| {
            let one = scope.spawn(|| disable(&f.admin, &second));
            let two = scope.spawn(|| disable(&second, &f.admin));
            (one.join().unwrap(), two.join().unwrap())
        });
        assert_ne!(done, (true, true));
        assert!(done.0 || done.1);
    }
}

#[test]
fn a_user_is_refused_with_the_field_at_fault() {
    let f = Fixture::new();
    let field = |email: &str, role: &str| {
        let error = f.engine.create_user(&f.admin, crate::auth::fixture::new_user(email, role)).unwrap_err();
        (error.code(), error.violations()[0].field.clone().unwrap_or_default())
    };
    assert_eq!(field("no e-mail", "member"), ("record.invalid", "email".into()));
    assert_eq!(field("zoe@example.org", "emperor"), ("record.invalid", "role".into()));
    assert_eq!(field("ADMIN@example.org", "member"), ("record.not_unique", "email".into()));
    let weak = crate::auth::NewUser {
        password: Some(secret("short")),
        ..crate::auth::fixture::new_user("zoe@example.org", "member")
    };
    assert_eq!(f.engine.create_user(&f.admin, weak).unwrap_err().violations()[0].field.as_deref(), Some("password"));
    let users = f.engine.query(&f.admin, &Query::of("users")).unwrap().records;
    assert_eq!(users.len(), 1);
    assert!(users[0].values.get(ids::users::PASSWORD).is_null(), "masked even for an administrator");
}
