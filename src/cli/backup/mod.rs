//! `kith backup`: take, list, check and restore backups. Taking and listing go through the API; checking and restoring need no server,
//! since they have to work when there is none any more.

mod create;
mod list;
mod restore;
mod schedule;

use super::{Common, Outcome};

/// Take, list, check and restore backups
#[derive(clap::Subcommand)]
pub enum Command {
    Create(create::Args),
    List(list::Args),
    Verify(restore::VerifyArgs),
    Restore(restore::Args),
    Schedule(schedule::Args),
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::Create(args) => create::run(common, args).await,
        Command::List(args) => list::run(common, args).await,
        Command::Verify(args) => restore::verify(common, args).await,
        Command::Restore(args) => restore::run(common, args).await,
        Command::Schedule(args) => schedule::run(common, args).await,
    }
}

/// `1.5 MB`
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (count as f64, 0);
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}
