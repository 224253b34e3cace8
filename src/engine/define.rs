//! Builders that make object definitions short to write and read. Checks nothing: the schema does that when it takes a definition in.
//!
//! ```
//! use kith_engine::define::{field, object};
//! let teams = object(2, "teams", "Team", "Teams").icon("users").title("name")
//!     .field(1, field::text("name", "Name").required().unique().in_list())
//!     .build();
//! assert_eq!(teams.fields[0].id, 1);
//! ```

use kith_model::{FieldDef, ObjectDef, SelectOption};
use serde_json::Value as Json;

/// Starts an object. `id` is its number for ever: 1–99 administration, 100–999 the domain, from 1000 custom ones.
pub fn object(id: u32, key: &str, label: &str, label_plural: &str) -> Object {
    Object(ObjectDef {
        id,
        key: key.into(),
        label: label.into(),
        label_plural: label_plural.into(),
        icon: "box".into(),
        title: "name".into(),
        position: f64::from(id),
        ..ObjectDef::default()
    })
}

/// An object definition under construction.
#[derive(Clone, Debug)]
pub struct Object(ObjectDef);

impl Object {
    pub fn icon(mut self, name: &str) -> Self {
        self.0.icon = name.into();
        self
    }

    pub fn description(mut self, text: &str) -> Self {
        self.0.description = text.into();
        self
    }

    /// Key of the field that names a record; `name` unless said otherwise.
    pub fn title(mut self, field: &str) -> Self {
        self.0.title = field.into();
        self
    }

    pub fn subtitle(mut self, field: &str) -> Self {
        self.0.subtitle = field.into();
        self
    }

    /// An administration object: kept out of navigation and search.
    pub fn system(mut self) -> Self {
        self.0.system = true;
        self
    }

    /// Its records carry notes, tasks, attachments and a timeline.
    pub fn timeline(mut self) -> Self {
        self.0.timeline = true;
        self
    }

    /// Place in the navigation; the number of the object unless said otherwise.
    pub fn position(mut self, position: f64) -> Self {
        self.0.position = position;
        self
    }

    /// Adds a field. `id` is its number for ever, written down so that reordering the list cannot renumber stored values.
    pub fn field(mut self, id: u32, field: Field) -> Self {
        let mut def = field.0;
        def.id = id;
        def.position = (self.0.fields.len() + 1) as f64;
        self.0.fields.push(def);
        self
    }

    pub fn build(self) -> ObjectDef {
        self.0
    }
}

/// A field definition under construction; `field::text(…)` and its sisters start one.
#[derive(Clone, Debug)]
pub struct Field(FieldDef);

impl Field {
    /// A field of the kind with this key.
    pub fn of(kind: &str, key: &str, label: &str) -> Field {
        Field(FieldDef { kind: kind.into(), key: key.into(), label: label.into(), ..FieldDef::default() })
    }

    pub fn help(mut self, text: &str) -> Self {
        self.0.help = text.into();
        self
    }

    pub fn required(mut self) -> Self {
        self.0.required = true;
        self
    }

    pub fn unique(mut self) -> Self {
        self.0.unique = true;
        self
    }

    /// Set by the system or by code; forms show it, writes through the API are refused.
    pub fn read_only(mut self) -> Self {
        self.0.read_only = true;
        self
    }

    /// Kept out of lists, forms and import unless asked for.
    pub fn hidden(mut self) -> Self {
        self.0.hidden = true;
        self
    }

    /// Several values (e-mail, phone).
    pub fn many(mut self) -> Self {
        self.0.many = true;
        self
    }

    /// A column of new list views.
    pub fn in_list(mut self) -> Self {
        self.0.in_list = true;
        self
    }

    /// JSON as a client would send it.
    pub fn default(mut self, json: impl Into<Json>) -> Self {
        self.0.default = json.into();
        self
    }

    /// Key, label and colour of each option, in order.
    pub fn options<const N: usize>(mut self, options: [(&str, &str, &str); N]) -> Self {
        self.0.options = options
            .map(|(key, label, color)| SelectOption {
                key: key.into(),
                label: label.into(),
                color: color.into(),
                archived: false,
            })
            .into();
        self
    }

    /// Key of the object a link points at.
    pub fn target(mut self, object: &str) -> Self {
        self.0.target = Some(object.into());
        self
    }

    /// Key and label under which the target shows the records that point at it.
    pub fn inverse(mut self, key: &str, label: &str) -> Self {
        self.0.inverse = Some(kith_model::schema::Inverse { key: key.into(), label: label.into() });
        self
    }

    /// The record hangs on what this link points at; see `FieldDef::belongs`.
    pub fn belongs(self) -> Self {
        self.config("belongs", true)
    }

    /// The text names content in the vault's files; see `FieldDef::stored`.
    pub fn stored(self) -> Self {
        self.config("stored", true)
    }

    /// The content that a stored text names is a program; see `FieldDef::program`.
    pub fn program(self) -> Self {
        self.config("program", true)
    }

    /// One setting of the kind: `min`, `max`, `currency`, …
    pub fn config(mut self, key: &str, json: impl Into<Json>) -> Self {
        self.0.config.insert(key.into(), json.into());
        self
    }

    /// Kind of a computed field's result; `text` unless said otherwise.
    pub fn result(self, kind: &str) -> Self {
        self.config("kind", kind)
    }
}

/// One short function per kind of field.
pub mod field {
    use super::Field;

    macro_rules! kinds {
        ($($kind:ident)*) => { $(
            pub fn $kind(key: &str, label: &str) -> Field {
                Field::of(stringify!($kind), key, label)
            }
        )* };
    }

    kinds! { text long_text integer decimal money percent boolean date datetime duration select multi_select tags email phone url
    address person_name file rating auto_number json secret }

    /// A link to a user.
    pub fn user(key: &str, label: &str) -> Field {
        Field::of("user", key, label).target("users")
    }

    /// A link to one record of `target`.
    pub fn link(key: &str, label: &str, target: &str) -> Field {
        Field::of("link", key, label).target(target)
    }

    /// Links to any number of records of `target`.
    pub fn links(key: &str, label: &str, target: &str) -> Field {
        Field::of("links", key, label).target(target)
    }

    /// A value that follows from other fields of the record, in CEL.
    pub fn computed(key: &str, label: &str, expression: &str) -> Field {
        let mut field = Field::of("computed", key, label).read_only();
        field.0.expression = Some(expression.into());
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_number_and_take_their_place_from_the_list() {
        let deals = object(102, "deals", "Deal", "Deals")
            .field(7, field::money("amount", "Amount").required())
            .field(2, field::link("company", "Company", "companies").inverse("deals", "Deals"))
            .build();
        assert_eq!(deals.fields.iter().map(|f| (f.id, f.position)).collect::<Vec<_>>(), [(7, 1.0), (2, 2.0)]);
        assert_eq!(deals.fields[1].target.as_deref(), Some("companies"));
        assert!(deals.fields[0].required && deals.fields[0].kind == "money");
    }
}
