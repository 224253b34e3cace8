//! `kith doctor`: looks at everything around the server and says what to do. Changes nothing.

use std::{
    io::IsTerminal,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use kith_server::client::{Ask, LocalClient};
use kith_store::{OpenOptions, Storage, Store, StoreStats, Vault, VaultKind, vault_kind};
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, open, print, secrets};

/// Check clock, disk, folder, key, store and port, and say what to do
#[derive(clap::Args)]
pub struct Args {
    /// The address 'kith serve' is to listen on
    #[arg(long, env = "KITH_LISTEN", default_value = "127.0.0.1:5484", value_name = "ADDRESS")]
    listen: String,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Ok,
    Warn,
    Fail,
}

struct Finding {
    check: &'static str,
    state: State,
    said: String,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        }
    }
}

fn found(check: &'static str, state: State, said: impl Into<String>) -> Finding {
    Finding { check, state, said: said.into() }
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    let socket = common.data.join(open::SOCKET);
    let served = LocalClient::is_served(&socket).await;
    let mut findings = vec![found("version", State::Ok, env!("CARGO_PKG_VERSION")), clock(&common.data)];
    findings.extend(folder(&common.data));
    findings.push(disk(&common.data));
    findings.push(port(&args.listen, served));
    if served {
        findings.push(server(&socket).await);
        match LocalClient::beside(&socket).call(Ask::get("/backups")).await {
            Ok(list) => findings.extend(backups(&list["health"])),
            Err(error) => findings.push(found("backup", State::Warn, error.to_string())),
        }
        findings.push(journal(&socket).await);
        findings.extend(keys_of_server(&socket).await);
    } else {
        let asked = common.clone();
        findings.extend(open::blocking(move || Ok(vault(&asked))).await?);
    }
    report(common, &findings)
}

fn report(common: &Common, findings: &[Finding]) -> Outcome {
    if common.json {
        let list: Vec<_> =
            findings.iter().map(|f| json!({"check": f.check, "state": f.state.name(), "message": f.said})).collect();
        print::json(&json!(list));
    } else {
        for finding in findings {
            print::line(&format!("{:<5} {:<10} {}", finding.state.name(), finding.check, finding.said));
        }
    }
    match findings.iter().filter(|f| f.state == State::Fail).count() {
        0 => Ok(()),
        1 => Err(CliError::failed("doctor.failed", "one check failed; see what to do above")),
        count => Err(CliError::failed("doctor.failed", format!("{count} checks failed; see what to do above"))),
    }
}

/// A clock that went back gives entries times before their predecessors', and sessions that never end.
fn clock(data: &Path) -> Finding {
    /// 2026-01-01; this program did not exist earlier.
    const EARLIEST_S: u64 = 1_767_225_600;
    const DRIFT_S: u64 = 120;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    if now < EARLIEST_S {
        return found("clock", State::Fail, "the clock is years behind; set it, or let it follow a time server");
    }
    let newest = ["journal", "store", "vault.age"]
        .iter()
        .filter_map(|name| data.join(name).metadata().ok()?.modified().ok())
        .max();
    let ahead = newest.and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |t| t.as_secs().saturating_sub(now));
    if ahead > DRIFT_S {
        return found(
            "clock",
            State::Warn,
            format!("the clock is {ahead} s behind the newest file of the vault; let it follow a time server"),
        );
    }
    found("clock", State::Ok, jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string())
}

fn folder(data: &Path) -> Vec<Finding> {
    let shown = data.display();
    let about = match data.metadata() {
        Ok(about) if about.is_dir() => about,
        Ok(_) => return vec![found("folder", State::Fail, format!("{shown} is not a folder; name one with --data"))],
        Err(_) => {
            return vec![found(
                "folder",
                State::Fail,
                format!("{shown} does not exist; make a vault with 'kith init'"),
            )];
        }
    };
    let mut findings = Vec::new();
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        findings.push(found(
            "folder",
            State::Warn,
            format!("{shown} can be entered by others (mode {mode:03o}); close it with chmod 700"),
        ));
    }
    if rustix::fs::access(data, rustix::fs::Access::WRITE_OK).is_err() {
        findings.push(found(
            "folder",
            State::Fail,
            format!("{shown} cannot be written (owner {}); give it to the user that runs kith", about.uid()),
        ));
    }
    if findings.is_empty() {
        findings.push(found("folder", State::Ok, format!("{shown}, yours alone")));
    }
    findings
}

