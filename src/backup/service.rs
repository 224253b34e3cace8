//! Backups inside the server: one at a time, by hand or by schedule, at a gentle priority, ended cleanly when the server stops. Keeps
//! the list of erasures beside the backups up to date.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use kith_base::RecordId;
use kith_engine::{Actor, Engine, read::rfc3339};
use parking_lot::{Condvar, Mutex};

use crate::{
    BackupError,
    catalog::{self, Entry, State},
    erasures,
    run::{self, Job, Wanted},
    schedule::{self, Schedule},
};

/// Between two looks at the schedule.
const EVERY: Duration = Duration::from_secs(15);

/// How much a backup steps back behind those who wait for an answer.
const NICE: i32 = 10;

/// The backups of one running server.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

struct Inner {
    engine: Engine,
    /// Held while one is taken.
    turn: AtomicBool,
    stopping: AtomicBool,
    asleep: Mutex<()>,
    wake: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
    failures: AtomicU64,
    /// The newest erasure that the list beside the backups has.
    listed: AtomicU64,
}

/// How backups are doing, for figures and `doctor`.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pub enabled: bool,
    pub recipients: usize,
    pub folder: Option<String>,
    /// When the newest one that succeeded was taken; milliseconds since 1970.
    pub newest_ms: Option<i64>,
    /// What the last one said, when it failed.
    pub failed: Option<String>,
    /// The folder lies on the disk it is to protect against.
    pub same_disk: bool,
    /// What the schedule itself has wrong.
    pub problem: Option<String>,
}

impl Health {
    /// Looks at the list and the schedule.
    ///
    /// # Errors
    /// What the store says.
    pub fn of(engine: &Engine) -> Result<Health, BackupError> {
        let (schedule, problem) = match Schedule::of(engine) {
            Ok(schedule) => (schedule, None),
            Err(error) => (Schedule::default(), Some(error.to_string())),
        };
        let entries = catalog::all(engine)?;
        let newest = entries.iter().filter(|entry| entry.state == State::Done).map(|entry| entry.created_at).max();
        let last = entries.iter().rev().find(|entry| matches!(entry.state, State::Done | State::Failed));
        let failed = last.filter(|entry| entry.state == State::Failed).map(|entry| entry.message.clone());
        let data = engine.storage().backup_source().map(|source| source.folder().to_path_buf());
        let same_disk = match (&data, &schedule.folder) {
            (Some(data), Some(folder)) => device(data).is_some() && device(data) == device(Path::new(folder)),
            _ => false,
        };
        Ok(Health {
            enabled: schedule.enabled,
            recipients: schedule::recipients(engine, &[]).map_or(0, |recipients| recipients.len()),
            folder: schedule.folder,
            newest_ms: newest,
            failed,
            same_disk,
            problem,
        })
    }
}

impl Health {
    /// As the API and the command line show it.
    pub fn shown(&self, now_ms: i64) -> serde_json::Value {
        serde_json::json!({
            "enabled": self.enabled, "folder": self.folder, "recipients": self.recipients,
            "newest_at": self.newest_ms.map(rfc3339),
            "newest_age_seconds": self.newest_ms.map(|newest| (now_ms - newest).max(0) / 1000),
            "failed": self.failed, "same_disk": self.same_disk, "problem": self.problem,
        })
    }
}

/// The disk of a path, or of what is there of the way to it.
fn device(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    path.ancestors().find_map(|part| part.metadata().ok()).map(|about| about.dev())
}

impl Backups {
    pub fn new(engine: Engine) -> Backups {
        Backups(Arc::new(Inner {
            engine,
            turn: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            asleep: Mutex::new(()),
            wake: Condvar::new(),
            threads: Mutex::default(),
            failures: AtomicU64::new(0),
            listed: AtomicU64::new(0),
        }))
    }

    /// Starts looking at the schedule, on a thread of its own.
    pub fn start(&self) {
        let this = self.clone();
        self.spawn("kith-backup", move || {
            if let Err(error) = catalog::settle(&this.0.engine) {
                tracing::error!(code = error.code(), %error, "the list of backups could not be put in order");
            }
            while !this.0.stopping.load(Ordering::Relaxed) {
                this.tick();
                let mut asleep = this.0.asleep.lock();
                if !this.0.stopping.load(Ordering::Relaxed) {
                    this.0.wake.wait_for(&mut asleep, EVERY);
                }
            }
        });
    }

    /// Breaks off what is under way and waits for its end.
    pub fn stop(&self) {
        {
            let _asleep = self.0.asleep.lock();
            self.0.stopping.store(true, Ordering::Relaxed);
            self.0.wake.notify_all();
        }
        let threads = std::mem::take(&mut *self.0.threads.lock());
        for thread in threads {
            // A panic there was reported by the runtime; the file it left is removed by the next run.
            drop(thread.join());
        }
    }

