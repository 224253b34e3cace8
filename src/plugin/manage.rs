//! What an administrator does with an installed plugin: grant, enable, disable, roll back, remove.

use std::sync::Arc;

use kith_engine::Actor;

use crate::{
    PluginError, backfill, delivery, dropping,
    installed::{self, Installed, State},
    lifecycle,
    plugins::Plugins,
    trace,
};

impl Plugins {
    /// Agrees to what the plugin asks for: to the version that waits, where one does, else to the one installed. Runs it.
    ///
    /// # Errors
    /// `plugin.not_found`, `plugin.nothing_pending`, and what keeps it from running.
    pub fn grant(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let mut plugin = installed::find(self.engine(), id)?;
        match (plugin.pending.take(), &plugin.granted) {
            (Some(version), _) => self.switch(actor, plugin, version),
            (None, None) => self.granted(actor, plugin),
            (None, Some(_)) => Err(PluginError::NothingPending(id.into())),
        }
    }

    /// Drops the version that waits for a grant.
    ///
    /// # Errors
    /// `plugin.not_found`, `plugin.nothing_pending`.
    pub fn decline(&self, actor: &Actor, id: &str) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let mut plugin = installed::find(self.engine(), id)?;
        let version = plugin.pending.take().ok_or_else(|| PluginError::NothingPending(id.into()))?;
        plugin.save(self.engine(), actor)?;
        self.drop_files(&version, &plugin.versions());
        Ok(plugin)
    }

    /// # Errors
    /// `plugin.not_found`, `plugin.ungranted`, and what keeps it from running.
    pub fn enable(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let plugin = installed::find(self.engine(), id)?;
        if plugin.granted.is_none() {
            return Err(PluginError::Ungranted(id.into()));
        }
        if plugin.state == State::Enabled && self.get(id).is_some() {
            return Ok(plugin);
        }
        self.run(actor, plugin)
    }

    /// Its data and its fields stay.
    ///
    /// # Errors
    /// `plugin.not_found`
    pub fn disable(&self, actor: &Actor, id: &str) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let mut plugin = installed::find(self.engine(), id)?;
        self.unload(id);
        (plugin.state, plugin.message) = (State::Disabled, String::new());
        plugin.save(self.engine(), actor)?;
        Ok(plugin)
    }

    /// Goes back to the version before; the one that ran becomes the one to go back to.
    ///
    /// # Errors
    /// `plugin.not_found`, `plugin.no_previous`, and what keeps it from running.
    pub fn roll_back(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let plugin = installed::find(self.engine(), id)?;
        let version = plugin.previous.clone().ok_or_else(|| PluginError::NoPrevious(id.into()))?;
        self.switch(actor, plugin, version)
    }

    /// Takes a plugin away. With `keep` everything it holds stays: its fields become the administrators' own, and a later installation finds
    /// settings, secrets and values again. Without, what its fields hold is cleared, in the trash too, and the records of its objects, its
    /// secrets, values, jobs and failures are erased for good. The history of other records keeps the old values of its fields.
    ///
    /// # Errors
    /// `plugin.not_found`; `erase.blocked` when records that stay need some of its own; what the store says. It runs on then as before.
    pub fn remove(self: &Arc<Self>, actor: &Actor, id: &str, keep: bool) -> Result<(), PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let mut plugin = installed::find(self.engine(), id)?;
        let loaded = self.get(id);
        if let Some(loaded) = &loaded
            && let Err(said) = lifecycle::removing(&self.services, loaded)
        {
            tracing::warn!(plugin = %id, said, "a plugin could not tidy up before its removal");
        }
        self.unload(id);
        if !keep {
            // What a call under way still writes is to go too.
            self.watch(id).wait_for_calls();
            if let Err(error) = dropping::drop_data(self.engine(), actor, &plugin) {
                if loaded.is_some() {
                    self.load(&plugin)?;
                }
                return Err(error.into());
            }
            plugin.settings = serde_json::json!({});
        }
        trace::forget(&self.services, id)?;
        self.engine().retract_schema(actor, id, keep)?;
        // A later installation hears of what happens then, and works out its fields anew.
        for name in [delivery::cursor(id), backfill::cursor(id)] {
            self.engine().set_cursor(&name, 0)?;
        }
        let files: Vec<_> = plugin.versions().into_iter().cloned().collect();
        plugin.delete(self.engine(), actor)?;
        for version in &files {
            self.drop_files(version, &[]);
        }
        self.forget_watch(id);
        Ok(())
    }
}
