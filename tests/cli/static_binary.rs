//! The file that is shipped, named in `KITH_STATIC_BINARY` by `cargo xtask test`.

use std::{fs, process::Command, thread, time::Duration};

/// Whether an ELF file asks for a loader (a program header of type PT_INTERP).
fn asks_for_loader(elf: &[u8]) -> bool {
    let number =
        |at: usize, bytes: usize| elf[at..at + bytes].iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|at| number(table + at * size, 4) == 3)
}

#[test]
#[ignore = "needs the static build; cargo xtask test makes it and runs this"]
fn static_binary_starts_on_an_empty_folder() {
    let binary = std::env::var_os("KITH_STATIC_BINARY").expect("KITH_STATIC_BINARY names the file");
    let bytes = fs::read(&binary).unwrap();
    assert_eq!(&bytes[..4], b"\x7fELF");
    assert!(!asks_for_loader(&bytes), "the binary is not static");

    let folder = tempfile::tempdir().unwrap();
    let (key, password) = (folder.path().join("key"), folder.path().join("password"));
    fs::write(&password, "correct horse battery").unwrap();
    let data = folder.path().join("data");
    let kith = |args: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(args).env_clear().env("KITH_DATA", &data).env("KITH_KEY_FILE", &key);
        command
    };
    let made =
        kith(&["init", "--admin-email", "ada@example.com", "--admin-password-file"]).arg(&password).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut server = kith(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut listed = None;
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(50));
        if data.join("kith.sock").exists() {
            listed = Some(kith(&["user", "list", "--json"]).output().unwrap());
            break;
        }
    }
    let stopped = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(stopped.success() && server.wait().unwrap().success(), "the server ends well");
    assert!(listed.is_some_and(|output| output.status.success()), "the server answered");
}
