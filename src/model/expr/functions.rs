//! The functions of expressions, besides CEL's own. None reads anything but its arguments; time comes with the context.

use std::{cell::RefCell, sync::Arc};

use cel::{
    Context, Env, ExecutionError, Value,
    common::{
        types::{DYN_TYPE, LIST_TYPE, STRING_TYPE, TIMESTAMP_TYPE},
        value::{CowVal, Val},
    },
};
use chrono::{DateTime, Datelike, FixedOffset};

use super::EvalContext;
use crate::local::{dates, times};

/// What may be called, for the message about what may not.
pub const KNOWN: &[&str] = &[
    "today",
    "now",
    "date",
    "timestamp",
    "duration",
    "lower",
    "upper",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "size",
    "has",
    "join",
    "coalesce",
    "years_since",
    "exists",
    "all",
    "exists_one",
    "filter",
    "map",
    "string",
    "int",
    "double",
    "bool",
    "getFullYear",
    "getMonth",
    "getDayOfMonth",
    "getDate",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "type",
    "dyn",
    "uint",
];

/// How many of those, from the start, a message lists.
pub const USUAL: usize = 19;

/// The name under which `matches` runs: with a bounded pattern, compiled once for all rows.
pub const MATCHES: &str = "matches_pattern";

/// What a text that stands beside a date or time is read by.
pub const DATE_TIME: &str = "date_time";

/// Arguments of `coalesce`.
const COALESCE_MAX: usize = 8;

/// Bytes a compiled pattern may take. A pattern of a filter needs a few thousand.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// CEL's standard functions and ours.
pub fn environment() -> Env {
    let mut env = Env::stdlib();
    // A name that CEL has already keeps CEL's meaning; the tests call each of ours.
    let _ = env.add_overload("lower", "lower_text", vec![STRING_TYPE], lower);
    let _ = env.add_member_overload("lower", "text_lower", STRING_TYPE, vec![], lower);
    let _ = env.add_overload("upper", "upper_text", vec![STRING_TYPE], upper);
    let _ = env.add_member_overload("upper", "text_upper", STRING_TYPE, vec![], upper);
    let _ = env.add_overload("date", "date_text", vec![STRING_TYPE], date);
    let _ = env.add_overload("date", "date_moment", vec![TIMESTAMP_TYPE], date);
    let _ = env.add_overload(DATE_TIME, "date_time_text", vec![STRING_TYPE], date);
    let _ = env.add_overload("join", "join_list", vec![LIST_TYPE, STRING_TYPE], join);
    let _ = env.add_member_overload("join", "list_join", LIST_TYPE, vec![STRING_TYPE], join);
    let _ = env.add_member_overload(MATCHES, "text_matches", STRING_TYPE, vec![STRING_TYPE], matches);
    for count in 1..=COALESCE_MAX {
        let _ = env.add_overload(
            "coalesce",
            &format!("coalesce_{count}"),
            (0..count).map(|_| DYN_TYPE).collect(),
            coalesce,
        );
    }
    env
}

/// What `today()` is beside a moment: when the day began where the asker is. Beside a date it is the date itself, which has no place.
pub const TODAY_MOMENT: &str = "@today";

/// What `date("…")`, or a text alone, is beside a moment: when that day began where the asker is.
pub const DATE_MOMENT: &str = "@date";

/// Adds the functions that ask for the time.
pub fn add_time(scope: &mut Context<'_, '_>, context: &EvalContext) {
    let now = moment(context.now_ms);
    let today = moment(times::today_ms(context.now_ms, &context.time_zone));
    let _ = scope.add_function("now", move || now.clone());
    let midnight = moment(times::midnight_ms(context.now_ms, &context.time_zone));
    let _ = scope.add_function(TODAY_MOMENT, move || midnight.clone());
    let zone = context.time_zone.clone();
    let _ = scope.add_function(DATE_MOMENT, move |of: Value| date_moment(&of, &zone));
    let this_day = today.clone();
    let _ = scope.add_function("today", move || today.clone());
    let _ = scope.add_function("years_since", move |then: Value| years_since(&then, &this_day));
}

fn moment(ms: i64) -> Value {
    DateTime::from_timestamp_millis(ms).map_or(Value::Null, |at| Value::Timestamp(at.fixed_offset()))
}

/// Whole years, as a birthday counts them.
fn years_since(then: &Value, today: &Value) -> Result<Value, ExecutionError> {
    let (Value::Timestamp(then), Value::Timestamp(today)) = (then, today) else {
        return Err(ExecutionError::function_error("years_since", "it takes a date"));
    };
    let day = |at: &DateTime<FixedOffset>| (at.month(), at.day());
    let years = today.year() - then.year() - i32::from(day(today) < day(then));
    Ok(Value::Int(i64::from(years)))
}

