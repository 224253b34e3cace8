//! A long random life: writes of all sizes, erasures, rotations of the data key, checkpoints, stops, lost record stores and power cuts, next to a plain
//! map that is always right.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use kith_base::RecordId;
use kith_store::{ChangeDraft, EntryDraft, EntryKind, Storage, Store};

use crate::{
    common::{Bench, Random, assert_verifies, content, id, seed, setting, try_open, unlock_at},
    image::Disk,
    shim::{self, Op},
};

/// Version, entry and value of each record; values are shared, since the model keeps the state after every entry.
type State = BTreeMap<RecordId, (u64, u64, Rc<Vec<u8>>)>;

/// What must be true after each entry.
#[derive(Clone, Default)]
struct Model {
    states: Vec<State>,
    /// Every erasure: the record, and the entry that says so.
    erased: BTreeSet<(RecordId, u64)>,
}

impl Model {
    fn now(&self) -> State {
        self.states.last().cloned().unwrap_or_default()
    }

    fn head(&self) -> u64 {
        self.states.len() as u64
    }

    fn forget_after(&mut self, head: u64) {
        self.states.truncate(head as usize);
        self.erased.retain(|(_, seq)| *seq <= head);
    }
}

fn shown(store: &Store) -> State {
    content(store).into_iter().map(|(id, (version, seq, value))| (id, (version, seq, Rc::new(value)))).collect()
}

fn group(model: &mut Model, random: &mut Random) -> Vec<EntryDraft> {
    (0..1 + random.below(4)).map(|_| entry(model, random)).collect()
}

fn entry(model: &mut Model, random: &mut Random) -> EntryDraft {
    let (mut state, seq) = (model.now(), model.head() + 1);
    let mut changes = Vec::new();
    for _ in 0..random.below(6) {
        let id = id(random.below(60) as u64);
        let (version, prev_seq) = state.get(&id).map_or((1, 0), |(version, seq, _)| (version + 1, *seq));
        let length = [0, 5, 200, 4_050, 4_100, 20_000, 150_000][random.below(7)];
        let byte = random.next() as u8;
        let value: Vec<u8> = (0..length).map(|at: usize| byte.wrapping_add(at as u8)).collect();
        state.insert(id, (version, seq, Rc::new(value.clone())));
        changes.push(ChangeDraft { id, version, prev_seq, value });
    }
    model.states.push(state);
    EntryDraft { time_ms: seq as i64, head: vec![seq as u8; random.below(50)], changes }
}

fn step(store: &Store, model: &mut Model, random: &mut Random) {
    match random.below(20) {
        0 => store.checkpoint().unwrap(),
        1 => {
            let gone: Vec<_> = (0..1 + random.below(3)).map(|_| id(random.below(60) as u64)).collect();
            let mut state = model.now();
            let seq = model.head() + 1;
            for id in &gone {
                state.remove(id);
                model.erased.insert((*id, seq));
            }
            model.states.push(state);
            assert_eq!(store.erase(&gone, b"erase".to_vec(), 1).unwrap(), seq);
        }
        5 => drop(store.key_care().unwrap().rotate(1)),
        6..=8 => {
            for _ in 0..random.below(12) {
                store.key_care().unwrap().reseal_step().unwrap();
            }
        }
        2 => store.set_cursor("reader", store.head()).unwrap(),
        3 => assert!(shown(store) == model.now()),
        4 => read_back(store, model, random),
        _ => {
            let head = model.head();
            let group = group(model, random);
            let seqs = store.append(head, group).unwrap();
            assert_eq!(seqs, (head + 1..=model.head()).collect::<Vec<_>>());
        }
    }
    shim::acknowledge(model.head());
}

/// Any entry and any change reads back as it was written, unless it was erased since.
fn read_back(store: &Store, model: &Model, random: &mut Random) {
    if model.head() == 0 {
        return;
    }
    let from = 1 + random.below(model.head() as usize) as u64;
    for entry in store.read_from(from, 5).unwrap().into_iter().filter(|entry| entry.kind == EntryKind::Change) {
        let after = &model.states[entry.seq as usize - 1];
        for change in &entry.changes {
            let erased = model.erased.range((change.id, entry.seq)..).next().is_some_and(|(id, _)| *id == change.id);
            assert_eq!(change.value.is_none(), erased);
            let (_, single) = store.read_change(entry.seq, change.id).unwrap().unwrap();
            if !erased {
                let (version, seq, value) = &after[&change.id];
                assert_eq!((single.version, entry.seq, single.value.as_ref()), (*version, *seq, Some(&**value)));
            }
        }
    }
}

#[test]
fn a_long_random_life_matches_a_plain_map() {
    let _alone = shim::alone();
    let mut random = Random(seed("simulation"));
    let bench = Bench::new();
    let (mut model, mut steps) = (Model::default(), setting("KITH_SIM_STEPS", 200));
    let (mut data, mut lives) = (bench.data(), 0);
    while steps > 0 {
        let before = Disk::read(&data);
        shim::start(&data, &before.known());
        let (store, report) = try_open(&data, &unlock_at(&data, bench.dir.path())).unwrap();
        assert_eq!(store.head(), model.head(), "{report:?}");
        assert!(shown(&store) == model.now(), "{report:?}");
        for _ in 0..(1 + random.below(60) as u64).min(steps) {
            step(&store, &mut model, &mut random);
            steps -= 1;
        }
        let ending = random.below(4);
        if ending == 0 {
            store.close().unwrap();
        }
        if ending == 3 && lives % 3 == 0 {
            assert_verifies(&store);
        }
        drop(store);
        let ops = shim::finish();
        lives += 1;
        if ending == 1 {
            std::fs::remove_dir_all(data.join("store")).unwrap();
        }
        if ending == 2 {
            data = bench.dir.path().join(format!("life-{lives}"));
            survive(&before, &ops, &data, &bench, &mut model, &mut random);
        }
    }
    let (store, _) = try_open(&data, &unlock_at(&data, bench.dir.path())).unwrap();
    assert!(shown(&store) == model.now());
    assert_verifies(&store);
    println!("{lives} lives, {} entries", model.head());
}

/// A power cut somewhere in the last life; the next one begins with what is left of it.
fn survive(before: &Disk, ops: &[Op], data: &std::path::Path, bench: &Bench, model: &mut Model, random: &mut Random) {
    let at = random.below(ops.len() + 1);
    before.cut(&ops[..at], random).write(data);
    let (store, _) =
        try_open(data, &unlock_at(data, bench.dir.path())).unwrap_or_else(|error| panic!("cut at {at}: {error}"));
    let floor = ops[..at].iter().filter_map(|op| if let Op::Acknowledged(seq) = op { Some(*seq) } else { None }).max();
    assert!(store.head() >= floor.unwrap_or(0));
    model.forget_after(store.head());
}
