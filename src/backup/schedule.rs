//! When backups are due and where they go: one value in the workspace's settings, checked as a whole. What is due is a pure function of
//! the schedule, the list of backups and the time.

use std::path::Path;

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use kith_engine::{
    Actor, Cause, Command, CommitOptions, Engine, Fields,
    system::{ids::settings, seeds::SETTINGS},
};
use kith_model::Value;
use serde::{Deserialize, Serialize};

use crate::{
    BackupError, Kind,
    catalog::{Entry, State},
    retention::Keep,
};

/// After a failure, the next attempt comes no sooner.
const RETRY_AFTER_MS: i64 = 15 * 60 * 1000;

const HOUR_MS: i64 = 3_600_000;

/// Recipients of one backup; each adds some hundred bytes to it.
const RECIPIENTS_MAX: usize = 20;

/// The schedule. Nothing is taken by itself while `enabled` is false.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    pub enabled: bool,
    /// An absolute path, outside the data folder.
    pub folder: Option<String>,
    /// X25519 recipients (`age1…`) besides the recovery keys of the vault.
    pub recipients: Vec<String>,
    /// A full backup each day at this time, such as `02:30`.
    pub daily_at: Option<String>,
    /// IANA name; the workspace's own where none is given.
    pub time_zone: Option<String>,
    /// An increment this many hours after the last backup; 0: none.
    pub every_hours: u32,
    pub keep: Keep,
}

impl Schedule {
    /// The schedule in force.
    ///
    /// # Errors
    /// `backup.schedule` when what is stored cannot be understood.
    pub fn of(engine: &Engine) -> Result<Schedule, BackupError> {
        let record = engine.record_as_of(SETTINGS, u64::MAX)?;
        match record.as_ref().map(|record| record.values.get(settings::BACKUPS)) {
            Some(Value::Json(json)) => {
                serde_json::from_str(json).map_err(|error| BackupError::Schedule(error.to_string()))
            }
            _ => Ok(Schedule::default()),
        }
    }

    /// Puts it in force: an ordinary, audited change of the settings.
    ///
    /// # Errors
    /// `backup.schedule` with what is wrong, `backup.inside`, `vault.bad_recipient`, `access.denied`.
    pub fn put(&self, engine: &Engine, actor: &Actor) -> Result<(), BackupError> {
        self.check(engine)?;
        let json = serde_json::to_string(self).map_err(|error| BackupError::Schedule(error.to_string()))?;
        let values = Fields::Parsed(vec![("backups".into(), Value::Json(json))]);
        let command = Command::Update { object: "settings".into(), id: SETTINGS, version: None, values };
        engine.execute(actor, vec![command], CommitOptions::caused_by(Cause::of("backup", "schedule")))?;
        Ok(())
    }

    fn check(&self, engine: &Engine) -> Result<(), BackupError> {
        let wrong = |said: &str| Err(BackupError::Schedule(said.to_string()));
        if self.recipients.len() > RECIPIENTS_MAX {
            return wrong("name at most 20 recipients");
        }
        self.recipients.iter().try_for_each(|recipient| kith_store::check_recipient(recipient))?;
        if let Some(folder) = &self.folder {
            if !Path::new(folder).is_absolute() {
                return wrong("'folder' must be an absolute path, such as /var/backups/kith");
            }
            outside(engine, Path::new(folder))?;
        }
        self.zone(engine)?;
        self.time()?;
        if self.every_hours > 24 * 31 {
            return wrong("'every_hours' is at most a month");
        }
        if self.enabled && self.folder.is_none() {
            return wrong("name a folder before it is enabled");
        }
        if self.enabled && self.recipients.is_empty() {
            match recipients(engine, &[]) {
                Err(BackupError::NoRecipient) => {
                    return wrong(
                        "make a recovery key ('kith key recovery'), or name a recipient, before it is enabled",
                    );
                }
                other => drop(other?),
            }
        }
        if self.enabled && self.daily_at.is_none() {
            return wrong("name the time of the daily full backup in 'daily_at', such as 02:30");
        }
        Ok(())
    }

