//! Computed fields: evaluated when a record enters the image, in an order in which each finds what it needs. Never stored. Time
//! in them is the record's own last change, so that evaluating again gives the same.

use std::{collections::HashMap, sync::Arc};

use cel::common::ast::{Expr as Ast, IdedExpr, LiteralValue};
use kith_base::RecordId;
use kith_model::{
    FieldDef, ObjectDef, Schema, Value,
    expr::{EvalContext, Expr},
};

use super::slot::effective;
use crate::Record;

/// One computed field, with the kind of its result.
struct Formula {
    def: FieldDef,
    expr: Expr,
    /// Evaluated without the interpreter where it can be, since opening a vault evaluates it once per record.
    joined: Option<Joined>,
}

/// `join([a, b], " ")` over fields of text, the usual name of a record; also as the first choice of `coalesce`.
struct Joined {
    fields: Vec<u32>,
    between: String,
    /// Where they are all empty, something else takes their place.
    or_else: bool,
}

/// The computed fields of one object, and what they read.
pub struct Formulas {
    fields: HashMap<String, FieldDef>,
    ordered: Vec<Formula>,
}

#[derive(Default)]
pub struct Computed {
    objects: HashMap<u32, Arc<Formulas>>,
}

impl Computed {
    pub fn new(schema: &Schema) -> Computed {
        let objects = schema.objects().iter().filter_map(|o| Some((o.id, Arc::new(Formulas::new(o)?)))).collect();
        Computed { objects }
    }

    pub fn of(&self, object: u32) -> Option<&Arc<Formulas>> {
        self.objects.get(&object)
    }
}

impl Formulas {
    /// None when the object computes nothing.
    fn new(object: &Arc<ObjectDef>) -> Option<Formulas> {
        let mut waiting: Vec<Formula> = object.fields.iter().filter_map(|field| formula(object, field)).collect();
        if waiting.is_empty() {
            return None;
        }
        let mut ordered: Vec<Formula> = Vec::new();
        // A definition with a cycle does not enter a schema; should one be here, its fields come last, in listed order.
        while !waiting.is_empty() {
            let ready = waiting
                .iter()
                .position(|f| f.expr.references().iter().all(|key| !waiting.iter().any(|w| w.def.key == **key)))
                .unwrap_or(0);
            ordered.push(waiting.remove(ready));
        }
        let fields = object.fields.iter().map(|f| (f.key.clone(), effective(f.clone()))).collect();
        Some(Formulas { fields, ordered })
    }

    /// True when both compute the same fields in the same way.
    pub fn same_as(&self, other: &Formulas) -> bool {
        let list = |f: &Formulas| -> Vec<(u32, Option<String>, String)> {
            f.ordered.iter().map(|f| (f.def.id, f.def.expression.clone(), f.def.kind.clone())).collect()
        };
        list(self) == list(other)
    }

    /// Sets the computed fields of a record. One that fails is null.
    pub fn evaluate(&self, record: &mut Record) {
        let context = EvalContext { now_ms: record.updated_at, time_zone: "UTC".into(), me: None };
        for formula in &self.ordered {
            if let Some(joined) = &formula.joined
                && let Some(text) = join(record, joined)
            {
                record.values.set(formula.def.id, text);
                continue;
            }
            let lookup = |key: &str| value_of(record, key, |key| self.fields.get(key));
            let value = match formula.expr.evaluate(&lookup, &context) {
                Ok(found) => formula.def.kind().from_cel(&formula.def, &found).unwrap_or_default(),
                Err(_) => Value::Null,
            };
            record.values.set(formula.def.id, value);
        }
    }
}

fn formula(object: &ObjectDef, field: &FieldDef) -> Option<Formula> {
    let text = field.expression.as_deref()?;
    match Expr::parse(text).and_then(|e| e.resolve(object)) {
        Ok(expr) => {
            let def = effective(field.clone());
            let joined = joined(object, &def, expr.ast());
            Some(Formula { def, expr, joined })
        }
        Err(error) => {
            tracing::warn!(object = %object.key, field = %field.key, %error, "a computed field cannot be understood and stays empty");
            None
        }
    }
}

