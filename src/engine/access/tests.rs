//! The decision in tables: role × operation × reach, fields, scopes, administration objects.

use std::sync::Arc;

use kith_base::RecordId;
use kith_model::{ObjectDef, Value, Values, expr::EvalContext};
use serde_json::{Value as Json, json};

use super::{FieldAccess, Guard, Op, Restriction, Role, may, reach};
use crate::{
    Actor, ActorKind, Record,
    define::{field, object},
    system,
};

const ZOE: RecordId = RecordId([1; 16]);
const BOB: RecordId = RecordId([2; 16]);
const EVE: RecordId = RecordId([3; 16]);
const NOBODY: RecordId = RecordId([9; 16]);

fn deals() -> Arc<ObjectDef> {
    let deals = object(100, "deals", "Deal", "Deals")
        .field(1, field::text("name", "Name"))
        .field(2, field::user("owner", "Owner"))
        .field(3, field::text("region", "Region"))
        .field(4, field::integer("margin", "Margin"))
        .field(5, field::computed("rating", "Rating", "margin * 2").result("integer"))
        .field(6, field::secret("pin", "PIN"));
    Arc::new(deals.build())
}

fn system_object(key: &str) -> Arc<ObjectDef> {
    Arc::new(system::objects().into_iter().find(|o| o.key == key).unwrap())
}

/// A user of a role with these grants, in a team with Bob.
fn user(grants: Json) -> Actor {
    let grants = serde_json::from_value(grants).unwrap();
    Actor {
        kind: ActorKind::User,
        id: ZOE,
        user: Some(ZOE),
        name: "Zoë".into(),
        teams: vec![],
        peers: [ZOE, BOB].into(),
        role: Arc::new(Role::new(RecordId([7; 16]), "test", "Test", false, grants)),
        scopes: None,
    }
}

fn admin() -> Actor {
    Actor { role: Arc::new(Role::admin()), ..user(json!({})) }
}

fn scoped(actor: Actor, scopes: &[&str]) -> Actor {
    Actor {
        kind: ActorKind::Token,
        id: EVE,
        scopes: Some(scopes.iter().map(|s| s.parse().unwrap()).collect()),
        ..actor
    }
}

fn deal(owner: Option<RecordId>, created_by: RecordId, region: &str) -> Record {
    record(
        100,
        [(2, owner.map_or(Value::Null, Value::Link)), (3, Value::Text(region.into())), (4, Value::Int(7))],
        created_by,
    )
}

fn record<const N: usize>(object: u32, values: [(u32, Value); N], created_by: RecordId) -> Record {
    Record {
        id: RecordId([5; 16]),
        object,
        version: 1,
        seq: 1,
        created_at: 0,
        updated_at: 0,
        created_by,
        updated_by: created_by,
        trashed: false,
        values: values.into_iter().collect::<Values>(),
    }
}

fn context(actor: &Actor) -> EvalContext {
    EvalContext { now_ms: 0, time_zone: "UTC".into(), me: actor.user }
}

#[test]
fn each_reach_covers_its_records_and_no_others() {
    let object = deals();
    let own = deal(Some(ZOE), NOBODY, "EU");
    let made = deal(None, ZOE, "US");
    let team = deal(Some(BOB), NOBODY, "US");
    let others = deal(Some(EVE), NOBODY, "EU");
    let orphan = deal(None, NOBODY, "US");
    let rule = json!({ "rule": "region == \"EU\"" });
    // reach, then whether it covers: own, made, team, others, orphan
    let table = [
        (json!("none"), [false, false, false, false, false]),
        (json!("own"), [true, true, false, false, false]),
        (json!("team"), [true, true, true, false, false]),
        (json!("all"), [true, true, true, true, true]),
        (rule, [true, false, false, true, false]),
    ];
    for op in [Op::Read, Op::Update, Op::Delete, Op::Export] {
        for (granted, covered) in &table {
            let actor = user(json!({ "objects": { "deals": { "read": "all", op.name(): granted } } }));
            for (record, covered) in [&own, &made, &team, &others, &orphan].into_iter().zip(covered) {
                let said = format!("{op:?} {granted} of {record:?}");
                assert_eq!(may(&actor, &object, op, record, &context(&actor)), *covered, "{said}");
                assert_eq!(Guard::new(&actor).may(&object, op, record, &context(&actor)), *covered, "guard: {said}");
            }
            let nothing = matches!(reach(&actor, &object, op), Restriction::Nothing);
            assert_eq!(nothing, *granted == json!("none"));
            assert_eq!(Guard::new(&actor).restrict(&object, op).is_err(), nothing, "{op:?} {granted}");
        }
    }
}

