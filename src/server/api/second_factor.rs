//! The caller's own second factor, and resetting others'. Seeds and recovery codes are in one answer each and never again.

use kith_base::Secret;
use kith_engine::auth::{Enrolment, SecondFactorState};
use poem::{Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, no_content, ok, time};
use crate::extract::{Caller, Input, record_id};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginBody {
    password: String,
    /// Of the present second factor, where there is one.
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeBody {
    code: String,
}

#[handler]
pub async fn show(app: State<'_>, caller: Caller) -> Result<Response> {
    Ok(ok(&app.act(caller, |engine, actor| Ok(state(&engine.second_factor_state(actor)))).await?))
}

#[handler]
pub async fn begin(app: State<'_>, caller: Caller, input: Input<BeginBody>) -> Result<Response> {
    let (password, code) = (Secret::new(input.value.password), input.value.code.map(Secret::new));
    let work = move |engine: &kith_engine::Engine, actor: &kith_engine::Actor| {
        Ok(enrolment(&engine.begin_second_factor(actor, &password, code.as_ref())?))
    };
    Ok(ok(&app.act(caller, work).await?))
}

#[handler]
pub async fn confirm(app: State<'_>, caller: Caller, input: Input<CodeBody>) -> Result<Response> {
    let code = Secret::new(input.value.code);
    let keep = caller.session().cloned();
    let body = app
        .act(caller, move |engine, actor| {
            let keep = keep.as_ref().map(|token| token.expose().as_str());
            Ok(recovery(&engine.confirm_second_factor(actor, &code, keep)?))
        })
        .await?;
    app.session_ended.send_modify(|count| *count += 1);
    Ok(ok(&body))
}

#[handler]
pub async fn renew(app: State<'_>, caller: Caller, input: Input<CodeBody>) -> Result<Response> {
    let code = Secret::new(input.value.code);
    Ok(ok(&app.act(caller, move |engine, actor| Ok(recovery(&engine.renew_recovery_codes(actor, &code)?))).await?))
}

#[handler]
pub async fn remove(app: State<'_>, caller: Caller, input: Input<CodeBody>) -> Result<Response> {
    let code = Secret::new(input.value.code);
    app.act(caller, move |engine, actor| Ok(engine.remove_second_factor(actor, &code)?)).await?;
    Ok(no_content())
}

#[handler]
pub async fn reset(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    let user = record_id("users", &id)?;
    app.act(caller, move |engine, actor| Ok(engine.reset_second_factor(actor, user)?)).await?;
    app.session_ended.send_modify(|count| *count += 1);
    Ok(no_content())
}

/// How somebody stands, in words.
pub(super) fn state(state: &SecondFactorState) -> Json {
    json!({
        "enabled": state.enabled, "required": state.required, "since": state.since.map(time),
        "recovery_codes_left": state.recovery_codes_left,
    })
}

/// What an authenticator app needs. Only for the answer to whoever enrols.
pub(crate) fn enrolment(enrolment: &Enrolment) -> Json {
    json!({ "secret": enrolment.secret.expose(), "uri": enrolment.uri.expose(), "qr": enrolment.qr.expose() })
}

pub(super) fn words(codes: &[Secret<String>]) -> Vec<&str> {
    codes.iter().map(|code| code.expose().as_str()).collect()
}

fn recovery(codes: &[Secret<String>]) -> Json {
    json!({ "recovery_codes": words(codes) })
}
