//! The OpenAPI document of the schema as the caller sees it now.

use poem::{Response, Result, handler};

use super::{State, ok};
use crate::{extract::Caller, openapi};

#[handler]
pub async fn document(app: State<'_>, caller: Caller) -> Result<Response> {
    let body = app.act(caller, |engine, actor| Ok(openapi::document(&engine.schema_for(actor)))).await?;
    Ok(ok(&body))
}
