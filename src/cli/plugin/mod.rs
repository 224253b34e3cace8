//! `kith plugin`: what is installed, what it may do, and how it is doing.

mod author;
mod configure;
mod install;
mod list;
mod trace;
mod watch;

use std::path::PathBuf;

use kith_server::client::Ask;
use serde_json::Value as Json;

use super::{Common, Outcome, ask, open, print};

/// Install and manage plugins
#[derive(clap::Subcommand)]
pub enum Command {
    /// Begin a plugin: a working one with a test, in Rust, TypeScript or Python
    New(author::NewArgs),
    /// Build the plugin of a folder to one .wasm file
    Build(author::BuildArgs),
    /// Say what a .wasm file is and asks for; runs nothing of it
    Check { file: PathBuf },
    /// Run the tests of a plugin, without a server
    Test(author::TestArgs),
    /// Build at every change, swap the plugin into Kith, and show its log and what it asks of the host
    Dev(author::DevArgs),
    /// Play a call again, without a server, and say what the plugin does otherwise now
    Replay(author::ReplayArgs),
    /// Install a plugin from its .wasm file or one that Kith brings along, or another version of one
    ///
    /// It runs once you have granted what it asks for. A version that asks for more than was granted waits for a grant, and the one before
    /// goes on.
    #[command(visible_alias = "upgrade")]
    Install(install::Args),
    /// List all plugins
    List {
        /// Those that Kith brings along, to be installed by their id
        #[arg(long)]
        bundled: bool,
    },
    /// Show a plugin: what it may do, its settings, its secrets and how it is doing
    Show { id: String },
    /// Agree to what a plugin asks for, and run it
    Grant { id: String },
    /// Drop the version of a plugin that waits for a grant
    Decline { id: String },
    /// Run a plugin
    Enable { id: String },
    /// Stop a plugin; its data stays
    Disable { id: String },
    /// Go back to the version before
    Rollback { id: String },
    /// Take a plugin away; its fields and their values stay and become yours
    Remove {
        id: String,
        /// What its fields hold is cleared, in the trash too; the records of its objects, its secrets and its notes are erased for good. The
        /// history of your own records keeps the old values of its fields until those records are erased
        #[arg(long)]
        drop_data: bool,
    },
    /// Show or change a plugin's settings
    Settings {
        id: String,
        /// Set one, as 'days=7'; the value is JSON, or else text; may be repeated
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Set all of them from a JSON file
        #[arg(long, value_name = "FILE", conflicts_with = "set")]
        file: Option<PathBuf>,
    },
    /// Set a secret of a plugin, from a file or typed in
    Secret {
        id: String,
        name: String,
        /// Read it from this file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Take it away
        #[arg(long, conflicts_with = "file")]
        clear: bool,
    },
    /// Show a plugin's log
    Logs {
        id: String,
        /// Go on showing what is written
        #[arg(long, short)]
        follow: bool,
    },
    /// Show a plugin's last calls and their time
    Calls { id: String },
    /// List the calls of a plugin that can be played again, get one, or have more of them kept
    ///
    /// Calls that fail leave a trace: what they were given, what they asked of the host and what it answered. Rows of people are in it.
    Trace(trace::Args),
    /// Ask a plugin how it is doing
    Health { id: String },
    /// List the events that a plugin did not take
    Failures { id: String },
    /// Tell a plugin of a failed event again
    ReplayFailure { id: String, failure: String },
    /// Let a failed event rest
    DismissFailure { id: String, failure: String },
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::New(args) => author::new(common, &args),
        Command::Build(args) => author::build(common, &args),
        Command::Check { file } => author::check(common, &file),
        Command::Test(args) => author::test(&args),
        Command::Dev(args) => author::dev(common, args).await,
        Command::Replay(args) => author::replay(common, &args),
        Command::Install(args) => install::run(common, args).await,
        Command::List { bundled } => list::run(common, bundled).await,
        Command::Show { id } => list::show(common, &id).await,
        Command::Grant { id } => step(common, Ask::post(path(&id, "/grant"), &Json::Null), "runs").await,
        Command::Decline { id } => step(common, Ask::delete(path(&id, "/pending")), "stays as it is").await,
        Command::Enable { id } => step(common, Ask::post(path(&id, "/enable"), &Json::Null), "runs").await,
        Command::Disable { id } => step(common, Ask::post(path(&id, "/disable"), &Json::Null), "is stopped").await,
        Command::Rollback { id } => step(common, Ask::post(path(&id, "/rollback"), &Json::Null), "is back").await,
        Command::Remove { id, drop_data } => remove(common, &id, drop_data).await,
        Command::Settings { id, set, file } => configure::settings(common, &id, &set, file).await,
        Command::Secret { id, name, file, clear } => configure::secret(common, &id, &name, file, clear).await,
        Command::Logs { id, follow } => watch::logs(common, &id, follow).await,
        Command::Calls { id } => watch::calls(common, &id).await,
        Command::Trace(args) => trace::run(common, &args).await,
        Command::Health { id } => watch::health(common, &id).await,
        Command::Failures { id } => watch::failures(common, &id).await,
        Command::ReplayFailure { id, failure } => {
            let asked = Ask::post(path(&id, &format!("/failures/{}/replay", ask::encoded(&failure))), &Json::Null);
            quiet(common, asked, "The plugin is told again.").await
        }
        Command::DismissFailure { id, failure } => {
            let asked = Ask::delete(path(&id, &format!("/failures/{}", ask::encoded(&failure))));
            quiet(common, asked, "The event rests.").await
        }
    }
}

fn path(id: &str, rest: &str) -> String {
    format!("/plugins/{}{rest}", ask::encoded(id))
}

/// Does something to a plugin and says how it is then.
async fn step(common: &Common, asked: Ask, done: &str) -> Outcome {
    let plugin = open::with(common, async |client| Ok(client.call(asked).await?)).await?;
    if common.json {
        print::json(&plugin);
    } else {
        print::line(&format!("{} {} {done}.", text(&plugin, "name"), text(&plugin, "version")));
    }
    Ok(())
}

async fn quiet(common: &Common, asked: Ask, done: &str) -> Outcome {
    open::with(common, async |client| Ok(client.call(asked).await?)).await?;
    if !common.json {
        print::line(done);
    }
    Ok(())
}

async fn remove(common: &Common, id: &str, drop_data: bool) -> Outcome {
    let asked = Ask::delete(format!("{}?keep={}", path(id, ""), !drop_data));
    let done = if drop_data {
        "The plugin is removed, with its data. The history of your own records keeps the old values of its fields until those records are erased."
    } else {
        "The plugin is removed. What its fields hold stays, and they are yours to change or remove."
    };
    quiet(common, asked, done).await
}

/// A text of an answer, fit for a terminal.
fn text(shown: &Json, key: &str) -> String {
    shown[key].as_str().map(print::printable).unwrap_or_default()
}

/// Permissions as a list, what is dangerous marked.
fn print_permissions(permissions: &Json, mark: &str) {
    for permission in permissions.as_array().into_iter().flatten() {
        let sign = if permission["danger"] == "high" { "!" } else { " " };
        print::line(&format!(" {mark}{sign} {}", text(permission, "text")));
    }
}
