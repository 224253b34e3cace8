//! `env`: time and chance.

use crate::{contract::env::Host, runtime::call::CallState};

const RANDOM_BYTES_MAX: u32 = 1_024;

impl Host for CallState {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        self.host("env.now-ms", (), |state, ()| u64::try_from(state.info.now_ms).unwrap_or(0))
    }

    fn random(&mut self, n: u32) -> wasmtime::Result<Vec<u8>> {
        let mut bytes = vec![0; n.min(RANDOM_BYTES_MAX) as usize];
        getrandom::fill(&mut bytes).map_err(|e| wasmtime::Error::msg(format!("no random numbers: {e}")))?;
        self.host("env.random", (n,), |_, _| bytes)
    }
}