    /// The zone that its times are in.
    ///
    /// # Errors
    /// `backup.schedule` for a name that is none.
    pub fn zone(&self, engine: &Engine) -> Result<TimeZone, BackupError> {
        let name = self.time_zone.clone().unwrap_or_else(|| engine.read_context().time_zone);
        let wrong = || BackupError::Schedule(format!("'{name}' is no time zone; use a name such as Europe/Rome"));
        TimeZone::get(&name).map_err(|_| wrong())
    }

    fn time(&self) -> Result<Option<Time>, BackupError> {
        let Some(text) = &self.daily_at else { return Ok(None) };
        let wrong = || BackupError::Schedule(format!("'{text}' is no time of day; write it as 02:30"));
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let part = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() <= 2);
        let time = part(hour).zip(part(minute)).and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
        time.map(Some).ok_or_else(wrong)
    }

    /// What is due now.
    ///
    /// # Errors
    /// `backup.schedule`.
    pub fn due(&self, entries: &[Entry], now_ms: i64, zone: &TimeZone) -> Result<Option<Kind>, BackupError> {
        if !self.enabled {
            return Ok(None);
        }
        let here = |entry: &&Entry| Some(&entry.folder) == self.folder.as_ref();
        let attempt = entries.iter().filter(here).filter(|entry| entry.scheduled).map(|entry| entry.created_at).max();
        let newest = |full: bool| {
            let done = entries.iter().filter(here).filter(|entry| entry.state == State::Done);
            done.filter(|entry| !full || entry.kind == Kind::Full).map(|entry| entry.created_at).max()
        };
        let (full, any) = (newest(true), newest(false));
        let failed = attempt.is_some_and(|attempt| any.is_none_or(|any| any < attempt));
        if failed && attempt.is_some_and(|attempt| now_ms < attempt + RETRY_AFTER_MS) {
            return Ok(None);
        }
        let Some(full) = full else { return Ok(Some(Kind::Full)) };
        if let Some(time) = self.time()?
            && full < latest(time, now_ms, zone)
        {
            return Ok(Some(Kind::Full));
        }
        let increment = self.every_hours > 0
            && any.is_some_and(|any| now_ms >= any.saturating_add(i64::from(self.every_hours) * HOUR_MS));
        Ok(increment.then_some(Kind::Incremental))
    }
}

/// Who can open a backup: those named, else those of the schedule and the recovery keys of the vault.
///
/// # Errors
/// `backup.no_recipient`, `vault.bad_recipient`.
pub fn recipients(engine: &Engine, named: &[String]) -> Result<Vec<String>, BackupError> {
    let mut all = named.to_vec();
    if all.is_empty() {
        all = Schedule::of(engine)?.recipients;
        let vault = engine.storage().backup_source().map(|source| source.vault().recipients()).unwrap_or_default();
        for recovery in vault.into_iter().filter(|recipient| recipient.recovery) {
            if !all.contains(&recovery.recipient) {
                all.push(recovery.recipient);
            }
        }
    }
    if all.is_empty() {
        return Err(BackupError::NoRecipient);
    }
    all.iter().try_for_each(|recipient| kith_store::check_recipient(recipient))?;
    Ok(all)
}

/// The last moment not after now at which the clock on the wall showed `time`.
fn latest(time: Time, now_ms: i64, zone: &TimeZone) -> i64 {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(zone.clone());
    let on = |date: jiff::civil::Date| {
        date.to_datetime(time).to_zoned(zone.clone()).map(|at| at.timestamp().as_millisecond())
    };
    let today = on(now.date()).unwrap_or(i64::MAX);
    if today <= now_ms {
        return today;
    }
    now.date().yesterday().ok().and_then(|date| on(date).ok()).unwrap_or(i64::MIN)
}

/// Refuses a folder inside the data folder.
///
/// # Errors
/// `backup.inside`.
pub fn outside(engine: &Engine, folder: &Path) -> Result<(), BackupError> {
    let Some(source) = engine.storage().backup_source() else { return Ok(()) };
    let Ok(data) = source.folder().canonicalize() else { return Ok(()) };
    // The folder itself may still have to be made: what is there of the way to it decides.
    let there = folder.ancestors().find_map(|part| part.canonicalize().ok());
    if there.is_some_and(|there| there.starts_with(&data)) {
        return Err(BackupError::Inside(folder.display().to_string()));
    }
    Ok(())
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
