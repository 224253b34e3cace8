//! The one thread that writes to the record store. It gets groups that are durable in the journal, applies them in order and
//! makes checkpoints. It never reads the journal and never decides what is durable.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use kith_base::RecordId;
use parking_lot::Mutex;

use crate::{
    OpenOptions, StoreError,
    checkpoint::Checkpoint,
    error::from_io,
    folder::Folder,
    journal::Mark,
    records::{Job, NotResealed, Records, Resealed},
    seal::Keys,
    stop::Stop,
};

/// Groups that may wait for the record store. Beyond it, writers wait: memory stays bounded.
const GROUPS_WAITING: usize = 64;
/// How long small groups gather before they go into the record store as one. Nobody waits for them there; each batch makes sled sync
/// once or twice, and those syncs would hold up the journal's, which somebody does wait for.
const GATHER: Duration = Duration::from_millis(100);
/// How often the thread looks for what came meanwhile: other commands wait that long at most.
const GATHER_STEP: Duration = Duration::from_millis(5);
/// Changes that are enough for a batch.
const GATHER_BELOW_CHANGES: usize = 1_024;
/// How often an idle thread looks whether a checkpoint is due.
const IDLE: Duration = Duration::from_millis(500);

enum Command {
    Apply(Vec<Job>),
    /// Answers once everything before it is applied and durable.
    Checkpoint(Sender<Result<Mark, StoreError>>),
    /// Answers with a second handle once everything before it is applied.
    Lend(Sender<Option<Records>>),
    /// Seals some records again, after everything before it is applied.
    Reseal(Option<RecordId>, Sender<Option<Result<Resealed, NotResealed>>>),
    /// Gives the records up.
    Take(Sender<Option<Records>>),
    Put(Records),
    End,
}

pub(crate) struct Applier {
    to: Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
    noted: Arc<Noted>,
}

/// What the thread tells.
#[derive(Default)]
struct Noted {
    checkpoint_seq: AtomicU64,
    /// The last checkpoint's mark, until it is in the journal.
    mark: Mutex<Option<Mark>>,
}

impl Applier {
    pub fn start(
        records: Records,
        folder: &Folder,
        keys: &Arc<Keys>,
        options: &OpenOptions,
        stop: &Arc<Stop>,
        checkpoint_seq: u64,
    ) -> Result<Applier, StoreError> {
        let (to, from) = bounded(GROUPS_WAITING);
        let noted = Arc::new(Noted { checkpoint_seq: checkpoint_seq.into(), mark: Mutex::default() });
        let work = Work {
            records: Some(records),
            folder: folder.clone(),
            keys: keys.clone(),
            options: options.clone(),
            stop: stop.clone(),
            noted: noted.clone(),
            groups: 0,
            dirty_since: None,
            time_ms: 0,
        };
        let thread = std::thread::Builder::new().name("records".into()).spawn(move || work.run(&from));
        let thread = thread.map_err(|error| from_io("records", &error))?;
        Ok(Applier { to, thread: Mutex::new(Some(thread)), noted })
    }

    /// Hands over a durable group. Waits when the record store lags far behind.
    pub fn apply(&self, jobs: Vec<Job>) -> Result<(), StoreError> {
        self.send(Command::Apply(jobs))
    }

    pub fn checkpoint(&self) -> Result<Mark, StoreError> {
        let (tell, told) = bounded(1);
        self.send(Command::Checkpoint(tell))?;
        told.recv().unwrap_or_else(|_| Err(ended()))
    }

    pub fn lend(&self) -> Result<Records, StoreError> {
        let (tell, told) = bounded(1);
        self.send(Command::Lend(tell))?;
        told.recv().ok().flatten().ok_or_else(ended)
    }

    /// Seals some records after `after` again.
    pub fn reseal(&self, after: Option<RecordId>) -> Result<Resealed, NotResealed> {
        let (tell, told) = bounded(1);
        self.send(Command::Reseal(after, tell)).map_err(NotResealed::Store)?;
        told.recv().ok().flatten().unwrap_or_else(|| Err(NotResealed::Store(ended())))
    }

    pub fn take(&self) -> Result<Records, StoreError> {
        let (tell, told) = bounded(1);
        self.send(Command::Take(tell))?;
        told.recv().ok().flatten().ok_or_else(ended)
    }

    pub fn put(&self, records: Records) -> Result<(), StoreError> {
        self.send(Command::Put(records))
    }

    pub fn mark(&self) -> Option<Mark> {
        *self.noted.mark.lock()
    }

    /// `mark` is in the journal now.
    pub fn marked(&self, mark: Mark) {
        let mut waiting = self.noted.mark.lock();
        if *waiting == Some(mark) {
            *waiting = None;
        }
    }

    pub fn checkpoint_seq(&self) -> u64 {
        self.noted.checkpoint_seq.load(Ordering::Acquire)
    }