    /// Backups by schedule that failed since the start.
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        let started = std::thread::Builder::new().name(name.into()).spawn(move || {
            // Without the right to step back it runs like everybody else.
            let _ = rustix::process::nice(NICE);
            work();
        });
        match started {
            Ok(thread) => {
                let mut threads = self.0.threads.lock();
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => tracing::error!(%error, "a thread for backups could not be started"),
        }
    }

    fn take_turn(&self) -> Result<Turn, BackupError> {
        if self.0.stopping.load(Ordering::Relaxed) {
            return Err(BackupError::Stopping);
        }
        match self.0.turn.swap(true, Ordering::AcqRel) {
            true => Err(BackupError::Busy),
            false => Ok(Turn(self.0.clone())),
        }
    }

    /// Starts a backup in the schedule's folder, or in `folder`, and returns its record; it is taken in the background.
    ///
    /// # Errors
    /// `backup.busy`, `backup.no_folder`, and as `run::begin_in`.
    pub fn start_one(&self, actor: &Actor, folder: Option<&Path>, wanted: &Wanted) -> Result<RecordId, BackupError> {
        let turn = self.take_turn()?;
        let engine = self.0.engine.clone();
        let folder = match folder {
            Some(folder) => folder.to_path_buf(),
            None => Schedule::of(&engine)?.folder.map(PathBuf::from).ok_or(BackupError::NoFolder)?,
        };
        let job = run::begin_in(&engine, actor, &folder, wanted)?;
        let (id, this) = (job.entry.id, self.clone());
        self.spawn("kith-backup-now", move || {
            let _turn = turn;
            // Its record tells how it ended.
            let _ = this.carry_out(job);
        });
        Ok(id)
    }

    /// Begins a backup that the caller writes to a stream while it holds the turn.
    ///
    /// # Errors
    /// `backup.busy`, and as `run::begin_in`.
    pub fn start_stream(&self, actor: &Actor, called: &str, wanted: &Wanted) -> Result<(Job, Turn), BackupError> {
        let turn = self.take_turn()?;
        Ok((run::begin_stream(&self.0.engine, actor, called, wanted)?, turn))
    }

    /// Whether the server is stopping.
    pub fn stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    fn carry_out(&self, job: Job) -> Result<Entry, BackupError> {
        let (kind, inner) = (job.entry.kind.name(), self.0.clone());
        let outcome = job.finish(&self.0.engine, &move || inner.stopping.load(Ordering::Relaxed));
        match &outcome {
            Ok(entry) => {
                tracing::info!(kind, bytes = entry.size_bytes, last_seq = entry.last_seq, "a backup was taken")
            }
            Err(error) => tracing::error!(kind, code = error.code(), %error, "a backup failed"),
        }
        outcome
    }

    fn tick(&self) {
        let outcome = self.by_schedule().and_then(|()| self.list_erasures());
        if let Err(error) = outcome
            && !matches!(error, BackupError::Busy | BackupError::Stopping)
        {
            self.0.failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(code = error.code(), %error, "the schedule of backups could not be kept");
        }
    }

    fn by_schedule(&self) -> Result<(), BackupError> {
        let engine = &self.0.engine;
        let schedule = Schedule::of(engine)?;
        let Some(folder) = schedule.folder.clone() else { return Ok(()) };
        let zone = schedule.zone(engine)?;
        let Some(kind) = schedule.due(&catalog::all(engine)?, engine.now_ms(), &zone)? else { return Ok(()) };
        let _turn = self.take_turn()?;
        let kind = run::choose(engine, &folder, kind)?;
        let wanted = Wanted { kind, recipients: Vec::new(), scheduled: true };
        let actor = Actor::system();
        let job = run::begin_in(engine, &actor, Path::new(&folder), &wanted)?;
        self.carry_out(job)?;
        for name in run::prune(engine, &actor, &schedule)? {
            tracing::info!(name, "a backup that is no longer kept was removed");
        }
        Ok(())
    }

    /// Writes the list of erasures anew when there is a newer one.
    fn list_erasures(&self) -> Result<(), BackupError> {
        let engine = &self.0.engine;
        let schedule = Schedule::of(engine)?;
        let Some(folder) = &schedule.folder else { return Ok(()) };
        let head = engine.head();
        let listed = self.0.listed.load(Ordering::Relaxed);
        if head == listed {
            return Ok(());
        }
        let source = engine.storage().backup_source().ok_or(BackupError::NoSource)?;
        if !source.erasures(listed)?.is_empty() {
            let recipients = match schedule::recipients(engine, &[]) {
                Err(BackupError::NoRecipient) => return Ok(()),
                recipients => recipients?,
            };
            erasures::write(engine, Path::new(folder), &recipients)?;
        }
        self.0.listed.store(head, Ordering::Relaxed);
        Ok(())
    }
}

/// Nobody else takes a backup while it lives.
pub struct Turn(Arc<Inner>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turn.store(false, Ordering::Release);
    }
}
