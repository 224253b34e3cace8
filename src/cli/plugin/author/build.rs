//! `kith plugin build` and `test`: with the tools of the plugin's language; the component and what goes into it is made here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use kith_plugin_host::package;

use super::{
    super::super::{CliError, Outcome},
    here, manifest, read,
};

const TARGET: &str = "wasm32-unknown-unknown";

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's folder
    #[arg(default_value_os_t = here())]
    pub folder: PathBuf,
    /// Sign with the ed25519 key in this file: 32 bytes as 64 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    pub sign: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct TestArgs {
    /// The plugin's folder
    #[arg(default_value_os_t = here())]
    pub folder: PathBuf,
}

pub struct Built {
    pub file: PathBuf,
    pub id: String,
    pub bytes: usize,
}

/// What a plugin is written in, by what lies in its folder.
enum Language {
    Rust,
    TypeScript,
    Python,
}

fn language(folder: &Path) -> Outcome<Language> {
    let has = |name: &str| folder.join(name).exists();
    if has("Cargo.toml") {
        Ok(Language::Rust)
    } else if has("package.json") {
        Ok(Language::TypeScript)
    } else if has("build.sh") {
        Ok(Language::Python)
    } else {
        let said = format!("{} has neither Cargo.toml nor package.json nor build.sh", folder.display());
        Err(CliError::failed("plugin.folder", said))
    }
}

/// Builds the plugin in this folder to `<id>.wasm` beside its manifest.
pub fn run(folder: &Path, key: Option<&Path>) -> Outcome<Built> {
    let (text, manifest) = manifest(folder)?;
    let module = match language(folder)? {
        Language::Rust => rust(folder)?,
        Language::TypeScript => {
            node(folder, &["run", "build"])?;
            folder.join("build/plugin.wasm")
        }
        Language::Python => {
            call(
                Command::new("sh").arg("build.sh").current_dir(folder),
                "componentize-py comes with 'pip install -r requirements.txt'",
            )?;
            folder.join("build/plugin.wasm")
        }
    };
    let texts = fs::read_to_string(folder.join("texts.json")).ok();
    let wrong = |error: package::PackageError| CliError::failed("plugin.invalid", error.to_string());
    let mut file = package::componentize(&read(&module)?, &text, texts.as_deref()).map_err(wrong)?;
    if let Some(key) = key {
        file = package::sign(file, &signing_key(key)?);
    }
    package::read(&file).map_err(wrong)?;
    let out = folder.join(format!("{}.wasm", manifest.id()));
    fs::write(&out, &file)
        .map_err(|e| CliError::failed("cli.file", format!("{} cannot be written: {e}", out.display())))?;
    Ok(Built { file: out, id: manifest.id().to_string(), bytes: file.len() })
}

pub fn test(folder: &Path) -> Outcome {
    manifest(folder)?;
    match language(folder)? {
        Language::Rust => call(Command::new("cargo").arg("test").current_dir(folder), "Rust comes from rustup.rs"),
        Language::TypeScript => node(folder, &["test"]),
        Language::Python => {
            call(Command::new("python3").args(["-m", "unittest"]).current_dir(folder), "Python 3 is needed")
        }
    }
}

/// The core module that cargo made.
fn rust(folder: &Path) -> Outcome<PathBuf> {
    let mut command = if rustup_has_target() {
        Command::new("cargo")
    } else if Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
        let mut command = Command::new("/usr/bin/cargo");
        command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "RUSTFLAGS"] {
            command.env_remove(name);
        }
        command
    } else {
        let said = format!(
            "no compiler for WebAssembly is here; run 'rustup target add {TARGET}', or on Debian 'apt install rustc-web cargo-web rust-web-src lld-22'"
        );
        return Err(CliError::failed("plugin.toolchain", said));
    };
    command.arg("build");
    if !rustup_has_target() {
        command.args(["-Z", "build-std=std,panic_abort"]);
    }
    // A folder of its own, so that it is found whatever the author's settings say.
    let target = folder.join("target");
    command
        .args(["--release", "--target", TARGET])
        .env("CARGO_TARGET_DIR", fs::canonicalize(folder).map_or(target.clone(), |f| f.join("target")));
    call(command.current_dir(folder), "the compiler says why above")?;
    let release = target.join(TARGET).join("release");
    let modules = fs::read_dir(&release).map_err(|error| super::unreadable(&release, &error))?;
    let mut modules: Vec<PathBuf> = modules
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .collect();
    // An earlier name of the crate may have left one behind.
    modules.sort_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
    let none = || {
        CliError::failed(
            "plugin.folder",
            "the crate makes no module; Cargo.toml needs crate-type = [\"cdylib\", \"rlib\"]",
        )
    };
    modules.pop().ok_or_else(none)
}

fn rustup_has_target() -> bool {
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    listed.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).lines().any(|line| line.trim() == TARGET))
}

fn node(folder: &Path, what: &[&str]) -> Outcome {
    if !folder.join("node_modules").exists() {
        call(Command::new("npm").arg("install").current_dir(folder), "Node.js 20 or later is needed")?;
    }
    call(Command::new("npm").args(what).current_dir(folder), "Node.js 20 or later is needed")
}

fn call(command: &mut Command, hint: &str) -> Outcome {
    let shown = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(CliError::failed("plugin.build", format!("'{shown}' ended with {status}; {hint}"))),
        Err(error) => {
            Err(CliError::failed("plugin.toolchain", format!("'{shown}' cannot be started ({error}); {hint}")))
        }
    }
}

fn signing_key(file: &Path) -> Outcome<package::SigningKey> {
    let wrong =
        || CliError::failed("plugin.key", format!("{} holds no key; write 64 hexadecimal digits", file.display()));
    let text = fs::read_to_string(file).map_err(|error| super::unreadable(file, &error))?;
    package::signing_key(text.trim()).ok_or_else(wrong)
}
