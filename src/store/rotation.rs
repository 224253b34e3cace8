//! Rotation of the data key while the store is in use: the new key is durable in the vault before its first use, older values are
//! sealed again in small steps (journal, records, cursors, files, in this order), and the older key goes when a pass over each
//! found nothing left of it.
//!
//! `journal/resealing` says how far that is, so that a restart need not begin anew: `version 1 | key id u16 | part u8 | seq u64 |
//! id 16 | checksum 16`. It saves work and decides nothing: what it does not know is found by looking again.

use std::time::{Duration, Instant};

use kith_base::{RecordId, Secret};
use parking_lot::Mutex;

use crate::{
    DataKeyNote, Files, KeyCare, KeyReport, KnownRecipient, Recipient, Resealing, Store, StoreError, VaultError,
    folder::{disk_bytes, read_file, remove_file, remove_folder, replace_file},
    journal::format::u64_at,
    records::NotResealed,
};

/// Version byte of the position file.
const POSITION_FORMAT: u8 = 1;
const POSITION_BYTES: usize = 1 + 2 + 1 + 8 + 16 + 16;
/// Steps over records are small; the position need not be written after each.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// Files encrypted anew in one step, in bytes.
const STEP_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Where the work is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Part {
    #[default]
    Begin,
    /// Segments that begin at this entry or later.
    Journal(u64),
    /// Records after this one.
    Records(Option<RecordId>),
    Files,
    End,
}

/// The work as this process knows it.
#[derive(Default)]
pub(crate) struct Work {
    state: Mutex<State>,
    /// Apart from the state, so that asking for it does not wait for a step.
    progress: Mutex<Resealing>,
}

#[derive(Default)]
struct State {
    part: Part,
    /// Something was found in this pass over the part, so another pass has to follow.
    touched: bool,
    /// Files still to be looked at; none: to be listed.
    files: Option<Vec<String>>,
    noted: Option<Instant>,
}

impl KeyCare for Store {
    fn keys(&self) -> KeyReport {
        let known =
            |recipient: Recipient| KnownRecipient { in_use: self.vault.is_in_use(&recipient.recipient), recipient };
        let data_keys: Vec<_> =
            self.vault.data_keys().into_iter().map(|(id, made_ms)| DataKeyNote { id, made_ms }).collect();
        let resealing = (data_keys.len() > 1).then(|| self.work.progress.lock().clone());
        KeyReport { recipients: self.vault.recipients().into_iter().map(known).collect(), data_keys, resealing }
    }

    fn add_recipient(&self, new: Recipient) -> Result<(), VaultError> {
        let _long = self.long.lock();
        self.stop.check()?;
        self.vault.add_recipient(new)
    }

    fn remove_recipient(&self, which: &str) -> Result<Recipient, VaultError> {
        let _long = self.long.lock();
        self.stop.check()?;
        self.vault.remove_recipient(which)
    }

    fn set_passphrase(&self, new: &Secret<String>, now_ms: i64) -> Result<(), VaultError> {
        let _long = self.long.lock();
        self.stop.check()?;
        self.vault.set_passphrase(new, now_ms)
    }

    fn rotate(&self, now_ms: i64) -> Result<(), VaultError> {
        let _long = self.long.lock();
        self.stop.check()?;
        self.vault.begin_rotation(now_ms)?;
        *self.work.state.lock() = State::default();
        *self.work.progress.lock() = Resealing::default();
        let _writer = self.writer.lock();
        self.vault.install()
    }

    fn reseal_step(&self) -> Result<bool, VaultError> {
        let _long = self.long.lock();
        self.stop.check()?;
        if self.vault.data_keys().len() < 2 {
            return Ok(false);
        }
        let done = self.step(&mut self.work.state.lock());
        self.work.progress.lock().failed = done.as_ref().err().map(ToString::to_string);
        done.map_err(|error| match error {
            // Nothing was replaced: with more space, or a mended file, the same step is repeated.
            VaultError::Store(StoreError::DiskFull(_) | StoreError::Damaged { .. }) => error,
            VaultError::Store(error) => self.stop.stop(error).into(),
            error => error,
        })
    }
}

impl Store {
    fn step(&self, state: &mut State) -> Result<bool, VaultError> {
        match state.part {
            Part::Begin => self.begin(state)?,
            Part::Journal(first_seq) => self.step_journal(state, first_seq)?,
            Part::Records(after) => self.step_records(state, after)?,
            Part::Files => self.step_files(state)?,
            Part::End => return self.end(state),
        }
        Ok(true)
    }

    fn begin(&self, state: &mut State) -> Result<(), StoreError> {
        let parts = [self.folder.journal(), self.folder.records(), self.folder.files()];
        self.work.progress.lock().all_bytes = parts.iter().map(|path| disk_bytes(path)).sum();
        {
            // What an older key sealed lies in closed segments from here on.
            let _writer = self.writer.lock();
            self.journal.close_segment()?;
        }
        state.part = self.noted_part()?.unwrap_or(Part::Journal(0));
        // A pass that began before the last stop does not count as one that found nothing.
        state.touched = state.part != Part::Journal(0);
        Ok(())
    }

