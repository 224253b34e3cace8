//! The host functions, one file per interface of the contract. Each checks the grant, the phase and the limits before it does anything.

mod blobs;
mod env;
mod http;
mod invocation;
mod kv;
mod log;
mod outbox;
mod records;
mod secrets;
mod settings;

use serde::Serialize;

use crate::{
    contract::{Error, host::kith::plugin as imports},
    runtime::call::CallState,
    values::violations,
    watch::{Level, Line},
};

impl imports::types::Host for CallState {}
impl imports::web::Host for CallState {}

impl CallState {
    /// A function that may refuse. A refusal is told to the administrator as well: a guest may keep it to itself.
    fn ask<I: Serialize, T: Serialize>(
        &mut self,
        function: &'static str,
        input: I,
        work: impl FnOnce(&mut CallState, I) -> Result<T, Error>,
    ) -> wasmtime::Result<Result<T, Error>> {
        let answer = self.host(function, input, work)?;
        if let Err(Error::Denied(said) | Error::Limit(said)) = &answer {
            self.refused(function, said);
        }
        Ok(answer)
    }

    /// One more line of the plugin's log, and one of those that its call may write.
    fn refused(&mut self, function: &str, said: &str) {
        if !self.limits.log_line() {
            return self.plugin.watch.left_out();
        }
        let message = format!("{}: {function} was refused: {said}", self.info.place());
        let (at, call) = (self.info.now_ms, self.info.id.clone());
        self.plugin.watch.log(Line { at, level: Level::Warn, message, attributes: Vec::new(), call });
    }
}

/// What the engine refused, as a guest learns it.
fn told(error: &kith_engine::EngineError) -> Error {
    use kith_engine::EngineError as E;
    match error {
        E::At { error, .. } => told(error),
        E::ObjectNotFound(_) | E::RecordNotFound { .. } => Error::NotFound,
        E::AccessDenied(said) => Error::Denied(said.clone()),
        E::VersionConflict { found, .. } => Error::Conflict(*found),
        E::Invalid(list) | E::NotUnique(list) => Error::Invalid(violations(list)),
        E::Closing | E::Store(_) => Error::Unavailable(error.to_string()),
        other => Error::Other(other.to_string()),
    }
}
