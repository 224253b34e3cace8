//! Filters on records in memory, by the language that Kith itself uses. Dates and times compare as texts.

use std::sync::Arc;

use cel::{Context, Program};

use super::world::World;
use crate::{Error, Record, Result, Value, Violation};

/// Whether each record satisfies the filter. Functions beside CEL's own: `today()`, `now()`, `date("…")`, `timestamp("…")`, `lower(text)`.
pub fn matching(world: &World, filter: &str, params: &[Value], rows: Vec<Record>) -> Result<Vec<Record>> {
    if filter.is_empty() {
        return Ok(rows);
    }
    let wrong = |error: String| {
        Error::from(Violation::new("bad_filter", format!("the filter '{filter}' does not work: {error}")))
    };
    let program = Program::compile(&numbered(filter)).map_err(|error| wrong(error.to_string()))?;
    let references = program.references();
    let now = crate::time::rfc3339(world.now_ms);
    let mut kept = Vec::new();
    for row in rows {
        let mut context = Context::default();
        functions(&mut context, &now).map_err(|error| wrong(error.to_string()))?;
        for name in references.variables() {
            let value = match name.strip_prefix("param_").and_then(|number| number.parse::<usize>().ok()) {
                Some(number) => params.get(number.wrapping_sub(1)).map_or(serde_json::Value::Null, shown),
                None if name == "id" => row.id.as_str().into(),
                None => shown(row.get(world.manifest.short(name))),
            };
            context.add_variable(name, value).map_err(|error| wrong(error.to_string()))?;
        }
        match program.execute(&context) {
            Ok(cel::Value::Bool(true)) => kept.push(row),
            Ok(cel::Value::Bool(false)) => {}
            Ok(other) => return Err(wrong(format!("it answers {other:?} and not yes or no"))),
            // What is not set compares with nothing, as in Kith.
            Err(cel::ExecutionError::NoSuchKey(_) | cel::ExecutionError::NoSuchOverload { .. }) => {}
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    Ok(kept)
}

fn functions(context: &mut Context<'_, '_>, now: &str) -> Result<(), Box<dyn std::error::Error>> {
    let today = now.get(..10).unwrap_or_default().to_string();
    let now = now.to_string();
    context.add_function("today", move || today.clone())?;
    context.add_function("now", move || now.clone())?;
    context.add_function("date", |day: Arc<String>| day.to_string())?;
    context.add_function("timestamp", |at: Arc<String>| at.to_string())?;
    context.add_function("lower", |text: Arc<String>| text.to_lowercase())?;
    Ok(())
}

/// `$1` is no name in CEL.
fn numbered(filter: &str) -> String {
    let mut text = String::new();
    let mut quote = None;
    for letter in filter.chars() {
        match (quote, letter) {
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
        if letter == '$' && quote.is_none() { text.push_str("param_") } else { text.push(letter) }
    }
    text
}

/// As filters see it: several e-mails and phones are lists of texts, decimals are numbers.
fn shown(value: &Value) -> serde_json::Value {
    match value {
        Value::Decimal(text) => text.parse::<f64>().map_or(serde_json::Value::Null, Into::into),
        Value::Json(_) => match value.to_json() {
            serde_json::Value::Array(_) => value.texts().into(),
            other => other,
        },
        other => other.to_json(),
    }
}
