//! Lists, groups, look-ups and what stays when fields and records come and go.

use std::sync::Arc;

use kith_base::{Currency, Money, RecordId};
use kith_model::{
    FieldDef, Labelled, ObjectDef, Schema, SelectOption, Value,
    expr::{EvalContext, Expr},
};

use super::{ImageQuery, QueryError, Sum};
use crate::{Record, image::Image};

pub(super) const OBJECT: u32 = 100;
pub(super) const NAMES: [&str; 8] = ["Anna", "anna", "Ánna", "Bo", "Zoë\nO'Hara", "Rossi", "", "日本"];
pub(super) const STAGES: [&str; 4] = ["open", "won", "lost", "gone"];

fn field(id: u32, key: &str, kind: &str) -> FieldDef {
    FieldDef {
        id,
        key: key.into(),
        label: key.into(),
        kind: kind.into(),
        position: f64::from(id),
        ..FieldDef::default()
    }
}

pub(super) fn object() -> ObjectDef {
    let options = STAGES[..3].iter().map(|k| SelectOption { key: k.to_string(), ..SelectOption::default() }).collect();
    let fields = vec![
        field(1, "first_name", "text"),
        field(2, "last_name", "text"),
        field(3, "age", "integer"),
        field(4, "score", "decimal"),
        field(5, "amount", "money"),
        field(6, "active", "boolean"),
        FieldDef { options, ..field(7, "stage", "select") },
        field(8, "company", "link"),
        field(9, "people", "links"),
        field(10, "tags", "tags"),
        field(11, "born", "date"),
        field(12, "seen", "datetime"),
        FieldDef { many: true, ..field(13, "emails", "email") },
        FieldDef { expression: Some("join([first_name, last_name], \" \")".into()), ..field(14, "name", "computed") },
    ];
    ObjectDef { id: OBJECT, key: "people".into(), title: "name".into(), fields, ..ObjectDef::default() }
}

pub(super) fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![object()]))
}

pub(super) fn id(n: u32) -> RecordId {
    let mut random = [7; 10];
    random[..4].copy_from_slice(&n.to_be_bytes());
    RecordId::new(1_700_000_000_000, random)
}

pub(super) fn context() -> EvalContext {
    EvalContext { now_ms: 1_750_000_000_000, time_zone: "UTC".into(), me: Some(id(1)) }
}

pub(super) fn record(n: u32, values: Vec<(u32, Value)>) -> Record {
    Record {
        id: id(n),
        object: OBJECT,
        version: 1,
        seq: u64::from(n),
        created_at: i64::from(n / 3),
        updated_at: i64::from(n),
        created_by: id(n % 3),
        updated_by: id(0),
        trashed: false,
        values: values.into_iter().collect(),
    }
}

pub(super) fn parsed(text: &str) -> Expr {
    Expr::parse(text).and_then(|e| e.resolve(&object())).unwrap_or_else(|e| panic!("{text}: {e}"))
}

pub(super) fn selected(image: &Image, filter: &str) -> Vec<RecordId> {
    let query = ImageQuery { object: OBJECT, filter: Some(parsed(filter)), ..ImageQuery::default() };
    let mut ids = image.select(&query, &context()).unwrap();
    ids.sort();
    ids
}

fn people(count: u32) -> Image {
    let image = Image::new(schema(), "en");
    let rows = (0..count).map(|n| {
        let money = Money { minor: i64::from(n) * 100, currency: Currency::EUR };
        let values = vec![
            (1, Value::Text(NAMES[n as usize % 6].to_string())),
            (2, Value::Text(format!("Family {n:05}"))),
            (3, Value::Int(i64::from(n % 50))),
            (5, Value::Money(money)),
            (7, Value::Text(STAGES[n as usize % 4].to_string())),
        ];
        record(n, values)
    });
    image.apply_many(rows.collect());
    image
}

fn page(image: &Image, sort: &str, cursor: Option<String>) -> crate::Page {
    let sort = vec![(sort.to_string(), false)];
    let query = ImageQuery { object: OBJECT, sort, cursor, limit: 10, total: true, ..ImageQuery::default() };
    image.query(&query, &context()).unwrap()
}

