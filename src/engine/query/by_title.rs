//! Links sort by what they lead to, whatever becomes of that, and where a title may not be seen it does not count.

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef, Schema, Value};
use proptest::prelude::*;

use super::{
    ImageQuery,
    tests::{context, id},
};
use crate::{
    Record,
    image::{Image, collate::Collation},
};

const PEOPLE: u32 = 100;
const COMPANIES: u32 = 101;
const TITLES: [&str; 6] = ["Acme", "acme", "Ångström", "Zoë\nO'Hara", "", "日本"];

/// Companies have ids from here on.
const FIRST_COMPANY: u32 = 1_000;

fn field(id: u32, key: &str, kind: &str) -> FieldDef {
    FieldDef { id, key: key.into(), kind: kind.into(), position: f64::from(id), ..FieldDef::default() }
}

fn schema() -> Arc<Schema> {
    let company = FieldDef { target: Some("companies".into()), ..field(1, "company", "link") };
    let about = FieldDef { target: Some("*".into()), ..field(3, "about", "link") };
    let people = ObjectDef {
        id: PEOPLE,
        key: "people".into(),
        title: "age".into(),
        fields: vec![company, field(2, "age", "integer"), about],
        ..ObjectDef::default()
    };
    let companies = ObjectDef {
        id: COMPANIES,
        key: "companies".into(),
        title: "name".into(),
        subtitle: "town".into(),
        fields: vec![field(1, "name", "text"), field(2, "town", "text")],
        ..ObjectDef::default()
    };
    Arc::new(Schema::new(vec![people, companies]))
}

fn record(object: u32, n: u32, trashed: bool, values: Vec<(u32, Value)>) -> Record {
    Record {
        id: id(n),
        object,
        version: 1,
        seq: 1,
        created_at: 0,
        updated_at: 0,
        created_by: id(0),
        updated_by: id(0),
        trashed,
        values: values.into_iter().collect(),
    }
}

/// What may happen to the image.
#[derive(Clone, Debug)]
enum Step {
    Company {
        n: u32,
        name: usize,
        town: usize,
        trashed: bool,
    },
    Person {
        n: u32,
        company: Option<u32>,
        age: i64,
    },
    Erase(u32),
    /// An order is built for what lists sort by.
    Warm,
    /// Somebody sorts by the field.
    Sort,
    Schema,
}

fn step() -> impl Strategy<Value = Step> {
    let person = || {
        (0u32..60, prop::option::of(0u32..8), 0i64..3).prop_map(|(n, company, age)| Step::Person { n, company, age })
    };
    let company =
        || {
            (0u32..8, 0..TITLES.len(), 0..TITLES.len(), any::<bool>())
                .prop_map(|(n, name, town, trashed)| Step::Company { n, name, town, trashed })
        };
    prop_oneof![
        8 => person(),
        4 => company(),
        1 => (0u32..8).prop_map(|n| Step::Erase(FIRST_COMPANY + n)),
        1 => (0u32..60).prop_map(Step::Erase),
        1 => Just(Step::Warm),
        1 => Just(Step::Sort),
        1 => Just(Step::Schema),
    ]
}

fn text(n: usize) -> Value {
    if TITLES[n].is_empty() { Value::Null } else { Value::Text(TITLES[n].into()) }
}

fn take(image: &Image, field: &str, step: &Step) {
    match step {
        Step::Company { n, name, town, trashed } => {
            image.apply(&record(COMPANIES, FIRST_COMPANY + n, *trashed, vec![(1, text(*name)), (2, text(*town))]));
        }
        Step::Person { n, company, age } => {
            let link = company.map_or(Value::Null, |n| Value::Link(id(FIRST_COMPANY + n)));
            image.apply_many(vec![record(
                PEOPLE,
                *n,
                false,
                vec![(1, link.clone()), (2, Value::Int(*age)), (3, link)],
            )]);
        }
        Step::Erase(n) => image.erase(id(*n)),
        Step::Warm => image.warm(PEOPLE, &[field]),
        Step::Sort => drop(listed(image, &[(field.to_string(), false)], &[], 5)),
        Step::Schema => image.set_schema(schema()),
    }
}

fn listed(image: &Image, sort: &[(String, bool)], hidden: &[u32], limit: usize) -> Vec<Record> {
    let clear: Vec<(String, crate::image::Bits)> = if hidden.is_empty() {
        Vec::new()
    } else {
        let rows: HashSet<(u32, u32)> = hidden.iter().filter_map(|n| image.place(id(FIRST_COMPANY + n))).collect();
        let clear = |(key, field): (&str, u32)| {
            (key.to_string(), image.rows_leading(PEOPLE, field, &|place| !rows.contains(&place)))
        };
        [("company", 1), ("about", 3)].into_iter().map(clear).collect()
    };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let (sort, clear) = (sort.to_vec(), clear.clone());
        let query = ImageQuery { object: PEOPLE, sort, clear, limit, cursor, ..ImageQuery::default() };
        let page = image.query(&query, &context()).unwrap();
        seen.extend(page.records);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return seen;
        }
    }
}

/// The title that a person's link shows, worked out record by record.
fn title(image: &Image, person: &Record, hidden: &[u32]) -> Option<String> {
    let Value::Link(to) = person.values.get(1) else { return None };
    if hidden.iter().any(|n| id(FIRST_COMPANY + n) == *to) {
        return None;
    }
    let company = image.get(*to)?;
    [1, 2].into_iter().find_map(|field| match company.values.get(field) {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    })
}

