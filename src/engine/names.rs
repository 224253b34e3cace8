//! Names of actors, looked up when they are shown: the journal holds ids, so whoever is erased has a name nowhere.

use std::sync::Arc;

use kith_base::RecordId;
use kith_model::Value;

use crate::{
    Actor, ActorKind,
    auth::directory::text,
    engine::Core,
    pipeline::head::{ActorStamp, Head},
    system::ids,
};

impl Core {
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
