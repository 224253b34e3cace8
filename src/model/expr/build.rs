//! Small pieces of tree that resolving and code need. Nothing here is checked: the callers know what they build.

use cel::common::{
    ast::{CallExpr, Expr as Ast, IdedExpr, ListExpr, LiteralValue, SelectExpr, operators},
    types::CelString,
};
use kith_base::RecordId;

pub fn node(expr: Ast) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

pub fn text(text: &str) -> IdedExpr {
    node(Ast::Literal(LiteralValue::String(CelString::from(text.to_string()))))
}

pub fn null() -> IdedExpr {
    node(Ast::Literal(LiteralValue::Null))
}

pub fn list(elements: Vec<IdedExpr>) -> IdedExpr {
    node(Ast::List(ListExpr::new(elements)))
}

pub fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Ast::Call(CallExpr { func_name: name.to_string(), target: None, args }))
}

pub fn part(of: IdedExpr, field: &str) -> IdedExpr {
    node(Ast::Select(SelectExpr { operand: Box::new(of), field: field.to_string(), test: false }))
}

/// `a in [ids] || b in [ids]`.
pub fn any_among(fields: &[&str], ids: &[RecordId]) -> IdedExpr {
    let ids = || list(ids.iter().map(|id| text(&id.to_string())).collect());
    let parts = fields.iter().map(|field| call(operators::IN, vec![node(Ast::Ident(field.to_string())), ids()]));
    let never = || node(Ast::Literal(LiteralValue::Boolean(false.into())));
    parts.reduce(|left, right| call(operators::LOGICAL_OR, vec![left, right])).unwrap_or_else(never)
}
