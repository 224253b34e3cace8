//! Filters of guests: `$1` stands for a value, own fields go by their short key. Text is put into CEL as a literal and never as code.

use std::fmt::Write;

use kith_model::ObjectDef;

use crate::{contract::Value, manifest::Manifest, values::long_key};

/// The filter with its values and the schema's keys in it.
///
/// # Errors
/// A `$n` without a value, or a value that has no literal.
pub fn bound(manifest: &Manifest, object: &ObjectDef, text: &str, params: &[Value]) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    let mut after_dot = false;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted(rest, first),
            '$' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number: usize = rest[1..=digits].parse().map_err(|_| "write $1, $2 … for values".to_string())?;
                let value = number.checked_sub(1).and_then(|at| params.get(at));
                let value = value
                    .ok_or_else(|| format!("the filter names ${number}, and there are {} values", params.len()))?;
                literal(value, &mut out)?;
                rest = &rest[1 + digits..];
                after_dot = false;
                continue;
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let word = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                if !after_dot {
                    out.push_str(&long_key(manifest, object, &rest[..word]));
                    rest = &rest[word..];
                    continue;
                }
                word
            }
            c if c.is_ascii_digit() => rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count(),
            c => c.len_utf8(),
        };
        out.push_str(&rest[..length]);
        after_dot = if first.is_whitespace() { after_dot } else { first == '.' };
        rest = &rest[length..];
    }
    Ok(out)
}

/// Bytes of the string literal at the beginning, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn literal(value: &Value, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(on) => drop(write!(out, "{on}")),
        Value::Integer(number) => drop(write!(out, "{number}")),
        Value::Decimal(text) => {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
            if !plain || text.parse::<f64>().is_err() {
                return Err(format!("'{text}' is no decimal number"));
            }
            out.push_str(text);
        }
        Value::Text(text) | Value::Ref(text) => string(text, out),
        Value::Date(text) => call("date", text, out),
        Value::Timestamp(text) => call("timestamp", text, out),
        Value::Refs(ids) => {
            out.push('[');
            for (at, id) in ids.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                string(id, out);
            }
            out.push(']');
        }
        Value::Json(_) | Value::Ext(_) => {
            return Err("JSON cannot stand in a filter; compare with one of its parts".into());
        }
    }
    Ok(())
}

fn call(function: &str, text: &str, out: &mut String) {
    out.push_str(function);
    out.push('(');
    string(text, out);
    out.push(')');
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use kith_engine::define::{field, object};
    use proptest::prelude::*;

    use super::*;

    fn bind(text: &str, params: &[Value]) -> Result<String, String> {
        let manifest = Manifest::parse(
            "[plugin]\nid = \"a\"\nversion = \"0.1.0\"\napi = \"0.1\"\nname = \"A\"\n[fields.people.score]\nlabel = \"S\"\nkind = \"integer\"\n",
        )
        .unwrap();
        let people = object(100, "people", "Person", "People")
            .field(1, field::text("email", "E-mail"))
            .field(1000, field::integer("a__score", "S"))
            .build();
        bound(&manifest, &people, text, params)
    }

    #[test]
    fn values_become_literals_and_own_fields_get_their_key() {
        let text = |t: &str| Value::Text(t.into());
        assert_eq!(
            bind("email == $1 && score > $2", &[text("x\"y"), Value::Integer(3)]).unwrap(),
            r#"email == "x\"y" && a__score > 3"#
        );
        assert_eq!(bind("email == \"score $1\"", &[]).unwrap(), "email == \"score $1\"");
        assert_eq!(bind("company.score == 1", &[]).unwrap(), "company.score == 1");
        assert_eq!(bind("due < $1", &[Value::Date("2026-03-01".into())]).unwrap(), "due < date(\"2026-03-01\")");
        assert!(bind("email == $2", &[text("a")]).unwrap_err().contains("$2"));
        assert!(bind("email == $", &[text("a")]).is_err());
        assert!(bind("n == $1", &[Value::Decimal("1 || true".into())]).is_err());
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_quotes(text in "\\PC*") {
            let bound = bind("email == $1", &[Value::Text(text)]).unwrap();
            let start = "email == ".len();
            prop_assert_eq!(start + quoted(&bound[start..], '"'), bound.len());
        }

        #[test]
        fn nothing_panics(filter in "\\PC*") {
            drop(bind(&filter, &[Value::Null]));
        }
    }
}
