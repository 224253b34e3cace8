//! Values of a component as JSON and back, in the shape in which the contract's Rust types write them: keys with `_`, cases in CamelCase. Goes by
//! the types that the component brings, so it needs to know no interface.

use serde_json::{Map, Value as Json, json};
use wasmtime::component::{Type, Val};

/// A value as JSON.
pub fn to_json(value: &Val) -> Json {
    match value {
        Val::Bool(value) => json!(value),
        Val::S8(n) => json!(n),
        Val::U8(n) => json!(n),
        Val::S16(n) => json!(n),
        Val::U16(n) => json!(n),
        Val::S32(n) => json!(n),
        Val::U32(n) => json!(n),
        Val::S64(n) => json!(n),
        Val::U64(n) => json!(n),
        Val::Float32(n) => json!(n),
        Val::Float64(n) => json!(n),
        Val::Char(c) => json!(c),
        Val::String(text) => json!(text),
        Val::List(list) | Val::Tuple(list) | Val::FixedLengthList(list) => list.iter().map(to_json).collect(),
        Val::Record(fields) => Json::Object(fields.iter().map(|(name, value)| (snake(name), to_json(value))).collect()),
        Val::Variant(case, None) | Val::Enum(case) => json!(camel(case)),
        Val::Variant(case, Some(value)) => one(&camel(case), to_json(value)),
        Val::Option(value) => value.as_ref().map_or(Json::Null, |value| to_json(value)),
        Val::Result(outcome) => {
            let (name, value) = match outcome {
                Ok(value) => ("Ok", value),
                Err(value) => ("Err", value),
            };
            one(name, value.as_ref().map_or(Json::Null, |value| to_json(value)))
        }
        Val::Flags(names) => json!(names),
        // The contract has none of these.
        Val::Map(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => Json::Null,
    }
}

/// A value of this type from JSON.
///
/// # Errors
/// What does not fit.
pub fn from_json(json: &Json, ty: &Type) -> Result<Val, String> {
    let wrong = || format!("{} does not fit the contract", shown(json));
    let whole = || json.as_i64().ok_or_else(wrong);
    let natural = || json.as_u64().ok_or_else(wrong);
    let text = || json.as_str().ok_or_else(wrong);
    let list = || json.as_array().ok_or_else(wrong);
    Ok(match ty {
        Type::Bool => Val::Bool(json.as_bool().ok_or_else(wrong)?),
        Type::S8 => Val::S8(whole()?.try_into().map_err(|_| wrong())?),
        Type::U8 => Val::U8(natural()?.try_into().map_err(|_| wrong())?),
        Type::S16 => Val::S16(whole()?.try_into().map_err(|_| wrong())?),
        Type::U16 => Val::U16(natural()?.try_into().map_err(|_| wrong())?),
        Type::S32 => Val::S32(whole()?.try_into().map_err(|_| wrong())?),
        Type::U32 => Val::U32(natural()?.try_into().map_err(|_| wrong())?),
        Type::S64 => Val::S64(whole()?),
        Type::U64 => Val::U64(natural()?),
        Type::Float32 => Val::Float32(json.as_f64().ok_or_else(wrong)? as f32),
        Type::Float64 => Val::Float64(json.as_f64().ok_or_else(wrong)?),
        Type::Char => Val::Char(text()?.chars().next().ok_or_else(wrong)?),
        Type::String => Val::String(text()?.to_string()),
        Type::List(of) => {
            let of = of.ty();
            Val::List(list()?.iter().map(|item| from_json(item, &of)).collect::<Result<_, _>>()?)
        }
        Type::Tuple(of) => {
            let items = list()?.iter().zip(of.types()).map(|(item, of)| from_json(item, &of));
            Val::Tuple(items.collect::<Result<_, _>>()?)
        }
        Type::Record(of) => {
            let fields = of.fields().map(|field| {
                let value = json.get(snake(field.name)).ok_or_else(wrong)?;
                Ok((field.name.to_string(), from_json(value, &field.ty)?))
            });
            Val::Record(fields.collect::<Result<_, String>>()?)
        }
        Type::Enum(of) => {
            let case = of.names().find(|name| json.as_str() == Some(&camel(name)));
            Val::Enum(case.ok_or_else(wrong)?.to_string())
        }
        Type::Variant(of) => {
            for case in of.cases() {
                let name = camel(case.name);
                match &case.ty {
                    None if json.as_str() == Some(&name) => return Ok(Val::Variant(case.name.to_string(), None)),
                    Some(ty) if json.get(&name).is_some() => {
                        let value = from_json(&json[&name], ty)?;
                        return Ok(Val::Variant(case.name.to_string(), Some(Box::new(value))));
                    }
                    _ => {}
                }
            }
            return Err(wrong());
        }
        Type::Option(_) if json.is_null() => Val::Option(None),
        Type::Option(of) => Val::Option(Some(Box::new(from_json(json, &of.ty())?))),
        Type::Result(of) => {
            let side = |name: &str, ty: Option<Type>| -> Result<Option<Box<Val>>, String> {
                ty.map(|ty| from_json(&json[name], &ty).map(Box::new)).transpose()
            };
            match (json.get("Ok"), json.get("Err")) {
                (Some(_), None) => Val::Result(Ok(side("Ok", of.ok())?)),
                (None, Some(_)) => Val::Result(Err(side("Err", of.err())?)),
                _ => return Err(wrong()),
            }
        }
        other => return Err(format!("a trace holds no {other:?}")),
    })
}

/// The first place where two values differ, and what is there: `[0].fields[2]`.
pub fn first_difference(then: &Json, now: &Json) -> Option<(String, Json, Json)> {
    let inside = |place: String, then: Option<&Json>, now: Option<&Json>| {
        let (then, now) = (then.unwrap_or(&Json::Null), now.unwrap_or(&Json::Null));
        first_difference(then, now).map(|(rest, then, now)| (format!("{place}{rest}"), then, now))
    };
    match (then, now) {
        (Json::Array(a), Json::Array(b)) => {
            let found = (0..a.len().max(b.len())).find_map(|at| inside(format!("[{at}]"), a.get(at), b.get(at)));
            // A list that is longer by a null is another list.
            found.or_else(|| (a.len() != b.len()).then(|| (String::new(), then.clone(), now.clone())))
        }
        (Json::Object(a), Json::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let mut found = keys.filter_map(|key| inside(format!(".{key}"), a.get(key), b.get(key)));
            found.next().or_else(|| (a.len() != b.len()).then(|| (String::new(), then.clone(), now.clone())))
        }
        _ => (then != now).then(|| (String::new(), then.clone(), now.clone())),
    }
}

/// The beginning of a value, for a message.
pub fn shown(json: &Json) -> String {
    const CHARS: usize = 200;
    let text = json.to_string();
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn one(name: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([(name.to_string(), value)]))
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

fn camel(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_by_its_place() {
        let then = json!([{"fields": [{"name": "a", "value": {"Text": "x"}}]}, 1]);
        let now = json!([{"fields": [{"name": "a", "value": {"Text": "y"}}]}, 2]);
        let (place, a, b) = first_difference(&then, &now).unwrap();
        assert_eq!((place.as_str(), a, b), ("[0].fields[0].value.Text", json!("x"), json!("y")));
        assert_eq!(first_difference(&then, &then), None);
        assert!(first_difference(&json!([]), &json!([null])).is_some());
        assert!(first_difference(&json!({}), &json!({"a": null})).is_some());
    }

    #[test]
    fn names_are_those_of_the_contracts_rust_types() {
        assert_eq!((camel("not-found"), snake("if-version")), ("NotFound".into(), "if_version".into()));
    }
}