/// The parts of `join([a, b], " ")` where all of them are fields of text and so is the result.
fn joined(object: &ObjectDef, def: &FieldDef, ast: &IdedExpr) -> Option<Joined> {
    let Ast::Call(call) = &ast.expr else { return None };
    if call.target.is_some() || def.kind != "text" {
        return None;
    }
    if call.func_name == "coalesce" {
        let first = joined(object, def, call.args.first()?)?;
        return Some(Joined { or_else: true, ..first });
    }
    let [list, between] = call.args.as_slice() else { return None };
    let (Ast::List(list), Ast::Literal(LiteralValue::String(between))) = (&list.expr, &between.expr) else {
        return None;
    };
    if call.func_name != "join" {
        return None;
    }
    let id = |item: &IdedExpr| match &item.expr {
        Ast::Ident(name) => {
            let field = object.field(name)?;
            (field.kind == "text" && !field.many).then_some(field.id)
        }
        _ => None,
    };
    let fields: Option<Vec<u32>> = list.elements.iter().map(id).collect();
    Some(Joined { fields: fields?, between: between.inner().to_string(), or_else: false })
}

/// As the function `join` followed by reading a text. None: the interpreter decides, because something else than text is in a field or
/// something else takes the place of nothing.
fn join(record: &Record, joined: &Joined) -> Option<Value> {
    let mut whole = String::new();
    for field in &joined.fields {
        match record.values.get(*field) {
            Value::Null => {}
            Value::Text(text) if text.trim().is_empty() => {}
            Value::Text(text) => {
                if !whole.is_empty() {
                    whole.push_str(&joined.between);
                }
                whole.push_str(text);
            }
            _ => return None,
        }
    }
    let whole = whole.trim();
    match whole.is_empty() {
        false => Some(Value::Text(whole.to_string())),
        true if joined.or_else => None,
        true => Some(Value::Null),
    }
}

/// What an expression sees under a name: a field's value, or what every record has. Null for names that are nothing.
pub fn value_of<'a>(record: &Record, key: &str, field: impl FnOnce(&str) -> Option<&'a FieldDef>) -> cel::Value {
    let link = |id: RecordId| cel::Value::String(Arc::new(id.to_string()));
    let time = |ms: i64| datetime().kind().to_cel(datetime(), &Value::DateTime(ms));
    match key {
        "id" => link(record.id),
        "version" => cel::Value::Int(record.version as i64),
        "created_by" => link(record.created_by),
        "updated_by" => link(record.updated_by),
        "created_at" => time(record.created_at),
        "updated_at" => time(record.updated_at),
        key => match field(key) {
            Some(def) => def.kind().to_cel(def, record.values.get(def.id)),
            None => cel::Value::Null,
        },
    }
}

/// A stand-in for the fields that every record has.
fn datetime() -> &'static FieldDef {
    static FIELD: std::sync::LazyLock<FieldDef> =
        std::sync::LazyLock::new(|| FieldDef { kind: "datetime".into(), ..FieldDef::default() });
    &FIELD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::define::{field, object};

    #[test]
    fn a_name_is_the_same_with_and_without_the_interpreter() {
        let def = object(100, "people", "Person", "People")
            .field(1, field::text("first_name", "First name"))
            .field(2, field::text("last_name", "Last name"))
            .field(3, field::text("nick", "Nickname"))
            .field(4, field::computed("plain", "Plain", r#"join([first_name, last_name], " ")"#))
            .field(5, field::computed("name", "Name", r#"coalesce(join([first_name, last_name], " "), nick)"#))
            .build();
        let short = Formulas::new(&Arc::new(def.clone())).unwrap();
        assert!(short.ordered.iter().all(|formula| formula.joined.is_some()));
        let mut long = Formulas::new(&Arc::new(def)).unwrap();
        long.ordered.iter_mut().for_each(|formula| formula.joined = None);
        let text = |text: &str| if text.is_empty() { Value::Null } else { Value::Text(text.into()) };
        let mut seen = Vec::new();
        for (first, last, nick) in [("Zoë", "O'Hara", "Z"), ("", "Holm", ""), ("", "", "Z"), ("", "", "")] {
            let values = [(1, text(first)), (2, text(last)), (3, text(nick))].into_iter().collect();
            let id = RecordId::new(1, [1; 10]);
            let mut one = Record {
                id,
                object: 100,
                version: 1,
                seq: 1,
                created_at: 0,
                updated_at: 0,
                created_by: id,
                updated_by: id,
                trashed: false,
                values,
            };
            let mut other = one.clone();
            short.evaluate(&mut one);
            long.evaluate(&mut other);
            assert_eq!(one, other, "{first} {last} {nick}");
            seen.push(one.values.get(5).clone());
        }
        assert_eq!(seen, [text("Zoë O'Hara"), text("Holm"), text("Z"), Value::Null]);
    }
}
