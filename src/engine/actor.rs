//! Who acts. Refuses to decide anything: that is `access::decide`, given an actor.

use std::sync::{Arc, OnceLock};

use kith_base::RecordId;
use serde::{Deserialize, Serialize};

use crate::{
    access::{Role, Scope},
    record::SYSTEM_ID,
};

/// What sort of actor; stored in journal entries, so append new ones at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    System,
    User,
    Token,
    Cli,
    Workflow,
    Plugin,
    Form,
}

/// Who acts, with everything a decision needs. Made by `auth` from a session or token, valid for one request: long-lived readers ask
/// for a fresh one with `Engine::refresh`.
#[derive(Clone, Debug)]
pub struct Actor {
    pub kind: ActorKind,
    /// Record of the user or token; zeroes for the system and the command line.
    pub id: RecordId,
    /// The user behind the actor, where there is one: whose records are "own".
    pub user: Option<RecordId>,
    pub name: String,
    pub teams: Vec<RecordId>,
    /// Users who share a team with this one, itself included, sorted.
    pub peers: Arc<[RecordId]>,
    pub role: Arc<Role>,
    /// None: everything the role allows. Some: only what these name, and never more than the role.
    pub scopes: Option<Vec<Scope>>,
}

impl Actor {
    /// The program itself: seeds, sessions, upkeep. Not bound by roles.
    pub fn system() -> Actor {
        Actor::unbound(ActorKind::System, "Kith")
    }

    /// Someone with the key at the command line: an administrator without a user.
    pub fn cli() -> Actor {
        Actor::unbound(ActorKind::Cli, "Command line")
    }

    fn unbound(kind: ActorKind, name: &str) -> Actor {
        static ADMIN: OnceLock<Arc<Role>> = OnceLock::new();
        Actor {
            kind,
            id: SYSTEM_ID,
            user: None,
            name: name.to_string(),
            teams: Vec::new(),
            peers: Arc::new([]),
            role: ADMIN.get_or_init(|| Arc::new(Role::admin())).clone(),
            scopes: None,
        }
    }

    /// The program itself, which no rule binds.
    pub fn is_system(&self) -> bool {
        self.kind == ActorKind::System
    }

    /// May change users, roles, objects and fields. A token also needs the scope `admin`.
    pub fn is_admin(&self) -> bool {
        self.role.admin && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&Scope::Admin))
    }

    /// Whose name goes on what is written: the user behind the actor, else the actor. So records a person makes through a token are
    /// still their own.
    pub fn author(&self) -> RecordId {
        self.user.unwrap_or(self.id)
    }
}
