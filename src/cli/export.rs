//! `kith export`: records into a file that other programs read.

use std::{fs::File, io::Write, path::PathBuf};

use kith_server::client::{Ask, LocalClient};
use tokio::task::block_in_place;

use super::{CliError, Common, Outcome, ask, open};

/// Export records as CSV, JSON Lines or vCard
#[derive(clap::Args)]
pub struct Args {
    /// Key of the object, such as people
    #[arg(long)]
    object: String,
    /// The format
    #[arg(long, default_value = "csv", value_parser = ["csv", "jsonl", "vcard"])]
    format: String,
    /// Only records for which this CEL expression holds
    #[arg(long, value_name = "CEL")]
    filter: Option<String>,
    /// Only these fields, with commas between
    #[arg(long, value_name = "FIELDS")]
    fields: Option<String>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let mut query = vec![("format", args.format.as_str())];
    query.extend(args.filter.as_deref().map(|filter| ("filter", filter)));
    query.extend(args.fields.as_deref().map(|fields| ("fields", fields)));
    let path = ask::path(&format!("/exports/{}", ask::encoded(&args.object)), &query);
    open::with(common, async |client| save(client, &path, args.output.as_ref()).await).await
}

/// Writes an answer into a file, or to standard output, as it comes.
pub async fn save(client: &LocalClient, path: &str, output: Option<&PathBuf>) -> Outcome {
    let mut answer = client.send(Ask::get(path)).await?;
    let shown = output.map_or_else(|| "standard output".to_string(), |path| path.display().to_string());
    let failed = |e: std::io::Error| CliError::failed("cli.file", format!("{shown} cannot be written: {e}"));
    let mut out: Box<dyn Write> = match output {
        Some(path) => Box::new(File::create(path).map_err(failed)?),
        None => Box::new(std::io::stdout()),
    };
    while let Some(piece) = answer.chunk().await? {
        match block_in_place(|| out.write_all(&piece)) {
            // The reader has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.map_err(failed)?,
        }
    }
    block_in_place(|| out.flush()).map_err(failed)
}
