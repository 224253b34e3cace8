//! Lists find exactly the rows whose texts have the words; typing finds sensible ones, however many there are.

use kith_base::RecordId;
use kith_model::{Labelled, Value};
use proptest::prelude::*;

use super::{
    SearchIndex,
    tests::{COMPANIES, PEOPLE, schema},
    verify, words,
};
use crate::{Record, image::Image};

const FIELDS: [u32; 5] = [1, 2, 3, 4, 5];

fn id(n: u32) -> RecordId {
    let mut random = [3; 10];
    random[..4].copy_from_slice(&n.to_be_bytes());
    RecordId::new(1_700_000_000_000, random)
}

fn person(n: u32, name: &str, mail: &str, notes: &str) -> Record {
    let mails = Value::Labelled(vec![Labelled { value: mail.into(), label: "work".into() }]);
    let values = [(1, Value::Text(name.into())), (2, mails), (3, Value::Text(notes.into()))];
    Record {
        id: id(n),
        object: PEOPLE,
        version: 1,
        seq: 1,
        created_at: 0,
        updated_at: 0,
        created_by: id(0),
        updated_by: id(0),
        trashed: false,
        values: values.into_iter().collect(),
    }
}

fn filled(records: Vec<Record>) -> (Image, SearchIndex) {
    let image = Image::new(schema(), "en");
    let search = SearchIndex::start(image.clone()).unwrap();
    // Half by filling and half by following, so that there is more than one segment.
    let late = records.len() / 2;
    image.apply_many(records[..late].to_vec());
    search.fill();
    search.settle();
    image.apply_many(records[late..].to_vec());
    search.upsert_many(&records[late..]);
    search.settle();
    (image, search)
}

/// 6,000 people, of whose words many begin with `p`; the last few have something of their own.
fn crowd() -> (Image, SearchIndex) {
    let mut people: Vec<Record> = (0..6_000)
        .map(|n| person(n, &format!("Paul{n} Meyer"), &format!("p{n}@example.org"), "stands in hall 5"))
        .collect();
    people.push(person(6_000, "Zita Rossi", "pzz@example.org", "was in hall"));
    people.push(person(6_001, "P", "x@example.org", ""));
    people.push(Record { object: COMPANIES, ..person(6_002, "Pizza & Hall", "", "") });
    people.push(person(6_003, "Hall", "y@example.org", "paulx"));
    filled(people)
}

fn found(search: &SearchIndex, text: &str, limit: usize) -> Vec<RecordId> {
    let scope = [(PEOPLE, FIELDS.to_vec()), (COMPANIES, vec![1, 2, 3])];
    search.search(text, &scope, limit).into_iter().map(|(id, _)| id).collect()
}

fn has(image: &Image, id: RecordId, text: &str) -> bool {
    let cell = image.cell(PEOPLE).unwrap();
    let table = cell.read();
    table.row(id).is_none_or(|row| verify::found_in(&table, row, &FIELDS, &words::of_query(text), false))
}

#[test]
fn a_broad_beginning_fills_the_list_with_what_really_matches() {
    let (image, search) = crowd();
    for text in ["p", "pa", "p1", "hall", "h 5", "p m", "meyer p", "paul p stan"] {
        let hits = found(&search, text, 30);
        assert_eq!(hits.len(), 30, "{text}");
        assert!(hits.iter().all(|id| has(&image, *id, text)), "{text}");
        let mut once = hits.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), 30, "{text}");
    }
}

#[test]
fn words_in_the_title_come_before_a_crowd_of_others() {
    let (_, search) = crowd();
    assert_eq!(found(&search, "p", 30)[0], id(6_001));
    assert_eq!(found(&search, "hall", 30)[..2], [id(6_002), id(6_003)]);
    assert_eq!(found(&search, "hall p", 30)[..2], [id(6_002), id(6_003)]);
}

#[test]
fn a_broad_beginning_beside_a_rare_word_is_looked_for_in_the_records() {
    let (_, search) = crowd();
    // `pzz` lies behind what is read of the many words that begin with p.
    assert_eq!(found(&search, "p rossi", 30), [id(6_000)]);
    assert_eq!(found(&search, "rossi p hal z", 30), [id(6_000)]);
    assert!(found(&search, "rossi p hal q", 30).is_empty());
}

#[test]
fn a_small_object_is_found_beside_a_large_one() {
    let (_, search) = crowd();
    let hits = search.search("p", &[(COMPANIES, vec![1, 2, 3])], 30);
    assert_eq!(hits.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [id(6_002)]);
    assert!(search.search("meyer", &[(COMPANIES, vec![1, 2, 3])], 30).is_empty());
}

#[test]
fn a_hidden_field_shows_nothing_however_many_match_by_it() {
    let (image, search) = crowd();
    let visible = vec![1, 2];
    assert!(search.search("stands", &[(PEOPLE, visible.clone())], 30).is_empty());
    assert!(search.search("p stands", &[(PEOPLE, visible.clone())], 30).is_empty());
    assert!(search.rows_matching("p stands", PEOPLE, &visible, false).unwrap().none());
    let hits = search.search("hall", &[(PEOPLE, visible)], 30);
    assert_eq!(hits.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(6_003)]);
    assert!(has(&image, id(6_003), "hall"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn lists_and_typing_find_what_the_texts_say(
        people in prop::collection::vec((0usize..12, 0usize..12, 0usize..12), 1..60),
        asked in prop::collection::vec(prop::sample::select(&["a", "an", "anna", "ros", "rossi", "45", "451", "x", "annna", "b"][..]), 1..4),
    ) {
        const TEXTS: [&str; 12] = ["Anna", "Ánna Rossi", "Rossini", "rossi@anna.example", "+45 12", "4512345678", "", "Annika B",
            "Bo", "ros 45", "xa", "anna anna"];
        let records: Vec<Record> = people
            .iter()
            .enumerate()
            .map(|(n, (a, b, c))| person(n as u32, TEXTS[*a], TEXTS[*b], TEXTS[*c]))
            .collect();
        let (image, search) = filled(records);
        let text = asked.join(" ");
        let typed = words::of_query(&text);
        let cell = image.cell(PEOPLE).unwrap();
        let expected = |slips| {
            let table = cell.read();
            let mut ids: Vec<RecordId> =
                table.live.iter().filter(|row| verify::found_in(&table, *row, &FIELDS, &typed, slips)).map(|row| table.ids[row as usize]).collect();
            ids.sort();
            ids
        };
        let (exact, near) = (expected(false), expected(true));
        let mut listed = search.ids_matching(&text, PEOPLE, &FIELDS, 1_000);
        listed.sort();
        prop_assert_eq!(&listed, if exact.is_empty() { &near } else { &exact });
        let mut typing: Vec<RecordId> = search.search(&text, &[(PEOPLE, FIELDS.to_vec())], 1_000).into_iter().map(|(id, _)| id).collect();
        typing.sort();
        prop_assert_eq!(typing, if exact.len() < 5 { near } else { exact });
    }
}
