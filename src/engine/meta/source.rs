//! Where definitions come from: built-in ones in code, joined with the records of `objects` and `fields`. A record whose number is below
//! 1000 amends a built-in definition, others define. Removed definitions stay known to the image, so that their values come back when
//! they are restored.

use std::collections::BTreeMap;

use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef, Origin, Schema, SelectOption, Value, schema::Inverse};
use serde_json::Value as Json;

use crate::{
    Record,
    system::ids::{fields as f, objects as o},
};

/// Objects below this number are administration.
pub const SYSTEM_END: u32 = 100;

/// First number of definitions that are records.
pub const CUSTOM: u32 = 1_000;

/// The records of `objects` and `fields`, trash included.
#[derive(Clone, Default)]
pub struct Source {
    objects: BTreeMap<RecordId, Record>,
    fields: BTreeMap<RecordId, Record>,
}

/// The two schemas that follow from a source.
pub struct Joined {
    /// What everybody sees.
    pub live: Schema,
    /// With removed objects and fields under keys that no expression can name: what the image keeps.
    pub kept: Schema,
}

impl Source {
    /// Takes in a record of `objects` or `fields`; others are ignored. True when it was one.
    pub fn put(&mut self, record: &Record) -> bool {
        match record.object {
            o::OBJECT => self.objects.insert(record.id, record.clone()),
            f::OBJECT => self.fields.insert(record.id, record.clone()),
            _ => return false,
        };
        true
    }

    /// Sequence number of the newest definition.
    pub fn revision(&self) -> u64 {
        self.objects.values().chain(self.fields.values()).map(|r| r.seq).max().unwrap_or(0)
    }

    /// The record that defines or amends object `number`.
    pub fn object(&self, number: u32) -> Option<&Record> {
        self.objects.values().find(|r| int(r, o::NUMBER) == i64::from(number))
    }

    /// The record that defines or amends field `number` of the object with this key.
    pub fn field(&self, object: &str, number: u32) -> Option<&Record> {
        self.fields.values().find(|r| int(r, f::NUMBER) == i64::from(number) && text(r, f::OF) == Some(object))
    }

    /// A removed field's record, by object and field key.
    pub fn removed_field(&self, object: &ObjectDef, key: &str) -> Option<&Record> {
        let of = |r: &Record| text(r, f::OF) == Some(&object.key) && self.owner(r).is_none_or(|id| id == object.id);
        self.fields.values().rev().find(|r| r.trashed && of(r) && text(r, f::KEY) == Some(key) && !self.is_dropped(r))
    }

    /// Number of the object made by an admin to which the record of a field belongs: a key may have named several, one after the
    /// other. Records that do not say it are from when a key could not be used again, and mean the first.
    fn owner(&self, field: &Record) -> Option<u32> {
        match number(field, f::OWNER) {
            0 => {
                let named = self.objects.values().filter(|r| text(r, o::KEY) == text(field, f::OF));
                named.map(|r| number(r, o::NUMBER)).filter(|number| *number >= CUSTOM).min()
            }
            owner => Some(owner),
        }
    }

