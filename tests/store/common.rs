//! What the tests here share: a seeded generator, a bench with a vault, a writer whose values follow from their numbers, and
//! the one check that counts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use kith_base::{RecordId, Secret};
use kith_store::{
    ChangeDraft, EntryDraft, Lock, OpenOptions, OpenReport, Storage, Store, StoreError, Unlock, Vault, new_identity,
};

/// SplitMix64: small, seedable, good enough to choose with.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The seed of this run, printed so that it can be repeated.
pub fn seed(what: &str) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = setting("KITH_SEED", now.as_nanos() as u64);
    println!("{what}: KITH_SEED={seed}");
    seed
}

pub struct Bench {
    pub dir: tempfile::TempDir,
    pub vault: Vault,
}

impl Bench {
    pub fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (key, recipient) = new_identity();
        let vault = Vault::create(&dir.path().join("data"), &Lock::Recipients(vec![recipient])).unwrap();
        std::fs::write(dir.path().join("key.txt"), key.expose()).unwrap();
        Bench { dir, vault }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn open(&self) -> (Store, OpenReport) {
        try_open(&self.data(), &self.vault).unwrap()
    }
}

pub fn unlock(dir: &Path) -> Vault {
    let key = std::fs::read_to_string(dir.join("key.txt")).unwrap();
    Vault::unlock(&dir.join("data"), &Unlock::Identities(Secret::new(key))).unwrap()
}

/// The vault as the folder `data` holds it, opened with the key file beside the bench's own folder.
pub fn unlock_at(data: &Path, dir: &Path) -> Vault {
    let key = std::fs::read_to_string(dir.join("key.txt")).unwrap();
    Vault::unlock(data, &Unlock::Identities(Secret::new(key))).unwrap()
}

/// Small segments and frequent checkpoints, so that short runs meet every edge.
pub fn options() -> OpenOptions {
    OpenOptions { segment_bytes: 24 * 1024, cache_bytes: 8 << 20, checkpoint_groups: 7, checkpoint_ms: 300 }
}

pub fn try_open(data: &Path, vault: &Vault) -> Result<(Store, OpenReport), StoreError> {
    Store::open(data, vault, options())
}

pub fn id(n: u64) -> RecordId {
    RecordId::new(1_000 + n, [3; 10])
}

/// What a store holds: version, entry and value of each record.
pub type Content = BTreeMap<RecordId, (u64, u64, Vec<u8>)>;

pub fn content(store: &Store) -> Content {
    for _ in 0..3 {
        let mut all = Content::new();
        match store.scan(&mut |id, version, seq, value| drop(all.insert(id, (version, seq, value.to_vec())))) {
            Ok(()) => return all,
            Err(StoreError::ScanAgain) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the scan did not come to rest");
}

pub fn assert_verifies(store: &Store) {
    let report = store.verify(&mut |_, _| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// The entry that the steady writer makes at `seq`: which record it changes, and to what.
pub fn steady(seq: u64) -> EntryDraft {
    let mut random = Random(seq);
    let record = random.below(40) as u64;
    let length = [10, 80, 300, 3_000, 9_000][random.below(5)];
    let value: Vec<u8> = (0..length).map(|at: usize| (seq as usize + at * 7) as u8).collect();
    let change = ChangeDraft { id: id(record), version: seq, prev_seq: 0, value };
    EntryDraft { time_ms: seq as i64, head: seq.to_le_bytes().to_vec(), changes: vec![change] }
}

/// What the steady writer's store holds after `head` entries.
pub fn steady_content(head: u64) -> Content {
    let mut all = Content::new();
    for seq in 1..=head {
        for change in steady(seq).changes {
            all.insert(change.id, (change.version, seq, change.value));
        }
    }
    all
}

/// Opens a crashed folder of the steady writer: everything up to `acknowledged` is there, and all of it is right.
pub fn assert_recovers(data: &Path, vault: &Vault, acknowledged: u64) -> (Store, OpenReport) {
    let (store, report) = try_open(data, vault).unwrap_or_else(|error| panic!("{}: {error}", error.code()));
    let head = store.head();
    assert!(head >= acknowledged, "{acknowledged} were acknowledged, {head} are there");
    assert!(content(&store) == steady_content(head), "the records are not those of the {head} entries");
    let entries = store.read_from(1, usize::MAX).unwrap();
    assert!(entries.iter().all(|entry| entry.head == entry.seq.to_le_bytes()));
    (store, report)
}
