//! `kith plugin`, beside a server and without one.

use std::fs;

use serde_json::json;

use crate::{
    harness::{
        Server, Vault,
        plugins::{bundled, plain},
        said,
    },
    json,
};

const ASKS: &str = "[settings]\ntype = \"object\"\n[settings.properties.days]\ntype = \"integer\"\ndefault = 7\n\
                    [secrets.key]\nlabel = \"Key\"\nreveal = true\n[fields.people.note]\nlabel = \"Note\"\nkind = \"text\"\n";

fn whole_life(vault: &Vault) {
    let file = |name: &str, content: &[u8]| {
        let path = vault.folder().join(name);
        fs::write(&path, content).unwrap();
        path.to_string_lossy().into_owned()
    };
    let first = file("plain.wasm", &plain("plain", "1.0.0", ASKS));
    let looked = said(&vault.run(&["plugin", "install", &first, "--dry-run"]));
    assert!(looked.contains("May read the secret 'key' in the clear"), "{looked}");
    let installed = said(&vault.run(&["plugin", "install", &first]));
    assert!(installed.contains("kith plugin grant plain"), "{installed}");
    let refused = vault.run(&["plugin", "enable", "plain"]);
    assert!(!refused.status.success() && said(&refused).contains("waits for a grant"), "{}", said(&refused));
    assert!(said(&vault.run(&["plugin", "list"])).contains("waits for a grant"));
    let granted = json(&vault.run(&["plugin", "grant", "plain", "--json"]));
    assert_eq!((&granted["state"], &granted["version"]), (&json!("enabled"), &json!("1.0.0")), "{granted}");

    let set = json(&vault.run(&["plugin", "settings", "plain", "--set", "days=3"]));
    assert_eq!(set, json!({ "days": 3 }));
    let wrong = vault.run(&["plugin", "settings", "plain", "--set", "days=soon"]);
    assert!(!wrong.status.success() && said(&wrong).contains("days"), "{}", said(&wrong));
    let key = file("key.txt", b"hush-hush\n");
    assert!(vault.run(&["plugin", "secret", "plain", "key", "--file", &key]).status.success());
    let shown = said(&vault.run(&["plugin", "show", "plain"]));
    assert!(shown.contains("Secret key (Key): set") && !shown.contains("hush"), "{shown}");

    let second = file("plain2.wasm", &plain("plain", "2.0.0", &format!("{ASKS}[kv]\n")));
    let waits = said(&vault.run(&["plugin", "upgrade", &second]));
    assert!(waits.contains("asks for more") && waits.contains("Keeps up to 256 KB"), "{waits}");
    let declined = json(&vault.run(&["plugin", "decline", "plain", "--json"]));
    assert_eq!((&declined["version"], &declined["pending"]), (&json!("1.0.0"), &json!(null)));
    let upgraded = json(&vault.run(&["plugin", "upgrade", &second, "--grant", "--json"]));
    assert_eq!((&upgraded["version"], &upgraded["settings"]["days"]), (&json!("2.0.0"), &json!(3)), "{upgraded}");
    let older = vault.run(&["plugin", "install", &first]);
    assert!(!older.status.success() && said(&older).contains("roll back"), "{}", said(&older));
    assert_eq!(json(&vault.run(&["plugin", "rollback", "plain", "--json"]))["version"], "1.0.0");
    for command in ["logs", "calls", "failures", "health"] {
        assert!(vault.run(&["plugin", command, "plain"]).status.success(), "{command}");
    }
    assert_eq!(json(&vault.run(&["plugin", "disable", "plain", "--json"]))["state"], "disabled");
    assert_eq!(json(&vault.run(&["plugin", "enable", "plain", "--json"]))["state"], "enabled");
    assert!(vault.run(&["plugin", "remove", "plain", "--drop-data"]).status.success());
    let gone = vault.run(&["plugin", "show", "plain"]);
    assert!(!gone.status.success() && said(&gone).contains("no plugin 'plain'"), "{}", said(&gone));
}

#[test]
fn a_plugin_lives_its_life_beside_a_server() {
    let server = Server::start();
    whole_life(&server.vault);
    server.stop();
}

#[test]
fn plugins_are_managed_without_a_server_too() {
    let vault = Vault::new();
    let file = vault.folder().join("plain.wasm");
    fs::write(&file, plain("plain", "1.0.0", ASKS)).unwrap();
    let path = file.to_string_lossy().into_owned();
    let installed = json(&vault.run(&["plugin", "install", &path, "--grant", "--json"]));
    assert_eq!(installed["state"], "enabled", "{installed}");
    assert_eq!(json(&vault.run(&["plugin", "list", "--json"]))[0]["id"], "plain");
    assert_eq!(json(&vault.run(&["plugin", "disable", "plain", "--json"]))["state"], "disabled");
    assert!(vault.run(&["plugin", "remove", "plain"]).status.success());
}

#[test]
fn what_kith_brings_along_is_installed_by_its_name() {
    let Some(ids) = bundled() else { return };
    let vault = Vault::new();
    let listed = json(&vault.run(&["plugin", "list", "--bundled", "--json"]));
    assert_eq!(listed.as_array().map(Vec::len), Some(ids.len()));
    let looked = said(&vault.run(&["plugin", "install", "lead-scoring", "--dry-run"]));
    assert!(looked.contains("May read all people"), "{looked}");
    let installed = json(&vault.run(&["plugin", "install", "lead-scoring", "--grant", "--json"]));
    assert_eq!((&installed["id"], &installed["state"]), (&json!("lead-scoring"), &json!("enabled")), "{installed}");
    let unknown = vault.run(&["plugin", "install", "no-such-plugin"]);
    assert!(!unknown.status.success() && said(&unknown).contains("calendar-feed"), "{}", said(&unknown));
    let missing = vault.run(&["plugin", "install", "./lead-scoring"]);
    assert!(
        !missing.status.success() && said(&missing).contains("cannot be read"),
        "a path is a file: {}",
        said(&missing)
    );
}

#[test]
fn the_compiling_process_says_what_is_wrong_and_takes_nothing_else() {
    let vault = Vault::empty();
    let output = vault.run(&["compile-plugin"]);
    assert!(!output.status.success());
    assert!(!said(&vault.run(&["--help"])).contains("compile-plugin"), "it is nobody's command");
}
