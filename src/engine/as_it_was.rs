//! Records as they were: one at any moment, for a person who asks or brings it back; all at one entry, for a backup. Rights are those
//! of now; what is brought back is an ordinary change.

use kith_base::{RecordId, TimestampMs};
use kith_model::{Value, kinds::is_given};
use serde_json::Value as Json;

use crate::{
    Actor, Command, CommitOptions, Engine, EngineError, FieldAccess, Fields, Record,
    access::Guard,
    audit::{AuditKind, Read},
    meta::source::CUSTOM,
    read::rfc3339,
};

/// A point in the life of a vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// As this journal entry left it.
    Seq(u64),
    /// As the newest entry not later than this left it, in milliseconds since 1970.
    Time(TimestampMs),
}

/// A record as it was at some moment, masked like the record of now.
#[derive(Clone, Debug)]
pub struct AsItWas {
    pub record: Record,
    /// Entry that had made it so, and when.
    pub seq: u64,
    pub at: TimestampMs,
}

/// What to bring back.
#[derive(Clone, Debug)]
pub struct Revert {
    pub moment: Moment,
    /// Keys of the fields; none: all that the actor may write. What Kith sets itself stays either way.
    pub fields: Option<Vec<String>>,
    /// Refuse unless the record is at it.
    pub version: Option<u64>,
}

impl Revert {
    pub fn to(moment: Moment) -> Revert {
        Revert { moment, fields: None, version: None }
    }
}

impl Engine {
    /// The record as it was. Computed fields have no past of their own and are left out.
    ///
    /// # Errors
    /// As `get`; `record.not_then` when it did not exist yet or its values of then were erased.
    pub fn get_at(&self, actor: &Actor, object: &str, id: RecordId, moment: Moment) -> Result<AsItWas, EngineError> {
        let now = self.get_for_change(actor, object, id)?;
        let was = self.at(&now, moment)?;
        let mut records = [was.record];
        self.mask(actor, &mut records);
        self.audit_read(actor, AuditKind::Opened, object, Read::Records(&[id]));
        let [record] = records;
        Ok(AsItWas { record, ..was })
    }

    fn at(&self, now: &Record, moment: Moment) -> Result<AsItWas, EngineError> {
        let within = |seq: u64, at: TimestampMs| match moment {
            Moment::Seq(limit) => seq <= limit,
            Moment::Time(limit) => at <= limit,
        };
        let mut next = now.seq;
        let mut first = None;
        while let Some(version) = self.version(next, now.id)? {
            let (seq, at) = (version.entry.seq, version.entry.time_ms);
            // The record notes its time when the change is worked out, the entry when it is written: either may be asked for.
            let noted = version.record.as_ref().map_or(at, |record| record.updated_at.min(at));
            if within(seq, noted) {
                let erased = || EngineError::NotThen(format!("the values of {} were erased for good", rfc3339(at)));
                return Ok(AsItWas { record: version.record.ok_or_else(erased)?, seq, at });
            }
            first = Some((seq, at));
            next = version.change.prev_seq;
        }
        let begins = first
            .map_or_else(String::new, |(seq, at)| format!("; its history begins with entry {seq} of {}", rfc3339(at)));
        Err(EngineError::NotThen(format!("record {} did not exist then{begins}", now.id)))
    }

    /// Gives a record, or some of its fields, the values of an earlier moment again: an ordinary change of today.
    ///
    /// # Errors
    /// As `get_at` and `execute`; `field.not_found`, and `record.invalid` for a named field that nobody writes.
    pub fn revert(
        &self,
        actor: &Actor,
        object: &str,
        id: RecordId,
        back: Revert,
        options: CommitOptions,
    ) -> Result<Record, EngineError> {
        let now = self.get_for_change(actor, object, id)?;
        let was = self.at(&now, back.moment)?;
        let values = Fields::Parsed(self.former_values(actor, object, &was.record, back.fields.as_deref())?);
        let command = Command::Update { object: object.to_string(), id, version: back.version, values };
        let mut records = self.execute(actor, vec![command], options).map_err(|error| match error {
            EngineError::At { error, .. } => *error,
            error => error,
        })?;
        records.pop().ok_or_else(|| EngineError::Internal("bringing back led to no record".into()))
    }

