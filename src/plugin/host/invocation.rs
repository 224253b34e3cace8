//! `invocation`: about the call under way.

use crate::{contract::invocation::Host, runtime::call::CallState};

impl Host for CallState {
    fn actor(&mut self) -> wasmtime::Result<Option<String>> {
        self.limits.host_call()?;
        Ok(self.info.actor.map(|id| id.to_string()))
    }

    fn cause(&mut self) -> wasmtime::Result<String> {
        self.limits.host_call()?;
        Ok(self.info.cause.clone())
    }

    fn depth(&mut self) -> wasmtime::Result<u32> {
        self.limits.host_call()?;
        Ok(u32::from(self.info.depth))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        self.limits.host_call()?;
        Ok(u32::try_from(self.remaining().as_millis()).unwrap_or(u32::MAX))
    }

    fn locale(&mut self) -> wasmtime::Result<String> {
        self.limits.host_call()?;
        Ok(self.info.locale.clone())
    }

    fn time_zone(&mut self) -> wasmtime::Result<String> {
        self.limits.host_call()?;
        Ok(self.info.time_zone.clone())
    }

    fn extra(&mut self, _key: String) -> wasmtime::Result<Option<String>> {
        self.limits.host_call()?;
        Ok(None)
    }
}
