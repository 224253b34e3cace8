//! One call of a guest: a fresh store and instance, a deadline, and a verdict in words when it fails.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kith_base::{RecordId, TimestampMs};
use serde::Serialize;
use wasmtime::{Store, Trap};

use super::{
    Runtime,
    limits::{HANDED_BYTES, Limits},
    recorder::Recorder,
};
use crate::{importers::Source, plugin::Plugin, services::Services};

/// What a guest may do besides reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Inside somebody's save: read and log.
    Saving,
    /// Asked by somebody who waits: http as well.
    Asking,
    Doing,
}

/// Which part of a plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    Lifecycle,
    BeforeSave,
    AfterCommit,
    Computed,
    Actions,
    Conditions,
    Endpoints,
    Jobs,
    Panels,
    Importers,
}

impl Capability {
    pub const ALL: [Capability; 10] = [
        Capability::Lifecycle,
        Capability::BeforeSave,
        Capability::AfterCommit,
        Capability::Computed,
        Capability::Actions,
        Capability::Conditions,
        Capability::Endpoints,
        Capability::Jobs,
        Capability::Panels,
        Capability::Importers,
    ];

    /// As in messages and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Capability::Lifecycle => "lifecycle",
            Capability::BeforeSave => "before-save",
            Capability::AfterCommit => "after-commit",
            Capability::Computed => "computed",
            Capability::Actions => "actions",
            Capability::Conditions => "conditions",
            Capability::Endpoints => "endpoints",
            Capability::Jobs => "jobs",
            Capability::Panels => "panels",
            Capability::Importers => "importers",
        }
    }
}

/// About one call.
#[derive(Clone, Debug)]
pub struct CallInfo {
    /// The same over attempts.
    pub id: String,
    pub attempt: u32,
    pub dry_run: bool,
    pub capability: Capability,
    /// Which action, job, field …; empty where there is one only.
    pub name: String,
    pub phase: Phase,
    /// The user who set it off.
    pub actor: Option<RecordId>,
    /// `user`, `api`, `import`, `workflow`, `schedule`, `plugin:<id>`.
    pub cause: String,
    pub depth: u8,
    pub locale: String,
    pub time_zone: String,
    pub now_ms: TimestampMs,
    pub budget: Duration,
    /// A file that this call may read, whatever else is granted.
    pub source: Option<Arc<Source>>,
}

impl CallInfo {
    /// Capability and name, as messages have them: `actions 'greet'`.
    pub fn place(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" '{}'", self.name) };
        format!("{}{name}", self.capability.name())
    }

    /// A call that nobody in particular set off, at this moment.
    pub fn new(services: &Services, capability: Capability, name: &str, phase: Phase, budget: Duration) -> CallInfo {
        let now_ms = services.engine.now_ms();
        CallInfo {
            id: RecordId::generate(now_ms).to_string(),
            attempt: 1,
            dry_run: false,
            capability,
            name: name.to_string(),
            phase,
            actor: None,
            cause: "schedule".into(),
            depth: 0,
            locale: "en".into(),
            time_zone: services.engine.read_context().time_zone,
            now_ms,
            budget,
            source: None,
        }
    }
}

/// Why a call did not give an answer. The message completes "The plugin …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("did not answer within {0} ms")]
    TimeOut(u128),
    #[error("was stopped: {0}")]
    Limit(String),
    #[error("failed: {0}")]
    Trap(String),
    #[error("does not offer {0}; its manifest and its code do not fit")]
    Missing(&'static str),
    #[error("is busy with too many calls; try again in a moment")]
    Busy,
    #[error("failed several times and rests until {0}")]
    Resting(String),
    #[error("answered what the contract does not allow: {0}")]
    Answer(String),
}

/// What the host functions of one call see.
pub struct CallState {
    pub services: Arc<Services>,
    pub plugin: Arc<Plugin>,
    pub info: CallInfo,
    pub limits: Limits,
    pub deadline: Instant,
    /// Requests and writes that were given no key of their own are told apart by this.
    pub step: u32,
    pub recorder: Recorder,
}

impl CallState {
    /// Every function of the host goes through here: it is counted, noted for the trace, and shown to those who look on.
    ///
    /// # Errors
    /// When the guest has called too often; that stops it.
    pub(crate) fn host<I: Serialize, O: Serialize>(
        &mut self,
        name: &'static str,
        input: I,
        work: impl FnOnce(&mut CallState, I) -> O,
    ) -> wasmtime::Result<O> {
        self.limits.host_call()?;
        let began = Instant::now();
        let asked = self.recorder.asked(name, &input);
        let answer = work(self, input);
        let noted = self.recorder.answered(asked, &answer);
        // Who may read secrets in the clear may pass them on in any call.
        let noted = noted.filter(|_| !self.plugin.reveals());
        self.plugin.watch.host_call(&self.info, name, began, noted);
        Ok(answer)
    }

    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Refuses what the phase does not allow.
    pub fn at_least(&self, phase: Phase, what: &str) -> Result<(), String> {
        if self.info.phase >= phase {
            return Ok(());
        }
        Err(format!(
            "{what} is not possible while {} runs; do it in after-commit or in a job",
            self.info.capability.name()
        ))
    }
}

/// Runs `work` on a fresh store: its outcome or whatever ended the guest, in words, and what it asked of the host.
pub(crate) fn enter<R>(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    info: CallInfo,
    work: impl FnOnce(&mut Store<CallState>) -> wasmtime::Result<R>,
) -> (Result<R, CallError>, Recorder) {
    let runtime = plugin.code.runtime();
    let Some(_slot) = plugin.watch.slot() else { return (Err(CallError::Busy), Recorder::default()) };
    let _running = runtime.running();
    let budget = info.budget;
    let began = Instant::now();
    let mut store = Store::new(
        &runtime.engine,
        CallState {
            services: services.clone(),
            plugin: plugin.clone(),
            info,
            limits: Limits::new(plugin.memory_bytes),
            deadline: began + budget,
            step: 0,
            recorder: Recorder::default(),
        },
    );
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(HANDED_BYTES);
    store.set_epoch_deadline(Runtime::ticks(budget));
    let outcome = work(&mut store);
    let state = store.into_data();
    (outcome.map_err(|error| told(&error, &state.limits, budget)), state.recorder)
}

/// What ended a guest.
pub(crate) fn told(error: &wasmtime::Error, limits: &Limits, budget: Duration) -> CallError {
    if let Some(met) = &limits.met {
        return CallError::Limit(met.clone());
    }
    match error.downcast_ref::<Trap>() {
        // A replay counts instructions in place of time.
        Some(Trap::Interrupt | Trap::OutOfFuel) => CallError::TimeOut(budget.as_millis()),
        Some(Trap::StackOverflow) => CallError::Limit("it called itself too deeply".into()),
        Some(Trap::UnreachableCodeReached) => CallError::Trap("it gave up (a panic, or an abort)".into()),
        Some(trap) => CallError::Trap(trap.to_string()),
        None => {
            let text = error.root_cause().to_string();
            // The pool says so when every place is taken.
            if text.contains("limit of") && text.contains("has been reached") {
                return CallError::Busy;
            }
            // An error whose type is not public.
            if text.contains("hostcalls") {
                return CallError::Limit(format!("it handed over more than {} MB at once", HANDED_BYTES >> 20));
            }
            CallError::Trap(text)
        }
    }
}
