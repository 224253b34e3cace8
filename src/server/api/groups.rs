//! Counts and sums per value of a field: the columns of a board.

use kith_engine::GroupQuery;
use poem::{Request, Response, Result, handler, web::Path};
use serde_json::json;

use super::{State, ok};
use crate::{
    extract::{Caller, Params},
    problem::Problem,
};

#[handler]
pub async fn list(app: State<'_>, caller: Caller, Path(object): Path<String>, request: &Request) -> Result<Response> {
    let params = Params::of(request, &["by", "filter", "q", "sum"])?;
    let by = params.string("by").ok_or_else(|| Problem::request("name the field to group by, such as ?by=stage"))?;
    let query =
        GroupQuery { object, by, filter: params.string("filter"), q: params.string("q"), sum: params.string("sum") };
    let groups = app.act(caller, move |engine, actor| Ok(engine.groups(actor, &query)?)).await?;
    Ok(ok(&json!({ "items": groups })))
}
