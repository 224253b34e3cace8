//! Search as you type, across objects.

use kith_engine::SearchQuery;
use poem::{Request, Response, Result, handler};
use serde_json::json;

use super::{State, ok};
use crate::extract::{Caller, Params};

/// Hits of one search: more is a list with `q`.
const HITS_MAX: usize = 100;
const HITS_DEFAULT: usize = 20;

#[handler]
pub async fn list(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let params = Params::of(request, &["q", "objects", "limit"])?;
    let query = SearchQuery {
        words: params.string("q").unwrap_or_default(),
        objects: params.list("objects").unwrap_or_default(),
        limit: params.number("limit", 1..=HITS_MAX)?.unwrap_or(HITS_DEFAULT),
    };
    let hits = app.act(caller, move |engine, actor| Ok(engine.search(actor, &query)?)).await?;
    Ok(ok(&json!({ "items": hits })))
}
