//! A plugin's texts in the language of whoever looks: labels of what it adds to the schema, of its panels, its settings and itself. Changes only what
//! still reads as the plugin wrote it: a label that an administrator changed stays.

use kith_engine::Actor;
use serde_json::{Map, Value as Json};

use crate::{
    asking::Asker,
    manifest::{Field, Manifest},
    plugins::Plugins,
};

/// By language tag, then by what they stand for: `actions.lookup.label`.
pub type Texts = Map<String, Json>;

/// The language in which a manifest is written.
const MANIFESTS: &str = "en";

/// Languages one request may name; the rest is not looked at.
const LANGUAGES_MAX: usize = 10;

/// What a plugin brings for the first of these languages that it knows; none: the manifest's own words.
pub(crate) fn chosen<'a>(texts: &'a Texts, languages: &[String]) -> Option<&'a Map<String, Json>> {
    for tag in languages.iter().take(LANGUAGES_MAX) {
        let base = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        if let Some(found) = texts.get(tag).or_else(|| texts.get(&base)) {
            return found.as_object();
        }
        if base == MANIFESTS {
            return None;
        }
    }
    None
}

/// A manifest with what its words are in another language.
pub(crate) struct Translation<'a> {
    pub manifest: &'a Manifest,
    pub texts: &'a Map<String, Json>,
}

impl<'a> Translation<'a> {
    fn put(&self, shown: &mut Json, key: &str, written: &str) {
        if shown.as_str() == Some(written)
            && let Some(text) = self.texts.get(key)
        {
            *shown = text.clone();
        }
    }

    /// An object of the schema, as the API shows it.
    pub fn object(&self, shown: &mut Json) {
        let Some(key) = shown["key"].as_str().map(str::to_string) else { return };
        let own = self.manifest.objects.iter().find(|(own, _)| self.manifest.object_key(own) == key);
        if let Some((own, object)) = own {
            self.put(&mut shown["label"], &format!("objects.{own}.label"), &object.label);
            self.put(&mut shown["label_plural"], &format!("objects.{own}.label-plural"), &object.label_plural);
            for (name, field) in &object.fields {
                self.field(shown, &key, name, &format!("objects.{own}.fields.{name}"), field);
            }
        }
        for (name, field) in self.manifest.fields.get(&key).into_iter().flatten() {
            self.field(shown, &key, name, &format!("fields.{key}.{name}"), field);
        }
        for (name, action) in &self.manifest.actions {
            self.offer(&mut shown["actions"], name, &format!("actions.{name}"), &action.label, action.input.as_ref());
        }
        for (name, condition) in &self.manifest.conditions {
            let input = condition.input.as_ref();
            self.offer(&mut shown["conditions"], name, &format!("conditions.{name}"), &condition.label, input);
        }
    }

    fn field(&self, object: &mut Json, object_key: &str, name: &str, path: &str, field: &Field) {
        let key = self.manifest.own_field_key(object_key, name);
        let Some(shown) = find(&mut object["fields"], "key", &key) else { return };
        self.put(&mut shown["label"], &format!("{path}.label"), &field.label);
        self.put(&mut shown["help"], &format!("{path}.help"), &field.help);
        for option in field.options.iter().filter_map(Json::as_object) {
            let text = |part: &str| option.get(part).and_then(Json::as_str).unwrap_or_default();
            if let Some(shown) = find(&mut shown["options"], "key", text("key")) {
                self.put(&mut shown["label"], &format!("{path}.options.{}", text("key")), text("label"));
            }
        }
    }

    /// An action or a condition, with the titles of its input.
    fn offer(&self, list: &mut Json, name: &str, path: &str, label: &str, input: Option<&Json>) {
        let key = format!("{}{}", self.manifest.prefix(), name.replace('-', "_"));
        let Some(shown) = find(list, "name", &key) else { return };
        self.put(&mut shown["label"], &format!("{path}.label"), label);
        if let Some(input) = input {
            self.schema(&mut shown["input"], &format!("{path}.input"), input);
        }
    }