fn disk(data: &Path) -> Finding {
    /// Below this the next segment and a rebuild of the record store may not fit.
    const LOW_BYTES: u64 = 2 * 1024 * 1024 * 1024;
    const TOO_LOW_BYTES: u64 = 256 * 1024 * 1024;
    let existing = data.ancestors().find(|p| p.exists() && !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(about) = rustix::fs::statvfs(existing) else {
        return found("disk", State::Warn, "the free space cannot be read; look with df");
    };
    let free = about.f_bavail * about.f_frsize;
    let shown = format!("{} free", bytes(free));
    match free {
        free if free < TOO_LOW_BYTES => {
            found("disk", State::Fail, format!("{shown}; make room before the server stops taking changes"))
        }
        free if free < LOW_BYTES => found("disk", State::Warn, format!("{shown}; make room soon")),
        _ => found("disk", State::Ok, shown),
    }
}

fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

fn port(listen: &str, served: bool) -> Finding {
    match TcpListener::bind(listen) {
        Ok(_) => found("port", State::Ok, format!("{listen} is free")),
        Err(_) if served => {
            found("port", State::Ok, format!("{listen} is taken, most likely by this vault's own server"))
        }
        Err(error) => found(
            "port",
            State::Fail,
            format!("{listen} cannot be listened on ({error}); choose another address with --listen"),
        ),
    }
}

async fn server(socket: &Path) -> Finding {
    match LocalClient::beside(socket).call(Ask::get("/health")).await {
        Ok(health) => {
            let version = health["version"].as_str().unwrap_or("?").to_string();
            let head = &health["head"];
            if version == env!("CARGO_PKG_VERSION") {
                found("server", State::Ok, format!("running, version {version}, at entry {head}"))
            } else {
                found(
                    "server",
                    State::Warn,
                    format!("running version {version}, and this is {}; restart it", env!("CARGO_PKG_VERSION")),
                )
            }
        }
        Err(error) => found("server", State::Fail, format!("{error}")),
    }
}

/// What the server's last check of the chain found.
async fn journal(socket: &Path) -> Finding {
    let state = match LocalClient::beside(socket).call(Ask::get("/audit/verify")).await {
        Ok(state) => state,
        Err(error) => return found("journal", State::Warn, format!("{error}")),
    };
    let last = &state["last"];
    let report = &last["report"];
    let at = last["finished_at"].as_str().unwrap_or_default();
    if last.is_null() {
        return found("journal", State::Ok, "its chain is still being verified; 'kith verify' does it at once");
    }
    if report["clean"] == json!(true) {
        return found(
            "journal",
            State::Ok,
            format!("its chain was verified up to entry {} at {at}", report["head_seq"]),
        );
    }
    let first = report["findings"][0]["what"].as_str().or(last["error"].as_str()).unwrap_or("an anchor does not hold");
    found("journal", State::Fail, format!("its chain did not verify at {at}: {first}; run 'kith verify'"))
}

/// Key and store, as far as they can be looked at without a person.
fn vault(common: &Common) -> Vec<Finding> {
    let kind = match vault_kind(&common.data) {
        Ok(VaultKind::Missing) => {
            return vec![found("vault", State::Fail, "there is no vault here; make one with 'kith init'")];
        }
        Ok(kind) => kind,
        Err(error) => return vec![found("vault", State::Fail, error.to_string())],
    };
    let by = if kind == VaultKind::Passphrase { "passphrase" } else { "key file" };
    if kind == VaultKind::Passphrase && common.passphrase_file.is_none() && !std::io::stdin().is_terminal() {
        let said = "opens with a passphrase, and none is named; --passphrase-file lets doctor look inside and the server start unattended";
        return vec![found("key", State::Warn, said)];
    }
    let opened = secrets::unlock(common).and_then(|unlock| Ok(Vault::unlock(&common.data, &unlock)?));
    let vault = match opened {
        Ok(vault) => vault,
        Err(error) => return vec![found("key", State::Fail, error.message())],
    };
    let mut findings = vec![found("key", State::Ok, format!("the vault opens with the {by}"))];
    match Store::open(&common.data, &vault, OpenOptions::default()) {
        Ok((store, report)) => {
            findings.extend(report.notes.into_iter().map(|note| found("store", State::Warn, note)));
            findings.extend(sizes(&store.stats()));
            findings.extend(
                store.key_care().into_iter().flat_map(|care| keys(&kith_server::api::keys::told(&care.keys()))),
            );
            findings.extend(closing(common, &vault, store));
        }
        Err(error) => findings.push(found("store", State::Fail, error.to_string())),
    }
    findings
}

/// What only the engine can tell; closes the store.
fn closing(common: &Common, vault: &Vault, store: Store) -> Vec<Finding> {
    let health = open::engine_on(&common.data, vault, store, &mut |_| {}).and_then(|engine| {
        let health = kith_backup::Health::of(&engine).map(|health| health.shown(engine.now_ms()));
        engine.close()?;
        Ok(health?)
    });
    match health {
        Ok(health) => backups(&health),
        Err(error) => vec![found("store", State::Fail, error.message())],
    }
}

/// Whether there are backups, how old the newest is, and whether they would help.
fn backups(health: &serde_json::Value) -> Vec<Finding> {
    /// A day and some hours: the daily one may take its time.
    const OLD_S: u64 = 30 * 3600;
    let mut findings = Vec::new();
    if let Some(problem) = health["problem"].as_str() {
        findings.push(found("backup", State::Fail, problem));
    }
    if health["recipients"] == json!(0) {
        let said = "there is no recovery key that a backup could be sealed to; make one with 'kith key recovery'";
        findings.push(found("backup", State::Warn, said));
    }
    match health["newest_age_seconds"].as_u64() {
        None => findings.push(found(
            "backup",
            State::Warn,
            "there is no backup yet; set one up with 'kith backup schedule'",
        )),
        Some(age) if age > OLD_S => {
            let said = format!("the newest backup is {} old; look at 'kith backup list'", duration(age));
            findings.push(found("backup", State::Warn, said));
        }
        Some(age) => findings.push(found("backup", State::Ok, format!("the newest is {} old", duration(age)))),
    }
    if let Some(why) = health["failed"].as_str() {
        findings.push(found("backup", State::Warn, format!("the last one failed: {}", print::printable(why))));
    }
    if health["same_disk"] == json!(true) {
        let said = "backups go to the disk that the data is on; choose another one, or copy them elsewhere";
        findings.push(found("backup", State::Warn, said));
    }
    findings
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

async fn keys_of_server(socket: &Path) -> Vec<Finding> {
    match LocalClient::beside(socket).call(Ask::get("/keys")).await {
        Ok(told) => keys(&told),
        Err(error) => vec![found("keys", State::Warn, format!("the server does not tell its keys: {error}"))],
    }
}

/// Who opens the vault, and how old the data key is; `told` as the API shows it.
fn keys(told: &Json) -> Vec<Finding> {
    /// A key that is in use for years has sealed what several generations of staff and disks have seen.
    const OLD_DAYS: i64 = 730;
    let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
    let recovery = list("recipients").iter().filter(|key| key["kind"] == "recovery").count();
    let mut findings = vec![match recovery {
        0 => found(
            "recovery",
            State::Warn,
            "there is no recovery key; if the vault's key is lost, so is the data: make one with 'kith key recovery' and keep it on paper",
        ),
        count => found("recovery", State::Ok, format!("{count} recovery key(s) can open the vault")),
    }];
    let data_keys = list("data_keys");
    let made = data_keys.last().and_then(|key| key["made_at"].as_str()?.parse::<jiff::Timestamp>().ok());
    let days = made.map(|made| jiff::Timestamp::now().duration_since(made).as_hours() / 24);
    findings.push(match days {
        Some(days) if days > OLD_DAYS => {
            found("data key", State::Warn, format!("{days} days old; make a new one with 'kith key rotate'"))
        }
        Some(days) => found("data key", State::Ok, format!("{days} days old")),
        None => found("data key", State::Ok, "of unknown age, from an earlier version"),
    });
    if let Some(rotation) = told["rotation"].as_object() {
        let said = match rotation.get("failed").and_then(Json::as_str) {
            Some(why) => {
                found("rotation", State::Warn, format!("old values cannot be sealed with the new data key yet: {why}"))
            }
            None => found("rotation", State::Ok, "old values are being sealed with the new data key"),
        };
        findings.push(said);
    }
    findings
}

fn sizes(stats: &StoreStats) -> Vec<Finding> {
    let said = format!(
        "entry {}; journal {} in {} segments, records {}, files {}",
        stats.head,
        bytes(stats.journal_bytes),
        stats.segments,
        bytes(stats.records_bytes),
        bytes(stats.files_bytes),
    );
    let mut findings = vec![found("store", State::Ok, said)];
    if stats.alarm_blobs > 0 {
        let said = format!(
            "{} blob files in store/; remove the folder store/ while the server is stopped, it is rebuilt from the journal",
            stats.alarm_blobs
        );
        findings.push(found("store", State::Fail, said));
    }
    /// The record store reuses space and never gives it back; small ones are not worth a word.
    const LARGE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
    if stats.records_bytes > LARGE_BYTES && stats.records_bytes > stats.journal_bytes * 4 {
        let said = "the record store is several times its content; remove the folder store/ while the server is stopped, it is rebuilt smaller from the journal";
        findings.push(found("store", State::Warn, said));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!((bytes(12), bytes(1_500), bytes(2_000_000_000)), ("12 B".into(), "1.5 kB".into(), "2.0 GB".into()));
    }

    #[test]
    fn a_vault_without_a_recovery_key_and_an_old_data_key_are_pointed_out() {
        let told = |kind: &str, made: &str| json!({"recipients": [{"kind": kind}], "data_keys": [{"id": 1, "made_at": made}], "rotation": null});
        let states = |told: &Json| keys(told).iter().map(|finding| finding.state.name()).collect::<Vec<_>>();
        assert_eq!(states(&told("key", "2020-01-01T00:00:00Z")), ["warn", "warn"]);
        let now = jiff::Timestamp::now().to_string();
        assert_eq!(states(&told("recovery", &now)), ["ok", "ok"]);
        let mut waiting = told("recovery", &now);
        waiting["rotation"] = json!({"failed": "files/x is damaged"});
        assert_eq!(states(&waiting), ["ok", "ok", "warn"]);
    }

    #[test]
    fn a_missing_folder_and_a_taken_port_fail() {
        assert!(folder(Path::new("/does/not/exist"))[0].state == State::Fail);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap().to_string();
        assert!(port(&listen, false).state == State::Fail && port(&listen, true).state == State::Ok);
    }
}
