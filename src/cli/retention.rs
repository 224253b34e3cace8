//! `kith retention`: rules that put old records away.

use kith_server::client::{Ask, LocalClient};
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, ask, open, print};

/// Look at and run the rules of retention
#[derive(clap::Subcommand)]
pub enum Command {
    /// List all rules with their last run
    List,
    /// Show what the rules would touch now, and change nothing
    Preview {
        /// Id or name of one rule; all of them without
        rule: Option<String>,
    },
    /// Run one rule now
    Run {
        /// Id or name of the rule
        rule: String,
        /// Even where it touches more records than it may by itself
        #[arg(long)]
        confirm: bool,
    },
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    open::with(common, async |client| match &command {
        Command::List => list(common, client).await,
        Command::Preview { rule } => preview(common, client, rule.as_deref()).await,
        Command::Run { rule, confirm } => run_one(common, client, rule, *confirm).await,
    })
    .await
}

async fn rules(client: &LocalClient) -> Outcome<Vec<Json>> {
    ask::all(client, "retention_rules", None, "name").await
}

async fn named(client: &LocalClient, rule: &str) -> Outcome<Json> {
    let found = rules(client).await?.into_iter().find(|r| r["id"] == rule || r["values"]["name"] == rule);
    let missing = format!("there is no rule '{}'; 'kith retention list' shows them", print::printable(rule));
    found.map(|rule| rule["id"].clone()).ok_or_else(|| CliError::failed("record.not_found", missing))
}

async fn list(common: &Common, client: &LocalClient) -> Outcome {
    let rules = rules(client).await?;
    if common.json {
        print::json(&Json::Array(rules));
        return Ok(());
    }
    let row = |rule: &Json| {
        let state = if rule["values"]["enabled"] == json!(true) { "on" } else { "off" };
        let mut row = vec![rule["id"].as_str().unwrap_or_default().to_string()];
        row.extend(["name", "object", "action", "days", "since"].map(|key| print::value(rule, key)));
        row.push(state.to_string());
        row.extend(["last_run_at", "last_state", "last_count"].map(|key| print::value(rule, key)));
        row
    };
    let headings = ["id", "name", "object", "action", "days", "since", "state", "last run", "outcome", "count"];
    print::table(&headings, &rules.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn preview(common: &Common, client: &LocalClient, rule: Option<&str>) -> Outcome {
    let body = match rule {
        Some(rule) => json!({ "rule": named(client, rule).await? }),
        None => json!({}),
    };
    let items = client.call(Ask::post("/retention/preview", &body)).await?["items"].take();
    if common.json {
        print::json(&items);
        return Ok(());
    }
    for item in items.as_array().into_iter().flatten() {
        let text = |key: &str| item[key].as_str().map(print::printable).unwrap_or_default();
        let more = if item["within"] == json!(true) { "" } else { "  (more than it may touch unconfirmed)" };
        let (name, action, object) = (text("name"), text("action"), text("object"));
        print::line(&format!("{name}: would {action} {} of {} in {object}{more}", item["count"], item["of"]));
    }
    Ok(())
}

async fn run_one(common: &Common, client: &LocalClient, rule: &str, confirm: bool) -> Outcome {
    let body = json!({ "rule": named(client, rule).await?, "confirm": confirm });
    let run = client.call(Ask::post("/retention/run", &body)).await?;
    let (state, said) = (run["state"].as_str().unwrap_or_default(), run["message"].as_str().unwrap_or_default());
    if common.json {
        print::json(&run);
    } else {
        print::line(&format!(
            "{} records touched, {} left alone. {}",
            run["count"],
            run["skipped"],
            print::printable(said)
        ));
    }
    match state {
        "done" => Ok(()),
        "held" => Err(CliError::failed(
            "retention.held",
            "it would touch too many records; look at 'kith retention preview', then add --confirm",
        )),
        _ => Err(CliError::failed("retention.failed", print::printable(said))),
    }
}
