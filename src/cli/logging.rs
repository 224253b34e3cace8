//! The log: sentences with fields on standard error. Holds no personal data; what is logged where is up to the layers.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// Starts the log. `KITH_LOG` sets the level (`info` unless said otherwise); `json` writes one JSON object a line.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_env("KITH_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start (in a test) changes nothing.
    let _ = if json { lines.json().try_init() } else { lines.with_ansi(std::io::stderr().is_terminal()).try_init() };
}
