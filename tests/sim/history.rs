//! One history: what happens is chosen by its seed alone.

use std::collections::BTreeMap;

use kith_store::{Storage, Store, StoreError};

use crate::{
    backups::Backup,
    common::{Random, assert_verifies, try_open},
    damage,
    model::{Model, some_record},
    shim,
    world::World,
};

/// Lives of one history, and steps of one life.
const LIVES: usize = 4;
const STEPS: usize = 14;

pub struct History {
    random: Random,
    world: World,
    model: Model,
    backup: Backup,
    done: BTreeMap<&'static str, u64>,
}

impl History {
    /// Plays the history of `seed` and tells what happened, by name and number.
    pub fn play(seed: u64) -> BTreeMap<&'static str, u64> {
        let mut history = History {
            random: Random(seed),
            world: World::new(),
            model: Model::default(),
            backup: Backup::default(),
            done: BTreeMap::new(),
        };
        for _ in 0..1 + history.random.below(LIVES) {
            history.live();
        }
        let (store, _) = history.world.open();
        history.model.check(&store);
        assert_verifies(&store);
        history.world.end(store, true);
        history.done
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    fn live(&mut self) {
        let (store, _) = self.world.open();
        self.model.begin_life();
        self.model.check(&store);
        for _ in 0..1 + self.random.below(STEPS) {
            self.step(&store);
            shim::acknowledge(self.model.head());
        }
        self.end(store);
    }

    fn step(&mut self, store: &Store) {
        match self.random.below(28) {
            0 => {
                store.checkpoint().unwrap();
                self.count("checkpoints");
            }
            1 => self.erase(store),
            2 | 3 => {
                let name = ["mail", "search"][self.random.below(2)];
                store.set_cursor(name, store.head()).unwrap();
                self.model.note_cursor(name, store.head(), shim::moment());
            }
            4 => self.model.check(store),
            5 | 6 => self.model.check_entries(store, &mut self.random),
            7 => {
                self.backup.take(store);
                self.count("backups");
            }
            8 => {
                let vault = self.world.vault(&self.world.data);
                let refused = try_open(&self.world.data, &vault).err().map(|error| error.code());
                assert_eq!(refused, Some("store.locked"), "a second store opened the same folder");
            }
            9 => {
                let group = self.model.clone().group(&mut self.random);
                let refused = store.append(store.head() + 1, group).unwrap_err();
                assert_eq!(refused.code(), "store.head_moved");
            }
            10 => {
                let refused = store.key_care().unwrap().rotate(1).err().map(|error| error.code());
                assert!(matches!(refused, None | Some("vault.rotation_under_way")), "{refused:?}");
                self.count("rotations begun");
            }
            11 | 12 => self.reseal(store),
            _ => {
                append(store, &mut self.model, &mut self.random).unwrap();
                self.count("groups");
            }
        }
    }

    fn erase(&mut self, store: &Store) {
        let gone: Vec<_> = (0..1 + self.random.below(3)).map(|_| some_record(&mut self.random)).collect();
        self.backup.end();
        let seq = self.model.erase(&gone);
        assert_eq!(store.erase(&gone, b"erase".to_vec(), 1).unwrap(), seq);
        self.count("erasures");
    }

    fn reseal(&mut self, store: &Store) {
        let care = store.key_care().unwrap();
        let under_way = care.keys().data_keys.len() > 1;
        for _ in 0..self.random.below(30) {
            if !care.reseal_step().unwrap() {
                break;
            }
        }
        if under_way && care.keys().data_keys.len() == 1 {
            self.count("rotations ended");
        }
    }

    fn end(&mut self, store: Store) {
        match self.random.below(10) {
            0 | 1 => {
                self.world.end(store, true);
                self.count("stops");
            }
            2 => {
                let again = self.world.kill(store, &self.model, &mut self.random);
                self.count("kills");
                *self.done.entry("kills while recovering").or_default() += again;
            }
            3 => {
                self.world.end(store, false);
                std::fs::remove_dir_all(self.world.data.join("store")).unwrap();
                self.count("lost record stores");
            }
            4 => {
                self.world.end(store, true);
                let outcome = damage::strike(&mut self.world, &self.model, &mut self.random);
                self.count(outcome);
            }
            5 | 6 => {
                self.world.fail_and_end(store, &mut self.model, &mut self.random, append_some);
                self.count("write errors");
                self.keep_backup_if_it_is_of_this_past();
            }
            7 => {
                self.world.end(store, true);
                self.put_back();
            }
            _ => {
                let again = self.world.cut_power(store, &mut self.model, &mut self.random);
                self.count("power cuts");
                *self.done.entry("power cuts while recovering").or_default() += again;
                self.keep_backup_if_it_is_of_this_past();
            }
        }
    }

    /// A backup may hold entries that were durable in it and whose acknowledgement a cut took back from the folder. The past
    /// then goes on differently, and increments can no longer build on it.
    fn keep_backup_if_it_is_of_this_past(&mut self) {
        if self.backup.until() > self.model.head() {
            self.backup = Backup::default();
        }
    }

    fn put_back(&mut self) {
        if self.backup.until() == 0 {
            return;
        }
        self.backup.is_refused_when_damaged(&mut self.world, &mut self.random);
        self.backup.put_back(&mut self.world, &mut self.model, &mut self.random);
        self.backup = Backup::default();
        self.count("restores");
    }
}

fn append(store: &Store, model: &mut Model, random: &mut Random) -> Result<(), StoreError> {
    let head = model.head();
    let group = model.group(random);
    let seqs = store.append(head, group)?;
    assert_eq!(seqs, (head + 1..=model.head()).collect::<Vec<_>>());
    Ok(())
}

/// Goes on writing until something fails, and tells of each success.
fn append_some(store: &Store, model: &mut Model, random: &mut Random) -> Result<(), StoreError> {
    for _ in 0..10 {
        append(store, model, random)?;
        shim::acknowledge(model.head());
    }
    store.checkpoint()
}
