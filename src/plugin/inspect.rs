//! Whether a component is what its manifest says: every capability that it exports has its section and the other way round, it imports nothing
//! but the contract and nothing its manifest does not ask for, and it starts. Says everything that does not fit at once.

use std::{sync::Arc, time::Duration};

use kith_engine::Actor;
use wasmtime::component::Component;

use crate::{
    manifest::Manifest,
    plugin::{Plugin, memory_bytes},
    runtime::{CallInfo, Capability, Code, Phase, Runtime, call::enter},
    services::Services,
    watch::Watch,
};

/// Starting a guest takes microseconds for Rust and some milliseconds for an interpreter.
const START_WITHIN: Duration = Duration::from_secs(2);

const PACKAGE: &str = "kith:plugin/";

/// Why a component is not installed. The message is one sentence per fault.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error("{}", .0.join("; "))]
    Misfit(Vec<String>),
    #[error("the component cannot be linked: {0}; build it with the contract of this Kith")]
    Link(String),
    #[error("the component does not start: it {0}")]
    Start(String),
}

/// Compares a component with its manifest and starts it once.
///
/// # Errors
/// What does not fit.
pub fn inspect(
    services: &Arc<Services>,
    runtime: &Arc<Runtime>,
    component: &Component,
    manifest: &Manifest,
) -> Result<(), InspectError> {
    let misfits = imports(runtime, component, manifest);
    if !misfits.is_empty() {
        return Err(InspectError::Misfit(misfits));
    }
    let code = Code::link(runtime, component).map_err(|e| InspectError::Link(e.root_cause().to_string()))?;
    let misfits = exports(&code.capabilities(), manifest);
    if !misfits.is_empty() {
        return Err(InspectError::Misfit(misfits));
    }
    start(services, code, manifest)
}

/// Imports that are not the contract's, or not asked for.
fn imports(runtime: &Arc<Runtime>, component: &Component, manifest: &Manifest) -> Vec<String> {
    let mut misfits = Vec::new();
    for (name, _) in component.component_type().imports(&runtime.engine) {
        let Some(interface) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split('@').next()) else {
            misfits.push(format!("it imports '{name}', which no plugin may have; build it without WASI"));
            continue;
        };
        if let Some(section) = lacking(manifest, interface) {
            misfits.push(format!("it imports {interface}, and plugin.toml does not ask for it: add {section}"));
        }
    }
    misfits
}

/// The section that an import needs and the manifest lacks.
fn lacking(manifest: &Manifest, interface: &str) -> Option<&'static str> {
    let hooks = manifest.hooks.before_save.is_some() || manifest.events.is_some();
    let reads = hooks || !manifest.records.is_empty() || !manifest.fields.is_empty() || !manifest.objects.is_empty();
    match interface {
        "records" if !reads => Some("[records]"),
        "http" if manifest.http.is_none() => Some("[http]"),
        "kv" if manifest.kv.is_none() => Some("[kv]"),
        "secrets" if !manifest.secrets.values().any(|secret| secret.reveal) => {
            Some("[secrets.<name>] with reveal = true")
        }
        "outbox" if manifest.outbox.is_none() && manifest.jobs.is_empty() => Some("[outbox] or [jobs.<name>]"),
        "blobs" if manifest.blobs.is_none() && manifest.importers.is_empty() => Some("[blobs]"),
        _ => None,
    }
}

/// Capabilities without a section, and sections without a capability.
fn exports(found: &[Capability], manifest: &Manifest) -> Vec<String> {
    let asked = |capability: Capability| match capability {
        Capability::Lifecycle => None,
        Capability::BeforeSave => Some((manifest.hooks.before_save.is_some(), "[hooks.before-save]")),
        Capability::AfterCommit => Some((manifest.events.is_some(), "[events]")),
        Capability::Computed => Some((manifest.computed().next().is_some(), "a field with computed = [..]")),
        Capability::Actions => Some((!manifest.actions.is_empty(), "[actions.<name>]")),
        Capability::Conditions => Some((!manifest.conditions.is_empty(), "[conditions.<name>]")),
        Capability::Endpoints => Some((!manifest.endpoints.is_empty(), "[endpoints.<name>]")),
        Capability::Jobs => Some((!manifest.jobs.is_empty(), "[jobs.<name>]")),
        Capability::Panels => Some((!manifest.panels.is_empty(), "[panels.<name>]")),
        Capability::Importers => Some((!manifest.importers.is_empty(), "[importers.<name>]")),
    };
    let mut misfits = Vec::new();
    for capability in Capability::ALL {
        let Some((asked, section)) = asked(capability) else { continue };
        match (found.contains(&capability), asked) {
            (true, false) => {
                misfits.push(format!("it exports {}, and plugin.toml has no {section}", capability.name()));
            }
            (false, true) => {
                misfits.push(format!(
                    "plugin.toml has {section}, and the component does not export {}",
                    capability.name()
                ));
            }
            _ => {}
        }
    }
    misfits
}

fn start(services: &Arc<Services>, code: Code, manifest: &Manifest) -> Result<(), InspectError> {
    let plugin = Arc::new(Plugin {
        id: manifest.plugin.id.clone(),
        record: kith_base::RecordId([0; 16]),
        manifest: manifest.clone(),
        settings: serde_json::json!({}),
        texts: Default::default(),
        secrets: Default::default(),
        private_network: false,
        memory_bytes: memory_bytes(),
        // Nothing of the guest runs but its start, and that has no host functions to call by this right.
        actor: Actor::system(),
        code,
        watch: Arc::new(Watch::default()),
    });
    let info = CallInfo::new(services, Capability::Lifecycle, "start", Phase::Saving, START_WITHIN);
    let (started, _) = enter(services, &plugin, info, |store| plugin.code.probe(store));
    started.map_err(|e| InspectError::Start(e.to_string()))
}
