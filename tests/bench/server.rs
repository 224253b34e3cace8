//! The binary under measurement: a vault of its own, started and stopped as often as needed.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::connection::Connection;

/// The file named in `KITH_BENCH_BINARY`, else the one cargo built for tests (slow, but it shows that the measurement works).
pub fn binary() -> PathBuf {
    std::env::var_os("KITH_BENCH_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_kith")), PathBuf::from)
}

pub struct Server {
    folder: TempDir,
    token: String,
}

impl Server {
    /// A vault in the current folder's file system: the temporary one may be memory, which syncs for free.
    pub fn new() -> Server {
        let folder =
            tempfile::Builder::new().prefix(".kith-bench-").tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
        std::fs::write(folder.path().join("password"), "correct horse battery").expect("a file");
        let mut server = Server { folder, token: String::new() };
        let password = server.path("password");
        server.run(&["init", "--admin-email", "ada@example.com", "--admin-password-file", &password]);
        server.token = server
            .run(&["token", "create", "bench", "--user", "ada@example.com", "--scope", "admin"])
            .trim()
            .to_string();
        server
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(args)
            .env("KITH_DATA", self.path("data"))
            .env("KITH_KEY_FILE", self.path("key"))
            .env("KITH_LOG", "warn");
        command
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("kith runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts it and waits for the first answer to a list.
    pub fn start(&self) -> Running {
        let began = Instant::now();
        let mut child = self
            .command(&["serve", "--listen", "127.0.0.1:0", "--rate", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kith serve starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| Some(line.split("http://").nth(1)?.trim().to_string())).expect("an address");
        while TcpStream::connect(&address).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        Connection::open(&address, &self.token).get("/records/people?limit=1&total=false");
        Running { child, address, token: self.token.clone(), started_in: began.elapsed() }
    }
}

pub struct Running {
    child: Child,
    address: String,
    token: String,
    /// From starting the process to the first answer.
    pub started_in: Duration,
}

impl Running {
    pub fn connect(&self) -> Connection {
        Connection::open(&self.address, &self.token)
    }

    /// Resident memory as the system counts it.
    pub fn memory(&self) -> String {
        self.memory_bytes().map_or_else(|| "unknown here".into(), |bytes| format!("{:.0} MB", bytes / 1e6))
    }

    pub fn memory_bytes(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let kb =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<f64>().ok());
        kb.map(|kb| kb * 1024.0)
    }

    /// The processor's time it has used so far.
    pub fn worked(&self) -> Duration {
        // Behind the name, which may contain anything: state, nine numbers, then ticks in user and in system mode, 100 a second.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let numbers = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let ticks: u64 = numbers.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    pub fn stop(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        assert!(self.child.wait().is_ok_and(|status| status.success()), "the server ends well");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
