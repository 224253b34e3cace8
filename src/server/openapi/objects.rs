//! Typed schemas and paths of one object: what its fields hold follows from their kinds.

use kith_engine::{FieldAccess, ObjectView};
use kith_model::FieldDef;
use serde_json::{Map, Value as Json, json};

use super::{answers, describe, operations, reference};

/// Operations whose bodies and answers are typed per object: name, path behind the object, method.
const TYPED: [(&str, &str, &str); 4] = [
    ("listRecords", "", "get"),
    ("createRecord", "", "post"),
    ("getRecord", "/{id}", "get"),
    ("updateRecord", "/{id}", "patch"),
];

/// Adds the object's schemas and paths.
pub fn add(view: &ObjectView, paths: &mut Map<String, Json>, components: &mut Json) {
    // A plugin's object has a colon in its key, which names of schemas may not have.
    let name = view.object.key.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', ".");
    if let Some(schemas) = components["schemas"].as_object_mut() {
        add_schemas(view, &name, schemas);
    }
    for (operation, behind, method) in TYPED {
        let Some(described) = operations::find(operation) else { continue };
        let mut shown = describe(described);
        shown["operationId"] = json!(format!("{operation}.{name}"));
        shown["tags"] = json!([view.object.label_plural]);
        shown["summary"] = json!(format!("{}: {}", view.object.label_plural, described.summary));
        shown["responses"] = answers(described, described.gives);
        let (status, schema) = match operation {
            "listRecords" => ("200", format!("{name}.Page")),
            "createRecord" => ("201", format!("{name}.Record")),
            _ => ("200", format!("{name}.Record")),
        };
        shown["responses"][status]["content"]["application/json"]["schema"] = reference("schemas", &schema);
        if let Some(body) = shown.get_mut("requestBody") {
            let schema = if operation == "createRecord" { format!("{name}.New") } else { format!("{name}.Change") };
            body["content"]["application/json"]["schema"] = reference("schemas", &schema);
        }
        let path = format!("/records/{}{behind}", view.object.key);
        let item = paths.entry(path).or_insert_with(|| {
            json!({ "parameters": if behind.is_empty() { json!([]) } else { json!([reference("parameters", "id")]) } })
        });
        item[method] = shown;
    }
}

fn add_schemas(view: &ObjectView, name: &str, schemas: &mut Map<String, Json>) {
    let (mut read, mut write, mut required) = (Map::new(), Map::new(), Vec::new());
    for field in &view.fields {
        let def = &field.field;
        read.insert(def.key.clone(), value_schema(def));
        if field.access == FieldAccess::Write && !def.read_only {
            write.insert(def.key.clone(), value_schema(def));
            if def.required && def.default.is_null() {
                required.push(json!(def.key));
            }
        }
    }
    let values = |properties: &Map<String, Json>, required: &[Json]| json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required });
    let body = |values: Json| json!({ "type": "object", "required": ["values"], "additionalProperties": false, "properties": { "values": values } });
    schemas.insert(format!("{name}.Values"), json!({ "type": "object", "properties": read }));
    schemas.insert(format!("{name}.New"), body(values(&write, &required)));
    schemas.insert(format!("{name}.Change"), body(values(&write, &[])));
    let own = json!({
        "type": "object",
        "properties": { "object": { "const": view.object.key }, "values": reference("schemas", &format!("{name}.Values")) },
    });
    schemas.insert(format!("{name}.Record"), json!({ "allOf": [reference("schemas", "Record"), own] }));
    let page = json!({
        "type": "object",
        "properties": { "items": { "type": "array", "items": reference("schemas", &format!("{name}.Record")) } },
    });
    schemas.insert(format!("{name}.Page"), json!({ "allOf": [reference("schemas", "RecordPage"), page] }));
}

/// The value of a field, or null where it is empty.
fn value_schema(field: &FieldDef) -> Json {
    let mut schema = json!({ "anyOf": [field.kind().json_schema(field), { "type": "null" }], "title": field.label });
    if !field.help.is_empty() {
        schema["description"] = json!(field.help);
    }
    if field.read_only {
        schema["readOnly"] = json!(true);
    }
    schema
}
