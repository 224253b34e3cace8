//! Installing and upgrading: a file is read, compiled and compared with its manifest before anything of it is kept, and nothing runs that an
//! administrator has not agreed to.

use std::{cmp::Ordering, sync::Arc};

use data_encoding::HEXLOWER;
use kith_engine::{Actor, EngineError};
use kith_model::ObjectDef;
use sha2::{Digest, Sha256};

use crate::{
    PluginError,
    inspect::inspect,
    installed::{self, Installed, State, Version},
    lifecycle,
    manifest::{
        Manifest,
        permissions::{Difference, Permission, difference, permissions},
        version_of,
    },
    package::{self, Package, WASM_BYTES_MAX},
    plugins::Plugins,
    schema::extension,
    settings::fitting,
};

/// What an administrator says to an installation beforehand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consent {
    /// Agrees to everything the manifest asks for, and enables the plugin.
    pub grant: bool,
    /// An older version than the one installed.
    pub downgrade: bool,
    /// Another author than the one who signed before, or none.
    pub author: bool,
}

/// What a file would bring, without installing it.
pub struct Offer {
    pub package: Package,
    pub sha256: String,
    pub permissions: Vec<Permission>,
    /// The version that is installed, and what would change.
    pub installed: Option<(String, Difference)>,
    /// What keeps it from being installed without further consent.
    pub refusal: Option<PluginError>,
}

impl Plugins {
    /// Reads a file as if to install it. Compiles it, and keeps nothing of it but its code.
    ///
    /// # Errors
    /// Why it cannot be installed at all.
    pub fn offer(&self, actor: &Actor, file: &[u8]) -> Result<Offer, PluginError> {
        self.allowed(actor)?;
        let (package, version) = self.read(file)?;
        self.fits(&version, file)?;
        let now = installed::find(self.engine(), package.manifest.id()).ok();
        let refusal = now.as_ref().and_then(|now| refusal(now, &version, Consent::default()).err());
        let installed = now.map(|now| {
            let before = now.granted.as_ref().unwrap_or(&now.version.manifest);
            (now.version.number().to_string(), difference(before, &package.manifest))
        });
        let permissions = permissions(&package.manifest);
        Ok(Offer { sha256: version.sha256, permissions, installed, refusal, package })
    }

