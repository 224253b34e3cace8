//! What is found, in which order, and what must not be found.

use std::sync::Arc;

use kith_base::RecordId;
use kith_model::{FieldDef, Labelled, ObjectDef, Schema, Value};

use super::SearchIndex;
use crate::{Record, image::Image};

pub(super) const PEOPLE: u32 = 100;
pub(super) const COMPANIES: u32 = 101;
const USERS: u32 = 1;

fn field(id: u32, key: &str, kind: &str) -> FieldDef {
    FieldDef { id, key: key.into(), label: key.into(), kind: kind.into(), ..FieldDef::default() }
}

pub(super) fn schema() -> Arc<Schema> {
    let people = vec![
        field(1, "name", "text"),
        FieldDef { many: true, ..field(2, "emails", "email") },
        field(3, "notes", "text"),
        field(4, "salary_note", "text"),
        field(5, "pin", "secret"),
    ];
    let object = |id, key: &str, fields, system| ObjectDef {
        id,
        key: key.into(),
        title: "name".into(),
        fields,
        system,
        ..ObjectDef::default()
    };
    Arc::new(Schema::new(vec![
        object(PEOPLE, "people", people, false),
        object(COMPANIES, "companies", vec![field(1, "name", "text")], false),
        object(USERS, "users", vec![field(1, "name", "text")], true),
    ]))
}

fn id(n: u8) -> RecordId {
    RecordId::new(1_700_000_000_000 + u64::from(n), [n; 10])
}

fn record(object: u32, n: u8, values: Vec<(u32, &str)>) -> Record {
    let value = |field: u32, text: &str| match (object, field) {
        (PEOPLE, 2) => Value::Labelled(vec![Labelled { value: text.into(), label: "work".into() }]),
        (PEOPLE, 5) => Value::Secret(text.into()),
        _ => Value::Text(text.into()),
    };
    Record {
        id: id(n),
        object,
        version: 1,
        seq: 1,
        created_at: 0,
        updated_at: 0,
        created_by: id(0),
        updated_by: id(0),
        trashed: false,
        values: values.into_iter().map(|(f, t)| (f, value(f, t))).collect(),
    }
}

struct Desk {
    image: Image,
    search: SearchIndex,
}

impl Desk {
    fn new() -> Desk {
        let image = Image::new(schema(), "en");
        let search = SearchIndex::start(image.clone()).unwrap();
        Desk { image, search }
    }

    fn with(records: Vec<Record>) -> Desk {
        let desk = Desk::new();
        desk.image.apply_many(records);
        desk.search.fill();
        desk.search.settle();
        desk
    }

    fn write(&self, record: &Record) {
        self.image.apply(record);
        self.search.upsert(record);
        self.search.settle();
    }

    fn find(&self, words: &str) -> Vec<RecordId> {
        self.find_in(words, &[(PEOPLE, vec![1, 2, 3, 4, 5]), (COMPANIES, vec![1])])
    }

    fn find_in(&self, words: &str, scope: &[(u32, Vec<u32>)]) -> Vec<RecordId> {
        self.search.search(words, scope, 20).into_iter().map(|(id, _)| id).collect()
    }
}

fn cast() -> Desk {
    Desk::with(vec![
        record(PEOPLE, 1, vec![(1, "Zoë O'Hara"), (2, "zoe.ohara@acme-corp.example"), (3, "met at Rossini's opera")]),
        record(PEOPLE, 2, vec![(1, "Anna Rossi"), (4, "earns a fortune"), (5, "hunter2")]),
        record(PEOPLE, 3, vec![(1, "Roswitha Anders"), (3, "knows Anna Rossi")]),
        record(COMPANIES, 4, vec![(1, "Rossi & Søn")]),
        record(USERS, 5, vec![(1, "Rossi the admin")]),
    ])
}

#[test]
fn words_are_found_by_their_beginning_without_accents_or_case_across_objects() {
    let desk = cast();
    assert!(desk.search.ready());
    assert_eq!(desk.find("zoe"), [id(1)]);
    assert_eq!(desk.find("ZOË o"), [id(1)]);
    assert_eq!(desk.find("søn"), [id(4)]);
    assert_eq!(desk.find("son"), [id(4)]);
    assert_eq!(desk.find("acme ohara"), [id(1)]);
    assert_eq!(desk.find("zoe.ohara@ac"), [id(1)]);
    desk.write(&record(PEOPLE, 6, vec![(1, "Kaj Friis"), (2, "+4520123456")]));
    assert_eq!(desk.find("20 12 34"), [id(6)]);
    assert_eq!(desk.find("+45 20 12 34 56 kaj"), [id(6)]);
    assert!(desk.find("osoe").is_empty());
    assert!(desk.find("  ").is_empty());
}

#[test]
fn the_word_itself_in_the_title_comes_first() {
    let found = cast().find("rossi");
    // Title word (newest first), then elsewhere, then only its beginning elsewhere.
    assert_eq!(found, [id(4), id(2), id(3), id(1)]);
}

#[test]
fn slips_are_forgiven_and_rank_behind() {
    let desk = cast();
    assert_eq!(desk.find("roswita"), [id(3)]);
    assert_eq!(desk.find("ana rosi").first(), None, "three letters must be right");
    assert_eq!(desk.find("anna rosi"), [id(2), id(3)]);
    assert_eq!(desk.find("fotrune"), [id(2)]);
}