#[test]
fn what_is_not_granted_is_refused_for_every_operation() {
    let object = deals();
    let theirs = deal(Some(ZOE), ZOE, "EU");
    for granted in Op::ALL {
        let value = if granted == Op::Create { json!(true) } else { json!("all") };
        let actor = user(json!({ "default": { granted.name(): value } }));
        for op in Op::ALL {
            // All but creating also need the right to read.
            let allowed = op == granted && matches!(op, Op::Create | Op::Read);
            assert_eq!(
                may(&actor, &object, op, &theirs, &context(&actor)),
                allowed,
                "{granted:?} granted, {op:?} asked"
            );
            assert_eq!(Guard::new(&actor).may_some(&object, op), allowed, "{granted:?} granted, {op:?} asked");
        }
    }
}

#[test]
fn a_record_out_of_reach_is_not_found_and_one_that_is_only_readable_is_denied() {
    let object = deals();
    let actor = user(json!({ "default": { "read": "team", "update": "own" } }));
    let check = |record: &Record| Guard::new(&actor).check(&object, Op::Update, record, &[3], &context(&actor));
    assert!(check(&deal(Some(ZOE), NOBODY, "EU")).is_ok());
    assert_eq!(check(&deal(Some(BOB), NOBODY, "EU")).unwrap_err().code(), "access.denied");
    assert_eq!(check(&deal(Some(EVE), NOBODY, "EU")).unwrap_err().code(), "record.not_found");
}

#[test]
fn a_rule_that_no_longer_reads_gives_nothing() {
    let object = deals();
    let record = deal(Some(ZOE), ZOE, "EU");
    for rule in ["salary > 3", "region ==", "region", "margin", "1/0 == 1", ""] {
        let actor = user(json!({ "objects": { "deals": { "read": { "rule": rule } } } }));
        assert!(!may(&actor, &object, Op::Read, &record, &context(&actor)), "{rule}");
    }
}

#[test]
fn someone_without_a_user_owns_nothing_not_even_what_nobody_owns() {
    let object = deals();
    let orphan = deal(None, NOBODY, "EU");
    for reach in [json!("own"), json!("team"), json!({ "rule": "owner == me" })] {
        let form = Actor { kind: ActorKind::Form, user: None, ..user(json!({ "default": { "read": reach } })) };
        let form = Actor { role: user(json!({ "objects": { "deals": { "read": reach } } })).role, ..form };
        assert!(!may(&form, &object, Op::Read, &orphan, &context(&form)), "{reach}");
        assert!(Guard::new(&form).restrict(&object, Op::Read).is_err(), "{reach}");
    }
}

#[test]
fn a_hidden_field_is_as_unknown_as_one_that_never_was() {
    let object = deals();
    let actor = user(json!({ "objects": { "deals": { "read": "all", "create": true, "update": "all",
        "fields": { "margin": "hidden", "region": "read" } } } }));
    let guard = Guard::new(&actor);
    let keys = |object: &ObjectDef| object.fields.iter().map(|f| f.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&guard.known(&object)), ["name", "owner", "region", "pin"], "nor what is computed from it");
    assert_eq!(keys(&guard.seen(&object)), ["name", "owner", "region"], "a secret is compared with nothing");
    let filter = |cel: &str| kith_model::expr::Expr::parse(cel).unwrap().resolve(&guard.seen(&object));
    assert!(filter("region == \"EU\"").is_ok());
    for cel in ["margin > 3", "rating > 3", "pin == null"] {
        let said = filter(cel).map(drop).unwrap_err().to_string();
        let never = filter("nonsense > 3").map(drop).unwrap_err().to_string();
        assert!(!said.contains("hidden") && !never.contains("margin"), "{cel}: {said}");
    }
    let mut masked = deal(Some(ZOE), ZOE, "EU");
    guard.mask_record(&object, &mut masked);
    assert!(masked.values.get(4).is_null() && !masked.values.get(3).is_null());
    assert_eq!(guard.check_create(&object, &[1]).map_err(|e| e.code()), Ok(()));
    assert_eq!(guard.check_create(&object, &[3]).map_err(|e| e.code()), Err("access.denied"));
    let hidden = guard.check_create(&object, &[4]).unwrap_err();
    assert_eq!(hidden.code(), "field.not_found");
    assert_eq!(hidden.to_string(), guard.unknown_field(&object, "margin").to_string());
    assert!(!guard.unknown_field(&object, "marg").to_string().contains("'margin'"));
    assert_eq!(guard.visible_fields(&object), [1, 2, 3, 6]);
}

