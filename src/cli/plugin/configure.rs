//! `kith plugin settings` and `secret`.

use std::path::PathBuf;

use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::{
    super::{CliError, Common, Outcome, ask, open, print},
    path, quiet,
};

pub async fn settings(common: &Common, id: &str, set: &[String], file: Option<PathBuf>) -> Outcome {
    let mut pairs = Vec::new();
    for pair in set {
        let Some((key, value)) = pair.split_once('=') else {
            let said = format!("--set takes KEY=VALUE, such as 'days=7'; got '{}'", print::printable(pair));
            return Err(CliError::wrong_use(said));
        };
        let value = serde_json::from_str::<Json>(value).unwrap_or_else(|_| json!(value));
        pairs.push((key.to_string(), value));
    }
    let whole = match file {
        None => None,
        Some(file) => Some(read_json(&file).await?),
    };
    let shown = open::with(common, async |client| {
        let route = path(id, "/settings");
        if let Some(whole) = &whole {
            return Ok(client.call(Ask::put(route, whole)).await?);
        }
        let mut now = client.call(Ask::get(route.clone())).await?;
        if pairs.is_empty() {
            return Ok(now);
        }
        for (key, value) in &pairs {
            now[key.as_str()] = value.clone();
        }
        Ok(client.call(Ask::put(route, &now)).await?)
    })
    .await?;
    print::json(&shown);
    Ok(())
}

async fn read_json(file: &PathBuf) -> Outcome<Json> {
    let shown = file.display();
    let text = tokio::fs::read_to_string(file).await;
    let text = text.map_err(|e| CliError::failed("cli.file", format!("{shown} cannot be read: {e}")))?;
    serde_json::from_str(&text).map_err(|e| CliError::failed("cli.file", format!("{shown} is not JSON: {e}")))
}

pub async fn secret(common: &Common, id: &str, name: &str, file: Option<PathBuf>, clear: bool) -> Outcome {
    let route = path(id, &format!("/secrets/{}", ask::encoded(name)));
    if clear {
        return quiet(common, Ask::delete(route), "The secret is cleared.").await;
    }
    let value = match file {
        Some(file) => {
            let shown = file.display().to_string();
            let text = tokio::fs::read_to_string(&file).await;
            text.map_err(|e| CliError::failed("cli.file", format!("{shown} cannot be read: {e}")))?
        }
        None => {
            let typed = rpassword::prompt_password(format!("{}: ", print::printable(name)));
            typed.map_err(|_| CliError::wrong_use("nobody is here to type the secret; name a file with --file"))?
        }
    };
    // Editors end a file with a newline, which is no part of a secret.
    let body = json!({ "value": value.trim_end_matches(['\r', '\n']) });
    quiet(common, Ask::put(route, &body), "The secret is set, and is never shown again.").await
}