fn compared(image: &Image, sort: &[(String, bool)], hidden: &[u32], a: &Record, b: &Record) -> Ordering {
    let collation = Collation::new("en");
    for (key, descending) in sort {
        let order = if key == "age" {
            let age = |record: &Record| match record.values.get(2) {
                Value::Int(age) => *age,
                _ => 0,
            };
            age(a).cmp(&age(b))
        } else {
            match (title(image, a, hidden), title(image, b, hidden)) {
                (Some(a), Some(b)) => collation.compare(&a, &b),
                // What has none comes last in both directions.
                (a, b) => match a.is_none().cmp(&b.is_none()) {
                    Ordering::Equal => Ordering::Equal,
                    order => return order,
                },
            }
        };
        let order = if *descending { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    let ids: Ordering = a.id.cmp(&b.id);
    if sort.first().is_none_or(|(_, descending)| *descending) { ids.reverse() } else { ids }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn links_sort_as_their_titles_do_row_by_row(
        steps in prop::collection::vec(step(), 1..120),
        field in prop::sample::select(&["company", "about"][..]),
        then_age in any::<bool>(),
        first_age in any::<bool>(),
        descending in any::<bool>(),
        hidden in prop::collection::vec(0u32..8, 0..4),
        limit in 1usize..20,
    ) {
        let image = Image::new(schema(), "en");
        steps.iter().for_each(|step| take(&image, field, step));
        let mut sort = vec![(field.to_string(), descending)];
        if then_age {
            sort.push(("age".into(), !descending));
        }
        if first_age {
            sort.insert(0, ("age".into(), false));
        }
        for hidden in [&[][..], &hidden] {
            let seen = listed(&image, &sort, hidden, limit);
            prop_assert_eq!(seen.len(), image.living(PEOPLE).len());
            for pair in seen.windows(2) {
                prop_assert_eq!(compared(&image, &sort, hidden, &pair[0], &pair[1]), Ordering::Less);
            }
        }
    }
}

#[test]
fn a_renamed_company_moves_its_people_in_a_large_list() {
    let image = Image::new(schema(), "en");
    let name = |n: u32| format!("Company {n:03}");
    let company = |n: u32, name: String| record(COMPANIES, FIRST_COMPANY + n, false, vec![(1, Value::Text(name))]);
    image.apply_many((0..100).map(|n| company(n, name(n))).collect());
    let person = |n: u32| {
        let to = Value::Link(id(FIRST_COMPANY + n % 100));
        record(PEOPLE, 100_000 + n, false, vec![(1, to), (2, Value::Int(1))])
    };
    image.apply_many((0..6_000).map(person).collect());
    let sort = [("company".to_string(), false)];
    let first = |image: &Image| title(image, &listed_first(image, &sort), &[]);
    assert_eq!(first(&image).as_deref(), Some("Company 000"));
    image.warm(PEOPLE, &["company"]);
    image.apply(&company(50, "A company".into()));
    assert_eq!(first(&image).as_deref(), Some("A company"));
    image.apply(&company(50, "Z company".into()));
    assert_eq!(first(&image).as_deref(), Some("Company 000"));
    image.warm(PEOPLE, &["company"]);
    let last = listed(&image, &[("company".to_string(), true)], &[], 2_000);
    assert_eq!(title(&image, &last[0], &[]).as_deref(), Some("Z company"));
    assert_eq!(last.len(), 6_000);
}

#[test]
fn an_erased_title_is_kept_nowhere() {
    let image = Image::new(schema(), "en");
    let name = vec![(1, Value::Text("Hush hush".into()))];
    image.apply(&record(COMPANIES, FIRST_COMPANY, false, name));
    image.apply(&record(PEOPLE, 1, false, vec![(1, Value::Link(id(FIRST_COMPANY)))]));
    listed_first(&image, &[("company".to_string(), false)]);
    let kept = || {
        let cell = image.cell(PEOPLE).unwrap();
        let table = cell.read();
        table.slot("company").and_then(|slot| slot.column.titles()).and_then(|titles| titles.get(1).map(String::from))
    };
    assert_eq!(kept().as_deref(), Some("Hush hush"));
    image.erase(id(FIRST_COMPANY));
    assert_eq!(kept(), None);
}

fn listed_first(image: &Image, sort: &[(String, bool)]) -> Record {
    let query = ImageQuery { object: PEOPLE, sort: sort.to_vec(), limit: 1, ..ImageQuery::default() };
    image.query(&query, &context()).unwrap().records.remove(0)
}

/// Ids are all that a list of links keeps its rows apart by.
#[test]
fn people_of_one_company_stay_in_the_order_of_their_ids() {
    let image = Image::new(schema(), "en");
    image.apply(&record(COMPANIES, FIRST_COMPANY, false, vec![(1, Value::Text("Acme".into()))]));
    let person = |n: u32| record(PEOPLE, n, false, vec![(1, Value::Link(id(FIRST_COMPANY)))]);
    image.apply_many([3, 1, 2].map(person).to_vec());
    let ids: Vec<RecordId> = listed(&image, &[("company".into(), false)], &[], 2).iter().map(|r| r.id).collect();
    assert_eq!(ids, [id(1), id(2), id(3)]);
}
