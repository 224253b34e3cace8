//! `kv`: values of the plugin's own.

use super::told;
use crate::{
    contract::{
        Error,
        kv::{Entry, Host},
    },
    kept::{Kept, Space, check_key},
    runtime::call::{CallState, Phase},
};

const VALUE_BYTES_MAX: usize = 64 << 10;
const KEYS_MAX: usize = 1_000;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for CallState {
    fn get(&mut self, key: String) -> Answer<Option<Entry>> {
        self.ask("kv.get", (key,), |state, (key,)| {
            let entry = state.kept()?.get(Space::Own, &key).map_err(|e| told(&e))?;
            Ok(entry.map(|entry| Entry { key, value: entry.value, version: entry.version }))
        })
    }

    fn put(&mut self, key: String, value: Vec<u8>, if_version: Option<u64>, ttl_s: Option<u32>) -> Answer<u64> {
        self.ask("kv.put", (key, value, if_version, ttl_s), |state, (key, value, if_version, ttl_s)| {
            state.put_value(&key, &value, if_version, ttl_s)
        })
    }

    fn remove(&mut self, key: String) -> Answer<()> {
        self.ask("kv.remove", (key,), |state, (key,)| state.remove_value(&key))
    }

    fn keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Answer<Vec<String>> {
        self.ask("kv.keys", (prefix, after, limit), |state, (prefix, after, limit)| {
            let limit = (limit as usize).min(KEYS_MAX);
            state.kept()?.keys(&prefix, after.as_deref(), limit).map_err(|e| told(&e))
        })
    }
}

impl CallState {
    fn kept(&self) -> Result<Kept<'_>, Error> {
        match &self.plugin.manifest.kv {
            Some(_) => Ok(Kept::of(&self.services.engine, &self.plugin.id)),
            None => Err(Error::Denied("kv is not granted; ask for it in plugin.toml: [kv]".into())),
        }
    }

    fn put_value(&self, key: &str, value: &[u8], if_version: Option<u64>, ttl_s: Option<u32>) -> Result<u64, Error> {
        self.at_least(Phase::Doing, "writing values").map_err(Error::Denied)?;
        let kept = self.kept()?;
        check_key(key).map_err(Error::Limit)?;
        if value.len() > VALUE_BYTES_MAX {
            return Err(Error::Limit(format!("a value is at most {VALUE_BYTES_MAX} bytes")));
        }
        let there = kept.get(Space::Own, key).map_err(|e| told(&e))?;
        let quota = self.plugin.manifest.kv.as_ref().map_or(0, |kv| u64::from(kv.quota_kb) << 10);
        let before = there.as_ref().map_or(0, |entry| key.len() + entry.value.len()) as u64;
        let more = (key.len() + value.len()) as u64;
        if kept.size_bytes().map_err(|e| told(&e))?.saturating_sub(before) + more > quota {
            return Err(Error::Limit(format!("the plugin's values may take {} KiB in all; remove some", quota >> 10)));
        }
        if self.info.dry_run {
            return Ok(there.map_or(0, |entry| entry.version) + 1);
        }
        let ttl = ttl_s.map(|s| i64::from(s) * 1_000);
        kept.put(Space::Own, key, value, ttl, if_version).map_err(|e| told(&e))
    }

    fn remove_value(&self, key: &str) -> Result<(), Error> {
        self.at_least(Phase::Doing, "writing values").map_err(Error::Denied)?;
        let kept = self.kept()?;
        if self.info.dry_run {
            return Ok(());
        }
        kept.remove(Space::Own, key).map_err(|e| told(&e))
    }
}
