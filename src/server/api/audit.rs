//! The audit as one list, and the check of the whole journal. For administrators; the engine decides.

use kith_engine::audit::{AuditLine, AuditQuery};
use kith_store::{Finding, VerifyReport};
use poem::{Request, Response, Result, handler};
use serde_json::{Value as Json, json};

use super::{State, ok, time};
use crate::{
    extract::{Caller, Params, record_id},
    problem::Problem,
};

const LINES_MAX: usize = 500;

#[handler]
pub async fn list(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let params = Params::of(request, &["limit", "cursor", "actor", "object", "record", "kind", "since"])?;
    let id = |name: &str| params.text(name).map(|text| record_id(name, text)).transpose();
    let since = params.text("since").map(|text| {
        let at = text.parse::<jiff::Timestamp>().map(|at| at.as_millisecond());
        at.map_err(|_| Problem::request("'since' must read like 2026-01-31T00:00:00Z"))
    });
    let query = AuditQuery {
        limit: params.number("limit", 1..=LINES_MAX)?,
        cursor: params.string("cursor"),
        actor: id("actor")?,
        object: params.string("object"),
        record: id("record")?,
        kind: params.string("kind"),
        since: since.transpose()?,
    };
    let page = app.act(caller, move |engine, actor| Ok(engine.audit_page(actor, &query)?)).await?;
    let items: Vec<Json> = page.items.iter().map(line).collect();
    Ok(ok(&json!({ "items": items, "next_cursor": page.next_cursor })))
}

fn line(line: &AuditLine) -> Json {
    let mut shown = json!(line);
    shown["at"] = json!(time(line.at));
    shown
}

#[handler]
pub async fn verify(app: State<'_>, caller: Caller) -> Result<Response> {
    let report = app.act(caller, |engine, actor| Ok(engine.audit_verify(actor, &mut |_, _| {})?)).await?;
    Ok(ok(&told(&report)))
}

/// A report of a verification as the API shows it.
pub fn told(report: &VerifyReport) -> Json {
    let hash: String = report.head_hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let finding = |f: &Finding| json!({ "place": f.place, "seq": f.seq, "ids": f.ids, "what": f.what });
    json!({
        "clean": report.is_clean(), "segments": report.segments, "entries": report.entries, "changes": report.changes,
        "erased_changes": report.erased_changes, "records": report.records, "head_seq": report.head_seq, "head_hash": hash,
        "findings": report.findings.iter().map(finding).collect::<Vec<Json>>(),
    })
}
