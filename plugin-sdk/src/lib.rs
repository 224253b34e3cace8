//! Plugins for Kith as ordinary functions: `plugin!` names them, [`testing`] runs them without a server.
//!
//! README.md beside this file is the guide. Nothing in this crate needs WASI: time, chance and network come from the host.

mod action;
#[doc(hidden)]
#[allow(missing_docs, clippy::all)]
pub mod bindings;
pub mod blobs;
mod context;
mod endpoint;
mod error;
#[doc(hidden)]
pub mod export;
pub mod http;
mod import;
mod job;
pub mod kv;
pub mod log;
pub mod outbox;
pub mod panel;
mod plugin;
mod record;
pub mod records;
mod saving;
pub mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;
mod value;

pub use action::{Action, IntoStep, Step};
pub use context::{
    actor, attempt, call_id, cause, depth, dry_run, extra, locale, now, now_ms, random, remaining_ms, time_zone,
};
pub use endpoint::{IntoResponse, Request, Response};
pub use error::{Error, Result, Violation};
pub use import::{Chunk, Row, Source};
pub use job::{Job, Progress};
pub use panel::{Panel, View};
pub use record::{Field, Record};
pub use saving::{Change, Event, IntoOutcome, IntoVerdict, Kind, Outcome, Verdict};
pub use serde_json::{self, json};
pub use value::{Money, Value};

/// Where the host's functions are: in the host, or in the Kith of the tests.
mod host {
    #[cfg(target_arch = "wasm32")]
    pub use crate::bindings::host::kith::plugin::{
        blobs, env, http, invocation, kv, log, outbox, records, secrets, settings,
    };
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::testing::imports::{blobs, env, http, invocation, kv, log, outbox, records, secrets, settings};
}

/// Names of the contract that `plugin!` writes.
#[doc(hidden)]
pub mod wit {
    use crate::bindings as b;

    pub use b::actions::exports::kith::plugin::actions::Guest as Actions;
    pub use b::after_commit::exports::kith::plugin::after_commit::Guest as AfterCommit;
    pub use b::before_save::exports::kith::plugin::before_save::Guest as BeforeSave;
    pub use b::computed::exports::kith::plugin::computed::Guest as Computed;
    pub use b::conditions::exports::kith::plugin::conditions::Guest as Conditions;
    pub use b::endpoint::exports::kith::plugin::endpoint::Guest as Endpoint;
    pub use b::host::kith::plugin::types::{Call, Entity};
    pub use b::importer::exports::kith::plugin::importer::Guest as Importer;
    pub use b::jobs::exports::kith::plugin::jobs::Guest as Jobs;
    pub use b::lifecycle::exports::kith::plugin::lifecycle::Guest as Lifecycle;
    pub use b::ui::exports::kith::plugin::ui::{Guest as Ui, View};
}
