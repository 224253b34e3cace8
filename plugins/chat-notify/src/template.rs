//! `{field}` in texts. Pure.

use kith_plugin::{Record, Value, serde_json::Value as Json};

/// Fills in the fields of a record. Names that it does not have become nothing; a brace without its partner stays.
pub fn fill(template: &str, record: &Record, company: Option<&str>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        match name.trim() {
            "company_name" => text.push_str(company.unwrap_or_default()),
            name => text.push_str(&shown(record.get(name))),
        }
        rest = behind;
    }
    text + rest
}

/// Money as `1250.50 EUR`, lists with commas.
fn shown(value: &Value) -> String {
    match value.to_json() {
        Json::Null => String::new(),
        Json::String(text) => text,
        Json::Object(parts) => {
            let part = |name: &str| parts.get(name).and_then(Json::as_str).unwrap_or_default();
            format!("{} {}", part("amount"), part("currency")).trim().to_string()
        }
        Json::Array(_) => value.texts().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_plugin::{Money, fields};

    #[test]
    fn fields_are_filled_in_and_odd_braces_stay() {
        let fields = fields! { "name" => "Café {x}", "amount" => Money::new("12.50", "EUR"), "done" => false };
        let deal = Record { object: "deals".into(), id: "1".into(), version: 1, fields };
        assert_eq!(
            fill("{name}: { amount } {done} {none}|{company_name}", &deal, Some("ACME")),
            "Café {x}: 12.50 EUR false |ACME"
        );
        assert_eq!(fill("a { b", &deal, None), "a { b");
        assert_eq!(fill("", &deal, None), "");
    }
}
