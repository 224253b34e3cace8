//! `kith plugin install`: shows what a file asks for, and installs it.

use kith_plugin_host::manifest::is_plugin_id;
use kith_server::client::Ask;
use serde_json::Value as Json;

use super::{
    super::{CliError, Common, Outcome, open, print},
    print_permissions, text,
};

#[derive(clap::Args)]
pub struct Args {
    /// A .wasm file, or the id of a plugin that Kith brings along, such as 'lead-scoring'
    plugin: String,
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
    // An id has neither dot nor slash, and a plugin's file has one: which of them is meant does not depend on the folder one is in.
    let content = if is_plugin_id(&args.plugin) { None } else { Some(read(&args.plugin).await?) };
    let form = |ask: Ask, parts: &[(&str, &str)]| match &content {
        Some(content) => ask.form(parts, "plugin.wasm", content),
        None => ask.parts(&[parts, &[("bundled", args.plugin.as_str())]].concat()),
    };
    let flag = |on: bool| if on { "true" } else { "false" };
    let parts = [("grant", flag(args.grant)), ("downgrade", flag(args.downgrade)), ("author", flag(args.new_author))];
    open::with(common, async |client| {
        let ask = |route: &str| Ask::new(hyper::Method::POST, route);
        if args.dry_run {
            let offer = client.call(form(ask("/plugins/inspect"), &[])).await?;
            print_offer(common, &offer);
            return Ok(());
        }
        let plugin = client.call(form(ask("/plugins"), &parts)).await?;
        print_installed(common, &plugin);
        Ok(())
    })
    .await
}

async fn read(file: &str) -> Outcome<Vec<u8>> {
    let shown = print::printable(file);
    let content = tokio::fs::read(file).await;
    content.map_err(|e| CliError::failed("cli.file", format!("{shown} cannot be read: {e}")))
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
