//! Starts the real binary on a folder of its own and talks HTTP to it. Asserts nothing itself; tests of any kind use it by
//! `#[path = "../harness/mod.rs"] mod harness;`.

// Each test target uses its own part of it.
#![allow(dead_code, unused_imports)]

pub mod http;
pub mod phone;
pub mod plugins;
pub mod small_disk;

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

pub use http::Client;
use tempfile::TempDir;

pub const ADMIN_EMAIL: &str = "ada@example.com";
pub const ADMIN_PASSWORD: &str = "correct horse battery";
pub const PASSPHRASE: &str = "staple of seven quiet words";

/// Starting may wait for a busy machine; a test that needs longer is broken.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A vault in a folder that goes away with the value. The passphrase lies outside the data folder.
pub struct Vault {
    folder: TempDir,
}

impl Vault {
    /// An empty folder, not yet a vault.
    pub fn empty() -> Vault {
        let folder = TempDir::with_prefix("kith-test-").expect("a temporary folder");
        for (name, secret) in [("passphrase", PASSPHRASE), ("password", ADMIN_PASSWORD)] {
            let path = folder.path().join(name);
            std::fs::write(&path, secret).expect("a secret's file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its permissions");
        }
        Vault { folder }
    }

    /// A vault with its first admin.
    pub fn new() -> Vault {
        let vault = Vault::empty();
        let password = vault.folder.path().join("password");
        let output = vault
            .kith(&["init", "--admin-email", ADMIN_EMAIL, "--admin-password-file"])
            .arg(password)
            .output()
            .expect("kith init runs");
        assert!(output.status.success(), "kith init failed: {}", said(&output));
        vault
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the binary on this vault, with its passphrase; no terminal, no colour.
    pub fn kith(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("KITH_DATA", self.data())
            .env("KITH_PASSPHRASE_FILE", self.folder.path().join("passphrase"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.kith(args).output().expect("kith runs")
    }
}

/// All that a command wrote.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running server.
pub struct Server {
    pub vault: Vault,
    /// Host and port.
    pub address: String,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// A new vault, served on a free port.
    pub fn start() -> Server {
        Server::on(Vault::new())
    }

    /// Serves a vault on a free port.
    pub fn on(vault: Vault) -> Server {
        Server::with(vault, &[])
    }

    /// Serves a vault with more arguments.
    pub fn with(vault: Vault, args: &[&str]) -> Server {
        let mut command = vault.kith(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child =
            command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kith serve starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        for stream in [
            child.stdout.take().map(|s| Box::new(s) as Box<dyn Read + Send>),
            child.stderr.take().map(|s| Box::new(s) as Box<dyn Read + Send>),
        ] {
            let (log, found) = (log.clone(), found.clone());
            thread::spawn(move || listen(stream.expect("a pipe"), &log, &found));
        }
        drop(found);
        let mut server = Server { vault, address: String::new(), child, log };
        match address.recv_timeout(START_WITHIN) {
            Ok(address) => server.address = address,
            Err(_) => panic!("kith serve did not say where it listens"),
        }
        server.wait_until_well();
        server
    }

    fn wait_until_well(&mut self) {
        let started = Instant::now();
        while started.elapsed() < START_WITHIN {
            if http::try_get(&self.address, "/api/v1/health").is_some_and(|reply| reply.status == 200) {
                return;
            }
            assert!(self.child.try_wait().expect("the process").is_none(), "kith serve ended at once");
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not become healthy");
    }

    /// Nobody in particular.
    pub fn guest(&self) -> Client {
        Client::new(&self.address)
    }

    /// The first admin, signed in.
    pub fn admin(&self) -> Client {
        self.signed_in(ADMIN_EMAIL, ADMIN_PASSWORD)
    }

    pub fn signed_in(&self, email: &str, password: &str) -> Client {
        let mut client = self.guest();
        client.sign_in(email, password);
        client
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that the server has written so far.
    pub fn log(&self) -> String {
        self.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// Ends the server as `systemctl stop` does and gives the vault back. The process must end by itself, and well.
    pub fn stop(mut self) -> Vault {
        self.signal("-TERM");
        let status = self.ended_within(Duration::from_secs(20)).expect("the server ends after SIGTERM");
        assert!(status.success(), "kith serve ended with {status}: {}", self.log());
        self.take_vault()
    }

    /// Ends the server without a word, as a crash does.
    pub fn kill(mut self) -> Vault {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.take_vault()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {name} failed");
    }

    pub fn ended_within(&mut self, limit: Duration) -> Option<std::process::ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }

    fn take_vault(&mut self) -> Vault {
        std::mem::replace(&mut self.vault, Vault { folder: TempDir::with_prefix("kith-test-").expect("a folder") })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of the server at {} ---\n{}---", self.address, self.log());
        }
    }
}

/// Keeps what the process writes and tells the first address in it.
fn listen(stream: Box<dyn Read + Send>, log: &Mutex<String>, found: &mpsc::Sender<String>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if let Some(at) = line.find("http://") {
            let address: String = line[at + 7..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-'))
                .collect();
            let _ = found.send(address.trim_end_matches('.').to_string());
        }
        if let Ok(mut log) = log.lock() {
            log.push_str(&line);
            log.push('\n');
        }
    }
}
