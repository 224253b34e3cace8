//! `kith completions`: for the shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Kith, Outcome};

/// Print completions for a shell
///
/// For bash: kith completions bash > /etc/bash_completion.d/kith
#[derive(clap::Args)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: Args) -> Outcome {
    clap_complete::generate(args.shell, &mut Kith::command(), "kith", &mut std::io::stdout());
    Ok(())
}
