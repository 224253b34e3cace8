//! Columns and row-by-row evaluation must agree, on any data and any filter; pages must show every row once, in order.

use std::cmp::Ordering;

use kith_base::{Currency, Money, RecordId};
use kith_model::{Labelled, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    ImageQuery,
    tests::{NAMES, OBJECT, STAGES, context, id, parsed, record, schema, selected},
};
use crate::{
    Record,
    image::{Image, collate::Collation, key::key_of},
};

fn maybe<T: Clone + std::fmt::Debug + 'static>(some: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Option<T>> {
    prop_oneof![1 => Just(None), 3 => some.prop_map(Some)].boxed()
}

fn values() -> impl Strategy<Value = Vec<(u32, Value)>> {
    let name = || maybe(prop::sample::select(&NAMES[..]).prop_map(|n| Value::Text(n.to_string())));
    let money = (0i64..4, any::<bool>()).prop_map(|(n, jpy)| {
        let currency = if jpy { Currency::JPY } else { Currency::EUR };
        Value::Money(Money { minor: n * 50, currency })
    });
    let tags = prop::collection::vec(prop::sample::select(&["a", "b", "c"][..]), 0..3)
        .prop_map(|t| Value::Texts(t.into_iter().map(String::from).collect()));
    let mails = prop::collection::vec(prop::sample::select(&["a@x.example", "b@y.example"][..]), 1..3).prop_map(|m| {
        Value::Labelled(m.into_iter().map(|v| Labelled { value: v.into(), label: String::new() }).collect())
    });
    let numbers = (
        maybe((-3i64..4).prop_map(Value::Int)),
        maybe((-3i64..4, 0u32..3).prop_map(|(m, s)| Value::Decimal(Decimal::new(m * 25, s)))),
        maybe(money),
        maybe(any::<bool>().prop_map(Value::Bool)),
        maybe((-2i32..3).prop_map(Value::Date)),
        maybe((-2i64..3).prop_map(|d| Value::DateTime(d * 43_200_000))),
    );
    let others = (
        name(),
        name(),
        maybe(prop::sample::select(&STAGES[..]).prop_map(|s| Value::Text(s.to_string()))),
        maybe((0u32..3).prop_map(|n| Value::Link(id(n)))),
        maybe(prop::collection::vec((0u32..3).prop_map(id), 0..3).prop_map(Value::Links)),
        maybe(tags),
        maybe(mails),
    );
    (numbers, others).prop_map(
        |((age, score, amount, active, born, seen), (first, last, stage, company, people, tags, mails))| {
            let all = [
                (1, first),
                (2, last),
                (3, age),
                (4, score),
                (5, amount),
                (6, active),
                (7, stage),
                (8, company),
                (9, people),
                (10, tags),
                (11, born),
                (12, seen),
                (13, mails),
            ];
            all.into_iter().filter_map(|(id, v)| Some((id, v?))).collect()
        },
    )
}

fn table() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec(values(), 1..40)
        .prop_map(|rows| rows.into_iter().enumerate().map(|(n, v)| record(n as u32, v)).collect())
}

