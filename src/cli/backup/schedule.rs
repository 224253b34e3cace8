//! `kith backup schedule`: shows the schedule, or changes what is named.

use std::path::PathBuf;

use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::super::{CliError, Common, Outcome, open, print};

/// Show or set when backups are taken, where they go, and what is kept
///
/// Without options it shows the schedule. The server takes the backups itself; nothing else has to be set up.
#[derive(clap::Args)]
pub struct Args {
    /// Take backups by this schedule
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Take none by schedule
    #[arg(long)]
    disable: bool,
    /// Where they go; best another disk, or a place that is copied elsewhere
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Recipients of recovery keys (age1…), replacing those before; may come several times
    #[arg(long = "recipient", value_name = "AGE1…")]
    recipients: Vec<String>,
    /// Time of the daily full backup, such as 02:30
    #[arg(long, value_name = "HH:MM")]
    daily_at: Option<String>,
    /// Zone of that time, such as Europe/Rome; the workspace's where none is given
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// An increment this many hours after the last backup; 0 for none
    #[arg(long, value_name = "N")]
    every_hours: Option<u32>,
    /// Keep the newest N
    #[arg(long, value_name = "N")]
    keep_last: Option<u32>,
    /// Keep the newest of each of the last N days
    #[arg(long, value_name = "N")]
    keep_daily: Option<u32>,
    /// Keep the newest of each of the last N weeks
    #[arg(long, value_name = "N")]
    keep_weekly: Option<u32>,
    /// Keep the newest of each of the last N months
    #[arg(long, value_name = "N")]
    keep_monthly: Option<u32>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let changes = changes(&args)?;
    let schedule = open::with(common, async |client| {
        let mut schedule = client.call(Ask::get("/backups/schedule")).await?;
        if changes.is_empty() {
            return Ok(schedule);
        }
        for (pointer, value) in &changes {
            if let Some(place) = schedule.pointer_mut(pointer) {
                *place = value.clone();
            }
        }
        Ok(client.call(Ask::put("/backups/schedule", &schedule)).await?)
    })
    .await?;
    if common.json {
        print::json(&schedule);
        return Ok(());
    }
    let text = |key: &str| schedule[key].as_str().map_or_else(|| "not set".to_string(), print::printable);
    let keep = &schedule["keep"];
    print::line(&format!("enabled      {}", schedule["enabled"]));
    print::line(&format!("folder       {}", text("folder")));
    print::line(&format!("daily at     {}", text("daily_at")));
    let zone = schedule["time_zone"].as_str().map_or("the workspace's".into(), print::printable);
    print::line(&format!("time zone    {zone}"));
    match schedule["every_hours"].as_u64() {
        None | Some(0) => print::line("increments   none"),
        Some(hours) => print::line(&format!("increments   every {hours} hours")),
    }
    print::line(&format!(
        "keep         {} newest, {} daily, {} weekly, {} monthly",
        keep["last"], keep["daily"], keep["weekly"], keep["monthly"]
    ));
    for recipient in schedule["recipients"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        print::line(&format!("recipient    {}", print::printable(recipient)));
    }
    Ok(())
}

/// Places in the schedule and what is to be there.
fn changes(args: &Args) -> Outcome<Vec<(&'static str, Json)>> {
    let mut changes = Vec::new();
    if args.enable || args.disable {
        changes.push(("/enabled", json!(args.enable)));
    }
    if let Some(folder) = &args.folder {
        let path = std::path::absolute(folder);
        let path = path.map_err(|e| CliError::wrong_use(format!("this folder cannot be used: {e}")))?;
        changes.push(("/folder", json!(path)));
    }
    if !args.recipients.is_empty() {
        changes.push(("/recipients", json!(args.recipients)));
    }
    let texts = [("/daily_at", &args.daily_at), ("/time_zone", &args.time_zone)];
    changes.extend(texts.into_iter().filter_map(|(place, text)| Some((place, json!(text.as_ref()?)))));
    let numbers = [
        ("/every_hours", args.every_hours),
        ("/keep/last", args.keep_last),
        ("/keep/daily", args.keep_daily),
        ("/keep/weekly", args.keep_weekly),
        ("/keep/monthly", args.keep_monthly),
    ];
    changes.extend(numbers.into_iter().filter_map(|(place, number)| Some((place, json!(number?)))));
    Ok(changes)
}
