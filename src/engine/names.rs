//! Names of actors, looked up when they are shown: the journal holds ids, so whoever is erased has a name nowhere.

use std::{collections::HashMap, sync::Arc};

use kith_base::RecordId;
use kith_model::Value;

use crate::{
    Actor, ActorKind,
    auth::directory::text,
    engine::Core,
    pipeline::head::{ActorStamp, Head},
    system::ids,
};

/// Names looked up so far: lists name the same few actors again and again.
pub(crate) struct Names<'a> {
    core: &'a Core,
    known: HashMap<(ActorKind, RecordId), String>,
}

impl Names<'_> {
    /// The items with the names of their actors.
    pub fn fill<T>(&mut self, mut items: Vec<T>, actor: impl Fn(&mut T) -> &mut ActorStamp) -> Vec<T> {
        for item in &mut items {
            let stamp = actor(item);
            let name = self.known.entry((stamp.kind, stamp.id)).or_insert_with(|| self.core.named(stamp).name);
            stamp.name.clone_from(name);
        }
        items
    }
}

impl Core {
    pub(crate) fn names(&self) -> Names<'_> {
        Names { core: self, known: HashMap::new() }
    }

    /// The actor with its name as it is now; empty for one who is erased.
    pub(crate) fn named(&self, stamp: &ActorStamp) -> ActorStamp {
        let name = match stamp.kind {
            ActorKind::System => Actor::system().name,
            ActorKind::Cli => Actor::cli().name,
            ActorKind::User => self.name_in(ids::users::OBJECT, ids::users::NAME, stamp.id).unwrap_or_default(),
            ActorKind::Token => self.token_name(stamp.id).unwrap_or_default(),
            ActorKind::Workflow | ActorKind::Plugin | ActorKind::Form => stamp.name.clone(),
        };
        ActorStamp { name, ..stamp.clone() }
    }

    /// The head with its actor's name.
    pub(crate) fn with_name(&self, mut head: Head) -> Head {
        head.actor = Arc::new(self.named(&head.actor));
        head
    }

    fn name_in(&self, object: u32, field: u32, id: RecordId) -> Option<String> {
        self.image.get_of(object, id).map(|record| text(record.values.get(field)))
    }

    /// What the token is called, and whose it is.
    fn token_name(&self, id: RecordId) -> Option<String> {
        let token = self.image.get_of(ids::tokens::OBJECT, id)?;
        let name = text(token.values.get(ids::tokens::NAME));
        let Value::Link(user) = token.values.get(ids::tokens::USER) else { return Some(name) };
        let user = self.name_in(ids::users::OBJECT, ids::users::NAME, *user).unwrap_or_default();
        Some(format!("{name} ({user})"))
    }
}
