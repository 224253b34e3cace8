//! A definition on its way between JSON and the records that hold it: read, completed, checked, written out. Pure; `define` decides
//! when.

use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef, Origin, Schema, Value, Violation, schema};
use serde_json::{Map, Value as Json, json};

use crate::{Command, EngineError, Fields};

/// Values of a record by field key.
pub(super) type Values = Vec<(String, Value)>;

pub(super) fn create(object: &str, values: Values) -> Command {
    // Time zero: ids of definitions sort before all others, so that opening meets them first.
    Command::Create { object: object.into(), id: Some(RecordId::generate(0)), values: Fields::Parsed(values) }
}

pub(super) fn update(object: &str, id: RecordId, values: Values) -> Command {
    Command::Update { object: object.into(), id, version: None, values: Fields::Parsed(values) }
}

pub(super) fn delete(object: &str, id: RecordId) -> Command {
    Command::Delete { object: object.into(), id, version: None }
}

pub(super) fn read<T: serde::de::DeserializeOwned>(json: Json) -> Result<T, EngineError> {
    serde_json::from_value(json).map_err(|e| unreadable(&e))
}

fn unreadable(error: &serde_json::Error) -> EngineError {
    let said = format!("the definition cannot be read: {error}; GET /api/v1/objects shows the form");
    EngineError::SchemaInvalid(vec![Violation { field: None, code: "unreadable".into(), message: said }])
}

/// The JSON object of a change, without what is only shown.
pub(super) fn patch_of(json: Json, shown_only: &[&str]) -> Result<Map<String, Json>, EngineError> {
    match json {
        Json::Object(mut map) => {
            map.retain(|key, _| !shown_only.contains(&key.as_str()));
            Ok(map)
        }
        _ => Err(EngineError::Request("a change of a definition is a JSON object with what is to change".into())),
    }
}

pub(super) fn refuse_fixed(
    patch: &Map<String, Json>,
    now: &Json,
    fixed: impl Fn(&str) -> bool,
    of: &str,
) -> Result<(), EngineError> {
    let changed = |key: &str, value: &Json| now.get(key).unwrap_or(&Json::Null) != value;
    match patch.iter().find(|(key, value)| fixed(key) && changed(key, value)) {
        None => Ok(()),
        Some((key, _)) => {
            let said = format!("'{key}' of '{of}' cannot change; add a new one and move the values over");
            Err(EngineError::SchemaInvalid(vec![Violation::new(key, "fixed", said)]))
        }
    }
}

/// The definition with the change; null takes a value back to `original`, what it was before anyone changed it.
pub(super) fn merged<T: serde::de::DeserializeOwned>(
    mut now: Json,
    patch: &Map<String, Json>,
    original: &impl serde::Serialize,
) -> Result<T, EngineError> {
    let original = json!(original);
    for (key, value) in patch {
        now[key.as_str()] =
            if value.is_null() { original.get(key).cloned().unwrap_or(Json::Null) } else { value.clone() };
    }
    serde_json::from_value(now).map_err(|e| unreadable(&e))
}

/// Options that records may hold do not vanish: one that is left out is only retired.
pub(super) fn retire(current: &FieldDef, changed: &mut FieldDef) {
    for old in &current.options {
        if changed.option(&old.key).is_none() {
            changed.options.push(kith_model::SelectOption { archived: true, ..old.clone() });
        }
    }
}

pub(super) fn complete_object(object: &mut ObjectDef, schema: &Schema) {
    object.origin = Origin::Custom;
    object.system = false;
    if object.label.is_empty() {
        object.label = object.key.clone();
    }
    if object.label_plural.is_empty() {
        object.label_plural = object.label.clone();
    }
    if object.key.is_empty() {
        object.key = key_from(&object.label_plural);
    }
    if object.icon.is_empty() {
        object.icon = "box".into();
    }
    if object.position == 0.0 {
        object.position = schema.objects().iter().map(|o| o.position).fold(0.0, f64::max) + 1.0;
    }
    if object.fields.is_empty() {
        object.fields.push(FieldDef {
            key: "name".into(),
            label: "Name".into(),
            kind: "text".into(),
            required: true,
            in_list: true,
            ..FieldDef::default()
        });
    }
    if object.title.is_empty() {
        object.title = object.fields[0].key.clone();
    }
}

pub(super) fn complete_field(field: &mut FieldDef) {
    field.origin = Origin::Custom;
    field.read_only = field.kind == "computed";
    if field.label.is_empty() {
        field.label = field.key.clone();
    }
    if field.key.is_empty() {
        field.key = key_from(&field.label);
    }
    if field.kind == "user" && field.target.is_none() {
        field.target = Some("users".into());
    }
    for option in &mut field.options {
        if option.key.is_empty() {
            option.key = key_from(&option.label);
        }
        if option.label.is_empty() {
            option.label = option.key.clone();
        }
    }
}

/// Refuses a key that only a plugin's definition may have: `pluginid__field` must never be somebody else's.
pub(super) fn not_reserved(key: &str) -> Result<(), EngineError> {
    if !key.contains("__") {
        return Ok(());
    }
    let said = format!("'{key}' has a doubled underscore, which marks what a plugin adds; use a single one");
    Err(EngineError::SchemaInvalid(vec![Violation::new("key", "reserved", said)]))
}

