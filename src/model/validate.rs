//! From what a client sent to the values of a record, and whether those values may be stored. Decides nothing about rights.

use serde_json::{Map, Value as Json};

use crate::{FieldDef, ObjectDef, ReadContext, Value, Values, Violation, kinds, nearest::nearest};

/// Reads `{"field": json}` by the fields of `object`, in the order of the map.
///
/// # Errors
/// Every violation, not only the first: unknown fields, fields nobody may write, values that their kinds refuse.
pub fn read_values(
    object: &ObjectDef,
    context: &ReadContext,
    values: &Map<String, Json>,
) -> Result<Vec<(u32, Value)>, Vec<Violation>> {
    let mut read = Vec::with_capacity(values.len());
    let mut violations = Vec::new();
    for (key, json) in values {
        let Some(field) = object.field(key) else {
            violations.push(unknown_field(object, key));
            continue;
        };
        // What a secret reads as, sent back unchanged, changes nothing.
        if json.get("set").is_some_and(Json::is_boolean)
            && field.kind().to_json(field, &Value::Secret(String::new())) == *json
        {
            continue;
        }
        match read_one(field, context, json) {
            Ok(value) => read.push((field.id, value)),
            Err(violation) => violations.push(violation),
        }
    }
    if violations.is_empty() { Ok(read) } else { Err(violations) }
}

fn read_one(field: &FieldDef, context: &ReadContext, json: &Json) -> Result<Value, Violation> {
    if field.read_only || kinds::is_given(field) {
        return Err(read_only(field));
    }
    field.kind().read(field, context, json)
}

fn read_only(field: &FieldDef) -> Violation {
    let message = format!("field '{}' is set by Kith and cannot be written; leave it out", field.key);
    Violation::new(&field.key, "read_only", message)
}

/// That `object` has no field `key`, with the field that was probably meant.
pub fn unknown_field(object: &ObjectDef, key: &str) -> Violation {
    let shown = kinds::shared::clip(key);
    let meant = nearest(key, object.fields.iter().map(|f| f.key.as_str()));
    let message = match meant {
        Some(meant) => format!("'{}' has no field '{shown}'; did you mean '{meant}'?", object.key),
        None => format!("'{}' has no field '{shown}'; GET /api/v1/objects/{} lists its fields", object.key, object.key),
    };
    Violation { field: Some(shown), code: "unknown_field".into(), message }
}

/// What keeps these values from being stored: required fields that are empty, values that do not fit their field.
pub fn check_record(object: &ObjectDef, values: &Values) -> Vec<Violation> {
    let mut violations = Vec::new();
    for field in &object.fields {
        let value = values.get(field.id);
        if value.is_null() {
            if field.required && !kinds::is_given(field) {
                violations.push(Violation::new(
                    &field.key,
                    "required",
                    format!("field '{}' is required; give it a value", field.key),
                ));
            }
        } else if let Err(violation) = field.kind().check_value(field, value) {
            violations.push(violation);
        }
    }
    violations
}

/// What new records start with, where a definition says so. A default that cannot be read (any more) is none.
pub fn defaults(object: &ObjectDef, context: &ReadContext) -> Vec<(u32, Value)> {
    let one = |field: &FieldDef| {
        if field.default.is_null() || kinds::is_given(field) {
            return None;
        }
        let value = field.kind().read(field, context, &field.default).ok().filter(|value| !value.is_null())?;
        Some((field.id, value))
    };
    object.fields.iter().filter_map(one).collect()
}
