//! A door for the fuzz target into what reads backups: compiled for it alone. Takes a small sound backup and damages it, as a file, as a
//! tar, or member by member under a manifest that agrees.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use kith_base::Secret;
use kith_engine::{Actor, Engine, EngineOptions};
use kith_store::{Files, Lock, OpenOptions, SealedWriter, Store, Vault, fuzzing::edited, new_identity};

use crate::{
    Kind, Wanted,
    archive::{self, Next, Writer},
    erasures,
    manifest::{MANIFEST, Manifest},
    read_head, run, verify,
};

/// A sound backup, opened.
pub struct Bench {
    folder: PathBuf,
    identity: Secret<String>,
    recipient: String,
    file: Vec<u8>,
    tar: Vec<u8>,
    members: Vec<(String, Vec<u8>)>,
    manifest: Manifest,
    records: u64,
}

impl Bench {
    /// Takes a backup of a new vault below `folder`.
    pub fn new(folder: &Path) -> Bench {
        let data = folder.join("vault");
        let vault = Vault::create(&data, &Lock::Recipients(vec![new_identity().1])).expect("a vault");
        let store = Store::open(&data, &vault, OpenOptions::default()).expect("a store").0;
        let files = Arc::new(Files::open(&data, &vault).expect("files"));
        files.put(&mut &b"an attachment"[..], 100).expect("a file");
        let engine = Engine::open(Arc::new(store), files, EngineOptions::default(), &mut |_| {}).expect("an engine");
        let (identity, recipient) = new_identity();
        let wanted = Wanted { kind: Kind::Full, recipients: vec![recipient.clone()], scheduled: false };
        let entry = run::create_into(&engine, &Actor::cli(), &folder.join("sound"), &wanted, &|| false);
        let path = entry.expect("a backup").path().expect("its file");
        let records = verify(&path, folder, &identity, 1, &mut |_, _| {}).expect("a sound backup").restored.records;
        let mut members = Vec::new();
        let manifest = archive::read("x", crate::chain::open(&path, &identity).expect("it opens"), &mut |member| {
            members.push((member.path.clone(), member.whole().expect("a member")));
            Ok(Next::Go)
        });
        let manifest = manifest.ok().flatten().expect("a manifest");
        let file = fs::read(&path).expect("a file");
        let mut tar = Vec::new();
        std::io::Read::read_to_end(&mut crate::chain::open(&path, &identity).expect("it opens"), &mut tar)
            .expect("a tar");
        Bench { folder: folder.to_path_buf(), identity, recipient, file, tar, members, manifest, records }
    }

    /// Reads what the input makes of it.
    pub fn read(&self, input: &[u8]) {
        let Some((mode, rest)) = input.split_first() else { return };
        let (bytes, sound) = match mode % 8 {
            0 => (rest.to_vec(), false),
            1 => (edited(&self.file, rest), false),
            2 => (self.sealed(rest), false),
            3 | 4 => (self.sealed(&edited(&self.tar, rest)), false),
            5 => return self.read_list(rest),
            _ => (self.sealed(&self.rebuilt(rest)), true),
        };
        let path = self.folder.join("kith-fuzzed.age");
        fs::write(&path, bytes).expect("the fuzzer's folder can be written to");
        if read_head(&path, &self.identity).is_err() {
            return;
        }
        let checked = verify(&path, &self.folder, &self.identity, 1, &mut |_, _| {});
        // Whoever can also write the manifest may leave things out; nobody else changes anything unnoticed.
        assert!(sound || checked.is_err() || checked.is_ok_and(|checked| checked.restored.records == self.records));
    }

    fn read_list(&self, json: &[u8]) {
        let path = self.folder.join("kith-erasures-fuzzed.age");
        fs::write(&path, self.sealed(json)).expect("the fuzzer's folder can be written to");
        drop(erasures::read(&path, &self.identity, &self.manifest.head.vault));
    }

    fn sealed(&self, plain: &[u8]) -> Vec<u8> {
        let mut out = SealedWriter::new(std::slice::from_ref(&self.recipient), Vec::new()).expect("a recipient");
        std::io::Write::write_all(&mut out, plain).and_then(|()| out.finish()).expect("memory can be written to")
    }

    /// A tar with some members edited, left out or doubled, and a manifest that lists what is there.
    fn rebuilt(&self, input: &[u8]) -> Vec<u8> {
        let mut edits: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let (mut left_out, mut doubled) = (None, None);
        for step in input.chunks_exact(6) {
            let at = usize::from(step[0]) % self.members.len();
            match step[1] % 16 {
                0 => left_out = Some(at),
                1 => doubled = Some(at),
                _ => edits.entry(at).or_default().extend_from_slice(&step[2..]),
            }
        }
        let mut tar = Writer::new(Vec::new(), 0);
        for (at, (path, content)) in self.members.iter().enumerate().filter(|(at, _)| Some(*at) != left_out) {
            let content = edits.get(&at).map_or_else(|| content.clone(), |edits| edited(content, edits));
            for _ in 0..1 + usize::from(doubled == Some(at)) {
                tar.add(path, &content).expect("memory can be written to");
            }
        }
        debug_assert!(self.members.iter().all(|(path, _)| path != MANIFEST));
        let members = tar.members().to_vec();
        tar.finish(&Manifest { members, ..self.manifest.clone() }).expect("memory can be written to")
    }
}
