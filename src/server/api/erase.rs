//! Erasing for good: what it would do, and doing it. Whether it may be done is decided below.

use kith_engine::erase::EraseRequest;
use poem::{Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, ok};
use crate::{
    extract::{Caller, Input, record_id},
    problem::Problem,
};

/// How to erase.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EraseBody {
    preview: bool,
    confirm: String,
    keep: Vec<String>,
    with: Vec<String>,
    reason: String,
}

/// Which records, and how. Spelled out: flattening would let unknown words pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseManyBody {
    ids: Vec<String>,
    #[serde(default)]
    preview: bool,
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    reason: String,
}

#[handler]
pub async fn one(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    input: Input<EraseBody>,
) -> Result<Response> {
    answer(app, caller, object, &[id], input.value).await
}

#[handler]
pub async fn many(
    app: State<'_>,
    caller: Caller,
    Path(object): Path<String>,
    input: Input<EraseManyBody>,
) -> Result<Response> {
    let EraseManyBody { ids, preview, confirm, keep, with, reason } = input.value;
    answer(app, caller, object, &ids, EraseBody { preview, confirm, keep, with, reason }).await
}

async fn answer(app: State<'_>, caller: Caller, object: String, ids: &[String], body: EraseBody) -> Result<Response> {
    let ids = ids.iter().map(|id| record_id(&object, id)).collect::<Result<Vec<_>, Problem>>()?;
    let EraseBody { preview, confirm, keep, with, reason } = body;
    let users = object == "users";
    let request = EraseRequest { object, ids, keep, with, reason };
    let body: Json = app
        .act(caller, move |engine, actor| {
            if preview {
                return Ok(json!(engine.erase_plan(actor, &request)?));
            }
            Ok(json!(engine.erase(actor, &request, &confirm)?))
        })
        .await?;
    if users && !preview {
        app.session_ended.send_modify(|count| *count += 1);
    }
    Ok(ok(&body))
}
