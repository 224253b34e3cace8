//! Plugins' panels: which there are, drawing one, and using it.

use kith_base::RecordId;
use kith_engine::{Actor, Engine};
use kith_plugin_host::{
    AskError, Asker, Hosted,
    manifest::Slot,
    panels::{self, At},
};
use poem::{Request, Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, ok};
use crate::{
    endpoints::told,
    extract::{Caller, Input, Languages, Params, record_id},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderBody {
    target: Option<String>,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    target: Option<String>,
    handler: String,
    #[serde(default)]
    form: Json,
    state: String,
}

#[handler]
pub async fn list(
    app: State<'_>,
    caller: Caller,
    Languages(languages): Languages,
    request: &Request,
) -> Result<Response> {
    let params = Params::of(request, &["slot", "object"])?;
    let slot = match params.text("slot") {
        None | Some("record") => Slot::Record,
        Some("home") => Slot::Home,
        Some("settings") => Slot::Settings,
        Some(_) => return Err(Problem::request("'slot' must be record, home or settings").into()),
    };
    let object = params.string("object");
    let hosted = app.hosted.clone();
    let body = app
        .act(caller, move |_, actor| {
            let asker = Asker { actor: actor.clone(), languages };
            Ok(json!({ "items": panels::list(&hosted, &asker, slot, object.as_deref()) }))
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn render(
    app: State<'_>,
    caller: Caller,
    Languages(languages): Languages,
    Path((plugin, panel)): Path<(String, String)>,
    input: Input<RenderBody>,
) -> Result<Response> {
    let RenderBody { target, state } = input.value;
    draw(app, caller, languages, plugin, panel, target, move |hosted, asker, at| {
        panels::render(hosted, asker, at, state.as_deref())
    })
    .await
}

#[handler]
pub async fn act(
    app: State<'_>,
    caller: Caller,
    Languages(languages): Languages,
    Path((plugin, panel)): Path<(String, String)>,
    input: Input<ActBody>,
) -> Result<Response> {
    let ActBody { target, handler, form, state } = input.value;
    draw(app, caller, languages, plugin, panel, target, move |hosted, asker, at| {
        panels::act(hosted, asker, at, &handler, &form, &state)
    })
    .await
}

async fn draw(
    app: State<'_>,
    caller: Caller,
    languages: Vec<String>,
    plugin: String,
    panel: String,
    target: Option<String>,
    work: impl FnOnce(&Hosted, &Asker, &At<'_>) -> std::result::Result<Json, AskError> + Send + 'static,
) -> Result<Response> {
    let target: Option<RecordId> = target.map(|id| record_id("records", &id)).transpose()?;
    let hosted = app.hosted.clone();
    let body = app
        .act(caller, move |engine: &Engine, actor: &Actor| {
            let asker = Asker { actor: actor.clone(), languages };
            let at = At { plugin: &plugin, panel: &panel, target };
            work(&hosted, &asker, &at).map_err(|error| match error {
                AskError::Engine(error) => error.into(),
                error => told(&error, engine.now_ms()),
            })
        })
        .await?;
    Ok(ok(&body))
}
