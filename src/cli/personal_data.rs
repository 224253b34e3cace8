//! `kith personal-data`: everything held on one person as a file to hand over.

use std::{io::IsTerminal, path::PathBuf};

use super::{CliError, Common, Outcome, ask, export, open};

/// Write everything held on one record to a tar file: data.json, a readable page and the attachments
#[derive(clap::Args)]
pub struct Args {
    /// Key of the object, such as people
    object: String,
    /// Id of the record
    id: String,
    /// The file to write; standard output without
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    if args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(CliError::wrong_use("the file is not for a terminal; name one with --output"));
    }
    let path = format!("/records/{}/{}/personal-data", ask::encoded(&args.object), ask::encoded(&args.id));
    open::with(common, async |client| export::save(client, &path, args.output.as_ref()).await).await
}
