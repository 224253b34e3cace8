//! The rules: read from the settings, pure.

use kith_plugin::{Record, Value};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Settings {
    pub hot: i64,
    pub rules: Vec<Rule>,
}

#[derive(Deserialize)]
pub struct Rule {
    pub field: String,
    pub test: Test,
    #[serde(default)]
    pub value: String,
    pub points: i64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    Filled,
    Empty,
    Is,
    Contains,
    AtLeast,
}

impl Settings {
    pub fn score(&self, person: &Record) -> i64 {
        self.rules.iter().filter(|rule| rule.fits(person)).fold(0, |sum, rule| sum.saturating_add(rule.points))
    }
}

impl Rule {
    /// Texts compare without regard to case; of several values one is enough.
    pub fn fits(&self, person: &Record) -> bool {
        let wanted = self.value.trim().to_lowercase();
        let texts = || texts(person.get(&self.field));
        match self.test {
            Test::Filled => is_filled(person.get(&self.field)),
            Test::Empty => !is_filled(person.get(&self.field)),
            Test::Is => texts().contains(&wanted),
            // An empty text is in every text, which nobody means.
            Test::Contains => !wanted.is_empty() && texts().iter().any(|text| text.contains(&wanted)),
            Test::AtLeast => {
                let least: Option<f64> = wanted.parse().ok();
                person.number(&self.field).zip(least).is_some_and(|(number, least)| number >= least)
            }
        }
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        Value::Refs(ids) => !ids.is_empty(),
        Value::Json(text) => !matches!(text.as_str(), "" | "null" | "[]" | "{}"),
        Value::Boolean(yes) => *yes,
        _ => true,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Boolean(yes) => vec![yes.to_string()],
        Value::Integer(number) => vec![number.to_string()],
        other => other.texts().iter().map(|text| text.to_lowercase()).collect(),
    }
}
