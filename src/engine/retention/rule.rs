//! One rule, read from its record and checked against the schema. Decides which records it is about; touches none.

use std::sync::Arc;

use kith_base::{RecordId, TimestampMs};
use kith_model::{Column, ReadContext, Value, Violation, expr::Expr};
use serde_json::{Map, Value as Json};

use crate::{
    Engine, EngineError, Record,
    auth::directory::text,
    meta::{Meta, ObjectMeta},
    query::ImageQuery,
    read::rfc3339,
    system::ids::retention_rules as at,
};

const DAY_MS: i64 = 24 * 3_600 * 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Trash,
    Erase,
    Anonymise,
}

impl What {
    pub fn name(self) -> &'static str {
        match self {
            What::Trash => "trash",
            What::Erase => "erase",
            What::Anonymise => "anonymise",
        }
    }
}

/// A rule that can be run.
pub(super) struct Rule {
    /// None: not saved.
    pub id: Option<RecordId>,
    pub name: String,
    pub objects: Vec<Arc<ObjectMeta>>,
    filter: Option<String>,
    days: i64,
    since: String,
    pub what: What,
    /// By key: what stands there afterwards.
    pub fields: Map<String, Json>,
    percent_max: i64,
}

/// The records of one object that a rule is about.
pub(super) struct Found {
    pub object: Arc<ObjectMeta>,
    pub ids: Vec<RecordId>,
    /// Records of the object, the trash included.
    pub of: usize,
    pub within: bool,
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// What is wrong with it, field by field.
    pub fn of(meta: &Meta, record: &Record) -> Result<Rule, Vec<Violation>> {
        let int = |field: u32, or: i64| if let Value::Int(n) = record.values.get(field) { *n } else { or };
        let words = |field: u32| Some(text(record.values.get(field))).filter(|text| !text.trim().is_empty());
        let what = match text(record.values.get(at::ACTION)).as_str() {
            "erase" => What::Erase,
            "anonymise" => What::Anonymise,
            _ => What::Trash,
        };
        let rule = Rule {
            id: Some(record.id),
            name: text(record.values.get(at::NAME)),
            objects: objects(meta, &text(record.values.get(at::OF)), what)?,
            filter: words(at::FILTER),
            days: int(at::DAYS, 0),
            since: words(at::SINCE).unwrap_or_else(|| "updated_at".into()),
            what,
            fields: match record.values.get(at::FIELDS) {
                Value::Json(json) => serde_json::from_str(json).unwrap_or_default(),
                _ => Map::new(),
            },
            percent_max: int(at::PERCENT_MAX, 10),
        };
        let mut wrong = Vec::new();
        for object in &rule.objects {
            if let Err(violation) = rule.filter_on(object, 0) {
                wrong.push(violation);
            }
        }
        wrong.extend(rule.check_fields());
        if wrong.is_empty() { Ok(rule) } else { Err(wrong) }
    }

    /// What is to be anonymised must be there, and leave a valid record behind.
    fn check_fields(&self) -> Vec<Violation> {
        let wrong = |message: String| Violation::new("fields", "bad_fields", message);
        if self.what != What::Anonymise {
            return Vec::new();
        }
        if self.fields.is_empty() {
            return vec![wrong(
                "name the fields to anonymise, such as {\"last_name\": \"former customer\", \"emails\": null}".into(),
            )];
        }
        let context = ReadContext::default();
        let mut found = Vec::new();
        for object in &self.objects {
            for (key, value) in &self.fields {
                let shown: String = key.chars().take(60).collect();
                let Some(field) = object.field(key).filter(|f| f.kind != "computed" && !f.read_only) else {
                    found.push(wrong(format!("'{}' has no field '{shown}' to anonymise", object.def.key)));
                    continue;
                };
                match field.kind().read(field, &context, value) {
                    Err(violation) => found.push(wrong(violation.message)),
                    Ok(Value::Null) if field.required => {
                        found.push(wrong(format!("'{shown}' is required; say what should stand there instead")));
                    }
                    Ok(value) if field.unique && !value.is_null() => {
                        found.push(wrong(format!(
                            "'{shown}' is unique, so not every record can have the same; use null"
                        )));
                    }
                    Ok(_) => {}
                }
            }
        }
        found
    }

