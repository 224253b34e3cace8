//! `kith upgrade`: what an upgrade of the data folder kept, the way back, and dropping it. Needs no key.

use kith_store::Upgrade;
use serde_json::json;

use super::{CliError, Common, Outcome, open, print};

/// See, undo or settle an upgrade of the data folder
///
/// A new version of Kith upgrades an older data folder when it opens it, and keeps what it was before.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show what is kept from before an upgrade
    Status,
    /// Return to the state before the upgrade, for the version before
    ///
    /// What was written since the upgrade is moved to the folder 'upgrade-undone'.
    Back {
        /// Yes, leave what was written since the upgrade behind
        #[arg(long)]
        yes: bool,
    },
    /// Remove what was kept; there is no way back then
    Drop,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let asked = common.clone();
    open::blocking(move || work(&asked, args.command.unwrap_or(Command::Status))).await
}

fn work(common: &Common, command: Command) -> Outcome {
    if !common.data.is_dir() {
        let said = format!("{} is no folder; name the data folder with --data", common.data.display());
        return Err(CliError::failed("vault.missing", said));
    }
    let upgrade = Upgrade::of(&common.data)?;
    let said = match command {
        Command::Status => match upgrade.kept().as_slice() {
            [] => "Nothing is kept from before an upgrade.".to_string(),
            kept => format!(
                "The state of data format {} is kept; see 'kith upgrade back' and 'kith upgrade drop'.",
                listed(kept)
            ),
        },
        Command::Back { yes: false } => {
            let said = "this leaves what was written since the upgrade behind, in the folder 'upgrade-undone'; say --yes if that is what you want";
            return Err(CliError::wrong_use(said));
        }
        Command::Back { yes: true } => {
            let format = upgrade.back()?;
            format!("The folder is as it was, in data format {format}. What was written since is in 'upgrade-undone'.")
        }
        Command::Drop => {
            upgrade.drop_kept()?;
            "Nothing is kept from before an upgrade any more.".to_string()
        }
    };
    if common.json {
        print::json(&json!({"kept": upgrade.kept(), "message": said}));
    } else {
        print::line(&said);
    }
    Ok(())
}

fn listed(formats: &[u8]) -> String {
    formats.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
