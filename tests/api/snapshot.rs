//! `web/openapi.json`, which the web app's types are made of, is what this build answers. `KITH_REFRESH=1` writes it anew.

use std::{fs, path::Path};

use serde_json::{Value as Json, json};

use crate::harness::Server;

/// Typed paths and schemas of single objects follow from metadata, which the web app reads live: `people.Values`, say.
fn of_one_object(name: &str) -> bool {
    name.contains('.')
}

/// Whether anything below points at the schema of a single object.
fn is_typed(value: &Json) -> bool {
    match value {
        Json::Object(map) => map.iter().any(|(key, value)| match value {
            Json::String(at) if key == "$ref" => {
                at.starts_with("#/components/") && of_one_object(at.rsplit('/').next().unwrap_or(""))
            }
            value => is_typed(value),
        }),
        Json::Array(list) => list.iter().any(is_typed),
        _ => false,
    }
}

/// What is the same for every schema.
fn shared(mut document: Json) -> Json {
    document["paths"].as_object_mut().unwrap().retain(|_, path| !is_typed(path));
    for part in document["components"].as_object_mut().unwrap().values_mut() {
        part.as_object_mut().unwrap().retain(|name, _| !of_one_object(name));
    }
    document["servers"] = json!([]);
    document
}

#[test]
fn the_snapshot_for_the_web_app_is_what_this_build_answers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/openapi.json");
    let now = shared(Server::start().admin().get("/openapi.json").expect(200));
    if std::env::var_os("KITH_REFRESH").is_some() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
    }
    let kept: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let differing: Vec<String> = ["paths", "components/schemas", "components/parameters", "components/responses"]
        .iter()
        .flat_map(|part| {
            let names = |of: &Json| {
                let part = of.pointer(&format!("/{part}")).and_then(Json::as_object).cloned();
                part.unwrap_or_default()
            };
            let (now, kept) = (names(&now), names(&kept));
            let all: Vec<String> = now.keys().chain(kept.keys()).cloned().collect();
            all.into_iter()
                .filter(move |name| now.get(name) != kept.get(name))
                .map(move |name| format!("{part}/{name}"))
        })
        .collect();
    assert!(
        differing.is_empty() && now == kept,
        "web/openapi.json is older than this build; 'npm run api' in web refreshes it: {differing:#?}"
    );
}
