//! The history of one record: who changed what, when and why.

use kith_engine::{
    HistoryItem,
    audit::{AuditKind, Read},
};
use poem::{Request, Response, Result, handler, web::Path};
use serde_json::{Value as Json, json};

use super::{State, ok, time};
use crate::{
    extract::{Caller, Params, record_id},
    problem::Problem,
};

const ITEMS_MAX: usize = 200;
const ITEMS_DEFAULT: usize = 50;

#[handler]
pub async fn list(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    request: &Request,
) -> Result<Response> {
    let params = Params::of(request, &["limit", "cursor"])?;
    let limit = params.number("limit", 1..=ITEMS_MAX)?.unwrap_or(ITEMS_DEFAULT);
    let before = params
        .text("cursor")
        .map(|text| {
            text.parse::<u64>().map_err(|_| Problem::new("cursor.invalid", "take the cursor from the page before"))
        })
        .transpose()?;
    let page = app
        .act(caller, move |engine, actor| {
            let id = record_id(&object, &id)?;
            let page = engine.history(actor, &object, id, before, limit)?;
            engine.audit_read(actor, AuditKind::Opened, &object, Read::Records(&[id]));
            Ok(page)
        })
        .await?;
    let items: Vec<Json> = page.items.iter().map(item).collect();
    Ok(ok(&json!({ "items": items, "next_cursor": page.next_seq.map(|seq| seq.to_string()) })))
}

/// One item of a history as the API shows it.
pub fn item(item: &HistoryItem) -> Json {
    json!({
        "seq": item.seq, "version": item.version, "at": time(item.at), "actor": &*item.actor, "cause": item.cause.kind,
        "cause_id": item.cause.id, "kind": item.kind, "changes": item.changes, "erased": item.erased,
    })
}
