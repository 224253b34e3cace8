//! The OpenAPI 3.1 document of the live schema: every route of the table, and typed paths and schemas for each object that the
//! caller may see, custom fields included. Describes; decides nothing.

mod objects;
pub mod operations;

use kith_engine::ObjectView;
use serde_json::{Map, Value as Json, json};

use self::operations::{Described, Gives, Takes};
use crate::{
    problem::{PROBLEM_JSON, entry},
    routes::{self, PREFIX},
};

/// The document for a caller who sees `views`.
pub fn document(views: &[ObjectView]) -> Json {
    let mut paths = Map::new();
    for entry in routes::table() {
        let mut item = Map::new();
        item.insert("parameters".into(), path_parameters(entry.path, views));
        for operation in &entry.operations {
            if let Some(described) = operations::find(operation.name) {
                item.insert(operation.method.as_str().to_ascii_lowercase(), describe(described));
            }
        }
        paths.insert(entry.path.to_string(), Json::Object(item));
    }
    let mut components = components();
    for view in views {
        objects::add(view, &mut paths, &mut components);
    }
    components["responses"] = responses();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Kith", "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of this Kith, with the objects and fields that it has now.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": PREFIX }],
        "security": [{ "session": [] }, { "token": [] }],
        "tags": tags(),
        "paths": paths,
        "components": components,
    })
}

/// What does not depend on the schema. The file is part of this build; a test reads it.
fn components() -> Json {
    serde_json::from_str(include_str!("components.json")).unwrap_or_default()
}

fn tags() -> Vec<Json> {
    let mut names: Vec<&str> = Vec::new();
    for described in operations::ALL {
        if !names.contains(&described.tag) {
            names.push(described.tag);
        }
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn reference(kind: &str, name: &str) -> Json {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// The parameters in a path's braces.
fn path_parameters(path: &str, views: &[ObjectView]) -> Json {
    let names = path.split('/').filter_map(|piece| piece.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            if name != "object" {
                return reference("parameters", name);
            }
            let keys: Vec<&str> = views.iter().map(|view| view.object.key.as_str()).collect();
            json!({
                "name": "object", "in": "path", "required": true, "description": "Key of an object.",
                "schema": { "type": "string", "enum": keys },
            })
        })
        .collect()
}

/// One operation of the document.
fn describe(described: &Described) -> Json {
    let mut shown = json!({
        "operationId": described.name, "tags": [described.tag], "summary": described.summary,
        "parameters": described.params.iter().map(|name| reference("parameters", name)).collect::<Vec<Json>>(),
        "responses": answers(described, described.gives),
    });
    if let Some(body) = body(described.takes) {
        shown["requestBody"] = body;
    }
    if operations::OPEN.contains(&described.name) {
        shown["security"] = json!([]);
    }
    shown
}

fn body(takes: Takes) -> Option<Json> {
    let (kind, schema) = match takes {
        Takes::Nothing => return None,
        Takes::Json(schema) => ("application/json", schema),
        Takes::Form(schema) => ("multipart/form-data", schema),
    };
    Some(json!({ "required": true, "content": { kind: { "schema": reference("schemas", schema) } } }))
}

fn answers(described: &Described, gives: Gives) -> Json {
    let mut answers = Map::new();
    let json_of = |schema: &str| json!({ "application/json": { "schema": reference("schemas", schema) } });
    match gives {
        Gives::Json(schema) => {
            answers.insert("200".into(), json!({ "description": "Done", "content": json_of(schema) }));
        }
        Gives::Versioned(schema) => {
            let headers = json!({ "ETag": reference("headers", "ETag") });
            answers
                .insert("200".into(), json!({ "description": "Done", "headers": headers, "content": json_of(schema) }));
        }
        Gives::Created(schema) => {
            answers.insert("201".into(), json!({ "description": "Made", "content": json_of(schema) }));
        }
        Gives::Started(schema) => {
            answers.insert("202".into(), json!({ "description": "Started", "content": json_of(schema) }));
        }
        Gives::Nothing => {
            answers.insert("204".into(), json!({ "description": "Done" }));
        }
        Gives::Other(kinds) => {
            let content: Map<String, Json> = kinds.iter().map(|kind| (kind.to_string(), json!({}))).collect();
            answers.insert("200".into(), json!({ "description": "Done", "content": content }));
        }
        Gives::Job => {
            answers.insert(
                "200".into(),
                json!({ "description": "What would be done", "content": json_of("ImportPreview") }),
            );
            answers.insert("202".into(), json!({ "description": "Started", "content": json_of("ImportStarted") }));
        }
    }
    for status in refusals(described) {
        answers.insert(status.to_string(), reference("responses", &format!("Refused{status}")));
    }
    Json::Object(answers)
}

/// Every status that the operation may refuse with, lowest first.
fn refusals(described: &Described) -> Vec<u16> {
    let mut all: Vec<u16> = vec![400, 401, 403, 404, 405, 414, 429, 431, 500, 503];
    if described.takes != Takes::Nothing {
        all.extend([413, 415, 422]);
    }
    all.extend(described.refuses);
    all.extend(match described.gives {
        // Making and changing records may meet what the model refuses even without a body.
        Gives::Versioned(_) | Gives::Created(_) => [409, 422].as_slice(),
        _ => &[],
    });
    all.sort_unstable();
    all.dedup();
    all
}

/// One shared answer per status that a refusal can have.
fn responses() -> Json {
    let mut shared = Map::new();
    for (code, status, title) in crate::problem::TABLE {
        debug_assert_eq!(entry(code).0.as_u16(), *status);
        let content = json!({ PROBLEM_JSON: { "schema": reference("schemas", "Problem") } });
        let mut answer = json!({ "description": title, "content": content });
        if matches!(status, 429 | 503) {
            answer["headers"] = json!({ "Retry-After": reference("headers", "RetryAfter") });
        }
        shared.entry(format!("Refused{status}")).or_insert(answer);
    }
    // Refused while the head is still read: there is no request yet that could be answered in kind.
    shared.insert("Refused414".into(), json!({ "description": "The address is too long" }));
    shared.insert("Refused431".into(), json!({ "description": "The headers are too long" }));
    Json::Object(shared)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let served: BTreeSet<&str> = routes::table().iter().flat_map(|e| e.operations.iter().map(|o| o.name)).collect();
        let described: BTreeSet<&str> = operations::ALL.iter().map(|described| described.name).collect();
        assert_eq!(served, described);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(&[]);
        let mut missing = Vec::new();
        walk(&document, &mut |reference| {
            let pointer = reference.trim_start_matches('#');
            if document.pointer(pointer).is_none() {
                missing.push(reference.to_string());
            }
        });
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn walk(value: &Json, each: &mut impl FnMut(&str)) {
        match value {
            Json::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Json::as_str) {
                    each(reference);
                }
                map.values().for_each(|inner| walk(inner, each));
            }
            Json::Array(list) => list.iter().for_each(|inner| walk(inner, each)),
            _ => {}
        }
    }
}
