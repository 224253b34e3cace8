//! Builds the web app that the server embeds, when `web/dist` is missing or older than its sources; and makes room for the plugins that it
//! embeds, which are built by `cargo xtask plugins` and by nothing else: not every machine compiles to WebAssembly.
//!
//! `KITH_SKIP_WEB=1` puts a one-line page there instead. A release build without a web app is refused; a development build
//! goes on with the page and a warning, so that Rust code can be worked on without Node.

use std::{env, fs, path::Path, process::Command, time::SystemTime};

/// What the web app is built from, inside `web/`.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "scripts",
    "index.html",
    "package.json",
    "package-lock.json",
    "openapi.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

/// In a page that stands in for the app.
const STAND_IN: &str = "<!-- stand-in -->";

fn main() {
    let plugins = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../plugins/dist");
    if let Err(error) = fs::create_dir_all(&plugins) {
        println!("cargo::error={} cannot be made: {error}", plugins.display());
    }
    println!("cargo::rerun-if-changed={}", plugins.display());
    let web = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web");
    println!("cargo::rerun-if-env-changed=KITH_SKIP_WEB");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", web.join("dist/index.html").display());
    for source in SOURCES.iter().map(|name| web.join(name)).filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let dist = web.join("dist");
    if env::var_os("KITH_SKIP_WEB").is_some_and(|value| value != "0") {
        if !dist.join("index.html").exists() {
            stand_in(&dist, "built with KITH_SKIP_WEB, without its web app");
        }
        return;
    }
    if is_fresh(&web, &dist) {
        return;
    }
    if let Err(reason) = build(&web) {
        if env::var("PROFILE").as_deref() == Ok("release") {
            println!("cargo::error=the web app could not be built: {reason}");
            println!(
                "cargo::error=install Node 20.19 or later with npm, or set KITH_SKIP_WEB=1 to build without the web app"
            );
        } else {
            println!("cargo::warning=the web app could not be built, a page that says so stands in: {reason}");
            if !dist.join("index.html").exists() {
                stand_in(&dist, "built without its web app; install Node 20.19 or later and build again");
            }
        }
    }
}

/// Whether the app in `dist` is a real one and younger than every source.
fn is_fresh(web: &Path, dist: &Path) -> bool {
    let page = dist.join("index.html");
    let Some(built) = modified(&page).filter(|_| fs::read_to_string(&page).is_ok_and(|text| !text.contains(STAND_IN)))
    else {
        return false;
    };
    SOURCES.iter().all(|name| newest(&web.join(name)).is_none_or(|changed| changed <= built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    fs::read_dir(path).ok()?.flatten().filter_map(|entry| newest(&entry.path())).max()
}

fn build(web: &Path) -> Result<(), String> {
    if !web.join("package.json").exists() {
        return Err(format!("there is no {}", web.join("package.json").display()));
    }
    // Two builds at once would write into the same folder.
    let lock = fs::File::open(web.join("package.json")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if is_fresh(web, &web.join("dist")) {
        return Ok(());
    }
    let installed = newest(&web.join("node_modules/.package-lock.json"));
    if installed.is_none() || newest(&web.join("package-lock.json")) > installed {
        npm(web, &["ci"])?;
    }
    npm(web, &["run", "build"])
}

fn npm(web: &Path, args: &[&str]) -> Result<(), String> {
    let run = Command::new("npm").args(args).current_dir(web).output();
    let output = run.map_err(|error| format!("npm did not start ({error}); is Node installed?"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let tail: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(8).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    Err(format!("'npm {}' failed: {}", args.join(" "), tail.join(" | ")))
}

fn stand_in(dist: &Path, why: &str) {
    let page = format!(
        "<!doctype html>{STAND_IN}<meta charset=\"utf-8\"><title>Kith</title>\n\
         <p>This Kith was {why}. Its API is at /api/v1.</p>\n"
    );
    if let Err(error) = fs::create_dir_all(dist).and_then(|()| fs::write(dist.join("index.html"), page)) {
        println!("cargo::error=web/dist cannot be written: {error}");
    }
}
