//! A role's grants, compiled once per object and kept with the role. Thrown away with it: a changed role or schema makes new roles.

use std::{collections::HashMap, fmt, sync::Arc};

use kith_base::RecordId;
use kith_model::{FieldDef, ObjectDef};
use parking_lot::Mutex;

use super::{
    FieldAccess, Op, Reach, Role,
    decide::{self, Restriction},
};

/// Compiled team rules kept per object: one per set of colleagues. Beyond it the set starts again.
const TEAMS_MAX: usize = 64;

/// Compiled rules of one role, by object number.
#[derive(Default)]
pub(super) struct RuleCache(Mutex<HashMap<u32, Arc<ObjectRules>>>);

impl fmt::Debug for RuleCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a role's grants mean for one definition of an object.
pub struct ObjectRules {
    object: Arc<ObjectDef>,
    /// The object without the fields hidden from this role.
    pub known: Arc<ObjectDef>,
    /// `known` without secrets, which can be written where allowed and never compared with anything.
    pub seen: Arc<ObjectDef>,
    /// Numbers of the fields that may not be read, sorted.
    hidden: Vec<u32>,
    /// Numbers of the fields that may be read and not written, sorted.
    read_only: Vec<u32>,
    own: Restriction,
    rules: HashMap<String, Restriction>,
    teams: Mutex<HashMap<Arc<[RecordId]>, Restriction>>,
}

impl ObjectRules {
    fn compile(role: &Role, object: &Arc<ObjectDef>) -> ObjectRules {
        let (mut hidden, mut read_only) = (Vec::new(), Vec::new());
        for field in &object.fields {
            match decide::role_field_access(role, object, field) {
                FieldAccess::Hidden => hidden.push(field.id),
                FieldAccess::Read => read_only.push(field.id),
                FieldAccess::Write => {}
            }
        }
        hidden.sort_unstable();
        read_only.sort_unstable();
        let grant = decide::grant(role, object);
        let rules = Op::ALL.iter().filter_map(|op| match grant.reach(*op) {
            Reach::Rule(cel) => Some((cel.clone(), decide::compiled(cel, object))),
            _ => None,
        });
        ObjectRules {
            known: keep(object, &|field| hidden.binary_search(&field.id).is_err()),
            seen: keep(object, &|field| hidden.binary_search(&field.id).is_err() && field.kind != "secret"),
            own: decide::compiled(&decide::own(object), object),
            rules: rules.collect(),
            teams: Mutex::default(),
            object: object.clone(),
            hidden,
            read_only,
        }
    }

    pub fn field_access(&self, field: u32) -> FieldAccess {
        if self.hidden.binary_search(&field).is_ok() {
            FieldAccess::Hidden
        } else if self.read_only.binary_search(&field).is_ok() {
            FieldAccess::Read
        } else {
            FieldAccess::Write
        }
    }

    /// Numbers of the fields that may not be read, sorted.
    pub fn hidden(&self) -> &[u32] {
        &self.hidden
    }

    pub(super) fn own(&self) -> Restriction {
        self.own.clone()
    }

    pub(super) fn rule(&self, cel: &str) -> Restriction {
        self.rules.get(cel).cloned().unwrap_or_else(|| decide::compiled(cel, &self.object))
    }

    pub(super) fn team(&self, peers: &Arc<[RecordId]>) -> Restriction {
        let mut teams = self.teams.lock();
        if let Some(known) = teams.get(peers) {
            return known.clone();
        }
        if teams.len() >= TEAMS_MAX {
            teams.clear();
        }
        let made = decide::team(&self.object, peers);
        teams.insert(peers.clone(), made.clone());
        made
    }
}

impl RuleCache {
    /// The rules for `object`, compiled on first use and again when the definition is another one.
    pub(super) fn of(&self, role: &Role, object: &Arc<ObjectDef>) -> Arc<ObjectRules> {
        if let Some(known) = self.0.lock().get(&object.id).filter(|known| Arc::ptr_eq(&known.object, object)) {
            return known.clone();
        }
        // Compiled outside the lock: two threads may do it twice, none waits for a parser.
        let made = Arc::new(ObjectRules::compile(role, object));
        self.0.lock().insert(object.id, made.clone());
        made
    }
}

/// The object with only some of its fields; the same one when those are all.
fn keep(object: &Arc<ObjectDef>, kept: &dyn Fn(&FieldDef) -> bool) -> Arc<ObjectDef> {
    if object.fields.iter().all(kept) {
        return object.clone();
    }
    let mut less = ObjectDef::clone(object);
    less.fields.retain(kept);
    Arc::new(less)
}
