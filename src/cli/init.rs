//! `kith init`: a new vault and its first administrator.

use std::path::{Path, PathBuf};

use kith_server::client::{Ask, LocalClient};
use kith_store::Vault;
use serde_json::json;

use super::{CliError, Common, Outcome, open, print, recovery, secrets};

/// Create a vault and its first administrator
///
/// The vault is locked with a key file (made when missing) or with a passphrase. Keep either somewhere else than the data folder:
/// without it nobody can read the data again.
#[derive(clap::Args)]
pub struct Args {
    /// E-mail address of the first administrator
    #[arg(long, value_name = "E-MAIL")]
    admin_email: String,
    /// File with the administrator's password; asked for when missing
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// Name of the first administrator
    #[arg(long, default_value = "", value_name = "NAME")]
    admin_name: String,
    /// Also make a recovery key and write it to this new file (.txt, or .svg to print)
    #[arg(long, value_name = "FILE")]
    recovery_key_file: Option<PathBuf>,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    if kith_store::vault_kind(&common.data)? != kith_store::VaultKind::Missing {
        let said = format!("{} already holds a vault; choose another folder with --data", common.data.display());
        return Err(CliError::failed("vault.exists", said));
    }
    let lock = secrets::new_lock(common)?;
    let flag = "--admin-password-file";
    let password =
        secrets::password(args.admin_password_file.as_ref(), common, "Password of the administrator: ", flag)?;
    let data = common.data.clone();
    let existed = data.exists();
    let made = open::blocking(move || {
        let vault = Vault::create(&data, &lock)?;
        open::engine(&data, &vault, &mut |_| {})
    });
    let engine = match made.await {
        Ok(engine) => engine,
        Err(error) => {
            forget(common, existed);
            return Err(error);
        }
    };
    let client = LocalClient::inside(engine.clone());
    let admin =
        json!({"email": args.admin_email, "name": args.admin_name, "role": "admin", "password": password.expose()});
    let added = match client.call(Ask::post("/users", &admin)).await {
        Ok(user) => add_recovery(common, &client, args.recovery_key_file.as_deref()).await.map(|()| user),
        Err(error) => Err(error.into()),
    };
    open::blocking(move || Ok(engine.close()?)).await?;
    let user = match added {
        Ok(user) => user,
        Err(error) => {
            forget(common, existed);
            return Err(error);
        }
    };
    if common.json {
        print::json(&json!({"data": common.data, "admin": user, "recovery_key_file": args.recovery_key_file}));
        return Ok(());
    }
    print::line(&format!("A new vault is in {}.", common.data.display()));
    match &common.key_file {
        Some(path) => print::line(&format!(
            "It opens with the key in {}. Keep a copy somewhere safe: without it the data is lost.",
            path.display()
        )),
        None => print::line("It opens with the passphrase. Keep it somewhere safe: without it the data is lost."),
    }
    match &args.recovery_key_file {
        Some(path) => print::line(&format!(
            "A recovery key is in {}. Print it, keep the paper in a safe place, and delete the file.",
            path.display()
        )),
        None => print::line("There is no recovery key yet. Make one with 'kith key recovery' and keep it on paper."),
    }
    print::line("Start the server with 'kith serve' and sign in at http://127.0.0.1:5484.");
    Ok(())
}

async fn add_recovery(common: &Common, client: &LocalClient, file: Option<&Path>) -> Outcome {
    let Some(path) = file else { return Ok(()) };
    let key = recovery::write(path, common)?;
    let added = client.call(Ask::post("/keys", &recovery::addition("recovery", &key))).await;
    if added.is_err() {
        let _ = std::fs::remove_file(path);
    }
    Ok(added.map(drop)?)
}

/// Takes back a vault that has no administrator, so that the command can be repeated. Only ever what this run made.
fn forget(common: &Common, existed: bool) {
    let made =
        ["vault.age", "passphrase.age", "kith.lock", "journal", "store", "files"].map(|name| common.data.join(name));
    for path in made {
        let _ = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
    }
    if !existed {
        let _ = std::fs::remove_dir_all(&common.data);
    }
}
