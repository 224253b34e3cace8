//! Up to 1,000 operations on one object, all or nothing.

use kith_base::limits::BATCH_OPS_MAX;
use kith_engine::{Command, CommitOptions, EngineError, Fields};
use poem::{Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{State, ok};
use crate::{
    extract::{Caller, Idempotency, Input, record_id},
    problem::Problem,
};

/// Bytes of a batch: 1,000 records of some kilobytes each.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum Operation {
    Create { values: Map<String, Json> },
    Update { id: String, version: Option<u64>, values: Map<String, Json> },
    Delete { id: String, version: Option<u64> },
    Restore { id: String },
}

#[handler]
pub async fn run(
    app: State<'_>,
    caller: Caller,
    Path(object): Path<String>,
    idempotency: Idempotency,
    input: Input<BatchBody, BATCH_BYTES_MAX>,
) -> Result<Response> {
    let operations = input.value.operations;
    if operations.len() > BATCH_OPS_MAX {
        let detail = format!("{} operations in one batch; send at most {BATCH_OPS_MAX} at a time", operations.len());
        return Err(Problem::new("batch.too_large", detail).into());
    }
    let options =
        CommitOptions { idempotency: idempotency.of(&input.bytes), ..CommitOptions::caused_by(caller.cause()) };
    let gone: Vec<bool> = operations.iter().map(|operation| matches!(operation, Operation::Delete { .. })).collect();
    let commands = operations
        .into_iter()
        .enumerate()
        .map(|(index, operation)| command(&object, operation).map_err(|problem| problem.at(index)))
        .collect::<Result<Vec<Command>, Problem>>()?;
    let body = app
        .act(caller, move |engine, actor| {
            let alone = commands.len() == 1;
            let done = engine.execute(actor, commands, options);
            let records = done.map_err(|error| if alone { placed(error) } else { error })?;
            let items: Vec<Json> = records
                .iter()
                .zip(gone)
                .map(|(record, gone)| if gone { Json::Null } else { engine.to_json(actor, record) })
                .collect();
            Ok(json!({ "items": items }))
        })
        .await?;
    Ok(ok(&body))
}

/// The engine names no place in a list of one; a client that sent a batch expects it all the same.
fn placed(error: EngineError) -> EngineError {
    match error {
        EngineError::IdempotencyMismatch | EngineError::Store(_) | EngineError::Closing | EngineError::Internal(_) => {
            error
        }
        error => error.at(0),
    }
}

fn command(object: &str, operation: Operation) -> Result<Command, Problem> {
    let owned = object.to_string();
    Ok(match operation {
        Operation::Create { values } => Command::Create { object: owned, id: None, values: Fields::Json(values) },
        Operation::Update { id, version, values } => {
            Command::Update { object: owned, id: record_id(object, &id)?, version, values: Fields::Json(values) }
        }
        Operation::Delete { id, version } => Command::Delete { object: owned, id: record_id(object, &id)?, version },
        Operation::Restore { id } => Command::Restore { object: owned, id: record_id(object, &id)? },
    })
}
