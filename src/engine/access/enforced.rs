//! Access held against the whole engine: lists, totals, groups, search, export, history, events and titles alike.

use kith_base::RecordId;
use serde_json::{Value as Json, json};

use crate::{Actor, Engine, GroupQuery, Query, SearchQuery, auth::fixture::Fixture};

fn total(engine: &Engine, actor: &Actor, query: Query) -> u64 {
    engine.query(actor, &Query { total: true, ..query }).unwrap().total.unwrap()
}

fn searched(f: &Fixture, actor: &Actor, words: &str) -> usize {
    // Writes are searchable within a second.
    let query = SearchQuery { words: words.into(), objects: Vec::new(), limit: 20 };
    for _ in 0..40 {
        let found = f.engine.search(actor, &query).unwrap().len();
        if found > 0 {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    0
}

/// Deals of the administrator, of Zoë and of Bob, who shares a team with her.
fn with_deals(f: &Fixture, zoe: &Actor, bob: &Actor) -> [RecordId; 3] {
    let team = f.create(&f.admin, "teams", json!({ "name": "North" })).unwrap().id;
    for user in [zoe, bob] {
        f.update(&f.admin, "users", user.id, json!({ "teams": [team] })).unwrap();
    }
    [(f.admin.id, "Alpha", "EU"), (zoe.id, "Beta", "EU"), (bob.id, "Gamma", "US")].map(|(owner, name, region)| {
        let values =
            json!({ "name": name, "owner": owner, "region": region, "margin": 40, "code": format!("code-{name}") });
        f.create(&f.admin, "deals", values).unwrap().id
    })
}

#[test]
fn lists_totals_groups_search_and_titles_keep_to_the_reach() {
    let f = Fixture::new();
    let reaches = [json!("own"), json!("team"), json!("all"), json!({ "rule": "region == \"US\"" })];
    let expected = [vec!["Beta"], vec!["Beta", "Gamma"], vec!["Alpha", "Beta", "Gamma"], vec!["Gamma"]];
    let role = f.role("seller", json!({ "default": { "read": "all" } }));
    let (zoe, bob) = (f.user("zoe@example.org", "seller"), f.user("bob@example.org", "seller"));
    let deals = with_deals(&f, &zoe, &bob);
    let names = |actor: &Actor, query: Query| -> Vec<String> {
        let page = f.engine.query(actor, &query.sort_by("name", false)).unwrap();
        page.records
            .iter()
            .map(|r| f.engine.to_json(actor, r)["values"]["name"].as_str().unwrap().to_string())
            .collect()
    };
    for (reach, expected) in reaches.iter().zip(&expected) {
        let grants = json!({ "objects": { "deals": { "read": reach, "export": "all" } } });
        f.update(&f.admin, "roles", role, json!({ "grants": grants })).unwrap();
        let actor = f.actor(zoe.id);
        assert_eq!(&names(&actor, Query::of("deals")), expected, "{reach}");
        assert_eq!(total(&f.engine, &actor, Query::of("deals")), expected.len() as u64, "{reach}");
        assert_eq!(
            names(&actor, Query::of("deals").filter("name == \"Alpha\"")).len(),
            usize::from(expected.contains(&"Alpha"))
        );
        let groups = GroupQuery { object: "deals".into(), by: "region".into(), filter: None, q: None, sum: None };
        let counted: u64 = f.engine.groups(&actor, &groups).unwrap().iter().map(|g| g.count).sum();
        assert_eq!(counted, expected.len() as u64, "{reach}");
        assert_eq!(f.engine.titles(&actor, &deals).len(), expected.len(), "{reach}");
        let readable = deals.iter().filter(|id| f.engine.get(&actor, "deals", **id).is_ok()).count();
        assert_eq!(readable, expected.len(), "{reach}");
        let exported = f.engine.query_export(&actor, &Query::of("deals")).unwrap().records.len();
        assert_eq!(exported, expected.len(), "what may not be read is not exported: {reach}");
        let histories = deals.iter().filter(|id| f.engine.history(&actor, "deals", **id, None, 5).is_ok()).count();
        assert_eq!(histories, expected.len(), "{reach}");
        let found = f.engine.find_by(&actor, "deals", "code", "code-alpha").unwrap().len();
        assert_eq!(found, usize::from(expected.contains(&"Alpha")), "{reach}");
        let told: std::collections::HashSet<RecordId> = f
            .engine
            .events_from(&actor, 0, 1_000)
            .unwrap()
            .into_iter()
            .flat_map(|event| event.changes.into_iter().filter(|c| &*c.object == "deals").map(|c| c.id))
            .collect();
        assert_eq!(told.len(), expected.len(), "{reach}");
        for name in ["Alpha", "Beta", "Gamma"] {
            if expected.contains(&name) {
                assert_eq!(searched(&f, &actor, name), 1, "{reach} {name}");
            } else {
                let query = SearchQuery { words: name.into(), objects: Vec::new(), limit: 20 };
                assert!(f.engine.search(&actor, &query).unwrap().is_empty(), "{reach} {name}");
            }
        }
    }
}

#[test]
fn without_the_right_to_export_nothing_is_exported() {
    let f = Fixture::new();
    let reader = f.user("zoe@example.org", "read-only");
    f.create(&f.admin, "deals", json!({ "name": "Alpha" })).unwrap();
    assert_eq!(f.engine.query(&reader, &Query::of("deals")).unwrap().records.len(), 1);
    assert_eq!(f.engine.query_export(&reader, &Query::of("deals")).unwrap_err().code(), "access.denied");
}

#[test]
fn a_hidden_field_cannot_be_read_filtered_sorted_searched_exported_or_followed() {
    let f = Fixture::new();
    let grants = json!({ "objects": { "deals": { "create": true, "read": "all", "update": "all", "export": "all",
        "fields": { "margin": "hidden", "code": "hidden" } } } });
    f.role("seller", grants);
    let zoe = f.user("zoe@example.org", "seller");
    let deal = f.create(&f.admin, "deals", json!({ "name": "Alpha", "margin": 4711, "code": "hush4711" })).unwrap().id;
    f.update(&f.admin, "deals", deal, json!({ "margin": 4712 })).unwrap();
    assert_eq!(searched(&f, &f.admin, "hush4711"), 1);

    let mut shown = Vec::<Json>::new();
    let page = f.engine.query(&zoe, &Query::of("deals")).unwrap();
    shown.extend(page.records.iter().map(|record| f.engine.to_json(&zoe, record)));
    let exported = f.engine.query_export(&zoe, &Query::of("deals")).unwrap();
    shown.extend(exported.records.iter().map(|record| f.engine.to_json(&f.admin, record)));
    shown.push(f.engine.to_json(&f.admin, &f.engine.get(&zoe, "deals", deal).unwrap()));
    shown.push(serde_json::to_value(f.engine.history(&zoe, "deals", deal, None, 10).unwrap()).unwrap());
    shown.push(serde_json::to_value(f.engine.events_from(&zoe, 0, 1_000).unwrap()).unwrap());
    let updated = f.update(&zoe, "deals", deal, json!({ "region": "EU" })).unwrap();
    shown.push(f.engine.to_json(&f.admin, &updated));
    for json in &shown {
        let text = json.to_string();
        assert!(!text.contains("471"), "{text}");
    }
    assert!(
        f.engine.search(&zoe, &SearchQuery { words: "hush4711".into(), objects: vec![], limit: 5 }).unwrap().is_empty()
    );
    let listed = Query { q: Some("hush4711".into()), ..Query::of("deals") };
    assert!(f.engine.query(&zoe, &listed).unwrap().records.is_empty());
    let said = |outcome: Result<crate::Page, crate::EngineError>| outcome.map(drop).unwrap_err().to_string();
    let alike = |hidden: String, never: String| assert_eq!(hidden.replace("margin", "x"), never.replace("xargin", "x"));
    alike(
        said(f.engine.query(&zoe, &Query::of("deals").filter("margin > 3"))),
        said(f.engine.query(&zoe, &Query::of("deals").filter("xargin > 3"))),
    );
    alike(
        said(f.engine.query(&zoe, &Query::of("deals").sort_by("margin", false))),
        said(f.engine.query(&zoe, &Query::of("deals").sort_by("xargin", false))),
    );
    let groups =
        GroupQuery { object: "deals".into(), by: "name".into(), filter: None, q: None, sum: Some("margin".into()) };
    assert_eq!(f.engine.groups(&zoe, &groups).unwrap_err().code(), "field.not_found");
    assert!(f.engine.find_by(&zoe, "deals", "code", "hush4711").is_err());
    assert!(f.update(&zoe, "deals", deal, json!({ "margin": 1 })).is_err());
    assert_eq!(
        f.engine.to_json(&f.admin, &f.engine.get(&f.admin, "deals", deal).unwrap())["values"]["margin"],
        json!(4712)
    );
}

#[test]
fn a_role_that_does_not_read_is_refused_where_it_is_written() {
    let f = Fixture::new();
    let head = f.engine.head();
    let wrong = [
        json!({ "default": { "raed": "all" } }),
        json!({ "default": { "read": { "rule": "owner == me" } } }),
        json!({ "objects": { "dragons": { "read": "all" } } }),
        json!({ "objects": { "deals": { "read": { "rule": "salary > 3" } } } }),
        json!({ "objects": { "deals": { "read": { "rule": "region ==" } } } }),
        json!({ "objects": { "deals": { "read": "all", "fields": { "salary": "hidden" } } } }),
        json!([1, 2]),
    ];
    for grants in wrong {
        let made = f.create(&f.admin, "roles", json!({ "key": "r", "name": "R", "grants": grants }));
        let error = made.unwrap_err();
        assert_eq!(
            (error.code(), error.violations()[0].field.as_deref()),
            ("record.invalid", Some("grants")),
            "{grants}: {error}"
        );
    }
    assert_eq!(f.engine.head(), head);
}

#[test]
fn settings_are_one_record_with_real_codes() {
    let f = Fixture::new();
    let settings = crate::system::seeds::SETTINGS;
    for (key, wrong, right) in
        [("currency", "XXQ", "DKK"), ("country", "ZZ", "IT"), ("time_zone", "Mars/Base", "Europe/Rome")]
    {
        assert_eq!(
            f.update(&f.admin, "settings", settings, json!({ key: wrong })).unwrap_err().code(),
            "record.invalid",
            "{key}"
        );
        assert!(f.update(&f.admin, "settings", settings, json!({ key: right })).is_ok(), "{key}");
    }
    assert!(f.create(&f.admin, "settings", json!({ "name": "Second" })).is_err());
    assert_eq!(f.engine.read_context().currency, "DKK");
}