    fn former_values(
        &self,
        actor: &Actor,
        object: &str,
        was: &Record,
        named: Option<&[String]>,
    ) -> Result<Vec<(String, Value)>, EngineError> {
        let meta = self.core().meta();
        let def = meta.object(object)?.def.clone();
        let guard = Guard::new(actor);
        let known = guard.known(&def);
        let fixed = |field: &kith_model::FieldDef| field.read_only || is_given(field) || field.kind == "secret";
        let chosen: Vec<&kith_model::FieldDef> = match named {
            None => {
                let may = |id| guard.field_access(&def, id) == FieldAccess::Write;
                known.fields.iter().filter(|field| !fixed(field) && may(field.id)).collect()
            }
            Some(keys) => keys
                .iter()
                .map(|key| {
                    let field = known.field(key).ok_or_else(|| guard.unknown_field(&def, key))?;
                    if fixed(field) {
                        let said = format!("'{key}' is set by Kith or secret and cannot be brought back; leave it out");
                        return Err(EngineError::invalid(key, "read_only", said));
                    }
                    Ok(field)
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(chosen.into_iter().map(|field| (field.key.clone(), was.values.get(field.id).clone())).collect())
    }

    /// A record of the past as the API shows it: like today's, without computed fields, and without fields of one's own that were
    /// empty, since they may not have existed.
    pub fn past_to_json(&self, actor: &Actor, record: &Record) -> Json {
        let mut shown = self.to_json(actor, record);
        let schema = self.schema();
        let Some(object) = schema.object_by_id(record.object) else { return shown };
        if let Some(values) = shown["values"].as_object_mut() {
            values.retain(|key, value| {
                let field = object.field(key);
                field.is_some_and(|field| field.kind != "computed" && !(field.id >= CUSTOM && value.is_null()))
            });
        }
        shown
    }

    /// Ids of all records of an object, trash included, in order. 16 bytes each.
    pub fn ids_of(&self, object: u32) -> Vec<RecordId> {
        let Some(cell) = self.core().image.cell(object) else { return Vec::new() };
        let mut ids = {
            let table = cell.read();
            let rows = table.live.iter().chain(table.trashed.iter());
            rows.map(|row| table.ids[row as usize]).collect::<Vec<_>>()
        };
        ids.sort_unstable();
        ids
    }

    /// Any record as entry `seq` left it, whole; none when it was made later, is erased, or never was. For a backup, which sees all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn record_as_of(&self, id: RecordId, seq: u64) -> Result<Option<Record>, EngineError> {
        let Some(now) = self.core().image.get(id) else { return Ok(None) };
        if now.seq <= seq {
            return Ok(Some(now));
        }
        let mut next = now.seq;
        while let Some(version) = self.version(next, id)? {
            if version.entry.seq <= seq {
                return Ok(version.record);
            }
            next = version.change.prev_seq;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::fixture::Fixture;

    fn options() -> CommitOptions {
        CommitOptions::default()
    }

    fn shown(f: &Fixture, actor: &Actor, id: RecordId, moment: Moment, field: &str) -> Result<Json, EngineError> {
        let was = f.engine.get_at(actor, "deals", id, moment)?;
        Ok(f.engine.past_to_json(actor, &was.record)["values"][field].clone())
    }

    #[test]
    fn a_record_is_shown_as_each_entry_left_it_and_not_before_it_was_made() {
        let f = Fixture::new();
        let made = f.create(&f.admin, "deals", json!({ "name": "Alpha", "region": "EU" })).unwrap();
        let mut seqs = vec![(f.engine.head(), "Alpha")];
        for name in ["Beta", "Gamma"] {
            f.update(&f.admin, "deals", made.id, json!({ "name": name })).unwrap();
            seqs.push((f.engine.head(), name));
        }
        let other = f.create(&f.admin, "deals", json!({ "name": "Other" })).unwrap();
        for (seq, name) in &seqs {
            assert_eq!(shown(&f, &f.admin, made.id, Moment::Seq(*seq), "name").unwrap(), json!(name));
            assert_eq!(f.engine.record_as_of(made.id, *seq).unwrap().unwrap().seq, *seq);
            assert!(f.engine.record_as_of(other.id, *seq).unwrap().is_none());
        }
        assert_eq!(shown(&f, &f.admin, made.id, Moment::Seq(u64::MAX), "name").unwrap(), json!("Gamma"));
        let early = shown(&f, &f.admin, made.id, Moment::Seq(seqs[0].0 - 1), "name").unwrap_err();
        assert_eq!(early.code(), "record.not_then");
        assert!(early.to_string().contains("begins with entry"), "{early}");
        assert_eq!(shown(&f, &f.admin, made.id, Moment::Time(0), "name").unwrap_err().code(), "record.not_then");
        assert_eq!(shown(&f, &f.admin, made.id, Moment::Time(i64::MAX), "name").unwrap(), json!("Gamma"));
        assert_eq!(
            f.engine.ids_of(made.object),
            [made.id, other.id].into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn bringing_back_is_an_ordinary_change_of_what_was_asked_for() {
        let f = Fixture::new();
        let made = f.create(&f.admin, "deals", json!({ "name": "Alpha", "region": "EU", "margin": 1 })).unwrap();
        let then = Moment::Seq(f.engine.head());
        f.update(&f.admin, "deals", made.id, json!({ "name": "Beta", "region": null, "margin": 2 })).unwrap();
        let named = vec!["region".to_string()];
        let back = f
            .engine
            .revert(&f.admin, "deals", made.id, Revert { fields: Some(named), ..Revert::to(then) }, options())
            .unwrap();
        let values = f.engine.to_json(&f.admin, &back)["values"].clone();
        assert_eq!((&values["name"], &values["region"], &values["margin"]), (&json!("Beta"), &json!("EU"), &json!(2)));
        let back = f
            .engine
            .revert(&f.admin, "deals", made.id, Revert { version: Some(3), ..Revert::to(then) }, options())
            .unwrap();
        let values = f.engine.to_json(&f.admin, &back)["values"].clone();
        assert_eq!((back.version, &values["name"], &values["margin"]), (4, &json!("Alpha"), &json!(1)));
        let page = f.engine.history(&f.admin, "deals", made.id, None, 10).unwrap();
        assert_eq!(page.items.len(), 4);
    }

    #[test]
    fn what_cannot_be_brought_back_is_refused_and_nothing_is_written() {
        let f = Fixture::new();
        let grants = json!({ "objects": { "deals": { "read": "all", "update": "all",
            "fields": { "margin": "hidden", "code": "read" } } } });
        f.role("seller", grants);
        f.role("reader", json!({ "default": { "read": "all" } }));
        let (zoe, bob) = (f.user("zoe@example.org", "seller"), f.user("bob@example.org", "reader"));
        let made = f.create(&f.admin, "deals", json!({ "name": "Alpha", "margin": 4711, "code": "a" })).unwrap();
        let then = Moment::Seq(f.engine.head());
        f.update(&f.admin, "deals", made.id, json!({ "name": "Beta", "margin": 4712, "code": "b" })).unwrap();
        let head = f.engine.head();
        let refused = |actor: &Actor, fields: Option<Vec<String>>, moment, version| {
            f.engine.revert(actor, "deals", made.id, Revert { moment, fields, version }, options()).unwrap_err().code()
        };
        let one = |key: &str| Some(vec![key.to_string()]);
        assert_eq!(refused(&zoe, one("margin"), then, None), "field.not_found");
        assert_eq!(refused(&zoe, one("code"), then, None), "access.denied");
        assert_eq!(refused(&bob, None, then, None), "access.denied");
        assert_eq!(refused(&f.admin, one("dragon"), then, None), "field.not_found");
        assert_eq!(refused(&f.admin, None, Moment::Seq(1), None), "record.not_then");
        assert_eq!(refused(&f.admin, None, then, Some(1)), "record.version_conflict");
        assert_eq!(f.engine.head(), head);
        let was = f.engine.get_at(&zoe, "deals", made.id, then).unwrap();
        assert!(!f.engine.past_to_json(&f.admin, &was.record).to_string().contains("471"));
        let back = f.engine.revert(&zoe, "deals", made.id, Revert::to(then), options()).unwrap();
        let values = f.engine.to_json(&f.admin, &f.engine.get(&f.admin, "deals", back.id).unwrap())["values"].clone();
        assert_eq!((&values["name"], &values["margin"], &values["code"]), (&json!("Alpha"), &json!(4712), &json!("b")));
    }
}
