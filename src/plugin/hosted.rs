//! The plugins at work and what they work with, as the layers above hold them. Decides nothing itself.

use std::sync::Arc;

use crate::{asking::AskError, panels::Seal, plugin::Plugin, services::Services, set::Loaded};

/// Cheap to clone.
#[derive(Clone)]
pub struct Hosted {
    pub services: Arc<Services>,
    pub loaded: Arc<Loaded>,
    pub(crate) seal: Arc<Seal>,
}

impl Hosted {
    /// Also makes the plugins' conditions known to the engine.
    pub fn new(services: Arc<Services>, loaded: Arc<Loaded>) -> Hosted {
        let conditions = crate::conditions::Conditions::new(services.clone(), loaded.clone());
        services.engine.add_conditions(Arc::new(conditions));
        Hosted { services, loaded, seal: Arc::new(Seal::fresh()) }
    }

    /// # Errors
    /// `NoPlugin`
    pub fn plugin(&self, id: &str) -> Result<Arc<Plugin>, AskError> {
        self.loaded.get(id).ok_or_else(|| AskError::NoPlugin(id.chars().take(60).collect()))
    }
}