#[test]
fn a_computed_field_follows_its_sources_unless_the_role_names_it() {
    let object = deals();
    let access = |fields: Json| {
        let actor = user(json!({ "objects": { "deals": { "read": "all", "fields": fields } } }));
        Guard::new(&actor).field_access(&object, 5)
    };
    assert_eq!(access(json!({ "margin": "hidden" })), FieldAccess::Hidden);
    assert_eq!(access(json!({ "margin": "hidden", "rating": "read" })), FieldAccess::Read);
    assert_ne!(access(json!({ "margin": "read" })), FieldAccess::Hidden);
    assert_ne!(access(json!({ "name": "hidden" })), FieldAccess::Hidden);
}

#[test]
fn scopes_narrow_and_never_widen() {
    let object = deals();
    let record = deal(Some(ZOE), ZOE, "EU");
    let all =
        json!({ "default": { "create": true, "read": "all", "update": "all", "delete": "all", "export": "all" } });
    let read = json!({ "default": { "read": "all" } });
    // grants, scopes, what is allowed
    let table = [
        (&all, vec!["deals:read"], vec![Op::Read, Op::Export]),
        (&all, vec!["*:read"], vec![Op::Read, Op::Export]),
        (&all, vec!["people:write"], vec![]),
        (&all, vec![], vec![]),
        (&all, vec!["deals:write"], Op::ALL[..5].to_vec()),
        (&all, vec!["admin"], Op::ALL[..5].to_vec()),
        (&read, vec!["deals:write"], vec![Op::Read]),
        (&read, vec!["admin", "*:write"], vec![Op::Read]),
    ];
    for (grants, scopes, allowed) in table {
        let actor = scoped(user(grants.clone()), &scopes);
        for op in Op::ALL {
            assert_eq!(
                may(&actor, &object, op, &record, &context(&actor)),
                allowed.contains(&op),
                "{scopes:?} {op:?} {grants}"
            );
        }
    }
}

#[test]
fn no_role_but_an_administrators_changes_who_may_do_what() {
    let everything = json!({ "create": true, "read": "all", "update": "all", "delete": "all", "export": "all" });
    let names = ["users", "teams", "roles", "tokens", "sessions", "objects", "fields", "settings"];
    let named: serde_json::Map<String, Json> =
        names.iter().map(|name| (name.to_string(), everything.clone())).collect();
    let actors = [
        ("default grant", user(json!({ "default": everything }))),
        ("named grants", user(json!({ "objects": named }))),
        ("token without scope admin", scoped(admin(), &["*:write", "users:write", "roles:write"])),
    ];
    for (who, actor) in &actors {
        for name in names {
            let object = system_object(name);
            let strange = record(object.id, [], NOBODY);
            for op in [Op::Create, Op::Update, Op::Delete] {
                assert!(!Guard::new(actor).may(&object, op, &strange, &context(actor)), "{who}: {op:?} {name}");
            }
        }
        assert!(!actor.is_admin(), "{who}");
    }
    for name in ["users", "roles", "teams", "settings"] {
        assert!(Guard::new(&admin()).may_some(&system_object(name), Op::Update), "{name}");
        assert!(Guard::new(&scoped(admin(), &["admin"])).may_some(&system_object(name), Op::Update), "{name}");
    }
}

#[test]
fn users_mend_their_own_profile_and_nothing_else() {
    let users = system_object("users");
    let actor = user(json!({}));
    let me = Record { id: ZOE, ..record(users.id, [], NOBODY) };
    let other = Record { id: BOB, ..record(users.id, [], NOBODY) };
    let number = |key: &str| users.field(key).unwrap().id;
    let change = |record: &Record, key: &str| {
        Guard::new(&actor).check(&users, Op::Update, record, &[number(key)], &context(&actor)).map_err(|e| e.code())
    };
    for key in ["name", "locale", "time_zone"] {
        assert_eq!(change(&me, key), Ok(()), "{key}");
        assert_eq!(change(&other, key), Err("access.denied"), "{key}");
    }
    for key in ["role", "email", "teams", "disabled"] {
        assert_eq!(change(&me, key), Err("access.denied"), "{key}");
    }
    assert_eq!(change(&me, "password"), Err("field.not_found"));
}

