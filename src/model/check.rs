//! Whether a definition of an object or field may enter a schema. Checks nothing that is stored.

use std::collections::{HashMap, HashSet};

use crate::{FieldDef, ObjectDef, ReadContext, Schema, Violation, expr::Expr, kinds};

/// The target of links that may point at a record of any object.
pub const ANY_OBJECT: &str = "*";

/// Names that mean something else in records and expressions.
const RESERVED: &[&str] = &[
    "id",
    "version",
    "created_at",
    "updated_at",
    "created_by",
    "updated_by",
    "trashed",
    "values",
    "me",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Fields of one object. More make forms nobody fills in, and records slow to read.
const FIELDS_MAX: usize = 500;

/// Bytes of a label or a help text.
const LABEL_BYTES_MAX: usize = 400;
const HELP_BYTES_MAX: usize = 4_000;

/// `[a-z][a-z0-9_]{0,62}`: fits URLs, CEL and column headers alike.
pub fn is_key(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(rest)
}

/// Everything that is wrong with an object and its fields, as part of `schema`.
pub fn check_object(object: &ObjectDef, schema: &Schema) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut refuse = |at: &str, code: &str, message: String| found.push(Violation::new(at, code, message));
    if !is_key(&object.key) {
        refuse("key", "bad_key", bad_key(&object.key));
    }
    for (at, label) in [("label", &object.label), ("label_plural", &object.label_plural)] {
        if label.trim().is_empty() || label.len() > LABEL_BYTES_MAX {
            refuse(at, "bad_label", format!("'{}' needs a {at} of 1 to {LABEL_BYTES_MAX} bytes", object.key));
        }
    }
    if schema.object(&object.key).is_some_and(|known| known.id != object.id) {
        refuse("key", "duplicate", format!("there is an object '{}' already; take another key", object.key));
    }
    if object.fields.len() > FIELDS_MAX {
        refuse(
            "fields",
            "too_many",
            format!("'{}' has more than {FIELDS_MAX} fields; split it into two objects", object.key),
        );
    }
    for (at, named) in [("title", &object.title), ("subtitle", &object.subtitle)] {
        if !(at == "subtitle" && named.is_empty()) && object.field(named).is_none() {
            let shown = kinds::shared::clip(named);
            refuse(
                at,
                "unknown_field",
                format!("'{}' has no field '{shown}' to use as {at}; name one it has", object.key),
            );
        }
    }
    let (mut keys, mut ids) = (HashSet::new(), HashSet::new());
    for field in &object.fields {
        if !keys.insert(field.key.as_str()) {
            refuse(
                &field.key,
                "duplicate",
                format!("'{}' has the field '{}' twice; take another key", object.key, field.key),
            );
        } else if !ids.insert(field.id) {
            refuse(&field.key, "duplicate", format!("field '{}' has the number of another field", field.key));
        }
    }
    for field in &object.fields {
        found.extend(check_field(object, field, schema));
    }
    found.extend(cycle(object));
    found
}

/// Everything that is wrong with one field of an object.
pub fn check_field(object: &ObjectDef, field: &FieldDef, schema: &Schema) -> Vec<Violation> {
    let mut found = Vec::new();
    let refuse = |code: &str, message: String| Violation::new(&field.key, code, message);
    if RESERVED.contains(&field.key.as_str()) {
        found.push(refuse("reserved", format!("'{}' has a meaning of its own; take another key", field.key)));
    } else if !is_key(&field.key) {
        found.push(refuse("bad_key", bad_key(&field.key)));
    }
    if field.label.trim().is_empty() || field.label.len() > LABEL_BYTES_MAX {
        found.push(refuse("bad_label", format!("field '{}' needs a label of 1 to {LABEL_BYTES_MAX} bytes", field.key)));
    }
    if field.help.len() > HELP_BYTES_MAX {
        found.push(refuse(
            "too_long",
            format!("the help of field '{}' is longer than {HELP_BYTES_MAX} bytes", field.key),
        ));
    }
    let Some(known) = kinds::find(&field.kind) else {
        let all: Vec<&str> = kinds::ALL.iter().map(|kind| kind.key()).collect();
        let shown = kinds::shared::clip(&field.kind);
        found.push(refuse("unknown_kind", format!("there is no kind '{shown}'; kinds: {}", all.join(", "))));
        return found;
    };
    found.extend(field.kind().check_field(field).err());
    if field.unique && !known.can_be_unique() {
        found.push(refuse("not_unique_kind", format!("fields of kind {} cannot be unique", field.kind)));
    }
    if let Some(target) = field.target.as_deref().filter(|target| !target.is_empty() && *target != ANY_OBJECT)
        && schema.object(target).is_none()
        && target != object.key
    {
        let shown = kinds::shared::clip(target);
        found
            .push(refuse("unknown_object", format!("field '{}' points at '{shown}', which does not exist", field.key)));
    }
    if field.inverse.as_ref().is_some_and(|inverse| !is_key(&inverse.key)) {
        found.push(refuse("bad_key", format!("the inverse of field '{}' needs a key such as people", field.key)));
    }
    if let Some(text) = field.expression.as_deref()
        && let Err(error) = Expr::parse(text).and_then(|expr| expr.resolve(object))
    {
        found.push(refuse("bad_expression", format!("the expression of field '{}': {error}", field.key)));
    }
    if !field.default.is_null()
        && !kinds::is_given(field)
        && let Err(violation) = field.kind().read(field, &ReadContext::default(), &field.default)
    {
        found.push(refuse("bad_default", format!("the default of field '{}': {}", field.key, violation.message)));
    }
    found
}

