//! `invocation`: about the call under way.

use crate::{contract::invocation::Host, runtime::call::CallState};

impl Host for CallState {
    fn actor(&mut self) -> wasmtime::Result<Option<String>> {
        self.host("invocation.actor", (), |state, ()| state.info.actor.map(|id| id.to_string()))
    }

    fn cause(&mut self) -> wasmtime::Result<String> {
        self.host("invocation.cause", (), |state, ()| state.info.cause.clone())
    }

    fn depth(&mut self) -> wasmtime::Result<u32> {
        self.host("invocation.depth", (), |state, ()| u32::from(state.info.depth))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        self.host("invocation.remaining-ms", (), |state, ()| {
            u32::try_from(state.remaining().as_millis()).unwrap_or(u32::MAX)
        })
    }

    fn locale(&mut self) -> wasmtime::Result<String> {
        self.host("invocation.locale", (), |state, ()| state.info.locale.clone())
    }

    fn time_zone(&mut self) -> wasmtime::Result<String> {
        self.host("invocation.time-zone", (), |state, ()| state.info.time_zone.clone())
    }

    fn extra(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.host("invocation.extra", (key,), |_, _| None)
    }
}
