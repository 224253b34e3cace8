//! What the Kith of a test holds.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value as Json;

use super::{HttpError, Level, Server, manifest::Manifest, web};
use crate::bindings::after_commit::exports::kith::plugin::after_commit::Event;
use crate::{Field, Record, Result, blobs::Info, outbox};

/// A line of the plugin's log.
#[derive(Clone, Debug)]
pub struct Line {
    pub level: Level,
    pub message: String,
    pub facts: Vec<(String, String)>,
}

/// Whether a line with a beginning is in a log.
pub trait Logged {
    fn says(&self, part: &str) -> bool;
}

impl Logged for [Line] {
    fn says(&self, part: &str) -> bool {
        self.iter().any(|line| line.message.contains(part))
    }
}

/// A job that waits for its time.
#[derive(Clone, Debug)]
pub struct Later {
    pub id: String,
    pub job: String,
    pub input: String,
    pub due_ms: u64,
    pub key: String,
}

pub struct Entry {
    pub value: Vec<u8>,
    pub version: u64,
    pub expires_ms: Option<u64>,
}

/// What a call may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Saving,
    Asking,
    Doing,
}

/// An event on its way, and how often it was tried.
pub struct Waiting {
    pub event: Event,
    pub attempt: u32,
    pub not_before_ms: u64,
}

pub struct World {
    pub manifest: Manifest,
    pub settings: Json,
    pub secrets: BTreeMap<String, String>,
    pub now_ms: u64,
    pub actor: Option<String>,
    pub cause: String,
    pub locale: String,
    pub time_zone: String,
    pub phase: Phase,
    pub dry_run: bool,
    pub objects: BTreeMap<String, Vec<Record>>,
    /// Record by key, for creates that are repeated.
    pub created: BTreeMap<String, (String, String)>,
    pub kv: BTreeMap<String, Entry>,
    pub files: BTreeMap<String, (Info, Vec<u8>)>,
    pub server: Option<Server>,
    pub answers: VecDeque<Result<web::Response, HttpError>>,
    pub answered: BTreeMap<String, web::Response>,
    pub requests: Vec<web::Request>,
    pub mails: Vec<(String, outbox::Mail)>,
    pub notices: Vec<outbox::Notice>,
    pub later: Vec<Later>,
    pub later_keys: BTreeMap<String, String>,
    pub log: Vec<Line>,
    pub events: VecDeque<Waiting>,
    pub dropped: Vec<String>,
    pub conflicts: u32,
    pub crash_after: Option<u32>,
    pub host_calls: u32,
    next_id: u64,
    chance: u64,
    seq: u64,
}

/// 2026-03-01T12:00:00Z.
const NOON_MS: u64 = 1_772_366_400_000;

impl World {
    pub fn new(manifest: Manifest) -> World {
        World {
            settings: manifest.default_settings(),
            manifest,
            secrets: BTreeMap::new(),
            now_ms: NOON_MS,
            actor: Some("user-1".into()),
            cause: "user".into(),
            locale: "en".into(),
            time_zone: "Europe/Rome".into(),
            phase: Phase::Doing,
            dry_run: false,
            objects: BTreeMap::new(),
            created: BTreeMap::new(),
            kv: BTreeMap::new(),
            files: BTreeMap::new(),
            server: None,
            answers: VecDeque::new(),
            answered: BTreeMap::new(),
            requests: Vec::new(),
            mails: Vec::new(),
            notices: Vec::new(),
            later: Vec::new(),
            later_keys: BTreeMap::new(),
            log: Vec::new(),
            events: VecDeque::new(),
            dropped: Vec::new(),
            conflicts: 0,
            crash_after: None,
            host_calls: 0,
            next_id: 0,
            chance: 0x9E37_79B9_7F4A_7C15,
            seq: 0,
        }
    }

    pub fn change_settings(&mut self, settings: Json) {
        if let (Json::Object(kept), Json::Object(given)) = (&mut self.settings, settings) {
            kept.extend(given);
        }
    }

    /// An id that sorts by age, and looks like one of Kith's.
    pub fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("019c0000-0000-7000-8000-{:012x}", self.next_id)
    }

    /// The same numbers in every run: `splitmix64`.
    pub fn random(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn short(&self, key: &str) -> String {
        self.manifest.short(key).to_string()
    }

    pub fn all(&self, object: &str) -> Vec<Record> {
        self.objects.get(self.manifest.short(object)).cloned().unwrap_or_default()
    }

    pub fn get(&self, object: &str, id: &str) -> Option<Record> {
        self.objects.get(self.manifest.short(object))?.iter().find(|record| record.id == id).cloned()
    }

    pub fn insert(&mut self, object: &str, fields: Vec<Field>) -> Record {
        let object = self.short(object);
        let id = self.fresh_id();
        let mut record = Record { object: object.clone(), id, version: 1, fields: Vec::new() };
        self.set(&mut record, fields);
        self.objects.entry(object).or_default().push(record.clone());
        record
    }

    pub fn set(&self, record: &mut Record, fields: Vec<Field>) {
        for field in fields {
            record.set(self.manifest.short(&field.name), field.value);
        }
    }

    pub fn replace(&mut self, record: Record) {
        let rows = self.objects.entry(record.object.clone()).or_default();
        if let Some(row) = rows.iter_mut().find(|row| row.id == record.id) {
            *row = record;
        }
    }

    pub fn remove(&mut self, object: &str, id: &str) {
        if let Some(rows) = self.objects.get_mut(self.manifest.short(object)) {
            rows.retain(|row| row.id != id);
        }
    }

    /// Notes that a record changed, for whoever hears of it.
    pub fn tell(&mut self, kind: &str, before: Option<Record>, after: Option<Record>, by_plugin: bool) {
        let object = after.as_ref().or(before.as_ref()).map(|record| record.object.clone()).unwrap_or_default();
        if before.is_some() && before.as_ref().map(|r| &r.fields) == after.as_ref().map(|r| &r.fields) {
            return;
        }
        if !self.manifest.hears(&object, kind, by_plugin) {
            return;
        }
        self.seq += 1;
        let origin = match (by_plugin, &self.actor) {
            (true, _) => Some(format!("plugin:{}", self.manifest.plugin.id)),
            (false, actor) => actor.as_ref().map(|user| format!("user:{user}")),
        };
        let id = format!("event-{}", self.seq);
        let event = Event { id, seq: self.seq, kind: kind.into(), at_ms: self.now_ms, origin, before, after };
        self.events.push_back(Waiting { event, attempt: 1, not_before_ms: 0 });
    }

    pub fn keep(&mut self, name: &str, mime: &str, content: Vec<u8>) -> Info {
        let id = self.fresh_id();
        let info = Info {
            id: id.clone(),
            name: name.into(),
            mime: mime.into(),
            size: content.len() as u64,
            sha256: String::new(),
        };
        self.files.insert(id, (info.clone(), content));
        info
    }
}