    /// Installs a plugin, or another version of one. A version that asks for more than was granted waits for a grant, and the one before goes on.
    ///
    /// # Errors
    /// Why the file is no plugin, or not this one; `plugin.set_up` when it is installed and did not set itself up.
    pub fn install(self: &Arc<Self>, actor: &Actor, file: &[u8], consent: Consent) -> Result<Installed, PluginError> {
        self.allowed(actor)?;
        let (package, mut version) = self.read(file)?;
        let _turn = self.changing.lock();
        let now = match installed::find(self.engine(), package.manifest.id()) {
            Ok(now) => Some(now),
            Err(PluginError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        if let Some(now) = &now {
            refusal(now, &version, consent)?;
        }
        self.fits(&version, file)?;
        version.wasm = self.engine().files().put(&mut &file[..], WASM_BYTES_MAX as u64)?.name;
        let kept = version.clone();
        let done = match now {
            None => self.first(actor, version, consent),
            Some(now) => self.another(actor, now, version, consent),
        };
        // What was refused by then leaves nothing behind; a plugin that is installed and did not set itself up stays.
        if let Err(error) = &done
            && !matches!(error, PluginError::SetUp(..))
        {
            self.drop_files(&kept, &[]);
        }
        done
    }

    fn first(self: &Arc<Self>, actor: &Actor, version: Version, consent: Consent) -> Result<Installed, PluginError> {
        let mut plugin = Installed::new(self.engine(), version);
        let left = installed::left_settings(self.engine(), &plugin.id)?;
        plugin.settings = fitting(&plugin.version.manifest, left.as_ref());
        if !consent.grant {
            plugin.save(self.engine(), actor)?;
            return installed::find(self.engine(), &plugin.id);
        }
        plugin.granted = Some(plugin.version.manifest.clone());
        self.engine().extend_schema(actor, &extension(&plugin.version.manifest), None)?;
        plugin.save(self.engine(), actor)?;
        self.run(actor, plugin)
    }

    fn another(
        self: &Arc<Self>,
        actor: &Actor,
        mut now: Installed,
        version: Version,
        consent: Consent,
    ) -> Result<Installed, PluginError> {
        let Some(granted) = &now.granted else {
            // Nobody agreed to the one before, so there is nothing to keep of it.
            let old = std::mem::replace(&mut now.version, version);
            now.settings = fitting(&now.version.manifest, Some(&now.settings));
            now.save(self.engine(), actor)?;
            self.drop_files(&old, &[&now.version]);
            return if consent.grant { self.granted(actor, now) } else { installed::find(self.engine(), &now.id) };
        };
        if !consent.grant && difference(granted, &version.manifest).asks_for_more() {
            let old = now.pending.replace(version);
            now.save(self.engine(), actor)?;
            if let Some(old) = old {
                self.drop_files(&old, &now.versions());
            }
            return installed::find(self.engine(), &now.id);
        }
        self.switch(actor, now, version)
    }

    /// Puts another version in place of the one there is, which is kept to go back to.
    pub(crate) fn switch(
        self: &Arc<Self>,
        actor: &Actor,
        now: Installed,
        version: Version,
    ) -> Result<Installed, PluginError> {
        let mut next = now.clone();
        let adds = extension(&version.manifest);
        self.engine().extend_schema(actor, &adds, Some(&extension(&now.version.manifest)))?;
        next.granted = Some(version.manifest.clone());
        next.settings = fitting(&version.manifest, Some(&now.settings));
        next.pending = None;
        // The same again, as while it is being written, is nothing to go back to.
        if now.version.sha256 != version.sha256 {
            next.previous = Some(now.version.clone());
        }
        next.version = version;
        next.message.clear();
        next.save(self.engine(), actor)?;
        let keeps = next.versions();
        for old in now.versions() {
            if !keeps.iter().any(|kept| kept.wasm == old.wasm) {
                self.drop_files(old, &keeps);
            }
        }
        if next.state == State::Disabled { installed::find(self.engine(), &next.id) } else { self.run(actor, next) }
    }

    /// Agrees to what a version that nobody agreed to yet asks for, and runs it.
    pub(crate) fn granted(self: &Arc<Self>, actor: &Actor, mut plugin: Installed) -> Result<Installed, PluginError> {
        self.engine().extend_schema(actor, &extension(&plugin.version.manifest), None)?;
        plugin.granted = Some(plugin.version.manifest.clone());
        plugin.save(self.engine(), actor)?;
        self.run(actor, plugin)
    }

    /// Loads it, tells it once that it is installed, and notes how that went.
    pub(crate) fn run(self: &Arc<Self>, actor: &Actor, mut plugin: Installed) -> Result<Installed, PluginError> {
        let loaded = match self.load(&plugin) {
            Ok(loaded) => loaded,
            Err(error) => {
                (plugin.state, plugin.message) = (State::Failed, error.to_string());
                plugin.save(self.engine(), actor)?;
                return Err(error);
            }
        };
        let number = plugin.version.number().to_string();
        if plugin.told != number {
            let before = (!plugin.told.is_empty()).then_some(plugin.told.as_str());
            if let Err(said) = lifecycle::installed(&self.services, &loaded, before) {
                self.unload(&plugin.id);
                (plugin.state, plugin.message) = (State::Disabled, format!("setting up failed: {said}"));
                plugin.save(self.engine(), actor)?;
                return Err(PluginError::SetUp(plugin.id, said));
            }
            plugin.told = number;
        }
        (plugin.state, plugin.message) = (State::Enabled, String::new());
        plugin.save(self.engine(), actor)?;
        installed::find(self.engine(), &plugin.id)
    }

    fn read(&self, file: &[u8]) -> Result<(Package, Version), PluginError> {
        let package = package::read(file)?;
        self.forbidden(&package.manifest)?;
        let version = Version {
            manifest: package.manifest.clone(),
            sha256: HEXLOWER.encode(&Sha256::digest(file)),
            size_bytes: file.len() as u64,
            author: package.author.map_or_else(String::new, |key| HEXLOWER.encode(&key)),
            texts: package.texts.clone(),
            wasm: String::new(),
        };
        Ok((package, version))
    }

    /// Compiles it and compares it with its manifest.
    fn fits(&self, version: &Version, file: &[u8]) -> Result<(), PluginError> {
        let component = self.compiled(&version.sha256, file)?;
        Ok(inspect(&self.services, &self.runtime()?, &component, &version.manifest)?)
    }

    /// What no plugin may ask for, whatever an administrator agrees to.
    fn forbidden(&self, manifest: &Manifest) -> Result<(), PluginError> {
        let schema = self.engine().schema();
        let known = |key: &str| schema.object(key).cloned();
        for key in manifest.records.keys().filter(|key| !manifest.objects.contains_key(*key)) {
            // Sign-ins and secrets, its own included, are nobody's records.
            let closed = |object: &ObjectDef| {
                object.system && !matches!(object.key.as_str(), "users" | "teams" | "settings" | "views")
            };
            if known(key).is_some_and(|object| closed(&object)) {
                return Err(PluginError::Forbidden(format!("[records] '{key}' is not open to plugins")));
            }
        }
        let hooks = manifest.hooks.before_save.iter().flat_map(|hook| &hook.objects);
        let events = manifest.events.iter().flat_map(|events| &events.objects);
        for key in hooks.chain(events).filter(|key| !manifest.objects.contains_key(*key)) {
            if known(key).is_some_and(|object| object.system) {
                let said =
                    format!("'{key}' is an administration object; plugins have no say in it and do not hear of it");
                return Err(PluginError::Forbidden(said));
            }
        }
        Ok(())
    }

    /// # Errors
    /// `access.denied` for all but administrators.
    pub fn allowed(&self, actor: &Actor) -> Result<(), PluginError> {
        if actor.is_admin() {
            return Ok(());
        }
        let said = "only an administrator may see and change plugins; ask one";
        Err(EngineError::AccessDenied(said.into()).into())
    }
}

impl Installed {
    /// Every version whose file is kept.
    pub(crate) fn versions(&self) -> Vec<&Version> {
        [Some(&self.version), self.previous.as_ref(), self.pending.as_ref()].into_iter().flatten().collect()
    }
}

/// What speaks against this version in place of the one there is.
fn refusal(now: &Installed, version: &Version, consent: Consent) -> Result<(), PluginError> {
    if !now.version.author.is_empty() && version.author != now.version.author && !consent.author {
        let pinned = now.version.author.chars().take(16).collect();
        return Err(PluginError::Author(now.id.clone(), pinned));
    }
    let (older, current) = (version.number(), now.version.number());
    if version_of(older).cmp(&version_of(current)) == Ordering::Less && !consent.downgrade {
        return Err(PluginError::Downgrade { id: now.id.clone(), now: current.into(), older: older.into() });
    }
    Ok(())
}
