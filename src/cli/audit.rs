//! `kith audit`: who did, read and tried what.

use kith_server::client::Ask;
use serde_json::Value as Json;

use super::{Common, Outcome, ask, open, print, verify};

/// Look at the audit
#[derive(clap::Subcommand)]
pub enum Command {
    /// The newest entries, oldest first
    Tail {
        /// How many
        #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        lines: u32,
        /// Only of this kind: created, updated, deleted, signed_in, refused, …
        #[arg(long)]
        kind: Option<String>,
        /// Only about this object
        #[arg(long)]
        object: Option<String>,
        /// Only about the record with this id
        #[arg(long)]
        record: Option<String>,
    },
    /// Check the whole chain; the same as 'kith verify'
    Verify(verify::Args),
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::Verify(args) => verify::run(common, args).await,
        Command::Tail { lines, kind, object, record } => {
            let limit = lines.to_string();
            let mut query = vec![("limit", limit.as_str())];
            let filters = [("kind", &kind), ("object", &object), ("record", &record)];
            query.extend(filters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
            let page =
                open::with(common, async |client| Ok(client.call(Ask::get(ask::path("/audit", &query))).await?))
                    .await?;
            if common.json {
                print::json(&page["items"]);
                return Ok(());
            }
            for item in page["items"].as_array().into_iter().flatten().rev() {
                print::line(&sentence(item));
            }
            Ok(())
        }
    }
}

/// `2026-03-01T12:00:00Z  Ada Berg  updated  deals 0199…`
fn sentence(item: &Json) -> String {
    let text = |value: &Json| value.as_str().map(print::printable).unwrap_or_default();
    let mut parts = vec![text(&item["at"]), text(&item["actor"]["name"]), text(&item["kind"]), text(&item["object"])];
    parts.extend(item["records"].as_array().into_iter().flatten().take(3).map(text));
    parts.push(text(&item["detail"]));
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}
