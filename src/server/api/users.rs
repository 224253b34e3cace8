//! Making users and setting their passwords; everything else about users is records of `users`.

use kith_base::Secret;
use kith_engine::auth::NewUser;
use poem::{Response, Result, handler, http::StatusCode, web::Path};
use serde::Deserialize;

use super::{State, no_content, record};
use crate::{
    extract::{Caller, Input, record_id},
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

#[handler]
pub async fn create(app: State<'_>, caller: Caller, input: Input<UserBody>) -> Result<Response> {
    let UserBody { email, name, role, teams, password } = input.value;
    let teams = teams.iter().map(|id| record_id("teams", id)).collect::<Result<Vec<_>, Problem>>()?;
    let user = NewUser { email, name, role, teams, password: password.map(Secret::new) };
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
