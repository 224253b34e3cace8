//! The audit as one list and as a file, the journal's head, and the check of the chain as a job. For administrators; the engine decides.

use std::io::Write;

use kith_engine::audit::{
    Asked, AuditHead, AuditLine, AuditQuery, Severity, Verified, VerifyState,
    anchor::{self, ANCHORS_MAX},
};
use kith_store::{Finding, VerifyReport};
use poem::{Request, Response, Result, handler, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, answer, exports, ok, time};
use crate::{
    extract::{Caller, Input, Params, record_id},
    problem::Problem,
};

const LINES_MAX: usize = 500;

/// Parameters that narrow a list or a file.
const FILTERS: [&str; 9] = ["actor", "object", "record", "kind", "since", "until", "address", "text", "severity"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyBody {
    /// `SEQ:HASH`, as `GET /audit/head` gave them once.
    #[serde(default)]
    anchors: Vec<String>,
    #[serde(default)]
    records: bool,
}

#[handler]
pub async fn list(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let params = Params::of(request, &[["limit", "cursor"].as_slice(), &FILTERS].concat())?;
    let query = AuditQuery {
        limit: params.number("limit", 1..=LINES_MAX)?,
        cursor: params.string("cursor"),
        ..filters(&params)?
    };
    let page = app.act(caller, move |engine, actor| Ok(engine.audit_page(actor, &query)?)).await?;
    let items: Vec<Json> = page.items.iter().map(line).collect();
    Ok(ok(&json!({ "items": items, "next_cursor": page.next_cursor, "searched_to": page.searched_to.map(time) })))
}

/// Everything that matches, as a file that is written while it is sent.
#[handler]
pub async fn export(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    let params = Params::of(request, &[["format"].as_slice(), &FILTERS].concat())?;
    let query = filters(&params)?;
    let format = params.text("format").unwrap_or("jsonl");
    let (as_csv, kind) = match format {
        "jsonl" => (false, "application/jsonl"),
        "csv" => (true, "text/csv; charset=utf-8"),
        _ => return Err(Problem::request("'format' must be jsonl or csv").into()),
    };
    let engine = app.engine.clone();
    let work = move |out: &mut dyn Write| {
        let actor = caller.actor(&engine)?;
        if as_csv {
            let mut table = csv::Writer::from_writer(out);
            // The engine refuses before it hands out a line, and a heading alone must not look like an answer.
            let mut begun = false;
            engine.audit_export(&actor, &query, &mut |line| {
                if !std::mem::replace(&mut begun, true) {
                    table.write_record(COLUMNS).map_err(gone)?;
                }
                table.write_record(row(line)).map_err(gone)
            })?;
            if !begun {
                table.write_record(COLUMNS).map_err(gone)?;
            }
            table.flush().map_err(gone)
        } else {
            engine.audit_export(&actor, &query, &mut |it| writeln!(out, "{}", line(it)).map_err(gone)).map(|_| ())
        }
    };
    exports::sent(kind, &format!("audit.{format}"), work).await
}

/// The reader has gone, or its connection broke.
fn gone(error: impl std::fmt::Display) -> Problem {
    tracing::debug!(%error, "an export ended early");
    Problem::new("export.output", "the file could not be sent to its end; try again")
}

#[handler]
pub async fn newest(app: State<'_>, caller: Caller) -> Result<Response> {
    let head = app.act(caller, |engine, actor| Ok(engine.audit_head(actor)?)).await?;
    Ok(ok(&shown_head(&head)))
}

/// The head as the API shows it.
pub fn shown_head(head: &AuditHead) -> Json {
    let hash: String = hex(&head.hash);
    json!({
        "seq": head.seq, "at": time(head.at), "hash": hash, "short": head.short(), "anchor": format!("{}:{hash}", head.seq),
    })
}

#[handler]
pub async fn verify(app: State<'_>, caller: Caller, input: Input<VerifyBody>) -> Result<Response> {
    let VerifyBody { anchors, records } = input.value;
    if anchors.len() > ANCHORS_MAX {
        return Err(Problem::request(format!("send at most {ANCHORS_MAX} anchors at a time")).into());
    }
    let anchors = anchors.iter().map(|text| anchor::read(text)).collect::<Result<Vec<_>, _>>();
    let asked = Asked { anchors: anchors.map_err(Problem::from)?, records };
    let state = app.act(caller, move |engine, actor| Ok(engine.start_verification(actor, asked)?)).await?;
    Ok(answer(StatusCode::ACCEPTED, &shown(&state)))
}

#[handler]
pub async fn verify_state(app: State<'_>, caller: Caller) -> Result<Response> {
    Ok(ok(&shown(&app.act(caller, |engine, actor| Ok(engine.verify_state(actor)?)).await?)))
}

fn shown(state: &VerifyState) -> Json {
    let running = state.running.as_ref();
    json!({
        "run": state.run,
        "running": running.map(|r| json!({ "started_at": time(r.started_at), "done": r.done, "all": r.all })),
        "last": state.last.as_ref().map(finished),
    })
}

fn finished(last: &Verified) -> Json {
    let (report, error) = match &last.outcome {
        Ok(report) => (Some(told(report)), None),
        Err(error) => (None, Some(error)),
    };
    json!({
        "run": last.run, "finished_at": time(last.finished_at), "seconds": last.took_ms as f64 / 1_000.0,
        "records": last.records, "report": report, "error": error.map(|_| "the check broke off; the server's log says why"),
    })
}

/// A report of a verification as the API shows it.
pub fn told(report: &VerifyReport) -> Json {
    let finding = |f: &Finding| json!({ "place": f.place, "seq": f.seq, "ids": f.ids, "what": f.what });
    let lost = anchor::lost(report);
    let anchors: Vec<Json> = report
        .anchors
        .iter()
        .map(|(anchor, holds)| {
            let what = lost.iter().find(|(seq, _)| *seq == anchor.seq && !holds).map(|(_, what)| what);
            json!({ "seq": anchor.seq, "holds": holds, "what": what })
        })
        .collect();
    json!({
        "clean": report.is_clean() && lost.is_empty(), "segments": report.segments, "entries": report.entries,
        "changes": report.changes, "erased_changes": report.erased_changes, "records": report.records,
        "head_seq": report.head_seq, "head_hash": hex(&report.head_hash), "anchors": anchors,
        "findings": report.findings.iter().map(finding).collect::<Vec<Json>>(),
    })
}

fn filters(params: &Params) -> Result<AuditQuery, Problem> {
    let id = |name: &str| params.text(name).map(|text| record_id(name, text)).transpose();
    let severity = params.text("severity").map(|text| {
        Severity::named(text).ok_or_else(|| Problem::request("'severity' must be notice, warning or critical"))
    });
    Ok(AuditQuery {
        actor: id("actor")?,
        object: params.string("object"),
        record: id("record")?,
        kind: params.string("kind"),
        since: moment(params, "since")?,
        until: moment(params, "until")?,
        address: params.string("address"),
        text: params.string("text"),
        severity: severity.transpose()?,
        ..AuditQuery::default()
    })
}

/// RFC 3339, or a date that stands for its beginning in UTC.
fn moment(params: &Params, name: &str) -> Result<Option<i64>, Problem> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| date().map(|zoned| zoned.timestamp()));
    let wrong = || Problem::request(format!("'{name}' must read like 2026-01-31 or 2026-01-31T00:00:00Z"));
    at.map(|at| Some(at.as_millisecond())).ok_or_else(wrong)
}

