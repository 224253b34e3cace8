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
    /// `join([a, b], " ")` over fields of text, the usual name of a record: their ids and what stands between them. Evaluated
    /// without the interpreter, since opening a vault evaluates it once per record.
    joined: Option<(Vec<u32>, String)>,
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
            if let Some((fields, between)) = &formula.joined
                && let Some(text) = join(record, fields, between)
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
fn joined(object: &ObjectDef, def: &FieldDef, ast: &IdedExpr) -> Option<(Vec<u32>, String)> {
    let Ast::Call(call) = &ast.expr else { return None };
    let [list, between] = call.args.as_slice() else { return None };
    let (Ast::List(list), Ast::Literal(LiteralValue::String(between))) = (&list.expr, &between.expr) else {
        return None;
    };
    if call.func_name != "join" || call.target.is_some() || def.kind != "text" {
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
    Some((fields?, between.inner().to_string()))
}

/// As the function `join` followed by reading a text. None: something else than text is in a field, so the interpreter decides.
fn join(record: &Record, fields: &[u32], between: &str) -> Option<Value> {
    let mut whole = String::new();
    for field in fields {
        match record.values.get(*field) {
            Value::Null => {}
            Value::Text(text) if text.trim().is_empty() => {}
            Value::Text(text) => {
                if !whole.is_empty() {
                    whole.push_str(between);
                }
                whole.push_str(text);
            }
            _ => return None,
        }
    }
    let whole = whole.trim();
    Some(if whole.is_empty() { Value::Null } else { Value::Text(whole.to_string()) })
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
