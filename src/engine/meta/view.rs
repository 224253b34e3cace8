//! The schema as one actor sees it: definitions without what is hidden, with what the actor may do. Decides nothing itself.

use std::sync::Arc;

use kith_model::{FieldDef, ObjectDef, Operator};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::{Meta, ObjectMeta, points};
use crate::{Actor, Engine, EngineError, FieldAccess, Op, access::Guard};

/// An object, its fields and what may be done with them. Serialises as the definition with additions.
#[derive(Clone, Debug)]
pub struct ObjectView {
    /// Without its fields, which follow.
    pub object: ObjectDef,
    pub fields: Vec<FieldView>,
    pub permissions: Permissions,
    pub actions: Vec<ActionView>,
    pub conditions: Vec<ConditionView>,
    pub inverses: Vec<InverseView>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FieldView {
    #[serde(flatten)]
    pub field: FieldDef,
    pub sortable: bool,
    pub operators: &'static [Operator],
    /// `read` or `write`.
    pub access: FieldAccess,
}

/// What the actor may do with at least some records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Permissions {
    pub create: bool,
    pub read: bool,
    pub update: bool,
    pub delete: bool,
    pub export: bool,
    pub erase: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ActionView {
    pub name: String,
    pub label: String,
    pub icon: String,
    /// JSON Schema.
    pub input: Json,
    pub primary: bool,
    pub many: bool,
    /// CEL over the record.
    pub when: Option<String>,
}

/// A question that its records answer with yes or no.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionView {
    pub name: String,
    pub label: String,
    /// JSON Schema of its parameters.
    pub input: Json,
}

/// A link field elsewhere that points here, under the name it has here.
#[derive(Clone, Debug, Serialize)]
pub struct InverseView {
    pub key: String,
    pub label: String,
    pub object: String,
    pub field: String,
}

impl ObjectView {
    pub fn to_json(&self) -> Json {
        let mut shown = serde_json::to_value(&self.object).unwrap_or_default();
        shown["fields"] = json!(self.fields);
        shown["permissions"] = json!(self.permissions);
        shown["actions"] = json!(self.actions);
        shown["conditions"] = json!(self.conditions);
        shown["inverses"] = json!(self.inverses);
        shown
    }

    pub fn field(&self, key: &str) -> Option<&FieldView> {
        self.fields.iter().find(|view| view.field.key == key)
    }
}

impl Serialize for ObjectView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Engine {
    /// The objects the actor may at least read, in display order.
    pub fn schema_for(&self, actor: &Actor) -> Vec<ObjectView> {
        let meta = self.core().meta();
        let guard = Guard::new(actor);
        let objects = meta.schema.objects().iter().filter(|object| guard.may_some(object, Op::Read));
        objects
            .filter_map(|object| meta.object_by_id(object.id))
            .map(|object| self.view(&meta, actor, object))
            .collect()
    }

    /// One object as the actor sees it.
    ///
    /// # Errors
    /// `object.not_found`, also where the actor may not read any of its records.
    pub fn object_view(&self, actor: &Actor, object: &str) -> Result<ObjectView, EngineError> {
        let meta = self.core().meta();
        let object = meta.object(object)?;
        if !Guard::new(actor).may_some(&object.def, Op::Read) {
            return Err(EngineError::ObjectNotFound(object.def.key.clone()));
        }
        Ok(self.view(&meta, actor, object))
    }

    fn view(&self, meta: &Meta, actor: &Actor, object: &Arc<ObjectMeta>) -> ObjectView {
        let guard = Guard::new(actor);
        let def = &object.def;
        let may = |op| guard.may_some(def, op);
        let permissions = Permissions {
            create: may(Op::Create),
            read: may(Op::Read),
            update: may(Op::Update),
            delete: may(Op::Delete),
            export: may(Op::Export),
            erase: may(Op::Erase),
        };
        let fields = def.fields.iter().filter_map(|field| {
            let access = match guard.field_access(def, field.id) {
                FieldAccess::Hidden => return None,
                FieldAccess::Write if field.read_only || !(permissions.create || permissions.update) => {
                    FieldAccess::Read
                }
                access => access,
            };
            let kind = field.kind();
            let view =
                FieldView { field: field.clone(), sortable: kind.sortable(), operators: kind.operators(), access };
            Some(view)
        });
        let actions =
            self.core().actions.of(&def.key).into_iter().filter(|action| may(action.permission())).map(|action| {
                ActionView {
                    name: action.name().to_string(),
                    label: action.label().to_string(),
                    icon: action.icon().to_string(),
                    input: action.input(&meta.schema),
                    primary: action.primary(),
                    many: action.many(),
                    when: action.when().map(str::to_string),
                }
            });
        let conditions = self.core().conditions.of(&def.key).into_iter().map(|condition| ConditionView {
            name: condition.name().to_string(),
            label: condition.label().to_string(),
            input: condition.input(&meta.schema),
        });
        let inverses = meta.schema.pointing_at(&def.key).filter(|(from, field)| {
            points(field) && guard.may_some(from, Op::Read) && guard.field_access(from, field.id) != FieldAccess::Hidden
        });
        let inverses = inverses.filter_map(|(from, field)| {
            let inverse = field.inverse.as_ref()?;
            Some(InverseView {
                key: inverse.key.clone(),
                label: inverse.label.clone(),
                object: from.key.clone(),
                field: field.key.clone(),
            })
        });
        ObjectView {
            object: ObjectDef { fields: Vec::new(), ..ObjectDef::clone(def) },
            fields: fields.collect(),
            permissions,
            actions: actions.collect(),
            conditions: conditions.collect(),
            inverses: inverses.collect(),
        }
    }
}
