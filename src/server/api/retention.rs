//! Rules of retention: what they would do, and running one by hand. The rules themselves are records of `retention_rules`.

use poem::{Response, Result, handler};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{State, ok};
use crate::{
    extract::{Caller, Input, record_id},
    problem::Problem,
};

/// One rule by id, one that is not saved by its values, or none of both for all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    values: Option<Map<String, Json>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunBody {
    rule: String,
    /// Even where it touches more than it may by itself.
    #[serde(default)]
    confirm: bool,
}

#[handler]
pub async fn preview(app: State<'_>, caller: Caller, input: Input<PreviewBody>) -> Result<Response> {
    let PreviewBody { rule, values } = input.value;
    let rule = rule.map(|id| record_id("retention_rules", &id)).transpose()?;
    let items = app
        .act(caller, move |engine, actor| match (rule, values) {
            (Some(_), Some(_)) => Err(Problem::request("name 'rule' or 'values', not both")),
            (rule, None) => Ok(engine.preview_retention(actor, rule)?),
            (None, Some(values)) => Ok(engine.preview_retention_draft(actor, values)?),
        })
        .await?;
    Ok(ok(&json!({ "items": items })))
}

#[handler]
pub async fn run(app: State<'_>, caller: Caller, input: Input<RunBody>) -> Result<Response> {
    let id = record_id("retention_rules", &input.value.rule)?;
    let confirmed = input.value.confirm;
    let run = app.act(caller, move |engine, actor| Ok(engine.run_retention(actor, id, confirmed)?)).await?;
    Ok(ok(&json!(run)))
}