fn value(args: &Args<'_, '_>, at: usize) -> Result<Value, ExecutionError> {
    match args.get(at) {
        Some(arg) => Value::try_from(arg.as_ref()),
        None => Err(ExecutionError::missing_argument_or_target()),
    }
}

fn owned<'b, 'v>(value: Value) -> Outcome<'b, 'v> {
    Box::<dyn Val>::try_from(value).map(CowVal::Owned)
}

fn text(args: &Args<'_, '_>, at: usize) -> Result<Arc<String>, ExecutionError> {
    match value(args, at)? {
        Value::String(text) => Ok(text),
        _ => Err(ExecutionError::function_error("text", "it takes text")),
    }
}

fn lower<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    owned(Value::from(text(&args, 0)?.to_lowercase()))
}

fn upper<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    owned(Value::from(text(&args, 0)?.to_uppercase()))
}

/// A day, as midnight UTC.
fn date<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let ms = match value(&args, 0)? {
        Value::String(text) => date_ms(&text),
        Value::Timestamp(at) => Some(at.timestamp_millis().div_euclid(86_400_000) * 86_400_000),
        _ => None,
    };
    match ms {
        Some(ms) => owned(moment(ms)),
        None => Err(ExecutionError::function_error("date", "write a date such as date(\"2026-03-01\")")),
    }
}

/// A day's beginning in a time zone. What is a moment already is treated as `date` treats it.
fn date_moment(of: &Value, zone: &str) -> Result<Value, ExecutionError> {
    let ms = match of {
        Value::String(text) => match dates::strict(text.trim()) {
            Some(date) => Some(times::start_of_day_ms(date, zone)),
            None => times::strict(text, zone),
        },
        Value::Timestamp(at) => Some(at.timestamp_millis().div_euclid(86_400_000) * 86_400_000),
        _ => None,
    };
    ms.map(moment).ok_or_else(|| ExecutionError::function_error("date", "write a date such as date(\"2026-03-01\")"))
}

/// The moment that a text means: a date's midnight UTC, or an RFC 3339 time.
pub fn date_ms(text: &str) -> Option<i64> {
    let day = dates::strict(text.trim()).map(|date| i64::from(dates::to_days(date)) * 86_400_000);
    day.or_else(|| times::strict(text, "UTC"))
}

/// The texts that are set, with the separator between them.
fn join<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    let (Value::List(items), separator) = (value(&args, 0)?, text(&args, 1)?) else {
        return Err(ExecutionError::function_error("join", "it takes a list and the text between"));
    };
    let mut parts: Vec<String> = Vec::with_capacity(items.len());
    for item in items.iter() {
        match item {
            Value::String(text) if !text.is_empty() => parts.push(text.to_string()),
            Value::String(_) | Value::Null => {}
            Value::Int(n) => parts.push(n.to_string()),
            Value::UInt(n) => parts.push(n.to_string()),
            Value::Float(n) => parts.push(n.to_string()),
            Value::Bool(b) => parts.push(b.to_string()),
            _ => return Err(ExecutionError::function_error("join", "it joins texts and numbers")),
        }
    }
    owned(Value::from(parts.join(&separator)))
}

/// The first argument that is set: no null, no empty text. Of a list it is the first entry.
fn coalesce<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    for at in 0..args.len() {
        let found = match value(&args, at)? {
            Value::List(items) => items.first().cloned().unwrap_or(Value::Null),
            other => other,
        };
        let empty = matches!(&found, Value::String(text) if text.is_empty());
        if found != Value::Null && !empty {
            return owned(found);
        }
    }
    owned(Value::Null)
}

/// A pattern of `matches`, within bounds.
pub fn pattern(text: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(text)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(4 * PATTERN_BYTES_MAX)
        .nest_limit(32)
        .build()
        .map_err(|_| "it is not a regular expression, or too large a one".to_string())
}

fn matches<'b, 'v>(args: Args<'b, 'v>) -> Outcome<'b, 'v> {
    thread_local! {
        // A filter asks the same pattern of every row.
        static LAST: RefCell<Option<(Arc<String>, regex::Regex)>> = const { RefCell::new(None) };
    }
    let (subject, wanted) = (text(&args, 0)?, text(&args, 1)?);
    let found = LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(known, _)| *known != wanted) {
            let compiled = pattern(&wanted).map_err(|said| ExecutionError::function_error("matches", said))?;
            *last = Some((wanted, compiled));
        }
        Ok::<_, ExecutionError>(last.as_ref().is_some_and(|(_, compiled)| compiled.is_match(&subject)))
    })?;
    owned(Value::Bool(found))
}
