//! Conditions on the items of a list of texts (e-mails, phones, tags): `emails.exists(e, e.contains("@acme"))`, `"a" in tags`. The
//! bytes of all lists are searched at once; only lists in which the text occurs are looked into.

use cel::{
    Value as Cel,
    common::ast::{Expr as Ast, IdedExpr, LiteralValue, operators},
};
use kith_model::{FieldDef, Labelled, Value};

use super::leaf::{Part, Within};
use crate::image::{
    Bits,
    codes::Codes,
    coding::{Coding, decode, encoded},
    dictionary::Dictionary,
};

/// A test that one item must meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Is(String),
    Has(Part, Within, String),
}

impl Item {
    /// The test in `field.exists(v, test)`, where it is one of those known here.
    pub fn of(ast: &IdedExpr, field: &str, constant: &dyn Fn(&IdedExpr) -> Option<Cel>) -> Option<Item> {
        let Ast::Comprehension(each) = &ast.expr else { return None };
        let is = |ast: &IdedExpr, name: &str| matches!(&ast.expr, Ast::Ident(found) if found == name);
        let starts_false = matches!(&each.accu_init.expr, Ast::Literal(LiteralValue::Boolean(b)) if !*b.inner());
        let Ast::Call(step) = &each.loop_step.expr else { return None };
        let [so_far, test] = step.args.as_slice() else { return None };
        let exists = starts_false
            && each.iter_var2.is_none()
            && is(&each.iter_range, field)
            && is(&each.result, &each.accu_var)
            && step.func_name == operators::LOGICAL_OR
            && is(so_far, &each.accu_var);
        let Ast::Call(test) = &test.expr else { return None };
        if !exists || each.iter_var == field {
            return None;
        }
        let item = each.iter_var.as_str();
        let text = |ast: &IdedExpr| match constant(ast) {
            // A constant that names the item is none.
            Some(Cel::String(text)) if !names(ast, item) => Some(text.to_string()),
            _ => None,
        };
        match (&test.target, test.args.as_slice()) {
            (None, [a, b]) if test.func_name == operators::EQUALS && is(a, item) => text(b).map(Item::Is),
            (Some(target), [needle]) => {
                let within = Within::of(&test.func_name)?;
                let part = match &target.expr {
                    _ if is(target, item) => Part::Whole,
                    Ast::Call(call) if call.func_name == "lower" && call.args.is_empty() => {
                        call.target.as_ref().filter(|t| is(t, item)).map(|_| Part::Lower)?
                    }
                    _ => return None,
                };
                text(needle).map(|needle| Item::Has(part, within, needle))
            }
            _ => None,
        }
    }

    fn holds(&self, item: &str) -> bool {
        match self {
            Item::Is(text) => item == text,
            Item::Has(Part::Lower, within, needle) => within.holds(&item.to_lowercase(), needle),
            Item::Has(_, within, needle) => within.holds(item, needle),
        }
    }

    /// Rows of which some item meets the test. None: expressions see the field otherwise than as its texts.
    pub fn scan(&self, def: &FieldDef, codes: &Codes, words: &Dictionary) -> Option<Bits> {
        if !plain_lists(def) {
            return None;
        }
        let candidates = match self {
            Item::Is(needle) | Item::Has(Part::Whole, _, needle) => words.containing(needle.as_bytes()),
            Item::Has(_, _, needle) => {
                let mut found = words.containing_lowercase(needle);
                found.or(&words.matching(|bytes| !bytes.is_ascii()));
                found
            }
        };
        let labelled = tag(&Value::Labelled(Vec::new()));
        let mut hits = Bits::zeros(words.len() as usize + 1);
        for code in candidates.iter().filter(|code| *code > 0) {
            let bytes = words.get(code);
            let holds = match borrowed(bytes, labelled) {
                Some(list) => list.iter().any(|(value, _)| self.holds(value)),
                None => match decode(Coding::Any, bytes) {
                    Value::Texts(list) => list.iter().any(|text| self.holds(text)),
                    // Not a list: the condition is an error there, which this way of answering cannot tell.
                    _ => return None,
                },
            };
            hits.set(code as usize, holds);
        }
        Some(if hits.none() { Bits::zeros(codes.len()) } else { codes.within(&hits) })
    }
}

/// The first byte of the encoded form, which tells the case.
fn tag(value: &Value) -> Option<u8> {
    encoded(Coding::Any, value, &mut Vec::new()).and_then(|bytes| bytes.first().copied())
}

/// Values and labels without copying them, if the bytes are a list of labelled values.
fn borrowed(bytes: &[u8], labelled: Option<u8>) -> Option<Vec<(&str, &str)>> {
    let (first, list) = bytes.split_first()?;
    (Some(*first) == labelled).then(|| postcard::from_bytes(list).ok()).flatten()
}

fn names(ast: &IdedExpr, name: &str) -> bool {
    match &ast.expr {
        Ast::Ident(found) => found == name,
        Ast::Literal(_) => false,
        // Whatever else may hide the name is not worth looking through.
        _ => true,
    }
}

/// Whether expressions see lists of this field as lists of their texts.
fn plain_lists(def: &FieldDef) -> bool {
    let plain = |value: Value| match def.kind().to_cel(def, &value) {
        Cel::List(list) => matches!(list.as_slice(), [Cel::String(text)] if text.as_str() == "Aß"),
        _ => false,
    };
    let labelled = Labelled { value: "Aß".into(), label: "work".into() };
    plain(Value::Labelled(vec![labelled])) || plain(Value::Texts(vec!["Aß".into()]))
}
