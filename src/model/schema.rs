//! Objects and fields: the metadata from which forms, lists, permissions, import, export, search and OpenAPI follow.
//! Refuses to know where definitions come from: built-in ones are code, the others records; the engine joins them.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::kind::FieldKind;

pub use crate::check::{ANY_OBJECT, check_field, check_object, is_key};

/// Where a definition comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    #[default]
    Core,
    Custom,
    Plugin(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelectOption {
    /// Stable; stored in records.
    pub key: String,
    pub label: String,
    /// A name of the palette (`gray red orange yellow green teal blue purple pink`); the web app maps it to light and dark.
    pub color: String,
    /// Retired options stay valid on old records and are no longer offered.
    pub archived: bool,
}

/// A field as others see it; also the JSON of the schema API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldDef {
    /// Numeric id, unique in its object for ever: what records store. Core fields count from 1, others from 1000.
    pub id: u32,
    pub key: String,
    pub label: String,
    /// Key of the kind, such as `text` (see `kinds::ALL`).
    pub kind: String,
    pub help: String,
    pub required: bool,
    pub unique: bool,
    /// Set by the system or by code; forms show it, writes through the API are refused.
    pub read_only: bool,
    /// Kept out of lists, forms and import unless asked for.
    pub hidden: bool,
    /// Several values (e-mail, phone).
    pub many: bool,
    /// Shown in new list views.
    pub in_list: bool,
    /// JSON as a client would send it; null: none.
    pub default: serde_json::Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<SelectOption>,
    /// link, links: key of the object pointed at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// link, links: name and label under which the target shows the records that point at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Inverse>,
    /// computed: the CEL expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// computed: kind of the result; money: default currency; integer/decimal: min, max; text: max length, …
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub config: serde_json::Map<String, serde_json::Value>,
    pub position: f64,
    pub origin: Origin,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inverse {
    pub key: String,
    pub label: String,
}

/// An object as others see it; also the JSON of the schema API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectDef {
    /// Numeric id, for ever. Built-in objects count from 1, others from 1000.
    pub id: u32,
    /// Lower-case plural: `people`.
    pub key: String,
    pub label: String,
    pub label_plural: String,
    pub description: String,
    /// Name of an icon of the web app's set.
    pub icon: String,
    /// Key of the field that names a record (may be computed).
    pub title: String,
    /// Key of the field that distinguishes records with equal titles, shown beside it; may be empty.
    pub subtitle: String,
    pub fields: Vec<FieldDef>,
    /// Administration objects: kept out of the main navigation and out of search.
    pub system: bool,
    /// Records can carry notes, tasks and attachments and show a timeline.
    pub timeline: bool,
    pub position: f64,
    pub origin: Origin,
}

impl FieldDef {
    /// The kind's behaviour, for a computed field that of its result. Definitions are checked when they enter a schema, so an unknown kind does not get here; text stands in.
    pub fn kind(&self) -> &'static dyn FieldKind {
        crate::kinds::of(self)
    }

    /// Links: the record hangs on what it points at. It is erased with it, and seen only by whoever may see that.
    pub fn belongs(&self) -> bool {
        self.config.get("belongs").and_then(serde_json::Value::as_bool) == Some(true)
    }

    /// Texts: the value names content in the vault's files, which goes when the record is erased.
    pub fn stored(&self) -> bool {
        self.config.get("stored").and_then(serde_json::Value::as_bool) == Some(true)
    }

    /// Stored texts: the content is a program, in which nobody's words are looked for.
    pub fn program(&self) -> bool {
        self.config.get("program").and_then(serde_json::Value::as_bool) == Some(true)
    }

    pub fn option(&self, key: &str) -> Option<&SelectOption> {
        self.options.iter().find(|o| o.key == key)
    }
}

impl ObjectDef {
    pub fn field(&self, key: &str) -> Option<&FieldDef> {
        self.fields.iter().find(|f| f.key == key)
    }

    pub fn field_by_id(&self, id: u32) -> Option<&FieldDef> {
        self.fields.iter().find(|f| f.id == id)
    }
}

/// All objects at one moment. Immutable: a change of metadata makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    objects: Vec<Arc<ObjectDef>>,
    by_key: HashMap<String, usize>,
    by_id: HashMap<u32, usize>,
}

impl Schema {
    pub fn new(mut objects: Vec<ObjectDef>) -> Self {
        objects.sort_by(|a, b| a.position.total_cmp(&b.position).then(a.id.cmp(&b.id)));
        for object in &mut objects {
            object.fields.sort_by(|a, b| a.position.total_cmp(&b.position).then(a.id.cmp(&b.id)));
        }
        let by_key = objects.iter().enumerate().map(|(at, o)| (o.key.clone(), at)).collect();
        let by_id = objects.iter().enumerate().map(|(at, o)| (o.id, at)).collect();
        Schema { objects: objects.into_iter().map(Arc::new).collect(), by_key, by_id }
    }

    /// In display order.
    pub fn objects(&self) -> &[Arc<ObjectDef>] {
        &self.objects
    }

    pub fn object(&self, key: &str) -> Option<&Arc<ObjectDef>> {
        self.by_key.get(key).map(|at| &self.objects[*at])
    }

    pub fn object_by_id(&self, id: u32) -> Option<&Arc<ObjectDef>> {
        self.by_id.get(&id).map(|at| &self.objects[*at])
    }

    /// Fields of other objects that point at `object`, with the object each belongs to.
    pub fn pointing_at<'a>(&'a self, object: &'a str) -> impl Iterator<Item = (&'a Arc<ObjectDef>, &'a FieldDef)> {
        self.objects.iter().flat_map(move |from| {
            from.fields.iter().filter(move |f| f.target.as_deref() == Some(object)).map(move |f| (from, f))
        })
    }
}
