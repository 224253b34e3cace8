//! A rule against one record. An error in evaluating it counts as no.

use kith_model::{
    ObjectDef,
    expr::{EvalContext, Expr},
};

use crate::{
    Record,
    image::{slot::effective, value_of},
};

/// Whether the expression holds for the record.
pub(super) fn holds(expr: &Expr, object: &ObjectDef, record: &Record, context: &EvalContext) -> bool {
    let value = |name: &str| match object.field(name) {
        // A computed field compares like the kind of its result.
        Some(field) if field.expression.is_some() => {
            let field = effective(field.clone());
            field.kind().to_cel(&field, record.values.get(field.id))
        }
        field => value_of(record, name, |_| field),
    };
    matches!(expr.evaluate(&value, context), Ok(cel::Value::Bool(true)))
}
