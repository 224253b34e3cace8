//! Opens a store and repairs what a crash left: lock, record store, journal, replay, in this order. A record store that
//! cannot be used costs time and is said so; a journal that does not verify is an error.

use std::{collections::HashSet, path::Path, sync::Arc};

use parking_lot::Mutex;

use crate::{
    Anchor, OpenOptions, OpenReport, Store, StoreError, Vault, VerifyReport,
    applier::Applier,
    checking::Check,
    checkpoint::{Checkpoint, Noted},
    cursors::Cursors,
    folder::{Folder, FolderLock, make_folder, remove_file, remove_folder},
    journal::{
        FrameKind, Journal, Known,
        segment::{Segment, parse_name},
    },
    records::{Records, Unusable},
    seal::Keys,
    stop::Stop,
};

pub(crate) fn open(path: &Path, vault: &Vault, options: OpenOptions) -> Result<(Store, OpenReport), StoreError> {
    let (folder, keys) = (Folder(path.to_path_buf()), vault.0.clone());
    make_folder(path)?;
    let lock = FolderLock::take(&folder)?;
    let mut report = OpenReport::default();
    crate::upgrade::run(&folder, vault, &mut report)?;
    let noted = Checkpoint::read(&folder, &keys)?;
    if noted == Noted::Damaged {
        report.notes.push("the checkpoint file was damaged; it is not needed and has been written anew".into());
    }
    let records = match Records::open(&folder, &keys, options.cache_bytes) {
        Err(Unusable::Fatal(error)) => return Err(error),
        other => other,
    };
    let known = known(&folder, &noted, &records);
    let (journal, cut) = Journal::open(&folder.journal(), &keys, options.segment_bytes, known)?;
    report.created = cut.created;
    report.cut_bytes = cut.bytes;
    if cut.bytes > 0 {
        report.notes.push(format!(
            "the last stop left an unfinished write of {} bytes after entry {}; it had not been acknowledged and was cut off",
            cut.bytes,
            journal.head()
        ));
    }
    let records = ready(&folder, &keys, &options, &journal, records, &noted, &mut report)?;
    let (cursors, note) = Cursors::open(&folder, &keys, noted == Noted::Nothing)?;
    report.notes.extend(note);
    if Records::blobs(&folder) > 0 {
        report
            .notes
            .push("store/blobs holds files, which a power cut may break; run kith verify and report this".into());
    }
    remove_folder(&folder.records_new())?;
    if vault.data_keys().len() < 2 {
        // The note of a rotation is the last to go, so it may outlive it when the power goes.
        remove_file(&folder.resealing())?;
    }
    let stop = Arc::new(Stop::default());
    let applier = Applier::start(records, &folder, &keys, &options, &stop, checkpoint_seq(&noted))?;
    let store = Store {
        folder,
        keys,
        vault: vault.clone(),
        work: Default::default(),
        options,
        journal,
        applier,
        cursors,
        stop,
        writer: Mutex::new(()),
        long: Mutex::new(()),
        lock: Mutex::new(Some(lock)),
    };
    if store.folder.erasing().exists() {
        report.notes.push("an erasure had been interrupted; it has been carried out to its end".into());
        resume_erasing(&store)?;
    }
    if !matches!(noted, Noted::At(_)) {
        // From now on a missing or shortened journal cannot pass for a new one.
        store.checkpoint_now()?;
    }
    report.notes.iter().for_each(|note| tracing::warn!("{note}"));
    Ok((store, report))
}

fn checkpoint_seq(noted: &Noted) -> u64 {
    if let Noted::At(checkpoint) = noted { checkpoint.seq } else { 0 }
}

/// How far the journal must reach, as checkpoint and records remember it.
fn known(folder: &Folder, noted: &Noted, records: &Result<Records, Unusable>) -> Known {
    let applied = records.as_ref().map_or(0, |records| records.state().seq);
    let checkpoint = if let Noted::At(checkpoint) = noted { Some((checkpoint.seq, checkpoint.chain)) } else { None };
    let was_used = checkpoint.is_some() || folder.records().exists();
    Known { seq: applied.max(checkpoint_seq(noted)), checkpoint, was_used }
}

