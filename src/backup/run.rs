//! Taking one backup from beginning to end: what it builds on, its record, its file, the list of erasures beside it, and what may go.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use kith_engine::{Actor, Engine};

use crate::{
    BackupError, Kind,
    catalog::{self, Entry, State},
    create::{self, Made, Plan},
    erasures,
    place::{self, Target, folder_of},
    retention::{self, Point},
    schedule::{self, Schedule, outside},
};

/// Times a backup is taken again because something was erased under it.
const ATTEMPTS_MAX: usize = 3;

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub kind: Kind,
    /// None: those of the schedule.
    pub recipients: Vec<String>,
    pub scheduled: bool,
}

/// A backup that has begun: its record is written, its file not yet.
pub struct Job {
    pub entry: Entry,
    base: Option<Entry>,
    recipients: Vec<String>,
    actor: Actor,
}

/// Where it goes.
enum Place<'a> {
    Folder(&'a Path),
    File(&'a Path),
    /// Only how the list calls it.
    Stream(&'a str),
}

fn begin(engine: &Engine, actor: &Actor, wanted: &Wanted, place: &Place<'_>) -> Result<Job, BackupError> {
    let recipients = schedule::recipients(engine, &wanted.recipients)?;
    let (folder, name) = match place {
        Place::Folder(folder) => (absolute(folder)?, None),
        Place::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (absolute(&folder_of(path))?, name)
        }
        Place::Stream(called) => {
            let path = Path::new(called);
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (if path.is_absolute() { folder_of(path).display().to_string() } else { "-".into() }, name)
        }
    };
    if !matches!(place, Place::Stream(_)) {
        outside(engine, Path::new(&folder))?;
    }
    let base = match wanted.kind {
        Kind::Full => None,
        Kind::Incremental => Some(catalog::base(engine, &folder)?),
    };
    let now = engine.now_ms();
    let named = |id: kith_base::RecordId| name.unwrap_or_else(|| place::name(now, wanted.kind, &id.to_string()));
    let builds_on = base.as_ref().map(|base| base.id);
    let entry = catalog::begin(engine, actor, wanted.kind, &folder, named, builds_on, wanted.scheduled)?;
    Ok(Job { entry, base, recipients, actor: actor.clone() })
}

fn absolute(folder: &Path) -> Result<String, BackupError> {
    let shown = folder.display().to_string();
    let path = std::path::absolute(folder).map_err(BackupError::target(&shown))?;
    Ok(path.display().to_string())
}

/// Begins a backup in a folder; `finish` takes it.
///
/// # Errors
/// `backup.no_recipient`, `backup.no_base`, `backup.inside`, `access.denied`.
pub fn begin_in(engine: &Engine, actor: &Actor, folder: &Path, wanted: &Wanted) -> Result<Job, BackupError> {
    begin(engine, actor, wanted, &Place::Folder(folder))
}

impl Job {
    /// Takes the backup into its file.
    ///
    /// # Errors
    /// What kept it from being taken; the record says so too, and nothing of the file is kept.
    pub fn finish(self, engine: &Engine, stop: &dyn Fn() -> bool) -> Result<Entry, BackupError> {
        let path = PathBuf::from(&self.entry.folder).join(&self.entry.name);
        let outcome = self.take(engine, &path, stop).and_then(|taken| {
            // Before anybody is told that it is done: then the list beside it is done too.
            let listed = erasures::write(engine, &folder_of(&path), &self.recipients);
            if listed.is_err() {
                // A backup that the list does not count would never be tidied away.
                let _ = fs::remove_file(&path);
            }
            listed.map(|()| taken)
        });
        self.noted(engine, outcome)
    }

    /// Writes the backup to a stream.
    ///
    /// # Errors
    /// As `finish`; what was written by then is no backup.
    pub fn stream(self, engine: &Engine, out: &mut dyn Write, stop: &dyn Fn() -> bool) -> Result<Entry, BackupError> {
        let mut counted = Counted { out, bytes: 0 };
        let plan = self.plan(&self.entry);
        let outcome = create::write(engine, &plan, &mut counted, stop).and_then(|(made, out)| {
            out.flush().map_err(BackupError::target("the backup"))?;
            Ok((made, out.bytes))
        });
        self.noted(engine, outcome)
    }

    fn plan(&self, entry: &Entry) -> Plan {
        Plan {
            id: entry.id.to_string(),
            created_at: entry.created_at,
            recipients: self.recipients.clone(),
            // The image has come to the entry of the record itself; the one before it is the last that is no part of the backup's own
            // doing.
            until: entry.seq.saturating_sub(1),
            base: self.base.as_ref().map(Entry::base),
        }
    }

    fn take(&self, engine: &Engine, path: &Path, stop: &dyn Fn() -> bool) -> Result<(Made, u64), BackupError> {
        let mut entry = self.entry.clone();
        let mut attempts = 1;
        loop {
            let plan = self.plan(&entry);
            let target = Target::create(path)?;
            let written =
                create::write(engine, &plan, BufWriter::new(target.file()?), stop).map_err(|error| match error {
                    // What writes to a stream does not know where that leads.
                    BackupError::Target { cause, .. } => {
                        BackupError::Target { path: path.display().to_string(), cause }
                    }
                    error => error,
                });
            let taken = written.and_then(|(made, mut out)| {
                out.flush().map_err(BackupError::target(&path.display().to_string()))?;
                Ok((made, target.finish()?))
            });
            match taken {
                Err(BackupError::Erased) if attempts < ATTEMPTS_MAX => {
                    attempts += 1;
                    let said = kith_model::Value::Text(format!("attempt {attempts}: records were erased meanwhile"));
                    entry = catalog::amend(engine, &self.actor, entry.id, vec![("message", said)])?;
                }
                taken => return taken,
            }
        }
    }

    fn noted(&self, engine: &Engine, outcome: Result<(Made, u64), BackupError>) -> Result<Entry, BackupError> {
        match outcome {
            Ok((made, bytes)) => catalog::done(engine, &self.actor, self.entry.id, &made, bytes),
            Err(error) => {
                // The first error is the one to tell.
                if let Err(unwritten) = catalog::failed(engine, &self.actor, self.entry.id, &error) {
                    tracing::error!(code = unwritten.code(), "the failure of a backup could not be noted");
                }
                Err(error)
            }
        }
    }
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(from)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Takes a backup into a folder under a name of its own.
///
/// # Errors
/// As `begin_in` and `Job::finish`.
pub fn create_into(
    engine: &Engine,
    actor: &Actor,
    folder: &Path,
    wanted: &Wanted,
    stop: &dyn Fn() -> bool,
) -> Result<Entry, BackupError> {
    begin_in(engine, actor, folder, wanted)?.finish(engine, stop)
}

/// Takes a backup into this very file.
///
/// # Errors
/// As `create_into`; `backup.exists` when there is something.
pub fn create_to(engine: &Engine, actor: &Actor, path: &Path, wanted: &Wanted) -> Result<Entry, BackupError> {
    if path.exists() {
        return Err(BackupError::Exists { path: path.display().to_string() });
    }
    begin(engine, actor, wanted, &Place::File(path))?.finish(engine, &|| false)
}

/// Begins a backup that is given out as a stream; `called` is how the list names it, an absolute path where it is known.
///
/// # Errors
/// As `begin_in`.
pub fn begin_stream(engine: &Engine, actor: &Actor, called: &str, wanted: &Wanted) -> Result<Job, BackupError> {
    begin(engine, actor, wanted, &Place::Stream(called))
}

/// What a schedule's turn should make: an increment without anything to build on becomes a full one.
///
/// # Errors
/// What the store says.
pub fn choose(engine: &Engine, folder: &str, kind: Kind) -> Result<Kind, BackupError> {
    match (kind, catalog::base(engine, folder)) {
        (Kind::Full, _) | (_, Err(BackupError::NoBase(_))) => Ok(Kind::Full),
        (Kind::Incremental, Ok(_)) => Ok(Kind::Incremental),
        (_, Err(error)) => Err(error),
    }
}

/// Removes what the schedule no longer keeps in its folder. Returns the names.
///
/// # Errors
/// `backup.target` for a file that cannot be removed.
pub fn prune(engine: &Engine, actor: &Actor, schedule: &Schedule) -> Result<Vec<String>, BackupError> {
    let Some(folder) = &schedule.folder else { return Ok(Vec::new()) };
    let zone = schedule.zone(engine)?;
    let entries = catalog::all(engine)?;
    let here: Vec<&Entry> =
        entries.iter().filter(|entry| entry.state == State::Done && &entry.folder == folder).collect();
    let points: Vec<Point> =
        here.iter().map(|entry| Point { id: entry.id, at_ms: entry.created_at, builds_on: entry.builds_on }).collect();
    let mut removed = Vec::new();
    for id in retention::superfluous(&points, schedule.keep, &zone) {
        let Some(entry) = here.iter().find(|entry| entry.id == id) else { continue };
        let Some(path) = entry.path() else { continue };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BackupError::target(&path.display().to_string())(error));
            }
            _ => {}
        }
        catalog::removed(engine, actor, id)?;
        removed.push(entry.name.clone());
    }
    Ok(removed)
}
