//! Answers: single records, lists, groups, titles, search. Each goes through the guard; nothing here sees more than the actor may.

use std::sync::Arc;

use kith_base::{RecordId, limits};
use kith_model::{
    ObjectDef, Value,
    expr::{EvalContext, Expr},
};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value as Json, json};

use crate::{
    Actor, Engine, EngineError, Group, GroupQuery, Hit, Op, Page, Query, Record, SearchQuery, Title,
    access::{Guard, Sight},
    audit::{AuditKind, Read},
    image::Bits,
    meta::{Meta, ObjectMeta},
    query::{ImageQuery, Sum},
};

/// Hits of a search, at most.
const HITS_MAX: usize = 200;

impl Engine {
    /// What rules and filters are evaluated with.
    pub(crate) fn evaluation(&self, actor: &Actor) -> EvalContext {
        EvalContext { now_ms: self.now_ms(), time_zone: self.read_context().time_zone, me: actor.user }
    }

    /// What the actor may see, with records at hand.
    pub(crate) fn sight<'a>(&'a self, actor: &'a Actor) -> Sight<'a> {
        Sight::new(actor, &self.core().image, self.core().meta(), self.evaluation(actor))
    }

    /// One record, in the trash or not, masked.
    ///
    /// # Errors
    /// `object.not_found`, `record.not_found` (also where the actor may not read it).
    pub fn get(&self, actor: &Actor, object: &str, id: RecordId) -> Result<Record, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let missing = || EngineError::RecordNotFound { object: object.def.key.clone(), id };
        let mut record = self.core().image.get_of(object.def.id, id).ok_or_else(missing)?;
        let guard = Guard::new(actor);
        let checked = self.sight(actor).check(&object.def, Op::Read, &record, &[]);
        if let Err(error) = checked {
            // The record is there: who asks for it by id and may not read it tries something, whatever the answer says.
            self.audit_denied(actor, &object.def.key, id);
            return Err(error);
        }
        guard.mask_record(&object.def, &mut record);
        self.audit_read(actor, AuditKind::Opened, &object.def.key, Read::Records(&[id]));
        Ok(record)
    }

    /// One record as `get` gives it, for a larger act that compares many before it writes and is audited itself.
    ///
    /// # Errors
    /// As `get`.
    pub fn get_for_change(&self, actor: &Actor, object: &str, id: RecordId) -> Result<Record, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let missing = || EngineError::RecordNotFound { object: object.def.key.clone(), id };
        let mut record = self.core().image.get_of(object.def.id, id).ok_or_else(missing)?;
        let guard = Guard::new(actor);
        self.sight(actor).check(&object.def, Op::Read, &record, &[])?;
        guard.mask_record(&object.def, &mut record);
        Ok(record)
    }

    /// Whether the actor may do this with the record as it is now.
    pub fn may(&self, actor: &Actor, op: Op, record: &Record) -> bool {
        let meta = self.core().meta();
        // The record at hand may be masked; the decision needs it whole.
        let Some(object) = meta.object_by_id(record.object) else { return false };
        let Some(whole) = self.core().image.get_of(record.object, record.id) else { return false };
        self.sight(actor).may(&object.def, op, &whole)
    }

    /// One page of a list.
    ///
    /// # Errors
    /// `object.not_found`, `access.denied`, `filter.invalid`, `field.not_found` for a sort key, `cursor.invalid`.
    pub fn query(&self, actor: &Actor, query: &Query) -> Result<Page, EngineError> {
        self.query_for(actor, query, Op::Read)
    }

    /// As `query`, for carrying data out: only records the actor may export.
    ///
    /// # Errors
    /// As `query`.
    pub fn query_export(&self, actor: &Actor, query: &Query) -> Result<Page, EngineError> {
        self.query_for(actor, query, Op::Export)
    }

    fn query_for(&self, actor: &Actor, query: &Query, op: Op) -> Result<Page, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(&query.object)?;
        let guard = Guard::new(actor);
        let restrict = guard.restrict(&object.def, op);
        let restrict = restrict.map_err(|error| self.refuse(actor, &object.def.key, op.name(), error))?;
        let seen = guard.seen(&object.def);
        let sight = self.sight(actor);
        let mut asked = ImageQuery {
            object: object.def.id,
            filter: parse_filter(query.filter.as_deref(), &seen)?,
            restrict: unshared(restrict),
            ids: None,
            rows: self.word_matches(query.q.as_deref(), guard, object, query.trashed),
            sort: sort_keys(&query.sort, &seen, guard, object)?,
            clear: sight.clear(object, &query.sort),
            limit: query.limit.clamp(1, limits::PAGE_ROWS_MAX),
            cursor: query.cursor.clone(),
            trashed: query.trashed,
            total: query.total,
        };
        sight.narrow(object, &mut asked)?;
        let mut page = self.core().image.query(&asked, sight.context())?;
        for record in &mut page.records {
            guard.mask_record(&object.def, record);
        }
        let kind = if op == Op::Export { AuditKind::Exported } else { AuditKind::Listed };
        let asked =
            [query.filter.as_deref(), query.q.as_deref()].into_iter().flatten().collect::<Vec<&str>>().join("\n");
        self.audit_read(
            actor,
            kind,
            &object.def.key,
            Read::Matching { filter: &asked, rows: page.records.len() as u64 },
        );
        Ok(page)
    }

    fn word_matches(&self, words: Option<&str>, guard: Guard<'_>, object: &ObjectMeta, trashed: bool) -> Option<Bits> {
        let fields = guard.visible_fields(&object.def);
        self.core().search.rows_matching(words?, object.def.id, &fields, trashed)
    }

    /// Counts and sums per value of a field.
    ///
    /// # Errors
    /// As `query`.
    pub fn groups(&self, actor: &Actor, query: &GroupQuery) -> Result<Vec<Group>, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(&query.object)?;
        let guard = Guard::new(actor);
        let restrict = guard.restrict(&object.def, Op::Read);
        let restrict = restrict.map_err(|error| self.refuse(actor, &object.def.key, "read", error))?;
        let seen = guard.seen(&object.def);
        for key in std::iter::once(&query.by).chain(&query.sum) {
            seen.field(key).ok_or_else(|| guard.unknown_field(&object.def, key))?;
        }
        let sight = self.sight(actor);
        let mut asked = ImageQuery {
            object: object.def.id,
            filter: parse_filter(query.filter.as_deref(), &seen)?,
            restrict: unshared(restrict),
            rows: self.word_matches(query.q.as_deref(), guard, object, false),
            ..ImageQuery::default()
        };
        let by = seen.field(&query.by).ok_or_else(|| guard.unknown_field(&object.def, &query.by))?;
        let mut groups = Vec::new();
        sight.narrow(object, &mut asked)?;
        for counted in self.core().image.groups(&asked, &query.by, query.sum.as_deref(), sight.context())? {
            let title = match &counted.value {
                Value::Link(id) => self.titles(actor, &[*id]).pop().map_or_else(String::new, |t| t.title),
                Value::Null => String::new(),
                Value::Text(key) => by.option(key).map_or_else(|| key.clone(), |o| o.label.clone()),
                value => by.kind().to_text(by, value),
            };
            let value = if counted.value.is_null() { Json::Null } else { by.kind().to_json(by, &counted.value) };
            groups.push(Group { value, title, count: counted.count, sum: sum_json(&counted.sum) });
        }
        // As a board shows them: options in their own order, others by title, what has no value last.
        let place = |group: &Group| by.options.iter().position(|o| group.value == o.key.as_str());
        groups.sort_by_cached_key(|group| (group.value.is_null(), place(group), group.title.to_lowercase()));
        Ok(groups)
    }

    /// Records outside the trash whose field has this value, compared as uniqueness compares; only those the actor may read.
    ///
    /// # Errors
    /// `object.not_found`, `field.not_found`, `access.denied`.
    pub fn find_by(&self, actor: &Actor, object: &str, field: &str, key: &str) -> Result<Vec<RecordId>, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let guard = Guard::new(actor);
        let seen = guard.seen(&object.def);
        let field = seen.field(field).ok_or_else(|| guard.unknown_field(&object.def, field))?;
        guard.restrict(&object.def, Op::Read)?;
        let mut found = self.core().image.lookup(object.def.id, field.id, key);
        let sight = self.sight(actor);
        if !sight.sees_all(object) {
            found.retain(|id| {
                let record = self.core().image.get_of(object.def.id, *id);
                record.is_some_and(|record| sight.may(&object.def, Op::Read, &record))
            });
        }
        Ok(found)
    }

    /// How these records are named, in the order asked for; those the actor may not read are left out, those in the trash are not.
    pub fn titles(&self, actor: &Actor, ids: &[RecordId]) -> Vec<Title> {
        let meta = self.core().meta();
        let sight = self.sight(actor);
        let title = |id: &RecordId| {
            let record = self.core().image.get(*id)?;
            let object = meta.object_by_id(record.object)?;
            sight.may(&object.def, Op::Read, &record).then(|| self.title_of(actor, object, &record))
        };
        ids.iter().filter_map(title).collect()
    }

    /// How one record at hand is named.
    pub fn title(&self, actor: &Actor, record: &Record) -> Option<Title> {
        let meta = self.core().meta();
        meta.object_by_id(record.object).map(|object| self.title_of(actor, object, record))
    }

    fn title_of(&self, actor: &Actor, object: &ObjectMeta, record: &Record) -> Title {
        let seen = Guard::new(actor).seen(&object.def);
        let text = |key: &str| seen.field(key).map_or_else(String::new, |field| self.text_of(actor, field, record));
        let mut title = text(&object.def.title);
        if title.trim().is_empty() {
            title = text(&object.def.subtitle);
        }
        Title {
            id: record.id,
            object: object.def.key.clone(),
            title,
            subtitle: text(&object.def.subtitle),
            trashed: record.trashed,
        }
    }

    /// A field as words; a link as the name of what it points at, one step deep.
    fn text_of(&self, actor: &Actor, field: &kith_model::FieldDef, record: &Record) -> String {
        let value = record.values.get(field.id);
        let Value::Link(id) = value else {
            return if value.is_null() { String::new() } else { field.kind().to_text(field, value) };
        };
        let meta = self.core().meta();
        let Some(target) = self.core().image.get(*id) else { return String::new() };
        let Some(object) = meta.object_by_id(target.object) else { return String::new() };
        if !self.sight(actor).may(&object.def, Op::Read, &target) {
            return String::new();
        }
        let seen = Guard::new(actor).seen(&object.def);
        match seen.field(&object.def.title).map(|f| (f, target.values.get(f.id))) {
            Some((_, Value::Link(_)) | (_, Value::Null)) | None => String::new(),
            Some((f, value)) => f.kind().to_text(f, value),
        }
    }

    /// Finds records by words, best first, across objects.
    ///
    /// # Errors
    /// `object.not_found` for a key that is not there.
    pub fn search(&self, actor: &Actor, query: &SearchQuery) -> Result<Vec<Hit>, EngineError> {
        let meta = self.core().meta();
        let guard = Guard::new(actor);
        let objects = searched(&meta, guard, &query.objects)?;
        let limit = query.limit.clamp(1, HITS_MAX);
        let scope: Vec<(u32, Vec<u32>)> = objects.iter().map(|o| (o.def.id, guard.visible_fields(&o.def))).collect();
        if scope.is_empty() || query.words.trim().is_empty() {
            return Ok(Vec::new());
        }
        // Record rules are checked on what was found, so look further than asked.
        let sight = self.sight(actor);
        let ruled = objects.iter().any(|object| !sight.sees_all(object));
        let wanted = if ruled { limit * 10 } else { limit + 10 };
        let mut hits = Vec::new();
        for (id, score) in self.core().search.search(&query.words, &scope, wanted) {
            let Some(record) = self.core().image.get(id).filter(|r| !r.trashed) else { continue };
            let Some(object) = meta.object_by_id(record.object) else { continue };
            if !sight.may(&object.def, Op::Read, &record) {
                continue;
            }
            let Title { object, title, subtitle, .. } = self.title_of(actor, object, &record);
            hits.push(Hit { id, object, title, subtitle, score });
            if hits.len() == limit {
                break;
            }
        }
        let found = Read::Matching { filter: &query.words, rows: hits.len() as u64 };
        self.audit_read(actor, AuditKind::Searched, "", found);
        Ok(hits)
    }

    /// The record as the API shows it, masked: every field the actor may see, null where empty.
    pub fn to_json(&self, actor: &Actor, record: &Record) -> Json {
        let meta = self.core().meta();
        let Some(object) = meta.object_by_id(record.object) else { return Json::Null };
        let guard = Guard::new(actor);
        let visible = guard.visible_fields(&object.def);
        let mut values = serde_json::Map::with_capacity(visible.len());
        for field in object.def.fields.iter().filter(|field| visible.contains(&field.id)) {
            let value = record.values.get(field.id);
            let json = if value.is_null() { Json::Null } else { field.kind().to_json(field, value) };
            values.insert(field.key.clone(), json);
        }
        let mut shown = json!({
            "id": record.id,
            "object": object.def.key,
            "version": record.version,
            "created_at": rfc3339(record.created_at),
            "updated_at": rfc3339(record.updated_at),
            "created_by": record.created_by,
            "updated_by": record.updated_by,
            "values": values,
        });
        if record.trashed {
            shown["trashed"] = Json::Bool(true);
        }
        shown
    }

    /// Reads and validates values as a create would, without making anything.
    ///
    /// # Errors
    /// `object.not_found`, `record.invalid`.
    pub fn values_from_json(
        &self,
        object: &str,
        values: &serde_json::Map<String, Json>,
        context: &kith_model::ReadContext,
    ) -> Result<Vec<(String, Value)>, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        let read = kith_model::validate::read_values(&object.def, context, values).map_err(EngineError::Invalid)?;
        let keyed = |(id, value): (u32, Value)| Some((object.field_by_id(id)?.key.clone(), value));
        Ok(read.into_iter().filter_map(keyed).collect())
    }
}

