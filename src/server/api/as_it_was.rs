//! A record as it was at some moment, and bringing it back. Moments are parsed here; everything else is decided below.

use kith_engine::{CommitOptions, Moment, Op, Revert};
use poem::{Request, Response, Result, handler, http::StatusCode, web::Path};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{
    State, record,
    shape::{self, Shape},
    time,
};
use crate::{
    app::App,
    extract::{Caller, IfMatch, Input, Params, record_id},
    problem::Problem,
};

/// The body of a revert: one moment, and which fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevertBody {
    at: Option<String>,
    seq: Option<u64>,
    fields: Option<Vec<String>>,
}

/// A journal entry's number, or a time like `2026-03-01T12:00:00Z`.
pub fn moment(text: &str) -> Result<Moment, Problem> {
    if let Ok(seq) = text.parse() {
        return Ok(Moment::Seq(seq));
    }
    let at = text.parse::<jiff::Timestamp>().map(|at| Moment::Time(at.as_millisecond()));
    let said =
        "'at' must be a time like 2026-03-01T12:00:00Z, or the number of a journal entry as the history shows it";
    at.map_err(|_| Problem::request(said))
}

/// The record as it was, for `GET /records/{object}/{id}?at=`.
pub async fn show(app: &App, caller: Caller, object: String, id: String, at: &str) -> Result<Json, Problem> {
    let moment = moment(at)?;
    app.act(caller, move |engine, actor| {
        let seen = shape::seen(engine, actor, &object)?;
        let was = engine.get_at(actor, &object, record_id(&object, &id)?, moment)?;
        let mut body = engine.past_to_json(actor, &was.record);
        body["trashed"] = json!(was.record.trashed);
        let linked = std::slice::from_ref(&was.record);
        body["included"] = Shape::default().included(engine, actor, &seen, linked);
        let may = |op| engine.may(actor, op, &was.record);
        body["permissions"] = json!({ "update": may(Op::Update), "delete": may(Op::Delete) });
        body["as_of"] = json!({ "seq": was.seq, "at": time(was.at) });
        Ok(body)
    })
    .await
}

#[handler]
pub async fn revert(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    IfMatch(version): IfMatch,
    request: &Request,
    input: Input<RevertBody>,
) -> Result<Response> {
    Params::of(request, &[])?;
    let RevertBody { at, seq, fields } = input.value;
    let moment = match (at, seq) {
        (Some(at), None) => moment(&at)?,
        (None, Some(seq)) => Moment::Seq(seq),
        _ => return Err(Problem::request("name the moment by one of 'at' and 'seq'").into()),
    };
    let options = CommitOptions::caused_by(caller.cause());
    let body = app
        .act(caller, move |engine, actor| {
            let id = record_id(&object, &id)?;
            let back = engine.revert(actor, &object, id, Revert { moment, fields, version }, options)?;
            Ok(engine.to_json(actor, &back))
        })
        .await?;
    Ok(record(StatusCode::OK, &body))
}
