//! Tells a plugin that it was installed, or is about to go. A plugin without an interest in it is not asked.

use std::{sync::Arc, time::Duration};

use crate::{
    contract::Error,
    plugin::Plugin,
    runtime::{CallInfo, Capability, Phase},
    services::Services,
};

/// Setting up may fetch a first page of something.
const BUDGET: Duration = Duration::from_secs(30);

/// After an installation, or an upgrade from `previous`.
///
/// # Errors
/// What the plugin says, or how the call failed.
pub fn installed(services: &Arc<Services>, plugin: &Arc<Plugin>, previous: Option<&str>) -> Result<(), String> {
    if !plugin.code.has(Capability::Lifecycle) {
        return Ok(());
    }
    let info = CallInfo::new(services, Capability::Lifecycle, "installed", Phase::Doing, BUDGET);
    let answer = plugin.call(services, info, "lifecycle.installed", &(previous,), |store| {
        let guest = plugin.code.lifecycle(&mut *store)?;
        guest.kith_plugin_lifecycle().call_installed(&mut *store, previous)
    });
    answer.map_err(|e| format!("it {e}"))?.map_err(said)
}

/// Before a removal.
///
/// # Errors
/// What the plugin says, or how the call failed; the removal goes on.
pub fn removing(services: &Arc<Services>, plugin: &Arc<Plugin>) -> Result<(), String> {
    if !plugin.code.has(Capability::Lifecycle) {
        return Ok(());
    }
    let info = CallInfo::new(services, Capability::Lifecycle, "removing", Phase::Doing, BUDGET);
    let answer = plugin.call(services, info, "lifecycle.removing", &(), |store| {
        let guest = plugin.code.lifecycle(&mut *store)?;
        guest.kith_plugin_lifecycle().call_removing(&mut *store)
    });
    answer.map_err(|e| format!("it {e}"))?.map_err(said)
}

/// How the plugin says it is doing; none when it does not say.
pub fn health(services: &Arc<Services>, plugin: &Arc<Plugin>) -> Option<Result<String, String>> {
    if !plugin.code.has(Capability::Lifecycle) {
        return None;
    }
    let info = CallInfo::new(services, Capability::Lifecycle, "health", Phase::Asking, Duration::from_secs(5));
    let answer = plugin.call(services, info, "lifecycle.health", &(), |store| {
        let guest = plugin.code.lifecycle(&mut *store)?;
        guest.kith_plugin_lifecycle().call_health(&mut *store)
    });
    Some(answer.unwrap_or_else(|e| Err(format!("it {e}"))))
}

fn said(error: Error) -> String {
    match error {
        Error::NotFound => "it did not find something".into(),
        Error::Denied(what) | Error::Limit(what) | Error::Unavailable(what) | Error::Other(what) => what,
        Error::Conflict(version) => format!("a record is at version {version} by now"),
        Error::Invalid(list) => list.into_iter().map(|v| v.message).collect::<Vec<_>>().join("; "),
    }
}