    /// Everything a plugin added, the trash included.
    pub(super) fn of_plugin<'a>(&'a self, plugin: &str) -> impl Iterator<Item = &'a Record> {
        let origin = made_by(plugin);
        self.objects.values().chain(self.fields.values()).filter(move |record| self.origin_of(record) == origin)
    }

    pub(super) fn is_object(&self, record: &Record) -> bool {
        record.object == o::OBJECT
    }

    pub(super) fn origin_of<'a>(&self, record: &'a Record) -> &'a str {
        text(record, if self.is_object(record) { o::ORIGIN } else { f::ORIGIN }).unwrap_or_default()
    }

    pub(super) fn key_of<'a>(&self, record: &'a Record) -> &'a str {
        text(record, if self.is_object(record) { o::KEY } else { f::KEY }).unwrap_or_default()
    }

    /// Key of the object that a field belongs to.
    pub(super) fn object_of<'a>(&self, record: &'a Record) -> &'a str {
        text(record, f::OF).unwrap_or_default()
    }

    pub(super) fn number_of(&self, record: &Record) -> u32 {
        number(record, if self.is_object(record) { o::NUMBER } else { f::NUMBER })
    }

    /// The definition of an object as its record has it.
    pub(super) fn object_as_defined(&self, record: &Record) -> ObjectDef {
        defined_object(record)
    }

    /// The definition of a field as its record has it.
    pub(super) fn field_as_defined(&self, record: &Record) -> FieldDef {
        defined_field(record)
    }

    /// The record of an object by key, the trash included.
    pub(super) fn object_named(&self, key: &str) -> Option<&Record> {
        let named = self.objects.values().filter(|r| text(r, o::KEY) == Some(key) && !self.is_dropped(r));
        named.min_by_key(|record| record.trashed)
    }

    /// The record of a field by key; rather one outside the trash.
    pub(super) fn field_named(&self, object: &ObjectDef, key: &str) -> Option<&Record> {
        let named = |r: &&Record| {
            let of = text(r, f::OF) == Some(&object.key) && self.owner(r).is_none_or(|id| id == object.id);
            of && text(r, f::KEY) == Some(key) && !self.is_dropped(r)
        };
        self.fields.values().filter(named).min_by_key(|record| record.trashed)
    }

    /// Whether it went with its plugin's data: it stays in the trash, and nobody takes it up again.
    fn is_dropped(&self, record: &Record) -> bool {
        record.trashed && self.origin_of(record).starts_with(DROPPED_BY)
    }

    /// The number for a new object: never one that was used before, the trash included.
    pub fn next_object(&self) -> u32 {
        next(self.objects.values().map(|r| int(r, o::NUMBER)))
    }

    /// The number for a new field of an object.
    pub fn next_field(&self, object: &str) -> u32 {
        next(self.fields.values().filter(|r| text(r, f::OF) == Some(object)).map(|r| int(r, f::NUMBER)))
    }

    /// Joins the records with the built-in definitions.
    pub fn join(&self, builtins: &[ObjectDef]) -> Joined {
        let mut live: Vec<ObjectDef> = builtins.to_vec();
        let mut kept = Vec::new();
        for record in self.objects.values() {
            let number = number(record, o::NUMBER);
            match live.iter_mut().find(|object| object.id == number) {
                Some(object) if !record.trashed => amend_object(object, record),
                Some(_) => {}
                None if number < CUSTOM => {}
                None if record.trashed => kept.push(defined_object(record)),
                None => live.push(defined_object(record)),
            }
        }
        let mut removed: Vec<(u32, FieldDef)> = Vec::new();
        for record in self.fields.values() {
            let (number, of) = (number(record, f::NUMBER), text(record, f::OF).unwrap_or_default());
            let owner = self.owner(record);
            let is_owner = |object: &&mut ObjectDef| owner.map_or(object.key == of, |id| object.id == id);
            let Some(object) = live.iter_mut().chain(&mut kept).find(is_owner) else { continue };
            match object.fields.iter_mut().find(|field| field.id == number) {
                Some(field) if !record.trashed => amend_field(field, record),
                Some(_) => {}
                None if number < CUSTOM => {}
                None if record.trashed => removed.push((object.id, defined_field(record))),
                None => object.fields.push(defined_field(record)),
            }
        }
        let mut whole = live.clone();
        for object in &mut kept {
            object.key = removed_key(object.id);
        }
        whole.append(&mut kept);
        for (of, mut field) in removed.into_iter().filter(|(_, field)| field.kind != "computed") {
            field.key = removed_key(field.id);
            (field.required, field.unique, field.hidden) = (false, false, true);
            if let Some(object) = whole.iter_mut().find(|object| object.id == of) {
                object.fields.push(field);
            }
        }
        Joined { live: Schema::new(live), kept: Schema::new(whole) }
    }
}

/// A key that cannot be written in an expression or asked for by a client.
fn removed_key(number: u32) -> String {
    format!("~{number}")
}

fn next(numbers: impl Iterator<Item = i64>) -> u32 {
    numbers.filter_map(|n| u32::try_from(n).ok()).max().unwrap_or(0).saturating_add(1).max(CUSTOM)
}

fn amend_object(object: &mut ObjectDef, record: &Record) {
    set_text(record, o::LABEL, &mut object.label);
    set_text(record, o::LABEL_PLURAL, &mut object.label_plural);
    set_text(record, o::DESCRIPTION, &mut object.description);
    set_text(record, o::ICON, &mut object.icon);
    set_text(record, o::TITLE, &mut object.title);
    set_text(record, o::SUBTITLE, &mut object.subtitle);
    if let Some(position) = decimal(record, o::POSITION) {
        object.position = position;
    }
    if let Value::Bool(timeline) = record.values.get(o::TIMELINE) {
        object.timeline = *timeline;
    }
}