    /// Titles and descriptions of a JSON Schema.
    pub fn schema(&self, shown: &mut Json, path: &str, written: &Json) {
        for (name, property) in written["properties"].as_object().into_iter().flatten() {
            for part in ["title", "description"] {
                let text = property[part].as_str().unwrap_or_default();
                if !text.is_empty() {
                    self.put(&mut shown["properties"][name][part], &format!("{path}.{name}.{part}"), text);
                }
            }
        }
    }

    /// Name and description of the plugin itself.
    pub fn about(&self, shown: &mut Json) {
        let about = &self.manifest.plugin;
        self.put(&mut shown["name"], "plugin.name", &about.name);
        self.put(&mut shown["description"], "plugin.description", &about.description);
    }

    /// One text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.texts.get(key)?.as_str()
    }
}

fn find<'a>(list: &'a mut Json, by: &str, key: &str) -> Option<&'a mut Json> {
    list.as_array_mut()?.iter_mut().find(|item| item[by].as_str() == Some(key))
}

impl Plugins {
    /// Languages to show texts in, best first: those asked for, else the user's own.
    pub fn languages(&self, actor: &Actor, asked: &[String]) -> Vec<String> {
        Asker { actor: actor.clone(), languages: asked.to_vec() }.languages(&self.services)
    }

    /// Puts what plugins added to an object, as the API shows it, into one of these languages.
    pub fn translate(&self, object: &mut Json, languages: &[String]) {
        for plugin in self.loaded.all().iter() {
            if let Some(translation) = plugin.translation(languages) {
                translation.object(object);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANIFEST: &str = "[plugin]\nid = \"door-bell\"\nversion = \"0.1.0\"\napi = \"0.1\"\nname = \"Door bell\"\n\
        [objects.rings]\nlabel = \"Ring\"\nlabel-plural = \"Rings\"\ntitle = \"name\"\n\
        [objects.rings.fields.name]\nlabel = \"Name\"\nkind = \"text\"\n\
        [fields.people.tone]\nlabel = \"Tone\"\nkind = \"select\"\noptions = [{ key = \"low\", label = \"Low\" }]\n\
        [actions.ring-it]\nlabel = \"Ring\"\nobjects = [\"people\"]\n";

    fn texts() -> Texts {
        let texts = json!({ "it": {
            "objects.rings.label": "Squillo", "objects.rings.fields.name.label": "Nome",
            "fields.people.tone.label": "Tono", "fields.people.tone.options.low": "Basso",
            "actions.ring-it.label": "Suona",
        }});
        texts.as_object().unwrap().clone()
    }

    #[test]
    fn what_a_plugin_added_is_shown_in_the_language_and_what_was_changed_is_not() {
        let (manifest, texts) = (Manifest::parse(MANIFEST).unwrap(), texts());
        let translation =
            Translation { manifest: &manifest, texts: chosen(&texts, &["it-CH".into(), "en".into()]).unwrap() };
        let mut people = json!({
            "key": "people", "label": "Person",
            "fields": [
                { "key": "tone", "label": "Tone" },
                { "key": "door_bell__tone", "label": "Tone", "options": [{ "key": "low", "label": "Low" }] },
            ],
            "actions": [{ "name": "door_bell__ring_it", "label": "Ring" }],
        });
        translation.object(&mut people);
        assert_eq!(people["fields"][0]["label"], "Tone", "somebody else's field of that name");
        assert_eq!(people["fields"][1]["label"], "Tono");
        assert_eq!(people["fields"][1]["options"][0]["label"], "Basso");
        assert_eq!((&people["label"], &people["actions"][0]["label"]), (&json!("Person"), &json!("Suona")));
        let mut rings =
            json!({ "key": "door_bell__rings", "label": "Chime", "fields": [{ "key": "name", "label": "Name" }] });
        translation.object(&mut rings);
        assert_eq!((&rings["label"], &rings["fields"][0]["label"]), (&json!("Chime"), &json!("Nome")));
    }

    #[test]
    fn the_first_known_language_counts_and_english_is_the_manifests() {
        let texts = texts();
        for (languages, known) in [
            (vec!["it"], true),
            (vec!["da", "it"], true),
            (vec!["en-GB", "it"], false),
            (vec!["da"], false),
            (vec![], false),
        ] {
            let languages: Vec<String> = languages.into_iter().map(str::to_string).collect();
            assert_eq!(chosen(&texts, &languages).is_some(), known, "{languages:?}");
        }
    }
}
