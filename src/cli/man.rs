//! `kith man`: the manual page, made from the same text as the help.

use clap::CommandFactory;

use super::{CliError, Kith, Outcome};

/// Print the manual page
///
/// Read it with: kith man | man -l -
#[derive(clap::Args)]
pub struct Args {
    /// The page of this command instead of the main one
    command: Option<String>,
}

pub fn run(args: Args) -> Outcome {
    let mut root = Kith::command();
    root.build();
    let page = match &args.command {
        None => root,
        Some(name) => match root.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                return Err(CliError::wrong_use(format!(
                    "there is no command '{}'; 'kith help' lists them",
                    super::print::printable(name)
                )));
            }
        },
    };
    let failed = |e: std::io::Error| CliError::failed("cli.output", format!("the page cannot be written: {e}"));
    clap_mangen::Man::new(page).render(&mut std::io::stdout()).map_err(failed)
}
