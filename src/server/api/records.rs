//! Records of any object: list, make, read, change, trash, restore.

use kith_base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use kith_engine::{Actor, Command, CommitOptions, Engine, EngineError, Fields, Op, Query, Record, access::Guard};
use poem::{Request, Response, Result, handler, http::StatusCode, web::Path};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{
    State, as_it_was, no_content, ok, record,
    shape::{self, Shape},
};
use crate::{
    extract::{Caller, Idempotency, IfMatch, Input, Params, record_id},
    problem::Problem,
};

/// The body of POST and PATCH.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuesBody {
    values: Map<String, Json>,
}

const LIST_PARAMS: [&str; 9] = ["filter", "q", "sort", "fields", "limit", "cursor", "expand", "trashed", "total"];

#[handler]
pub async fn list(app: State<'_>, caller: Caller, Path(object): Path<String>, request: &Request) -> Result<Response> {
    let params = Params::of(request, &LIST_PARAMS)?;
    let query = Query {
        filter: params.string("filter"),
        q: params.string("q"),
        sort: params.list("sort").unwrap_or_default().iter().map(|key| sort_key(key)).collect(),
        limit: params.number("limit", 1..=PAGE_ROWS_MAX)?.unwrap_or(PAGE_ROWS_DEFAULT),
        cursor: params.string("cursor"),
        trashed: params.flag("trashed", false)?,
        total: params.flag("total", true)?,
        ..Query::of(&object)
    };
    let shape = shape_of(&params);
    let body = app
        .act(caller, move |engine, actor| {
            let seen = shape::seen(engine, actor, &query.object)?;
            shape.check(&seen)?;
            let page = engine.query(actor, &query)?;
            let items: Vec<Json> = page.records.iter().map(|record| shape.record(engine, actor, record)).collect();
            let included = shape.included(engine, actor, &seen, &page.records);
            Ok(json!({ "items": items, "next_cursor": page.next_cursor, "total": page.total, "included": included }))
        })
        .await?;
    Ok(ok(&body))
}

/// `name` ascending, `-name` descending; a leading plus is allowed for symmetry.
pub(super) fn sort_key(text: &str) -> (String, bool) {
    match text.strip_prefix('-') {
        Some(key) => (key.to_string(), true),
        None => (text.strip_prefix('+').unwrap_or(text).to_string(), false),
    }
}

fn shape_of(params: &Params) -> Shape {
    Shape { fields: params.list("fields"), expand: params.list("expand").unwrap_or_default() }
}

#[handler]
pub async fn create(
    app: State<'_>,
    caller: Caller,
    Path(object): Path<String>,
    idempotency: Idempotency,
    request: &Request,
    input: Input<ValuesBody>,
) -> Result<Response> {
    Params::of(request, &[])?;
    let options =
        CommitOptions { idempotency: idempotency.of(&input.bytes), ..CommitOptions::caused_by(caller.cause()) };
    let command = Command::Create { object, id: None, values: Fields::Json(input.value.values) };
    let body = app.change(caller, vec![command], options, one).await?;
    Ok(record(StatusCode::CREATED, &body))
}

#[handler]
pub async fn show(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    request: &Request,
) -> Result<Response> {
    let params = Params::of(request, &["fields", "expand", "at"])?;
    if let Some(at) = params.text("at") {
        if params.text("fields").or(params.text("expand")).is_some() {
            return Err(Problem::request("a record as it was is shown whole; leave 'fields' and 'expand' out").into());
        }
        // No ETag: nobody should change today's record on the strength of an old one.
        return Ok(ok(&as_it_was::show(&app, caller, object, id, at).await?));
    }
    let shape = shape_of(&params);
    let body = app
        .act(caller, move |engine, actor| {
            let seen = shape::seen(engine, actor, &object)?;
            shape.check(&seen)?;
            let found = engine.get(actor, &object, record_id(&object, &id)?)?;
            Ok(single(engine, actor, &shape, &found))
        })
        .await?;
    Ok(record(StatusCode::OK, &body))
}

/// One record with what its page needs besides: its title, the names of what it links to, what the actor may do with it.
fn single(engine: &Engine, actor: &Actor, shape: &Shape, found: &Record) -> Json {
    let mut body = shape.record(engine, actor, found);
    let schema = engine.schema();
    let Some(object) = schema.object_by_id(found.object) else { return body };
    let seen = Guard::new(actor).seen(object);
    let mut included = shape.included(engine, actor, &seen, std::slice::from_ref(found));
    let people = shape::titles(engine, actor, &[found.id, found.created_by, found.updated_by], &Default::default());
    if let (Json::Object(included), Json::Object(people)) = (&mut included, people) {
        for (id, title) in people {
            if id == found.id.to_string() {
                body["title"] = title["title"].clone();
                body["subtitle"] = title["subtitle"].clone();
            } else {
                included.insert(id, title);
            }
        }
    }
    let may = |op| engine.may(actor, op, found);
    body["included"] = included;
    body["permissions"] = json!({ "update": may(Op::Update), "delete": may(Op::Delete) });
    body["trashed"] = json!(found.trashed);
    body
}

#[handler]
pub async fn update(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    IfMatch(version): IfMatch,
    request: &Request,
    input: Input<ValuesBody>,
) -> Result<Response> {
    Params::of(request, &[])?;
    let options = CommitOptions::caused_by(caller.cause());
    let values = Fields::Json(input.value.values);
    let id = record_id(&object, &id)?;
    let command = Command::Update { object, id, version, values };
    let body = app.change(caller, vec![command], options, one).await?;
    Ok(record(StatusCode::OK, &body))
}

#[handler]
pub async fn remove(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    IfMatch(version): IfMatch,
) -> Result<Response> {
    let options = CommitOptions::caused_by(caller.cause());
    let id = record_id(&object, &id)?;
    let command = Command::Delete { object, id, version };
    app.change(caller, vec![command], options, |_, _, done| done.map(drop).map_err(|e| alone(e).into())).await?;
    Ok(no_content())
}

#[handler]
pub async fn restore(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    idempotency: Idempotency,
) -> Result<Response> {
    let options = CommitOptions { idempotency: idempotency.of(&[]), ..CommitOptions::caused_by(caller.cause()) };
    let id = record_id(&object, &id)?;
    let body = app.change(caller, vec![Command::Restore { object, id }], options, one).await?;
    Ok(record(StatusCode::OK, &body))
}

/// The record that a lone command led to.
pub(super) fn one(
    engine: &Engine,
    actor: &Actor,
    done: std::result::Result<Vec<Record>, EngineError>,
) -> std::result::Result<Json, Problem> {
    let records = done.map_err(alone)?;
    let written = records.first().ok_or_else(|| Problem::internal("a command led to no record"))?;
    Ok(engine.to_json(actor, written))
}

/// The refusal of a lone command, without its place in a batch that the client never sent.
fn alone(error: EngineError) -> EngineError {
    match error {
        EngineError::At { error, .. } => *error,
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minus_sorts_downwards() {
        assert_eq!(sort_key("-amount"), ("amount".into(), true));
        assert_eq!(sort_key("+name"), ("name".into(), false));
        assert_eq!(sort_key("name"), ("name".into(), false));
    }
}
