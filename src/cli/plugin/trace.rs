//! `kith plugin trace`: calls that can be played again: which there are, one of them as a file, and more of them from now on.

use std::path::{Path, PathBuf};

use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::{
    super::{CliError, Common, Outcome, ask, open, print},
    path, text,
    watch::took,
};

#[derive(clap::Args)]
pub struct Args {
    id: String,
    /// Get this one, for 'kith plugin replay'
    trace: Option<String>,
    /// Write it to this file
    #[arg(long, short, value_name = "FILE", requires = "trace")]
    output: Option<PathBuf>,
    /// Have the next calls leave a trace, besides those that fail; 0 for none
    #[arg(long, value_name = "CALLS", conflicts_with = "trace")]
    next: Option<u32>,
}

pub async fn run(common: &Common, args: &Args) -> Outcome {
    match (&args.trace, args.next) {
        (Some(trace), _) => one(common, &args.id, trace, args.output.as_deref()).await,
        (None, Some(calls)) => next(common, &args.id, calls).await,
        (None, None) => list(common, &args.id).await,
    }
}

async fn list(common: &Common, id: &str) -> Outcome {
    let answer = open::with(common, async |client| Ok(client.call(Ask::get(path(id, "/traces"))).await?)).await?;
    if common.json {
        print::json(&answer);
        return Ok(());
    }
    let row = |trace: &Json| {
        let told = ["id", "at", "capability", "name"].map(|key| text(trace, key));
        told.into_iter().chain([took(trace), text(trace, "error")]).collect()
    };
    let rows: Vec<Vec<String>> = answer["items"].as_array().into_iter().flatten().map(row).collect();
    print::table(&["trace", "at", "capability", "name", "time", "error"], &rows);
    Ok(())
}

async fn one(common: &Common, id: &str, trace: &str, output: Option<&Path>) -> Outcome {
    let asked = Ask::get(path(id, &format!("/traces/{}", ask::encoded(trace))));
    let trace = open::with(common, async |client| Ok(client.call(asked).await?)).await?;
    let Some(file) = output else {
        print::json(&trace);
        return Ok(());
    };
    let written = std::fs::write(file, format!("{trace:#}\n"));
    written.map_err(|error| CliError::failed("cli.file", format!("{} cannot be written: {error}", file.display())))?;
    if !common.json {
        print::line(&format!("{}: play it with 'kith plugin replay <the .wasm file> {0}'", file.display()));
    }
    Ok(())
}

async fn next(common: &Common, id: &str, calls: u32) -> Outcome {
    let asked = Ask::post(path(id, "/traces"), &json!({ "calls": calls }));
    let answer = open::with(common, async |client| Ok(client.call(asked).await?)).await?;
    if common.json {
        print::json(&answer);
    } else if calls == 0 {
        print::line("Only calls that fail leave a trace.");
    } else {
        print::line(&format!("The next {calls} calls leave a trace."));
    }
    Ok(())
}
