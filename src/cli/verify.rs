//! `kith verify`: reads everything and says what does not hold.

use kith_server::client::{Ask, LocalClient};
use kith_store::{Store, Vault};
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, open, print, secrets};

/// Check journal, records and their digest from first to last
///
/// Works beside a running server, without one, and on a folder that is too damaged to open.
#[derive(clap::Args)]
pub struct Args {}

pub async fn run(common: &Common, _args: Args) -> Outcome {
    let socket = common.data.join(open::SOCKET);
    let report = if LocalClient::is_served(&socket).await {
        LocalClient::beside(socket).call(Ask::post("/audit/verify", &json!({}))).await?
    } else {
        let asked = common.clone();
        open::blocking(move || inspect(&asked)).await?
    };
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    if common.json {
        print::json(&report);
    } else {
        for finding in &findings {
            print::line(&format!(
                "{}: {}",
                finding["place"].as_str().unwrap_or_default(),
                finding["what"].as_str().unwrap_or_default()
            ));
        }
        print::line(&format!(
            "{} entries with {} changes in {} segments, {} records",
            report["entries"], report["changes"], report["segments"], report["records"]
        ));
    }
    match findings.len() {
        0 => {
            if !common.json {
                print::line(&format!(
                    "everything holds · head {} {}",
                    report["head_seq"],
                    report["head_hash"].as_str().unwrap_or_default()
                ));
            }
            Ok(())
        }
        found => Err(CliError::failed(
            "store.damaged",
            format!(
                "{found} places do not hold; see above, and restore from a backup if 'kith serve' does not mend them"
            ),
        )),
    }
}

fn inspect(common: &Common) -> Outcome<Json> {
    let vault = Vault::unlock(&common.data, &secrets::unlock(common)?)?;
    let bar = print::progress("Reading");
    let mut progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let report = Store::inspect(&common.data, &vault, &mut progress)?;
    bar.finish_and_clear();
    Ok(kith_server::api::audit::told(&report))
}
