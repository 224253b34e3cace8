//! Whether an input fits its schema. Pure; knows no action.

use kith_model::{FieldDef, ReadContext, Violation};
use serde_json::Value as Json;

use crate::EngineError;

/// Checks an input against the part of JSON Schema that actions use: `type`, `properties`, `required`, `enum`, `items`,
/// `minLength`, `maxLength`, `minimum`, `maximum`, `additionalProperties: false`, and `format` where a kind of field stands behind it. Null counts as
/// absent. Messages name a property by its title where it has one.
pub fn check_input(schema: &Json, input: &Json) -> Result<(), EngineError> {
    let mut violations = Vec::new();
    check("", schema, input, &mut violations, 0);
    if violations.is_empty() { Ok(()) } else { Err(EngineError::Invalid(violations)) }
}

fn check(path: &str, schema: &Json, value: &Json, out: &mut Vec<Violation>, depth: usize) {
    if depth > kith_base::limits::DEPTH_MAX {
        return out.push(Violation::new(path, "too_deep", "the input is nested too deeply; flatten it"));
    }
    let name = named(path, schema);
    if !has_type(schema.get("type"), value) {
        let wanted = schema["type"].as_str().map_or_else(|| schema["type"].to_string(), str::to_string);
        return out.push(Violation::new(path, "wrong_type", format!("'{name}' must be of type {wanted}")));
    }
    if let Some(allowed) = schema.get("enum").and_then(Json::as_array)
        && !allowed.contains(value)
    {
        let list: Vec<String> = allowed.iter().map(plain).collect();
        let said = format!("'{name}' is {}; it can be {}", clip(&plain(value)), list.join(", "));
        out.push(Violation::new(path, "not_allowed", said));
    }
    check_bounds(path, &name, schema, value, out);
    check_format(path, &name, schema, value, out);
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        for (at, item) in list.iter().enumerate() {
            check(&format!("{path}[{at}]"), items, item, out, depth + 1);
        }
    }
    if let Some(map) = value.as_object() {
        check_properties(path, schema, map, out, depth);
    }
}

fn check_properties(
    path: &str,
    schema: &Json,
    map: &serde_json::Map<String, Json>,
    out: &mut Vec<Violation>,
    depth: usize,
) {
    let join = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    let present = |key: &str| map.get(key).is_some_and(|v| !v.is_null());
    for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        if !present(key) {
            let name = named(&join(key), &schema["properties"][key]);
            out.push(Violation::new(&join(key), "required", format!("'{name}' is required")));
        }
    }
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
    for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        match properties.get(key) {
            Some(schema) => check(&join(key), schema, value, out, depth + 1),
            None if schema.get("additionalProperties") == Some(&Json::Bool(true)) => {}
            None => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                let said = format!("'{}' is not an input; known ones: {}", clip(&join(key)), known.join(", "));
                out.push(Violation::new(&join(key), "unknown", said));
            }
        }
    }
}

fn check_bounds(path: &str, name: &str, schema: &Json, value: &Json, out: &mut Vec<Violation>) {
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    let measured = match value {
        Json::String(text) => Some((text.chars().count() as f64, "minLength", "maxLength", "characters")),
        Json::Number(number) => number.as_f64().map(|n| (n, "minimum", "maximum", "")),
        Json::Array(list) => Some((list.len() as f64, "minItems", "maxItems", "items")),
        _ => None,
    };
    let Some((size, low, high, unit)) = measured else { return };
    if let Some(min) = bound(low).filter(|min| size < *min) {
        out.push(Violation::new(path, "too_small", format!("'{name}' is below {min} {unit}").trim_end().to_string()));
    }
    if let Some(max) = bound(high).filter(|max| size > *max) {
        out.push(Violation::new(path, "too_large", format!("'{name}' is above {max} {unit}").trim_end().to_string()));
    }
}

/// A text in a format is what a field of the kind behind it would take.
fn check_format(path: &str, name: &str, schema: &Json, value: &Json, out: &mut Vec<Violation>) {
    let kind = match schema["format"].as_str() {
        Some("date") => "date",
        Some("date-time") => "datetime",
        Some("email") => "email",
        Some("uri") => "url",
        _ => return,
    };
    if !value.is_string() {
        return;
    }
    let field = FieldDef { key: name.into(), kind: kind.into(), ..FieldDef::default() };
    if let Err(refused) = field.kind().read(&field, &ReadContext::default(), value) {
        out.push(Violation::new(path, &refused.code, refused.message));
    }
}

fn named(path: &str, schema: &Json) -> String {
    schema["title"].as_str().filter(|title| !title.is_empty()).map_or_else(|| path.to_string(), clip)
}

fn has_type(wanted: Option<&Json>, value: &Json) -> bool {
    match wanted {
        None => true,
        Some(Json::Array(several)) => several.iter().any(|one| has_type(Some(one), value)),
        Some(one) => match one.as_str().unwrap_or_default() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            _ => true,
        },
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn clip(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_string() } else { text.chars().take(60).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(input: Json) -> Vec<(String, String)> {
        let schema = json!({"type": "object", "required": ["pipeline"], "properties": {
            "pipeline": {"type": "string"}, "create_deal": {"type": "boolean"}, "reason": {"enum": ["price", "timing"]},
            "count": {"type": "integer", "minimum": 1, "maximum": 3}, "tags": {"type": "array", "items": {"type": "string"}},
            "due": {"type": "string", "format": "date", "title": "Due on"}, "to": {"type": "string", "format": "email"}}});
        match check_input(&schema, &input) {
            Ok(()) => Vec::new(),
            Err(error) => {
                error.violations().iter().map(|v| (v.field.clone().unwrap_or_default(), v.code.clone())).collect()
            }
        }
    }

    #[test]
    fn a_fitting_input_passes_and_null_counts_as_absent() {
        assert!(
            refused(json!({"pipeline": "x", "create_deal": true, "reason": null, "count": 2, "tags": ["a"]}))
                .is_empty()
        );
        assert_eq!(refused(json!({"pipeline": null})), [("pipeline".into(), "required".into())]);
    }

    #[test]
    fn a_format_is_what_a_field_of_its_kind_takes_and_is_named_by_its_title() {
        assert!(refused(json!({"pipeline": "x", "due": "2026-03-01", "to": "ada@example.com"})).is_empty());
        let said = refused(json!({"pipeline": "x", "due": "soon", "to": "nobody"}));
        assert_eq!(said, [("due".into(), "bad_date".into()), ("to".into(), "bad_email".into())]);
        let schema = json!({"properties": {"due": {"type": "string", "format": "date", "title": "Due on"}}});
        let error = check_input(&schema, &json!({"due": "soon"})).unwrap_err();
        assert!(error.violations()[0].message.contains("'Due on'"), "{error}");
    }

    #[test]
    fn each_misfit_is_named_with_its_place() {
        assert_eq!(refused(json!([])), [(String::new(), "wrong_type".into())]);
        let said = refused(json!({"pipeline": 1, "reason": "mood", "count": 9, "tags": ["a", 2], "x": 1}));
        let expected = [
            ("pipeline", "wrong_type"),
            ("reason", "not_allowed"),
            ("count", "too_large"),
            ("tags[1]", "wrong_type"),
            ("x", "unknown"),
        ];
        assert_eq!(said, expected.map(|(f, c)| (f.to_string(), c.to_string())));
    }
}
