//! Whatever is wrong with a backup or with the place it goes to is said in clear words, and loses nothing.

use std::{
    fs,
    io::{self, Read, Write},
};

use proptest::prelude::*;

use super::*;
use crate::{Base, Head, read_head, verify};
use kith_store::SealedWriter;

/// The tar inside a backup.
fn inside(path: &Path, identity: &Secret<String>) -> Vec<u8> {
    let mut plain = Vec::new();
    crate::chain::open(path, identity).unwrap().read_to_end(&mut plain).unwrap();
    plain
}

fn sealed(recipient: &str, plain: &[u8]) -> Vec<u8> {
    let mut out = SealedWriter::new(&[recipient.to_string()], Vec::new()).unwrap();
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

fn check(bench: &Bench, path: &Path) -> Result<crate::Checked, BackupError> {
    verify(path, bench.dir.path(), &bench.identity, 1, &mut |_, _| {})
}

#[test]
fn a_flipped_bit_or_a_cut_anywhere_is_found() {
    let bench = Bench::new();
    (0..30).for_each(|n| drop(bench.person(&format!("Person {n}"))));
    let path = bench.take(Kind::Full).path().unwrap();
    check(&bench, &path).unwrap();
    let good = fs::read(&path).unwrap();
    let step = good.len() / 40;
    for at in (0..good.len()).step_by(step).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 4;
        fs::write(&path, &bad).unwrap();
        let error = check(&bench, &path).err().unwrap_or_else(|| panic!("byte {at}"));
        assert!(["backup.damaged", "backup.wrong_identity"].contains(&error.code()), "byte {at}: {error}");
    }
    for length in (0..good.len()).step_by(step).chain([good.len() - 1]) {
        fs::write(&path, &good[..length]).unwrap();
        assert!(check(&bench, &path).is_err(), "{length} bytes");
    }
    // The same inside the seal: somebody with the recipient can make such a file.
    let plain = {
        fs::write(&path, &good).unwrap();
        inside(&path, &bench.identity)
    };
    for at in (0..plain.len()).step_by(plain.len() / 60) {
        let mut bad = plain.clone();
        bad[at] ^= 1;
        fs::write(&path, sealed(&bench.recipient, &bad)).unwrap();
        if let Ok(checked) = check(&bench, &path) {
            assert_eq!(checked.restored.records, bench_records(&good, &path, &bench), "byte {at}");
        }
    }
}

/// Some bytes of a tar's own headers mean nothing; then what comes out must be what went in.
fn bench_records(good: &[u8], path: &Path, bench: &Bench) -> u64 {
    fs::write(path, good).unwrap();
    check(bench, path).unwrap().restored.records
}

#[test]
fn a_wrong_identity_a_newer_format_and_other_files_are_told_apart() {
    let bench = Bench::new();
    let path = bench.take(Kind::Full).path().unwrap();
    let stranger = new_identity().0;
    let error = verify(&path, bench.dir.path(), &stranger, 1, &mut |_, _| {}).err().unwrap();
    assert_eq!(error.code(), "backup.wrong_identity");
    assert!(error.to_string().contains("--identity"), "{error}");
    let text = Secret::new("not a key".to_string());
    assert_eq!(read_head(&path, &text).err().unwrap().code(), "vault.bad_key_file");

    let mut head = read_head(&path, &bench.identity).unwrap();
    head.format = 2;
    let newer = archive_of(&serde_json::to_vec(&head).unwrap());
    fs::write(&path, sealed(&bench.recipient, &newer)).unwrap();
    let error = check(&bench, &path).err().unwrap();
    assert_eq!(error.code(), "backup.newer_format");
    assert!(error.to_string().contains("format 2"), "{error}");

    head.format = 1;
    let wrong = Head {
        builds_on: Some(Base { id: "x".into(), first_seq: 1, last_seq: u64::MAX, last_hash: "".into() }),
        ..head
    };
    fs::write(&path, sealed(&bench.recipient, &archive_of(&serde_json::to_vec(&wrong).unwrap()))).unwrap();
    assert_eq!(check(&bench, &path).err().unwrap().code(), "backup.damaged");
    for content in [&b""[..], b"plain text", b"age-encryption.org/v1\n"] {
        fs::write(&path, content).unwrap();
        assert_eq!(check(&bench, &path).err().unwrap().code(), "backup.damaged");
    }
    assert_eq!(check(&bench, Path::new("/does/not/exist")).err().unwrap().code(), "backup.source");
}

