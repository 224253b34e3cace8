//! The plugins that are loaded at this moment, in the order in which they have their say.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::plugin::Plugin;

#[derive(Default)]
pub struct Loaded(RwLock<Arc<Vec<Arc<Plugin>>>>);

impl Loaded {
    pub fn all(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.0.read().clone()
    }

    pub fn get(&self, id: &str) -> Option<Arc<Plugin>> {
        self.0.read().iter().find(|plugin| plugin.id == id).cloned()
    }

    /// Puts one in, in place of an earlier one with its id.
    pub fn put(&self, plugin: Plugin) -> Arc<Plugin> {
        let plugin = Arc::new(plugin);
        self.change(|all| {
            all.retain(|other| other.id != plugin.id);
            all.push(plugin.clone());
        });
        plugin
    }

    pub fn take(&self, id: &str) {
        self.change(|all| all.retain(|plugin| plugin.id != id));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Plugin>>)) {
        let mut place = self.0.write();
        let mut all = place.to_vec();
        change(&mut all);
        let priority = |plugin: &Plugin| plugin.manifest.hooks.before_save.as_ref().map_or(0, |hook| hook.priority);
        all.sort_by(|a, b| priority(a).cmp(&priority(b)).then_with(|| a.id.cmp(&b.id)));
        *place = Arc::new(all);
    }
}
