//! `kith token`: keys for programs that use the API.

use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::{Common, Outcome, ask, open, print};

/// Manage API tokens
#[derive(clap::Subcommand)]
pub enum Command {
    /// Create a token and print it, once
    Create {
        name: String,
        /// The user whose rights it has, by e-mail address
        #[arg(long, value_name = "E-MAIL")]
        user: String,
        /// What it may do, such as people:read, deals:write, *:read, admin; several times or with commas
        #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE")]
        scopes: Vec<String>,
        /// The day it ends, such as 2027-01-31
        #[arg(long, value_name = "DATE")]
        expires: Option<String>,
    },
    /// List all tokens
    List,
    /// Revoke a token, by its id
    Revoke { id: String },
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::Create { name, user, scopes, expires } => {
            let made = open::with(common, async |client| {
                let owner = ask::user(client, &user).await?;
                let body = json!({"name": name, "scopes": scopes, "expires_at": expires, "user": owner["id"]});
                Ok(client.call(Ask::post("/tokens", &body)).await?)
            })
            .await?;
            if common.json {
                print::json(&made);
            } else {
                print::line(made["token"].as_str().unwrap_or_default());
                eprintln!("This is the only time the token is shown. Send it as 'Authorization: Bearer …'.");
            }
            Ok(())
        }
        Command::List => {
            let tokens = open::with(common, async |client| ask::all(client, "tokens", None, "name").await).await?;
            if common.json {
                print::json(&Json::Array(tokens));
                return Ok(());
            }
            let row = |t: &Json| {
                let scopes: Vec<&str> =
                    t["values"]["scopes"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
                let id = t["id"].as_str().unwrap_or_default().to_string();
                let state = if t["values"]["revoked"] == json!(true) { "revoked" } else { "active" };
                vec![id, print::value(t, "name"), scopes.join(" "), print::value(t, "expires_at"), state.to_string()]
            };
            print::table(&["id", "name", "scopes", "expires", "state"], &tokens.iter().map(row).collect::<Vec<_>>());
            Ok(())
        }
        Command::Revoke { id } => {
            let path = format!("/records/tokens/{}", ask::encoded(&id));
            let body = json!({"values": {"revoked": true}});
            let token = open::with(common, async |client| Ok(client.call(Ask::patch(path, &body)).await?)).await?;
            if common.json {
                print::json(&token)
            } else {
                print::line("The token is revoked; requests with it are refused from now on.")
            }
            Ok(())
        }
    }
}
