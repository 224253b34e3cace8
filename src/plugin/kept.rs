//! What is kept for one plugin: its own values (`kv`), and what its idempotency keys led to. Records like everything else, so that a change is
//! durable and a backup holds it; each found by its id, without a search.

use data_encoding::BASE64;
use kith_base::{RecordId, TimestampMs};
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields, GroupQuery, Query, Record};
use kith_model::Value;

use crate::objects::{ids::values as ids, record_of};

const KEY: &str = "plugin_values";

/// How long an idempotency key is remembered.
pub const REMEMBERED_MS: TimestampMs = 7 * 24 * 3_600 * 1_000;

/// Of a key, the plugin's own or one for idempotency.
const KEY_BYTES_MAX: usize = 200;

/// Rows read at a time.
const PAGE: usize = 500;

/// Expired values that go in one transaction.
const SWEEP: usize = 100;

/// Values of different uses do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The plugin's own.
    Own,
    /// Records that a key led to.
    Made,
    /// Answers that a key led to.
    Answered,
}

impl Space {
    fn prefix(self) -> &'static str {
        match self {
            Space::Own => "own/",
            Space::Made => "made/",
            Space::Answered => "answered/",
        }
    }
}

/// One value.
pub struct Entry {
    pub value: Vec<u8>,
    /// 1, 2, 3 …
    pub version: u64,
}

/// The values of one plugin.
pub struct Kept<'a> {
    engine: &'a Engine,
    plugin: &'a str,
}

impl<'a> Kept<'a> {
    pub fn of(engine: &'a Engine, plugin: &'a str) -> Kept<'a> {
        Kept { engine, plugin }
    }

    fn id(&self, space: Space, key: &str) -> RecordId {
        record_of(ids::OBJECT, self.plugin, &format!("{}{key}", space.prefix()))
    }

    fn record(&self, id: RecordId) -> Result<Option<Record>, EngineError> {
        match self.engine.get_for_change(&Actor::system(), KEY, id) {
            Ok(record) => Ok(Some(record)),
            Err(EngineError::RecordNotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn alive(&self, record: &Record) -> Option<Entry> {
        let Value::Text(value) = record.values.get(ids::VALUE) else { return None };
        if matches!(record.values.get(ids::EXPIRES_AT), Value::DateTime(at) if *at <= self.engine.now_ms()) {
            return None;
        }
        Some(Entry { value: BASE64.decode(value.as_bytes()).ok()?, version: record.version })
    }

    /// # Errors
    /// When the store cannot be read.
    pub fn get(&self, space: Space, key: &str) -> Result<Option<Entry>, EngineError> {
        let record = self.record(self.id(space, key))?;
        Ok(record.and_then(|record| self.alive(&record)))
    }

    /// Sets a value, and answers its version. `expected`: refuse unless it is at this version now; 0: unless there is none.
    ///
    /// # Errors
    /// `record.version_conflict`; what the store refuses.
    pub fn put(
        &self,
        space: Space,
        key: &str,
        value: &[u8],
        ttl_ms: Option<TimestampMs>,
        expected: Option<u64>,
    ) -> Result<u64, EngineError> {
        let id = self.id(space, key);
        let there = self.record(id)?;
        if there.as_ref().is_some_and(|record| record.trashed) {
            // It expired, and is empty: nobody can mistake it for a value while it comes back.
            self.write(Command::Restore { object: KEY.into(), id })?;
            return self.put(space, key, value, ttl_ms, expected);
        }
        let found = there.as_ref().and_then(|record| self.alive(record)).map_or(0, |entry| entry.version);
        if let Some(expected) = expected
            && expected != found
        {
            return Err(EngineError::VersionConflict { id, expected, found });
        }
        let expires = ttl_ms.map_or(Value::Null, |ttl| Value::DateTime(self.engine.now_ms().saturating_add(ttl)));
        let size = i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX);
        let mut values = vec![
            ("value".to_string(), Value::Text(BASE64.encode(value))),
            ("size_bytes".to_string(), Value::Int(size)),
            ("expires_at".to_string(), expires),
        ];
        let command = match &there {
            // Only where a version was asked for somebody who comes in between is in the way.
            Some(record) => {
                let version = expected.map(|_| record.version);
                Command::Update { object: KEY.into(), id, version, values: Fields::Parsed(values) }
            }
            None => {
                values.push(("plugin".into(), Value::Text(self.plugin.into())));
                values.push(("key".into(), Value::Text(format!("{}{key}", space.prefix()))));
                Command::Create { object: KEY.into(), id: Some(id), values: Fields::Parsed(values) }
            }
        };
        match self.write(command) {
            // Nothing was there a moment ago, and now something is.
            Err(EngineError::NotUnique(_)) if expected.is_none() => self.put(space, key, value, ttl_ms, None),
            Err(EngineError::NotUnique(_)) => Err(EngineError::VersionConflict { id, expected: 0, found: 1 }),
            other => other,
        }
    }

    /// Takes a value away. Its record stays, so that a version never comes twice.
    ///
    /// # Errors
    /// What the store refuses.
    pub fn remove(&self, space: Space, key: &str) -> Result<(), EngineError> {
        let id = self.id(space, key);
        if self.record(id)?.is_none_or(|record| record.trashed) {
            return Ok(());
        }
        self.write(Command::Update { object: KEY.into(), id, version: None, values: nothing() }).map(drop)
    }

    fn write(&self, command: Command) -> Result<u64, EngineError> {
        let options = CommitOptions::caused_by(Cause::of("plugin", self.plugin));
        let written = self.engine.execute(&Actor::system(), vec![command], options)?;
        Ok(written.first().map_or(0, |record| record.version))
    }

    /// Keys of the plugin's own values with this beginning, in order, after `after`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, EngineError> {
        let mut keys = Vec::new();
        let mut query = Query::of(KEY).filter(format!("plugin == \"{}\"", self.plugin)).limit(PAGE);
        loop {
            let page = self.engine.query(&Actor::system(), &query)?;
            for record in page.records.iter().filter(|record| self.alive(record).is_some()) {
                let Value::Text(key) = record.values.get(ids::KEY) else { continue };
                let own = key.strip_prefix(Space::Own.prefix());
                let wanted = own.filter(|key| key.starts_with(prefix) && after.is_none_or(|after| *key > after));
                keys.extend(wanted.map(str::to_string));
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        keys.sort_unstable();
        keys.truncate(limit);
        Ok(keys)
    }

    /// Bytes of everything kept for the plugin.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn size_bytes(&self) -> Result<u64, EngineError> {
        let own = Space::Own.prefix();
        let groups = self.engine.groups(
            &Actor::system(),
            &GroupQuery {
                object: KEY.into(),
                by: "plugin".into(),
                filter: Some(format!("plugin == \"{}\" && key.startsWith(\"{own}\")", self.plugin)),
                q: None,
                sum: Some("size_bytes".into()),
            },
        )?;
        let sum = |json: &serde_json::Value| json.as_u64().or_else(|| json.as_str()?.parse().ok()).unwrap_or(0);
        Ok(groups.iter().map(|group| sum(&group.sum)).sum())
    }

    /// The id of the record that an idempotency key stands for, from now on if not since before. Durable on return: whoever asks again after a
    /// crash learns the same id, and finds the record under it or makes it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn record_for(&self, key: &str) -> Result<RecordId, EngineError> {
        if let Some(known) = self.made(key)? {
            return Ok(known);
        }
        let fresh = RecordId::generate(self.engine.now_ms());
        match self.put(Space::Made, key, fresh.to_string().as_bytes(), Some(REMEMBERED_MS), Some(0)) {
            Ok(_) => Ok(fresh),
            Err(EngineError::VersionConflict { .. }) => Ok(self.made(key)?.unwrap_or(fresh)),
            Err(error) => Err(error),
        }
    }

    fn made(&self, key: &str) -> Result<Option<RecordId>, EngineError> {
        let entry = self.get(Space::Made, key)?;
        Ok(entry.and_then(|entry| String::from_utf8(entry.value).ok()?.parse().ok()))
    }
}

