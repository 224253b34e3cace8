//! What a plugin adds to the schema: objects and fields under keys with the plugin's name in front, which nobody else can give. They come and go
//! with the plugin; who keeps their data gets them as definitions of their own.

use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef, Origin, Schema, Value};
use serde_json::{Map, Value as Json, json};

use super::{
    definition::{
        Values, check, complete_field, complete_object, create, delete, field_values, new_field_values, object_values,
        update,
    },
    source::{CUSTOM, Source, dropped_by, kept_by, made_by},
};
use crate::{Actor, Command, Engine, EngineError, Record};

/// What separates a plugin's name from the rest of a key.
pub const KEY_MARK: &str = "__";

/// What one plugin adds. Keys are whole: with the plugin's name in front.
#[derive(Clone, Debug, Default)]
pub struct Extension {
    /// The plugin's id.
    pub plugin: String,
    /// With their fields.
    pub objects: Vec<ObjectDef>,
    /// Fields of objects that are there already, with the object's key.
    pub fields: Vec<(String, FieldDef)>,
}

impl Extension {
    fn object(&self, key: &str) -> Option<&ObjectDef> {
        self.objects.iter().find(|object| object.key == key)
    }

    fn field(&self, object: &str, key: &str) -> Option<&FieldDef> {
        let added = self.fields.iter().find(|(of, field)| of == object && field.key == key).map(|(_, field)| field);
        added.or_else(|| self.object(object)?.field(key))
    }
}

