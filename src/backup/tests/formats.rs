//! Backups of every released format restore for ever: the fixture was written by the first version of the format, and is only written
//! anew when it is missing.

use std::{fs, io::Read};

use super::*;
use crate::verify;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/backup/v1")
}

fn write_fixture(to: &Path) {
    let bench = Bench::new();
    let first = bench.person("Zoë O'Hara");
    let forgotten = bench.person("Forgotten");
    bench.attach("offer.txt", "an attachment 🦊".as_bytes());
    bench.take(Kind::Full);
    bench.rename(first.id, "Ångström");
    bench.take(Kind::Incremental);
    bench.engine.storage().erase(&[forgotten.id], erasure_head(), 5).unwrap();
    crate::erasures::write(&bench.engine, &bench.folder(), std::slice::from_ref(&bench.recipient)).unwrap();
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(bench.folder()).unwrap().flatten() {
        fs::copy(item.path(), to.join(item.file_name())).unwrap();
    }
    fs::write(to.join("recovery.txt"), bench.identity.expose()).unwrap();
}

fn named(folder: &Path, part: &str) -> PathBuf {
    let items = fs::read_dir(folder).unwrap().flatten().map(|item| item.path());
    items.into_iter().find(|path| path.to_string_lossy().contains(part)).unwrap()
}

fn last_names(store: &Store) -> Vec<String> {
    let mut names = Vec::new();
    let people = kith_crm::objects().into_iter().find(|object| object.key == "people").unwrap();
    let field = people.field("last_name").unwrap().id;
    for (id, (version, bytes)) in content(store) {
        let record = Record::decode(id, version, 0, &bytes).unwrap();
        if record.object == people.id
            && let Value::Text(name) = record.values.get(field)
        {
            names.push(name.clone());
        }
    }
    names.sort();
    names
}

#[test]
fn backups_of_the_first_format_restore() {
    let folder = fixture();
    if !folder.exists() {
        write_fixture(&folder);
    }
    let identity = Secret::new(fs::read_to_string(folder.join("recovery.txt")).unwrap());
    let scratch = tempfile::tempdir().unwrap();
    for (part, expected) in [("-full-", "Zoë O'Hara"), ("-incremental-", "Ångström")] {
        let path = named(&folder, part);
        let checked = verify(&path, scratch.path(), &identity, 1, &mut |_, _| {}).unwrap();
        assert_eq!(checked.restored.counts["people"], 2, "as it was taken");
        let (key, recipient) = new_identity();
        let lock = Lock::Recipients(vec![recipient]);
        let dir = tempfile::tempdir().unwrap();
        let options = Options { identity: &identity, until: Until::End, erasures: &[], lock: &lock, now_ms: 1 };
        let restored = restore(&path, &dir.path().join("data"), &options, &mut |_, _| {}).unwrap();
        assert_eq!((restored.erased, restored.files), (1, 1));
        fs::write(dir.path().join("key"), key.expose()).unwrap();
        let (store, files) = opened(&dir);
        assert_eq!(last_names(&store), [expected]);
        let mut text = String::new();
        files.read(&files.names().unwrap()[0]).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "an attachment 🦊");
    }
}