#[test]
fn a_large_table_sorts_the_same_with_and_without_an_order() {
    let (cold, warm) = (people(6_000), people(6_000));
    for key in ["last_name", "first_name", "age", "stage", "amount", "name", "updated_at"] {
        warm.warm(OBJECT, &[key]);
        for descending in [false, true] {
            let sort = vec![(key.to_string(), descending), ("age".to_string(), !descending)];
            for filter in [None, Some("age < 2"), Some("stage == \"won\"")] {
                let query = || ImageQuery {
                    object: OBJECT,
                    sort: sort.clone(),
                    filter: filter.map(parsed),
                    limit: 70,
                    ..ImageQuery::default()
                };
                let (a, b) = (cold.query(&query(), &context()).unwrap(), warm.query(&query(), &context()).unwrap());
                assert_eq!(a.records, b.records, "{key} {descending} {filter:?}");
                let next = ImageQuery { cursor: a.next_cursor.clone(), ..query() };
                let next_too = ImageQuery { cursor: b.next_cursor.clone(), ..query() };
                let (a, b) = (cold.query(&next, &context()).unwrap(), warm.query(&next_too, &context()).unwrap());
                assert_eq!(a.records, b.records, "second page: {key} {descending} {filter:?}");
            }
        }
    }
}

#[test]
fn a_cursor_holds_its_place_while_rows_come_and_go() {
    let image = people(100);
    let first = page(&image, "last_name", None);
    for (n, name) in [(500, "Family 00000a"), (501, "Family 00050a")] {
        image.apply(&record(n, vec![(2, Value::Text(name.into()))]));
    }
    image.apply(&Record { trashed: true, ..record(9, vec![]) });
    let second = page(&image, "last_name", first.next_cursor);
    let names: Vec<String> = second
        .records
        .iter()
        .map(|r| match r.values.get(2) {
            Value::Text(t) => t.clone(),
            _ => String::new(),
        })
        .collect();
    assert_eq!(names[0], "Family 00010");
    assert_eq!(names.len(), 10);
    assert_eq!(second.total, Some(101));
}

#[test]
fn trashed_records_are_listed_only_in_the_trash() {
    let image = people(10);
    image.apply(&Record { trashed: true, ..record(3, vec![]) });
    let trash = ImageQuery { object: OBJECT, trashed: true, limit: 10, ..ImageQuery::default() };
    let found = image.query(&trash, &context()).unwrap();
    assert_eq!(found.records.iter().map(|r| r.id).collect::<Vec<_>>(), [id(3)]);
    assert_eq!(page(&image, "age", None).total, Some(9));
    assert!(image.meta(id(3)).unwrap().trashed);
}

#[test]
fn without_a_sort_the_newest_come_first() {
    let image = people(10);
    let query = ImageQuery { object: OBJECT, limit: 3, ..ImageQuery::default() };
    let ids: Vec<RecordId> = image.query(&query, &context()).unwrap().records.iter().map(|r| r.id).collect();
    assert_eq!(ids, [id(9), id(8), id(7)]);
}

#[test]
fn bad_questions_are_refused_with_their_reason() {
    let image = people(3);
    let ask = |query: ImageQuery| image.query(&query, &context()).unwrap_err();
    let base = || ImageQuery { object: OBJECT, limit: 5, ..ImageQuery::default() };
    let unknown = ask(ImageQuery { sort: vec![("last".into(), true)], ..base() });
    assert_eq!((unknown.code(), unknown.to_string().contains("'last_name'")), ("field.not_found", true));
    assert_eq!(ask(ImageQuery { object: 9, ..base() }), QueryError::UnknownObject(9));
    assert_eq!(ask(ImageQuery { cursor: Some("00ff".into()), ..base() }), QueryError::BadCursor);
    let other = page(&people(30), "age", None).next_cursor;
    assert_eq!(ask(ImageQuery { cursor: other, ..base() }).code(), "cursor.invalid");
    assert_eq!(image.groups(&base(), "stage", Some("stage"), &context()).unwrap_err().code(), "request.invalid");
}

#[test]
fn groups_count_and_add_up() {
    let image = people(8);
    let query = ImageQuery { object: OBJECT, filter: Some(parsed("age < 6")), ..ImageQuery::default() };
    let mut groups = image.groups(&query, "stage", Some("amount"), &context()).unwrap();
    groups.sort_by_key(|g| format!("{:?}", g.value));
    let shown: Vec<(Value, u64)> = groups.iter().map(|g| (g.value.clone(), g.count)).collect();
    let text = |t: &str| Value::Text(t.into());
    assert_eq!(shown, [(text("gone"), 1), (text("lost"), 1), (text("open"), 2), (text("won"), 2)]);
    assert_eq!(groups[2].sum, Sum::Money(vec![Money { minor: 400, currency: Currency::EUR }]));
    image.apply(&record(50, vec![(10, Value::Texts(vec!["a".into(), "b".into()])), (3, Value::Int(1))]));
    let tags = image.groups(&query, "tags", Some("age"), &context()).unwrap();
    assert_eq!(tags.iter().map(|g| g.count).collect::<Vec<_>>(), [6, 1, 1]);
}

