//! Turns a filter into steps over columns. `&&`, `||` and `!` become bitset operations; under them stand conditions on one
//! field, which columns answer, and whatever is left, which is evaluated row by row.

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr, operators};

use crate::image::table::Table;

#[derive(Debug)]
pub enum Plan<'a> {
    Not(Box<Plan<'a>>),
    And(Vec<Plan<'a>>),
    Or(Vec<Plan<'a>>),
    /// No field in it: one outcome for all rows.
    Constant(&'a IdedExpr),
    /// Exactly one field in it: its place in the table.
    One(usize, &'a IdedExpr),
    /// Several fields, or none that the table knows.
    Rows(&'a IdedExpr),
}

impl<'a> Plan<'a> {
    pub fn of(table: &Table, ast: &'a IdedExpr) -> Plan<'a> {
        if let Ast::Call(call) = &ast.expr
            && call.target.is_none()
        {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_NOT, [inner]) => return Plan::Not(Box::new(Plan::of(table, inner))),
                (name @ (operators::LOGICAL_AND | operators::LOGICAL_OR), [_, _]) => {
                    let mut parts = Vec::new();
                    flatten(call, name, &mut parts);
                    let mut parts: Vec<Plan> = parts.into_iter().map(|part| Plan::of(table, part)).collect();
                    // Columns first: what they rule out need not be evaluated row by row.
                    parts.sort_by_key(Plan::cost);
                    return if name == operators::LOGICAL_AND { Plan::And(parts) } else { Plan::Or(parts) };
                }
                _ => {}
            }
        }
        let mut fields = Vec::new();
        slots_in(table, ast, &mut fields);
        match fields.as_slice() {
            [] => Plan::Constant(ast),
            [slot] => Plan::One(*slot, ast),
            _ => Plan::Rows(ast),
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Plan::Constant(_) => 0,
            Plan::One(..) => 1,
            Plan::Not(inner) => inner.cost(),
            Plan::And(parts) | Plan::Or(parts) => parts.iter().map(Plan::cost).max().unwrap_or(0),
            Plan::Rows(_) => 3,
        }
    }
}

/// The operands of a chain `a && b && c`, however it is nested.
fn flatten<'a>(call: &'a CallExpr, name: &str, parts: &mut Vec<&'a IdedExpr>) {
    for arg in &call.args {
        match &arg.expr {
            Ast::Call(inner) if inner.func_name == name && inner.args.len() == 2 && inner.target.is_none() => {
                flatten(inner, name, parts);
            }
            _ => parts.push(arg),
        }
    }
}

/// Places of the fields that an expression names, each once. A loop variable with a field's name counts as the field, which
/// only makes the plan more careful.
fn slots_in(table: &Table, ast: &IdedExpr, found: &mut Vec<usize>) {
    match &ast.expr {
        Ast::Ident(name) => {
            if let Some(slot) = table.slot_at(name)
                && !found.contains(&slot)
            {
                found.push(slot);
            }
        }
        other => each_child(other, &mut |child| slots_in(table, child, found)),
    }
}

fn each_child(expr: &Ast, visit: &mut dyn FnMut(&IdedExpr)) {
    use cel::common::ast::EntryExpr;
    match expr {
        Ast::Call(call) => {
            call.target.iter().for_each(|t| visit(t));
            call.args.iter().for_each(visit);
        }
        Ast::Comprehension(loops) => {
            for part in [&loops.iter_range, &loops.accu_init, &loops.loop_cond, &loops.loop_step, &loops.result] {
                visit(part);
            }
        }
        Ast::List(list) => list.elements.iter().for_each(visit),
        Ast::Map(map) => map.entries.iter().for_each(|e| entry(&e.expr, visit)),
        Ast::Struct(made) => made.entries.iter().for_each(|e| entry(&e.expr, visit)),
        Ast::Select(select) => visit(&select.operand),
        Ast::Unspecified | Ast::Ident(_) | Ast::Literal(_) => {}
    }

    fn entry(entry: &EntryExpr, visit: &mut dyn FnMut(&IdedExpr)) {
        match entry {
            EntryExpr::StructField(field) => visit(&field.value),
            EntryExpr::MapEntry(pair) => {
                visit(&pair.key);
                visit(&pair.value);
            }
        }
    }
}
