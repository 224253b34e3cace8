//! The command line: one file per command, whose arguments are its help. Everything that changes data goes through the API, beside a
//! running server or without one, so no rule lives here.

mod anchoring;
mod ask;
mod audit;
mod backup;
mod completions;
mod demo;
mod doctor;
mod erase;
mod error;
mod export;
mod import;
mod init;
mod key;
mod logging;
mod man;
mod open;
mod personal_data;
mod plugin;
mod print;
mod record;
mod recovery;
mod retention;
mod secrets;
mod serve;
mod token;
mod upgrade;
mod user;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

pub use error::CliError;

type Outcome<T = ()> = Result<T, CliError>;

/// A CRM in one file: web app, encrypted store and plugin sandbox.
#[derive(Parser)]
#[command(name = "kith", version, propagate_version = true, arg_required_else_help = true)]
pub struct Kith {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
pub struct Common {
    /// The data folder
    #[arg(long, global = true, env = "KITH_DATA", default_value = "kith-data", value_name = "DIR")]
    data: PathBuf,
    /// Open the vault with this age key file
    #[arg(long, global = true, env = "KITH_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Open the vault with the passphrase in this file
    #[arg(long, global = true, env = "KITH_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Print data and errors as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    Serve(serve::Args),
    Demo(demo::Args),
    #[command(subcommand)]
    User(user::Command),
    #[command(subcommand)]
    Token(token::Command),
    Import(import::Args),
    Export(export::Args),
    #[command(subcommand)]
    Record(record::Command),
    #[command(subcommand)]
    Backup(backup::Command),
    #[command(subcommand)]
    Key(key::Command),
    PersonalData(personal_data::Args),
    Erase(erase::Args),
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Compiles a plugin; called by the server itself
    #[command(name = kith_plugin_host::compile::COMMAND, hide = true)]
    CompilePlugin,
    #[command(subcommand)]
    Retention(retention::Command),
    Verify(verify::Args),
    #[command(subcommand)]
    Audit(audit::Command),
    Doctor(doctor::Args),
    Upgrade(upgrade::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the command that was typed. Exit codes: 0 done, 1 failed, 2 wrong use.
pub fn run() -> ExitCode {
    // A core dump would hold the keys. Where the system refuses this, it writes none for us either way.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let kith = match Kith::try_parse() {
        Ok(kith) => kith,
        Err(error) => {
            // Help and version come this way too, and are no failure.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    if matches!(kith.command, Command::CompilePlugin) {
        return compile_plugin();
    }
    let common = kith.common;
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(kith.command.run(&common)),
        Err(error) => Err(CliError::failed("runtime", format!("threads cannot be started: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print(common.json);
            ExitCode::from(error.exit_code())
        }
    }
}

/// In a process of its own, under limits that leave no room for a runtime.
fn compile_plugin() -> ExitCode {
    match kith_plugin_host::compile::child() {
        Ok(()) => ExitCode::SUCCESS,
        Err(said) => {
            eprintln!("{said}");
            ExitCode::FAILURE
        }
    }
}

impl Command {
    async fn run(self, common: &Common) -> Outcome {
        match self {
            Command::Init(args) => init::run(common, args).await,
            Command::Serve(args) => serve::run(common, args).await,
            Command::Demo(args) => demo::run(common, args).await,
            Command::User(command) => user::run(common, command).await,
            Command::Token(command) => token::run(common, command).await,
            Command::Import(args) => import::run(common, args).await,
            Command::Export(args) => export::run(common, args).await,
            Command::Record(command) => record::run(common, command).await,
            Command::Backup(command) => backup::run(common, command).await,
            Command::Key(command) => key::run(common, command).await,
            Command::PersonalData(args) => personal_data::run(common, args).await,
            Command::Erase(args) => erase::run(common, args).await,
            Command::Plugin(command) => plugin::run(common, command).await,
            // Done before anything else is started.
            Command::CompilePlugin => Ok(()),
            Command::Retention(command) => retention::run(common, command).await,
            Command::Verify(args) => verify::run(common, args).await,
            Command::Audit(command) => audit::run(common, command).await,
            Command::Doctor(args) => doctor::run(common, args).await,
            Command::Upgrade(args) => upgrade::run(common, args).await,
            Command::Completions(args) => completions::run(args),
            Command::Man(args) => man::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Kith::command().debug_assert();
    }
}
