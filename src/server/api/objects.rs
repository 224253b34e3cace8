//! The live schema: objects, fields, kinds of fields; and changing them.

use kith_engine::{EngineError, ObjectView};
use poem::{Request, Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, created, no_content, ok};
use crate::{
    extract::{Caller, Input, Languages, Params},
    problem::Problem,
};

#[handler]
pub async fn list(app: State<'_>, caller: Caller, Languages(asked): Languages) -> Result<Response> {
    let plugins = app.plugins.clone();
    let body = app
        .act(caller, move |engine, actor| {
            // Read first: a change in between makes the client ask again, never keep an old schema under a new number.
            let revision = engine.schema_revision();
            let languages = plugins.languages(actor, &asked);
            let mut items: Vec<Json> = engine.schema_for(actor).iter().map(ObjectView::to_json).collect();
            items.iter_mut().for_each(|object| plugins.translate(object, &languages));
            Ok(json!({ "items": items, "revision": revision }))
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn show(
    app: State<'_>,
    caller: Caller,
    Languages(asked): Languages,
    Path(object): Path<String>,
) -> Result<Response> {
    let plugins = app.plugins.clone();
    let body = app
        .act(caller, move |engine, actor| {
            let mut shown = engine.object_view(actor, &object)?.to_json();
            plugins.translate(&mut shown, &plugins.languages(actor, &asked));
            Ok(shown)
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn create(app: State<'_>, caller: Caller, input: Input<Json>) -> Result<Response> {
    let body = app.act(caller, move |engine, actor| Ok(engine.define_object(actor, input.value)?.to_json())).await?;
    Ok(created(&body))
}

#[handler]
pub async fn update(
    app: State<'_>,
    caller: Caller,
    Path(object): Path<String>,
    input: Input<Json>,
) -> Result<Response> {
    let body =
        app.act(caller, move |engine, actor| Ok(engine.update_object(actor, &object, input.value)?.to_json())).await?;
    Ok(ok(&body))
}

#[handler]
pub async fn remove(app: State<'_>, caller: Caller, Path(object): Path<String>, request: &Request) -> Result<Response> {
    let force = Params::of(request, &["force"])?.flag("force", false)?;
    app.act(caller, move |engine, actor| Ok(engine.remove_object(actor, &object, force)?)).await?;
    Ok(no_content())
}

#[handler]
pub async fn create_field(
    app: State<'_>,
    caller: Caller,
    Path(object): Path<String>,
    input: Input<Json>,
) -> Result<Response> {
    let body = app
        .act(caller, move |engine, actor| {
            let view = engine.define_field(actor, &object, input.value)?;
            // Numbers of fields only grow: the new one has the highest.
            let newest = view.fields.iter().max_by_key(|field| field.field.id);
            newest.map(|field| json!(field)).ok_or_else(|| Problem::internal("a new field is not there"))
        })
        .await?;
    Ok(created(&body))
}

#[handler]
pub async fn update_field(
    app: State<'_>,
    caller: Caller,
    Path((object, field)): Path<(String, String)>,
    input: Input<Json>,
) -> Result<Response> {
    let renamed = input.value["key"].as_str().map(str::to_string);
    let body = app
        .act(caller, move |engine, actor| {
            let view = engine.update_field(actor, &object, &field, input.value)?;
            field_of(&view, renamed.as_deref().unwrap_or(&field))
        })
        .await?;
    Ok(ok(&body))
}

fn field_of(view: &ObjectView, key: &str) -> Result<Json, Problem> {
    let (object, field) = (view.object.key.clone(), key.to_string());
    let found = view.field(key).map(|field| json!(field));
    found.ok_or_else(|| EngineError::FieldNotFound { object, field, hint: String::new() }.into())
}

#[handler]
pub async fn remove_field(
    app: State<'_>,
    caller: Caller,
    Path((object, field)): Path<(String, String)>,
) -> Result<Response> {
    app.act(caller, move |engine, actor| Ok(engine.remove_field(actor, &object, &field).map(|_| ())?)).await?;
    Ok(no_content())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    keys: Vec<String>,
}

#[handler]
pub async fn order_fields(
    app: State<'_>,
    caller: Caller,
    Path(object): Path<String>,
    input: Input<OrderBody>,
) -> Result<Response> {
    let keys = input.value.keys;
    let body = app.act(caller, move |engine, actor| Ok(engine.order_fields(actor, &object, &keys)?.to_json())).await?;
    Ok(ok(&body))
}

/// What the field editor offers.
#[handler]
pub async fn kinds(app: State<'_>, caller: Caller) -> Result<Response> {
    app.act(caller, |_, _| Ok(())).await?;
    let kinds = kith_model::kinds::ALL.iter().map(|kind| {
        json!({
            "key": kind.key(), "operators": kind.operators(), "sortable": kind.sortable(),
            "can_be_unique": kind.can_be_unique(),
        })
    });
    Ok(ok(&json!({ "items": kinds.collect::<Vec<Json>>() })))
}
