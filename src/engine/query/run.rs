//! Runs a plan over a table. Rows that can no longer matter are not evaluated one by one. Refuses nothing: a condition that makes
//! no sense for a row is an error of that row, which is therefore not selected.

use std::cell::RefCell;

use cel::{Value as Cel, common::ast::IdedExpr};
use kith_model::expr::{self, EvalContext, Expr};

use super::{leaf::Leaf, plan::Plan, scan::scan, truth::Truth};
use crate::image::{
    Bits,
    coding::decode,
    column::Column,
    slot::Slot,
    table::{ID, Table},
};

/// Rows of `domain` for which the filter is true.
pub fn select(table: &Table, filter: &Expr, domain: &Bits, context: &EvalContext) -> Bits {
    let plan = Plan::of(table, filter.ast());
    let mut yes = Runner { table, context }.truth(&plan, domain).yes;
    yes.grow(table.len());
    yes.and(domain);
    yes
}

struct Runner<'a> {
    table: &'a Table,
    context: &'a EvalContext,
}

impl Runner<'_> {
    /// The outcome for all rows of `domain`; for others it may be anything.
    fn truth(&self, plan: &Plan<'_>, domain: &Bits) -> Truth {
        let rows = self.table.len();
        match plan {
            Plan::Not(inner) => self.truth(inner, domain).not(),
            Plan::And(parts) => self.chain(parts, domain, true),
            Plan::Or(parts) => self.chain(parts, domain, false),
            Plan::Constant(ast) => Truth::all(rows, self.outcome(ast, &|_| Cel::Null)),
            Plan::One(slot, ast) => self.one(*slot, ast, domain),
            Plan::Rows(ast) => self.row_by_row(ast, domain),
        }
    }

    fn chain(&self, parts: &[Plan<'_>], domain: &Bits, and: bool) -> Truth {
        let mut total = Truth::all(self.table.len(), Some(and));
        let mut open = domain.clone();
        for part in parts {
            let next = self.truth(part, &open);
            total = if and { total.and(&next) } else { total.or(&next) };
            // What is false in a conjunction, or true in a disjunction, is decided.
            open.and_not(if and { &total.no } else { &total.yes });
            if open.none() {
                break;
            }
        }
        total
    }

    fn one(&self, at: usize, ast: &IdedExpr, domain: &Bits) -> Truth {
        let slot = &self.table.slots[at];
        if at == ID {
            return self.on_id(slot, ast, domain);
        }
        let absent = || self.outcome(ast, &|_| Cel::Null);
        let constant = |part: &IdedExpr| self.constant(slot, part);
        if let Some(yes) = Leaf::of(slot, ast, &constant).and_then(|leaf| scan(slot, &leaf)) {
            return Truth::of_present(yes, &slot.column.present(self.table.len()), absent());
        }
        match &slot.column {
            Column::Coded { words, .. } if words.len() as usize <= domain.count() * 2 => {
                self.code_by_code(slot, ast, absent())
            }
            _ => self.row_by_row(ast, domain),
        }
    }

    /// `id == "…"` is a look-up; anything else on ids goes row by row, since ids are in no column.
    fn on_id(&self, slot: &Slot, ast: &IdedExpr, domain: &Bits) -> Truth {
        use super::leaf::{Compare, Part};
        let constant = |part: &IdedExpr| self.constant(slot, part);
        let wanted = match Leaf::of(slot, ast, &constant) {
            Some(Leaf::Compare(Part::Whole, Compare::Equal, id @ Cel::String(_))) => vec![id],
            Some(Leaf::OneOf(Part::Whole, list)) => list,
            _ => return self.row_by_row(ast, domain),
        };
        let mut yes = Bits::zeros(self.table.len());
        for id in &wanted {
            let Cel::String(text) = id else { continue };
            let row = text.parse().ok().and_then(|id: kith_base::RecordId| self.table.row(id));
            if let Some(row) = row.filter(|row| self.table.ids[*row as usize].to_string() == text.as_str()) {
                yes.set(row as usize, true);
            }
        }
        let no = yes.clone().flip();
        Truth { yes, no }
    }

    /// The value of a part that names no field of the table.
    fn constant(&self, slot: &Slot, part: &IdedExpr) -> Option<Cel> {
        let touched = RefCell::new(false);
        let value = expr::evaluate(
            part,
            &|name| {
                if name == slot.def.key {
                    *touched.borrow_mut() = true;
                }
                Cel::Null
            },
            self.context,
        );
        // A part may name the field and still not touch it (`true || x`); then it is constant all the same.
        if touched.into_inner() { None } else { value.ok() }
    }

    /// Evaluates once per distinct value of the field.
    fn code_by_code(&self, slot: &Slot, ast: &IdedExpr, absent: Option<bool>) -> Truth {
        let Column::Coded { coding, codes, words, .. } = &slot.column else {
            return Truth::all(self.table.len(), None);
        };
        let mut yes = Bits::zeros(words.len() as usize + 1);
        let mut no = Bits::zeros(words.len() as usize + 1);
        for code in 1..=words.len() {
            let value = decode(*coding, words.get(code));
            let outcome = self.outcome(ast, &|_| slot.def.kind().to_cel(&slot.def, &value));
            yes.set(code as usize, outcome == Some(true));
            no.set(code as usize, outcome == Some(false));
        }
        let mut truth = Truth { yes: codes.within(&yes), no: codes.within(&no) };
        let nulls = slot.column.present(self.table.len()).flip();
        match absent {
            Some(true) => {
                truth.yes.or(&nulls);
            }
            Some(false) => {
                truth.no.or(&nulls);
            }
            None => {}
        }
        truth
    }

    fn row_by_row(&self, ast: &IdedExpr, domain: &Bits) -> Truth {
        let mut truth = Truth::all(self.table.len(), None);
        for row in domain.iter() {
            match self.outcome(ast, &|name| value_at(self.table, row, name)) {
                Some(true) => truth.yes.set(row as usize, true),
                Some(false) => truth.no.set(row as usize, true),
                None => {}
            }
        }
        truth
    }

    fn outcome(&self, ast: &IdedExpr, values: &dyn Fn(&str) -> Cel) -> Option<bool> {
        match expr::evaluate(ast, values, self.context) {
            Ok(Cel::Bool(outcome)) => Some(outcome),
            _ => None,
        }
    }
}

/// What an expression sees under a name in a row.
pub fn value_at(table: &Table, row: u32, name: &str) -> Cel {
    match table.slot_at(name) {
        Some(ID) => Cel::String(std::sync::Arc::new(table.ids[row as usize].to_string())),
        Some(at) => {
            let slot = &table.slots[at];
            slot.def.kind().to_cel(&slot.def, &slot.column.get(row))
        }
        None => Cel::Null,
    }
}
