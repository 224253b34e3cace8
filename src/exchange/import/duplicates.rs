//! Whether a row's record is there already, in the vault or earlier in the file, and what an update of it would change.

use std::collections::HashMap;

use kith_base::RecordId;
use kith_engine::Record;
use kith_model::{ObjectDef, Value};

use super::{
    link::alike,
    options::Duplicates,
    plan::Draft,
    session::{Session, keys_of},
};

/// Rows of this file by what identifies them.
#[derive(Default)]
pub struct Seen(HashMap<String, RecordId>);

/// A duplicate of a row.
pub enum Found {
    InVault(Box<Record>),
    /// Of an earlier row of the file, which may not be written yet.
    InFile(RecordId),
}

/// What identifies a row, surest first: `kind` of the key, field key, text.
struct Sign {
    field: String,
    key: String,
    /// Another program's number: holds only if the rest does not contradict.
    foreign: bool,
    /// A name: holds only for objects that are known by theirs.
    name: bool,
}

fn signs(session: &Session<'_>, values: &[(usize, Value)]) -> Vec<Sign> {
    let object = &session.plan.object;
    let chosen = session.options.match_by.as_deref();
    let mut signs = Vec::new();
    let rank = |field: &kith_model::FieldDef| match () {
        () if chosen.is_some() => (chosen == Some(field.key.as_str())).then_some(0),
        () if field.key == "external_id" => Some(0),
        () if field.unique => Some(1),
        () if field.kind == "email" && object.key != "companies" => Some(2),
        () if field.key == "name" && object.key == "companies" => Some(3),
        () => None,
    };
    for (place, value) in values {
        let field = session.plan.field(*place);
        let Some(rank) = rank(field) else { continue };
        for key in keys_of(field, value) {
            let sign = Sign { field: field.key.clone(), key, foreign: rank == 0 && chosen.is_none(), name: rank == 3 };
            signs.push((rank, sign));
        }
    }
    signs.sort_by_key(|(rank, _)| *rank);
    signs.into_iter().map(|(_, sign)| sign).collect()
}

impl Seen {
    /// The record a row is about, if there is one.
    pub fn find(&self, session: &Session<'_>, draft: &Draft) -> Option<Found> {
        let object = &session.plan.object;
        if let Some(id) = draft.id {
            let record = session.engine.get_for_change(session.actor, &object.key, id).ok();
            return record.filter(|r| !r.trashed).map(|record| Found::InVault(Box::new(record)));
        }
        let mine = external_id(object, &draft.values);
        for sign in signs(session, &draft.values) {
            if let Some(id) = self.0.get(&entry(&sign.field, &sign.key)) {
                let other_number =
                    sign.name && mine.is_some() && !self.0.contains_key(&entry("external_id", &mine_key(mine)));
                if !other_number {
                    return Some(Found::InFile(*id));
                }
            }
            let ids = session.engine.find_by(session.actor, &object.key, &sign.field, &sign.key).unwrap_or_default();
            for id in ids {
                let Ok(record) = session.engine.get_for_change(session.actor, &object.key, id) else { continue };
                if !contradicts(&sign, object, draft, mine, &record) {
                    return Some(Found::InVault(Box::new(record)));
                }
            }
        }
        None
    }

    /// Notes what identifies a row that was taken in. Where duplicates are kept nobody asks for it.
    pub fn remember(&mut self, session: &Session<'_>, draft: &Draft, id: RecordId) {
        if session.options.duplicates == Duplicates::Keep {
            return;
        }
        for sign in signs(session, &draft.values) {
            self.0.entry(entry(&sign.field, &sign.key)).or_insert(id);
        }
    }

    /// Forgets a row that was refused after all.
    pub fn forget(&mut self, session: &Session<'_>, draft: &Draft, id: RecordId) {
        for sign in signs(session, &draft.values) {
            let key = entry(&sign.field, &sign.key);
            if self.0.get(&key) == Some(&id) {
                self.0.remove(&key);
            }
        }
    }
}

fn entry(field: &str, key: &str) -> String {
    format!("{field}\u{1}{key}")
}

