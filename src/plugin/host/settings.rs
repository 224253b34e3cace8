//! `settings`: what an administrator set.

use crate::{contract::settings::Host, runtime::call::CallState};

impl Host for CallState {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.host("settings.get", (), |state, ()| state.plugin.settings.to_string())
    }
}