fn archive_of(head: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(head.len() as u64);
    tar.append_data(&mut header, crate::manifest::HEAD, head).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn a_folder_that_is_in_use_is_left_alone() {
    let bench = Bench::new();
    let path = bench.take(Kind::Full).path().unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.txt"), "mine").unwrap();
    let lock = lock();
    let options = Options { identity: &bench.identity, until: Until::End, erasures: &[], lock: &lock, now_ms: 1 };
    let error = restore(&path, dir.path(), &options, &mut |_, _| {}).unwrap_err();
    assert_eq!(error.code(), "backup.not_empty");
    fs::remove_file(dir.path().join("mine.txt")).unwrap();
    let bad = bench.dir.path().join("bad.age");
    let plain = inside(&path, &bench.identity);
    let cut = plain.len() * 3 / 4;
    fs::write(&bad, sealed(&bench.recipient, &plain[..cut])).unwrap();
    assert!(restore(&bad, dir.path(), &options, &mut |_, _| {}).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "what failed leaves nothing behind");
}

struct Full(usize);

impl Write for Full {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        if self.0 < from.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= from.len();
        Ok(from.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_fails_the_backup_and_nothing_else() {
    let bench = Bench::new();
    (0..50).for_each(|n| drop(bench.person(&format!("Person {n}"))));
    for room in [0, 100, 5_000, 40_000] {
        let job = run::begin_stream(&bench.engine, &Actor::cli(), "", &bench.wanted(Kind::Full)).unwrap();
        let error = job.stream(&bench.engine, &mut Full(room), &|| false).unwrap_err();
        assert!(
            ["backup.target", "vault.", "store.disk_full"].iter().any(|code| error.code().starts_with(code)),
            "{error}"
        );
    }
    let entries = crate::catalog::all(&bench.engine).unwrap();
    assert!(entries.iter().all(|entry| entry.state == crate::catalog::State::Failed && !entry.message.is_empty()));
    fs::write(bench.dir.path().join("file"), "no folder").unwrap();
    let wanted = bench.wanted(Kind::Full);
    let place = bench.dir.path().join("file/backups");
    let error = run::create_into(&bench.engine, &Actor::cli(), &place, &wanted, &|| false).unwrap_err();
    assert_eq!(error.code(), "backup.target");
    bench.person("Goes on");
    check(&bench, &bench.take(Kind::Full).path().unwrap()).unwrap();
}

#[test]
fn what_is_broken_off_leaves_no_file() {
    let bench = Bench::new();
    (0..50).for_each(|n| drop(bench.person(&format!("Person {n}"))));
    let looks = std::cell::Cell::new(0);
    let stop = || {
        looks.set(looks.get() + 1);
        looks.get() > 6
    };
    let wanted = bench.wanted(Kind::Full);
    let error = run::create_into(&bench.engine, &Actor::cli(), &bench.folder(), &wanted, &stop).unwrap_err();
    assert_eq!(error.code(), "backup.stopping");
    assert_eq!(fs::read_dir(bench.folder()).unwrap().count(), 0);
}

#[test]
fn a_backup_goes_only_to_recovery_keys_and_never_into_the_data_folder() {
    let bench = Bench::new();
    let take = |folder: &Path, recipients: Vec<String>| {
        let wanted = Wanted { kind: Kind::Full, recipients, scheduled: false };
        run::create_into(&bench.engine, &Actor::cli(), folder, &wanted, &|| false).err().unwrap().code()
    };
    assert_eq!(take(&bench.folder(), vec![]), "backup.no_recipient");
    assert_eq!(take(&bench.folder(), vec!["age1nonsense".into()]), "vault.bad_recipient");
    let inside = bench.dir.path().join("data/files/backups");
    assert_eq!(take(&inside, vec![bench.recipient.clone()]), "backup.inside");
    assert!(!bench.folder().exists() && !inside.exists());
    assert!(crate::catalog::all(&bench.engine).unwrap().is_empty());
}

#[test]
fn nothing_is_readable_in_the_folder_of_backups() {
    let bench = Bench::new();
    bench.person("Lovelace-Ørsted");
    bench.attach("gearwheel.txt", b"brass and steel");
    bench.take(Kind::Full);
    bench.take(Kind::Incremental);
    let mut seen = 0;
    for item in fs::read_dir(bench.folder()).unwrap().flatten() {
        let bytes = fs::read(item.path()).unwrap();
        for word in ["Lovelace", "gearwheel", "brass", "people", "last_name"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {:?}", item.path());
        }
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(item.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", item.path());
        seen += 1;
    }
    assert_eq!(seen, 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4_000), cut in 0usize..4_000) {
        let (identity, recipient) = new_identity();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.age");
        // Outside the seal, inside it, and behind a head that is right.
        let head = br#"{"format":1,"kith":"0","id":"a","vault":"b","created_at":"c","kind":"full","builds_on":null,"first_seq":1,"last_seq":9}"#;
        let mut behind = archive_of(head);
        behind.truncate(1024);
        behind.extend_from_slice(&bytes);
        let mut cut_off = sealed(&recipient, &bytes);
        cut_off.truncate(cut);
        for content in [bytes.clone(), sealed(&recipient, &bytes), sealed(&recipient, &behind), cut_off] {
            fs::write(&path, content).unwrap();
            prop_assert!(read_head(&path, &identity).is_err());
            let checked = verify(&path, dir.path(), &identity, 1, &mut |_, _| {});
            prop_assert!(checked.is_err());
            prop_assert!(crate::erasures::read(&path, &identity, "b").is_err());
        }
    }
}
