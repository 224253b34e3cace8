//! What every step of one import needs at hand: the engine as the actor sees it, the plan, the choices. Writes nothing itself.

use std::{collections::HashMap, sync::Arc};

use kith_engine::{Actor, Cause, CommitOptions, Engine, FieldAccess, Permissions};
use kith_model::{FieldDef, ObjectDef, Schema, Value};

use super::{options::ImportOptions, plan::Plan};
use crate::ExchangeError;

/// The schema as one actor may use it: hidden fields are gone, fields that may not be written are read-only.
pub struct View {
    pub schema: Arc<Schema>,
    pub permissions: HashMap<String, Permissions>,
}

impl View {
    pub fn of(engine: &Engine, actor: &Actor) -> View {
        let mut permissions = HashMap::new();
        let mut objects = Vec::new();
        for view in engine.schema_for(actor) {
            permissions.insert(view.object.key.clone(), view.permissions);
            let mut object = view.object;
            object.fields = view
                .fields
                .into_iter()
                .map(|field| FieldDef {
                    read_only: field.field.read_only || field.access != FieldAccess::Write,
                    ..field.field
                })
                .collect();
            objects.push(object);
        }
        View { schema: Arc::new(Schema::new(objects)), permissions }
    }

    pub fn may_create(&self, object: &str) -> bool {
        self.permissions.get(object).is_some_and(|p| p.create)
    }

    /// Objects whose records a file may hold.
    pub fn importable(&self) -> impl Iterator<Item = &ObjectDef> {
        let objects = self.schema.objects().iter().map(Arc::as_ref);
        objects.filter(|object| !object.system && object.key != "files" && self.may_create(&object.key))
    }

    /// # Errors
    /// `object.not_found`, `import.not_importable`, `access.denied`.
    pub fn object(&self, key: &str) -> Result<Arc<ObjectDef>, ExchangeError> {
        let object =
            self.schema.object(key).ok_or_else(|| kith_engine::EngineError::ObjectNotFound(key.to_string()))?;
        if object.system || key == "files" {
            return Err(ExchangeError::NotImportable(key.to_string()));
        }
        if !self.may_create(key) {
            let said = format!("you may not create records of '{key}'; ask an administrator for the right");
            return Err(kith_engine::EngineError::AccessDenied(said).into());
        }
        Ok(object.clone())
    }
}

/// One import under way.
pub struct Session<'a> {
    pub engine: &'a Engine,
    pub actor: &'a Actor,
    pub view: &'a View,
    pub plan: &'a Plan,
    pub options: &'a ImportOptions,
    /// Names the import in every journal entry it causes.
    pub cause: Cause,
    /// Nothing is written.
    pub dry: bool,
}

impl Session<'_> {
    pub fn commit(&self) -> CommitOptions {
        CommitOptions {
            dry_run: self.dry,
            context: Some(self.plan.context.clone()),
            ..CommitOptions::caused_by(self.cause.clone())
        }
    }

    /// Ids of the records whose field has this text, compared as uniqueness compares. Fields that are not there find nothing.
    pub fn find(&self, object: &ObjectDef, key: &str, text: &str) -> Vec<kith_base::RecordId> {
        let Some(field) = object.field(key) else { return Vec::new() };
        let mut found = Vec::new();
        for key in keys(field, self.plan, text) {
            found.extend(self.engine.find_by(self.actor, &object.key, &field.key, &key).unwrap_or_default());
        }
        found
    }
}

/// The forms under which an index knows a text.
fn keys(field: &FieldDef, plan: &Plan, text: &str) -> Vec<String> {
    if field.kind == "computed" {
        return vec![text.trim().to_lowercase()];
    }
    match field.kind().read_text(field, &plan.context, text) {
        Ok(value) if !value.is_null() => field.kind().unique_keys(field, &value),
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// Texts of a value that can be compared with others: addresses, ids, names.
pub fn keys_of(field: &FieldDef, value: &Value) -> Vec<String> {
    if value.is_null() { Vec::new() } else { field.kind().unique_keys(field, value) }
}