    fn step_journal(&self, state: &mut State, first_seq: u64) -> Result<(), StoreError> {
        let next = match self.journal.closed_from(first_seq) {
            Some(segment) => {
                if self.journal.reseal(&segment)? {
                    state.touched = true;
                    self.did(std::fs::metadata(&segment.path).map_or(0, |meta| meta.len()));
                }
                Part::Journal(segment.header.first_seq + 1)
            }
            None if std::mem::take(&mut state.touched) => Part::Journal(0),
            None => Part::Records(None),
        };
        self.go_on(state, next, true)
    }

    fn step_records(&self, state: &mut State, after: Option<RecordId>) -> Result<(), StoreError> {
        let _writer = self.writer.lock();
        let step = match self.applier.reseal(after) {
            Ok(step) => step,
            Err(NotResealed::Store(error)) => return Err(error),
            Err(NotResealed::Damaged(why)) => {
                tracing::warn!("the record store is damaged ({why}); it is being rebuilt from the journal");
                self.rebuild()?;
                return self.go_on(state, Part::Records(None), true);
            }
        };
        if step.changed > 0 {
            state.touched = true;
            self.did(step.bytes);
        }
        let next = match step.next {
            Some(_) => Part::Records(step.next),
            None if std::mem::take(&mut state.touched) => Part::Records(None),
            None => Part::Files,
        };
        let due = state.noted.is_none_or(|noted| noted.elapsed() >= NOTE_EVERY);
        self.go_on(state, next, due || step.next.is_none())
    }

    /// Some files; at last the cursors.
    fn step_files(&self, state: &mut State) -> Result<(), StoreError> {
        let files = Files::of(&self.folder, &self.vault);
        let names = match &mut state.files {
            Some(names) => names,
            none => {
                // Whoever was about to give an older key's file its name has done so now; later ones look at the key first.
                drop(self.keys.files_changing.lock());
                none.insert(files.names()?)
            }
        };
        let mut bytes = 0;
        while let Some(name) = names.last()
            && bytes < STEP_FILE_BYTES
        {
            bytes += files.reseal(name)?.unwrap_or(STEP_FILE_BYTES / 256);
            names.pop();
        }
        self.did(bytes);
        if !names.is_empty() {
            return Ok(());
        }
        self.cursors.reseal()?;
        self.go_on(state, Part::End, true)
    }

    /// Nothing is sealed with an older key any more, so it goes.
    fn end(&self, state: &mut State) -> Result<bool, VaultError> {
        // Records that were sealed again may be old again after a power cut, unless they are made durable first.
        self.checkpoint_now()?;
        remove_folder(&self.folder.records_damaged())?;
        crate::upgrade::drop_snapshots(&self.folder)?;
        self.vault.end_rotation()?;
        // Readers that still hold bytes of before have opened them when this returns.
        self.journal.alone(|| self.vault.install())?;
        remove_file(&self.folder.resealing())?;
        *state = State::default();
        Ok(false)
    }

    fn did(&self, bytes: u64) {
        let progress = &mut *self.work.progress.lock();
        progress.done_bytes += bytes;
        progress.all_bytes = progress.all_bytes.max(progress.done_bytes);
    }

    fn go_on(&self, state: &mut State, part: Part, note: bool) -> Result<(), StoreError> {
        state.part = part;
        if note {
            replace_file(&self.folder.resealing(), &self.encode(part))?;
            state.noted = Some(Instant::now());
        }
        Ok(())
    }

    fn encode(&self, part: Part) -> Vec<u8> {
        let (number, seq, id) = match part {
            Part::Begin | Part::Journal(0) => (1, 0, None),
            Part::Journal(seq) => (1, seq, None),
            Part::Records(id) => (2, 0, id),
            Part::Files | Part::End => (3, 0, None),
        };
        let mut out = vec![POSITION_FORMAT];
        out.extend_from_slice(&self.keys.ring().newest().to_le_bytes());
        out.push(number);
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(id.unwrap_or(RecordId([0; 16])).as_bytes());
        out.extend_from_slice(&self.keys.checksum(&[&out]));
        out
    }

    /// Where the work was when the last process ended; none when it has to begin.
    fn noted_part(&self) -> Result<Option<Part>, StoreError> {
        let Some(bytes) = read_file(&self.folder.resealing())? else { return Ok(None) };
        let covered = bytes.len().saturating_sub(16);
        let whole = bytes.len() == POSITION_BYTES && self.keys.checksum(&[&bytes[..covered]]) == bytes[covered..];
        if !whole || bytes[1..3] != self.keys.ring().newest().to_le_bytes() {
            return Ok(None);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[12..28]);
        Ok(match bytes[3] {
            1 => Some(Part::Journal(u64_at(&bytes, 4))),
            2 if id == [0; 16] => Some(Part::Records(None)),
            2 => Some(Part::Records(Some(RecordId(id)))),
            3 => Some(Part::Records(None)),
            _ => None,
        })
    }
}
