//! Values and records between the engine and guests. Whatever the contract has no shape for travels as the API shows it, so a new kind of field
//! needs nothing here.

use kith_engine::Record;
use kith_model::{FieldDef, ObjectDef, Value as Model, Violation as ModelViolation};
use serde_json::{Map, Value as Json};

use crate::{
    asking::clip,
    contract::{Entity, Field, Value, Violation},
    manifest::Manifest,
};

/// A field's value as guests see it.
pub fn to_guest(field: &FieldDef, value: &Model) -> Value {
    let shown = || field.kind().to_json(field, value);
    let text = |json: Json| match json {
        Json::String(text) => text,
        other => other.to_string(),
    };
    match value {
        Model::Null | Model::Secret(_) => Value::Null,
        Model::Bool(on) => Value::Boolean(*on),
        Model::Int(number) => Value::Integer(*number),
        Model::Decimal(number) => Value::Decimal(number.normalize().to_string()),
        Model::Text(text) => Value::Text(text.clone()),
        Model::Date(_) => Value::Date(text(shown())),
        Model::DateTime(_) => Value::Timestamp(text(shown())),
        Model::Link(id) => Value::Ref(id.to_string()),
        Model::Links(ids) => Value::Refs(ids.iter().map(ToString::to_string).collect()),
        _ => Value::Json(shown().to_string()),
    }
}

/// A guest's value as a client of the API would send it; the field's kind reads and checks it.
///
/// # Errors
/// What is wrong, for the guest's author.
pub fn from_guest(value: &Value) -> Result<Json, String> {
    let json = |text: &str| serde_json::from_str::<Json>(text).map_err(|e| format!("'json' holds no JSON: {e}"));
    Ok(match value {
        Value::Null => Json::Null,
        Value::Text(text) | Value::Decimal(text) | Value::Date(text) | Value::Timestamp(text) | Value::Ref(text) => {
            Json::String(text.clone())
        }
        Value::Boolean(on) => Json::Bool(*on),
        Value::Integer(number) => Json::from(*number),
        Value::Refs(ids) => Json::from(ids.clone()),
        Value::Json(text) | Value::Ext((_, text)) => json(text)?,
    })
}

/// The key under which a guest sees a field: without the plugin's name in front where it is its own, and nothing else has that name.
pub fn short_key<'a>(manifest: &Manifest, object: &ObjectDef, field: &'a str) -> &'a str {
    match field.strip_prefix(manifest.prefix().as_str()) {
        Some(short) if object.field(short).is_none() => short,
        _ => field,
    }
}

/// The schema's key for what a guest calls a field of `object`.
pub fn long_key(manifest: &Manifest, object: &ObjectDef, field: &str) -> String {
    if object.field(field).is_none() {
        let long = format!("{}{field}", manifest.prefix());
        if object.field(&long).is_some() {
            return long;
        }
    }
    field.to_string()
}

/// The key under which a guest sees an object.
pub fn short_object<'a>(manifest: &Manifest, object: &'a str) -> &'a str {
    match object.strip_prefix(manifest.prefix().as_str()) {
        Some(short) if manifest.objects.contains_key(short) => short,
        _ => object,
    }
}

/// A record as a guest sees it. `select`: schema keys; none: all. Fields without a value are left out.
pub fn entity(manifest: &Manifest, object: &ObjectDef, record: &Record, select: Option<&[String]>) -> Entity {
    let wanted = |field: &&FieldDef| select.is_none_or(|keys| keys.contains(&field.key));
    let one = |field: &FieldDef| {
        let value = to_guest(field, record.values.get(field.id));
        (!matches!(value, Value::Null))
            .then(|| Field { name: short_key(manifest, object, &field.key).to_string(), value })
    };
    Entity {
        object: short_object(manifest, &object.key).to_string(),
        id: record.id.to_string(),
        version: record.version,
        fields: object.fields.iter().filter(wanted).filter_map(one).collect(),
    }
}

