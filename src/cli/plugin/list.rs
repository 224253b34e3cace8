//! `kith plugin list` and `show`.

use kith_server::client::Ask;
use serde_json::Value as Json;

use super::{
    super::{Common, Outcome, open, print},
    path, print_permissions, text,
};

pub async fn run(common: &Common, bundled: bool) -> Outcome {
    let of = if bundled { "bundled" } else { "items" };
    let plugins = open::with(common, async |client| Ok(client.call(Ask::get("/plugins")).await?[of].take())).await?;
    if common.json {
        print::json(&plugins);
        return Ok(());
    }
    if bundled {
        print_bundled(&plugins);
        return Ok(());
    }
    let row = |plugin: &Json| {
        let state = match (plugin["granted"] == true, plugin["pending"].is_object()) {
            (false, _) => "waits for a grant".to_string(),
            (_, true) => {
                format!("{}, {} waits for a grant", text(plugin, "state"), text(&plugin["pending"], "version"))
            }
            _ => text(plugin, "state"),
        };
        vec![text(plugin, "id"), text(plugin, "version"), state, text(plugin, "name"), text(plugin, "message")]
    };
    let rows: Vec<Vec<String>> = plugins.as_array().into_iter().flatten().map(row).collect();
    print::table(&["id", "version", "state", "name", "message"], &rows);
    Ok(())
}

fn print_bundled(plugins: &Json) {
    let row = |plugin: &Json| {
        let installed = text(plugin, "installed");
        let installed = if installed.is_empty() { "no".into() } else { installed };
        vec![text(plugin, "id"), text(plugin, "version"), installed, text(plugin, "description")]
    };
    let rows: Vec<Vec<String>> = plugins.as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        return print::line("This Kith was built without its plugins; 'kith plugin install' takes a .wasm file too.");
    }
    print::table(&["id", "version", "installed", "what it does"], &rows);
}

pub async fn show(common: &Common, id: &str) -> Outcome {
    let plugin = open::with(common, async |client| Ok(client.call(Ask::get(path(id, ""))).await?)).await?;
    if common.json {
        print::json(&plugin);
        return Ok(());
    }
    print::line(&format!("{} {} · {}", text(&plugin, "name"), text(&plugin, "version"), text(&plugin, "state")));
    for key in ["description", "message"] {
        let said = text(&plugin, key);
        if !said.is_empty() {
            print::line(&said);
        }
    }
    print::line(if plugin["granted"] == true { "Permissions:" } else { "Permissions it asks for:" });
    print_permissions(&plugin["permissions"], " ");
    if plugin["pending"].is_object() {
        print::line(&format!("{} waits for a grant and asks for this besides:", text(&plugin["pending"], "version")));
        print_permissions(&plugin["pending"]["changes"]["added"], "+");
    }
    for (key, value) in plugin["settings"].as_object().into_iter().flatten() {
        print::line(&format!("Setting {key} = {}", print::printable(&value.to_string())));
    }
    for secret in plugin["secrets"].as_array().into_iter().flatten() {
        let state = if secret["set"] == true { "set" } else { "not set" };
        print::line(&format!("Secret {} ({}): {state}", text(secret, "name"), text(secret, "label")));
    }
    for one in plugin["overview"].as_array().into_iter().flatten() {
        print::line(&format!(
            "Calls of {}: {}, {} failed; circuit {}",
            text(one, "capability"),
            one["calls"],
            one["failures"],
            text(one, "circuit")
        ));
    }
    Ok(())
}
