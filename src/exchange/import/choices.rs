//! Select options that rows name and the field does not have: added once per file, where the actor may change fields.

use std::collections::HashMap;

use kith_model::FieldDef;
use serde_json::json;

use super::{link::Miss, plan::clip, session::Session};
use crate::map::words::fold;

/// Options one file may add to one field. More is a column of free text.
const NEW_MAX: usize = 50;

#[derive(Default)]
pub struct Choices {
    known: HashMap<(String, String), Result<String, Miss>>,
    added: HashMap<String, usize>,
}

impl Choices {
    /// The key of the option called `text`, made if it is missing.
    ///
    /// # Errors
    /// Why there is none. In a dry run a missing option is a notice.
    pub fn find(&mut self, session: &Session<'_>, field: &FieldDef, text: &str) -> Result<String, Miss> {
        let key = (field.key.clone(), fold(text));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.make(session, field, text);
        self.known.insert(key, found.clone());
        found
    }

    fn make(&mut self, session: &Session<'_>, field: &FieldDef, text: &str) -> Result<String, Miss> {
        let shown = clip(text);
        let missing = |why: &str| Miss::Notice(format!("'{}' has no option '{shown}'; {why}", field.label));
        let added = self.added.entry(field.key.clone()).or_default();
        if !session.options.create_links || !session.actor.is_admin() {
            return Err(missing("the cell was left out"));
        }
        if *added >= NEW_MAX || text.len() > 100 {
            return Err(missing("too many new ones, the cell was left out"));
        }
        *added += 1;
        if session.dry {
            return Err(missing("it will be added"));
        }
        let object = &session.plan.object.key;
        let schema = session.engine.schema();
        let options =
            schema.object(object).and_then(|o| o.field(&field.key)).map(|f| f.options.clone()).unwrap_or_default();
        let wanted = slug(text);
        let taken = |key: &str| options.iter().any(|o| o.key == key);
        let mut key = wanted.clone();
        let mut number = 2;
        while taken(&key) {
            key = format!("{wanted}_{number}");
            number += 1;
        }
        let mut patch = json!({"options": options});
        if let Some(list) = patch["options"].as_array_mut() {
            list.push(json!({"key": key, "label": label(text), "color": "gray"}));
        }
        match session.engine.update_field(session.actor, object, &field.key, patch) {
            Ok(_) => Ok(key),
            Err(error) => Err(missing(&format!("it could not be added: {error}"))),
        }
    }
}

fn slug(text: &str) -> String {
    let slug: String = fold(text).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(50).collect();
    let slug = slug.trim_matches('_').to_string();
    if slug.starts_with(|c: char| c.is_ascii_lowercase()) {
        slug
    } else {
        format!("option_{slug}").trim_end_matches('_').to_string()
    }
}

/// `COMPUTER_SOFTWARE` as a person would write it.
fn label(text: &str) -> String {
    let text = text.trim();
    if !text.contains('_') || text.chars().any(char::is_lowercase) {
        return text.to_string();
    }
    let words = text.replace('_', " ").to_lowercase();
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_keys_and_labels_are_made_readable() {
        assert_eq!(
            (slug("COMPUTER_SOFTWARE").as_str(), label("COMPUTER_SOFTWARE").as_str()),
            ("computer_software", "Computer software")
        );
        assert_eq!(
            (slug("Nuovo Cliente!").as_str(), label("Nuovo Cliente!").as_str()),
            ("nuovo_cliente", "Nuovo Cliente!")
        );
        assert_eq!(slug("合同"), "option");
    }
}
