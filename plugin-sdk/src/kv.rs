//! Values of the plugin's own, by key: reads at any time, writes outside of saving. Keys up to 200 bytes, values up to 64 KiB.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result, host};

/// The value under a key.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    Ok(get_versioned(key)?.map(|(value, _)| value))
}

/// With its version, for `put_if`.
pub fn get_versioned<T: DeserializeOwned>(key: &str) -> Result<Option<(T, u64)>> {
    let Some(entry) = host::kv::get(key)? else { return Ok(None) };
    let value = serde_json::from_slice(&entry.value)
        .map_err(|error| Error::Other(format!("the value under '{key}' has another shape: {error}")))?;
    Ok(Some((value, entry.version)))
}

/// Sets a value.
pub fn put(key: &str, value: &impl Serialize) -> Result<u64> {
    host::kv::put(key, &serde_json::to_vec(value)?, None, None)
}

/// Sets a value that is forgotten after some seconds.
pub fn put_for(key: &str, value: &impl Serialize, ttl_s: u32) -> Result<u64> {
    host::kv::put(key, &serde_json::to_vec(value)?, None, Some(ttl_s))
}

/// Sets a value if nobody else did since it was read. Version 0: only where there is none.
///
/// # Errors
/// `conflict` with the version there is.
pub fn put_if(key: &str, value: &impl Serialize, version: u64) -> Result<u64> {
    host::kv::put(key, &serde_json::to_vec(value)?, Some(version), None)
}

/// Forgets a value. Nothing happens where there is none.
pub fn remove(key: &str) -> Result<()> {
    host::kv::remove(key)
}

/// All keys with this beginning, in order.
pub fn keys(prefix: &str) -> Result<Vec<String>> {
    const PAGE: u32 = 1_000;
    let mut all: Vec<String> = Vec::new();
    loop {
        let page = host::kv::keys(prefix, all.last().map(String::as_str), PAGE)?;
        let last = page.len() < PAGE as usize;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
