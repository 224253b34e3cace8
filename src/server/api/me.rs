//! The actor's own profile and password.

use kith_base::{RecordId, Secret};
use kith_engine::{Actor, Command, CommitOptions, Fields};
use poem::{Response, Result, handler, http::StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{State, no_content, record};
use crate::{
    extract::{Caller, Input},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuesBody {
    values: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    current: String,
    new: String,
}

fn user_of(actor: &Actor) -> Result<RecordId, Problem> {
    actor.user.ok_or_else(|| Problem::new("access.denied", "this caller is no user and has no profile; sign in as one"))
}

#[handler]
pub async fn show(app: State<'_>, caller: Caller) -> Result<Response> {
    let body = app
        .act(caller, |engine, actor| {
            let found = engine.get(actor, "users", user_of(actor)?)?;
            Ok(engine.to_json(actor, &found))
        })
        .await?;
    Ok(record(StatusCode::OK, &body))
}

#[handler]
pub async fn update(app: State<'_>, caller: Caller, input: Input<ValuesBody>) -> Result<Response> {
    let options = CommitOptions::caused_by(caller.cause());
    let values = Fields::Json(input.value.values);
    let body = app
        .act(caller, move |engine, actor| {
            let command = Command::Update { object: "users".into(), id: user_of(actor)?, version: None, values };
            super::records::one(engine, actor, engine.execute(actor, vec![command], options))
        })
        .await?;
    Ok(record(StatusCode::OK, &body))
}

#[handler]
pub async fn password(app: State<'_>, caller: Caller, input: Input<PasswordBody>) -> Result<Response> {
    let PasswordBody { current, new } = input.value;
    let (current, new) = (Secret::new(current), Secret::new(new));
    let keep = caller.session().cloned();
    app.act(caller, move |engine, actor| {
        Ok(engine.change_password(actor, &current, &new, keep.as_ref().map(|token| token.expose().as_str()))?)
    })
    .await?;
    app.session_ended.send_modify(|count| *count += 1);
    Ok(no_content())
}