#[test]
fn lookups_find_by_folded_text_and_follow_changes() {
    let image = people(20);
    let mails = |n: u32, mails: &[&str]| {
        let list = mails.iter().map(|m| Labelled { value: m.to_string(), label: "work".into() }).collect();
        image.apply(&record(n, vec![(13, Value::Labelled(list))]));
    };
    mails(1, &["Anna@X.example", "anna@home.example"]);
    mails(2, &["bo@x.example"]);
    assert_eq!(image.lookup(OBJECT, 13, "anna@x.example"), [id(1)]);
    mails(2, &["anna@home.example"]);
    assert_eq!(image.lookup(OBJECT, 13, "anna@home.example"), [id(1), id(2)]);
    assert!(image.lookup(OBJECT, 13, "bo@x.example").is_empty());
    image.apply(&Record { trashed: true, ..record(1, vec![(13, Value::Null)]) });
    assert_eq!(image.lookup(OBJECT, 13, "anna@home.example"), [id(2)]);
    assert_eq!(image.lookup(OBJECT, 3, "7"), [id(7)]);
    assert!(image.lookup(OBJECT, 999, "x").is_empty());
}

#[test]
fn links_are_followed_backwards() {
    let image = people(4);
    image.apply(&record(1, vec![(8, Value::Link(id(0)))]));
    image.apply(&record(2, vec![(9, Value::Links(vec![id(3), id(0)]))]));
    image.apply(&Record { trashed: true, ..record(3, vec![(8, Value::Link(id(0)))]) });
    let mut found = image.pointing_at(id(0));
    found.sort();
    assert_eq!(found, [(OBJECT, 8, id(1)), (OBJECT, 9, id(2))]);
}

#[test]
fn erasing_leaves_nothing_behind() {
    let image = people(5_000);
    image.warm(OBJECT, &["last_name", "name"]);
    assert_eq!(selected(&image, "last_name.contains(\"Family 00042\")"), [id(42)]);
    image.erase(id(42));
    assert_eq!((image.get(id(42)), image.meta(id(42)), image.count(OBJECT)), (None, None, 4_999));
    assert!(selected(&image, "last_name.contains(\"00042\")").is_empty());
    let cell = image.cell(OBJECT).unwrap();
    for slot in &cell.read().slots {
        if let crate::image::column::Column::Coded { words, .. } = &slot.column {
            assert!(words.containing(b"00042").none(), "{}", slot.def.key);
        }
    }
    image.apply(&record(42, vec![(2, Value::Text("Back".into()))]));
    assert_eq!(selected(&image, "last_name == \"Back\""), [id(42)]);
    assert_eq!(page(&image, "last_name", None).total, Some(5_000));
}

#[test]
fn fields_come_go_and_return_with_their_values() {
    let image = people(10);
    let mut changed = object();
    changed.fields.retain(|f| f.key != "last_name");
    changed.fields.push(field(1_000, "nickname", "text"));
    let name = changed.fields.iter_mut().find(|f| f.key == "name").unwrap();
    name.expression = Some("join([first_name, nickname], \"-\")".into());
    image.set_schema(Arc::new(Schema::new(vec![changed])));
    let kept = image.get(id(4)).unwrap();
    assert_eq!(kept.values.get(2), &Value::Text("Family 00004".into()));
    assert_eq!(kept.values.get(14), &Value::Text("Zoë\nO'Hara".into()));
    image.apply(&record(4, vec![(1, Value::Text("Bo".into())), (1_000, Value::Text("B".into()))]));
    assert_eq!(image.get(id(4)).unwrap().values.get(14), &Value::Text("Bo-B".into()));
    let sort = vec![("last_name".to_string(), false)];
    let gone = ImageQuery { object: OBJECT, sort, limit: 5, ..ImageQuery::default() };
    assert_eq!(image.query(&gone, &context()).unwrap_err().code(), "field.not_found");
    image.set_schema(schema());
    assert_eq!(selected(&image, "last_name == \"Family 00005\""), [id(5)]);
    assert_eq!(image.get(id(5)).unwrap().values.get(14), &Value::Text("Rossi Family 00005".into()));
}

#[test]
fn writing_while_orders_are_built_loses_no_row() {
    let image = people(8_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..4_000 {
                image.apply(&record(n * 2, vec![(2, Value::Text(format!("Other {n}")))]));
            }
        });
        scope.spawn(|| image.warm(OBJECT, &["last_name", "age", "name", "updated_at"]));
    });
    let mut seen = 0;
    let mut cursor = None;
    loop {
        let sort = vec![("last_name".to_string(), true)];
        let query = ImageQuery { object: OBJECT, sort, cursor, limit: 500, ..ImageQuery::default() };
        let page = image.query(&query, &context()).unwrap();
        seen += page.records.len();
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, 8_000);
}
