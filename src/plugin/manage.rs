//! What an administrator does with an installed plugin: grant, enable, disable, roll back, remove.

use std::sync::Arc;

use kith_base::limits::BATCH_OPS_MAX;
use kith_engine::{Actor, Command, EngineError, Fields, Query};
use kith_model::Value;

use crate::{
    PluginError,
    installed::{self, Installed, State, write},
    lifecycle,
    plugins::Plugins,
};

/// Records of the host that name the plugin they are for.
const OWN: [&str; 3] = ["plugin_values", "plugin_jobs", "plugin_failures"];

/// Records looked at together.
const PAGE: usize = 500;

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
    /// settings, secrets and values again. Without, its fields and the records of its objects go to the trash, the rest is cleared.
    ///
    /// # Errors
    /// `plugin.not_found`; what the store says.
    pub fn remove(&self, actor: &Actor, id: &str, keep: bool) -> Result<(), PluginError> {
        self.allowed(actor)?;
        let _turn = self.changing.lock();
        let mut plugin = installed::find(self.engine(), id)?;
        if let Some(loaded) = self.get(id)
            && let Err(said) = lifecycle::removing(&self.services, &loaded)
        {
            tracing::warn!(plugin = %id, said, "a plugin could not tidy up before its removal");
        }
        self.unload(id);
        if !keep {
            self.drop_data(actor, &plugin)?;
            plugin.settings = serde_json::json!({});
        }
        self.engine().retract_schema(actor, id, keep)?;
        let files: Vec<_> = plugin.versions().into_iter().cloned().collect();
        plugin.delete(self.engine(), actor)?;
        for version in &files {
            self.drop_files(version, &[]);
        }
        self.forget_watch(id);
        Ok(())
    }

    fn drop_data(&self, actor: &Actor, plugin: &Installed) -> Result<(), EngineError> {
        let engine = self.engine();
        for name in plugin.version.manifest.secrets.keys() {
            if installed::secret(engine, &plugin.id, name).is_some() {
                installed::set_secret(engine, actor, &plugin.id, name, None)?;
            }
        }
        let mine = format!("plugin == \"{}\"", plugin.id);
        for object in OWN {
            self.trash(actor, plugin, object, Some(&mine), object == "plugin_values")?;
        }
        for key in plugin.version.manifest.objects.keys() {
            let key = plugin.version.manifest.object_key(key);
            if engine.schema().object(&key).is_some() {
                self.trash(actor, plugin, &key, None, false)?;
            }
        }
        Ok(())
    }

    /// Puts records into the trash, page by page; `clear` takes their value away first.
    fn trash(
        &self,
        actor: &Actor,
        plugin: &Installed,
        object: &str,
        filter: Option<&str>,
        clear: bool,
    ) -> Result<(), EngineError> {
        loop {
            let query =
                Query { filter: filter.map(str::to_string), ..Query::of(object).limit(PAGE.min(BATCH_OPS_MAX / 2)) };
            let page = self.engine().query(&Actor::system(), &query)?;
            if page.records.is_empty() {
                return Ok(());
            }
            let mut commands = Vec::new();
            for record in &page.records {
                if clear {
                    let values = Fields::Parsed(vec![("value".into(), Value::Null)]);
                    commands.push(Command::Update { object: object.into(), id: record.id, version: None, values });
                }
                commands.push(Command::Delete { object: object.into(), id: record.id, version: None });
            }
            write(self.engine(), actor, &plugin.id, commands)?;
        }
    }
}
