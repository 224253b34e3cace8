//! Changing objects and fields while running. A definition is checked against the whole schema it would lead to, then written as records
//! of `objects` and `fields` through the one pipeline; no other record is touched.

use std::sync::Arc;

use kith_model::{FieldDef, ObjectDef, Origin, Value, schema};
use serde_json::Value as Json;

use super::{
    Meta,
    definition::{
        Values, check, complete_field, complete_object, create, delete, field_values, merged, needed_by,
        new_field_values, not_reserved, object_values, patch_of, read, refuse_fixed, retire, update, with_field,
        with_object,
    },
    source::CUSTOM,
    view::ObjectView,
};
use crate::{
    Actor, Cause, Command, CommitOptions, Engine, EngineError, Record, pipeline::prepare::Rights, query::ImageQuery,
};

/// What may be changed on a built-in field; its key, kind and links are what code relies on.
const AMENDABLE: [&str; 9] =
    ["label", "help", "required", "unique", "hidden", "in_list", "default", "options", "position"];

/// What may be changed on a built-in object.
const OBJECT_AMENDABLE: [&str; 6] = ["label", "label_plural", "description", "icon", "subtitle", "position"];

/// Fields of one object: beyond it somebody is using fields for records.
const FIELDS_MAX: usize = 500;

/// Objects of one vault.
const OBJECTS_MAX: usize = 500;

/// Records looked at together.
const PAGE: usize = 4_096;

