//! What the admin set in the plugin's settings form, and secrets that may be read.

use serde::de::DeserializeOwned;

use crate::{Error, Result, host};

/// The settings, defaults filled in, as a type of yours.
///
/// # Errors
/// `other` when your type does not fit the schema in the manifest.
pub fn get<T: DeserializeOwned>() -> Result<T> {
    serde_json::from_str(&host::settings::get())
        .map_err(|error| Error::Other(format!("the settings do not fit: {error}")))
}

/// A secret in the clear, where the manifest asks for `reveal` and the admin allowed it. `{{secret:name}}` in requests is the better way.
pub fn secret(name: &str) -> Option<String> {
    host::secrets::reveal(name)
}