/// The record store at the journal's head, rebuilt where it has to be.
fn ready(
    folder: &Folder,
    keys: &Arc<Keys>,
    options: &OpenOptions,
    journal: &Journal,
    records: Result<Records, Unusable>,
    noted: &Noted,
    report: &mut OpenReport,
) -> Result<Records, StoreError> {
    let why = match records {
        Ok(mut records) => match follow(&mut records, journal, noted, report)? {
            None => return Ok(records),
            Some(why) => Some(why),
        },
        Err(Unusable::Missing) if journal.head() == 0 => None,
        Err(Unusable::Missing) => Some("it was missing or had never been finished".to_string()),
        Err(Unusable::Damaged(why)) => Some(why),
        Err(Unusable::Fatal(error)) => return Err(error),
    };
    let built = Records::build(folder, keys, options.cache_bytes, journal)?;
    if let Some(why) = why {
        report.rebuilt = true;
        report.notes.push(format!(
            "the record store could not be used ({why}) and was rebuilt from the journal; nothing is lost, and store.damaged may be deleted"
        ));
    }
    Ok(built)
}

/// Replays what the records lack; says why when they cannot follow the journal.
fn follow(
    records: &mut Records,
    journal: &Journal,
    noted: &Noted,
    report: &mut OpenReport,
) -> Result<Option<String>, StoreError> {
    let state = records.state();
    if let Noted::At(checkpoint) = noted {
        if state.seq == checkpoint.seq && state.part == 0 && state.digest.to_bytes() != checkpoint.digest {
            return Ok(Some("its digest is not the one of the last checkpoint".into()));
        }
        if state.seq < checkpoint.seq {
            let seq = checkpoint.seq;
            return Ok(Some(format!("it was at entry {}, though entry {seq} had been made durable in it", state.seq)));
        }
    }
    match records.catch_up(journal) {
        Ok(entries) => {
            report.replayed = entries;
            Ok(None)
        }
        Err(StoreError::ScanAgain) => Ok(Some("it was not made from this journal".into())),
        // sled failed while being written; a fresh one may do better, and a full disk shows again there.
        Err(StoreError::Io { cause, .. }) => Ok(Some(cause)),
        Err(error) => Err(error),
    }
}

/// Carries out every erasure the journal names; those that are done already cost only the reading.
fn resume_erasing(store: &Store) -> Result<(), StoreError> {
    let mut erasures = Vec::new();
    store.journal.replay(0, None, &mut |replayed| {
        if replayed.frame.kind == FrameKind::Erasure {
            let ids: HashSet<_> = replayed.frame.rows.iter().map(|row| row.id).collect();
            erasures.push((replayed.frame.seq, ids));
        }
        Ok(())
    })?;
    store.finish_erasing(&erasures)
}

/// Verifies a folder whose journal may be too damaged to open. The records are not compared.
pub(crate) fn inspect(
    path: &Path,
    vault: &Vault,
    anchors: &[Anchor],
    progress: &mut dyn FnMut(u64, u64),
) -> Result<VerifyReport, StoreError> {
    let (folder, keys) = (Folder(path.to_path_buf()), vault.0.clone());
    let _lock = FolderLock::take(&folder)?;
    let mut check = Check::new(&keys, &folder).with_anchors(anchors);
    let journal = folder.journal();
    let list = std::fs::read_dir(&journal).map_err(crate::error::at(&journal))?;
    let mut names: Vec<u64> =
        list.flatten().filter_map(|item| parse_name(&item.file_name().to_string_lossy())).collect();
    names.sort_unstable();
    let mut segments = Vec::new();
    for first in names {
        let name = crate::journal::segment::file_name(first);
        match Segment::open(&journal.join(&name), first, &keys) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(error) => check.note(format!("journal/{name}"), error.to_string()),
        }
    }
    check.journal(&segments, (0, 0), progress)?;
    // The records are made from the journal, so they can only tell that it was longer once.
    if let Ok(records) = Records::open(&folder, &keys, OpenOptions::default().cache_bytes) {
        check.reaches(records.state().seq);
    }
    Ok(check.finish())
}