fn line(line: &AuditLine) -> Json {
    let mut shown = json!(line);
    shown["at"] = json!(time(line.at));
    shown
}

const COLUMNS: [&str; 13] = [
    "seq", "at", "kind", "severity", "alert", "actor", "actor_id", "object", "records", "count", "cause", "detail",
    "hash",
];

/// One line as a row of a table.
fn row(line: &AuditLine) -> [String; 13] {
    let ids: Vec<String> = line.ids.iter().map(ToString::to_string).collect();
    let some = |text: &Option<String>| text.as_deref().map(inert).unwrap_or_default();
    [
        line.seq.to_string(),
        time(line.at),
        line.kind.clone(),
        line.severity.map_or("", Severity::name).to_string(),
        some(&line.alert),
        inert(&line.actor.name),
        line.actor.id.to_string(),
        some(&line.object),
        ids.join(" "),
        line.count.to_string(),
        line.cause.as_ref().map(|cause| inert(&cause.kind)).unwrap_or_default(),
        some(&line.detail),
        line.hash.clone(),
    ]
}

/// A text that a spreadsheet does not take for a formula: names are whatever somebody called themselves.
fn inert(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{text}") } else { text.to_string() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(inert("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        assert_eq!(inert("Zoë"), "Zoë");
    }
}
