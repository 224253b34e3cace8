//! `kith audit`: who did, read and tried what; and whether the record of it is the one that was written.

use std::path::PathBuf;

use kith_engine::audit::anchor;
use kith_server::client::{Ask, LocalClient};
use serde_json::Value as Json;

use super::{CliError, Common, Outcome, ask, export, open, print, verify};

/// Lines asked for at a time.
const PAGE: usize = 500;

/// Look at the audit
#[derive(clap::Subcommand)]
pub enum Command {
    /// The newest entries, oldest first
    Tail {
        /// How many
        #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        lines: u32,
        #[command(flatten)]
        filters: Filters,
    },
    /// Entries that match, newest first, however far back
    Search {
        /// Words that stand anywhere in an entry: names, kinds, objects, fields, details
        text: Option<String>,
        /// How many at most
        #[arg(long, short = 'n', default_value_t = 200)]
        lines: usize,
        #[command(flatten)]
        filters: Filters,
    },
    /// Write everything that matches into a file
    Export {
        /// The format
        #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
        format: String,
        /// Write to this file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        filters: Filters,
    },
    /// Check the whole chain as 'kith verify' does, and that it still contains heads noted earlier
    Verify {
        /// A head noted earlier, as 'kith audit head' printed it; several times for several
        #[arg(long = "anchor", value_name = "SEQ:HASH")]
        anchors: Vec<String>,
        /// A file of them, one on each line, as 'kith serve --anchor-file' writes it
        #[arg(long = "anchors", value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print number and hash of the newest entry, to be kept elsewhere: nobody can rewrite the past before it unnoticed
    Head {
        /// Only the anchor, on one line
        #[arg(long)]
        short: bool,
    },
}

/// Which entries are meant.
#[derive(clap::Args, Default)]
pub struct Filters {
    /// Only what this user did, by e-mail address, or the id of a user or token
    #[arg(long, value_name = "E-MAIL|ID")]
    actor: Option<String>,
    /// Only of this kind: changed, erased, signed_in, sign_in_failed, signed_out, refused, opened, listed, searched, exported, alert
    #[arg(long)]
    kind: Option<String>,
    /// Only about this object
    #[arg(long)]
    object: Option<String>,
    /// Only about the record with this id
    #[arg(long)]
    record: Option<String>,
    /// Only sign-ins and alerts from this address, or one that begins like it
    #[arg(long)]
    address: Option<String>,
    /// Only from this time on, such as 2026-03-01 or 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only alerts that matter as much: notice, warning or critical
    #[arg(long)]
    severity: Option<String>,
}

impl Filters {
    /// As the API takes them.
    async fn query(&self, client: &LocalClient) -> Outcome<Vec<(&'static str, String)>> {
        let mut query = Vec::new();
        if let Some(actor) = &self.actor {
            let by_id = actor.parse::<kith_base::RecordId>().is_ok();
            let id = if by_id { actor.clone() } else { text(&ask::user(client, actor).await?["id"]) };
            query.push(("actor", id));
        }
        let others = [
            ("kind", &self.kind),
            ("object", &self.object),
            ("record", &self.record),
            ("address", &self.address),
            ("since", &self.since),
            ("until", &self.until),
            ("severity", &self.severity),
        ];
        query.extend(others.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        Ok(query)
    }
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::Tail { lines, filters } => {
            let mut found = find(common, &filters, None, lines as usize).await?;
            if !common.json {
                found.reverse();
            }
            show(common, found)
        }
        Command::Search { text, lines, filters } => show(common, find(common, &filters, text, lines).await?),
        Command::Export { format, output, filters } => {
            open::with(common, async |client| {
                let mut query = filters.query(client).await?;
                query.push(("format", format.clone()));
                export::save(client, &path("/audit/export", &query), output.as_ref()).await
            })
            .await
        }
        Command::Verify { anchors, files } => verify::check(common, all_anchors(anchors, &files)?).await,
        Command::Head { short } => head(common, short).await,
    }
}

fn path(base: &str, query: &[(&'static str, String)]) -> String {
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    ask::path(base, &query)
}

/// Up to `wanted` entries, newest first.
async fn find(common: &Common, filters: &Filters, words: Option<String>, wanted: usize) -> Outcome<Vec<Json>> {
    open::with(common, async |client| {
        let mut query = filters.query(client).await?;
        query.extend(words.clone().map(|words| ("text", words)));
        let mut found: Vec<Json> = Vec::new();
        let mut cursor: Option<String> = None;
        // A page looks at so many entries and no more, so it may be empty and still not be the last.
        while found.len() < wanted {
            let mut asked = query.clone();
            asked.push(("limit", (wanted - found.len()).min(PAGE).to_string()));
            asked.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page = client.call(Ask::get(path("/audit", &asked))).await?;
            found.extend(page["items"].as_array().into_iter().flatten().cloned());
            cursor = page["next_cursor"].as_str().map(str::to_string);
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    })
    .await
}

fn show(common: &Common, found: Vec<Json>) -> Outcome {
    if common.json {
        print::json(&Json::Array(found));
    } else {
        found.iter().for_each(|item| print::line(&sentence(item)));
    }
    Ok(())
}

/// `2026-03-01T12:00:00Z  Ada Berg  changed  deals 0199…`
fn sentence(item: &Json) -> String {
    let mut parts = vec![text(&item["at"]), text(&item["actor"]["name"]), text(&item["kind"])];
    parts.extend([text(&item["severity"]), text(&item["alert"]), text(&item["object"])]);
    parts.extend(item["ids"].as_array().into_iter().flatten().take(3).map(text));
    parts.push(text(&item["detail"]));
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

fn text(value: &Json) -> String {
    value.as_str().map(print::printable).unwrap_or_default()
}

async fn head(common: &Common, short: bool) -> Outcome {
    let head = open::with(common, async |client| Ok(client.call(Ask::get("/audit/head")).await?)).await?;
    if common.json {
        print::json(&head);
    } else if short {
        print::line(&format!("{}:{}", head["seq"], text(&head["short"])));
    } else {
        print::line(&format!("entry   {}", head["seq"]));
        print::line(&format!("time    {}", text(&head["at"])));
        print::line(&format!("anchor  {}", text(&head["anchor"])));
        print::line(&format!("paper   {}:{}", head["seq"], text(&head["short"])));
    }
    Ok(())
}

/// Those typed and those in files, in the form in which the API takes them.
fn all_anchors(typed: Vec<String>, files: &[PathBuf]) -> Outcome<Vec<String>> {
    let wrong = |error: kith_engine::EngineError| CliError::wrong_use(error.to_string());
    let mut all = typed;
    for anchor in &all {
        anchor::read(anchor).map_err(wrong)?;
    }
    for file in files {
        let unreadable = |error| CliError::failed("cli.file", format!("{} cannot be read: {error}", file.display()));
        let content = std::fs::read_to_string(file).map_err(unreadable)?;
        let read = anchor::read_all(&content).map_err(wrong)?;
        all.extend(read.iter().map(anchor::written));
    }
    Ok(all)
}
