//! Requests of plugins: the name is resolved once, the addresses are judged, and the connection goes to the very one that was judged. No redirects,
//! no cookies, no proxy; time and size have limits.

mod address;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Bytes, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

pub use address::is_global;

/// Bytes of an answer's body.
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// Headers of an answer.
const HEADERS_MAX: usize = 100;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// What the host writes itself, or what would make it a proxy.
const OWN_HEADERS: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"];

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpFault {
    Denied(String),
    Dns,
    Connect,
    Tls,
    TimeOut,
    TooLarge,
    Other(String),
}

/// A request that was checked against the grant; secrets are filled in.
pub struct Outgoing {
    pub method: String,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub time_out: Duration,
    /// Addresses of the private network are allowed.
    pub private: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Sends requests. One for all plugins; keeps no connections, so that nothing of one plugin reaches another.
pub struct HttpClient {
    tls: TlsConnector,
}

impl HttpClient {
    /// Trusts what the system trusts.
    pub fn new() -> HttpClient {
        let mut roots = RootCertStore::empty();
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One that cannot be read is one fewer that is trusted.
            drop(roots.add(certificate));
        }
        HttpClient::trusting(roots)
    }

    pub fn trusting(roots: RootCertStore) -> HttpClient {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = match config {
            Ok(config) => config.with_root_certificates(roots).with_no_client_auth(),
            // The provider above supports the default versions.
            Err(error) => unreachable!("{error}"),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        HttpClient { tls: TlsConnector::from(Arc::new(config)) }
    }

    /// # Errors
    /// Whatever kept the answer from coming whole and in time.
    pub async fn send(&self, request: Outgoing) -> Result<Incoming, HttpFault> {
        let within = request.time_out;
        timeout(within, self.exchange(request)).await.unwrap_or(Err(HttpFault::TimeOut))
    }

    async fn exchange(&self, request: Outgoing) -> Result<Incoming, HttpFault> {
        let stream = connect(&request.url, request.private).await?;
        if request.url.scheme() == "https" {
            let host = request.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_string();
            let name = ServerName::try_from(host).map_err(|_| HttpFault::Tls)?;
            let stream = self.tls.connect(name, stream).await.map_err(|_| HttpFault::Tls)?;
            speak(stream, request).await
        } else {
            speak(stream, request).await
        }
    }
}

impl Default for HttpClient {
    fn default() -> HttpClient {
        HttpClient::new()
    }
}

async fn connect(url: &Url, private: bool) -> Result<TcpStream, HttpFault> {
    let port = url.port_or_known_default().ok_or_else(|| HttpFault::Denied("the URL has no port".into()))?;
    let found: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        Some(Host::Domain(name)) => tokio::net::lookup_host((name, port)).await.map_err(|_| HttpFault::Dns)?.collect(),
        None => return Err(HttpFault::Denied("the URL has no host".into())),
    };
    if found.is_empty() {
        return Err(HttpFault::Dns);
    }
    // All or none: a name that points to both is trying something.
    if let Some(inside) = found.iter().find(|address| !private && !is_global(address.ip())) {
        let said = format!(
            "{} is at {}, an address of this machine or of a private network; an administrator may allow those",
            url.host_str().unwrap_or_default(),
            inside.ip()
        );
        return Err(HttpFault::Denied(said));
    }
    for address in found {
        if let Ok(Ok(stream)) = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(HttpFault::Connect)
}

async fn speak<S>(stream: S, request: Outgoing) -> Result<Incoming, HttpFault>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let other = |error: &dyn std::fmt::Display| HttpFault::Other(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| HttpFault::Connect)?;
    // Ends with the sender.
    let moving = tokio::spawn(async move { drop(connection.await) });
    let _end = AbortOnDrop(moving.abort_handle());
    let request = build(request)?;
    let answer = sender.send_request(request).await.map_err(|e| other(&e))?;
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() { HttpFault::TooLarge } else { other(&error) }
    })?;
    Ok(Incoming { status, headers, body: body.to_bytes().to_vec() })
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn build(request: Outgoing) -> Result<hyper::Request<Full<Bytes>>, HttpFault> {
    let other = |error: &dyn std::fmt::Display| HttpFault::Other(error.to_string());
    let url = &request.url;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_string(),
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_string(),
    };
    let mut builder = hyper::Request::builder().method(request.method.as_str()).uri(path).header(header::HOST, host);
    for (name, value) in &request.headers {
        if !OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            builder = builder.header(name, value);
        }
    }
    builder.body(Full::new(Bytes::from(request.body))).map_err(|e| other(&e))
}
