//! `kith key`: who can open the vault, and the data key. Works beside a running server and without one.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use kith_server::client::{Ask, LocalClient};
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, open, print, recovery, secrets};

/// How often the progress of a rotation is asked for.
const ASK_EVERY: Duration = Duration::from_millis(150);

/// Manage the keys that open the vault, and the data key inside it
#[derive(clap::Subcommand)]
pub enum Command {
    /// List who can open the vault, the data key's age, and a rotation under way
    List,
    /// Make a recovery key: a key on paper that opens the vault when all others are lost
    ///
    /// It is shown once, as text and as a QR code, and kept nowhere.
    Recovery {
        /// Write it to a new file (.txt, or .svg to print) instead of the terminal
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// What the list calls it
        #[arg(long, default_value = "recovery")]
        label: String,
    },
    /// Let one more key open the vault
    Add {
        /// What the list calls it, such as 'server'
        label: String,
        /// Its public half: age1…
        #[arg(required_unless_present = "make")]
        recipient: Option<String>,
        /// Make a new key file instead
        #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
        make: Option<PathBuf>,
    },
    /// Take the vault away from a key
    Remove {
        /// Its label or public half; 'passphrase' for the passphrase
        key: String,
    },
    /// Set or change the passphrase
    Passphrase {
        /// File with the new passphrase; asked for when missing
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Make a new data key and seal everything with it
    ///
    /// New values use it at once. Old ones are sealed again in the background; ending this command or the server does not harm that.
    Rotate {
        /// Return at once and let the server go on
        #[arg(long)]
        no_wait: bool,
    },
}

pub async fn run(common: &Common, command: Command) -> Outcome {
    match command {
        Command::List => list(common).await,
        Command::Recovery { output, label } => make_recovery(common, output.as_deref(), &label).await,
        Command::Add { label, recipient, make } => add(common, &label, recipient, make).await,
        Command::Remove { key } => {
            changed(common, Ask::post("/keys/remove", &json!({"key": key})), "It opens the vault no more.").await?;
            let hint = "Whoever has an old copy of the folder and this key can still open that copy; 'kith key rotate' keeps it from what follows.";
            if !common.json {
                print::line(hint);
            }
            Ok(())
        }
        Command::Passphrase { new_passphrase_file } => {
            let new = secrets::new_passphrase(new_passphrase_file.as_ref(), common)?;
            let ask = Ask::post("/keys/passphrase", &json!({"passphrase": new.expose()}));
            changed(common, ask, "The passphrase is set.").await
        }
        Command::Rotate { no_wait } => rotate(common, no_wait).await,
    }
}

/// Sends a change and shows the keys as they are afterwards.
async fn changed(common: &Common, ask: Ask, said: &str) -> Outcome {
    let keys = open::with(common, async |client| {
        client.call(ask).await?;
        Ok(client.call(Ask::get("/keys")).await?)
    })
    .await?;
    if common.json {
        print::json(&keys);
    } else {
        print::line(said);
    }
    Ok(())
}

async fn list(common: &Common) -> Outcome {
    let keys = open::with(common, async |client| Ok(client.call(Ask::get("/keys")).await?)).await?;
    if common.json {
        print::json(&keys);
        return Ok(());
    }
    let text = |value: &Json| value.as_str().map(print::printable).unwrap_or_default();
    let date = |value: &Json| text(value).get(..10).unwrap_or("unknown").to_string();
    let rows: Vec<Vec<String>> = keys["recipients"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|key| {
            let used = if key["in_use"] == json!(true) { "yes" } else { "" };
            vec![text(&key["label"]), text(&key["kind"]), date(&key["added_at"]), used.into(), text(&key["recipient"])]
        })
        .collect();
    print::table(&["label", "kind", "added", "in use", "recipient"], &rows);
    if let Some(newest) = keys["data_keys"].as_array().and_then(|list| list.last()) {
        print::line(&format!("Data key {} of {}.", newest["id"], date(&newest["made_at"])));
    }
    if let Some((done, all, failed)) = progress(&keys) {
        print::line(&format!("Old values are being sealed with it: {} of {} MB.", done / 1_000_000, all / 1_000_000));
        if let Some(why) = failed {
            print::line(&format!("That waits: {why}"));
        }
    }
    Ok(())
}

/// Bytes done, bytes in all, and why the last step failed; none when no rotation is under way.
fn progress(keys: &Json) -> Option<(u64, u64, Option<String>)> {
    let rotation = keys["rotation"].as_object()?;
    let number = |name: &str| rotation.get(name).and_then(Json::as_u64).unwrap_or(0);
    let failed = rotation.get("failed").and_then(Json::as_str).map(print::printable);
    Some((number("done_bytes"), number("all_bytes"), failed))
}

async fn make_recovery(common: &Common, output: Option<&Path>, label: &str) -> Outcome {
    let key = match output {
        Some(path) => recovery::write(path, common)?,
        None => recovery::Key::new(),
    };
    let body = recovery::addition(label, &key);
    let added = open::with(common, async |client| Ok(client.call(Ask::post("/keys", &body)).await?)).await;
    if let (Err(_), Some(path)) = (&added, output) {
        // It opens nothing, and would be taken for a recovery key.
        let _ = std::fs::remove_file(path);
    }
    added?;
    recovery::show(&key, output, common)
}

async fn add(common: &Common, label: &str, recipient: Option<String>, make: Option<PathBuf>) -> Outcome {
    let recipient = match (&make, recipient) {
        (Some(path), _) => {
            let (text, recipient) = kith_store::new_identity();
            secrets::write_new(path, &text, common)?;
            recipient
        }
        (None, Some(recipient)) => recipient,
        (None, None) => return Err(CliError::wrong_use("name the public half of the key, or a file with --make")),
    };
    let ask = Ask::post("/keys", &json!({"label": label, "recipient": recipient}));
    let added = changed(common, ask, &format!("'{}' opens the vault now.", print::printable(label))).await;
    if let (Err(_), Some(path)) = (&added, &make) {
        let _ = std::fs::remove_file(path);
    }
    added
}

async fn rotate(common: &Common, no_wait: bool) -> Outcome {
    let beside = LocalClient::is_served(&common.data.join(open::SOCKET)).await;
    let keys = open::with(common, async |client| {
        let started = client.call(Ask::post("/keys/rotate", &json!({}))).await;
        let keys = match started {
            // One under way is what was asked for, and perhaps interrupted before.
            Err(error) if error.code() == "vault.rotation_under_way" => client.call(Ask::get("/keys")).await?,
            started => started?,
        };
        if no_wait && beside { Ok(keys) } else { wait(client, keys).await }
    })
    .await?;
    if common.json {
        print::json(&keys);
    } else if progress(&keys).is_some() {
        print::line(
            "New values use the new data key; the server seals the old ones again. 'kith key list' shows how far it is.",
        );
    } else {
        print::line("Everything is sealed with the new data key; the old one is gone.");
    }
    Ok(())
}

async fn wait(client: &LocalClient, mut keys: Json) -> Outcome<Json> {
    let bar = print::progress("Sealing");
    while let Some((done, all, failed)) = progress(&keys) {
        if let Some(why) = failed {
            let said = format!("new values use the new data key, but old ones cannot be sealed again yet: {why}");
            return Err(CliError::failed("key.rotation_waits", said));
        }
        bar.set_length(all);
        bar.set_position(done);
        tokio::time::sleep(ASK_EVERY).await;
        keys = client.call(Ask::get("/keys")).await?;
    }
    bar.finish_and_clear();
    Ok(keys)
}