fn atom() -> impl Strategy<Value = String> {
    let op = || prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let name = prop::sample::select(&["first_name", "last_name", "name", "stage"][..]);
    let part = prop::sample::select(&["a", "A", "o'h", "ann", "", "ë", "won", "Anna"][..]);
    let call = prop::sample::select(&["contains", "startsWith", "endsWith"][..]);
    let number = prop::sample::select(&["-1", "0", "1", "0.25", "-0.5", "1.5", "2", "50", "null"][..]);
    prop_oneof![
        (name.clone(), op(), part.clone()).prop_map(|(n, o, p)| format!("{n} {o} {p:?}")),
        (name.clone(), op(), part.clone()).prop_map(|(n, o, p)| format!("{p:?} {o} {n}.lower()")),
        (name.clone(), call.clone(), part.clone()).prop_map(|(n, c, p)| format!("{n}.{c}({p:?})")),
        (name.clone(), call, part.clone()).prop_map(|(n, c, p)| format!("{n}.lower().{c}({p:?})")),
        (name.clone(), part.clone()).prop_map(|(n, p)| format!("{n} in [{p:?}, \"Bo\"]")),
        (name, any::<bool>()).prop_map(|(n, e)| format!("{n} {} null", if e { "==" } else { "!=" })),
        (prop::sample::select(&["age", "score", "amount.amount"][..]), op(), number.clone())
            .prop_map(|(n, o, v)| format!("{n} {o} {v}")),
        (op(), number).prop_map(|(o, v)| format!("{v} {o} age")),
        op().prop_map(|o| format!("age {o} score")),
        op().prop_map(|o| format!("amount.currency {o} \"EUR\"")),
        Just("active".to_string()),
        op().prop_map(|o| format!("active {o} true")),
        op().prop_map(|o| format!("born {o} timestamp(\"1970-01-01T12:00:00Z\")")),
        op().prop_map(|o| format!("seen {o} timestamp(\"1970-01-01T12:00:00Z\")")),
        op().prop_map(|o| format!("created_at {o} timestamp(\"1970-01-01T00:00:00.004Z\")")),
        Just(format!("company == \"{}\"", id(1))),
        Just(format!("company != \"{}\"", id(1).to_string().to_uppercase())),
        Just(format!("created_by in [\"{}\", \"x\"]", id(1))),
        Just(format!("\"{}\" in people", id(1))),
        Just(format!("id == \"{}\"", id(3))),
        Just(format!("id in [\"{}\", \"{}\"]", id(3), id(900))),
        Just("\"a\" in tags".to_string()),
        Just("tags.exists(t, t == \"b\")".to_string()),
        Just("\"a@x.example\" in emails".to_string()),
        (
            prop::sample::select(&["emails", "tags"][..]),
            prop::sample::select(
                &[
                    "e.contains(\"x\")",
                    "e.lower().startsWith(\"B\")",
                    "e.lower().contains(\"b\")",
                    "e == \"a\"",
                    "e.endsWith(\"\")",
                    "e != \"a\"",
                    "true"
                ][..]
            )
        )
            .prop_map(|(f, t)| format!("{f}.exists(e, {t})")),
        Just("size(tags) > 1".to_string()),
        Just("emails.exists(e, e.endsWith(\"y.example\"))".to_string()),
        Just("first_name == last_name".to_string()),
        Just("true".to_string()),
        Just("null > 3".to_string()),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    atom().prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn columns_select_what_row_by_row_evaluation_selects(rows in table(), filter in filter()) {
        let image = Image::new(schema(), "en");
        image.apply_many(rows.clone());
        let expr = parsed(&filter);
        let expected: Vec<RecordId> = rows
            .iter()
            .map(|r| image.get(r.id).unwrap())
            .filter(|r| image.matches(r, &expr, &context()))
            .map(|r| r.id)
            .collect();
        prop_assert_eq!(selected(&image, &filter), expected, "{}", filter);
    }

    #[test]
    fn records_come_back_as_they_went_in(rows in table(), changed in table()) {
        let image = Image::new(schema(), "en");
        image.apply_many(rows.clone());
        image.warm(OBJECT, &["first_name", "age", "stage", "amount"]);
        for row in rows.iter().chain(&changed) {
            image.apply(row);
            let mut back = image.get(row.id).unwrap();
            back.values.set(14, Value::Null);
            prop_assert_eq!(&back, row);
        }
    }

    #[test]
    fn pages_show_every_row_once_and_in_order(
        rows in table().prop_shuffle(),
        changed in table().prop_shuffle(),
        filter in prop::option::of(prop::sample::select(&["active", "age > 0", "first_name == \"Anna\"", "id != null"][..])),
        sort in prop::collection::vec((prop::sample::select(
            &["first_name", "age", "score", "amount", "active", "stage", "created_at", "born", "name", "id"][..]), any::<bool>()), 0..4),
        limit in 1usize..9,
        warm in any::<bool>(),
    ) {
        let image = Image::new(schema(), "en");
        image.apply_many(rows);
        if warm {
            let keys: Vec<&str> = sort.iter().map(|(k, _)| *k).collect();
            image.warm(OBJECT, &keys);
        }
        image.apply_many(changed);
        let expected = filter.map_or_else(
            || image.living(OBJECT).len(),
            |filter| image.living(OBJECT).into_iter().filter(|id| image.matches(&image.get(*id).unwrap(), &parsed(filter), &context())).count(),
        ) as u64;
        let sort: Vec<(String, bool)> = sort.into_iter().map(|(k, d)| (k.to_string(), d)).collect();
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let (sort, filter) = (sort.clone(), filter.map(parsed));
            let query = ImageQuery { object: OBJECT, filter, sort, limit, cursor, total: true, ..ImageQuery::default() };
            let page = image.query(&query, &context()).unwrap();
            prop_assert_eq!(page.total, Some(expected));
            seen.extend(page.records);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen.len() as u64, expected);
        for pair in seen.windows(2) {
            prop_assert_eq!(compared(&image, &sort, &pair[0], &pair[1]), Ordering::Less);
        }
    }
}

/// The order of two records, worked out the slow way.
fn compared(image: &Image, sort: &[(String, bool)], a: &Record, b: &Record) -> Ordering {
    let collation = Collation::new("en");
    let cell = image.cell(OBJECT).unwrap();
    let table = cell.read();
    let (x, y) = (table.row(a.id).unwrap(), table.row(b.id).unwrap());
    let mut ids_descending = sort.first().is_none_or(|(_, d)| *d);
    for (key, descending) in sort {
        if key == "id" {
            ids_descending = *descending;
            break;
        }
        let slot = table.slot(key).unwrap();
        let (x, y) = (key_of(&slot.def, &slot.column, x), key_of(&slot.def, &slot.column, y));
        let order = x.compare(&y, &collation);
        let order = if *descending && !x.is_null() && !y.is_null() { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    if ids_descending { b.id.cmp(&a.id) } else { a.id.cmp(&b.id) }
}
