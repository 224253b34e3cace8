//! TLS of our own: certificates from files or by ACME, and the acceptor that shakes hands. Routes nothing, and writes no key
//! to disk in the clear.

mod accept;
mod acme;
mod from_files;
mod redirect;

use std::{path::PathBuf, sync::Arc};

use rustls::{ServerConfig, crypto::CryptoProvider, server::ResolvesServerCert};

pub(crate) use accept::Shake;
pub use accept::TlsAcceptor;
pub(crate) use acme::{Acme, check};
pub(crate) use from_files::FromFiles;
pub(crate) use redirect::redirect;

/// Let's Encrypt. Any other directory that speaks RFC 8555 will do.
pub const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum TlsOptions {
    /// PEM files, read again when they change.
    Files { certificate: PathBuf, key: PathBuf },
    /// Ordered and renewed by ACME, proven on the port of HTTPS itself (TLS-ALPN-01).
    Acme(AcmeOptions),
}

/// What a certificate is ordered with.
#[derive(Clone, Debug)]
pub struct AcmeOptions {
    /// The names the certificate is for; the first is where plain HTTP is sent on to.
    pub hosts: Vec<String>,
    /// Where the authority may write to when a renewal fails.
    pub contact: Option<String>,
    pub directory: String,
    /// Trust this authority for the directory's own certificate instead of the system's (a company's own ACME server).
    pub root: Option<PathBuf>,
}

/// What stands between a certificate and its use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read as {what} ({cause}); it must be a PEM file")]
    Unreadable { path: String, what: &'static str, cause: String },
    #[error(
        "the key in {key} does not belong to the certificate in {certificate} ({cause}); name the pair that belongs together"
    )]
    Mismatch { certificate: String, key: String, cause: String },
    #[error("'{0}' is no host name; name the host as people type it, such as crm.example.com")]
    Host(String),
    #[error("'{0}' is no https address of an ACME directory")]
    Directory(String),
    #[error(
        "this machine trusts no certificate authority; install the package ca-certificates, or name one with --acme-root"
    )]
    NoRoots,
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS 1.3 and 1.2 with the library's own choice of ciphers.
pub(crate) fn server_config(certificates: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, TlsError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    let mut config = config.with_no_client_auth().with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
