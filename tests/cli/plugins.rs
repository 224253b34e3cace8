//! `kith plugin`, beside a server and without one.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    backup::recovery,
    harness::{
        Server, Vault,
        plugins::{bundled, fixture, plain},
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

#[test]
fn a_plugin_comes_back_with_a_backup_and_runs() {
    let Some(good) = fixture("fixture-good") else { return };
    let vault = Vault::new();
    let file = vault.folder().join("good.wasm");
    fs::write(&file, &good).unwrap();
    let path = file.to_string_lossy().into_owned();
    json(&vault.run(&["plugin", "install", &path, "--grant", "--json"]));
    json(&vault.run(&["plugin", "settings", "fixture-good", "--set", "points=3", "--json"]));
    let secret = vault.folder().join("secret.txt");
    fs::write(&secret, "open sesame").unwrap();
    let secret = secret.to_string_lossy().into_owned();
    assert!(vault.run(&["plugin", "secret", "fixture-good", "open", "--file", &secret]).status.success());

    let (identity, recipient) = recovery(&vault);
    let folder = vault.folder().join("backups").to_string_lossy().into_owned();
    json(&vault.run(&["backup", "schedule", "--folder", &folder, "--recipient", &recipient, "--json"]));
    let backup = json(&vault.run(&["backup", "create", "--json"]));
    let other = Vault::empty();
    let content = format!("{folder}/{}", backup["name"].as_str().unwrap());
    json(&other.run(&["backup", "restore", &content, "--identity", &identity, "--json"]));
    let server = Server::on(other);
    let admin = server.admin();
    let plugin = admin.get("/plugins/fixture-good").expect(200);
    assert_eq!(
        (&plugin["state"], &plugin["granted"], &plugin["settings"]["points"]),
        (&json!("enabled"), &json!(true), &json!(3)),
        "{plugin}"
    );
    let person = admin.make("people", json!({ "first_name": "ada", "last_name": "L", "emails": ["a@example.com"] }));
    assert_eq!((&person["values"]["first_name"], &person["values"]["fixture_good__score"]), (&json!("Ada"), &json!(3)));
    let act = format!("/records/people/{}/actions/fixture_good__reveal", person["id"].as_str().unwrap());
    assert_eq!(admin.post(&act, &json!({})).expect(200)["message"], "11 characters");
    // Its file is what it was: it can be put in again without asking for anything new.
    let again = admin.upload("/plugins", &[], "p.wasm", &good).expect(201);
    assert_eq!(again["sha256"], plugin["sha256"]);
}

/// A process that compiles, before it is given anything; its limits as the system has them.
#[test]
fn the_compiling_process_gives_up_what_it_does_not_need() {
    let vault = Vault::empty();
    let mut child = vault.kith(&["compile-plugin"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let read = |what: &str| fs::read_to_string(format!("/proc/{}/{what}", child.id())).unwrap_or_default();
    let began = Instant::now();
    while !read("status").contains("NoNewPrivs:\t1") {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", read("status"));
        thread::sleep(Duration::from_millis(10));
    }
    let limits = read("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{limits}"));
        line[name.len()..].split_whitespace().next().unwrap().to_string()
    };
    assert_eq!(
        (limit("Max file size"), limit("Max core file size"), limit("Max open files")),
        ("0".into(), "0".into(), "16".into())
    );
    assert_eq!(limit("Max address space"), (4_u64 << 30).to_string());
    assert_ne!(limit("Max cpu time"), "unlimited");
    // Without an input it ends by itself, and says why.
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
}

/// A component that is small, valid, and more work than any compiler has time for: each variable needs a place of its own in each of the loops.
fn compile_bomb() -> Vec<u8> {
    let (locals, loops) = (20_000, 4_000);
    let mut text = format!("(component (core module (func (export \"f\") (local{})", " i32".repeat(locals));
    text.push_str(&" loop".repeat(loops));
    for local in 0..locals {
        text.push_str(&format!(" local.get {local} drop"));
    }
    text.push_str(&" local.get 0 br_if 0 end".repeat(loops));
    text.push_str(")))");
    wat::parse_str(&text).unwrap()
}

#[test]
fn a_compile_bomb_ends_with_the_process_that_compiles() {
    let vault = Vault::empty();
    let bomb = vault.folder().join("bomb.wasm");
    fs::write(&bomb, compile_bomb()).unwrap();
    assert!(fs::metadata(&bomb).unwrap().len() < 1 << 20, "it is small");
    // Its own limits would take their minute; those that are set before are kept to.
    let output = Command::new("sh")
        .args(["-c", "ulimit -t 2; exec \"$0\" compile-plugin", env!("CARGO_BIN_EXE_kith")])
        .stdin(fs::File::open(&bomb).unwrap())
        .output()
        .unwrap();
    // The server says of one that ended so that it took more than it may.
    assert!(output.status.signal().is_some() && output.stdout.is_empty(), "{}", said(&output));
}

/// A process as the system has it.
struct Process {
    parent: u32,
    /// Hundredths of a second of computing.
    computed: u64,
    /// Tells it from a later one with its number.
    began: String,
}

/// None: it is gone, or over and only waits for its parent to look.
fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let found =
        Process { parent: number(1)? as u32, computed: number(11)? + number(12)?, began: fields.get(19)?.to_string() };
    (fields[0] != "Z").then_some(found)
}

