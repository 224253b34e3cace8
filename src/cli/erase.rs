//! `kith erase`: takes records out for good, with everything that hangs on them.

use std::io::{BufRead, IsTerminal, Write};

use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, ask, open, print};

/// Erase records for good, with their history, attachments and everything that hangs on them
#[derive(clap::Args)]
pub struct Args {
    /// Key of the object, such as people
    object: String,
    /// Ids of the records
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Only show what would be erased
    #[arg(long, conflicts_with = "yes")]
    preview: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Why, for the audit; no personal data
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    reason: String,
    /// Keep records of this object though they hang on what is erased, such as tasks; their links are cleared
    #[arg(long, value_name = "OBJECT")]
    keep: Vec<String>,
    /// Erase records of this object too, because they cannot be without what is erased
    #[arg(long, value_name = "OBJECT")]
    with: Vec<String>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    open::with(common, async |client| {
        let path = format!("/records/{}/erase", ask::encoded(&args.object));
        let mut body = json!({
            "ids": args.ids, "preview": true, "reason": args.reason, "keep": args.keep, "with": args.with,
        });
        let plan = match client.call(Ask::post(&path, &body)).await {
            // Erased before: doing it again says so and does nothing.
            Err(error) if error.code() == "record.not_found" && !args.preview => json!({}),
            plan => plan?,
        };
        if args.preview {
            if common.json {
                print::json(&plan)
            } else {
                show(&plan)
            }
            return Ok(());
        }
        if !args.yes {
            show(&plan);
            agree(&plan)?;
        }
        body["preview"] = json!(false);
        body["confirm"] = plan["token"].clone();
        if body["confirm"].is_null() {
            body["confirm"] = json!("");
        }
        let done = client.call(Ask::post(&path, &body)).await?;
        if common.json {
            print::json(&done)
        } else {
            print::line(&said(&done))
        }
        Ok(())
    })
    .await
}

fn said(done: &Json) -> String {
    let number = |key: &str| done[key].as_u64().unwrap_or(0);
    if done["already"] == json!(true) {
        return format!("It was erased before, by journal entry {}.", number("seq"));
    }
    format!(
        "Erased {} records and {} files for good; {} links cleared. Journal entry {} says so.",
        number("records"),
        number("files"),
        number("links"),
        number("seq")
    )
}

fn show(plan: &Json) {
    let count = plan["count"].as_u64().unwrap_or(0);
    print::line(&format!("{count} of {} will be erased for good:", text(&plan["object"])));
    titles(&plan["samples"]);
    groups(plan, "dependents", "With them, because they hang on them");
    groups(plan, "links", "Links to them that will be cleared");
    groups(plan, "blocked", "In the way, because they cannot be without them (--with OBJECT erases these too)");
    for (key, what) in [("files", "attached files"), ("kept_files", "kept files of imports that name them")] {
        if let Some(count) = plan[key].as_u64().filter(|count| *count > 0) {
            print::line(&format!("{count} {what}"));
        }
    }
    let mentions = plan["mentions"].as_array().map_or(&[][..], Vec::as_slice);
    if !mentions.is_empty() {
        print::line("Texts that name them and stay as they are; look at these yourself:");
    }
    for mention in mentions {
        let fields: Vec<String> = mention["fields"].as_array().into_iter().flatten().map(text).collect();
        let (object, id, title) = (text(&mention["object"]), text(&mention["id"]), text(&mention["title"]));
        print::line(&format!("  {object} {id}  {title}  ({})", fields.join(", ")));
    }
}

fn groups(plan: &Json, key: &str, heading: &str) {
    let groups = plan[key].as_array().map_or(&[][..], Vec::as_slice);
    if !groups.is_empty() {
        print::line(&format!("{heading}:"));
    }
    for group in groups {
        let field = group["field"].as_str().map_or_else(String::new, |field| format!(".{}", print::printable(field)));
        print::line(&format!("  {} {}{field}", group["count"], text(&group["object"])));
    }
}

fn titles(samples: &Json) {
    for sample in samples.as_array().into_iter().flatten() {
        print::line(&format!("  {}  {}", text(&sample["id"]), text(&sample["title"])));
    }
}

fn text(value: &Json) -> String {
    value.as_str().map(print::printable).unwrap_or_default()
}

/// Asks a person; a program has to say `--yes`.
fn agree(plan: &Json) -> Outcome {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::wrong_use("erasing cannot be undone; add --yes to do it, or --preview to look"));
    }
    eprint!("Nothing brings this back. Type {} to erase: ", text(&plan["token"]));
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if read.is_ok() && line.trim() == plan["token"].as_str().unwrap_or("-") {
        return Ok(());
    }
    Err(CliError::failed("erase.unconfirmed", "nothing was erased"))
}
