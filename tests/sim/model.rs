//! What must be true: the records after every entry, what was erased, and how far the readers have come. A few maps; too simple
//! to be wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use kith_base::RecordId;
use kith_store::{ChangeDraft, EntryDraft, EntryKind, Storage, Store};

use crate::common::{Random, content, id};

/// Version, entry and value of each record; values are shared, since the model keeps the state after every entry.
pub type State = BTreeMap<RecordId, (u64, u64, Rc<Vec<u8>>)>;

/// Records that histories write to: few enough to meet again and again.
const RECORDS: usize = 40;

#[derive(Clone, Default)]
pub struct Model {
    states: Vec<State>,
    /// Every erasure: the record, and the entry that says so.
    pub erased: BTreeSet<(RecordId, u64)>,
    /// Positions of readers that were acknowledged, each with its moment in the life's record.
    cursors: BTreeMap<&'static str, Vec<(usize, u64)>>,
}

impl Model {
    pub fn now(&self) -> State {
        self.at(self.head())
    }

    /// The records as they were after entry `seq`.
    fn at(&self, seq: u64) -> State {
        if seq == 0 { State::new() } else { self.states[seq as usize - 1].clone() }
    }

    pub fn head(&self) -> u64 {
        self.states.len() as u64
    }

    /// The newest entries are not there: they were never acknowledged, or the past was put back.
    pub fn forget_after(&mut self, head: u64) {
        self.states.truncate(head as usize);
        self.erased.retain(|(_, seq)| *seq <= head);
        self.cursors.values_mut().flatten().for_each(|(_, seq)| *seq = (*seq).min(head));
    }

    pub fn note_cursor(&mut self, name: &'static str, seq: u64, moment: usize) {
        self.cursors.entry(name).or_default().push((moment, seq));
    }

    /// What was acknowledged so far stays whatever happens to later lives.
    pub fn begin_life(&mut self) {
        self.cursors.values_mut().flatten().for_each(|(moment, _)| *moment = 0);
    }

    /// The power went at this moment of the life's record.
    pub fn forget_cursors_after(&mut self, moment: usize) {
        self.cursors.values_mut().for_each(|notes| notes.retain(|(noted, _)| *noted <= moment));
    }

    pub fn forget_cursors(&mut self) {
        self.cursors.clear();
    }

    /// A group of entries that the store is about to be given.
    pub fn group(&mut self, random: &mut Random) -> Vec<EntryDraft> {
        (0..1 + random.below(4)).map(|_| self.entry(random)).collect()
    }

    fn entry(&mut self, random: &mut Random) -> EntryDraft {
        let (mut state, seq) = (self.now(), self.head() + 1);
        let mut changes = Vec::new();
        for _ in 0..random.below(6) {
            let id = some_record(random);
            let (version, prev_seq) = state.get(&id).map_or((1, 0), |(version, seq, _)| (version + 1, *seq));
            let length = [0, 5, 200, 4_050, 4_100, 20_000, 150_000][random.below(7) * random.below(7) / 6];
            let byte = random.next() as u8;
            let value: Vec<u8> = (0..length).map(|at: usize| byte.wrapping_add(at as u8)).collect();
            state.insert(id, (version, seq, Rc::new(value.clone())));
            changes.push(ChangeDraft { id, version, prev_seq, value });
        }
        self.states.push(state);
        EntryDraft { time_ms: seq as i64, head: vec![seq as u8; random.below(50)], changes }
    }

    /// The erasure of `gone` as the next entry.
    pub fn erase(&mut self, gone: &[RecordId]) -> u64 {
        let (mut state, seq) = (self.now(), self.head() + 1);
        for id in gone {
            state.remove(id);
            self.erased.insert((*id, seq));
        }
        self.states.push(state);
        seq
    }

    /// Whether what entry `seq` wrote into `id` has been erased since.
    fn is_erased(&self, id: RecordId, seq: u64) -> bool {
        self.erased.range((id, seq)..).next().is_some_and(|(found, _)| *found == id)
    }

    /// Some entries read back as they were written, unless they were erased since.
    pub fn check_entries(&self, store: &Store, random: &mut Random) {
        if self.head() == 0 {
            return;
        }
        let from = 1 + random.below(self.head() as usize) as u64;
        for entry in store.read_from(from, 5).unwrap().into_iter().filter(|entry| entry.kind == EntryKind::Change) {
            for change in &entry.changes {
                let erased = self.is_erased(change.id, entry.seq);
                assert_eq!(change.value.is_none(), erased, "entry {} of {}", entry.seq, self.head());
                let (_, single) = store.read_change(entry.seq, change.id).unwrap().unwrap();
                if !erased && let Some((version, seq, value)) = self.states[entry.seq as usize - 1].get(&change.id) {
                    assert_eq!((single.version, entry.seq, single.value.as_ref()), (*version, *seq, Some(&**value)));
                }
            }
        }
    }

    /// Head, records and readers are those of the model.
    pub fn check(&self, store: &Store) {
        assert_eq!(store.head(), self.head(), "another head than the model's");
        let shown = content(store);
        let right = self.now();
        assert_eq!(shown.len(), right.len(), "another number of records than the model's");
        for (id, (version, seq, value)) in &right {
            let (shown_version, shown_seq, shown_value) = &shown[id];
            assert_eq!((shown_version, shown_seq), (version, seq), "another version of {id}");
            assert!(shown_value == &**value, "another value of {id}");
        }
        for (name, notes) in &self.cursors {
            let floor = notes.last().map_or(0, |(_, seq)| *seq);
            assert!(store.cursor(name).unwrap() >= floor, "the reader {name} fell back behind {floor}");
        }
    }
}

pub fn some_record(random: &mut Random) -> RecordId {
    id(random.below(RECORDS) as u64)
}