    pub fn behind_groups(&self) -> u64 {
        self.to.len() as u64
    }

    /// Ends the thread after what is queued, and waits until the record store is closed.
    pub fn end(&self) {
        if let Some(thread) = self.thread.lock().take() {
            // Both only fail when the thread is gone already, which is what is wanted.
            let _ = self.to.send(Command::End);
            let _ = thread.join();
        }
    }

    fn send(&self, command: Command) -> Result<(), StoreError> {
        self.to.send(command).map_err(|_| ended())
    }
}

fn changes_of(jobs: &[Job]) -> usize {
    jobs.iter().map(|job| job.changes.len()).sum()
}

fn ended() -> StoreError {
    StoreError::Stopped("the record store's thread has ended".into())
}

struct Work {
    records: Option<Records>,
    folder: Folder,
    keys: Arc<Keys>,
    options: OpenOptions,
    stop: Arc<Stop>,
    noted: Arc<Noted>,
    groups: u32,
    dirty_since: Option<Instant>,
    time_ms: i64,
}

impl Work {
    fn run(mut self, from: &Receiver<Command>) {
        let mut next = None;
        loop {
            let command = match next.take() {
                Some(command) => Ok(command),
                None => from.recv_timeout(IDLE),
            };
            match command {
                Ok(Command::End) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => next = self.obey(command, from),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let due = Duration::from_millis(self.options.checkpoint_ms);
            let waited = self.dirty_since.is_some_and(|since| since.elapsed() >= due);
            if (waited || self.groups >= self.options.checkpoint_groups) && self.stop.check().is_ok() {
                // Kept by `stop` when it fails.
                let _ = self.checkpoint();
            }
        }
    }

    /// Applies a group together with those right behind it; gives back the command that ended the gathering.
    fn apply(&mut self, mut jobs: Vec<Job>, from: &Receiver<Command>) -> Option<Command> {
        let (mut groups, mut next) = (1, None);
        let mut changes = changes_of(&jobs);
        let until = Instant::now() + GATHER;
        let has_room = |groups: u32, changes: usize| groups < GROUPS_WAITING as u32 && changes < GATHER_BELOW_CHANGES;
        while next.is_none() && has_room(groups, changes) && Instant::now() < until {
            std::thread::sleep(GATHER_STEP);
            while next.is_none() && has_room(groups, changes) {
                match from.try_recv() {
                    Ok(Command::Apply(more)) => {
                        changes += changes_of(&more);
                        jobs.extend(more);
                        groups += 1;
                    }
                    Ok(other) => next = Some(other),
                    Err(_) => break,
                }
            }
        }
        // After an error the journal alone is right; groups that still wait are replayed at the next start.
        if self.stop.check().is_ok()
            && let Some(records) = &mut self.records
        {
            match records.apply_caught(&jobs) {
                Ok(()) => self.applied(groups, &jobs),
                Err(error) => drop(self.stop.stop(error)),
            }
        }
        next
    }

    /// Does what it is told; gives back a command that came along and is still to be done.
    fn obey(&mut self, command: Command, from: &Receiver<Command>) -> Option<Command> {
        match command {
            Command::Apply(jobs) => return self.apply(jobs, from),
            Command::Checkpoint(tell) => drop(tell.send(self.checkpoint())),
            Command::Lend(tell) => drop(tell.send(self.records.as_ref().map(Records::lend))),
            Command::Reseal(after, tell) => drop(tell.send(self.records.as_ref().map(|records| records.reseal(after)))),
            Command::Take(tell) => drop(tell.send(self.records.take())),
            Command::Put(records) => self.records = Some(records),
            Command::End => {}
        }
        None
    }

    fn applied(&mut self, groups: u32, jobs: &[Job]) {
        self.groups += groups;
        self.dirty_since.get_or_insert_with(Instant::now);
        self.time_ms = jobs.last().map_or(self.time_ms, |job| job.time_ms);
    }

    fn checkpoint(&mut self) -> Result<Mark, StoreError> {
        self.stop.check()?;
        let records = self.records.as_ref().ok_or_else(ended)?;
        let path = self.folder.records().display().to_string();
        let flushed = catch_unwind(AssertUnwindSafe(|| records.flush()))
            .unwrap_or(Err(StoreError::Io { path, cause: "the record store failed while syncing".into() }));
        let state = records.state();
        let checkpoint = Checkpoint { seq: state.seq, chain: state.chain, digest: state.digest.to_bytes() };
        flushed.and_then(|()| checkpoint.write(&self.folder, &self.keys)).map_err(|error| self.stop.stop(error))?;
        let mark = Mark { seq: state.seq, digest: checkpoint.digest, time_ms: self.time_ms };
        if self.dirty_since.take().is_some() {
            *self.noted.mark.lock() = Some(mark);
        }
        self.groups = 0;
        self.noted.checkpoint_seq.store(state.seq, Ordering::Release);
        Ok(mark)
    }
}
