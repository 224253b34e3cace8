//! The history of one record, read backwards along its chain of journal entries. Shows fields, masked like the record itself;
//! computed fields have no history of their own.

use std::sync::Arc;

use kith_base::{RecordId, TimestampMs};
use kith_model::{Value, Values};
use kith_store::{Change, EntryHead};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    Actor, Cause, Engine, EngineError, Op, Record,
    access::Guard,
    meta::ObjectMeta,
    pipeline::{
        head::{ActorStamp, ChangeKind, Head},
        plan::differing,
    },
    system::ids,
};

/// Versions in one answer, at most: each is a read of the journal.
const ITEMS_MAX: usize = 200;

/// A stretch of a record's history, newest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HistoryPage {
    pub items: Vec<HistoryItem>,
    /// Pass as `before_seq` for the next stretch.
    pub next_seq: Option<u64>,
}

/// One version of a record: who made it, when, why, and what it changed.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryItem {
    pub seq: u64,
    pub version: u64,
    /// When, in milliseconds since 1970.
    pub at: TimestampMs,
    pub actor: Arc<ActorStamp>,
    pub cause: Cause,
    pub kind: ChangeKind,
    pub changes: Vec<FieldChange>,
    /// The values of this version were erased for good; who and when stay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Key of the field.
    pub field: String,
    pub before: Json,
    pub after: Json,
}

/// One version as the journal holds it.
pub(crate) struct Version {
    pub entry: EntryHead,
    pub change: Change,
    /// None: erased for good.
    pub record: Option<Record>,
}

impl Engine {
    /// The versions of a record, newest first, from the one before entry `before_seq` (or the newest) on.
    ///
    /// # Errors
    /// `object.not_found`, `record.not_found` (also where the actor may not read it).
    pub fn history(
        &self,
        actor: &Actor,
        object: &str,
        id: RecordId,
        before_seq: Option<u64>,
        limit: usize,
    ) -> Result<HistoryPage, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let missing = || EngineError::RecordNotFound { object: object.def.key.clone(), id };
        let guard = Guard::new(actor);
        let Some(now) = self.core().image.get_of(object.def.id, id) else {
            return self.gap(guard, object, id).unwrap_or_else(|| Err(missing()));
        };
        self.sight(actor).check(&object.def, Op::Read, &now, &[])?;
        let visible = guard.visible_fields(&object.def);

        let mut page = HistoryPage::default();
        let mut at = self.version_before(now.seq, id, before_seq)?;
        while let Some(version) = at {
            if page.items.len() == limit.clamp(1, ITEMS_MAX) {
                page.next_seq = Some(version.entry.seq + 1);
                break;
            }
            let earlier = self.version(version.change.prev_seq, id)?;
            let mut shown = item(object, &visible, &version, earlier.as_ref())?;
            shown.actor = Arc::new(self.core().named(&shown.actor));
            page.items.push(shown);
            at = earlier;
        }
        Ok(page)
    }

    /// What is left of a record that was erased: that it was, by whom and when. For those who may erase; to others it never was.
    fn gap(&self, guard: Guard<'_>, object: &ObjectMeta, id: RecordId) -> Option<Result<HistoryPage, EngineError>> {
        let (erasure, _) = self.core().erasure_of(id).filter(|_| guard.may_some(&object.def, Op::Erase))?;
        let Value::Int(seq) = erasure.values.get(ids::erasures::SEQ) else { return None };
        let read = |seq: u64| -> Result<HistoryPage, EngineError> {
            let Some((entry, change)) = self.core().storage.read_change(seq, id)? else {
                return Ok(HistoryPage::default());
            };
            let head = self.core().with_name(Head::decode(&entry.head)?);
            let item = HistoryItem {
                seq,
                version: change.version,
                at: entry.time_ms,
                actor: head.actor,
                cause: head.cause,
                kind: ChangeKind::Erased,
                changes: Vec::new(),
                erased: true,
            };
            Ok(HistoryPage { items: vec![item], next_seq: None })
        };
        Some(read(u64::try_from(*seq).ok()?))
    }

    /// The newest version older than entry `before`. Pages say where the next one starts, so the usual case is one read.
    fn version_before(&self, newest: u64, id: RecordId, before: Option<u64>) -> Result<Option<Version>, EngineError> {
        let Some(before) = before.filter(|before| *before <= newest) else { return self.version(newest, id) };
        if let Some(version) = self.version(before.saturating_sub(1), id)? {
            return Ok(Some(version));
        }
        let mut at = self.version(newest, id)?;
        while let Some(version) = at.take_if(|version| version.entry.seq >= before) {
            at = self.version(version.change.prev_seq, id)?;
        }
        Ok(at)
    }

    pub(crate) fn version(&self, seq: u64, id: RecordId) -> Result<Option<Version>, EngineError> {
        if seq == 0 {
            return Ok(None);
        }
        let Some((entry, change)) = self.core().storage.read_change(seq, id)? else { return Ok(None) };
        let record = match &change.value {
            Some(bytes) => {
                Some(Record::decode(id, change.version, seq, bytes).map_err(|e| EngineError::Internal(e.to_string()))?)
            }
            None => None,
        };
        Ok(Some(Version { entry, change, record }))
    }

    /// The record as it was before entry `seq` changed it, masked; none when that entry made it, does not touch it, or its values
    /// were erased. For taking changes back.
    ///
    /// # Errors
    /// `object.not_found`, `record.not_found` (also where the actor may not read it as it is now).
    pub fn record_before(
        &self,
        actor: &Actor,
        object: &str,
        id: RecordId,
        seq: u64,
    ) -> Result<Option<Record>, EngineError> {
        self.get(actor, object, id)?;
        let Some(version) = self.version(seq, id)? else { return Ok(None) };
        let before = self.version(version.change.prev_seq, id)?.and_then(|version| version.record);
        Ok(before.map(|record| {
            let mut records = [record];
            self.mask(actor, &mut records);
            let [record] = records;
            record
        }))
    }
}

fn item(
    object: &ObjectMeta,
    visible: &[u32],
    version: &Version,
    earlier: Option<&Version>,
) -> Result<HistoryItem, EngineError> {
    let head = Head::decode(&version.entry.head)?;
    let nothing = Values::default();
    let before = earlier.and_then(|v| v.record.as_ref());
    let was_trashed = before.is_some_and(|r| r.trashed);
    let kind = match &version.record {
        _ if version.change.version == 1 => ChangeKind::Created,
        Some(after) if after.trashed && !was_trashed => ChangeKind::Deleted,
        Some(after) if !after.trashed && was_trashed => ChangeKind::Restored,
        _ => ChangeKind::Updated,
    };
    let changes = match &version.record {
        Some(after) => changes(object, visible, before.map_or(&nothing, |r| &r.values), &after.values),
        None => Vec::new(),
    };
    Ok(HistoryItem {
        seq: version.entry.seq,
        version: version.change.version,
        at: version.entry.time_ms,
        actor: head.actor,
        cause: head.cause,
        kind,
        changes,
        erased: version.record.is_none(),
    })
}

fn changes(object: &ObjectMeta, visible: &[u32], before: &Values, after: &Values) -> Vec<FieldChange> {
    let shown = |id: u32| {
        let field = object.field_by_id(id).filter(|f| visible.contains(&f.id) && f.kind != "computed")?;
        let json = |values: &Values| match values.get(id) {
            value if value.is_null() => Json::Null,
            value => field.kind().to_json(field, value),
        };
        Some(FieldChange { field: field.key.clone(), before: json(before), after: json(after) })
    };
    differing(before, after).into_iter().filter_map(shown).collect()
}
