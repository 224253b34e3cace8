//! Sessions, one's own and others': listed and ended. Who may is decided below.

use kith_base::RecordId;
use kith_engine::{Actor, Engine, auth::SessionView};
use poem::{Response, Result, handler, web::Path};
use serde_json::{Value as Json, json};

use super::{State, no_content, ok, time};
use crate::{
    extract::{Caller, record_id},
    problem::Problem,
};

/// Whose sessions are meant.
enum Whose {
    Own,
    User(RecordId),
}

impl Whose {
    fn user(&self, actor: &Actor) -> Result<RecordId, Problem> {
        let missing = || Problem::new("access.denied", "this caller is no user and has no sessions; sign in as one");
        match self {
            Whose::Own => actor.user.ok_or_else(missing),
            Whose::User(user) => Ok(*user),
        }
    }
}

#[handler]
pub async fn own(app: State<'_>, caller: Caller) -> Result<Response> {
    list(app, caller, Whose::Own).await
}

#[handler]
pub async fn of_user(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    list(app, caller, Whose::User(record_id("users", &id)?)).await
}

#[handler]
pub async fn end_own(app: State<'_>, caller: Caller, Path(session): Path<String>) -> Result<Response> {
    end(app, caller, Whose::Own, record_id("sessions", &session)?).await
}

#[handler]
pub async fn end_of_user(
    app: State<'_>,
    caller: Caller,
    Path((id, session)): Path<(String, String)>,
) -> Result<Response> {
    end(app, caller, Whose::User(record_id("users", &id)?), record_id("sessions", &session)?).await
}

#[handler]
pub async fn end_others(app: State<'_>, caller: Caller) -> Result<Response> {
    end_all(app, caller, Whose::Own).await
}

#[handler]
pub async fn end_all_of_user(app: State<'_>, caller: Caller, Path(id): Path<String>) -> Result<Response> {
    end_all(app, caller, Whose::User(record_id("users", &id)?)).await
}

async fn list(app: State<'_>, caller: Caller, whose: Whose) -> Result<Response> {
    let token = caller.session().cloned();
    let body = app
        .act(caller, move |engine, actor| {
            let current = current(engine, token.as_ref());
            let sessions = engine.sessions(actor, whose.user(actor)?)?;
            Ok(json!({ "items": sessions.iter().map(|s| shown(s, current)).collect::<Vec<Json>>() }))
        })
        .await?;
    Ok(ok(&body))
}

async fn end(app: State<'_>, caller: Caller, whose: Whose, session: RecordId) -> Result<Response> {
    app.act(caller, move |engine, actor| Ok(engine.end_session(actor, whose.user(actor)?, session)?)).await?;
    app.session_ended.send_modify(|count| *count += 1);
    Ok(no_content())
}

/// Whoever asks for its own keeps the session it asks with.
async fn end_all(app: State<'_>, caller: Caller, whose: Whose) -> Result<Response> {
    let token = caller.session().cloned();
    let ended = app
        .act(caller, move |engine, actor| {
            let keep = current(engine, token.as_ref());
            Ok(engine.end_all_sessions(actor, whose.user(actor)?, keep)?)
        })
        .await?;
    app.session_ended.send_modify(|count| *count += 1);
    Ok(ok(&json!({ "ended": ended })))
}

fn current(engine: &Engine, token: Option<&kith_base::Secret<String>>) -> Option<RecordId> {
    token.and_then(|token| engine.session(token.expose()).ok()).map(|session| session.id)
}

fn shown(session: &SessionView, current: Option<RecordId>) -> Json {
    json!({
        "id": session.id, "client": session.client, "address": session.address, "created_at": time(session.created_at),
        "last_seen_at": time(session.last_seen_at), "expires_at": time(session.expires_at),
        "second_factor": session.second_factor, "current": current == Some(session.id),
    })
}
