//! `kith record`: one record, as it is and as it was, and bringing back what it was.

use kith_server::client::{Ask, LocalClient};
use serde_json::{Value as Json, json};

use super::{Common, Outcome, ask, open, print};

/// Look at one record, also as it was, and bring back what it was
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show a record
    Show {
        #[command(flatten)]
        which: Which,
        /// As it was at this time (2026-03-01T12:00:00Z) or right after this journal entry (1234)
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
    },
    /// List its versions: when, by whom, what
    History(Which),
    /// Bring it back as it was, as an ordinary change that can be taken back in the same way
    Revert {
        #[command(flatten)]
        which: Which,
        /// As it was at this time (2026-03-01T12:00:00Z) or right after this journal entry (1234)
        #[arg(long, value_name = "MOMENT")]
        at: String,
        /// Only this field; may be given several times
        #[arg(long, value_name = "FIELD")]
        field: Vec<String>,
    },
}

#[derive(clap::Args)]
pub struct Which {
    /// Key of the object, such as people
    object: String,
    /// Id of the record
    id: String,
}

impl Which {
    fn path(&self) -> String {
        format!("/records/{}/{}", ask::encoded(&self.object), ask::encoded(&self.id))
    }
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    open::with(common, async |client| match &command {
        Command::Show { which, at } => show(common, client, which, at.as_deref()).await,
        Command::History(which) => history(common, client, which).await,
        Command::Revert { which, at, field } => revert(common, client, which, at, field).await,
    })
    .await
}

async fn show(common: &Common, client: &LocalClient, which: &Which, at: Option<&str>) -> Outcome {
    let query = at.map_or_else(String::new, |at| format!("?at={}", ask::encoded(at)));
    let record = client.call(Ask::get(which.path() + &query)).await?;
    if common.json {
        print::json(&record);
        return Ok(());
    }
    let text = |value: &Json| value.as_str().map(print::printable).unwrap_or_default();
    if let Some(seq) = record["as_of"]["seq"].as_u64() {
        print::line(&format!("As journal entry {seq} of {} had made it:", text(&record["as_of"]["at"])));
    }
    if record["trashed"] == json!(true) {
        print::line("It is in the trash.");
    }
    let values = record["values"].as_object().into_iter().flatten();
    let rows: Vec<Vec<String>> = values
        .filter(|(_, value)| !value.is_null())
        .map(|(key, _)| vec![print::printable(key), print::value(&record, key)])
        .collect();
    print::table(&["field", "value"], &rows);
    Ok(())
}

async fn history(common: &Common, client: &LocalClient, which: &Which) -> Outcome {
    let mut items: Vec<Json> = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = client.call(Ask::get(format!("{}/history?limit=200{cursor}", which.path()))).await?;
        items.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", ask::encoded(next)),
            None => break,
        }
    }
    if common.json {
        print::json(&Json::Array(items));
        return Ok(());
    }
    let row = |item: &Json| {
        let text = |value: &Json| value.as_str().map(print::printable).unwrap_or_default();
        let fields = item["changes"].as_array().into_iter().flatten().map(|change| text(&change["field"]));
        let what = if item["erased"] == json!(true) {
            "(erased)".into()
        } else {
            fields.filter(|field| !field.is_empty()).collect::<Vec<_>>().join(", ")
        };
        vec![item["seq"].to_string(), text(&item["at"]), text(&item["actor"]["name"]), text(&item["kind"]), what]
    };
    print::table(&["entry", "at", "by", "what", "fields"], &items.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn revert(common: &Common, client: &LocalClient, which: &Which, at: &str, fields: &[String]) -> Outcome {
    let mut body = match at.parse::<u64>() {
        Ok(seq) => json!({ "seq": seq }),
        Err(_) => json!({ "at": at }),
    };
    if !fields.is_empty() {
        body["fields"] = json!(fields);
    }
    let record = client.call(Ask::post(which.path() + "/revert", &body)).await?;
    if common.json {
        print::json(&record);
    } else {
        print::line(&format!("Brought back; it is version {} now.", record["version"]));
    }
    Ok(())
}
