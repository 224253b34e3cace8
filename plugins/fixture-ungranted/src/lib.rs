//! Imports what its manifest does not ask for.

use kith_plugin::{Action, Result, http};

kith_plugin::plugin! { actions: { act: act } }

fn act(_: &Action) -> Result<String> {
    Ok(http::get("https://example.com/").send()?.text())
}
