//! HTTPS by Kith itself: certificates from files and by ACME, and what is refused without one.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{
    authority::Authority,
    harness::{ADMIN_EMAIL, ADMIN_PASSWORD, Vault, said},
};

type Chain = Vec<CertificateDer<'static>>;

/// Connects and returns what the server shows. Without roots any certificate will do.
pub fn handshake(to: SocketAddr, host: &str, roots: &[CertificateDer<'static>], alpn: &[&[u8]]) -> io::Result<Chain> {
    let mut stream = connect(to, host, roots, alpn)?;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream.conn.peer_certificates().unwrap_or_default().to_vec())
}

/// One request over HTTPS; the whole answer as text.
fn ask(to: SocketAddr, host: &str, roots: &[CertificateDer<'static>], request: &str, body: &str) -> io::Result<String> {
    let mut stream = connect(to, host, roots, &[b"http/1.1"])?;
    let head = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    // A server that ends the connection without the last word of TLS has still answered.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn connect(
    to: SocketAddr,
    host: &str,
    roots: &[CertificateDer<'static>],
    alpn: &[&[u8]],
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(io::Error::other)?;
    let mut config = if roots.is_empty() {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anything(provider))).with_no_client_auth()
    } else {
        let mut store = RootCertStore::empty();
        roots.iter().for_each(|root| store.add(root.clone()).unwrap());
        builder.with_root_certificates(store).with_no_client_auth()
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(StreamOwned::new(connection, stream))
}

/// Looks at certificates instead of trusting them. A proof for an authority is marked critical in a way that ordinary checks refuse.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// `kith serve` over HTTPS, which the ordinary harness cannot ask.
struct Secured {
    vault: Vault,
    address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Secured {
    fn start(vault: Vault, args: &[&str]) -> Secured {
        let mut command = vault.kith(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (errors, kept) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("https://").next().and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in '{line}': {}", log.lock().unwrap()));
        Secured { vault, address, child, log }
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    fn stop(mut self) -> Vault {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success(), "{}", self.log.lock().unwrap());
        std::mem::replace(&mut self.vault, Vault::empty())
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log ---\n{}", self.log.lock().map(|log| log.clone()).unwrap_or_default());
        }
    }
}

/// A certificate for `localhost` and its key, as files beside the vault.
fn certificate(vault: &Vault) -> (PathBuf, PathBuf, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let (certificate, key) = (vault.folder().join("cert.pem"), vault.folder().join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.key_pair.serialize_pem()).unwrap();
    (certificate, key, made.cert.der().clone())
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what} did not come");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_certificate_from_files_serves_https_with_strict_headers_and_secure_cookies() {
    let vault = Vault::new();
    let (certificate, key, root) = certificate(&vault);
    let server = Secured::start(vault, &["--tls-cert", text(&certificate), "--tls-key", text(&key)]);
    let body = format!(r#"{{"email":"{ADMIN_EMAIL}","password":"{ADMIN_PASSWORD}"}}"#);
    let answer = ask(server.address, "localhost", &[root], "POST /api/v1/session", &body).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let lower = answer.to_lowercase();
    assert!(lower.contains("strict-transport-security: max-age=31536000"), "{answer}");
    assert!(lower.lines().any(|line| line.starts_with("set-cookie:") && line.ends_with("; secure")), "{answer}");
    // Plain HTTP on the same port is no HTTP at all.
    let mut plain = TcpStream::connect(server.address).unwrap();
    plain.write_all(b"GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    server.stop();
}

#[test]
fn a_stalled_handshake_holds_up_nobody() {
    let vault = Vault::new();
    let (certificate, key, root) = certificate(&vault);
    let server = Secured::start(vault, &["--tls-cert", text(&certificate), "--tls-key", text(&key)]);
    let _silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let answer = ask(server.address, "localhost", &[root], "GET /api/v1/health", "").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_renewed_certificate_is_used_after_a_hangup_and_a_broken_one_is_not() {
    let vault = Vault::new();
    let (cert_path, key_path, first) = certificate(&vault);
    let server = Secured::start(vault, &["--tls-cert", text(&cert_path), "--tls-key", text(&key_path)]);
    assert_eq!(handshake(server.address, "localhost", &[], &[]).unwrap()[0], first);
    fs::write(&cert_path, "-----BEGIN CERTIFICATE-----\nbroken").unwrap();
    server.signal("-HUP");
    eventually("the warning", || server.log.lock().unwrap().contains("the old one stays"));
    assert_eq!(handshake(server.address, "localhost", &[], &[]).unwrap()[0], first);
    let (_, _, second) = certificate(&server.vault);
    server.signal("-HUP");
    eventually("the new certificate", || handshake(server.address, "localhost", &[], &[]).unwrap()[0] == second);
    server.stop();
}

#[test]
fn plain_http_is_sent_on_when_asked() {
    let vault = Vault::new();
    let (certificate, key, _) = certificate(&vault);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let args = ["--tls-cert", text(&certificate), "--tls-key", text(&key), "--redirect-http", &port.to_string()];
    let server = Secured::start(vault, &args);
    let mut plain = TcpStream::connect(port).unwrap();
    plain.write_all(b"GET /people?x=1 HTTP/1.1\r\nhost: localhost:80\r\nconnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    plain.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 308"), "{said}");
    assert!(said.contains(&format!("https://localhost:{}/people?x=1", server.address.port())), "{said}");
}

#[test]
fn a_server_open_to_the_network_without_tls_is_refused() {
    let vault = Vault::new();
    let refused = vault.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(1));
    let words = said(&refused);
    assert!(["--tls-cert", "--acme-host", "--plain-http"].iter().all(|flag| words.contains(flag)), "{words}");
}

#[test]
fn certificates_that_cannot_work_are_refused_before_the_server_starts() {
    let (vault, other) = (Vault::new(), Vault::empty());
    let (certificate_path, key_path, _) = certificate(&vault);
    let (_, other_key, _) = certificate(&other);
    let missing = vault.folder().join("missing.pem");
    let (certificate_path, key_path) = (text(&certificate_path), text(&key_path));
    for (args, code, words) in [
        (vec!["--tls-cert", text(&missing), "--tls-key", key_path], 1, "missing.pem cannot be read"),
        (vec!["--tls-cert", certificate_path, "--tls-key", text(&other_key)], 1, "does not belong"),
        (vec!["--tls-cert", key_path, "--tls-key", key_path], 1, "as a certificate"),
        (vec!["--tls-cert", certificate_path], 2, "--tls-key"),
        (vec!["--acme-host", "https://crm.example.com"], 1, "no host name"),
        (vec!["--acme-host", "crm.example.com", "--acme-directory", "http://ca.example.com"], 1, "no https address"),
        (vec!["--redirect-http", "127.0.0.1:0"], 2, "--tls-cert"),
        (vec!["--plain-http", "--acme-host", "crm.example.com"], 2, "cannot be used with"),
    ] {
        let refused = vault.run(&[&["serve", "--listen", "127.0.0.1:0"], &args[..]].concat());
        assert_eq!(refused.status.code(), Some(code), "{args:?}: {}", said(&refused));
        assert!(said(&refused).contains(words), "{args:?}: {}", said(&refused));
    }
}

#[test]
fn a_certificate_is_ordered_by_acme_kept_sealed_and_used_again_after_a_restart() {
    const HOST: &str = "crm.example.com";
    let authority = Authority::start();
    let vault = Vault::new();
    let root = vault.folder().join("authority.pem");
    fs::write(&root, authority.root_pem()).unwrap();
    let (directory, root) = (authority.directory(), text(&root).to_string());
    let contact = "ops@example.com";
    let args = ["--acme-host", HOST, "--acme-contact", contact, "--acme-directory", &directory, "--acme-root", &root];
    let server = Secured::start(vault, &args);
    authority.resolve(server.address);
    let trusted = [authority.root()];
    eventually("the certificate", || handshake(server.address, HOST, &trusted, &[b"http/1.1"]).is_ok());
    let answer = ask(server.address, HOST, &trusted, "GET /api/v1/health", "").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let shown = handshake(server.address, HOST, &trusted, &[]).unwrap();
    eventually("the copy in the vault", || server.log.lock().unwrap().contains("CertCacheStore"));
    let vault = server.stop();
    for item in fs::read_dir(vault.data().join("files")).unwrap().flatten() {
        let raw = fs::read(item.path()).unwrap();
        assert!(raw.starts_with(b"age-encryption.org"), "a file that is not sealed");
        assert!(!raw.windows(11).any(|window| window == b"PRIVATE KEY"));
    }
    let server = Secured::start(vault, &args);
    eventually("the kept certificate", || handshake(server.address, HOST, &trusted, &[]).is_ok());
    assert_eq!(handshake(server.address, HOST, &trusted, &[]).unwrap(), shown);
    assert_eq!(authority.orders(), 1);
    server.stop();
}
