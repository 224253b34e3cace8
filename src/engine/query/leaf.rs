//! Recognises conditions on one field that its column can answer as a whole. Anything it does not recognise is left to evaluation
//! per distinct value or per row, so a shape missing here costs time, never correctness.

use cel::{
    Value as Cel,
    common::ast::{Expr as Ast, IdedExpr, operators},
};

use super::items::Item;
use crate::image::slot::Slot;

/// A comparison, seen from the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    Contains,
    Starts,
    Ends,
}

/// What of the field a condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// in lower case
    Lower,
    /// major units of an amount of money
    Amount,
    Currency,
}

/// A condition on one field.
#[derive(Debug)]
pub enum Leaf {
    /// the field itself, a boolean
    Bare,
    Compare(Part, Compare, Cel),
    Text(Part, Within, String),
    /// the field's value is one of these
    OneOf(Part, Vec<Cel>),
    /// this is among the field's values
    Holds(Cel),
    /// some item of the field's list meets this
    Some(Item),
}

impl Leaf {
    /// `constant` evaluates a part without fields; none when it has one, or when it fails.
    pub fn of(slot: &Slot, ast: &IdedExpr, constant: &dyn Fn(&IdedExpr) -> Option<Cel>) -> Option<Leaf> {
        let call = match &ast.expr {
            Ast::Ident(_) => return Some(Leaf::Bare),
            Ast::Call(call) => call,
            Ast::Comprehension(_) => return Item::of(ast, &slot.def.key, constant).map(Leaf::Some),
            _ => return None,
        };
        match (&call.target, call.args.as_slice()) {
            (None, [left, right]) if call.func_name == operators::IN => {
                if let (Some(part), Some(Cel::List(list))) = (part(slot, left), constant(right)) {
                    return Some(Leaf::OneOf(part, list.to_vec()));
                }
                match part(slot, right) {
                    Some(Part::Whole) => constant(left).map(Leaf::Holds),
                    _ => None,
                }
            }
            (None, [left, right]) => {
                let compare = comparison(&call.func_name)?;
                if let Some(part) = part(slot, left) {
                    return Some(Leaf::Compare(part, compare, constant(right)?));
                }
                Some(Leaf::Compare(part(slot, right)?, compare.flipped(), constant(left)?))
            }
            (Some(target), [needle]) => {
                let within = Within::of(&call.func_name)?;
                match (part(slot, target)?, constant(needle)?) {
                    (part @ (Part::Whole | Part::Lower), Cel::String(text)) => {
                        Some(Leaf::Text(part, within, text.to_string()))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl Within {
    pub fn of(function: &str) -> Option<Within> {
        match function {
            "contains" => Some(Within::Contains),
            "startsWith" => Some(Within::Starts),
            "endsWith" => Some(Within::Ends),
            _ => None,
        }
    }

    pub fn holds(self, text: &str, needle: &str) -> bool {
        match self {
            Within::Contains => text.contains(needle),
            Within::Starts => text.starts_with(needle),
            Within::Ends => text.ends_with(needle),
        }
    }
}

impl Compare {
    fn flipped(self) -> Compare {
        match self {
            Compare::Less => Compare::Greater,
            Compare::LessOrEqual => Compare::GreaterOrEqual,
            Compare::Greater => Compare::Less,
            Compare::GreaterOrEqual => Compare::LessOrEqual,
            same => same,
        }
    }
}

fn comparison(name: &str) -> Option<Compare> {
    Some(match name {
        operators::EQUALS => Compare::Equal,
        operators::NOT_EQUALS => Compare::NotEqual,
        operators::LESS => Compare::Less,
        operators::LESS_EQUALS => Compare::LessOrEqual,
        operators::GREATER => Compare::Greater,
        operators::GREATER_EQUALS => Compare::GreaterOrEqual,
        _ => return None,
    })
}

/// Which part of the slot's field an expression is, if it is nothing else.
fn part(slot: &Slot, ast: &IdedExpr) -> Option<Part> {
    let is_field = |ast: &IdedExpr| matches!(&ast.expr, Ast::Ident(name) if *name == slot.def.key);
    match &ast.expr {
        Ast::Ident(_) if is_field(ast) => Some(Part::Whole),
        Ast::Select(select) if !select.test && is_field(&select.operand) => match select.field.as_str() {
            "amount" => Some(Part::Amount),
            "currency" => Some(Part::Currency),
            _ => None,
        },
        Ast::Call(call) if call.func_name == "lower" => match (&call.target, call.args.as_slice()) {
            (Some(target), []) if is_field(target) => Some(Part::Lower),
            (None, [target]) if is_field(target) => Some(Part::Lower),
            _ => None,
        },
        _ => None,
    }
}