#[test]
fn hashes_are_hidden_from_everyone_and_issued_by_no_hand() {
    for (name, key) in [("users", "password"), ("tokens", "hash"), ("sessions", "hash")] {
        let object = system_object(name);
        let number = object.field(key).unwrap().id;
        for actor in [admin(), Actor::cli(), user(json!({})), scoped(admin(), &["admin"])] {
            assert_eq!(Guard::new(&actor).field_access(&object, number), FieldAccess::Hidden, "{name}.{key}");
            assert!(Guard::new(&actor).seen(&object).field(key).is_none());
        }
    }
    for name in ["tokens", "sessions"] {
        assert!(!Guard::new(&admin()).may_some(&system_object(name), Op::Create), "{name}");
    }
}

#[test]
fn tokens_sessions_and_views_are_ones_own() {
    let actor = user(json!({ "default": { "create": true, "read": "all", "update": "all", "delete": "all" } }));
    let (tokens, sessions, views) = (system_object("tokens"), system_object("sessions"), system_object("views"));
    let of = |object: &ObjectDef, key: &str, user: RecordId| {
        record(object.id, [(object.field(key).unwrap().id, Value::Link(user))], NOBODY)
    };
    let may =
        |object: &Arc<ObjectDef>, op, record: &Record| Guard::new(&actor).may(object, op, record, &context(&actor));
    for (object, key, op) in
        [(&tokens, "user", Op::Update), (&sessions, "user", Op::Delete), (&views, "owner", Op::Update)]
    {
        assert!(
            may(object, Op::Read, &of(object, key, ZOE)) && may(object, op, &of(object, key, ZOE)),
            "{}",
            object.key
        );
        assert!(
            !may(object, Op::Read, &of(object, key, EVE)) && !may(object, op, &of(object, key, EVE)),
            "{}",
            object.key
        );
    }
    let shared = record(views.id, [(views.field("shared").unwrap().id, Value::Bool(true))], EVE);
    assert!(may(&views, Op::Read, &shared) && !may(&views, Op::Update, &shared));
    let roles = system_object("roles");
    assert!(Guard::new(&actor).known(&roles).field("grants").is_none(), "what a role hides stays hidden");
}

#[test]
fn the_starting_roles_do_what_their_names_say() {
    let object = deals();
    let record = deal(Some(EVE), EVE, "EU");
    let allowed = |id: RecordId| {
        let (_, _, values) = system::seeds::seeds().into_iter().find(|(seed, _, _)| *seed == id).unwrap();
        let mut actor = user(values.get("grants").cloned().unwrap_or(json!({})));
        if values["admin"] == json!(true) {
            actor = admin();
        }
        Op::ALL.into_iter().filter(|op| may(&actor, &object, *op, &record, &context(&actor))).collect::<Vec<_>>()
    };
    assert_eq!(allowed(system::seeds::ROLE_ADMIN), Op::ALL);
    assert_eq!(
        allowed(system::seeds::ROLE_MEMBER),
        Op::ALL.into_iter().filter(|op| *op != Op::Erase).collect::<Vec<_>>(),
        "erasing for good is for administrators until a role is given the right"
    );
    assert_eq!(allowed(system::seeds::ROLE_READ_ONLY), [Op::Read]);
}

#[test]
fn a_large_team_is_no_obstacle() {
    let object = deals();
    let peers: Vec<RecordId> = (0..5_000u32).map(|n| RecordId::new(u64::from(n), [1; 10])).chain([ZOE]).collect();
    let mut actor = user(json!({ "default": { "read": "team" } }));
    actor.peers = peers.into();
    assert!(may(&actor, &object, Op::Read, &deal(Some(ZOE), NOBODY, "EU"), &context(&actor)));
    assert!(!may(&actor, &object, Op::Read, &deal(Some(EVE), NOBODY, "EU"), &context(&actor)));
}
