//! Plays a trace against a plugin's file, perhaps a changed one, without a server: the host answers from the trace, and the first thing that the
//! plugin does otherwise ends it. Instructions are counted in place of time, so a replay is the same on every machine.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};
use wasmtime::{
    Engine, Store,
    component::{Component, Linker, Val, types::ComponentItem},
};

use super::{
    FORMAT, HostCall, Outcome, Trace,
    shape::{first_difference, from_json, shown, to_json},
};
use crate::{
    package::{self, PackageError},
    runtime::{
        call::told,
        engine,
        limits::{HANDED_BYTES, Limits},
    },
};

const PACKAGE: &str = "kith:plugin/";

/// Instructions in the place of a millisecond: what a fast machine does in one. Filling memory counts by the byte.
const FUEL_PER_MS: u64 = 4_000_000;

/// Why there was nothing to play.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("the trace is of '{trace}', and this file is '{file}'; name the file of that plugin")]
    Other { trace: String, file: String },
    #[error("the trace has form {0}, and this Kith reads {FORMAT}; use the Kith that wrote it")]
    Format(u32),
    #[error("what the call was given was too large to keep, so it cannot be played again")]
    NoInput,
    #[error("the plugin cannot be loaded: {0}")]
    Load(String),
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Replayed {
    pub difference: Option<Difference>,
    /// Host calls that were answered from the trace.
    pub host_calls: usize,
    /// Instructions, about.
    pub fuel: u64,
    /// What the plugin logged this time.
    pub log: Vec<String>,
}

/// The first thing that is otherwise than it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `host call 3 (records.get), input[0]`, `the answer` …
    pub place: String,
    pub then: String,
    pub now: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: then {}, now {}", self.place, self.then, self.now)
    }
}

struct Playing {
    limits: Limits,
    calls: std::vec::IntoIter<HostCall>,
    played: usize,
    cut: bool,
    difference: Option<Difference>,
    log: Vec<String>,
}

/// See the module.
///
/// # Errors
/// Why there was nothing to play; a plugin that does otherwise, or fails, is no error.
pub fn replay(file: &[u8], trace: Trace) -> Result<Replayed, ReplayError> {
    let id = package::read(file)?.manifest.plugin.id;
    if trace.format != FORMAT {
        return Err(ReplayError::Format(trace.format));
    }
    if id != trace.plugin {
        return Err(ReplayError::Other { trace: trace.plugin, file: id });
    }
    let input = trace.input.as_ref().ok_or(ReplayError::NoInput)?;
    let load = |error: wasmtime::Error| ReplayError::Load(error.root_cause().to_string());
    let mut config = engine::config();
    config.epoch_interruption(false).consume_fuel(true);
    let engine = Engine::new(&config).map_err(load)?;
    let component = Component::new(&engine, file).map_err(load)?;
    let linker = linked(&engine, &component).map_err(load)?;
    let mut store = Store::new(
        &engine,
        Playing {
            limits: Limits::new(trace.memory_bytes),
            calls: trace.host.clone().into_iter(),
            played: 0,
            cut: trace.cut,
            difference: None,
            log: Vec::new(),
        },
    );
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(HANDED_BYTES);
    let fuel = trace.budget_ms.saturating_mul(FUEL_PER_MS);
    store.set_fuel(fuel).map_err(load)?;
    let outcome = run(&linker, &component, &mut store, &trace.export, input);
    let used = fuel - store.get_fuel().unwrap_or(0);
    let mut state = store.into_data();
    if state.difference.is_none() {
        let now = match outcome {
            Ok(answer) => Outcome::Answer(Some(answer)),
            Err(error) => {
                Outcome::Failure(told(&error, &state.limits, Duration::from_millis(trace.budget_ms)).to_string())
            }
        };
        state.difference = ended(&trace.outcome, now, &mut state.calls);
    }
    Ok(Replayed { difference: state.difference, host_calls: state.played, fuel: used, log: state.log })
}

/// A linker whose every function answers from the trace, whatever the component imports of the contract.
fn linked(engine: &Engine, component: &Component) -> wasmtime::Result<Linker<Playing>> {
    let mut linker: Linker<Playing> = Linker::new(engine);
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        let short = interface(import).unwrap_or(import);
        let mut functions = linker.instance(import)?;
        for (function, item) in instance.exports(engine) {
            let ComponentItem::ComponentFunc(_) = item.ty else { continue };
            let name = format!("{short}.{function}");
            functions.func_new(function, move |mut store, ty, params, results| {
                let answer = store.data_mut().answer(&name, params.iter().map(to_json).collect())?;
                for (result, ty) in results.iter_mut().zip(ty.results()) {
                    *result = from_json(&answer, &ty).map_err(wasmtime::Error::msg)?;
                }
                Ok(())
            })?;
        }
    }
    Ok(linker)
}

