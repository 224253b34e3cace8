//! `settings`: what an administrator set.

use crate::{contract::settings::Host, runtime::call::CallState};

impl Host for CallState {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.limits.host_call()?;
        Ok(self.plugin.settings.to_string())
    }
}