fn bad_key(key: &str) -> String {
    let shown = kinds::shared::clip(key);
    format!(
        "'{shown}' is not a key; write lower-case letters, digits and underscores, a letter first, up to 63 characters"
    )
}

/// A computed field that needs itself, however far around.
fn cycle(object: &ObjectDef) -> Option<Violation> {
    let mut needs: HashMap<&str, Vec<String>> = HashMap::new();
    for field in &object.fields {
        if let Some(expr) = field.expression.as_deref().and_then(|text| Expr::parse(text).ok()) {
            needs.insert(&field.key, expr.references().to_vec());
        }
    }
    // Fields whose needs are met are taken away, until none is left or none can be.
    loop {
        let ready = needs.iter().find(|(_, wanted)| !wanted.iter().any(|name| needs.contains_key(name.as_str())));
        match ready.map(|(key, _)| *key) {
            Some(key) => drop(needs.remove(key)),
            None => break,
        }
    }
    let mut left: Vec<&str> = needs.into_keys().collect();
    left.sort_unstable();
    let first = left.first()?;
    let message = format!("the computed fields {} need each other; break the circle", left.join(", "));
    Some(Violation::new(first, "cycle", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, kind: &str) -> FieldDef {
        FieldDef { key: key.into(), label: key.into(), kind: kind.into(), ..FieldDef::default() }
    }

    fn codes(mut fields: Vec<FieldDef>) -> Vec<String> {
        for (at, field) in fields.iter_mut().enumerate() {
            field.id = u32::try_from(at).unwrap() + 1;
        }
        let title = fields[0].key.clone();
        let object = ObjectDef {
            key: "cars".into(),
            label: "Car".into(),
            label_plural: "Cars".into(),
            title,
            fields,
            ..ObjectDef::default()
        };
        check_object(&object, &Schema::default()).into_iter().map(|v| v.code).collect()
    }

    fn computed(key: &str, cel: &str) -> FieldDef {
        FieldDef { expression: Some(cel.into()), ..field(key, "computed") }
    }

    #[test]
    fn a_sound_definition_passes() {
        let about = FieldDef { target: Some(ANY_OBJECT.into()), ..field("about", "link") };
        assert!(codes(vec![field("doors", "integer"), computed("total", "doors * 2"), about]).is_empty());
    }

    #[test]
    fn each_flaw_is_named() {
        assert_eq!(codes(vec![field("Doors", "integer")]), ["bad_key"]);
        assert_eq!(codes(vec![field("id", "text")]), ["reserved"]);
        assert_eq!(codes(vec![field("a", "text"), field("a", "text")]), ["duplicate"]);
        assert_eq!(codes(vec![field("a", "colour")]), ["unknown_kind"]);
        assert_eq!(codes(vec![field("a", "select")]), ["no_options"]);
        assert_eq!(codes(vec![field("a", "link")]), ["no_target"]);
        assert_eq!(codes(vec![FieldDef { target: Some("boats".into()), ..field("a", "link") }]), ["unknown_object"]);
        assert_eq!(codes(vec![FieldDef { unique: true, ..field("a", "json") }]), ["not_unique_kind"]);
        assert_eq!(codes(vec![FieldDef { default: "x".into(), ..field("a", "integer") }]), ["bad_default"]);
        assert_eq!(codes(vec![computed("a", "b"), computed("b", "a")]), ["cycle"]);
        assert_eq!(codes(vec![computed("a", "nope")]), ["bad_expression"]);
        assert_eq!(codes(vec![field("a", "computed")]), ["no_expression"]);
    }
}
