//! One data folder through its lives: each life is recorded by the file layer, ends somehow, and the next one starts from the disk
//! that is left.

use std::path::{Path, PathBuf};

use kith_base::Secret;
use kith_store::{OpenReport, Storage, Store, StoreError, Unlock, Vault};

use crate::{
    common::{Bench, Random, try_open},
    image::Disk,
    model::Model,
    shim::{self, Op},
};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

pub struct World {
    bench: Bench,
    /// The key file that opens the vault, whose data keys change from life to life.
    key: Secret<String>,
    pub data: PathBuf,
    folders: usize,
    /// The disk as this life found it.
    before: Disk,
}

impl World {
    pub fn new() -> World {
        let bench = Bench::new();
        let key = std::fs::read_to_string(bench.dir.path().join("key.txt")).unwrap();
        let (key, data) = (Secret::new(key), bench.data());
        World { bench, key, data, folders: 0, before: Disk::default() }
    }

    /// A folder that was never used.
    pub fn fresh_folder(&mut self) -> PathBuf {
        self.folders += 1;
        self.bench.dir.path().join(format!("folder-{}", self.folders))
    }

    /// The vault of a folder, with the data keys that it holds now.
    pub fn vault(&self, folder: &Path) -> Vault {
        Vault::unlock(folder, &Unlock::Identities(self.key.clone())).unwrap()
    }

    /// Begins a life: from here on every write below the folder is on record.
    pub fn open(&mut self) -> (Store, OpenReport) {
        self.before = Disk::read(&self.data);
        shim::start(&self.data, &self.before.known());
        try_open(&self.data, &self.vault(&self.data)).unwrap_or_else(|error| panic!("{}: {error}", error.code()))
    }

    /// Ends a life in which nothing was lost: the process ended, well or killed, and the machine went on.
    pub fn end(&mut self, store: Store, well: bool) {
        if well {
            store.close().unwrap();
        }
        drop(store);
        shim::finish();
    }

    /// Ends a life by killing the process, then the processes that recover from it, some of them, half-way.
    pub fn kill(&mut self, store: Store, model: &Model, random: &mut Random) -> u64 {
        drop(store);
        shim::finish();
        let rounds = random.below(3) as u64;
        for _ in 0..rounds {
            let (store, _) = self.open();
            assert_eq!(store.head(), model.head(), "a kill lost what had been acknowledged");
            drop(store);
            let ops = shim::finish();
            let disk = self.before.killed(&ops[..random.below(ops.len() + 1)]);
            let old = std::mem::replace(&mut self.data, PathBuf::new());
            let _ = std::fs::remove_dir_all(old);
            self.data = self.fresh_folder();
            disk.write(&self.data);
        }
        rounds
    }

    /// Ends a life by a power cut at a random moment of it. The model forgets what was not acknowledged and is not there.
    pub fn cut_power(&mut self, store: Store, model: &mut Model, random: &mut Random) -> u64 {
        drop(store);
        let ops = shim::finish();
        let at = random.below(ops.len() + 1);
        let floor = acknowledged(&ops[..at]);
        model.forget_cursors_after(at);
        let disk = self.before.cut(&ops[..at], random);
        self.come_back(disk, floor, model, random)
    }

    /// Starts from what a cut left, is cut again while it recovers, sometimes twice, and then comes back for good.
    fn come_back(&mut self, mut disk: Disk, mut floor: u64, model: &mut Model, random: &mut Random) -> u64 {
        let rounds = random.below(3) as u64;
        for _ in 0..rounds {
            let folder = self.fresh_folder();
            disk.write(&folder);
            shim::start(&folder, &Disk::read(&folder).known());
            let start = Disk::read(&folder);
            let (store, _) =
                try_open(&folder, &self.vault(&folder)).unwrap_or_else(|e| panic!("recovering: {}: {e}", e.code()));
            assert!(store.head() >= floor, "{floor} were acknowledged, {} are there", store.head());
            // What was shown once must stay.
            shim::acknowledge(store.head());
            drop(store);
            let ops = shim::finish();
            let at = random.below(ops.len() + 1);
            floor = floor.max(acknowledged(&ops[..at]));
            disk = start.cut(&ops[..at], random);
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let old = std::mem::replace(&mut self.data, PathBuf::new());
        let _ = std::fs::remove_dir_all(old);
        self.data = self.fresh_folder();
        disk.write(&self.data);
        let (store, report) = self.open();
        assert!(store.head() >= floor, "{floor} were acknowledged, {} are there; {report:?}", store.head());
        assert!(store.head() <= model.head(), "entries that nobody wrote; {report:?}");
        model.forget_after(store.head());
        model.check(&store);
        self.end(store, false);
        rounds
    }

    /// Lets a write or sync fail while `work` goes on, then ends the life; sometimes the power goes with it.
    pub fn fail_and_end(
        &mut self,
        store: Store,
        model: &mut Model,
        random: &mut Random,
        work: impl FnOnce(&Store, &mut Model, &mut Random) -> Result<(), StoreError>,
    ) {
        shim::fail_after_more(random.below(12), [EIO, ENOSPC][random.below(2)]);
        match work(&store, model, random) {
            Ok(()) => shim::acknowledge(model.head()),
            Err(error) => {
                let codes = ["store.io", "store.disk_full", "store.stopped", "store.read_only"];
                assert!(codes.contains(&error.code()), "{}: {error}", error.code());
            }
        }
        let broken = store.stats().stopped;
        if broken {
            let refused = store.append(store.head(), vec![]).err().map(|error| error.code());
            assert!(
                matches!(refused, Some("store.stopped" | "store.disk_full")),
                "a stopped store answered {refused:?}"
            );
        }
        drop(store);
        let ops = shim::finish();
        let at = if random.below(2) == 0 { ops.len() } else { random.below(ops.len() + 1) };
        let floor = acknowledged(&ops[..at]);
        if at == ops.len() {
            // Only the process ended: the disk shows all that was written, whole.
            let (store, _) = self.open();
            assert!(store.head() >= floor && store.head() <= model.head());
            model.forget_after(store.head());
            model.check(&store);
            self.end(store, false);
        } else {
            model.forget_cursors_after(at);
            let disk = self.before.cut(&ops[..at], random);
            self.come_back(disk, floor, model, random);
        }
    }

    /// Goes on in another folder.
    pub fn move_to(&mut self, data: PathBuf, key: Secret<String>) {
        let old = std::mem::replace(&mut self.data, data);
        let _ = std::fs::remove_dir_all(old);
        self.key = key;
    }
}

fn acknowledged(ops: &[Op]) -> u64 {
    ops.iter().filter_map(|op| if let Op::Acknowledged(seq) = op { Some(*seq) } else { None }).max().unwrap_or(0)
}
