//! What changed, as others are told: live over a channel, and later from the journal by number. Delivers each change at least
//! once and in order; what an actor may not see is taken out by `Engine::visible`.

use std::{collections::HashMap, sync::Arc};

use kith_base::{RecordId, TimestampMs};
use kith_store::Entry;
use serde::Serialize;

use crate::{
    Actor, Cause, Engine, EngineError, FieldAccess, Op,
    access::Guard,
    meta::Meta,
    pipeline::{
        head::{ActorStamp, ChangeKind, Head},
        writer::is_metadata,
    },
};

/// Events a slow subscriber may lag behind before it has to read the journal instead.
pub(crate) const CHANNEL_EVENTS: usize = 1_024;

/// Entries read from the journal at a time.
const READ_ENTRIES: usize = 256;

/// One transaction, as told to subscribers.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeEvent {
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at: TimestampMs,
    pub actor: Arc<ActorStamp>,
    pub cause: Cause,
    pub changes: Vec<EventChange>,
    /// Revision of the schema, when this transaction changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<u64>,
}

/// One changed record in an event.
#[derive(Clone, Debug, Serialize)]
pub struct EventChange {
    /// Key of the object.
    pub object: Arc<str>,
    #[serde(skip)]
    pub object_id: u32,
    pub id: RecordId,
    pub version: u64,
    pub kind: ChangeKind,
    /// Keys of the fields touched; empty: all of them.
    pub fields: Vec<Arc<str>>,
}

/// Makes the event of one journal entry.
pub(crate) fn event(
    meta: &Meta,
    seq: u64,
    at: TimestampMs,
    head: &Head,
    changed: impl Iterator<Item = (RecordId, u64)>,
    schema: Option<u64>,
) -> ChangeEvent {
    let mut keys: HashMap<u32, Arc<str>> = HashMap::new();
    let changes = head.notes.iter().zip(changed).map(|(note, (id, version))| {
        let object = keys.entry(note.object).or_insert_with(|| Arc::from(meta.key_of(note.object))).clone();
        let fields = meta.object_by_id(note.object).map_or_else(Vec::new, |object| {
            note.fields.iter().filter_map(|id| object.field_by_id(*id)).map(|f| Arc::from(f.key.as_str())).collect()
        });
        EventChange { object, object_id: note.object, id, version, kind: note.kind, fields }
    });
    ChangeEvent { seq, at, actor: head.actor.clone(), cause: head.cause.clone(), changes: changes.collect(), schema }
}

impl Engine {
    /// The event as this actor may know it: only records it may read, only fields it may see. None: nothing is left.
    pub fn visible(&self, actor: &Actor, event: &ChangeEvent) -> Option<ChangeEvent> {
        let meta = self.core().meta();
        let guard = Guard::new(actor);
        let sight = self.sight(actor);
        let mut shown = ChangeEvent { changes: Vec::new(), ..event.clone() };
        for change in &event.changes {
            let Some(object) = meta.object_by_id(change.object_id) else { continue };
            let readable = sight.sees_all(object) || {
                let record = self.core().image.get_of(change.object_id, change.id);
                record.is_some_and(|record| sight.may(&object.def, Op::Read, &record))
            };
            if !readable {
                continue;
            }
            let mut change = change.clone();
            let all = change.fields.is_empty();
            change.fields.retain(|key| {
                object.field(key).is_some_and(|f| guard.field_access(&object.def, f.id) != FieldAccess::Hidden)
            });
            // A change of nothing but hidden fields is no news to this actor.
            if all || !change.fields.is_empty() || change.kind != ChangeKind::Updated {
                shown.changes.push(change);
            }
        }
        (!shown.changes.is_empty() || shown.schema.is_some()).then_some(shown)
    }

    /// Events after number `seq`, oldest first, as the actor may know them. Fewer than `limit` only at the end of the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn events_from(&self, actor: &Actor, seq: u64, limit: usize) -> Result<Vec<ChangeEvent>, EngineError> {
        let head = self.head();
        let mut next = seq.saturating_add(1);
        let mut found = Vec::new();
        while next <= head && found.len() < limit {
            let entries = self.core().storage.read_from(next, READ_ENTRIES)?;
            let Some(last) = entries.last() else { break };
            next = last.seq + 1;
            for entry in entries.iter().filter(|e| e.seq <= head) {
                if let Some(event) = self.event_of(entry)?.and_then(|event| self.visible(actor, &event)) {
                    found.push(event);
                }
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The event of an entry; none for entries that change no record.
    fn event_of(&self, entry: &Entry) -> Result<Option<ChangeEvent>, EngineError> {
        if entry.changes.is_empty() {
            return Ok(None);
        }
        let head = self.core().with_name(Head::decode(&entry.head)?);
        let schema = head.notes.iter().any(|note| is_metadata(note.object)).then_some(entry.seq);
        let changed = entry.changes.iter().map(|change| (change.id, change.version));
        Ok(Some(event(&self.core().meta(), entry.seq, entry.time_ms, &head, changed, schema)))
    }
}
