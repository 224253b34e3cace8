//! Between the contract's exports and an author's functions: what `plugin!` calls. Not for authors.

use crate::bindings::{
    actions::exports::kith::plugin::actions::Step, after_commit::exports::kith::plugin::after_commit::Outcome,
    before_save::exports::kith::plugin::before_save::Verdict, host::kith::plugin::types::Call,
    ui::exports::kith::plugin::ui as wit,
};
use crate::{
    Action, Change, Chunk, Error, Event, IntoOutcome, IntoResponse, IntoStep, IntoVerdict, Job, Panel, Progress,
    Record, Request, Response, Result, Source, Value, View, context,
    panel::{Carried, Used},
};

pub fn before_save<R: IntoVerdict>(call: Call, changes: &[Change], check: impl Fn(&Change) -> R) -> Vec<Verdict> {
    context::enter(call);
    changes.iter().map(|change| check(change).into_verdict()).collect()
}

/// After an event that has to be tried again, later ones of the same record wait too: their order is promised.
pub fn after_commit<R: IntoOutcome>(call: Call, events: &[Event], handle: impl Fn(&Event) -> R) -> Vec<Outcome> {
    context::enter(call);
    let mut waiting: Vec<(&str, u32)> = Vec::new();
    let mut outcomes = Vec::with_capacity(events.len());
    for event in events {
        let id = event.record().map_or("", |record| record.id.as_str());
        let outcome = match waiting.iter().find(|(record, _)| *record == id) {
            Some((_, seconds)) => Outcome::Retry(*seconds),
            None => handle(event).into_outcome(),
        };
        if let Outcome::Retry(seconds) = outcome {
            waiting.push((id, seconds));
        }
        outcomes.push(outcome);
    }
    outcomes
}

pub fn computed<V: Into<Value>>(rows: &[Record], compute: impl Fn(&Record) -> Result<V>) -> Result<Vec<Value>, String> {
    rows.iter().map(|row| compute(row).map(Into::into).map_err(|error| error.message())).collect()
}

pub fn action<S: IntoStep>(
    name: &str,
    input: &str,
    resume: Option<String>,
    run: impl Fn(&Action) -> Result<S>,
) -> Result<Step> {
    run(&Action::read(name.into(), input, resume)?).map(IntoStep::into_step)
}

pub fn condition(
    params: &str,
    rows: &[Record],
    test: impl Fn(&Record, &serde_json::Value) -> Result<bool>,
) -> Result<Vec<bool>, String> {
    let params = serde_json::from_str(params).map_err(|error| error.to_string())?;
    rows.iter().map(|row| test(row, &params).map_err(|error| error.message())).collect()
}

pub fn endpoint<R: IntoResponse>(call: Call, request: &Request, serve: impl Fn(&Request) -> R) -> Response {
    context::enter(call);
    serve(request).into_response()
}

pub fn job<P: Into<Progress>>(
    name: &str,
    input: String,
    cursor: Option<String>,
    run: impl Fn(&Job) -> Result<P>,
) -> Result<Progress> {
    run(&Job { name: name.into(), input, cursor }).map(Into::into)
}

pub fn panel(
    name: &str,
    target: Option<String>,
    state: Option<String>,
    used: Option<(String, String)>,
    draw: impl Fn(&Panel) -> Result<View>,
) -> Result<wit::View, String> {
    let carried = Carried::read(state.as_deref());
    let target = target.or(carried.target);
    let state = Some(carried.kept).filter(|kept| !kept.is_empty());
    let used = match used {
        None => None,
        Some((handler, form)) => {
            let form = serde_json::from_str(&form).map_err(|error| error.to_string())?;
            Some(Used { handler, form })
        }
    };
    let panel = Panel { name: name.into(), target, state, used };
    draw(&panel).map(|view| view.into_wit(panel.target)).map_err(|error| error.message())
}

pub fn import(
    call: Call,
    id: String,
    cursor: Option<String>,
    pull: impl Fn(&Source) -> Result<Chunk>,
) -> Result<Chunk> {
    context::enter(call);
    pull(&Source { id, cursor })
}

pub fn enter(call: Call) {
    context::enter(call);
}

/// `lookup` and `"look-up"` as written in `plugin!`.
pub fn name_of(written: &'static str) -> &'static str {
    written.trim_matches('"')
}

pub fn unknown(what: &str, name: &str) -> Error {
    Error::Other(format!("this version has no {what} '{name}'; its manifest and its code do not fit"))
}

/// For moments that are told without a call.
pub fn begin() {
    context::enter(Call { id: String::new(), attempt: 1, dry_run: false });
}
