//! Under a service manager: it is told when the server is ready and when it stops, gets no core dump, and its unit file is sound.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::harness::{Vault, said};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/kith.service");

/// A server that tells a service manager of itself.
struct Told {
    heard: UnixDatagram,
    child: Child,
}

impl Told {
    fn start(vault: &Vault, mut command: Command) -> Told {
        let path = vault.folder().join("notify");
        let heard = UnixDatagram::bind(&path).unwrap();
        heard.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        command.env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
        Told { heard, child: command.spawn().expect("kith serve") }
    }

    fn word(&self) -> String {
        let mut said = [0; 200];
        let length = self.heard.recv(&mut said).expect("a word from the server");
        String::from_utf8_lossy(&said[..length]).into_owned()
    }

    fn end(&mut self, signal: &str) -> ExitStatus {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

#[test]
fn the_service_manager_hears_when_the_server_is_ready_and_when_it_stops() {
    let vault = Vault::new();
    let mut server = Told::start(&vault, vault.kith(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(server.word().contains("READY=1"));
    assert!(server.end("-TERM").success());
    assert!(server.word().contains("STOPPING=1"));
}

#[test]
fn a_crash_leaves_no_core_dump_that_would_hold_the_keys() {
    let vault = Vault::new();
    let folder = vault.folder().join("where-cores-would-go");
    fs::create_dir(&folder).unwrap();
    let kith = vault.kith(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; cd \"$0\" && exec \"$@\""]).arg(&folder).arg(kith.get_program());
    command.args(kith.get_args()).envs(kith.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut server = Told::start(&vault, command);
    assert!(server.word().contains("READY=1"));
    assert!(!server.end("-ABRT").success());
    let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|item| item.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_unit_file_is_sound_and_runs_a_command_that_exists() {
    let unit = fs::read_to_string(UNIT).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/kith ")).expect("a command");
    let help = Vault::empty().run(&[line, "--help"]);
    assert!(help.status.success(), "{}", said(&help));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kith.service");
    fs::write(
        &path,
        unit.replace("/usr/local/bin/kith", env!("CARGO_BIN_EXE_kith")).replace("Documentation=man:kith(1)\n", ""),
    )
    .unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() {
        Ok(output) => assert!(output.status.success() && !said(&output).contains("kith.service:"), "{}", said(&output)),
        Err(_) => println!("left out: no systemd-analyze here"),
    }
}
