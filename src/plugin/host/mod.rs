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

use crate::{
    contract::{Error, host::kith::plugin as imports},
    runtime::call::CallState,
    values::violations,
};

impl imports::types::Host for CallState {}
impl imports::web::Host for CallState {}

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
