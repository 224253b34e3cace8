//! A plugin as one `.wasm` file: a component with its manifest and texts in custom sections, so that both can be read without running it,
//! and perhaps a signature as the last section, over everything before it.

use std::borrow::Cow;

pub use ed25519_dalek::SigningKey;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::{
    manifest::{Manifest, ManifestError},
    texts::Texts,
};

/// Larger files are refused unread. Python's runtime takes 18 MB.
pub const WASM_BYTES_MAX: usize = 32 << 20;

const MANIFEST: &str = "kith:manifest";
const TEXTS: &str = "kith:texts";
const SIGNATURE: &str = "kith:signature";

/// Bytes of a manifest or of texts.
const SECTION_BYTES_MAX: usize = 256 << 10;

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// Why a file is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("the file is {0} bytes long; a plugin has at most {WASM_BYTES_MAX}")]
    TooLarge(usize),
    #[error("this is no WebAssembly component ({0}); 'kith plugin build' makes one")]
    NoComponent(String),
    #[error("the component carries no manifest; 'kith plugin build' puts plugin.toml into it")]
    NoManifest,
    #[error("the section '{0}' cannot be read: {1}")]
    Section(&'static str, String),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("the signature does not fit the file; it was changed after it was signed, so get it again from its author")]
    Signature,
    #[error("the module cannot be made into a component: {0}")]
    Encode(String),
}

/// A plugin's file, read but not run.
#[derive(Clone, Debug)]
pub struct Package {
    pub manifest: Manifest,
    pub texts: Texts,
    /// Who signed it; the signature was verified.
    pub author: Option<[u8; KEY_BYTES]>,
}

/// Makes a core module, as compilers write it, into a component with its manifest. A component stays as it is and gets the manifest.
///
/// # Errors
/// When the module lacks the contract's types, or the manifest is wrong.
pub fn componentize(module: &[u8], manifest: &str, texts: Option<&str>) -> Result<Vec<u8>, PackageError> {
    Manifest::parse(manifest)?;
    let mut file = if Parser::is_component(module) {
        without_sections(module)?
    } else {
        let encode = |error: &dyn std::fmt::Display| PackageError::Encode(format!("{error:#}"));
        let mut encoder = ComponentEncoder::default().module(module).map_err(|e| encode(&e))?.validate(true);
        encoder.encode().map_err(|e| encode(&e))?
    };
    append(&mut file, MANIFEST, manifest.as_bytes());
    if let Some(texts) = texts {
        read_texts(texts.as_bytes())?;
        append(&mut file, TEXTS, texts.as_bytes());
    }
    Ok(file)
}

/// An author's key as it is kept: 64 hexadecimal digits.
pub fn signing_key(text: &str) -> Option<SigningKey> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    Some(SigningKey::from_bytes(&bytes.try_into().ok()?))
}

/// Appends the author's signature.
pub fn sign(mut file: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    let mut content = key.verifying_key().to_bytes().to_vec();
    content.extend_from_slice(&key.sign(&file).to_bytes());
    append(&mut file, SIGNATURE, &content);
    file
}

/// Reads manifest, texts and signature.
///
/// # Errors
/// Whatever keeps the file from being a plugin; nothing of it was run.
pub fn read(file: &[u8]) -> Result<Package, PackageError> {
    if file.len() > WASM_BYTES_MAX {
        return Err(PackageError::TooLarge(file.len()));
    }
    if !Parser::is_component(file) {
        let what = if Parser::is_core_wasm(file) { "it is a core module" } else { "it does not begin like one" };
        return Err(PackageError::NoComponent(what.into()));
    }
    let (mut manifest, mut texts, mut author) = (None, Texts::new(), None);
    for section in sections(file)? {
        match section.name {
            MANIFEST => {
                let text =
                    std::str::from_utf8(section.data).map_err(|e| PackageError::Section(MANIFEST, e.to_string()))?;
                manifest = Some(Manifest::parse(text)?);
            }
            TEXTS => texts = read_texts(section.data)?,
            SIGNATURE => author = Some(verified(file, &section)?),
            _ => {}
        }
    }
    Ok(Package { manifest: manifest.ok_or(PackageError::NoManifest)?, texts, author })
}

struct Found<'a> {
    name: &'a str,
    data: &'a [u8],
    /// From the section's first byte to the one after its last.
    start: usize,
    end: usize,
}

