//! `kith plugin install`: shows what a file asks for, and installs it.

use std::path::PathBuf;

use kith_server::client::Ask;
use serde_json::Value as Json;

use super::{
    super::{CliError, Common, Outcome, open, print},
    print_permissions, text,
};

#[derive(clap::Args)]
pub struct Args {
    file: PathBuf,
    /// Agree to everything it asks for, and run it
    #[arg(long)]
    grant: bool,
    /// Allow an older version than the one installed
    #[arg(long)]
    downgrade: bool,
    /// Allow another author than the one who signed before
    #[arg(long)]
    new_author: bool,
    /// Say what it asks for and install nothing
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let shown = args.file.display().to_string();
    let content = tokio::fs::read(&args.file).await;
    let content = content.map_err(|e| CliError::failed("cli.file", format!("{shown} cannot be read: {e}")))?;
    let name = args.file.file_name().map_or_else(|| "plugin.wasm".into(), |name| name.to_string_lossy().into_owned());
    let flag = |on: bool| if on { "true" } else { "false" };
    let parts = [("grant", flag(args.grant)), ("downgrade", flag(args.downgrade)), ("author", flag(args.new_author))];
    open::with(common, async |client| {
        let ask = |route: &str| Ask::new(hyper::Method::POST, route);
        if args.dry_run {
            let offer = client.call(ask("/plugins/inspect").form(&[], &name, &content)).await?;
            print_offer(common, &offer);
            return Ok(());
        }
        let plugin = client.call(ask("/plugins").form(&parts, &name, &content)).await?;
        print_installed(common, &plugin);
        Ok(())
    })
    .await
}

fn print_offer(common: &Common, offer: &Json) {
    if common.json {
        return print::json(offer);
    }
    print::line(&format!("{} {} ({})", text(offer, "name"), text(offer, "version"), text(offer, "id")));
    let described = text(offer, "description");
    if !described.is_empty() {
        print::line(&described);
    }
    match text(offer, "author").as_str() {
        "" => print::line("Nobody signed it."),
        author => print::line(&format!("Signed by {author}.")),
    }
    match &offer["installed"] {
        Json::Null => print_permissions(&offer["permissions"], " "),
        installed => {
            print::line(&format!("Installed is {}. What changes:", text(installed, "version")));
            print_permissions(&installed["changes"]["added"], "+");
            print_permissions(&installed["changes"]["removed"], "-");
        }
    }
    if offer["refusal"].is_object() {
        print::line(&format!("It would be refused: {}", text(&offer["refusal"], "detail")));
    }
}

fn print_installed(common: &Common, plugin: &Json) {
    if common.json {
        return print::json(plugin);
    }
    let (name, id) = (text(plugin, "name"), text(plugin, "id"));
    if plugin["pending"].is_object() {
        let pending = &plugin["pending"];
        print::line(&format!(
            "{name} {} asks for more than was granted, and waits; {} goes on.",
            text(pending, "version"),
            text(plugin, "version")
        ));
        print_permissions(&pending["changes"]["added"], "+");
        print::line(&format!("Agree with 'kith plugin grant {id}', or drop it with 'kith plugin decline {id}'."));
    } else if plugin["granted"] == true {
        print::line(&format!("{name} {} is installed and {}.", text(plugin, "version"), text(plugin, "state")));
    } else {
        print::line(&format!(
            "{name} {} is installed and does not run yet. It asks for this:",
            text(plugin, "version")
        ));
        print_permissions(&plugin["permissions"], " ");
        print::line(&format!("Agree with 'kith plugin grant {id}'."));
    }
}
