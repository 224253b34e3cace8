//! Runs an action of the registry on one record or on several.

use kith_base::limits::BATCH_OPS_MAX;
use kith_engine::{ActionResult, IdempotencyKey};
use poem::{Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, ok};
use crate::{
    extract::{Caller, Idempotency, Input, record_id},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManyBody {
    ids: Vec<String>,
    #[serde(default)]
    input: Json,
}

#[handler]
pub async fn run(
    app: State<'_>,
    caller: Caller,
    Path((object, id, action)): Path<(String, String, String)>,
    idempotency: Idempotency,
    input: Input<Json>,
) -> Result<Response> {
    let key = idempotency.of(&input.bytes);
    answer(app, caller, Asked { object, ids: vec![id], action, input: input.value, key }).await
}

#[handler]
pub async fn run_on_many(
    app: State<'_>,
    caller: Caller,
    Path((object, action)): Path<(String, String)>,
    idempotency: Idempotency,
    input: Input<ManyBody>,
) -> Result<Response> {
    let key = idempotency.of(&input.bytes);
    let ManyBody { ids, input } = input.value;
    if ids.len() > BATCH_OPS_MAX {
        let detail = format!("{} records at once; send at most {BATCH_OPS_MAX} ids at a time", ids.len());
        return Err(Problem::new("batch.too_large", detail).into());
    }
    answer(app, caller, Asked { object, ids, action, input, key }).await
}

/// An action as it was asked for.
struct Asked {
    object: String,
    ids: Vec<String>,
    action: String,
    input: Json,
    key: Option<IdempotencyKey>,
}

async fn answer(app: State<'_>, caller: Caller, asked: Asked) -> Result<Response> {
    let Asked { object, ids, action, input, key } = asked;
    let input = if input.is_null() { json!({}) } else { input };
    let body = app
        .act(caller, move |engine, actor| {
            let ids = ids.iter().map(|id| record_id(&object, id)).collect::<Result<Vec<_>, Problem>>()?;
            let ActionResult { record, records, message } =
                engine.run_action_once(actor, &object, &ids, &action, input, key)?;
            let mut body = json!({});
            if let Some(record) = record {
                body["record"] = engine.to_json(actor, &record);
            }
            if !records.is_empty() {
                body["records"] = records.iter().map(|record| engine.to_json(actor, record)).collect();
            }
            if let Some(message) = message {
                body["message"] = json!(message);
            }
            Ok(body)
        })
        .await?;
    Ok(ok(&body))
}