/// Custom sections of the component itself, not of what is nested in it.
fn sections(file: &[u8]) -> Result<Vec<Found<'_>>, PackageError> {
    let mut found = Vec::new();
    let mut depth = 0_u32;
    let mut before = 0;
    for payload in Parser::new(0).parse_all(file) {
        let payload = payload.map_err(|e| PackageError::NoComponent(e.message().to_string()))?;
        match &payload {
            Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. } => {
                depth += 1;
                if depth == 1 {
                    before = unchecked_range.end;
                }
                continue;
            }
            Payload::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ if depth > 0 => continue,
            _ => {}
        }
        if let Payload::CustomSection(section) = &payload
            && section.name().starts_with("kith:")
        {
            if section.data().len() > SECTION_BYTES_MAX {
                return Err(PackageError::Section("kith:…", "it is too large".into()));
            }
            let end = section.range().end;
            found.push(Found { name: section.name(), data: section.data(), start: before, end });
        }
        before = match &payload {
            Payload::Version { range, .. } => range.end,
            other => other.as_section().map_or(before, |(_, range)| range.end),
        };
    }
    Ok(found)
}

/// The file without manifest, texts and signature of an earlier build.
fn without_sections(file: &[u8]) -> Result<Vec<u8>, PackageError> {
    let mut rest = Vec::with_capacity(file.len());
    let mut from = 0;
    for section in sections(file)? {
        rest.extend_from_slice(&file[from..section.start]);
        from = section.end;
    }
    rest.extend_from_slice(&file[from..]);
    Ok(rest)
}

fn append(file: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(data) }.append_to_component(file);
}

fn read_texts(data: &[u8]) -> Result<Texts, PackageError> {
    let wrong = |e: &dyn std::fmt::Display| PackageError::Section(TEXTS, e.to_string());
    let texts: Texts = serde_json::from_slice(data).map_err(|e| wrong(&e))?;
    let flat = texts.values().all(|of| of.as_object().is_some_and(|of| of.values().all(serde_json::Value::is_string)));
    if flat { Ok(texts) } else { Err(wrong(&"texts are {\"it\": {\"actions.lookup.label\": \"…\"}}")) }
}

fn verified(file: &[u8], section: &Found<'_>) -> Result<[u8; KEY_BYTES], PackageError> {
    // Whatever came after it would not be signed.
    if section.end != file.len() || section.data.len() != KEY_BYTES + SIGNATURE_BYTES {
        return Err(PackageError::Signature);
    }
    let (key, signature) = section.data.split_at(KEY_BYTES);
    let key: [u8; KEY_BYTES] = key.try_into().map_err(|_| PackageError::Signature)?;
    let verifying = VerifyingKey::from_bytes(&key).map_err(|_| PackageError::Signature)?;
    let signature = Signature::from_slice(signature).map_err(|_| PackageError::Signature)?;
    verifying.verify_strict(&file[..section.start], &signature).map_err(|_| PackageError::Signature)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST_TEXT: &str = "[plugin]\nid = \"empty\"\nversion = \"0.1.0\"\napi = \"0.1\"\nname = \"Empty\"\n";

    fn component() -> Vec<u8> {
        wat::parse_str("(component (core module (func)) (core module))").unwrap()
    }

    #[test]
    fn a_manifest_travels_in_the_file_and_a_second_build_replaces_it() {
        let once = componentize(&component(), MANIFEST_TEXT, Some(r#"{"it":{"name":"Vuoto"}}"#)).unwrap();
        let again = componentize(&once, &MANIFEST_TEXT.replace("0.1.0", "0.2.0"), None).unwrap();
        assert_eq!(read(&once).unwrap().texts["it"]["name"], "Vuoto");
        let package = read(&again).unwrap();
        assert_eq!(package.manifest.plugin.version, "0.2.0");
        assert!(package.texts.is_empty() && package.author.is_none());
    }

    #[test]
    fn a_signature_covers_every_byte_before_it() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signed = sign(componentize(&component(), MANIFEST_TEXT, None).unwrap(), &key);
        assert_eq!(read(&signed).unwrap().author, Some(key.verifying_key().to_bytes()));
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            let outcome = read(&changed);
            assert!(
                !outcome.is_ok_and(|p| p.author == Some(key.verifying_key().to_bytes())),
                "byte {at} was changed unseen"
            );
        }
        let mut longer = signed.clone();
        append(&mut longer, "kith:texts", b"{}");
        assert!(matches!(read(&longer), Err(PackageError::Signature)));
    }

    #[test]
    fn what_is_no_plugin_is_refused_in_words() {
        let module = wat::parse_str("(module)").unwrap();
        assert!(read(&module).unwrap_err().to_string().contains("core module"));
        assert!(read(b"<html>").unwrap_err().to_string().contains("kith plugin build"));
        assert!(matches!(read(&component()), Err(PackageError::NoManifest)));
        let whole = componentize(&component(), MANIFEST_TEXT, None).unwrap();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end} bytes");
        }
    }
}
