//! Backups of the store's side: sealed frames and keys, whole and in increments, and folders made of them again, to any entry.

use std::path::PathBuf;

use kith_base::Secret;
use kith_store::{BackupSource, JournalWriter, Lock, Storage, Store, StoreError, Unlock, Vault, new_identity};

use crate::{
    common::{Random, assert_verifies, try_open},
    model::Model,
    world::World,
};

/// Frames from one entry to another, with the keys of that moment.
struct Part {
    until: u64,
    frames: Vec<u8>,
    chain: [u8; 32],
    keys: Secret<Vec<u8>>,
}

/// A whole backup and its increments, in order.
#[derive(Default)]
pub struct Backup {
    parts: Vec<Part>,
    /// Something was erased since: increments no longer fit what is there, and the next backup is a whole one.
    ended: bool,
}

impl Backup {
    pub fn until(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.until)
    }

    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Adds what came since; everything, the first time.
    pub fn take(&mut self, store: &Store) {
        if self.ended {
            *self = Backup::default();
        }
        let (after, until) = (self.until(), store.head());
        let mut frames = Vec::new();
        let copied = store.copy_journal(after, until, &mut |_, bytes| {
            frames.extend_from_slice(bytes);
            Ok(())
        });
        let (before, chain) = copied.unwrap();
        if let Some(last) = self.parts.last() {
            assert_eq!(last.chain, before, "an increment does not follow what it builds on");
        }
        self.parts.push(Part { until, frames, chain, keys: store.vault().export().unwrap() });
    }

    /// A new folder that ends with entry `until`, and the new key that opens it.
    fn restore(&self, world: &mut World, until: u64) -> (PathBuf, Secret<String>) {
        let folder = world.fresh_folder();
        let keys: Vec<_> = self.parts.iter().map(|part| Secret::new(part.keys.expose().clone())).collect();
        let vault = Vault::import(&keys).unwrap();
        let (key, recipient) = new_identity();
        let vault = vault.write(&folder, &Lock::Recipients(vec![recipient])).unwrap();
        let mut writer = JournalWriter::create(&folder, &vault, 24 * 1024).unwrap();
        for part in &self.parts {
            writer.push(&part.frames, &mut |frame| !frame.is_entry || frame.seq <= until).unwrap();
        }
        assert_eq!(writer.finish().unwrap().0, until);
        (folder, key)
    }

    /// Restores to a random entry, compares it with the model, and takes the restored folder as the world from then on.
    pub fn put_back(&self, world: &mut World, model: &mut Model, random: &mut Random) {
        let until = 1 + random.below(self.until() as usize) as u64;
        let (folder, key) = self.restore(world, until);
        let vault = Vault::unlock(&folder, &Unlock::Identities(key.clone())).unwrap();
        let (store, _) = try_open(&folder, &vault).unwrap_or_else(|error| panic!("restoring: {error}"));
        let gone = again(model, until);
        let mut right = model.clone();
        right.forget_after(until);
        right.forget_cursors();
        // Frames from before an erasure still hold what it took out, until it is applied again.
        if !gone.is_empty() {
            let seq = right.erase(&gone);
            assert_eq!(store.erase(&gone, b"again".to_vec(), 1).unwrap(), seq);
        }
        assert_verifies(&store);
        let shown = crate::common::content(&store);
        for (id, (version, seq, value)) in &shown {
            let (right_version, right_seq, right_value) = &right.now()[id];
            assert_eq!((version, seq), (right_version, right_seq));
            assert!(value == &**right_value, "another value of {id} after a restore");
        }
        assert_eq!(shown.len(), right.now().len(), "other records after a restore");
        store.close().unwrap();
        drop(store);
        *model = right;
        world.move_to(folder, key);
    }

    /// A cut or changed backup is refused, whatever was done to it.
    pub fn is_refused_when_damaged(&self, world: &mut World, random: &mut Random) {
        let folder = world.fresh_folder();
        let keys: Vec<_> = self.parts.iter().map(|part| Secret::new(part.keys.expose().clone())).collect();
        let vault = Vault::import(&keys).unwrap();
        let mut writer = JournalWriter::create(&folder, &vault, 24 * 1024).unwrap();
        let mut frames: Vec<u8> = self.parts.iter().flat_map(|part| part.frames.clone()).collect();
        if frames.is_empty() {
            return;
        }
        let at = random.below(frames.len());
        let cut = random.below(3) == 0;
        if cut {
            frames.truncate(at);
        } else {
            frames[at] ^= 1 << random.below(8);
        }
        let pushed: Result<(), StoreError> = writer.push(&frames, &mut |_| true);
        let whole = pushed.is_ok() && writer.given().1 == self.parts.last().unwrap().chain;
        assert!(!whole, "a damaged backup was taken for a whole one (cut: {cut}, at {at})");
        drop(writer);
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Records that were erased after entry `until`, and may be there again at it.
fn again(model: &Model, until: u64) -> Vec<kith_base::RecordId> {
    let mut gone: Vec<_> = model.erased.iter().filter(|(_, seq)| *seq > until).map(|(id, _)| *id).collect();
    gone.dedup();
    gone
}
