//! The names and functions in a tree. Loop variables are no names of the record.

use cel::common::ast::{EntryExpr, Expr as Ast, IdedExpr};

use super::functions::{DATE_MOMENT, TODAY_MOMENT};

#[derive(Default)]
pub struct Names<'a> {
    /// Each once, in order of appearance.
    pub names: Vec<&'a str>,
    /// Whether it asks for the time: `now()`, `today()`, `years_since(…)`, or a day beside a moment.
    pub timed: bool,
}

pub fn of(ast: &IdedExpr) -> Names<'_> {
    let mut found = Names::default();
    visit(ast, &mut Vec::new(), &mut found);
    found
}

fn visit<'a>(ast: &'a IdedExpr, bound: &mut Vec<&'a str>, found: &mut Names<'a>) {
    match &ast.expr {
        Ast::Ident(name) => {
            let name = name.as_str();
            if !bound.contains(&name) && !name.starts_with('@') && !found.names.contains(&name) {
                found.names.push(name);
            }
        }
        Ast::Select(select) => visit(&select.operand, bound, found),
        Ast::Call(call) => {
            found.timed |=
                matches!(call.func_name.as_str(), "now" | "today" | TODAY_MOMENT | DATE_MOMENT | "years_since");
            if let Some(target) = &call.target {
                visit(target, bound, found);
            }
            call.args.iter().for_each(|arg| visit(arg, bound, found));
        }
        Ast::Comprehension(each) => {
            visit(&each.iter_range, bound, found);
            visit(&each.accu_init, bound, found);
            let before = bound.len();
            bound.push(&each.iter_var);
            bound.push(&each.accu_var);
            bound.extend(each.iter_var2.as_deref());
            for part in [&each.loop_cond, &each.loop_step, &each.result] {
                visit(part, bound, found);
            }
            bound.truncate(before);
        }
        Ast::List(list) => list.elements.iter().for_each(|item| visit(item, bound, found)),
        Ast::Map(map) => map.entries.iter().for_each(|entry| visit_entry(&entry.expr, bound, found)),
        Ast::Struct(made) => made.entries.iter().for_each(|entry| visit_entry(&entry.expr, bound, found)),
        Ast::Literal(_) | Ast::Unspecified => {}
    }
}

fn visit_entry<'a>(entry: &'a EntryExpr, bound: &mut Vec<&'a str>, found: &mut Names<'a>) {
    match entry {
        EntryExpr::MapEntry(pair) => {
            visit(&pair.key, bound, found);
            visit(&pair.value, bound, found);
        }
        EntryExpr::StructField(field) => visit(&field.value, bound, found),
    }
}