fn child_of(parent: u32) -> Option<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let mut pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find(|pid| process(*pid).is_some_and(|found| found.parent == parent))
}

#[test]
fn a_compiling_process_does_not_outlive_a_server_that_is_killed() {
    let server = Server::start();
    let bomb = server.vault.folder().join("bomb.wasm");
    let manifest = "[plugin]\nid = \"bomb\"\nversion = \"1.0.0\"\napi = \"0.1\"\nname = \"Bomb\"\n";
    fs::write(&bomb, kith_plugin_host::package::componentize(&compile_bomb(), manifest, None).unwrap()).unwrap();
    let mut install = server.vault.kith(&["plugin", "install", &bomb.to_string_lossy(), "--grant"]);
    let mut install = install.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let wait = |what: &str, within_s: u64, holds: &mut dyn FnMut() -> bool| {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(within_s), "{what}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    let mut found = None;
    wait("the server begins to compile", 60, &mut || {
        found = child_of(server.pid());
        found.is_some()
    });
    let child = found.unwrap();
    // It has read all there is to read, and would compute on for minutes without anybody to write to.
    wait("it computes", 60, &mut || process(child).is_some_and(|now| now.computed > 50));
    let began = process(child).unwrap().began;
    let _vault = server.kill();
    let is_there = || process(child).is_some_and(|now| now.began == began);
    let killed = Instant::now();
    while is_there() && killed.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(20));
    }
    let outlived = is_there();
    if outlived {
        drop(Command::new("kill").args(["-9", &child.to_string()]).status());
    }
    assert!(!outlived, "it ends with the server");
    assert!(!install.wait().unwrap().success(), "whoever asked for it learns that it was not done");
}

#[test]
fn a_call_is_played_again_without_a_server_and_the_first_difference_is_named() {
    let Some(good) = fixture("fixture-good") else { return };
    let server = Server::start();
    let folder = server.vault.folder().to_path_buf();
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    fs::write(path("good.wasm"), &good).unwrap();
    assert!(server.vault.run(&["plugin", "install", &path("good.wasm"), "--grant"]).status.success());
    let asked = said(&server.vault.run(&["plugin", "trace", "fixture-good", "--next", "1"]));
    assert!(asked.contains("next 1 calls"), "{asked}");
    server.admin().make("people", json!({ "first_name": "ada", "last_name": "L" }));
    // It is written beside whoever waits for the save.
    let trace = loop {
        let listed = json(&server.vault.run(&["plugin", "trace", "fixture-good", "--json"]));
        match listed["items"][0]["id"].as_str() {
            Some(id) => break id.to_string(),
            None => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    };
    let file = path("trace.json");
    let got = said(&server.vault.run(&["plugin", "trace", "fixture-good", &trace, "--output", &file]));
    assert!(got.contains("kith plugin replay"), "{got}");
    let _folder = server.stop();

    let nowhere = Vault::empty();
    let same = nowhere.run(&["plugin", "replay", &path("good.wasm"), &file]);
    assert!(same.status.success() && said(&same).contains("It does as it did"), "{}", said(&same));
    let changed = fs::read_to_string(&file).unwrap().replace("\"Ada\"", "\"Eve\"");
    fs::write(path("changed.json"), changed).unwrap();
    let differs = nowhere.run(&["plugin", "replay", &path("good.wasm"), &path("changed.json")]);
    assert_eq!(differs.status.code(), Some(1));
    assert!(said(&differs).contains("then \"Eve\", now \"Ada\""), "{}", said(&differs));
    let none = nowhere.run(&["plugin", "replay", &path("good.wasm"), &path("good.wasm")]);
    assert!(said(&none).contains("is no trace"), "{}", said(&none));
}
