//! Asks a condition of the registry about records.

use poem::{Response, Result, handler, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, ok};
use crate::{
    extract::{Caller, Input, record_id},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    ids: Vec<String>,
    #[serde(default)]
    params: Json,
}

#[handler]
pub async fn test(
    app: State<'_>,
    caller: Caller,
    Path((object, name)): Path<(String, String)>,
    input: Input<AskBody>,
) -> Result<Response> {
    let AskBody { ids, params } = input.value;
    let params = if params.is_null() { json!({}) } else { params };
    let body = app
        .act(caller, move |engine, actor| {
            let ids = ids.iter().map(|id| record_id(&object, id)).collect::<Result<Vec<_>, Problem>>()?;
            let answers = engine.test_condition(actor, &object, &ids, &name, &params)?;
            let items: Vec<Json> =
                ids.iter().zip(answers).map(|(id, holds)| json!({ "id": id, "holds": holds })).collect();
            Ok(json!({ "items": items }))
        })
        .await?;
    Ok(ok(&body))
}