    /// The rule as a filter over one object.
    fn filter_on(&self, object: &ObjectMeta, now_ms: TimestampMs) -> Result<Expr, Violation> {
        let before = rfc3339(now_ms.saturating_sub(self.days.saturating_mul(DAY_MS)));
        let since = &self.since;
        let age = match object.field(since).map(|field| field.kind().column()) {
            _ if matches!(since.as_str(), "created_at" | "updated_at") => format!("{since} <= timestamp(\"{before}\")"),
            Some(Column::Int) if object.field(since).is_some_and(|f| f.kind == "datetime") => {
                format!("{since} <= timestamp(\"{before}\")")
            }
            Some(Column::Int) if object.field(since).is_some_and(|f| f.kind == "date") => {
                format!("{since} <= date(\"{}\")", before.get(..10).unwrap_or_default())
            }
            _ => {
                let shown: String = since.chars().take(60).collect();
                let said =
                    format!("'{}' has no date '{shown}'; use updated_at, created_at or a date of it", object.def.key);
                return Err(Violation::new("since", "unknown_field", said));
            }
        };
        let whole = self.filter.as_ref().map_or_else(|| age.clone(), |filter| format!("({filter}) && {age}"));
        // On its own first, so that no bracket of it can reach beyond it.
        let own = self.filter.as_deref().map_or(Ok(()), |filter| Expr::parse(filter).map(drop));
        own.and_then(|()| Expr::parse(&whole))
            .and_then(|expr| expr.resolve(&object.def))
            .map_err(|error| Violation::new("filter", "bad_filter", format!("the filter cannot be used: {error}")))
    }

    /// The records it is about now, per object.
    ///
    /// # Errors
    /// When the rule no longer fits the schema.
    pub fn find(&self, engine: &Engine) -> Result<Vec<Found>, EngineError> {
        let core = engine.core();
        let context = engine.evaluation(&crate::Actor::system());
        let mut found = Vec::with_capacity(self.objects.len());
        for object in &self.objects {
            let filter =
                self.filter_on(object, engine.now_ms()).map_err(|violation| EngineError::Invalid(vec![violation]))?;
            let trashed = self.what == What::Erase;
            let asked = ImageQuery { object: object.def.id, filter: Some(filter), trashed, ..ImageQuery::default() };
            let ids = core.image.select(&asked, &context)?;
            let trash = ImageQuery { object: object.def.id, trashed: true, ..ImageQuery::default() };
            let of = usize::try_from(core.image.count(object.def.id)).unwrap_or(usize::MAX)
                + core.image.select(&trash, &context)?.len();
            let within = ids.len() as i64 * 100 <= self.percent_max * of as i64;
            found.push(Found { object: object.clone(), ids, of, within });
        }
        Ok(found)
    }
}

fn objects(meta: &Meta, named: &str, what: What) -> Result<Vec<Arc<ObjectMeta>>, Vec<Violation>> {
    let wrong = |code: &str, message: String| vec![Violation::new("object", code, message)];
    if named == "*" {
        if what != What::Erase {
            return Err(wrong(
                "every_object",
                "'*' stands for all objects only where the trash is emptied; name one".into(),
            ));
        }
        let all = meta.schema.objects().iter().filter(|object| !object.system);
        return Ok(all.filter_map(|object| meta.object_by_id(object.id).cloned()).collect());
    }
    let shown: String = named.chars().take(60).collect();
    match meta.object(named) {
        Ok(object) if !object.def.system => Ok(vec![object.clone()]),
        Ok(_) => {
            Err(wrong("administration", format!("'{shown}' is administration, which rules of retention leave alone")))
        }
        Err(_) => Err(wrong("unknown_object", format!("there is no object '{shown}'; see GET /api/v1/objects"))),
    }
}