impl Engine {
    /// Puts what a plugin adds into the schema, and into the trash what it no longer adds. What an administrator changed stays, unless the
    /// plugin changes the same since `before`, its last version.
    ///
    /// # Errors
    /// `access.denied`; `schema.invalid`; `schema.conflict` when a key is taken, or a field comes back with another kind.
    pub fn extend_schema(
        &self,
        actor: &Actor,
        extension: &Extension,
        before: Option<&Extension>,
    ) -> Result<(), EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let source = self.core().source.lock().clone();
        let mut draft = Drafted {
            plugin: &extension.plugin,
            before,
            source: &source,
            objects: meta.schema.objects().iter().map(|object| ObjectDef::clone(object)).collect(),
            commands: Vec::new(),
            touched: Vec::new(),
            unique: Vec::new(),
            next_object: source.next_object(),
        };
        for object in &extension.objects {
            draft.object(object.clone())?;
        }
        for (object, field) in &extension.fields {
            draft.field(object, field.clone())?;
        }
        draft.retire(extension);
        let Drafted { objects, commands, touched, unique, .. } = draft;
        let schema = Schema::new(objects);
        for key in touched {
            check(&schema, &key)?;
        }
        for (object, field, _) in &unique {
            self.check_distinct(*object, field)?;
        }
        self.define(actor, commands)?;
        // What came in between the check and the definition is found now; from here on nobody can add a second one.
        for (object, field, record) in &unique {
            if let Err(error) = self.check_distinct(*object, field) {
                let back = vec![("unique".to_string(), Value::Bool(false))];
                self.define(actor, vec![update("fields", *record, back)])?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Nothing that a plugin added is required any more: the step before its values are cleared.
    ///
    /// # Errors
    /// `access.denied`; what the store says.
    pub fn loosen_schema(&self, actor: &Actor, plugin: &str) -> Result<(), EngineError> {
        let _turn = self.turn(actor)?;
        let source = self.core().source.lock().clone();
        let loose = vec![("required".to_string(), Value::Bool(false))];
        let fields = source.of_plugin(plugin).filter(|record| !record.trashed && !source.is_object(record));
        let required = fields.filter(|record| source.field_as_defined(record).required);
        self.define(actor, required.map(|record| update("fields", record.id, loose.clone())).collect()).map(drop)
    }

    /// Takes out of the schema what a plugin added: with `keep` over to the administrators, with all values, else so that it never comes back; a
    /// later installation begins anew.
    ///
    /// # Errors
    /// `access.denied`; what the store says.
    pub fn retract_schema(&self, actor: &Actor, plugin: &str, keep: bool) -> Result<(), EngineError> {
        let _turn = self.turn(actor)?;
        let meta = self.core().meta();
        let source = self.core().source.lock().clone();
        let mut commands = Vec::new();
        for record in source.of_plugin(plugin).filter(|record| !keep || !record.trashed) {
            let object = source.is_object(record);
            let of = if object { "objects" } else { "fields" };
            if keep {
                let kept = vec![("origin".to_string(), Value::Text(kept_by(plugin)))];
                commands.push(update(of, record.id, kept));
                continue;
            }
            if record.trashed {
                commands.push(Command::Restore { object: of.into(), id: record.id });
            } else if object {
                let key = source.key_of(record);
                let pointing = meta.schema.pointing_at(key).filter(|(from, field)| {
                    field.id >= CUSTOM && from.key != key && field.origin != Origin::Plugin(plugin.to_string())
                });
                let pointing = pointing.filter_map(|(from, field)| source.field(&from.key, field.id));
                commands.extend(pointing.map(|record| delete("fields", record.id)));
            }
            commands.push(update(of, record.id, vec![("origin".to_string(), Value::Text(dropped_by(plugin)))]));
            commands.push(delete(of, record.id));
        }
        self.define(actor, commands).map(drop)
    }
}

struct Drafted<'a> {
    plugin: &'a str,
    before: Option<&'a Extension>,
    source: &'a Source,
    /// The schema as it will be.
    objects: Vec<ObjectDef>,
    commands: Vec<Command>,
    touched: Vec<String>,
    /// Fields that are to be unique, were not, and may have values: number of the object, the field and its record.
    unique: Vec<(u32, FieldDef, RecordId)>,
    next_object: u32,
}

impl Drafted<'_> {
    fn object(&mut self, mut object: ObjectDef) -> Result<(), EngineError> {
        self.own_key(&object.key)?;
        let known = self.source.object_named(&object.key).cloned();
        let fields = std::mem::take(&mut object.fields);
        if let Some(record) = known.as_ref().filter(|_| object.position == 0.0) {
            object.position = self.source.object_as_defined(record).position;
        }
        let there = self.objects.iter().position(|o| o.key == object.key);
        complete_object(&mut object, &Schema::new(self.objects.clone()));
        // What completing put there is for objects without any.
        object.fields.clear();
        object.title.clone_from(
            &fields.iter().find(|f| f.key == object.title).or(fields.first()).map_or(String::new(), |f| f.key.clone()),
        );
        object.origin = Origin::Plugin(self.plugin.to_string());
        match known {
            Some(record) => {
                self.known_as_own(&record, &object.key)?;
                object.id = self.source.number_of(&record);
                let patch = self.before.and_then(|b| b.object(&object.key)).map(|old| changed(old, &object));
                self.take_up("objects", &record, object_values(&object, patch.as_ref()));
            }
            None => {
                object.id = self.next_object;
                self.next_object += 1;
                let values = object_values(&object, None);
                self.commands.push(create("objects", [values, self.mark()].concat()));
            }
        }
        let key = object.key.clone();
        match there {
            Some(at) => {
                object.fields = std::mem::take(&mut self.objects[at].fields);
                self.objects[at] = object;
            }
            None => self.objects.push(object),
        }
        for field in fields {
            self.put_field(&key, field)?;
        }
        Ok(())
    }

    /// A field of an object that is not the plugin's.
    fn field(&mut self, object: &str, field: FieldDef) -> Result<(), EngineError> {
        self.own_key(&field.key)?;
        let Some(at) = self.objects.iter().position(|o| o.key == object) else {
            return Err(EngineError::ObjectNotFound(object.to_string()));
        };
        if self.objects[at].system {
            let said = format!("'{object}' is an administration object; its fields are fixed");
            return Err(EngineError::SchemaConflict(said));
        }
        self.put_field(object, field)
    }