#[test]
fn a_hidden_field_is_not_found_out_by_searching() {
    let desk = cast();
    let scope = [(PEOPLE, vec![1, 2, 3])];
    assert_eq!(desk.find("fortune"), [id(2)]);
    assert!(desk.find_in("fortune", &scope).is_empty());
    assert!(desk.find_in("fotrune", &scope).is_empty());
    assert!(desk.find_in("anna fort", &scope).is_empty());
    assert_eq!(desk.find_in("anna", &scope), [id(2), id(3)]);
    assert!(desk.search.rows_matching("fortune", PEOPLE, &[1, 2, 3], false).unwrap().none());
    assert_eq!(desk.search.ids_matching("fortune", PEOPLE, &[1, 2, 3, 4, 5], 10), [id(2)]);
}

#[test]
fn administration_and_secrets_are_never_found() {
    let desk = cast();
    assert!(desk.find("hunter2").is_empty());
    assert!(desk.find_in("admin", &[(USERS, vec![1])]).is_empty());
}

#[test]
fn only_the_objects_asked_for_are_searched() {
    let desk = cast();
    assert_eq!(desk.find_in("rossi", &[(COMPANIES, vec![1])]), [id(4)]);
    assert!(desk.find_in("rossi", &[]).is_empty());
}

#[test]
fn changes_are_followed() {
    let desk = cast();
    desk.write(&record(PEOPLE, 2, vec![(1, "Bente Lund")]));
    assert_eq!(desk.find("bente"), [id(2)]);
    assert!(!desk.find("rossi").contains(&id(2)));
    let gone = Record { trashed: true, ..record(PEOPLE, 2, vec![(1, "Bente Lund")]) };
    desk.write(&gone);
    assert!(desk.find("bente").is_empty());
    let trash = desk.search.rows_matching("bente", PEOPLE, &[1], true).unwrap();
    assert_eq!(trash.count(), 1);
    desk.write(&record(PEOPLE, 2, vec![(1, "Bente Lund")]));
    assert_eq!(desk.find("bente"), [id(2)]);
    desk.search.remove(id(2));
    desk.image.erase(id(2));
    desk.search.settle();
    assert!(desk.find("bente").is_empty());
    desk.write(&record(PEOPLE, 9, vec![(1, "New Bente")]));
    assert_eq!(desk.find("bente"), [id(9)]);
}

#[test]
fn lists_get_every_match_and_slips_only_where_nothing_matches() {
    let people: Vec<Record> = (1..=200).map(|n| record(PEOPLE, n, vec![(1, "Anna Lund"), (3, "lunt")])).collect();
    let desk = Desk::with(people);
    let all = |words: &str| desk.search.rows_matching(words, PEOPLE, &[1, 2, 3, 4, 5], false).map(|r| r.count());
    assert_eq!(all("anna"), Some(200));
    assert_eq!(all("anna lu"), Some(200));
    assert_eq!(all("anan"), Some(200));
    assert_eq!(all("lundx nope"), Some(0));
    assert_eq!(all(" - "), None);
    assert_eq!(desk.search.ids_matching("anna", PEOPLE, &[1, 2, 3, 4, 5], 7).len(), 7);
}

#[test]
fn hostile_words_are_only_words() {
    let desk = cast();
    for words in
        ["*", "\"", "name:rossi AND", "\u{0}\u{ffff}", &"x".repeat(100_000), &"a ".repeat(50_000), "😀", "[a TO z]"]
    {
        drop(desk.find(words));
    }
    assert_eq!(desk.find("title:\"rossi\" OR 1=1").len(), 0);
}

#[test]
fn what_is_removed_is_gone_before_the_image_forgets_it() {
    let desk = cast();
    desk.search.remove(id(2));
    desk.search.settle();
    assert!(!desk.find("rossi").contains(&id(2)));
    assert_eq!(desk.search.rows_matching("fortune", PEOPLE, &[4], false).map(|rows| rows.count()), Some(0));
}

#[test]
fn what_changes_often_is_found_as_it_is_last() {
    let desk = cast();
    for n in 0..60 {
        for id in [2, 9] {
            let name = if n == 59 { "Lasting Lund" } else { "Passing Pedersen" };
            let record = record(PEOPLE, id, vec![(1, name)]);
            desk.image.apply(&record);
            desk.search.upsert(&record);
        }
    }
    desk.search.settle();
    let mut found = desk.find("lasting");
    found.sort();
    assert_eq!(found, [id(2), id(9)]);
    assert!(desk.find("passing").is_empty() && !desk.find("rossi").contains(&id(2)));
}

#[test]
fn a_steady_stream_is_searchable_while_it_goes_on() {
    let desk = cast();
    let told = (0..5_000).find(|_| {
        let record = record(PEOPLE, 9, vec![(1, "Steady Stream")]);
        desk.image.apply(&record);
        desk.search.upsert(&record);
        // Shorter than any pause that would end the gathering.
        std::thread::sleep(std::time::Duration::from_millis(1));
        !desk.find("steady").is_empty()
    });
    assert!(told.is_some(), "a stream that never pauses is never searchable");
}
