//! Expressions in CEL: parsed within limits, resolved against an object, evaluated against values. Reads no record itself.

mod build;
mod error;
mod evaluate;
mod functions;
mod guard;
mod names;
mod parse;
mod resolve;

use std::sync::Arc;

use cel::common::ast::{IdedExpr, SourceInfo};
use kith_base::{RecordId, TimestampMs};

use crate::ObjectDef;

pub use error::ExprError;
pub use evaluate::evaluate;

/// What an expression may depend on besides the record.
#[derive(Clone, Debug, Default)]
pub struct EvalContext {
    pub now_ms: TimestampMs,
    /// IANA name: where `today()` is.
    pub time_zone: String,
    /// The user who asks: `me`.
    pub me: Option<RecordId>,
}

/// Names every record has besides its fields.
pub const RECORD_NAMES: [&str; 5] = ["id", "created_at", "updated_at", "created_by", "updated_by"];

/// A parsed expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expr {
    ast: Arc<IdedExpr>,
    source: Arc<SourceInfo>,
    references: Arc<[String]>,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.ast == other.ast
    }
}

impl Expr {
    /// # Errors
    /// Too long, nested too deeply, or not CEL; the message says where.
    pub fn parse(text: &str) -> Result<Expr, ExprError> {
        let (ast, source) = parse::parse(text)?;
        Ok(Expr::new(ast, Arc::new(source)))
    }

    /// Checks every name and function against `object` and brings the expression into the form that is evaluated: bare money
    /// becomes its amount, whole numbers beside decimals become decimals, empty lists stand in for lists that are not set.
    ///
    /// # Errors
    /// Unknown names with the one that was probably meant, unknown functions, constants that make no sense.
    pub fn resolve(&self, object: &ObjectDef) -> Result<Expr, ExprError> {
        let ast = resolve::resolve(&self.ast, &self.source, object)?;
        Ok(Expr { ast: Arc::new(ast), source: self.source.clone(), references: self.references.clone() })
    }

    /// That one of `fields` holds one of `ids`; resolved.
    pub fn any_among(fields: &[&str], ids: &[RecordId]) -> Expr {
        Expr::new(build::any_among(fields, ids), Arc::default())
    }

    pub fn ast(&self) -> &IdedExpr {
        &self.ast
    }

    /// The names of fields and record properties in it, each once, in order of appearance.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// The outcome, given the value of each name as the kinds' `to_cel` make it. Null where a name has no value.
    ///
    /// # Errors
    /// `ExprError::Evaluation`, for these values; others may give a result.
    pub fn evaluate(
        &self,
        values: &dyn Fn(&str) -> cel::Value,
        context: &EvalContext,
    ) -> Result<cel::Value, ExprError> {
        evaluate::evaluate(&self.ast, values, context)
    }

    /// Whether it is true; anything else, errors included, is not.
    pub fn holds(&self, values: &dyn Fn(&str) -> cel::Value, context: &EvalContext) -> bool {
        matches!(self.evaluate(values, context), Ok(cel::Value::Bool(true)))
    }

    fn new(ast: IdedExpr, source: Arc<SourceInfo>) -> Expr {
        let found = names::of(&ast);
        let references = found.names.iter().filter(|name| **name != "me").map(|name| name.to_string()).collect();
        Expr { ast: Arc::new(ast), source, references }
    }
}

#[cfg(test)]
mod tests;