/// Whether something can be kept under this key.
///
/// # Errors
/// What a key is.
pub fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(format!("a key is 1 to {KEY_BYTES_MAX} bytes; this one has {}", key.len()));
    }
    Ok(())
}

/// Values of a record that holds none any more.
fn nothing() -> Fields {
    Fields::Parsed(["value", "size_bytes", "expires_at"].map(|key| (key.to_string(), Value::Null)).into())
}

/// Empties what has expired, of all plugins, and puts it into the trash. Returns how much that was.
///
/// # Errors
/// When the store cannot be read or written.
pub fn sweep(engine: &Engine) -> Result<usize, EngineError> {
    let moment = kith_engine::read::rfc3339(engine.now_ms());
    let query = Query::of(KEY).filter(format!("expires_at <= timestamp(\"{moment}\")")).limit(SWEEP);
    let mut swept = 0;
    loop {
        let page = engine.query(&Actor::system(), &query)?;
        if page.records.is_empty() {
            return Ok(swept);
        }
        let commands = page.records.iter().flat_map(|record| {
            let (object, id) = (KEY.to_string(), record.id);
            // One that was set anew meanwhile is left to the next sweep, with those beside it.
            let empty =
                Command::Update { object: object.clone(), id, version: Some(record.version), values: nothing() };
            [empty, Command::Delete { object, id, version: None }]
        });
        match engine.execute(&Actor::system(), commands.collect(), CommitOptions::caused_by(Cause::new("plugin"))) {
            Ok(_) => swept += page.records.len(),
            Err(EngineError::At { error, .. }) if matches!(*error, EngineError::VersionConflict { .. }) => {
                return Ok(swept);
            }
            Err(error) => return Err(error),
        }
    }
}
