//! Frames that are copied and written again are the same journal, whole or cut short; anything else is refused.

use super::*;
use crate::{ChangeDraft, EntryDraft, Lock, OpenOptions, Storage, new_identity};

const SEGMENT: u64 = 16 * 1024;

fn options() -> OpenOptions {
    OpenOptions { segment_bytes: SEGMENT, checkpoint_groups: 7, ..OpenOptions::default() }
}

fn id(n: u32) -> RecordId {
    RecordId::new(u64::from(n), [7; 10])
}

struct Bench {
    dir: tempfile::TempDir,
    vault: Vault,
    store: Store,
}

impl Bench {
    fn new(entries: u64) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let store = Store::open(dir.path(), &vault, options()).unwrap().0;
        let bench = Bench { dir, vault, store };
        bench.write(entries);
        bench
    }

    fn write(&self, entries: u64) {
        for _ in 0..entries {
            let n = self.store.head();
            let change = |k: u32| ChangeDraft {
                id: id(k),
                version: n / 10 + 1,
                prev_seq: n.saturating_sub(10),
                value: format!("value {n} of {k}").into_bytes(),
            };
            let changes = vec![change((n % 10) as u32)];
            self.store.append(n, vec![EntryDraft { time_ms: n as i64 * 1000, head: vec![1], changes }]).unwrap();
        }
    }

    fn copied(&self, after: u64, until: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut take = |_: &FrameNote, frame: &[u8]| {
            bytes.extend_from_slice(frame);
            Ok(())
        };
        self.store.copy_journal(after, until, &mut take).unwrap();
        bytes
    }

    fn fresh(&self) -> (tempfile::TempDir, JournalWriter) {
        let dir = tempfile::tempdir().unwrap();
        let writer = JournalWriter::create(dir.path(), &self.vault, SEGMENT).unwrap();
        (dir, writer)
    }
}

fn content(store: &Store) -> Vec<(RecordId, u64, u64, Vec<u8>)> {
    let mut all = Vec::new();
    store.scan(&mut |id, version, seq, value| all.push((id, version, seq, value.to_vec()))).unwrap();
    all
}

#[test]
fn copied_frames_make_the_same_store_in_one_piece_or_in_increments() {
    let bench = Bench::new(300);
    let (first, second) = (bench.copied(0, 120), bench.copied(120, 300));
    let (dir, mut writer) = bench.fresh();
    writer.push(&first, &mut |_| true).unwrap();
    writer.push(&second, &mut |_| true).unwrap();
    let (seq, hash) = writer.finish().unwrap();
    assert_eq!((seq, hash), (300, bench.store.read_from(300, 1).unwrap()[0].hash));
    bench.vault.write(dir.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
    let store = Store::open(dir.path(), &bench.vault, options()).unwrap().0;
    assert_eq!(content(&store), content(&bench.store));
    assert_eq!(store.read_from(1, usize::MAX).unwrap(), bench.store.read_from(1, usize::MAX).unwrap());
    assert!(store.stats().segments > 2, "the copy has segments of its own");
    let report = store.verify(&mut |_, _| {}).unwrap();
    assert!(report.findings.iter().all(|finding| finding.place == "vault.age"), "{:?}", report.findings);
    assert_eq!(bench.store.copy_journal(300, 300, &mut |_, _| Ok(())).unwrap().0, hash);
    assert!(bench.store.copy_journal(300, 301, &mut |_, _| Ok(())).is_err());
}

#[test]
fn a_copy_can_stop_at_any_entry_and_goes_on_from_there() {
    let bench = Bench::new(60);
    let all = bench.copied(0, 60);
    for stop in [0, 1, 7, 33, 60] {
        let (dir, mut writer) = bench.fresh();
        writer.push(&all, &mut |frame| !frame.is_entry || frame.seq <= stop).unwrap();
        assert_eq!(writer.given().0, 60);
        assert_eq!(writer.finish().unwrap().0, stop);
        let store = Store::open(dir.path(), &bench.vault, options()).unwrap().0;
        assert_eq!(store.head(), stop);
        let expected = bench.store.read_from(1, stop as usize).unwrap();
        assert_eq!(store.read_from(1, usize::MAX).unwrap(), expected);
        let draft = EntryDraft { time_ms: 1, head: vec![], changes: vec![] };
        assert_eq!(store.append(stop, vec![draft]).unwrap(), [stop + 1]);
    }
}

#[test]
fn what_is_not_the_next_frame_is_refused() {
    let bench = Bench::new(40);
    let all = bench.copied(0, 40);
    let later = bench.copied(20, 40);
    let (_dir, mut writer) = bench.fresh();
    assert_eq!(writer.push(&later, &mut |_| true).unwrap_err().code(), "store.damaged");
    let (_dir, mut writer) = bench.fresh();
    assert_eq!(writer.push(&all[..all.len() - 1], &mut |_| true).unwrap_err().code(), "store.damaged");
    for byte in (0..all.len()).step_by(97) {
        let mut bad = all.clone();
        bad[byte] ^= 1;
        let (_dir, mut writer) = bench.fresh();
        // Where a frame lay in its old segment is all that may differ without notice, and it is under the checksum too.
        assert!(writer.push(&bad, &mut |_| true).is_err(), "byte {byte}");
    }
    let stranger = Bench::new(1);
    let mut writer = JournalWriter::create(stranger.dir.path().join("x").as_path(), &stranger.vault, SEGMENT).unwrap();
    assert!(writer.push(&all, &mut |_| true).is_err());
}

#[test]
fn erasures_are_named_and_copied_as_gaps() {
    let bench = Bench::new(30);
    let seq = bench.store.erase(&[id(3), id(4)], vec![9], 77).unwrap();
    bench.write(5);
    let notes = bench.store.erasures(0).unwrap();
    assert_eq!(notes, [ErasureNote { seq, time_ms: 77, ids: vec![id(3), id(4)] }]);
    assert!(bench.store.erasures(seq).unwrap().is_empty());
    let head = bench.store.head();
    let (dir, mut writer) = bench.fresh();
    let mut erased = 0;
    let frames = bench.copied(0, head);
    writer
        .push(&frames, &mut |frame| {
            erased += usize::from(frame.is_erasure);
            true
        })
        .unwrap();
    writer.finish().unwrap();
    let store = Store::open(dir.path(), &bench.vault, options()).unwrap().0;
    assert_eq!((erased, content(&store)), (1, content(&bench.store)));
}

#[test]
fn what_was_copied_before_an_erasure_is_gone_after_the_first_opening() {
    let bench = Bench::new(30);
    let before = bench.copied(0, 30);
    let seq = bench.store.erase(&[id(3)], vec![9], 77).unwrap();
    let (dir, mut writer) = bench.fresh();
    writer.push(&before, &mut |_| true).unwrap();
    writer.push(&bench.copied(30, seq), &mut |_| true).unwrap();
    writer.finish().unwrap();
    let store = Store::open(dir.path(), &bench.vault, options()).unwrap().0;
    assert_eq!(content(&store), content(&bench.store));
    assert_eq!(store.read_change(4, id(3)).unwrap().unwrap().1.value, None);
    let report = store.verify(&mut |_, _| {}).unwrap();
    assert!(report.findings.iter().all(|finding| finding.place == "vault.age"), "{:?}", report.findings);
}

#[test]
fn only_an_empty_folder_is_free() {
    let dir = tempfile::tempdir().unwrap();
    assert!(is_free(dir.path()).unwrap() && is_free(&dir.path().join("none")).unwrap());
    std::fs::write(dir.path().join("x"), "x").unwrap();
    assert!(!is_free(dir.path()).unwrap());
}
