//! Filters: CEL as a client sends it, parsed, resolved and evaluated.

#![no_main]

use kith_model::{FieldDef, ObjectDef, expr::{EvalContext, Expr}};
use libfuzzer_sys::fuzz_target;

fn object() -> ObjectDef {
    let field = |id, key: &str, kind: &str| FieldDef { id, key: key.into(), label: key.into(), kind: kind.into(), ..FieldDef::default() };
    let fields = vec![field(1, "name", "text"), field(2, "amount", "money"), field(3, "due", "date"), field(4, "tags", "tags")];
    ObjectDef { key: "things".into(), fields, ..ObjectDef::default() }
}

fuzz_target!(|text: &str| {
    let context = EvalContext { now_ms: 1_772_407_800_000, time_zone: "UTC".into(), me: None };
    if let Ok(expr) = Expr::parse(text).and_then(|expr| expr.resolve(&object())) {
        let _ = expr.evaluate(&|_| kith_model::kinds::fallback().to_cel(&FieldDef::default(), &kith_model::Value::Null), &context);
    }
});
