//! Users and roles, ready for decisions: what each request needs is kept in memory and made anew after a change. Refuses to outlive one:
//! what was made before a change is not given out after it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use kith_base::RecordId;
use kith_model::Value;
use parking_lot::Mutex;

use crate::{
    Actor, ActorKind, Record,
    access::{Grants, Role},
    image::Image,
    system::ids,
};

/// A user who may act.
#[derive(Clone)]
pub struct Known {
    pub actor: Arc<Actor>,
    /// Sessions of an earlier epoch have ended.
    pub epoch: i64,
}

/// Actors and roles by record id, each with the count of changes it was made at.
#[derive(Default)]
pub struct Directory {
    /// Grows with every change of users, teams, roles or schema.
    changes: AtomicU64,
    /// Grows with every change of roles or schema: compiled rules outlive changes of users.
    role_changes: AtomicU64,
    users: Mutex<HashMap<RecordId, (u64, Known)>>,
    roles: Mutex<HashMap<RecordId, (u64, Arc<Role>)>>,
}

impl Directory {
    /// To be called after a change of records of `object` reached the image and before it is acknowledged.
    pub fn changed(&self, object: u32) {
        match object {
            ids::users::OBJECT | ids::teams::OBJECT => self.forget(false),
            ids::roles::OBJECT | ids::objects::OBJECT | ids::fields::OBJECT => self.forget(true),
            _ => {}
        }
    }

    /// Forgets actors, and roles with their compiled rules where `roles` says so.
    pub fn forget(&self, roles: bool) {
        if roles {
            self.role_changes.fetch_add(1, Ordering::SeqCst);
            self.roles.lock().clear();
        }
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.users.lock().clear();
    }

    /// The actor of a user; none when there is no such user, or it is disabled or in the trash.
    pub fn actor(&self, image: &Image, user: RecordId) -> Option<Arc<Actor>> {
        self.known(image, user).map(|known| known.actor)
    }

    /// The same, with what its sessions depend on.
    pub fn known(&self, image: &Image, user: RecordId) -> Option<Known> {
        // Read before the records: an actor made from older ones must not pass for a newer one.
        let now = self.changes.load(Ordering::SeqCst);
        if let Some((_, known)) = self.users.lock().get(&user).filter(|(made, _)| *made == now) {
            return Some(known.clone());
        }
        let record = usable_user(image, user)?;
        let teams = links(record.values.get(ids::users::TEAMS));
        let role = match record.values.get(ids::users::ROLE) {
            Value::Link(role) => self.role(image, *role),
            _ => Arc::new(Role::nothing(user)),
        };
        let actor = Arc::new(Actor {
            kind: ActorKind::User,
            id: user,
            user: Some(user),
            name: text(record.values.get(ids::users::NAME)),
            peers: peers(image, user, &teams),
            teams,
            role,
            scopes: None,
        });
        let known = Known { actor, epoch: whole(record.values.get(ids::users::SESSION_EPOCH)) };
        self.users.lock().insert(user, (now, known.clone()));
        Some(known)
    }

    /// The role of a record; one that is gone or cannot be read gives nothing.
    pub fn role(&self, image: &Image, id: RecordId) -> Arc<Role> {
        let now = self.role_changes.load(Ordering::SeqCst);
        if let Some((_, role)) = self.roles.lock().get(&id).filter(|(made, _)| *made == now) {
            return role.clone();
        }
        let record = image.get_of(ids::roles::OBJECT, id).filter(|record| !record.trashed);
        let role = Arc::new(record.map_or_else(|| Role::nothing(id), |record| role_of(&record)));
        self.roles.lock().insert(id, (now, role.clone()));
        role
    }
}

/// A user's record, if it may act: not in the trash and not disabled.
pub fn usable_user(image: &Image, id: RecordId) -> Option<Record> {
    let record = image.get_of(ids::users::OBJECT, id)?;
    let usable = !record.trashed && record.values.get(ids::users::DISABLED) != &Value::Bool(true);
    usable.then_some(record)
}

/// The role that a record of `roles` describes.
pub fn role_of(record: &Record) -> Role {
    let values = &record.values;
    let admin = values.get(ids::roles::ADMIN) == &Value::Bool(true);
    let grants = match values.get(ids::roles::GRANTS) {
        Value::Json(json) => serde_json::from_str::<Grants>(json).unwrap_or_else(|error| {
            tracing::warn!(role = %record.id, %error, "a role's grants cannot be read and give no access; mend the role");
            Grants::default()
        }),
        _ => Grants::default(),
    };
    let (key, name) = (text(values.get(ids::roles::KEY)), text(values.get(ids::roles::NAME)));
    let second_factor = values.get(ids::roles::SECOND_FACTOR) == &Value::Bool(true);
    let mut role = Role::new(record.id, &key, &name, admin, grants);
    role.second_factor = second_factor;
    role
}

/// Users who share a team with `user`, itself included, sorted and each once.
fn peers(image: &Image, user: RecordId, teams: &[RecordId]) -> Arc<[RecordId]> {
    let members = teams.iter().flat_map(|team| image.pointing_at(*team));
    let users = members.filter(|(object, field, _)| (*object, *field) == (ids::users::OBJECT, ids::users::TEAMS));
    let mut peers: Vec<RecordId> = users.map(|(_, _, id)| id).chain([user]).collect();
    peers.sort_unstable();
    peers.dedup();
    peers.into()
}

pub fn text(value: &Value) -> String {
    if let Value::Text(text) = value { text.clone() } else { String::new() }
}

/// A whole number; 0 where there is none.
pub fn whole(value: &Value) -> i64 {
    if let Value::Int(number) = value { *number } else { 0 }
}

fn links(value: &Value) -> Vec<RecordId> {
    match value {
        Value::Links(ids) => ids.clone(),
        Value::Link(id) => vec![*id],
        _ => Vec::new(),
    }
}
