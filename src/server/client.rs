//! The API for the command line: the same requests and answers beside a running server (through its socket) and without one
//! (inside the process). Knows no route.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{HeaderMap, Method, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use kith_engine::Engine;
use serde_json::Value as Json;
use tokio::net::UnixStream;

use crate::{
    app::{App, AppOptions},
    extract::Trusted,
    front::Front,
    serve::with_short_path,
};

type AnswerBody = BoxBody<Bytes, io::Error>;

/// Why a call brought no answer, or a refusal.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the server's socket {path} does not answer ({cause}); is 'kith serve' running?")]
    Unreachable { path: String, cause: io::Error },
    #[error("the connection to the server broke off: {0}; try again")]
    Broken(String),
    /// The API refused; its own words and code.
    #[error("{detail}")]
    Refused { status: u16, code: String, detail: String, body: Json },
}

impl ClientError {
    /// A stable name for programs: the API's own code where there is one.
    pub fn code(&self) -> &str {
        match self {
            ClientError::Unreachable { .. } => "client.unreachable",
            ClientError::Broken(_) => "client.broken",
            ClientError::Refused { code, .. } => code,
        }
    }
}

/// One request: `Ask::get("/records/people?limit=5")`. Paths are below `/api/v1`.
pub struct Ask {
    method: Method,
    path: String,
    content_type: Option<String>,
    body: Bytes,
    headers: Vec<(String, String)>,
}

impl Ask {
    pub fn new(method: Method, path: impl Into<String>) -> Ask {
        Ask { method, path: path.into(), content_type: None, body: Bytes::new(), headers: Vec::new() }
    }

    pub fn get(path: impl Into<String>) -> Ask {
        Ask::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>, body: &Json) -> Ask {
        Ask::new(Method::POST, path).json(body)
    }

    pub fn patch(path: impl Into<String>, body: &Json) -> Ask {
        Ask::new(Method::PATCH, path).json(body)
    }

    pub fn put(path: impl Into<String>, body: &Json) -> Ask {
        Ask::new(Method::PUT, path).json(body)
    }

    pub fn delete(path: impl Into<String>) -> Ask {
        Ask::new(Method::DELETE, path)
    }

    pub fn json(mut self, body: &Json) -> Ask {
        self.content_type = Some("application/json".into());
        self.body = body.to_string().into();
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Ask {
        self.headers.push((name.to_string(), value.into()));
        self
    }

    /// A multipart form: plain parts, then one file under the name `file`.
    pub fn form(self, parts: &[(&str, &str)], file_name: &str, content: &[u8]) -> Ask {
        self.multipart(parts, Some((file_name, content)))
    }

    /// A multipart form of plain parts.
    pub fn parts(self, parts: &[(&str, &str)]) -> Ask {
        self.multipart(parts, None)
    }

    fn multipart(mut self, parts: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Ask {
        // Random enough: a part that held it would be somebody's copy of this very request.
        let boundary = format!("kith-{}", kith_base::RecordId::generate(0));
        let mut body = Vec::with_capacity(file.map_or(0, |(_, content)| content.len()) + 512);
        for (name, value) in parts {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        if let Some((file_name, content)) = file {
            let safe: String =
                file_name.chars().map(|c| if matches!(c, '"' | '\\') || c.is_control() { '_' } else { c }).collect();
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{safe}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.content_type = Some(format!("multipart/form-data; boundary={boundary}"));
        self.body = body.into();
        self
    }
}

/// An answer, its body not yet read.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    body: AnswerBody,
}

impl Answer {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// `client.broken`
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(|error| ClientError::Broken(error.to_string()))?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body.
    ///
    /// # Errors
    /// `client.broken`
    pub async fn bytes(self) -> Result<Bytes, ClientError> {
        Ok(self.body.collect().await.map_err(|error| ClientError::Broken(error.to_string()))?.to_bytes())
    }

    /// The whole body as JSON; null for an empty one.
    ///
    /// # Errors
    /// `client.broken`
    pub async fn json(self) -> Result<Json, ClientError> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return Ok(Json::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Broken(format!("the answer is not JSON ({error})")))
    }

    /// The answer, unless it is a refusal.
    async fn accepted(self) -> Result<Answer, ClientError> {
        if self.status < 400 {
            return Ok(self);
        }
        let status = self.status;
        let body = self.json().await.unwrap_or_default();
        let text = |key: &str| body[key].as_str().map(str::to_string);
        let detail = text("detail").unwrap_or_else(|| format!("the server answered with status {status}"));
        Err(ClientError::Refused { status, code: text("code").unwrap_or_else(|| "internal".into()), detail, body })
    }
}

enum Way {
    Inside(Box<Front>),
    Socket(PathBuf),
}

/// Calls the API as the command line, which may do everything.
#[derive(Clone)]
pub struct LocalClient(Arc<Way>);

impl LocalClient {
    /// Without a server: the engine is in this process. Closing it remains the caller's.
    pub fn inside(engine: Engine) -> LocalClient {
        let options = AppOptions { rate: None, behind_proxy: false };
        LocalClient(Arc::new(Way::Inside(Box::new(Front::new(App::new(engine, options))))))
    }

    /// Beside a running server.
    pub fn beside(socket: impl Into<PathBuf>) -> LocalClient {
        LocalClient(Arc::new(Way::Socket(socket.into())))
    }

    /// Whether a server listens on `socket`.
    pub async fn is_served(socket: &Path) -> bool {
        connect(socket).await.is_ok()
    }

    /// Sends one request.
    ///
    /// # Errors
    /// `client.*`, or the code of the refusal.
    pub async fn send(&self, ask: Ask) -> Result<Answer, ClientError> {
        let answer = match &*self.0 {
            Way::Inside(front) => inside(front, ask).await,
            Way::Socket(path) => over_socket(path, ask).await?,
        };
        answer.accepted().await
    }

    /// Sends one request and reads its answer as JSON.
    ///
    /// # Errors
    /// As `send`.
    pub async fn call(&self, ask: Ask) -> Result<Json, ClientError> {
        self.send(ask).await?.json().await
    }
}

async fn inside(front: &Front, ask: Ask) -> Answer {
    let mut request = poem::Request::builder().method(ask.method).header(header::HOST, "kith").extension(Trusted);
    if let Ok(uri) = format!("/api/v1{}", ask.path).parse() {
        request = request.uri(uri);
    }
    for (name, value) in &ask.headers {
        request = request.header(name.as_str(), value.as_str());
    }
    if let Some(kind) = &ask.content_type {
        request = request.content_type(kind);
    }
    let mut answer = front.answer(request.body(ask.body)).await;
    Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body: answer.take_body().into() }
}

async fn connect(path: &Path) -> io::Result<UnixStream> {
    // A local connect does not wait for the other side, so it may run here.
    let stream = with_short_path(path, |short| std::os::unix::net::UnixStream::connect(short))?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

async fn over_socket(path: &Path, ask: Ask) -> Result<Answer, ClientError> {
    let unreachable = |cause| ClientError::Unreachable { path: path.display().to_string(), cause };
    let broken = |error: hyper::Error| ClientError::Broken(error.to_string());
    let stream = connect(path).await.map_err(unreachable)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(async move {
        // An error shows where the answer is read.
        let _ = connection.await;
    });
    let mut request = hyper::Request::builder().method(ask.method).uri(format!("/api/v1{}", ask.path));
    request = request.header(header::HOST, "kith");
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    if let Some(kind) = &ask.content_type {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let request = request.body(Full::new(ask.body)).map_err(|error| ClientError::Broken(error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    let (parts, body) = answer.into_parts();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.map_err(io::Error::other).boxed() })
}
