//! Plugins for tests: small ones made on the spot, and the fixtures that `cargo xtask plugins` builds.

use std::path::{Path, PathBuf};

use kith_plugin_host::package::componentize;

/// A plugin that exports nothing, with this manifest behind its `[plugin]` section.
pub fn plain(id: &str, version: &str, rest: &str) -> Vec<u8> {
    told_in(id, version, rest, None)
}

/// The same with texts in other languages.
pub fn told_in(id: &str, version: &str, rest: &str, texts: Option<&str>) -> Vec<u8> {
    let manifest = format!("[plugin]\nid = \"{id}\"\nversion = \"{version}\"\napi = \"0.1\"\nname = \"Plain\"\n{rest}");
    let component = wat::parse_str("(component (core module))").expect("WebAssembly text");
    componentize(&component, &manifest, texts).expect("a plugin")
}

/// A fixture of `plugins/`; none where they were not built, which is said.
pub fn fixture(name: &str) -> Option<Vec<u8>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let file = target.join("plugins").join(format!("{name}.wasm"));
    let content = std::fs::read(&file).ok();
    if content.is_none() {
        eprintln!("left out: {} is not there; 'cargo xtask plugins' builds it", file.display());
    }
    content
}

/// The ids of the plugins that the binary brings along; none where they were not built, which is said.
pub fn bundled() -> Option<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/dist");
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut ids: Vec<String> =
        names.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".wasm")?.to_string())).collect();
    ids.sort();
    if ids.is_empty() {
        eprintln!("left out: {} holds no plugins; 'cargo xtask plugins' builds them", folder.display());
        return None;
    }
    Some(ids)
}
