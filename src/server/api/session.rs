//! Signing in and out with a cookie. Passwords are checked by the engine; this only carries the token in a cookie.

use kith_base::{RecordId, Secret};
use kith_engine::{
    Actor, Engine, EngineError,
    auth::{Client, SignedIn},
    system::ids,
};
use kith_model::Value;
use poem::{Request, Response, Result, handler, http::header};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, no_content, ok, time};
use crate::{
    app::{App, blocking},
    extract::{Caller, Input, SESSION_COOKIE, address_of, came_over_tls, from_elsewhere},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInBody {
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorBody {
    challenge: String,
    code: String,
}

#[handler]
pub async fn sign_in(app: State<'_>, request: &Request, input: Input<SignInBody>) -> Result<Response> {
    let from = From::of(request, &app)?;
    let SignInBody { email, password } = input.value;
    let (engine, password) = (app.engine.clone(), Secret::new(password));
    let (address, name) = (from.address.clone(), from.client.clone());
    let (signed_in, body) = blocking(move || {
        let signed_in = engine.sign_in(&email, &password, Client { address: &address, name: &name })?;
        let body = describe(&engine, &signed_in.actor, Some(signed_in.expires_at))?;
        Ok((signed_in, body))
    })
    .await?;
    welcome(&app, &from, &signed_in, &body)
}

#[handler]
pub async fn second_factor(app: State<'_>, request: &Request, input: Input<SecondFactorBody>) -> Result<Response> {
    let from = From::of(request, &app)?;
    let SecondFactorBody { challenge, code } = input.value;
    let (engine, challenge, code) = (app.engine.clone(), Secret::new(challenge), Secret::new(code));
    let (address, name) = (from.address.clone(), from.client.clone());
    let (signed_in, body) = blocking(move || {
        let client = Client { address: &address, name: &name };
        let (signed_in, codes) = engine.answer_challenge(challenge.expose(), &code, client)?;
        let mut body = describe(&engine, &signed_in.actor, Some(signed_in.expires_at))?;
        if !codes.is_empty() {
            body["recovery_codes"] = json!(super::second_factor::words(&codes));
        }
        Ok((signed_in, body))
    })
    .await?;
    welcome(&app, &from, &signed_in, &body)
}

/// Where a sign-in comes from.
struct From {
    address: String,
    client: String,
    secure: bool,
}

impl From {
    fn of(request: &Request, app: &App) -> Result<From, Problem> {
        // Another site must not be able to sign a browser in as somebody it chose.
        let says_where = request.header("origin").is_some() || request.header("sec-fetch-site").is_some();
        if says_where && from_elsewhere(request) {
            return Err(Problem::new("origin.refused", "sign in from Kith's own page"));
        }
        Ok(From {
            address: address_of(request, app.options.behind_proxy),
            client: request.header("user-agent").unwrap_or_default().to_string(),
            secure: is_secure(request, app.options.behind_proxy),
        })
    }
}

/// The answer that carries the cookie.
fn welcome(app: &App, from: &From, signed_in: &SignedIn, body: &Json) -> Result<Response> {
    let lives_s = (signed_in.expires_at - app.engine.now_ms()) / 1_000;
    let mut answer = ok(body);
    put_cookie(&mut answer, signed_in.token.expose(), lives_s, from.secure)?;
    Ok(answer)
}

#[handler]
pub async fn show(app: State<'_>, caller: Caller) -> Result<Response> {
    let session = caller.session().cloned();
    let body = app
        .act(caller, move |engine, actor| {
            let expires_at =
                session.and_then(|token| engine.session(token.expose()).ok()).map(|session| session.expires_at);
            describe(engine, actor, expires_at)
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn sign_out(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let secure = is_secure(request, app.options.behind_proxy);
    let token = caller.session().cloned();
    let token = token.ok_or_else(|| Problem::new("auth.required", "there is no session to end"))?;
    let engine = app.engine.clone();
    blocking(move || Ok(engine.sign_out(token.expose())?)).await?;
    app.session_ended.send_modify(|count| *count += 1);
    let mut answer = no_content();
    put_cookie(&mut answer, "", 0, secure)?;
    Ok(answer)
}

/// Over HTTPS the cookie must never travel in the clear. A proxy that says nothing may end TLS too; then the page's own origin
/// tells.
fn is_secure(request: &Request, behind_proxy: bool) -> bool {
    let origin = request.header("origin").is_some_and(|origin| origin.starts_with("https://"));
    origin || came_over_tls(request, behind_proxy)
}

fn put_cookie(answer: &mut Response, token: &str, lives_s: i64, secure: bool) -> Result<(), Problem> {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lives_s}{secure}");
    answer.headers_mut().insert(header::SET_COOKIE, cookie.parse().map_err(Problem::internal)?);
    Ok(())
}

/// Who the actor is, for the page's first paint.
fn describe(engine: &Engine, actor: &Actor, expires_at: Option<i64>) -> Result<Json, Problem> {
    let Some(user) = actor.user else {
        return Err(Problem::new("auth.required", "this caller is no user; sign in with e-mail and password"));
    };
    // One's own name and role are no secret to oneself, whatever the role says about reading users.
    let record = engine.get(&Actor::system(), "users", user).map_err(|_| Problem::from(EngineError::AuthRequired))?;
    let text = |field| match record.values.get(field) {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let role: Option<RecordId> = match record.values.get(ids::users::ROLE) {
        Value::Link(id) => Some(*id),
        _ => None,
    };
    let team: Option<RecordId> = match record.values.get(ids::users::TEAMS) {
        Value::Links(teams) => teams.first().copied(),
        _ => None,
    };
    Ok(json!({
        "user": {
            "id": user, "email": text(ids::users::EMAIL), "name": text(ids::users::NAME),
            "role": { "id": role, "key": actor.role.key, "name": actor.role.name },
            "team": team, "locale": text(ids::users::LOCALE), "is_admin": actor.is_admin(),
        },
        "expires_at": expires_at.map(time), "second_factor": super::second_factor::state(&engine.second_factor_state(actor)),
    }))
}
