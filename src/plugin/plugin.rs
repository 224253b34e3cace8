//! One plugin as it is loaded. Immutable: another grant, other settings or a new version make a new one, and calls under way end on the old.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use kith_base::{RecordId, Secret};
use kith_engine::Actor;
use serde::Serialize;
use wasmtime::Store;

use crate::{
    manifest::{Manifest, Right, check::origin},
    runtime::{
        CallError, CallInfo, Code,
        call::{CallState, enter},
        recorder::bounded,
    },
    services::Services,
    texts::{Texts, Translation, chosen},
    trace::{self, Made},
    watch::{Watch, micros_since},
};

pub struct Plugin {
    pub id: String,
    /// Its record in `plugins`; the actor behind what it writes.
    pub record: RecordId,
    /// What was granted: the manifest without what an administrator left out.
    pub manifest: Manifest,
    pub texts: Texts,
    /// A JSON object that satisfies the manifest's schema.
    pub settings: serde_json::Value,
    pub secrets: BTreeMap<String, Secret<String>>,
    /// An administrator allowed addresses of the private network.
    pub private_network: bool,
    pub memory_bytes: usize,
    /// With a role made of the grant.
    pub actor: Actor,
    pub code: Code,
    /// Outlives this value: what came before a change of settings still counts.
    pub watch: Arc<Watch>,
}

impl Plugin {
    /// Calls the guest, unless it rests after failures, and keeps how that went. `export` and `input`, the function by its name in the contract
    /// and what it is given, are what a trace begins with.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) fn call<R: Serialize>(
        self: &Arc<Self>,
        services: &Arc<Services>,
        info: CallInfo,
        export: &'static str,
        input: &impl Serialize,
        work: impl FnOnce(&mut Store<CallState>) -> wasmtime::Result<R>,
    ) -> Result<R, CallError> {
        if let Err(until) = self.watch.admit(info.capability, info.now_ms) {
            return Err(CallError::Resting(kith_engine::read::rfc3339(until)));
        }
        let began = Instant::now();
        let (outcome, recorder) = enter(services, self, info.clone(), work);
        let micros = micros_since(began);
        let error = outcome.as_ref().err();
        let traced = self.watch.leaves_trace(info.now_ms, error).then(|| {
            let made = Made { export, input: bounded(input), outcome: outcome.as_ref().map(bounded), micros, recorder };
            trace::keep(services, self, &info, made)
        });
        self.watch.ended(&info, micros, error, traced);
        outcome
    }

    /// Its texts in the first of these languages that it knows.
    pub(crate) fn translation(&self, languages: &[String]) -> Option<Translation<'_>> {
        Some(Translation { manifest: &self.manifest, texts: chosen(&self.texts, languages)? })
    }

    /// A word of its manifest in one of these languages.
    pub(crate) fn said(&self, languages: &[String], key: &str, written: &str) -> String {
        let text = self.translation(languages).and_then(|translation| translation.text(key));
        text.unwrap_or(written).to_string()
    }

    /// Whether it may read a secret in the clear.
    pub(crate) fn reveals(&self) -> bool {
        self.manifest.secrets.values().any(|secret| secret.reveal)
    }

    /// Whether it may do this to records of an object, by the grant alone.
    pub fn may(&self, right: Right, object: &str) -> bool {
        if self.manifest.objects.keys().any(|own| self.manifest.object_key(own) == object) {
            return true;
        }
        let rights = self.manifest.records.get(object);
        rights.is_some_and(|rights| rights.contains(&right))
    }

    /// The origins it may send requests to.
    pub fn origins(&self) -> BTreeSet<String> {
        let allow = self.manifest.http.iter().flat_map(|http| &http.allow);
        allow.filter_map(|entry| self.resolved(entry)).collect()
    }

    /// The origins that a secret may be sent to.
    pub fn secret_origins(&self, name: &str) -> BTreeSet<String> {
        let allow = self.manifest.secrets.get(name).into_iter().flat_map(|secret| &secret.allow_hosts);
        allow.filter_map(|entry| self.resolved(entry)).collect()
    }

    /// `settings:<key>` is the origin of what an administrator wrote there.
    fn resolved(&self, entry: &str) -> Option<String> {
        match entry.strip_prefix("settings:") {
            Some(key) => origin(self.settings[key].as_str()?),
            None => Some(entry.to_string()),
        }
    }
}

/// Memory of one call.
pub fn memory_bytes() -> usize {
    crate::runtime::limits::MEMORY_BYTES
}
