//! What hangs on a record is seen by whoever may see that record: in lists, totals, groups, search, export, history, events and titles.

use kith_base::RecordId;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{Actor, GroupQuery, Query, Record, SearchQuery, auth::fixture::Fixture};

/// Reads everything but the deals of others.
fn seller(f: &Fixture) -> Actor {
    let all =
        json!({ "create": true, "read": "all", "update": "all", "delete": "all", "export": "all", "erase": "all" });
    let mut own = all.clone();
    own["read"] = json!("own");
    f.role("seller", json!({ "default": all, "objects": { "deals": own } }));
    f.user("zoe@example.org", "seller")
}

fn deal(f: &Fixture, name: &str, owner: &Actor) -> RecordId {
    f.create(&f.admin, "deals", json!({ "name": name, "owner": owner.id })).unwrap().id
}

fn note(f: &Fixture, by: &Actor, body: &str, about: Option<RecordId>) -> Record {
    f.create(by, "notes", json!({ "body": body, "about": about })).unwrap()
}

fn bodies(f: &Fixture, actor: &Actor, query: Query) -> Vec<String> {
    let page = f.engine.query(actor, &query.sort_by("body", false).limit(500)).unwrap();
    page.records.iter().map(|r| f.engine.to_json(actor, r)["values"]["body"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_note_is_as_far_away_as_what_it_is_about() {
    let f = Fixture::new();
    let zoe = seller(&f);
    let (theirs, own) = (deal(&f, "Alpha", &f.admin), deal(&f, "Beta", &zoe));
    let hidden = note(&f, &f.admin, "whisper one", Some(theirs));
    let shown = note(&f, &f.admin, "whisper two", Some(own));
    let on_hidden = note(&f, &f.admin, "whisper three", Some(hidden.id));
    let on_shown = note(&f, &f.admin, "whisper four", Some(shown.id));
    let alone = note(&f, &f.admin, "whisper five", None);
    let of_user = note(&f, &f.admin, "whisper six", Some(zoe.id));
    let all = [&hidden, &shown, &on_hidden, &on_shown, &alone, &of_user];
    let seen = ["whisper five", "whisper four", "whisper six", "whisper two"];

    assert_eq!(bodies(&f, &f.admin, Query::of("notes")).len(), 6);
    assert_eq!(bodies(&f, &zoe, Query::of("notes")), seen);
    assert_eq!(bodies(&f, &zoe, Query::of("notes").filter(format!("about == \"{theirs}\""))), [""; 0]);
    assert_eq!(bodies(&f, &zoe, Query::of("notes").filter(format!("about == \"{own}\""))), ["whisper two"]);
    let total = f.engine.query(&zoe, &Query { total: true, ..Query::of("notes") }).unwrap().total;
    assert_eq!(total, Some(4));
    let groups = GroupQuery { object: "notes".into(), by: "body".into(), filter: None, q: None, sum: None };
    assert_eq!(f.engine.groups(&zoe, &groups).unwrap().len(), 4);
    assert_eq!(f.engine.query_export(&zoe, &Query::of("notes")).unwrap().records.len(), 4);
    let ids: Vec<RecordId> = all.iter().map(|note| note.id).collect();
    assert_eq!(f.engine.titles(&zoe, &ids).len(), 4);
    let told: std::collections::HashSet<RecordId> = f
        .engine
        .events_from(&zoe, 0, 1_000)
        .unwrap()
        .into_iter()
        .flat_map(|event| event.changes.into_iter().filter(|c| &*c.object == "notes").map(|c| c.id))
        .collect();
    assert_eq!(told.len(), 4);
    for note in all {
        let expected = if seen.contains(&f.engine.to_json(&f.admin, note)["values"]["body"].as_str().unwrap()) {
            Ok(())
        } else {
            Err("record.not_found")
        };
        let code = |outcome: Result<(), crate::EngineError>| outcome.map_err(|error| error.code());
        assert_eq!(code(f.engine.get(&zoe, "notes", note.id).map(drop)), expected);
        assert_eq!(code(f.engine.history(&zoe, "notes", note.id, None, 5).map(drop)), expected);
        assert_eq!(code(f.update(&zoe, "notes", note.id, json!({ "pinned": true })).map(drop)), expected);
        assert_eq!(f.engine.find_by(&zoe, "notes", "body", "whisper one").unwrap().len(), 0);
    }
    let search = |actor: &Actor, words: &str| {
        let query = SearchQuery { words: words.into(), objects: Vec::new(), limit: 20 };
        f.engine.search(actor, &query).unwrap().len()
    };
    for _ in 0..40 {
        if search(&f.admin, "whisper") == 6 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!((search(&f.admin, "whisper"), search(&zoe, "whisper")), (6, 4));
    assert_eq!(bodies(&f, &zoe, Query { q: Some("whisper".into()), ..Query::of("notes") }).len(), 4);

    // The deal becomes hers, and with it what hangs on it.
    f.update(&f.admin, "deals", theirs, json!({ "owner": zoe.id })).unwrap();
    assert_eq!(bodies(&f, &zoe, Query::of("notes")).len(), 6);
}

#[test]
fn nothing_is_hung_on_what_one_may_not_read() {
    let f = Fixture::new();
    let zoe = seller(&f);
    let (theirs, own) = (deal(&f, "Alpha", &f.admin), deal(&f, "Beta", &zoe));
    let made = note(&f, &zoe, "mine", Some(own));
    let head = f.storage_head();
    let refused = f.create(&zoe, "notes", json!({ "body": "x", "about": theirs })).unwrap_err();
    let missing = f.create(&zoe, "notes", json!({ "body": "x", "about": RecordId([9; 16]) })).unwrap_err();
    assert_eq!(refused.code(), "record.invalid");
    assert_eq!(
        refused.to_string().replace(&theirs.to_string(), "…"),
        missing.to_string().replace(&RecordId([9; 16]).to_string(), "…"),
        "as if it were not there"
    );
    assert!(f.update(&zoe, "notes", made.id, json!({ "about": theirs })).is_err());
    assert_eq!(f.storage_head(), head);
    f.update(&f.admin, "notes", made.id, json!({ "about": theirs })).unwrap();
    assert!(f.update(&zoe, "notes", made.id, json!({ "about": own })).is_err(), "it is out of reach now");
}

#[test]
fn a_token_reads_what_hangs_on_records_its_scopes_do_not_name() {
    let f = Fixture::new();
    let zoe = seller(&f);
    note(&f, &f.admin, "a", Some(deal(&f, "Alpha", &f.admin)));
    note(&f, &f.admin, "b", Some(deal(&f, "Beta", &zoe)));
    let token = Actor { scopes: Some(vec!["notes:read".parse().unwrap()]), ..zoe.clone() };
    assert_eq!(bodies(&f, &token, Query::of("notes")), ["b"]);
    // Sorting by a title that the token may not read tells nothing of it.
    let by_title = f.engine.query(&token, &Query::of("notes").sort_by("about", false)).unwrap();
    assert_eq!(by_title.records.len(), 1);
}

#[test]
fn titles_that_one_may_not_read_do_not_order_a_list() {
    let f = Fixture::new();
    let zoe = seller(&f);
    for (name, owner) in [("Zulu", &zoe), ("Alpha", &f.admin), ("Mike", &zoe), ("Bravo", &f.admin)] {
        let about = deal(&f, name, owner);
        f.create(&f.admin, "hints", json!({ "name": name, "deal": about })).unwrap();
    }
    let names = |actor: &Actor, descending: bool| -> Vec<String> {
        let page = f.engine.query(actor, &Query::of("hints").sort_by("deal", descending)).unwrap();
        page.records.iter().map(|r| f.engine.to_json(actor, r)["values"]["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names(&f.admin, false), ["Alpha", "Bravo", "Mike", "Zulu"]);
    assert_eq!(names(&f.admin, true), ["Zulu", "Mike", "Bravo", "Alpha"]);
    // What she may not see comes last, by age.
    assert_eq!(names(&zoe, false), ["Mike", "Zulu", "Alpha", "Bravo"]);
    assert_eq!(names(&zoe, true), ["Zulu", "Mike", "Bravo", "Alpha"]);
    let grants: Json = json!({ "default": { "read": "all" }, "objects": { "deals": { "read": "all", "fields": { "name": "hidden" } } } });
    f.role("blind", grants);
    let bob = f.user("bob@example.org", "blind");
    assert_eq!(names(&bob, false), ["Zulu", "Alpha", "Mike", "Bravo"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Lists decide by bitmaps, single records by looking: they must agree, on any web of records.
    #[test]
    fn lists_show_exactly_what_single_reads_give(
        owners in prop::collection::vec(any::<bool>(), 6),
        abouts in prop::collection::vec(prop::option::of((any::<bool>(), 0usize..40)), 1..120),
        trashed in prop::collection::vec(any::<bool>(), 6),
    ) {
        let f = Fixture::new();
        let zoe = seller(&f);
        let deals: Vec<RecordId> =
            owners.iter().map(|hers| deal(&f, "Deal", if *hers { &zoe } else { &f.admin })).collect();
        let mut notes: Vec<RecordId> = Vec::new();
        for (at, about) in abouts.iter().enumerate() {
            let about = about.map(|(on_note, n)| match on_note && !notes.is_empty() {
                true => notes[n % notes.len()],
                false => deals[n % deals.len()],
            });
            notes.push(note(&f, &f.admin, &format!("{at:03}"), about).id);
        }
        for (deal, _) in deals.iter().zip(&trashed).filter(|(_, trashed)| **trashed) {
            f.delete(&f.admin, "deals", *deal).unwrap();
        }
        let listed: Vec<RecordId> = f
            .engine
            .query(&zoe, &Query::of("notes").sort_by("id", false).limit(500))
            .unwrap()
            .records
            .iter()
            .map(|record| record.id)
            .collect();
        let mut single: Vec<RecordId> =
            notes.iter().copied().filter(|id| f.engine.get(&zoe, "notes", *id).is_ok()).collect();
        single.sort();
        prop_assert_eq!(listed, single);
    }
}
