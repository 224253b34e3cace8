//! Text to tree, on a stack that holds what the guard lets through. A panic in the parser is a syntax error, not ours.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::{
    common::ast::{IdedExpr, SourceInfo},
    parser::{ParseError, Parser},
};

use super::{ExprError, guard};

/// The generated parser uses several large frames for every level.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Texts this short cannot nest deeply enough to need a stack of their own.
const SHORT_BYTES: usize = 48;

pub fn parse(text: &str) -> Result<(IdedExpr, SourceInfo), ExprError> {
    guard::check(text)?;
    if text.len() <= SHORT_BYTES && !text.contains(['(', '[', '{', '?', '!', '-']) {
        return parse_here(text);
    }
    let parsed = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("expression".into()).stack_size(STACK_BYTES);
        let own = thread.spawn_scoped(scope, || parse_here(text));
        own.ok().and_then(|thread| thread.join().ok())
    });
    parsed.unwrap_or_else(|| Err(unreadable()))
}

fn parse_here(text: &str) -> Result<(IdedExpr, SourceInfo), ExprError> {
    let run = || Parser::new().max_recursion_depth(600).parse_with_source_info(text);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(parsed)) => Ok(parsed),
        Ok(Err(errors)) => Err(errors.errors.first().map_or_else(unreadable, |error| said(text, error))),
        Err(_) => Err(unreadable()),
    }
}

fn unreadable() -> ExprError {
    ExprError::Syntax { at: 1, said: "it is not an expression; write one such as amount > 1000".into() }
}

/// The parser's complaint in our words: where, and what was found there.
fn said(text: &str, error: &ParseError) -> ExprError {
    let (line, column) = error.pos;
    let before: usize =
        text.split_inclusive('\n').take(usize::try_from(line - 1).unwrap_or_default()).map(|l| l.chars().count()).sum();
    let at = before + usize::try_from(column).unwrap_or_default();
    let found: String = text.chars().skip(at.saturating_sub(1)).take(12).collect();
    let said = if found.trim().is_empty() {
        "it ends too early; complete it".to_string()
    } else if error.msg.contains("recursion") {
        return ExprError::TooDeep(at.max(1));
    } else if error.msg.contains("macro") || error.msg.contains("argument") {
        error.msg.chars().filter(|c| !c.is_control()).take(160).collect()
    } else {
        format!("'{found}' is not expected there; texts go in quotes, equal is ==, and is &&, or is ||")
    };
    ExprError::Syntax { at: at.max(1), said }
}