fn defined_object(record: &Record) -> ObjectDef {
    let mut object = ObjectDef {
        id: number(record, o::NUMBER),
        key: text(record, o::KEY).unwrap_or_default().to_string(),
        origin: origin(record, o::ORIGIN),
        ..ObjectDef::default()
    };
    amend_object(&mut object, record);
    object
}

fn amend_field(field: &mut FieldDef, record: &Record) {
    let builtin = field.id < CUSTOM;
    set_text(record, f::LABEL, &mut field.label);
    set_text(record, f::HELP, &mut field.help);
    for (number, flag) in [
        (f::REQUIRED, &mut field.required),
        (f::UNIQUE, &mut field.unique),
        (f::HIDDEN, &mut field.hidden),
        (f::MANY, &mut field.many),
        (f::IN_LIST, &mut field.in_list),
    ] {
        let Value::Bool(on) = record.values.get(number) else { continue };
        // Code relies on what a built-in field requires; an amendment can only ask for more.
        let stricter = builtin && matches!(number, f::REQUIRED | f::UNIQUE);
        *flag = *on || (stricter && *flag);
    }
    if let Some(default) = json(record, f::DEFAULT) {
        field.default = default;
    }
    if let Some(options) = json(record, f::OPTIONS).and_then(|j| serde_json::from_value::<Vec<SelectOption>>(j).ok()) {
        // An option that records may hold does not vanish: one that an amendment leaves out is only retired.
        let gone: Vec<SelectOption> =
            field.options.drain(..).filter(|old| !options.iter().any(|new| new.key == old.key)).collect();
        field.options = options;
        field.options.extend(gone.into_iter().map(|old| SelectOption { archived: true, ..old }));
    }
    if let Some(config) = json(record, f::CONFIG).and_then(|j| j.as_object().cloned()) {
        field.config.extend(config);
    }
    if let Some(position) = decimal(record, f::POSITION) {
        field.position = position;
    }
}

fn defined_field(record: &Record) -> FieldDef {
    let origin = origin(record, f::ORIGIN);
    // Once the plugin is gone nobody works it out, so people may write it.
    let worked_out = origin != Origin::Custom && record.values.get(f::READ_ONLY) == &Value::Bool(true);
    let mut field = FieldDef {
        id: number(record, f::NUMBER),
        key: text(record, f::KEY).unwrap_or_default().to_string(),
        kind: text(record, f::KIND).unwrap_or_default().to_string(),
        target: text(record, f::TARGET).map(str::to_string),
        expression: text(record, f::EXPRESSION).map(str::to_string),
        inverse: json(record, f::INVERSE).and_then(|j| serde_json::from_value::<Inverse>(j).ok()),
        read_only: text(record, f::KIND) == Some("computed") || worked_out,
        origin,
        ..FieldDef::default()
    };
    amend_field(&mut field, record);
    field
}

const MADE_BY: &str = "plugin:";
const KEPT_BY: &str = "kept:";
const DROPPED_BY: &str = "dropped:";

/// The origin of what a plugin adds.
pub(super) fn made_by(plugin: &str) -> String {
    format!("{MADE_BY}{plugin}")
}

/// The origin of what a plugin left behind.
pub(super) fn kept_by(plugin: &str) -> String {
    format!("{KEPT_BY}{plugin}")
}

/// The origin of what went with a plugin's data.
pub(super) fn dropped_by(plugin: &str) -> String {
    format!("{DROPPED_BY}{plugin}")
}

fn origin(record: &Record, field: u32) -> Origin {
    match text(record, field).and_then(|origin| origin.strip_prefix(MADE_BY)) {
        Some(plugin) => Origin::Plugin(plugin.to_string()),
        None => Origin::Custom,
    }
}

fn text(record: &Record, field: u32) -> Option<&str> {
    match record.values.get(field) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn set_text(record: &Record, field: u32, place: &mut String) {
    if let Some(text) = text(record, field) {
        place.clear();
        place.push_str(text);
    }
}

fn int(record: &Record, field: u32) -> i64 {
    match record.values.get(field) {
        Value::Int(number) => *number,
        _ => 0,
    }
}

fn number(record: &Record, field: u32) -> u32 {
    u32::try_from(int(record, field)).unwrap_or(0)
}

fn decimal(record: &Record, field: u32) -> Option<f64> {
    match record.values.get(field) {
        Value::Decimal(number) => rust_decimal::prelude::ToPrimitive::to_f64(number),
        _ => None,
    }
}

fn json(record: &Record, field: u32) -> Option<Json> {
    match record.values.get(field) {
        Value::Json(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}