/// `Größe (cm)` → `gr_e_cm`: good enough as a start, and shown to the person before it is used.
fn key_from(label: &str) -> String {
    let mut key = String::new();
    for c in label.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
    }
    key.truncate(60);
    key.trim_matches('_').to_string()
}

pub(super) fn with_object(schema: &Schema, object: ObjectDef) -> Schema {
    let others = schema.objects().iter().filter(|o| o.key != object.key).map(|o| ObjectDef::clone(o));
    Schema::new(others.chain([object.clone()]).collect())
}

pub(super) fn with_field(schema: &Schema, object: &ObjectDef, field: FieldDef) -> Schema {
    let mut changed = object.clone();
    changed.fields.retain(|f| f.id != field.id);
    changed.fields.push(field);
    with_object(schema, changed)
}

/// Checks the object, and those that point at it, as they would be.
pub(super) fn check(schema: &Schema, object: &str) -> Result<(), EngineError> {
    let Some(def) = schema.object(object) else { return Err(EngineError::ObjectNotFound(object.into())) };
    let violations = schema::check_object(def, schema);
    if violations.is_empty() { Ok(()) } else { Err(EngineError::SchemaInvalid(violations)) }
}

/// What of the object would break without the field, in words.
pub(super) fn needed_by(object: &ObjectDef, field: &str) -> Option<String> {
    if object.title == field {
        return Some("the object, as the title of its records".into());
    }
    if object.subtitle == field {
        return Some("the object, as the subtitle of its records".into());
    }
    let reads = |f: &&FieldDef| {
        let expr = f.expression.as_deref().and_then(|cel| kith_model::expr::Expr::parse(cel).ok());
        expr.is_some_and(|expr| expr.references().iter().any(|name| name.as_str() == field))
    };
    object.fields.iter().find(reads).map(|f| format!("the computed field '{}'", f.key))
}

fn text(value: &str) -> Value {
    if value.is_empty() { Value::Null } else { Value::Text(value.to_string()) }
}

fn json_value(value: &impl serde::Serialize) -> Value {
    match json!(value) {
        Json::Null => Value::Null,
        other => Value::Json(other.to_string()),
    }
}

fn number(value: f64) -> Value {
    rust_decimal::Decimal::try_from(value).map_or(Value::Null, Value::Decimal)
}

/// The values of an `objects` record; with a patch only those it names, where null takes an amendment back.
pub(super) fn object_values(object: &ObjectDef, patch: Option<&Map<String, Json>>) -> Values {
    let all = vec![
        ("number", Value::Int(i64::from(object.id))),
        ("key", text(&object.key)),
        ("label", text(&object.label)),
        ("label_plural", text(&object.label_plural)),
        ("description", text(&object.description)),
        ("icon", text(&object.icon)),
        ("title", text(&object.title)),
        ("subtitle", text(&object.subtitle)),
        ("timeline", Value::Bool(object.timeline)),
        ("position", number(object.position)),
    ];
    narrowed(all, patch)
}

/// The values of the record of a new field of `object`.
pub(super) fn new_field_values(object: &ObjectDef, field: &FieldDef) -> Values {
    let mut values = field_values(&object.key, field, None);
    values.push(("owner".into(), Value::Int(i64::from(object.id))));
    values
}

/// The values of a `fields` record; with a patch only those it names, where null takes an amendment back.
pub(super) fn field_values(object: &str, field: &FieldDef, patch: Option<&Map<String, Json>>) -> Values {
    let all = vec![
        ("number", Value::Int(i64::from(field.id))),
        ("object", text(object)),
        ("key", text(&field.key)),
        ("label", text(&field.label)),
        ("kind", text(&field.kind)),
        ("help", text(&field.help)),
        ("required", Value::Bool(field.required)),
        ("unique", Value::Bool(field.unique)),
        ("hidden", Value::Bool(field.hidden)),
        ("many", Value::Bool(field.many)),
        ("in_list", Value::Bool(field.in_list)),
        ("default", json_value(&field.default)),
        ("options", if field.options.is_empty() { Value::Null } else { json_value(&field.options) }),
        ("target", field.target.as_deref().map_or(Value::Null, text)),
        ("inverse", json_value(&field.inverse)),
        ("expression", field.expression.as_deref().map_or(Value::Null, text)),
        ("config", if field.config.is_empty() { Value::Null } else { json_value(&field.config) }),
        ("position", number(field.position)),
    ];
    narrowed(all, patch)
}

fn narrowed(all: Vec<(&str, Value)>, patch: Option<&Map<String, Json>>) -> Values {
    let value = |(key, value): (&str, Value)| match patch {
        None => Some((key.to_string(), value)),
        Some(patch) => match patch.get(key)? {
            Json::Null => Some((key.to_string(), Value::Null)),
            _ => Some((key.to_string(), value)),
        },
    };
    all.into_iter().filter_map(value).collect()
}
