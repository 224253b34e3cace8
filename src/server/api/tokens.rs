//! Issuing API tokens. A token's word is in one answer and never again; listing and revoking go through records of `tokens`.

use kith_base::Secret;
use kith_engine::auth::NewToken;
use poem::{Response, Result, handler};
use serde::Deserialize;
use serde_json::json;

use super::{State, created};
use crate::{
    extract::{Caller, Idempotency, Input, record_id},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    name: String,
    scopes: Vec<String>,
    expires_at: Option<String>,
    /// Whose rights it has; the caller's own where none is named.
    user: Option<String>,
}

#[handler]
pub async fn create(
    app: State<'_>,
    caller: Caller,
    idempotency: Idempotency,
    input: Input<TokenBody>,
) -> Result<Response> {
    let idempotency = idempotency.of(&input.bytes);
    let TokenBody { name, scopes, expires_at, user } = input.value;
    let expires_at = expires_at.filter(|text| !text.is_empty()).map(|text| moment(&text)).transpose()?;
    let user = user.map(|id| record_id("users", &id)).transpose()?;
    let token = NewToken { name, scopes, expires_at, user, idempotency };
    let body = app
        .act(caller, move |engine, actor| {
            let (word, record): (Secret<String>, _) = engine.create_token(actor, token)?;
            Ok(json!({ "token": word.expose(), "record": engine.to_json(actor, &record) }))
        })
        .await?;
    Ok(created(&body))
}

/// RFC 3339, or a date that stands for its beginning in UTC.
fn moment(text: &str) -> Result<i64, Problem> {
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    at.map(|at| at.as_millisecond()).ok_or_else(|| Problem::request("'expires_at' must read like 2027-01-31T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_date() {
        assert_eq!(moment("1970-01-02").unwrap(), 86_400_000);
        assert_eq!(moment("1970-01-01T00:00:01Z").unwrap(), 1_000);
        assert!(moment("tomorrow").is_err());
    }
}
