//! `kith import`: records from a file of another program.

use std::{path::PathBuf, time::Duration};

use kith_server::client::{Ask, LocalClient};
use serde_json::{Map, Value as Json, json};

use super::{CliError, Common, Outcome, open, print};

/// Import CSV, vCard or JSON Lines
///
/// Encoding, delimiter, columns and local forms are found out from the file. Look first with --dry-run; undo in the web app or with
/// POST /api/v1/imports/{id}/undo.
#[derive(clap::Args)]
pub struct Args {
    file: PathBuf,
    /// Key of the object to fill, such as people; guessed from the file when missing
    #[arg(long)]
    object: Option<String>,
    /// Read a column into a field, as 'E-mail=emails'; an empty field leaves the column out; may be repeated
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    maps: Vec<String>,
    /// Records that are there already
    #[arg(long, value_parser = ["skip", "update", "keep"], default_value = "skip")]
    duplicates: String,
    /// Find records that are there already by this field
    #[arg(long, value_name = "FIELD")]
    match_by: Option<String>,
    /// Do not create companies and people that rows link to
    #[arg(long)]
    no_links: bool,
    /// Say what would happen and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write refused rows with their reasons to this file
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let shown = args.file.display().to_string();
    let content = tokio::fs::read(&args.file).await;
    let content = content.map_err(|e| CliError::failed("cli.file", format!("{shown} cannot be read: {e}")))?;
    let name = args.file.file_name().map_or_else(|| "import".into(), |name| name.to_string_lossy().into_owned());
    let options = options(&args)?.to_string();
    open::with(common, async |client| {
        let asked = Ask::new(hyper::Method::POST, "/imports").form(&[("options", &options)], &name, &content);
        let answer = client.call(asked).await?;
        if args.dry_run {
            preview(common, &answer);
            return Ok(());
        }
        let id = answer["id"].as_str().unwrap_or_default().to_string();
        let report = wait(client, &id).await?;
        finish(common, client, &args, &report, &id).await
    })
    .await
}

fn options(args: &Args) -> Outcome<Json> {
    let mut options = Map::new();
    if let Some(object) = &args.object {
        options.insert("object".into(), json!(object));
    }
    let mut mapping = Vec::new();
    for pair in &args.maps {
        let Some((column, field)) = pair.rsplit_once('=') else {
            return Err(CliError::wrong_use(format!(
                "--map takes COLUMN=FIELD, such as 'E-mail=emails'; got '{}'",
                print::printable(pair)
            )));
        };
        mapping.push(json!({"column": column, "field": if field.is_empty() { Json::Null } else { json!(field) }}));
    }
    if !mapping.is_empty() {
        options.insert("mapping".into(), Json::Array(mapping));
    }
    options.insert("duplicates".into(), json!(args.duplicates));
    if let Some(field) = &args.match_by {
        options.insert("match_by".into(), json!(field));
    }
    options.insert("create_links".into(), json!(!args.no_links));
    options.insert("dry_run".into(), json!(args.dry_run));
    Ok(Json::Object(options))
}

/// Waits for the job, showing how far it is.
async fn wait(client: &LocalClient, id: &str) -> Outcome<Json> {
    const LOOK_EVERY: Duration = Duration::from_millis(150);
    let bar = print::progress("Importing");
    loop {
        let report = client.call(Ask::get(format!("/imports/{id}"))).await?;
        bar.set_length(report["rows"].as_u64().unwrap_or(0));
        bar.set_position(report["done"].as_u64().unwrap_or(0));
        if report["state"] != json!("running") {
            bar.finish_and_clear();
            return Ok(report);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn finish(common: &Common, client: &LocalClient, args: &Args, report: &Json, id: &str) -> Outcome {
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    if let Some(path) = &args.refused
        && count("refused") > 0
    {
        let rows = client.send(Ask::get(format!("/imports/{id}/refused.csv"))).await?.bytes().await?;
        let failed =
            |e: std::io::Error| CliError::failed("cli.file", format!("{} cannot be written: {e}", path.display()));
        tokio::fs::write(path, rows).await.map_err(failed)?;
    }
    if common.json {
        print::json(report);
    } else {
        print::line(&format!(
            "{} rows: {} created, {} updated, {} skipped, {} refused; {} linked records created.",
            count("rows"),
            count("created"),
            count("updated"),
            count("skipped"),
            count("refused"),
            count("links_created"),
        ));
        if count("refused") > 0 && args.refused.is_none() {
            print::line("See why with --refused FILE, or on the import's page.");
        }
    }
    if report["state"] == json!("failed") {
        let why = report["message"].as_str().unwrap_or("the import broke off; undo it or try again");
        return Err(CliError::failed("import.failed", why));
    }
    Ok(())
}

fn preview(common: &Common, found: &Json) {
    if common.json {
        return print::json(found);
    }
    let text = |value: &Json| print::printable(value.as_str().unwrap_or_default());
    print::line(&format!(
        "{} · {} · {} rows into '{}'",
        text(&found["format"]),
        text(&found["encoding"]),
        found["rows"],
        text(&found["object"])
    ));
    let columns: Vec<Vec<String>> = found["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|column| {
            let samples: Vec<String> = column["samples"].as_array().into_iter().flatten().take(2).map(&text).collect();
            let field = column["field"].as_str().unwrap_or("(left out)").to_string();
            vec![text(&column["header"]), field, samples.join(", ").chars().take(60).collect()]
        })
        .collect();
    print::table(&["column", "field", "for example"], &columns);
    for row in found["preview"].as_array().into_iter().flatten() {
        for problem in row["problems"].as_array().into_iter().flatten() {
            print::line(&format!("row {}, {}: {}", row["row"], text(&problem["column"]), text(&problem["message"])));
        }
    }
    let counts = &found["counts"];
    print::line(&format!(
        "would create {}, update {}, skip {}, refuse {}",
        counts["create"], counts["update"], counts["skip"], counts["refuse"]
    ));
}