/// A guest's fields as a client of the API would send them, by schema key.
///
/// # Errors
/// A violation for each value that cannot be read, or that comes twice.
pub fn fields(manifest: &Manifest, object: &ObjectDef, fields: &[Field]) -> Result<Map<String, Json>, Vec<Violation>> {
    let (mut map, mut wrong) = (Map::new(), Vec::new());
    for field in fields {
        let refuse = |message: String| Violation { field: Some(field.name.clone()), code: "invalid".into(), message };
        match from_guest(&field.value) {
            Err(message) => wrong.push(refuse(message)),
            Ok(json) => {
                if map.insert(long_key(manifest, object, &field.name), json).is_some() {
                    wrong.push(refuse(format!("'{}' comes twice", field.name)));
                }
            }
        }
    }
    if wrong.is_empty() { Ok(map) } else { Err(wrong) }
}

/// What the engine found wrong, for a guest.
pub fn violations(list: &[ModelViolation]) -> Vec<Violation> {
    let one =
        |v: &ModelViolation| Violation { field: v.field.clone(), code: v.code.clone(), message: v.message.clone() };
    list.iter().map(one).collect()
}

/// Longest message of a plugin that is shown to a person.
const MESSAGE_CHARS_MAX: usize = 500;

/// What a guest found wrong, as the engine tells a person.
pub fn from_violations(manifest: &Manifest, object: &ObjectDef, list: Vec<Violation>) -> Vec<ModelViolation> {
    let one = |v: Violation| {
        let code: String =
            v.code.chars().filter(|c| c.is_ascii_lowercase() || matches!(c, '_' | '0'..='9')).take(60).collect();
        let message = clip(&v.message, MESSAGE_CHARS_MAX);
        ModelViolation {
            field: v
                .field
                .map(|field| long_key(manifest, object, &field))
                .filter(|field| object.field(field).is_some()),
            code: if code.is_empty() { "refused".into() } else { code },
            message: if message.is_empty() { format!("{} refuses this", manifest.plugin.name) } else { message },
        }
    };
    list.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use kith_engine::define::{field, object};

    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse(
            "[plugin]\nid = \"lead-scoring\"\nversion = \"0.1.0\"\napi = \"0.1\"\nname = \"Lead scoring\"\n\
             [fields.people.score]\nlabel = \"Score\"\nkind = \"integer\"\n[fields.people.email]\nlabel = \"E\"\nkind = \"text\"\n",
        )
        .unwrap()
    }

    #[test]
    fn own_fields_go_by_their_short_key_unless_another_field_has_it() {
        let people = object(100, "people", "Person", "People")
            .field(1, field::text("email", "E-mail"))
            .field(1000, field::integer("lead_scoring__score", "Score"))
            .field(1001, field::text("lead_scoring__email", "E"))
            .build();
        let manifest = manifest();
        assert_eq!(short_key(&manifest, &people, "lead_scoring__score"), "score");
        assert_eq!(short_key(&manifest, &people, "lead_scoring__email"), "lead_scoring__email");
        assert_eq!(long_key(&manifest, &people, "score"), "lead_scoring__score");
        assert_eq!(long_key(&manifest, &people, "email"), "email");
        assert_eq!(long_key(&manifest, &people, "nothing"), "nothing");
    }

    #[test]
    fn values_survive_the_way_to_a_guest_and_back() {
        let integer = field::integer("n", "N");
        let people = object(100, "people", "Person", "People")
            .field(1, integer)
            .field(2, field::decimal("d", "D"))
            .field(3, field::date("day", "Day"))
            .field(4, field::datetime("at", "At"))
            .field(5, field::money("price", "Price"))
            .field(6, field::boolean("on", "On"))
            .build();
        let context = kith_model::ReadContext::default();
        let sent = serde_json::json!({"n": -7, "d": "12.50", "day": "2026-03-01", "at": "2026-03-01T12:00:00Z",
            "price": {"amount": "12.50", "currency": "EUR"}, "on": true});
        for def in &people.fields {
            let value = def.kind().read(def, &context, &sent[&def.key]).unwrap();
            let guest = to_guest(def, &value);
            let back = def.kind().read(def, &context, &from_guest(&guest).unwrap()).unwrap();
            assert_eq!(back, value, "{}", def.key);
        }
    }
}
