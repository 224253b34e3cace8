//! `kith user`: who can sign in.

use std::path::PathBuf;

use kith_server::client::Ask;
use serde_json::{Value as Json, json};

use super::{Common, Outcome, ask, open, print, secrets};

/// Manage who can sign in
#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a user
    Add {
        email: String,
        #[arg(long, default_value = "")]
        name: String,
        /// Key of the role: admin, member, read-only or one of your own
        #[arg(long, default_value = "member")]
        role: String,
        /// File with the password; asked for when missing
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Add without a password: nobody can sign in until one is set
        #[arg(long, conflicts_with = "password_file")]
        no_password: bool,
    },
    /// List all users
    List,
    /// Set a user's password and end the user's sessions
    Passwd {
        email: String,
        /// File with the password; asked for when missing
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Keep a user from signing in; records and history stay
    Disable { email: String },
    /// Take away the second factor of a user whose phone is lost, and end the user's sessions
    ResetSecondFactor { email: String },
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::Add { email, name, role, password_file, no_password } => {
            let mut body = json!({"email": email, "name": name, "role": role});
            if !no_password {
                let question = format!("Password for {}: ", print::printable(&email));
                let password = secrets::password(password_file.as_ref(), common, &question, "--password-file")?;
                body["password"] = Json::from(password.expose().as_str());
            }
            let user = open::with(common, async |client| Ok(client.call(Ask::post("/users", &body)).await?)).await?;
            said(common, &user, &format!("{} can use Kith now.", print::value(&user, "name")))
        }
        Command::List => list(common).await,
        Command::Passwd { email, password_file } => {
            let question = format!("New password for {}: ", print::printable(&email));
            let password = secrets::password(password_file.as_ref(), common, &question, "--password-file")?;
            let user = open::with(common, async |client| {
                let user = ask::user(client, &email).await?;
                let path = format!("/users/{}/password", user["id"].as_str().unwrap_or_default());
                client.call(Ask::post(path, &json!({"password": password.expose()}))).await?;
                Ok(user)
            })
            .await?;
            said(common, &user, "The password is set; open sessions have ended.")
        }
        Command::Disable { email } => {
            let user = open::with(common, async |client| {
                let user = ask::user(client, &email).await?;
                let path = format!("/records/users/{}", user["id"].as_str().unwrap_or_default());
                Ok(client.call(Ask::patch(path, &json!({"values": {"disabled": true}}))).await?)
            })
            .await?;
            said(common, &user, &format!("{} cannot sign in any more.", print::value(&user, "name")))
        }
        Command::ResetSecondFactor { email } => {
            let user = open::with(common, async |client| {
                let user = ask::user(client, &email).await?;
                let path = format!("/users/{}/second-factor", user["id"].as_str().unwrap_or_default());
                client.call(Ask::delete(path)).await?;
                Ok(user)
            })
            .await?;
            let name = print::value(&user, "name");
            said(common, &user, &format!("{name} signs in with the password alone, and can enrol another app."))
        }
    }
}

fn said(common: &Common, user: &Json, sentence: &str) -> Outcome {
    if common.json {
        print::json(user)
    } else {
        print::line(sentence)
    }
    Ok(())
}

async fn list(common: &Common) -> Outcome {
    let (users, roles) = open::with(common, async |client| {
        Ok((ask::all(client, "users", None, "email").await?, ask::all(client, "roles", None, "name").await?))
    })
    .await?;
    if common.json {
        print::json(&Json::Array(users));
        return Ok(());
    }
    let role = |user: &Json| {
        let found = roles.iter().find(|role| role["id"] == user["values"]["role"]);
        found.map_or_else(String::new, |role| print::value(role, "key"))
    };
    let state = |user: &Json| if user["values"]["disabled"] == json!(true) { "disabled" } else { "active" };
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|u| vec![print::value(u, "email"), print::value(u, "name"), role(u), state(u).to_string()])
        .collect();
    print::table(&["e-mail", "name", "role", "state"], &rows);
    Ok(())
}