fn mine_key(mine: Option<&str>) -> String {
    mine.unwrap_or_default().to_lowercase()
}

fn external_id<'a>(object: &ObjectDef, values: &'a [(usize, Value)]) -> Option<&'a str> {
    let place = object.fields.iter().position(|f| f.key == "external_id")?;
    match values.iter().find(|(field, _)| *field == place) {
        Some((_, Value::Text(text))) => Some(text),
        _ => None,
    }
}

/// Two programs may give the same number to different people, and two companies may have one name: the other signs decide.
fn contradicts(sign: &Sign, object: &ObjectDef, draft: &Draft, mine: Option<&str>, record: &Record) -> bool {
    if sign.name {
        let theirs = object.field("external_id").map(|f| record.values.get(f.id));
        return matches!((mine, theirs), (Some(mine), Some(Value::Text(theirs))) if mine != theirs);
    }
    if !sign.foreign {
        return false;
    }
    let (mut compared, mut agrees) = (false, false);
    for (place, value) in &draft.values {
        let field = &object.fields[*place];
        let held = record.values.get(field.id);
        if held.is_null()
            || !(field.kind == "email" || matches!(field.key.as_str(), "name" | "first_name" | "last_name" | "domain"))
        {
            continue;
        }
        compared = true;
        let (mine, theirs) = (keys_of(field, value), keys_of(field, held));
        agrees |= mine.iter().any(|key| theirs.contains(key));
        if field.kind == "text" {
            agrees |= mine.iter().any(|a| theirs.iter().any(|b| alike(a, b)));
        }
    }
    compared && !agrees
}

/// The fields in which an update would change the record, with lists joined. Empty: it has all of it already.
pub fn changes(object: &ObjectDef, record: &Record, values: Vec<(usize, Value)>) -> Vec<(usize, Value)> {
    let merged = values.into_iter().map(|(place, value)| {
        let held = record.values.get(object.fields[place].id);
        (place, merge(held, value))
    });
    merged.filter(|(place, value)| record.values.get(object.fields[*place].id) != value).collect()
}

fn merge(held: &Value, new: Value) -> Value {
    match (held, new) {
        (Value::Labelled(held), Value::Labelled(new)) => {
            let mut all = held.clone();
            for entry in new {
                match all.iter_mut().find(|h| h.value.eq_ignore_ascii_case(&entry.value)) {
                    Some(known) if known.label.is_empty() => known.label = entry.label,
                    Some(_) => {}
                    None => all.push(entry),
                }
            }
            Value::Labelled(all)
        }
        (Value::Texts(held), Value::Texts(new)) => Value::Texts(joined(held, new)),
        (Value::Links(held), Value::Links(new)) => Value::Links(joined(held, new)),
        (Value::Address(held), Value::Address(mut new)) => {
            // A file that only knows the city must not cost the street, unless the city is another one.
            let same = new.city.is_empty() || held.city.is_empty() || new.city == held.city;
            if same {
                for (part, old) in [
                    (&mut new.street, &held.street),
                    (&mut new.city, &held.city),
                    (&mut new.region, &held.region),
                    (&mut new.postal_code, &held.postal_code),
                    (&mut new.country, &held.country),
                ] {
                    if part.is_empty() {
                        part.clone_from(old);
                    }
                }
            }
            Value::Address(new)
        }
        (_, new) => new,
    }
}

fn joined<T: Clone + PartialEq>(held: &[T], new: Vec<T>) -> Vec<T> {
    let mut all = held.to_vec();
    for one in new {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// Whether a record holds nothing but what identifies it, as one made for a link does.
pub fn is_stub(object: &ObjectDef, record: &Record) -> bool {
    const NAMING: &[&str] = &["name", "first_name", "last_name", "external_id", "domain"];
    record.values.iter().all(|(id, value)| {
        let Some(field) = object.field_by_id(id) else { return false };
        let named = NAMING.contains(&field.key.as_str()) || field.key == object.title;
        named
            || field.kind == "email"
            || field.kind == "computed"
            || field.kind().to_json(field, value) == field.default
    })
}