/// `records` of `kith:plugin/records@0.1.0`.
fn interface(name: &str) -> Option<&str> {
    name.strip_prefix(PACKAGE)?.split('@').next()
}

impl Playing {
    fn answer(&mut self, name: &str, input: Json) -> wasmtime::Result<Json> {
        if name == "log.write" {
            let text = |at: usize| input[at].as_str().unwrap_or_default();
            self.log.push(format!("{} {}", text(0).to_lowercase(), text(1)));
            return Ok(Json::Null);
        }
        self.limits.host_call()?;
        let place = format!("host call {}", self.played + 1);
        let now = format!("{name} {}", shown(&input));
        let Some(then) = self.calls.next() else {
            let then =
                if self.cut { "the trace ends here, since the rest was too large to keep" } else { "no such call" };
            return Err(self.differs(place, then.into(), now));
        };
        if then.call != name {
            return Err(self.differs(place, format!("{} {}", then.call, shown(&then.input)), now));
        }
        // What takes nothing was noted as nothing.
        let before = if then.input.is_null() { json!([]) } else { then.input };
        if let Some((at, then, now)) = first_difference(&before, &input) {
            return Err(self.differs(format!("{place} ({name}), input{at}"), shown(&then), shown(&now)));
        }
        self.played += 1;
        Ok(then.answer)
    }

    /// Ends the guest.
    fn differs(&mut self, place: String, then: String, now: String) -> wasmtime::Error {
        self.difference = Some(Difference { place, then, now });
        wasmtime::Error::msg("the plugin does otherwise")
    }
}

fn run(
    linker: &Linker<Playing>,
    component: &Component,
    store: &mut Store<Playing>,
    export: &str,
    input: &[Json],
) -> wasmtime::Result<Json> {
    let lacks = || wasmtime::Error::msg(format!("it does not export {export}"));
    let instance = linker.instantiate(&mut *store, component)?;
    let (wanted, function) = export.split_once('.').ok_or_else(lacks)?;
    let ty = component.component_type();
    let mut names = ty.exports(store.engine()).map(|(name, _)| name.to_string()).collect::<Vec<_>>().into_iter();
    let name = names.find(|name| interface(name) == Some(wanted)).ok_or_else(lacks)?;
    let index = component.get_export_index(None, &name).ok_or_else(lacks)?;
    let index = component.get_export_index(Some(&index), function).ok_or_else(lacks)?;
    let function = instance.get_func(&mut *store, index).ok_or_else(lacks)?;
    let ty = function.ty(&*store);
    let params = ty.params().zip(input).map(|((_, ty), json)| from_json(json, &ty));
    let params = params.collect::<Result<Vec<Val>, String>>().map_err(wasmtime::Error::msg)?;
    let mut results = vec![Val::Bool(false); ty.results().len()];
    function.call(&mut *store, &params, &mut results)?;
    Ok(results.first().map_or(Json::Null, to_json))
}

/// What is otherwise at the end of a call that did as it did before until then.
fn ended(then: &Outcome, now: Outcome, left: &mut dyn Iterator<Item = HostCall>) -> Option<Difference> {
    let difference = |place: &str, then: String, now: String| Some(Difference { place: place.into(), then, now });
    let said = |outcome: &Outcome| match outcome {
        Outcome::Answer(Some(answer)) => format!("it answered {}", shown(answer)),
        Outcome::Answer(None) => "it answered more than is kept".into(),
        Outcome::Failure(said) => format!("it {said}"),
    };
    match (then, &now) {
        (Outcome::Answer(Some(a)), Outcome::Answer(Some(b))) => {
            if let Some((at, then, now)) = first_difference(a, b) {
                return difference(&format!("the answer{at}"), shown(&then), shown(&now));
            }
        }
        (Outcome::Answer(None), Outcome::Answer(_)) => {}
        (a, b) if a == b => {}
        (a, b) => return difference("the end", said(a), said(b)),
    }
    let call = left.next()?;
    difference("the end", format!("it called {} before", call.call), "it does not".into())
}
