//! Certificates ordered and renewed by ACME. Account key, certificate and its key are kept sealed among the vault's files.

use std::sync::Arc;

use async_trait::async_trait;
use kith_store::{Files, StoreError};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_acme::{AccountCache, AcmeConfig, AcmeState, CertCache, ResolvesServerCertAcme};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_stream::StreamExt;

use super::{AcmeOptions, TlsError, provider};

/// An order under way for as long as it is polled.
pub struct Acme {
    state: AcmeState<StoreError>,
}

impl Acme {
    /// Prepares the order; nothing is sent yet.
    ///
    /// # Errors
    /// What of the options cannot be used.
    pub fn new(options: &AcmeOptions, files: Files) -> Result<Acme, TlsError> {
        check(options)?;
        let trusted = Arc::new(roots(options)?);
        let client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let config = AcmeConfig::new_with_client_config(&options.hosts, Arc::new(client))
            .contact(options.contact.iter().map(|address| format!("mailto:{address}")))
            .directory(&options.directory)
            .cache(Sealed(files));
        Ok(Acme { state: config.state() })
    }

    /// Hands out the newest certificate.
    pub fn certificates(&self) -> Arc<ResolvesServerCertAcme> {
        self.state.resolver()
    }

    /// Answers the authority's question on the port of HTTPS.
    pub fn challenge(&self) -> Arc<ServerConfig> {
        self.state.challenge_rustls_config_with_provider(provider())
    }

    /// Orders, renews, tries again after a failure, always.
    pub async fn run(mut self) {
        while let Some(event) = self.state.next().await {
            match event {
                Ok(event) => tracing::info!(?event, "certificate"),
                Err(error) => tracing::warn!(%error, "the certificate could not be ordered; trying again later"),
            }
        }
    }
}

/// Options that can only be typing errors are refused before the server starts.
pub fn check(options: &AcmeOptions) -> Result<(), TlsError> {
    for host in &options.hosts {
        // An address is no name; authorities do not prove addresses this way.
        if !matches!(ServerName::try_from(host.as_str()), Ok(ServerName::DnsName(_))) || !host.contains('.') {
            return Err(TlsError::Host(host.chars().take(80).collect()));
        }
    }
    if options.hosts.is_empty() {
        return Err(TlsError::Host(String::new()));
    }
    if !options.directory.starts_with("https://") {
        return Err(TlsError::Directory(options.directory.chars().take(120).collect()));
    }
    roots(options).map(|_| ())
}

fn roots(options: &AcmeOptions) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match &options.root {
        Some(path) => {
            let unreadable =
                |cause: String| TlsError::Unreadable { path: path.display().to_string(), what: "a certificate", cause };
            let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for certificate in read.map_err(|error| unreadable(error.to_string()))? {
                store.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() { Err(TlsError::NoRoots) } else { Ok(store) }
}

/// Keeps what the order needs to remember as age files of the vault.
struct Sealed(Files);

impl Sealed {
    async fn load(&self, label: String) -> Result<Option<Vec<u8>>, StoreError> {
        let files = self.0.clone();
        let read = tokio::task::spawn_blocking(move || files.kept(&label)).await;
        match read.map_err(ended)? {
            // Damaged means lost: a new one is ordered, which is better than none.
            Err(StoreError::Damaged { .. }) => Ok(None),
            other => other,
        }
    }

    async fn store(&self, label: String, content: &[u8]) -> Result<(), StoreError> {
        let (files, content) = (self.0.clone(), content.to_vec());
        tokio::task::spawn_blocking(move || files.keep(&label, &content)).await.map_err(ended)?
    }
}

fn ended(error: tokio::task::JoinError) -> StoreError {
    StoreError::Io { path: "files".into(), cause: error.to_string() }
}

fn label(what: &str, of: &[String], directory: &str) -> String {
    format!("acme {what} {} {directory}", of.join(" "))
}

#[async_trait]
impl CertCache for Sealed {
    type EC = StoreError;

    async fn load_cert(&self, hosts: &[String], directory: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.load(label("certificate", hosts, directory)).await
    }

    async fn store_cert(&self, hosts: &[String], directory: &str, content: &[u8]) -> Result<(), StoreError> {
        self.store(label("certificate", hosts, directory), content).await
    }
}

#[async_trait]
impl AccountCache for Sealed {
    type EA = StoreError;

    async fn load_account(&self, contact: &[String], directory: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.load(label("account", contact, directory)).await
    }

    async fn store_account(&self, contact: &[String], directory: &str, content: &[u8]) -> Result<(), StoreError> {
        self.store(label("account", contact, directory), content).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(host: &str, directory: &str) -> AcmeOptions {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path().keep().unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap();
        AcmeOptions { hosts: vec![host.to_string()], contact: None, directory: directory.to_string(), root: Some(path) }
    }

    #[test]
    fn typing_errors_are_refused_before_anything_is_sent() {
        assert!(check(&options("crm.example.com", super::super::DIRECTORY)).is_ok());
        for host in ["", "localhost", "https://crm.example.com", "10.0.0.1", "two words.com"] {
            assert!(matches!(check(&options(host, super::super::DIRECTORY)), Err(TlsError::Host(_))), "{host}");
        }
        assert!(matches!(check(&options("crm.example.com", "http://ca.example.com")), Err(TlsError::Directory(_))));
    }
}