    fn put_field(&mut self, object: &str, mut field: FieldDef) -> Result<(), EngineError> {
        let Some(at) = self.objects.iter().position(|o| o.key == object) else {
            return Err(EngineError::ObjectNotFound(object.to_string()));
        };
        let read_only = field.read_only;
        complete_field(&mut field);
        field.read_only |= read_only;
        field.origin = Origin::Plugin(self.plugin.to_string());
        let known = self.source.field_named(&self.objects[at], &field.key).cloned();
        if let Some(record) = known.as_ref().filter(|_| field.position == 0.0) {
            field.position = self.source.field_as_defined(record).position;
        }
        if field.position == 0.0 {
            field.position = self.objects[at].fields.iter().map(|f| f.position).fold(0.0, f64::max) + 1.0;
        }
        match known {
            Some(record) => {
                self.known_as_own(&record, &field.key)?;
                self.same_shape(&record, &field)?;
                field.id = self.source.number_of(&record);
                let patch = self.before.and_then(|b| b.field(object, &field.key)).map(|old| changed(old, &field));
                let was_unique = !record.trashed && self.source.field_as_defined(&record).unique;
                let becomes = field.unique && patch.as_ref().is_none_or(|patch| patch.contains_key("unique"));
                if becomes && !was_unique {
                    self.unique.push((self.objects[at].id, field.clone(), record.id));
                }
                let mut values = field_values(object, &field, patch.as_ref());
                values.push(("read_only".into(), Value::Bool(field.read_only)));
                self.take_up("fields", &record, values);
            }
            None => {
                let used = self.objects[at].fields.iter().map(|f| f.id + 1).max().unwrap_or(0);
                field.id = self.source.next_field(object).max(used);
                let read_only = vec![("read_only".to_string(), Value::Bool(field.read_only))];
                let values = [new_field_values(&self.objects[at], &field), read_only, self.mark()].concat();
                self.commands.push(create("fields", values));
            }
        }
        let fields = &mut self.objects[at].fields;
        fields.retain(|known| known.id != field.id);
        fields.push(field);
        if !self.touched.iter().any(|key| key == object) {
            self.touched.push(object.to_string());
        }
        Ok(())
    }

    /// Into the trash with what an earlier version added and this one does not.
    fn retire(&mut self, extension: &Extension) {
        for record in self.source.of_plugin(self.plugin).filter(|record| !record.trashed) {
            let key = self.source.key_of(record);
            if self.source.is_object(record) {
                if extension.object(key).is_none() {
                    self.commands.push(delete("objects", record.id));
                    self.objects.retain(|object| object.key != key);
                }
            } else {
                let of = self.source.object_of(record);
                if extension.field(of, key).is_none() {
                    self.commands.push(delete("fields", record.id));
                    if let Some(object) = self.objects.iter_mut().find(|object| object.key == of) {
                        object.fields.retain(|field| field.key != key);
                    }
                }
            }
        }
    }

    /// Makes a definition that is there the plugin's (again), with these values.
    fn take_up(&mut self, of: &str, record: &Record, values: Values) {
        if record.trashed {
            self.commands.push(Command::Restore { object: of.into(), id: record.id });
        }
        self.commands.push(update(of, record.id, [values, self.mark()].concat()));
    }

    fn mark(&self) -> Values {
        vec![("origin".into(), Value::Text(made_by(self.plugin)))]
    }

    /// Keys of plugins have the plugin's name in front, so that none is that of a core field or of another plugin's.
    fn own_key(&self, key: &str) -> Result<(), EngineError> {
        let prefix = format!("{}{KEY_MARK}", self.plugin.replace('-', "_"));
        if key.starts_with(&prefix) && key.len() > prefix.len() {
            return Ok(());
        }
        Err(EngineError::SchemaConflict(format!("'{key}' is no key for what a plugin adds; it begins with '{prefix}'")))
    }

    fn known_as_own(&self, record: &Record, key: &str) -> Result<(), EngineError> {
        let origin = self.source.origin_of(record);
        if origin == made_by(self.plugin) || origin == kept_by(self.plugin) {
            return Ok(());
        }
        Err(EngineError::SchemaConflict(format!("the key '{key}' is taken; rename or remove what has it first")))
    }

    fn same_shape(&self, record: &Record, field: &FieldDef) -> Result<(), EngineError> {
        let known = self.source.field_as_defined(record);
        let same = known.kind == field.kind && known.many == field.many && known.target == field.target;
        if same {
            return Ok(());
        }
        let said = format!(
            "field '{}' holds values of kind {} from before; give it another key, or remove the plugin's data first",
            field.key, known.kind
        );
        Err(EngineError::SchemaConflict(said))
    }
}

/// What differs between two definitions, by key.
fn changed(old: &impl serde::Serialize, new: &impl serde::Serialize) -> Map<String, Json> {
    let (old, new) = (json!(old), json!(new));
    let shown = ["id", "origin", "position", "fields"];
    let new = new.as_object().cloned().unwrap_or_default();
    new.into_iter().filter(|(key, value)| !shown.contains(&key.as_str()) && old.get(key) != Some(value)).collect()
}
