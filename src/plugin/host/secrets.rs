//! `secrets`: in the clear, for those whose manifest asks for it and was granted that.

use crate::{contract::secrets::Host, runtime::call::CallState};

impl Host for CallState {
    fn reveal(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.host("secrets.reveal", (name,), |state, (name,)| {
            let granted = state.plugin.manifest.secrets.get(&name).is_some_and(|secret| secret.reveal);
            let secret = state.plugin.secrets.get(&name).filter(|_| granted);
            secret.map(|secret| secret.expose().clone())
        })
    }
}
