//! What a manifest adds to the schema, under whole keys. Pure; the engine puts it in.

use kith_engine::Extension;
use kith_model::{FieldDef, ObjectDef};
use serde_json::json;

use crate::manifest::{Field, Manifest};

/// Objects and fields of a manifest as the engine takes them.
pub fn extension(manifest: &Manifest) -> Extension {
    let objects = manifest.objects.iter().map(|(key, object)| ObjectDef {
        key: manifest.object_key(key),
        label: object.label.clone(),
        label_plural: object.label_plural.clone(),
        description: object.description.clone(),
        icon: object.icon.clone(),
        title: object.title.clone(),
        subtitle: object.subtitle.clone(),
        timeline: object.timeline,
        fields: object.fields.iter().map(|(key, field)| definition(manifest, key.clone(), field)).collect(),
        ..ObjectDef::default()
    });
    let fields = manifest.fields.iter().flat_map(|(object, fields)| {
        fields.iter().map(move |(key, field)| {
            let whole = manifest.field_key(object, key);
            (object.clone(), definition(manifest, whole, field))
        })
    });
    Extension { plugin: manifest.plugin.id.clone(), objects: objects.collect(), fields: fields.collect() }
}

fn definition(manifest: &Manifest, key: String, field: &Field) -> FieldDef {
    let options = serde_json::from_value(json!(field.options)).unwrap_or_else(|_| {
        // Options may be written as plain texts.
        let texts = field.options.iter().filter_map(|option| option.as_str());
        texts
            .map(|text| kith_model::SelectOption { key: text.into(), label: text.into(), ..Default::default() })
            .collect()
    });
    FieldDef {
        key,
        label: field.label.clone(),
        kind: field.kind.clone(),
        help: field.help.clone(),
        required: field.required,
        unique: field.unique,
        many: field.many,
        in_list: field.in_list,
        options,
        target: field.target.as_deref().map(|target| manifest.object_key(target)),
        inverse: field.inverse.clone().and_then(|inverse| serde_json::from_value(inverse).ok()),
        default: field.default.clone().unwrap_or_default(),
        config: field.config.clone(),
        position: field.position.unwrap_or_default(),
        read_only: field.computed.is_some(),
        ..FieldDef::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_carry_the_plugins_name_and_links_find_its_own_objects() {
        let manifest = Manifest::parse(
            r#"
[plugin]
id = "books-bridge"
version = "1.0.0"
api = "0.1"
name = "Books"
[objects.invoices]
label = "Invoice"
[objects.invoices.fields.number]
label = "Number"
kind = "text"
[fields.companies.last_invoice]
label = "Last invoice"
kind = "link"
target = "invoices"
[fields.companies.open]
label = "Open"
kind = "integer"
computed = ["name"]
"#,
        )
        .unwrap();
        let extension = extension(&manifest);
        assert_eq!(extension.objects[0].key, "books_bridge__invoices");
        assert_eq!(extension.objects[0].fields[0].key, "number");
        let fields: Vec<_> =
            extension.fields.iter().map(|(of, f)| (of.as_str(), f.key.as_str(), f.read_only)).collect();
        assert_eq!(
            fields,
            [("companies", "books_bridge__last_invoice", false), ("companies", "books_bridge__open", true)]
        );
        assert_eq!(extension.fields[0].1.target.as_deref(), Some("books_bridge__invoices"));
    }
}