/// RFC 3339 in UTC, with milliseconds.
pub fn rfc3339(ms: kith_base::TimestampMs) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Err(_) => String::new(),
    }
}

fn parse_filter(filter: Option<&str>, seen: &ObjectDef) -> Result<Option<Expr>, EngineError> {
    let Some(text) = filter.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = Expr::parse(text).and_then(|expr| expr.resolve(seen));
    parsed.map(Some).map_err(|error| EngineError::Filter(error.to_string()))
}

/// Sort keys, checked against what the actor sees.
fn sort_keys(
    sort: &[(String, bool)],
    seen: &ObjectDef,
    guard: Guard<'_>,
    object: &ObjectMeta,
) -> Result<Vec<(String, bool)>, EngineError> {
    const OWN: [&str; 3] = ["id", "created_at", "updated_at"];
    for (key, _) in sort {
        match seen.field(key) {
            Some(field) if field.kind().sortable() => {}
            Some(_) => {
                return Err(EngineError::Request(format!("lists cannot be sorted by '{key}'; choose another field")));
            }
            None if OWN.contains(&key.as_str()) => {}
            None => return Err(guard.unknown_field(&object.def, key)),
        }
    }
    Ok(sort.to_vec())
}

fn searched<'m>(meta: &'m Meta, guard: Guard<'_>, keys: &[String]) -> Result<Vec<&'m Arc<ObjectMeta>>, EngineError> {
    let mut objects = Vec::new();
    if keys.is_empty() {
        objects.extend(meta.schema.objects().iter().filter(|o| !o.system).filter_map(|o| meta.object_by_id(o.id)));
    } else {
        for key in keys {
            objects.push(meta.object(key)?);
        }
    }
    objects.retain(|object| guard.may_some(&object.def, Op::Read));
    Ok(objects)
}

/// A number, amounts per currency, or null.
fn sum_json(sum: &Sum) -> Json {
    match sum {
        Sum::None => Json::Null,
        Sum::Number(number) => match (number.to_i64().filter(|whole| number == &(*whole).into()), number.to_f64()) {
            (Some(whole), _) => json!(whole),
            (None, number) => json!(number),
        },
        Sum::Money(amounts) => amounts
            .iter()
            .map(|money| json!({ "amount": money.to_decimal().to_string(), "currency": money.currency.code() }))
            .collect(),
    }
}

fn unshared(filters: Vec<Arc<Expr>>) -> Vec<Expr> {
    filters.into_iter().map(|filter| Expr::clone(&filter)).collect()
}
