//! Plugins as administrators manage them. What plugins themselves offer to people is served elsewhere.

use std::sync::Arc;

use kith_base::Secret;
use kith_engine::Actor;
use kith_plugin_host::{PluginError, Plugins, install::Consent, package::WASM_BYTES_MAX};
use poem::{
    Request, Response, Result, handler,
    web::{Multipart, Path},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, created, no_content, ok, upload};
use crate::{
    app::{App, blocking},
    bundled,
    extract::{Caller, Input, Languages, Params, record_id},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretBody {
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceBody {
    calls: u32,
}

/// Does what an administrator asks for, away from the async threads.
async fn act(
    app: &Arc<App>,
    caller: Caller,
    work: impl FnOnce(&Arc<Plugins>, &Actor) -> std::result::Result<Json, PluginError> + Send + 'static,
) -> Result<Json, Problem> {
    let plugins = app.plugins.clone();
    app.act(caller, move |_, actor| {
        plugins.allowed(actor)?;
        Ok(work(&plugins, actor)?)
    })
    .await
}

#[handler]
pub async fn list(app: State<'_>, caller: Caller, Languages(asked): Languages) -> Result<Response> {
    let listed = act(&app, caller, move |plugins, actor| {
        let items = plugins.list(&plugins.languages(actor, &asked))?;
        Ok(json!({ "bundled": bundled::list(&items), "items": items }))
    });
    Ok(ok(&listed.await?))
}

#[handler]
pub async fn show(
    app: State<'_>,
    caller: Caller,
    Languages(asked): Languages,
    Path(id): Path<String>,
) -> Result<Response> {
    let shown = act(&app, caller, move |plugins, actor| {
        let mut shown = plugins.show(&id, &plugins.languages(actor, &asked))?;
        shown["bundled"] = json!(bundled::is_that(&id, shown["sha256"].as_str().unwrap_or_default()));
        Ok(shown)
    });
    Ok(ok(&shown.await?))
}

#[handler]
pub async fn inspect(app: State<'_>, caller: Caller, mut form: Multipart) -> Result<Response> {
    admin(&app, &caller).await?;
    let (file, _) = uploaded(&mut form).await?;
    Ok(ok(&act(&app, caller, move |plugins, actor| Ok(plugins.offer(actor, &file)?.to_json())).await?))
}

#[handler]
pub async fn install(
    app: State<'_>,
    caller: Caller,
    Languages(asked): Languages,
    mut form: Multipart,
) -> Result<Response> {
    admin(&app, &caller).await?;
    let (file, consent) = uploaded(&mut form).await?;
    let shown = act(&app, caller, move |plugins, actor| {
        let plugin = plugins.install(actor, &file, consent)?;
        plugins.show(&plugin.id, &plugins.languages(actor, &asked))
    });
    Ok(created(&shown.await?))
}

/// Before a byte is taken in: a refusal after an upload helps nobody.
async fn admin(app: &Arc<App>, caller: &Caller) -> Result<(), Problem> {
    let (plugins, engine, caller) = (app.plugins.clone(), app.engine.clone(), caller.clone());
    blocking(move || Ok(plugins.allowed(&caller.actor(&engine)?)?)).await
}

async fn uploaded(form: &mut Multipart) -> Result<(Vec<u8>, Consent), Problem> {
    let (mut file, mut consent) = (None, Consent::default());
    while let Some(part) = upload::next(form).await? {
        let name = part.name().unwrap_or_default().to_string();
        let flag = match name.as_str() {
            "file" => {
                file = Some(upload::bytes(part, WASM_BYTES_MAX, "plugin.too_large").await?);
                continue;
            }
            "bundled" => {
                let id = upload::text(part).await?;
                file = Some(blocking(move || bundled::file(id.trim())).await?);
                continue;
            }
            "grant" => &mut consent.grant,
            "downgrade" => &mut consent.downgrade,
            "author" => &mut consent.author,
            other => {
                let shown: String = other.chars().take(40).collect();
                let said =
                    format!("the form has no part '{shown}'; its parts are file, bundled, grant, downgrade, author");
                return Err(Problem::request(said));
            }
        };
        *flag = match upload::text(part).await?.trim() {
            "true" => true,
            "false" | "" => false,
            _ => return Err(Problem::request(format!("'{name}' is true or false"))),
        };
    }
    let none = || {
        Problem::request(
            "send the plugin's .wasm file as the part 'file', or name one that Kith brings along as 'bundled'",
        )
    };
    let file = file.ok_or_else(none)?;
    Ok((file, consent))
}

#[handler]
pub async fn remove(app: State<'_>, caller: Caller, request: &Request, Path(id): Path<String>) -> Result<Response> {
    let keep = Params::of(request, &["keep"])?.flag("keep", true)?;
    act(&app, caller, move |plugins, actor| plugins.remove(actor, &id, keep).map(|()| Json::Null)).await?;
    Ok(no_content())
}

macro_rules! steps {
    ($($name:ident: $method:ident),*) => {$(
        #[handler]
        pub async fn $name(
            app: State<'_>,
            caller: Caller,
            Languages(asked): Languages,
            Path(id): Path<String>,
        ) -> Result<Response> {
            let shown = act(&app, caller, move |plugins, actor| {
                plugins.$method(actor, &id)?;
                plugins.show(&id, &plugins.languages(actor, &asked))
            });
            Ok(ok(&shown.await?))
        }
    )*};
}

steps! { grant: grant, decline: decline, enable: enable, disable: disable, roll_back: roll_back }

macro_rules! views {
    ($($name:ident),*) => {$(
        #[handler]
        pub async fn $name(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
            Ok(ok(&act(&app, caller, move |plugins, _| plugins.$name(&id)).await?))
        }
    )*};
}

views! { log, calls, health, traces }

#[handler]
pub async fn failures(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    Ok(ok(&act(&app, caller, move |plugins, actor| plugins.failures(actor, &id)).await?))
}

#[handler]
pub async fn trace_next(
    app: State<'_>,
    caller: Caller,
    Path(id): Path<String>,
    input: Input<TraceBody>,
) -> Result<Response> {
    let many = input.value.calls;
    Ok(ok(&act(&app, caller, move |plugins, _| plugins.trace_next(&id, many)).await?))
}

#[handler]
pub async fn trace(app: State<'_>, caller: Caller, Path((id, wanted)): Path<(String, String)>) -> Result<Response> {
    let wanted = record_id("plugin_traces", &wanted)?;
    Ok(ok(&act(&app, caller, move |plugins, actor| plugins.trace(actor, &id, wanted)).await?))
}

#[handler]
pub async fn settings(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    Ok(ok(&act(&app, caller, move |plugins, _| Ok(plugins.show(&id, &[])?["settings"].take())).await?))
}

#[handler]
pub async fn set_settings(
    app: State<'_>,
    caller: Caller,
    Path(id): Path<String>,
    input: Input<Json>,
) -> Result<Response> {
    let set = act(&app, caller, move |plugins, actor| Ok(plugins.set_settings(actor, &id, input.value)?.settings));
    Ok(ok(&set.await?))
}

#[handler]
pub async fn set_secret(
    app: State<'_>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    input: Input<SecretBody>,
) -> Result<Response> {
    let secret = Secret::new(input.value.value);
    if secret.expose().is_empty() {
        return Err(Problem::request("the secret is empty; DELETE clears one").into());
    }
    let work = move |plugins: &Arc<Plugins>, actor: &Actor| {
        plugins.set_secret(actor, &id, &name, Some(&secret)).map(|()| Json::Null)
    };
    act(&app, caller, work).await?;
    Ok(no_content())
}

#[handler]
pub async fn clear_secret(
    app: State<'_>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response> {
    act(&app, caller, move |plugins, actor| plugins.set_secret(actor, &id, &name, None).map(|()| Json::Null)).await?;
    Ok(no_content())
}

#[handler]
pub async fn replay(app: State<'_>, caller: Caller, Path((id, failure)): Path<(String, String)>) -> Result<Response> {
    settle(app, caller, id, failure, true).await
}

#[handler]
pub async fn dismiss(app: State<'_>, caller: Caller, Path((id, failure)): Path<(String, String)>) -> Result<Response> {
    settle(app, caller, id, failure, false).await
}

async fn settle(app: State<'_>, caller: Caller, id: String, failure: String, again: bool) -> Result<Response> {
    let failure = record_id("plugin_failures", &failure)?;
    act(&app, caller, move |plugins, actor| plugins.settle_failure(actor, &id, failure, again).map(|()| Json::Null))
        .await?;
    Ok(no_content())
}
