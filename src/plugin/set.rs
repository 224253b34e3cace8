//! The plugins that are loaded at this moment, in the order in which they have their say.

use std::{sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::watch;

use crate::plugin::Plugin;

/// How long a save waits for plugins that are loaded after a start. Compiling them anew, after an upgrade of Kith, takes longest.
const LOADING_MAX: Duration = Duration::from_secs(60);

pub struct Loaded {
    all: RwLock<Arc<Vec<Arc<Plugin>>>>,
    /// Those that were enabled at the start are not all loaded yet.
    loading: Mutex<bool>,
    ready: Condvar,
    changed: watch::Sender<u64>,
}

impl Default for Loaded {
    fn default() -> Loaded {
        Loaded {
            all: RwLock::default(),
            loading: Mutex::new(false),
            ready: Condvar::new(),
            changed: watch::Sender::new(0),
        }
    }
}

impl Loaded {
    pub fn all(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.all.read().clone()
    }

    pub fn get(&self, id: &str) -> Option<Arc<Plugin>> {
        self.all.read().iter().find(|plugin| plugin.id == id).cloned()
    }

    /// A number that changes whenever a plugin comes, goes or is loaded anew.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// From now on saves wait, until `loaded`: a rule must not be missed because its plugin was a moment late.
    pub(crate) fn loading(&self) {
        *self.loading.lock() = true;
    }

    pub(crate) fn loaded(&self) {
        *self.loading.lock() = false;
        self.ready.notify_all();
    }

    pub(crate) fn is_loading(&self) -> bool {
        *self.loading.lock()
    }

    /// Waits for the plugins of the start. Blocks.
    pub(crate) fn wait(&self) {
        let mut loading = self.loading.lock();
        if *loading {
            self.ready.wait_while_for(&mut loading, |loading| *loading, LOADING_MAX);
        }
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
        let mut place = self.all.write();
        let mut all = place.to_vec();
        change(&mut all);
        let priority = |plugin: &Plugin| plugin.manifest.hooks.before_save.as_ref().map_or(0, |hook| hook.priority);
        all.sort_by(|a, b| priority(a).cmp(&priority(b)).then_with(|| a.id.cmp(&b.id)));
        *place = Arc::new(all);
        drop(place);
        self.changed.send_modify(|number| *number += 1);
    }
}
