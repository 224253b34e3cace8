//! `kith verify`: reads everything and says what does not hold.

use std::time::Duration;

use kith_engine::audit::anchor;
use kith_server::client::{Ask, LocalClient};
use kith_store::{Store, Vault};
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, open, print, secrets};

/// How often a running server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Check journal, records and their digest from first to last
///
/// Works beside a running server, without one, and on a folder that is too damaged to open.
#[derive(clap::Args)]
pub struct Args {}

pub async fn run(common: &Common, _args: Args) -> Outcome {
    check(common, Vec::new()).await
}

/// Verifies everything, and that the journal still contains the anchors (`SEQ:HASH`).
pub async fn check(common: &Common, anchors: Vec<String>) -> Outcome {
    let socket = common.data.join(open::SOCKET);
    let report = if LocalClient::is_served(&socket).await {
        beside(&LocalClient::beside(socket), &anchors).await?
    } else {
        let asked = common.clone();
        open::blocking(move || inspect(&asked, &anchors)).await?
    };
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let (findings, anchors) = (list("findings"), list("anchors"));
    let lost: Vec<&Json> = anchors.iter().filter(|anchor| anchor["holds"] != json!(true)).collect();
    if common.json {
        print::json(&report);
    } else {
        show(&report, &findings, &anchors);
    }
    if !findings.is_empty() {
        let found = findings.len();
        let said = format!(
            "{found} places do not hold; see above, and restore from a backup if 'kith serve' does not mend them"
        );
        return Err(CliError::failed("store.damaged", said));
    }
    match lost.first() {
        None => Ok(()),
        Some(first) => {
            let what = first["what"].as_str().unwrap_or("the past was rewritten");
            let said = format!("{what}; compare with a backup made before, and ask who holds the keys");
            Err(CliError::failed("audit.rewritten", said))
        }
    }
}

fn show(report: &Json, findings: &[Json], anchors: &[Json]) {
    let text = |value: &Json| value.as_str().map(print::printable).unwrap_or_default();
    for finding in findings {
        print::line(&format!("{}: {}", text(&finding["place"]), text(&finding["what"])));
    }
    for anchor in anchors {
        let said = if anchor["holds"] == json!(true) { "holds".to_string() } else { text(&anchor["what"]) };
        print::line(&format!("anchor {}: {said}", anchor["seq"]));
    }
    print::line(&format!(
        "{} entries with {} changes in {} segments, {} records",
        report["entries"], report["changes"], report["segments"], report["records"]
    ));
    if report["clean"] == json!(true) {
        print::line(&format!("everything holds · head {} {}", report["head_seq"], text(&report["head_hash"])));
    }
}

/// Lets the server do it, and waits.
async fn beside(client: &LocalClient, anchors: &[String]) -> Outcome<Json> {
    let mut state = client.call(Ask::post("/audit/verify", &json!({ "anchors": anchors, "records": true }))).await?;
    let run = state["run"].clone();
    let bar = print::progress("Reading");
    while state["run"] == run && !state["running"].is_null() {
        bar.set_length(state["running"]["all"].as_u64().unwrap_or(0));
        bar.set_position(state["running"]["done"].as_u64().unwrap_or(0));
        tokio::time::sleep(ASK_EVERY).await;
        state = client.call(Ask::get("/audit/verify")).await?;
    }
    bar.finish_and_clear();
    let last = &state["last"];
    if last["run"] != run {
        return Err(CliError::failed("audit.superseded", "another verification took the place of this one; try again"));
    }
    if let Some(error) = last["error"].as_str() {
        return Err(CliError::failed("audit.broken_off", error));
    }
    Ok(last["report"].clone())
}

fn inspect(common: &Common, anchors: &[String]) -> Outcome<Json> {
    let anchors = anchors.iter().map(|text| anchor::read(text)).collect::<Result<Vec<_>, _>>()?;
    let vault = Vault::unlock(&common.data, &secrets::unlock(common)?)?;
    let bar = print::progress("Reading");
    let mut progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let report = Store::inspect_anchored(&common.data, &vault, &anchors, &mut progress)?;
    bar.finish_and_clear();
    Ok(kith_server::api::audit::told(&report))
}
