//! A certificate from PEM files, read again when they change: whoever renews them tells nobody. Never drops a certificate that
//! works for one that does not.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::signal::unix::{SignalKind, signal};

use super::{TlsError, provider};

/// How often the files are looked at. A renewal comes weeks before the old one ends, so a minute is soon.
const LOOK_EVERY: Duration = Duration::from_secs(60);

type Stamp = [Option<(SystemTime, u64)>; 2];

/// The certificate in use.
#[derive(Debug)]
pub struct FromFiles {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<(Stamp, Arc<CertifiedKey>)>,
}

impl FromFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// Says which of the two cannot be used, and why.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<FromFiles, TlsError> {
        let stamp = stamp(&certificate, &key);
        let read = read(&certificate, &key)?;
        Ok(FromFiles { certificate, key, current: RwLock::new((stamp, Arc::new(read))) })
    }

    /// Reads the files again when they changed. True when a new certificate is in use.
    ///
    /// # Errors
    /// Why the new files cannot be used; the old certificate stays.
    pub fn look(&self) -> Result<bool, TlsError> {
        let stamp = stamp(&self.certificate, &self.key);
        if self.current.read().is_ok_and(|current| current.0 == stamp) {
            return Ok(false);
        }
        let read = Arc::new(read(&self.certificate, &self.key)?);
        let mut current = self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        *current = (stamp, read);
        Ok(true)
    }

    /// Looks every minute and at SIGHUP, for as long as it is polled.
    pub async fn watch(self: Arc<Self>) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        loop {
            tokio::select! { _ = tokio::time::sleep(LOOK_EVERY) => {}, _ = hangup.recv() => {} }
            let looked = self.clone();
            match tokio::task::spawn_blocking(move || looked.look()).await {
                Ok(Ok(true)) => tracing::info!("the certificate was read again"),
                Ok(Err(error)) => tracing::warn!(%error, "the new certificate is not used; the old one stays"),
                _ => {}
            }
        }
    }
}

impl ResolvesServerCert for FromFiles {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.read().ok().map(|current| current.1.clone())
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let about = path.metadata().ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unreadable = |path: &Path, what| {
        let path = path.display().to_string();
        move |cause: rustls_pki_types::pem::Error| TlsError::Unreadable { path, what, cause: cause.to_string() }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(certificate, "a certificate"))?;
    if chain.is_empty() {
        return Err(unreadable(certificate, "a certificate")(rustls_pki_types::pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key, "a private key"))?;
    CertifiedKey::from_der(chain, private, &provider()).map_err(|error| TlsError::Mismatch {
        certificate: certificate.display().to_string(),
        key: key.display().to_string(),
        cause: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
        (made.cert.pem(), made.key_pair.serialize_pem())
    }

    fn shown(files: &FromFiles) -> Vec<u8> {
        files.current.read().unwrap().1.cert[0].to_vec()
    }

    #[test]
    fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let write = |pair: &(String, String)| {
            fs::write(&cert, &pair.0).unwrap();
            fs::write(&key, &pair.1).unwrap();
        };
        write(&pair());
        let files = FromFiles::open(cert.clone(), key.clone()).unwrap();
        let first = shown(&files);
        assert!(!files.look().unwrap());
        let second = pair();
        // Half of a renewal: the key is still the old one.
        fs::write(&cert, format!("{}\n", second.0)).unwrap();
        assert!(matches!(files.look(), Err(TlsError::Mismatch { .. })));
        assert_eq!(shown(&files), first);
        fs::write(&key, format!("{}\n", second.1)).unwrap();
        assert!(files.look().unwrap());
        assert_ne!(shown(&files), first);
        fs::write(&cert, "not PEM").unwrap();
        assert!(matches!(files.look(), Err(TlsError::Unreadable { .. })));
        fs::remove_file(&cert).unwrap();
        assert!(files.look().is_err());
    }

    #[test]
    fn a_missing_file_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let error = FromFiles::open(folder.path().join("cert.pem"), folder.path().join("key.pem")).unwrap_err();
        assert!(error.to_string().contains("cert.pem"), "{error}");
    }
}
