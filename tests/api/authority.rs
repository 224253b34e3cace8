//! A small certificate authority that speaks ACME (RFC 8555) and proves a host by TLS-ALPN-01 (RFC 8737). It checks what an
//! authority must: nonces used once, the account's key, and the proof on the host's own port. It does not verify signatures.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use data_encoding::BASE64URL_NOPAD as BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::tls::handshake;

const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";

pub struct Authority {
    state: Arc<State>,
}

struct State {
    address: SocketAddr,
    certificate: rcgen::Certificate,
    key: KeyPair,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    host: String,
    /// Where the host answers HTTPS; a real authority asks the name service and takes port 443.
    port: Option<SocketAddr>,
    nonces: HashSet<String>,
    handed_out: u64,
    thumbprint: String,
    proven: bool,
    issued: Option<String>,
    orders: usize,
}

impl Authority {
    pub fn start() -> Authority {
        let mut params = CertificateParams::new(vec!["localhost".to_string()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { address, certificate, key, seen: Mutex::default() });
        let served = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = served.clone();
                thread::spawn(move || state.serve(stream));
            }
        });
        Authority { state }
    }

    pub fn directory(&self) -> String {
        self.state.url("/directory")
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.state.certificate.der().clone()
    }

    pub fn root_pem(&self) -> String {
        self.state.certificate.pem()
    }

    /// From here on the host can be asked for proof.
    pub fn resolve(&self, port: SocketAddr) {
        self.state.seen.lock().unwrap().port = Some(port);
    }

    pub fn orders(&self) -> usize {
        self.state.seen.lock().unwrap().orders
    }
}

impl State {
    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    fn serve(&self, stream: TcpStream) {
        let own = CertificateParams::new(vec!["localhost".to_string()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = own.signed_by(&key, &self.certificate, &self.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        let Some((method, path, body)) = request(&mut stream) else { return };
        let (status, location, kind, mut answer) = self.answer(&method, &path, &body);
        if method == "HEAD" {
            answer.clear();
        }
        let nonce = self.nonce();
        let location = location.map(|place| format!("location: {place}\r\n")).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status} X\r\nreplay-nonce: {nonce}\r\n{location}content-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(answer.as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }

    fn nonce(&self) -> String {
        let mut seen = self.seen.lock().unwrap();
        seen.handed_out += 1;
        let nonce = format!("nonce-{}", seen.handed_out);
        seen.nonces.insert(nonce.clone());
        nonce
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> (u16, Option<String>, &'static str, String) {
        let json = "application/json";
        if method != "POST" {
            let directory = json!({
                "newNonce": self.url("/nonce"), "newAccount": self.url("/account"), "newOrder": self.url("/orders"),
            });
            return (200, None, json, directory.to_string());
        }
        let Some((protected, payload)) = self.opened(body, path) else {
            return (400, None, json, json!({ "type": "urn:ietf:params:acme:error:malformed" }).to_string());
        };
        match path {
            "/account" => {
                self.seen.lock().unwrap().thumbprint = thumbprint(&protected["jwk"]);
                (201, Some(self.url("/account/1")), json, json!({ "status": "valid" }).to_string())
            }
            "/orders" => {
                let mut seen = self.seen.lock().unwrap();
                seen.orders += 1;
                seen.proven = false;
                seen.issued = None;
                seen.host = payload["identifiers"][0]["value"].as_str().unwrap_or_default().to_string();
                drop(seen);
                (201, Some(self.url("/order")), json, self.order())
            }
            "/order" => (200, None, json, self.order()),
            "/auth" => (200, None, json, self.authorization()),
            "/challenge" => {
                self.prove();
                (200, None, json, self.challenge().to_string())
            }
            "/finalize" => {
                self.issue(payload["csr"].as_str().unwrap_or_default());
                (200, None, json, self.order())
            }
            "/certificate" => {
                let issued = self.seen.lock().unwrap().issued.clone().unwrap_or_default();
                (200, None, "application/pem-certificate-chain", issued)
            }
            _ => (404, None, json, "{}".to_string()),
        }
    }

    /// The two parts of a signed request whose nonce and address are right.
    fn opened(&self, body: &[u8], path: &str) -> Option<(Json, Json)> {
        let signed: Json = serde_json::from_slice(body).ok()?;
        let part = |name: &str| BASE64.decode(signed[name].as_str()?.as_bytes()).ok();
        let protected: Json = serde_json::from_slice(&part("protected")?).ok()?;
        let fresh = self.seen.lock().unwrap().nonces.remove(protected["nonce"].as_str()?);
        if !fresh || protected["url"] != self.url(path) {
            return None;
        }
        let payload = part("payload")?;
        let payload = if payload.is_empty() { Json::Null } else { serde_json::from_slice(&payload).ok()? };
        Some((protected, payload))
    }

    fn order(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let status = match (seen.proven, &seen.issued) {
            (_, Some(_)) => "valid",
            (true, None) => "ready",
            (false, None) => "pending",
        };
        json!({
            "status": status, "authorizations": [self.url("/auth")], "finalize": self.url("/finalize"),
            "certificate": self.url("/certificate"),
        })
        .to_string()
    }

    fn authorization(&self) -> String {
        let challenge = self.challenge();
        let seen = self.seen.lock().unwrap();
        json!({
            "status": if seen.proven { "valid" } else { "pending" },
            "identifier": { "type": "dns", "value": seen.host },
            "challenges": [challenge],
        })
        .to_string()
    }

    fn challenge(&self) -> Json {
        json!({ "type": "tls-alpn-01", "url": self.url("/challenge"), "token": TOKEN })
    }

    /// Asks the host itself: its certificate for `acme-tls/1` must hold the hash of token and account key.
    fn prove(&self) {
        let (host, thumbprint) = {
            let seen = self.seen.lock().unwrap();
            (seen.host.clone(), seen.thumbprint.clone())
        };
        let started = Instant::now();
        let port = loop {
            if let Some(port) = self.seen.lock().unwrap().port {
                break port;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "nobody said where the host is");
            thread::sleep(Duration::from_millis(20));
        };
        let Ok(shown) = handshake(port, &host, &[], &[b"acme-tls/1"]) else { return };
        let expected = Sha256::digest(format!("{TOKEN}.{thumbprint}"));
        const ACME_IDENTIFIER: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f];
        let holds = |part: &[u8]| shown[0].windows(part.len()).any(|window| window == part);
        self.seen.lock().unwrap().proven = holds(&ACME_IDENTIFIER) && holds(&expected);
    }

    fn issue(&self, csr: &str) {
        let Ok(der) = BASE64.decode(csr.as_bytes()) else { return };
        let Ok(request) = CertificateSigningRequestParams::from_der(&der.into()) else { return };
        let Ok(certificate) = request.signed_by(&self.certificate, &self.key) else { return };
        let mut seen = self.seen.lock().unwrap();
        if seen.proven {
            seen.issued = Some(certificate.pem());
        }
    }
}

/// RFC 7638: the key's required members in order of their names.
fn thumbprint(jwk: &Json) -> String {
    let text = format!(r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#, jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]);
    BASE64.encode(&Sha256::digest(text))
}

fn request(stream: &mut impl Read) -> Option<(String, String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_string);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((method, path, body))
}