impl Engine {
    /// Makes an object from JSON in the form of an `ObjectDef`; without `fields` it starts with a name.
    ///
    /// # Errors
    /// `access.denied`, `schema.invalid`, `schema.conflict` when the key is taken.
    pub fn define_object(&self, actor: &Actor, json: Json) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let mut asked = read::<ObjectDef>(json)?;
        let source = self.core().source.lock().clone();
        let schema = self.schema();
        if schema.objects().len() >= OBJECTS_MAX {
            return Err(EngineError::SchemaConflict(format!(
                "there are {OBJECTS_MAX} objects already; remove one first"
            )));
        }
        complete_object(&mut asked, &schema);
        asked.id = source.next_object();
        not_reserved(&asked.key)?;
        if schema.object(&asked.key).is_some() {
            let said = format!("there is an object '{}' already; choose another key", asked.key);
            return Err(EngineError::SchemaConflict(said));
        }
        let key = asked.key.clone();
        let mut first = source.next_field(&key);
        for field in &mut asked.fields {
            complete_field(field);
            not_reserved(&field.key)?;
            field.id = first;
            first += 1;
            field.position = f64::from(first - CUSTOM);
        }
        let mut commands = vec![create("objects", object_values(&asked, None))];
        commands.extend(asked.fields.iter().map(|field| create("fields", new_field_values(&asked, field))));
        check(&with_object(&schema, asked), &key)?;
        self.define(actor, commands)?;
        self.object_view(actor, &key)
    }

    /// Changes an object; only what the JSON names.
    ///
    /// # Errors
    /// `object.not_found`, `access.denied`, `schema.invalid`.
    pub fn update_object(&self, actor: &Actor, object: &str, json: Json) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let current = meta.object(object)?.def.clone();
        let patch = patch_of(json, &["fields", "permissions", "actions", "inverses", "id", "origin", "system"])?;
        let builtin = is_code(current.id, &current.origin);
        let fixed = |key: &str| key == "key" || (builtin && !OBJECT_AMENDABLE.contains(&key));
        let now = serde_json::to_value(&*current).unwrap_or_default();
        refuse_fixed(&patch, &now, fixed, object)?;
        let original = self.built_in(object).cloned().unwrap_or_default();
        let mut changed: ObjectDef = merged(now, &patch, &original)?;
        changed.fields = current.fields.clone();
        let values = object_values(&changed, Some(&patch));
        check(&with_object(&meta.schema, changed), object)?;
        let known = self.core().source.lock().object(current.id).cloned();
        let command = self.amend(known, "objects", values, || {
            vec![("number".into(), Value::Int(i64::from(current.id))), ("key".into(), Value::Text(current.key.clone()))]
        });
        self.define(actor, vec![command])?;
        self.object_view(actor, object)
    }

    /// Puts an object made by an admin into the trash, with its fields. `force`: even when it has records, which are out of reach then.
    ///
    /// # Errors
    /// `object.not_found`, `access.denied`, `schema.conflict` for built-in ones and for those in use.
    pub fn remove_object(&self, actor: &Actor, object: &str, force: bool) -> Result<(), EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let def = meta.object(object)?.def.clone();
        if def.id < CUSTOM {
            return Err(EngineError::SchemaConflict(format!(
                "'{object}' is built in and stays; hide it in roles instead"
            )));
        }
        refuse_plugins(&def.origin, object)?;
        let records = self.core().image.count(def.id);
        let links: Vec<(Arc<ObjectDef>, &FieldDef)> = meta
            .schema
            .pointing_at(object)
            .filter(|(from, _)| from.id != def.id)
            .map(|(o, f)| (o.clone(), f))
            .collect();
        if !force && (records > 0 || !links.is_empty()) {
            let said = format!(
                "'{object}' has {records} records and {} fields that link to it; remove those first, or repeat with force",
                links.len()
            );
            return Err(EngineError::SchemaConflict(said));
        }
        if let Some((from, field)) = links.iter().find(|(_, field)| field.id < CUSTOM) {
            let said = format!("the built-in field '{}' of '{}' links to '{object}'", field.key, from.key);
            return Err(EngineError::SchemaConflict(said));
        }
        let source = self.core().source.lock().clone();
        let own = def.fields.iter().map(|field| (object, field.id));
        let pointing = links.iter().map(|(from, field)| (from.key.as_str(), field.id));
        let mut commands: Vec<Command> =
            own.chain(pointing).filter_map(|(of, id)| source.field(of, id)).map(|r| delete("fields", r.id)).collect();
        commands.extend(source.object(def.id).map(|record| delete("objects", record.id)));
        self.define(actor, commands).map(|_| ())
    }

    /// Adds a field from JSON in the form of a `FieldDef`.
    ///
    /// # Errors
    /// `object.not_found`, `access.denied`, `schema.invalid`, `schema.conflict` when the key is taken.
    pub fn define_field(&self, actor: &Actor, object: &str, json: Json) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let current = meta.object(object)?.def.clone();
        if current.system {
            return Err(EngineError::SchemaConflict(format!(
                "'{object}' is an administration object; its fields are fixed"
            )));
        }
        if current.fields.len() >= FIELDS_MAX {
            return Err(EngineError::SchemaConflict(format!(
                "'{object}' has {FIELDS_MAX} fields already; remove one first"
            )));
        }
        let placed = json.get("position").is_some_and(|p| !p.is_null());
        let mut field = read::<FieldDef>(json)?;
        complete_field(&mut field);
        not_reserved(&field.key)?;
        field.id = self.core().source.lock().next_field(object);
        if !placed {
            field.position = current.fields.iter().map(|f| f.position).fold(0.0, f64::max) + 1.0;
        }
        if current.field(&field.key).is_some() {
            return Err(EngineError::SchemaConflict(format!("'{object}' has a field '{}' already", field.key)));
        }
        let values = new_field_values(&current, &field);
        check(&with_field(&meta.schema, &current, field), object)?;
        self.define(actor, vec![create("fields", values)])?;
        self.object_view(actor, object)
    }

    /// Changes a field; only what the JSON names. Kind, links and several-or-one stay: records hold values of that shape.
    ///
    /// # Errors
    /// `object.not_found`, `field.not_found`, `access.denied`, `schema.invalid`, `schema.conflict` when a field is to be unique and its
    /// values are not.
    pub fn update_field(
        &self,
        actor: &Actor,
        object: &str,
        field: &str,
        json: Json,
    ) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let object_meta = meta.object(object)?.clone();
        let current = object_meta.field(field).ok_or_else(|| object_meta.unknown_field(field))?.clone();
        let patch = patch_of(json, &["id", "origin", "sortable", "operators", "access", "read_only"])?;
        let builtin = is_code(current.id, &current.origin);
        let fixed = |key: &str| {
            matches!(key, "kind" | "many" | "target")
                || (builtin && !AMENDABLE.contains(&key))
                || (key == "key" && builtin)
        };
        let now = serde_json::to_value(&current).unwrap_or_default();
        refuse_fixed(&patch, &now, fixed, &format!("{object}.{field}"))?;
        let original = self.built_in(object).and_then(|o| o.field_by_id(current.id)).cloned().unwrap_or_default();
        let mut changed: FieldDef = merged(now, &patch, &original)?;
        retire(&current, &mut changed);
        if changed.key != current.key {
            not_reserved(&changed.key)?;
            if object_meta.field(&changed.key).is_some() {
                return Err(EngineError::SchemaConflict(format!("'{object}' has a field '{}' already", changed.key)));
            }
        }
        let newly_unique = changed.unique && !current.unique;
        let values = field_values(object, &changed, Some(&patch));
        check(&with_field(&meta.schema, &object_meta.def, changed.clone()), object)?;
        if newly_unique {
            self.check_distinct(object_meta.def.id, &changed)?;
        }
        let known = self.core().source.lock().field(object, current.id).cloned();
        let command = self.amend(known, "fields", values, || {
            vec![
                ("number".into(), Value::Int(i64::from(current.id))),
                ("object".into(), Value::Text(object.into())),
                ("key".into(), Value::Text(current.key.clone())),
            ]
        });
        let written = self.define(actor, vec![command])?;
        // From here on nobody can add a second one; what came in between the check and the definition is found now.
        if newly_unique && let Err(error) = self.check_distinct(object_meta.def.id, &changed) {
            let back = vec![("unique".to_string(), Value::Bool(false))];
            self.define(actor, written.iter().map(|r| update("fields", r.id, back.clone())).collect())?;
            return Err(error);
        }
        self.object_view(actor, object)
    }

    /// Puts a field made by an admin into the trash. Its values stay in the records, unseen, until it is restored.
    ///
    /// # Errors
    /// `object.not_found`, `field.not_found`, `access.denied`, `schema.conflict` for built-in ones and those that others need.
    pub fn remove_field(&self, actor: &Actor, object: &str, field: &str) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let object_meta = meta.object(object)?;
        let def = object_meta.field(field).ok_or_else(|| object_meta.unknown_field(field))?;
        if def.id < CUSTOM {
            return Err(EngineError::SchemaConflict(format!("'{field}' is built in and stays; hide it instead")));
        }
        refuse_plugins(&def.origin, field)?;
        if let Some(user) = needed_by(&object_meta.def, field) {
            return Err(EngineError::SchemaConflict(format!("'{field}' is needed by {user}; change that first")));
        }
        let record = self.core().source.lock().field(object, def.id).map(|record| record.id);
        let commands = record.into_iter().map(|id| delete("fields", id)).collect();
        self.define(actor, commands)?;
        self.object_view(actor, object)
    }

    /// Takes a removed field out of the trash; the values are there again.
    ///
    /// # Errors
    /// `object.not_found`, `field.not_found`, `access.denied`, `schema.conflict` when its key was given away meanwhile.
    pub fn restore_field(&self, actor: &Actor, object: &str, field: &str) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let object_meta = meta.object(object)?;
        let removed = self.core().source.lock().removed_field(&object_meta.def, field).cloned();
        let removed = removed.ok_or_else(|| object_meta.unknown_field(field))?;
        if object_meta.field(field).is_some() {
            return Err(EngineError::SchemaConflict(format!(
                "'{object}' has a field '{field}' already; rename that first"
            )));
        }
        self.define(actor, vec![Command::Restore { object: "fields".into(), id: removed.id }])?;
        self.object_view(actor, object)
    }

    /// Puts the fields into this order; those not named follow in the order they had.
    ///
    /// # Errors
    /// `object.not_found`, `field.not_found`, `access.denied`.
    pub fn order_fields(&self, actor: &Actor, object: &str, keys: &[String]) -> Result<ObjectView, EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let object_meta = meta.object(object)?;
        for key in keys {
            object_meta.field(key).ok_or_else(|| object_meta.unknown_field(key))?;
        }
        let rest = object_meta.def.fields.iter().filter(|field| !keys.contains(&field.key));
        let ordered: Vec<&FieldDef> = keys.iter().filter_map(|key| object_meta.field(key)).chain(rest).collect();
        let source = self.core().source.lock().clone();
        let mut commands = Vec::new();
        for (place, field) in (1..).zip(ordered) {
            let position = vec![("position".to_string(), Value::Decimal(rust_decimal::Decimal::from(place)))];
            commands.push(self.amend(source.field(object, field.id).cloned(), "fields", position, || {
                vec![
                    ("number".into(), Value::Int(i64::from(field.id))),
                    ("object".into(), Value::Text(object.into())),
                    ("key".into(), Value::Text(field.key.clone())),
                ]
            }));
        }
        self.define(actor, commands)?;
        self.object_view(actor, object)
    }

    /// The definition in code, before anyone amended it.
    fn built_in(&self, object: &str) -> Option<&ObjectDef> {
        self.core().builtins.iter().find(|o| o.key == object)
    }

    /// One change of metadata at a time, and only by an administrator.
    pub(super) fn turn(&self, actor: &Actor) -> Result<parking_lot::MutexGuard<'_, ()>, EngineError> {
        if !actor.is_admin() {
            let said = "only an administrator may change objects and fields; ask one";
            return Err(self.refuse(actor, "objects", "define", EngineError::AccessDenied(said.into())));
        }
        Ok(self.core().defining.lock())
    }

    pub(super) fn define(&self, actor: &Actor, commands: Vec<Command>) -> Result<Vec<Record>, EngineError> {
        self.commit(actor, Rights::Engine, commands, CommitOptions::caused_by(Cause::new("schema")))
    }

    /// An update of the record that is there, or a new one that starts with `identity`. A trashed amendment comes back as it is now.
    fn amend(&self, known: Option<Record>, object: &str, values: Values, identity: impl FnOnce() -> Values) -> Command {
        match known {
            Some(record) => update(object, record.id, values),
            None => create(object, identity().into_iter().chain(values).collect()),
        }
    }

    /// Refuses to make a field unique whose values are not.
    pub(super) fn check_distinct(&self, object: u32, field: &FieldDef) -> Result<(), EngineError> {
        let mut seen = std::collections::HashSet::new();
        let mut cursor = None;
        let context = self.evaluation(&Actor::system());
        loop {
            let sort = vec![("id".to_string(), false)];
            let asked = ImageQuery { object, sort, limit: PAGE, cursor, ..ImageQuery::default() };
            let page = self.core().image.query(&asked, &context)?;
            for record in &page.records {
                for key in field.kind().unique_keys(field, record.values.get(field.id)) {
                    if !seen.insert(key) {
                        let shown = field.kind().to_text(field, record.values.get(field.id));
                        let said = format!("several records have '{shown}' in '{}'; make them differ first", field.key);
                        return Err(EngineError::SchemaConflict(said));
                    }
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// Defined by code, ours or a plugin's, which relies on it.
fn is_code(number: u32, origin: &Origin) -> bool {
    number < CUSTOM || matches!(origin, Origin::Plugin(_))
}

fn refuse_plugins(origin: &Origin, key: &str) -> Result<(), EngineError> {
    let Origin::Plugin(plugin) = origin else { return Ok(()) };
    let said = format!("'{key}' belongs to the plugin '{plugin}' and goes with it; hide it in roles instead");
    Err(EngineError::SchemaConflict(said))
}

impl Meta {
    /// A check of built-in definitions, for starting.
    pub fn check(&self) -> Result<(), EngineError> {
        for object in self.schema.objects() {
            let violations = schema::check_object(object, &self.schema);
            if !violations.is_empty() {
                return Err(EngineError::SchemaInvalid(violations));
            }
        }
        Ok(())
    }
}
