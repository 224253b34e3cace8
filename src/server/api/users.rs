//! Making users and setting their passwords; everything else about users is records of `users`.

use kith_base::Secret;
use kith_engine::{Actor, auth::NewUser, system::ids};
use kith_model::Value;
use poem::{Response, Result, handler, http::StatusCode, web::Path};
use serde::Deserialize;
use serde_json::json;

use super::{State, no_content, ok, record};
use crate::{
    extract::{Caller, Idempotency, Input, record_id},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    email: String,
    #[serde(default)]
    name: String,
    role: String,
    #[serde(default)]
    teams: Vec<String>,
    password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrengthBody {
    password: String,
    /// Of whose account it would be; the caller's own where none is named.
    email: Option<String>,
    name: Option<String>,
}

/// How a password would fare, while it is typed. Nothing of it is kept or noted.
#[handler]
pub async fn password_strength(app: State<'_>, caller: Caller, input: Input<StrengthBody>) -> Result<Response> {
    let StrengthBody { password, email, name } = input.value;
    let password = Secret::new(password);
    let body = app
        .act(caller, move |engine, actor| {
            let own = actor.user.and_then(|user| engine.get(&Actor::system(), "users", user).ok());
            let value = |field| match own.as_ref().map(|record| record.values.get(field)) {
                Some(Value::Text(text)) => text.clone(),
                _ => String::new(),
            };
            let email = email.unwrap_or_else(|| value(ids::users::EMAIL));
            let name = name.unwrap_or_else(|| value(ids::users::NAME));
            let strength = engine.password_strength(&password, &email, &name);
            let (code, message) = strength.refused.unzip();
            Ok(json!({ "score": strength.score, "ok": code.is_none(), "code": code, "message": message }))
        })
        .await?;
    Ok(ok(&body))
}

#[handler]
pub async fn create(
    app: State<'_>,
    caller: Caller,
    idempotency: Idempotency,
    input: Input<UserBody>,
) -> Result<Response> {
    let UserBody { email, name, role, teams, password } = input.value;
    // Without the password: what the key remembers of the request is a hash that is quick to guess against.
    let request = json!([email, name, role, teams, password.is_some()]);
    let idempotency = idempotency.of(request.to_string().as_bytes());
    let teams = teams.iter().map(|id| record_id("teams", id)).collect::<Result<Vec<_>, Problem>>()?;
    let user = NewUser { email, name, role, teams, password: password.map(Secret::new), idempotency };
    let body = app
        .act(caller, move |engine, actor| {
            let made = engine.create_user(actor, user)?;
            Ok(engine.to_json(actor, &made))
        })
        .await?;
    Ok(record(StatusCode::CREATED, &body))
}

#[handler]
pub async fn set_password(
    app: State<'_>,
    caller: Caller,
    Path(id): Path<String>,
    input: Input<PasswordBody>,
) -> Result<Response> {
    let id = record_id("users", &id)?;
    let new = Secret::new(input.value.password);
    app.act(caller, move |engine, actor| Ok(engine.set_password(actor, id, &new)?)).await?;
    app.session_ended.send_modify(|count| *count += 1);
    Ok(no_content())
}
