//! A seeded run of random commands against a plain map, with restarts. The seed is printed; `KITH_SIM_SEED` repeats one.

use std::collections::{BTreeMap, BTreeSet};

use kith_base::RecordId;
use serde_json::json;

use super::bench::{Bench, admin, create, delete, restore, update};
use crate::{Command, Query};

/// What the map knows of a person.
#[derive(Clone, Debug, PartialEq)]
struct Person {
    last_name: String,
    score: Option<i64>,
    code: Option<String>,
    version: u64,
    trashed: bool,
}

type Model = BTreeMap<RecordId, Person>;

/// xorshift: enough to choose with.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of(&mut self, model: &Model) -> Option<RecordId> {
        let at = self.roll(model.len().max(1) as u64) as usize;
        model.keys().nth(at).copied()
    }
}

#[test]
fn random_histories_agree_with_a_plain_map() {
    let chosen = std::env::var("KITH_SIM_SEED").ok().and_then(|seed| seed.parse().ok());
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    for round in 0..6 {
        let seed = chosen.unwrap_or(clock.wrapping_add(round) | 1);
        println!("KITH_SIM_SEED={seed}");
        history(seed, round % 2 == 0);
    }
}

fn history(seed: u64, on_disk: bool) {
    let mut dice = Dice(seed);
    let mut bench = if on_disk { Bench::on_disk() } else { Bench::new() };
    let mut model = Model::new();
    for _ in 0..150 {
        match dice.roll(20) {
            0 => bench.reopen(),
            1..=4 => batch(&mut dice, &bench, &mut model),
            _ => single(&mut dice, &bench, &mut model),
        }
        bench.clock.advance(1);
    }
    bench.reopen();
    compare(&bench, &model);
}

/// A command, and what it would make of the map; none: it must be refused.
fn draw(dice: &mut Dice, model: &Model) -> (Command, Option<(RecordId, Person)>) {
    let code = (dice.roll(3) == 0).then(|| format!("c{}", dice.roll(6)));
    let score = dice.roll(5) as i64;
    let known = dice.one_of(model);
    let taken = |code: &Option<String>, id: Option<RecordId>| {
        code.is_some() && model.iter().any(|(other, p)| Some(*other) != id && !p.trashed && p.code == *code)
    };
    let (Some(id), choice @ 1..) = (known, dice.roll(6)) else {
        let id = RecordId::new(model.len() as u64, [dice.roll(256) as u8; 10]);
        let person = Person { last_name: "Å".into(), score: Some(score), code, version: 1, trashed: false };
        let values = json!({ "last_name": "Å", "score": score, "code": person.code });
        let Command::Create { object, values, .. } = create("people", values) else { unreachable!() };
        let fits = !model.contains_key(&id) && !taken(&person.code, None);
        return (Command::Create { object, id: Some(id), values }, fits.then_some((id, person)));
    };
    let before = &model[&id];
    let next = |change: &dyn Fn(&mut Person)| {
        let mut after = before.clone();
        change(&mut after);
        if after != *before {
            after.version += 1;
        }
        (id, after)
    };
    match choice {
        1 => (delete("people", id), Some(next(&|p| p.trashed = true))),
        2 => (
            restore("people", id),
            (!before.trashed || !taken(&before.code, Some(id))).then(|| next(&|p| p.trashed = false)),
        ),
        _ => {
            let version = (dice.roll(3) == 0).then(|| before.version.saturating_sub(dice.roll(2)));
            let command = update("people", id, version, json!({ "score": score, "code": code }));
            let moved = before.code != code && taken(&code, Some(id));
            let fits = !before.trashed && version.is_none_or(|v| v == before.version) && !moved;
            (command, fits.then(|| next(&|p| (p.score, p.code) = (Some(score), code.clone()))))
        }
    }
}

fn single(dice: &mut Dice, bench: &Bench, model: &mut Model) {
    let (command, expected) = draw(dice, model);
    let head = bench.storage.head();
    match (bench.one(command.clone()), expected) {
        (Ok(record), Some((id, person))) => {
            assert_eq!((record.id, record.version), (id, person.version), "{command:?}");
            model.insert(id, person);
        }
        (Err(_), None) => assert_eq!(bench.storage.head(), head, "a refusal leaves no trace"),
        (outcome, expected) => panic!("{command:?} gave {outcome:?}, expected {expected:?}"),
    }
}

/// Commands about different records, so that the map can foresee the whole; one bad command refuses all.
fn batch(dice: &mut Dice, bench: &Bench, model: &mut Model) {
    let mut after = model.clone();
    let (mut commands, mut touched, mut fits) = (Vec::new(), BTreeSet::new(), true);
    for _ in 0..dice.roll(5) + 1 {
        let (command, expected) = draw(dice, &after);
        match expected {
            Some((id, person)) if touched.insert(id) => drop(after.insert(id, person)),
            Some(_) => continue,
            None => fits = false,
        }
        commands.push(command);
        if !fits {
            break;
        }
    }
    match bench.run(commands) {
        Ok(_) => {
            assert!(fits);
            *model = after;
        }
        Err(error) => assert!(!fits, "{error}"),
    }
}

fn compare(bench: &Bench, model: &Model) {
    let mut found = Model::new();
    for trashed in [false, true] {
        let page = bench.engine.query(&admin(), &Query { trashed, ..Query::of("people") }.limit(500)).unwrap();
        for record in page.records {
            let values = bench.values(&record);
            let person = Person {
                last_name: values["last_name"].as_str().unwrap().into(),
                score: values["score"].as_i64(),
                code: values["code"].as_str().map(Into::into),
                version: record.version,
                trashed: record.trashed,
            };
            found.insert(record.id, person);
        }
    }
    assert_eq!(&found, model);
}
