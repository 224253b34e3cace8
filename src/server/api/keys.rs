//! The vault's keys: who opens it, and the rotation of the data key. For administrators; what changes who opens the vault comes
//! from the command line only. The engine decides.

use kith_base::Secret;
use kith_store::KeyReport;
use poem::{Response, Result, handler};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{State, no_content, ok, time};
use crate::extract::{Caller, Input};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddBody {
    label: String,
    recipient: String,
    #[serde(default)]
    recovery: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveBody {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseBody {
    passphrase: String,
}

#[handler]
pub async fn list(app: State<'_>, caller: Caller) -> Result<Response> {
    let report = app.act(caller, |engine, actor| Ok(engine.keys(actor)?)).await?;
    Ok(ok(&told(&report)))
}

#[handler]
pub async fn rotate(app: State<'_>, caller: Caller) -> Result<Response> {
    let report = app.act(caller, |engine, actor| Ok(engine.rotate_key(actor)?)).await?;
    Ok(ok(&told(&report)))
}

#[handler]
pub async fn add(app: State<'_>, caller: Caller, input: Input<AddBody>) -> Result<Response> {
    let AddBody { label, recipient, recovery } = input.value;
    app.act(caller, move |engine, actor| Ok(engine.add_key(actor, &label, &recipient, recovery)?)).await?;
    Ok(no_content())
}

#[handler]
pub async fn remove(app: State<'_>, caller: Caller, input: Input<RemoveBody>) -> Result<Response> {
    let key = input.value.key;
    app.act(caller, move |engine, actor| Ok(engine.remove_key(actor, &key)?)).await?;
    Ok(no_content())
}

#[handler]
pub async fn passphrase(app: State<'_>, caller: Caller, input: Input<PassphraseBody>) -> Result<Response> {
    let new = Secret::new(input.value.passphrase);
    app.act(caller, move |engine, actor| Ok(engine.set_vault_passphrase(actor, &new)?)).await?;
    Ok(no_content())
}

/// The keys as the API shows them.
pub fn told(report: &KeyReport) -> Json {
    let at = |ms: i64| if ms == 0 { Json::Null } else { json!(time(ms)) };
    let recipients = report.recipients.iter().map(|known| {
        let note = &known.recipient;
        let kind = match (note.passphrase, note.recovery) {
            (true, _) => "passphrase",
            (_, true) => "recovery",
            _ => "key",
        };
        json!({
            "label": note.label, "kind": kind, "recipient": note.recipient, "added_at": at(note.added_ms),
            "in_use": known.in_use,
        })
    });
    let data_keys = report.data_keys.iter().map(|key| json!({ "id": key.id, "made_at": at(key.made_ms) }));
    let rotation = report
        .resealing
        .as_ref()
        .map(|going| json!({ "done_bytes": going.done_bytes, "all_bytes": going.all_bytes, "failed": going.failed }));
    json!({
        "recipients": recipients.collect::<Vec<Json>>(), "data_keys": data_keys.collect::<Vec<Json>>(), "rotation": rotation,
    })
}
