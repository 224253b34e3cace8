//! Bodies: values of every kind of field as JSON and as text.

#![no_main]

use kith_model::{FieldDef, ReadContext, SelectOption, kinds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let context = ReadContext { decimal_comma: text.len() % 2 == 0, day_first: text.len() % 3 == 0, ..ReadContext::default() };
    let json = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_string()));
    for kind in kinds::ALL {
        for many in [false, true] {
            let options = vec![SelectOption { key: "a".into(), label: "A".into(), ..SelectOption::default() }];
            let field = FieldDef { key: "x".into(), kind: kind.key().into(), many, options, ..FieldDef::default() };
            for value in [kind.read(&field, &context, &json), kind.read_text(&field, &context, text)].into_iter().flatten() {
                let _ = (kind.to_json(&field, &value), kind.to_text(&field, &value), kind.to_cel(&field, &value));
            }
        }
    }
});
