//! `kith plugin new`: a working plugin with a test, from the templates that the binary carries, with the SDK beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rust_embed::RustEmbed;

use super::super::super::{CliError, Outcome};

/// The SDK as it was when this Kith was built: crate, contract and templates.
#[derive(RustEmbed)]
#[folder = "plugin-sdk"]
struct Sdk;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    Rust,
    Typescript,
    Python,
}

#[derive(clap::Args)]
pub struct Args {
    /// Its id: lower-case words joined by '-', such as 'lead-scoring'
    pub name: String,
    #[arg(long, value_enum, default_value = "rust")]
    language: Language,
    /// Where to put it; a folder of its name unless said otherwise
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Where the crate of the SDK lies in a new plugin.
const VENDORED: &str = "kith-plugin";

pub fn run(args: &Args) -> Outcome<PathBuf> {
    let id = args.name.as_str();
    if !kith_plugin_host::manifest::is_plugin_id(id) {
        return Err(CliError::failed(
            "plugin.id",
            format!("'{id}' is no id; write lower-case words joined by '-', such as 'lead-scoring'"),
        ));
    }
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(id));
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(CliError::failed(
            "plugin.folder",
            format!("{} is not empty; name another folder with --folder", folder.display()),
        ));
    }
    let template = match args.language {
        Language::Rust => "templates/rust/",
        Language::Typescript => "templates/typescript/",
        Language::Python => "templates/python/",
    };
    for path in Sdk::iter() {
        if let Some(rest) = path.strip_prefix(template) {
            write(&folder.join(rest), &personal(&content(&path)?, id))?;
        }
    }
    match args.language {
        Language::Rust => vendor(&folder)?,
        Language::Typescript | Language::Python => {
            write(&folder.join("wit/deps/kith-plugin/plugin.wit"), &content("wit/plugin.wit")?)?;
        }
    }
    Ok(folder)
}

/// The crate, so that a plugin builds on any machine.
fn vendor(folder: &Path) -> Outcome {
    for path in Sdk::iter().filter(|path| path.starts_with("src/") || path.starts_with("wit/")) {
        write(&folder.join(VENDORED).join(path.as_ref()), &content(&path)?)?;
    }
    // It belongs to the workspace of the plugin now.
    let cargo = String::from_utf8_lossy(&content("Cargo.toml")?).into_owned();
    let cargo: Vec<&str> =
        cargo.lines().filter(|l| !l.starts_with("workspace =") && !l.starts_with("readme =")).collect();
    write(&folder.join(VENDORED).join("Cargo.toml"), (cargo.join("\n") + "\n").as_bytes())
}

fn content(path: &str) -> Outcome<Vec<u8>> {
    let missing = || CliError::failed("internal", format!("this binary lacks {path}"));
    Ok(Sdk::get(path).ok_or_else(missing)?.data.into_owned())
}

/// With the new plugin's name in place of the template's.
fn personal(content: &[u8], id: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else { return content.to_vec() };
    let words = id.replace('-', " ");
    let mut letters = words.chars();
    let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    text.replace("my-plugin", id)
        .replace("my_plugin", &id.replace('-', "_"))
        .replace("My plugin", &name)
        .replace("path = \"../..\"", &format!("path = \"{VENDORED}\""))
        .into_bytes()
}

fn write(file: &Path, content: &[u8]) -> Outcome {
    let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, content));
    written.map_err(|error| CliError::failed("cli.file", format!("{} cannot be written: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_comes_with_a_manifest_that_holds() {
        for language in [Language::Rust, Language::Typescript, Language::Python] {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("p");
            let args = Args { name: "door-bell".into(), language, folder: Some(folder.clone()) };
            run(&args).unwrap();
            let (text, manifest) = super::super::manifest(&folder).unwrap();
            assert_eq!((manifest.id(), manifest.plugin.name.as_str()), ("door-bell", "Door bell"), "{text}");
            assert!(run(&args).is_err(), "a folder with something in it is left alone");
        }
        let odd = Args { name: "Door Bell".into(), language: Language::Rust, folder: None };
        assert!(run(&odd).is_err());
    }
}
