//! Builds every plugin in `plugins/` to `<target>/plugins/<folder>.wasm`, with the compiler there is: rustup's target, or Debian's packages. Those
//! that are not fixtures go to `plugins/dist` too, and from there into the binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{
    run::{Outcome, answers, call, cargo, output, program, root},
    tools,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// How the names of plugins begin that are for tests only.
const FIXTURE: &str = "fixture-";

/// What to do where plugins cannot be built.
pub const NO_COMPILER: &str = "nothing here compiles to WebAssembly; run 'rustup target add wasm32-unknown-unknown', or on Debian \
                           install rustc-web cargo-web rust-web-src lld-22";

/// What builds for that target.
enum Toolchain {
    /// A target added with `rustup target add`.
    Rustup,
    /// Debian's rustc-web, which compiles the standard library along.
    Debian,
}

/// Builds all of them. None, with a reason printed by the caller, where no compiler can be had.
pub fn build() -> Outcome<Option<PathBuf>> {
    let Some(toolchain) = toolchain()? else { return Ok(None) };
    let folder = target_folder().join("plugins");
    let work = folder.join("build");
    compile(&toolchain, &work)?;
    let mut bundled = Vec::new();
    for source in sources()? {
        let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let component = if source.join("Cargo.toml").exists() {
            let module = work.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
            encode(&fs::read(&module).map_err(|error| format!("{}: {error}", module.display()))?)
        } else {
            from_text(&source)
        };
        let component = component.map_err(|error| format!("plugins/{name}: {error}"))?;
        let (name, content) = (format!("{name}.wasm"), with_manifest(component, &source)?);
        place(&folder, &name, &content)?;
        if !name.starts_with(FIXTURE) {
            bundled.push((name, content));
        }
    }
    bundle(&bundled)?;
    println!("plugins: {}", folder.display());
    Ok(Some(folder))
}

/// Exactly these are what the binary brings along.
fn bundle(plugins: &[(String, Vec<u8>)]) -> Outcome {
    let folder = root().join("plugins/dist");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in fs::read_dir(&folder).into_iter().flatten().flatten() {
        if !plugins.iter().any(|(name, _)| file.file_name().to_str() == Some(name)) {
            fs::remove_file(file.path()).map_err(|error| format!("{}: {error}", file.path().display()))?;
        }
    }
    plugins.iter().try_for_each(|(name, content)| place(&folder, name, content))
}

/// Writes a file, unless it is there as it should be: whoever embeds it is then built anew.
fn place(folder: &Path, name: &str, content: &[u8]) -> Outcome {
    let file = folder.join(name);
    if fs::read(&file).is_ok_and(|there| there == content) {
        return Ok(());
    }
    // Renamed into place: tests of another run may be reading the one before.
    let fresh = folder.join(format!("{name}.new"));
    let written = fs::write(&fresh, content).and_then(|()| fs::rename(&fresh, &file));
    written.map_err(|error| format!("{}: {error}", file.display()))
}

/// Whether there is a compiler for them.
pub fn can_build() -> Outcome<bool> {
    Ok(toolchain()?.is_some())
}

/// The tests of the guest crate and of the plugins, on this machine and without a server.
pub fn test() -> Outcome {
    let mut command = cargo(&["test", "--workspace"]);
    command.current_dir(root().join("plugins")).env("CARGO_TARGET_DIR", target_folder().join("plugins/build"));
    call(&mut command)
}

/// Format and lints of the guest crate and of the plugins, warnings as errors. For this machine: the code is the same on the other.
pub fn lint() -> Outcome {
    let here = |args: &[&str]| {
        let mut command = cargo(args);
        command.current_dir(root().join("plugins")).env("CARGO_TARGET_DIR", target_folder().join("plugins/build"));
        command
    };
    call(&mut here(&["fmt", "--all", "--check"]))?;
    call(&mut here(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn toolchain() -> Outcome<Option<Toolchain>> {
    let installed = output(&mut program("rustup", ".", &["target", "list", "--installed"]));
    if installed.is_ok_and(|list| list.lines().any(|line| line.trim() == TARGET)) {
        return Ok(Some(Toolchain::Rustup));
    }
    if !debian() {
        tools::debian(&["rustc-web", "cargo-web", "rust-web-src", "lld-22"])?;
    }
    Ok(debian().then_some(Toolchain::Debian))
}

fn debian() -> bool {
    Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml").exists() && answers("/usr/bin/cargo", &["--version"])
}

fn compile(toolchain: &Toolchain, work: &Path) -> Outcome {
    let mut command = match toolchain {
        Toolchain::Rustup => cargo(&["build"]),
        Toolchain::Debian => {
            let mut command = Command::new("/usr/bin/cargo");
            command.args(["build", "-Z", "build-std=std,panic_abort"]);
            command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
            // What the cargo that started us says of itself is not for that one.
            for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "RUSTFLAGS", "RUSTDOC"] {
                command.env_remove(name);
            }
            command
        }
    };
    // The crate of the SDK is a library, and a module of its own would only be in the way.
    command.args(["--release", "--workspace", "--exclude", "kith-plugin", "--target", TARGET]);
    call(command.current_dir(root().join("plugins")).env("CARGO_TARGET_DIR", work))
}

/// The folders in `plugins/` that hold a manifest.
fn sources() -> Outcome<Vec<PathBuf>> {
    let folder = root().join("plugins");
    let list = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut sources: Vec<PathBuf> =
        list.flatten().map(|item| item.path()).filter(|path| path.join("plugin.toml").exists()).collect();
    sources.sort();
    Ok(sources)
}

fn encode(module: &[u8]) -> Outcome<Vec<u8>> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| format!("{error:#}"))
}

/// A plugin that no compiler would write: `plugin.wat`, with a world of its own in `world.wit` beside it.
fn from_text(source: &Path) -> Outcome<Vec<u8>> {
    let world = fs::read_to_string(source.join("world.wit")).map_err(|error| format!("world.wit: {error}"))?;
    let mut module = wat::parse_file(source.join("plugin.wat")).map_err(|error| error.to_string())?;
    let mut resolve = Resolve::default();
    let embedded = resolve.push_str("world.wit", &world).and_then(|package| {
        let world = resolve.select_world(&[package], None)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
    });
    embedded.map_err(|error| format!("{error:#}"))?;
    encode(&module)
}

/// Manifest and texts go along in the file as they are. Not by the host's own packaging, which `kith plugin build` uses: that refuses a wrong
/// manifest, which a fixture may have on purpose, and would bring the whole sandbox into this tool.
fn with_manifest(mut component: Vec<u8>, source: &Path) -> Outcome<Vec<u8>> {
    for (section, file, needed) in [("kith:manifest", "plugin.toml", true), ("kith:texts", "texts.json", false)] {
        match fs::read(source.join(file)) {
            Ok(data) => {
                CustomSection { name: section.into(), data: data.into() }.append_to_component(&mut component);
            }
            Err(_) if !needed => {}
            Err(error) => return Err(format!("{}: {error}", source.join(file).display())),
        }
    }
    Ok(component)
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
