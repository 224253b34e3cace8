//! `kith plugin replay`: plays a trace against a plugin's file, without a server and without a vault.

use std::path::PathBuf;

use kith_plugin_host::trace::{Trace, replay};

use super::{
    super::super::{CliError, Common, Outcome, print},
    read,
};

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's .wasm file, as it was or changed since
    plugin: PathBuf,
    /// A trace, from 'kith plugin trace <plugin> <trace> --output FILE'
    trace: PathBuf,
}

pub fn run(common: &Common, args: &Args) -> Outcome {
    let file = read(&args.plugin)?;
    let trace: Trace = serde_json::from_slice(&read(&args.trace)?).map_err(|error| {
        let said = format!("{} is no trace ({error}); get one with 'kith plugin trace'", args.trace.display());
        CliError::failed("plugin.trace", said)
    })?;
    let replayed = replay(&file, trace).map_err(|error| CliError::failed("plugin.replay", error.to_string()))?;
    if common.json {
        print::json(&serde_json::json!(replayed));
    } else {
        for line in &replayed.log {
            print::line(&print::printable(line));
        }
    }
    match replayed.difference {
        Some(difference) => Err(CliError::failed("plugin.differs", print::printable(&difference.to_string()))),
        None => {
            if !common.json {
                let said =
                    format!("It does as it did: {} host calls, {} instructions.", replayed.host_calls, replayed.fuel);
                print::line(&said);
            }
            Ok(())
        }
    }
}
