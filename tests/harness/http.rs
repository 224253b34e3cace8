//! A small blocking HTTP client that can also be rude: it sends what it is told and hides nothing of the answer.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value as Json, json};

/// No answer may take longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// A refusal that must have this status and code, with a problem's shape.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Json {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["status"], status);
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        body
    }
}

/// Somebody who sends requests. Paths are below `/api/v1` unless they begin with `//`.
#[derive(Clone)]
pub struct Client {
    pub address: String,
    pub cookie: Option<String>,
    pub token: Option<String>,
}

impl Client {
    pub fn new(address: &str) -> Client {
        Client { address: address.to_string(), cookie: None, token: None }
    }

    #[track_caller]
    pub fn sign_in(&mut self, email: &str, password: &str) -> Json {
        let reply = self.post("/session", &json!({ "email": email, "password": password }));
        let body = reply.expect(200);
        self.take_cookie(&reply);
        body
    }

    /// Goes on with the session that an answer began.
    pub fn take_cookie(&mut self, reply: &Reply) {
        let cookie = reply.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        self.cookie = Some(cookie.expect("a session cookie").to_string());
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client { address: self.address.clone(), cookie: None, token: Some(token.to_string()) }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], None)
    }

    pub fn post(&self, path: &str, body: &Json) -> Reply {
        self.ask("POST", path, &[], Some(body))
    }

    /// Posts to a server that may go away meanwhile; none when it did.
    pub fn try_post(&self, path: &str, body: &Json) -> Option<Reply> {
        let text = body.to_string();
        let mut stream = self.open("POST", path, &[("content-type", "application/json")], text.as_bytes()).ok()?;
        read_reply(&mut stream, false).ok()
    }

    pub fn patch(&self, path: &str, body: &Json) -> Reply {
        self.ask("PATCH", path, &[], Some(body))
    }

    pub fn put(&self, path: &str, body: &Json) -> Reply {
        self.ask("PUT", path, &[], Some(body))
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path, &[], None)
    }

    /// Makes a record and returns it.
    #[track_caller]
    pub fn make(&self, object: &str, values: Json) -> Json {
        self.post(&format!("/records/{object}"), &json!({ "values": values })).expect(201)
    }

    /// A request with headers of one's own.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Json>) -> Reply {
        let text = body.map(Json::to_string);
        let mut all = headers.to_vec();
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        self.raw(method, path, &all, text.as_deref().unwrap_or_default().as_bytes())
    }

    /// A multipart form with text parts and one file.
    pub fn upload(&self, path: &str, parts: &[(&str, &str)], file_name: &str, content: &[u8]) -> Reply {
        self.multipart(path, parts, Some((file_name, content)))
    }

    /// A multipart form with text parts.
    pub fn form(&self, path: &str, parts: &[(&str, &str)]) -> Reply {
        self.multipart(path, parts, None)
    }

    fn multipart(&self, path: &str, parts: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Reply {
        let boundary = "kith-test-boundary-7f3a";
        let mut body = Vec::new();
        for (name, value) in parts {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        if let Some((file_name, content)) = file {
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
                 Content-Type: text/plain\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.raw("POST", path, &[("content-type", &kind)], &body)
    }

    /// Sends exactly this, with the credentials of this client and its own origin.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = self.open(method, path, headers, body).expect("the server takes the request");
        read_reply(&mut stream, method == "HEAD").expect("an answer")
    }

    /// Sends exactly this and closes the connection without waiting for an answer.
    pub fn hang_up(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        drop(self.open(method, path, headers, body).expect("the server takes the request"));
    }

    fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<BufReader<TcpStream>> {
        let path = path
            .strip_prefix('/')
            .filter(|rest| rest.starts_with('/'))
            .map_or(format!("/api/v1{path}"), str::to_string);
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        let has = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        if let Some(cookie) = &self.cookie {
            head.push_str(&format!("cookie: {cookie}\r\n"));
            if !has("origin") {
                head.push_str(&format!("origin: http://{}\r\n", self.address));
            }
        }
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        // An empty value takes out what would be sent otherwise.
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !has("content-length") && (!body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH")) {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_nodelay(true)?;
        stream.write_all(head.as_bytes())?;
        // A server that refuses early may close while the body is still on its way; the answer counts.
        let _ = stream.write_all(body);
        Ok(BufReader::new(stream))
    }

    /// Opens the stream of live events.
    pub fn events(&self, last_event_id: Option<u64>) -> Events {
        let id = last_event_id.map(|id| id.to_string()).unwrap_or_default();
        self.stream("/events", &[("last-event-id", &id)])
    }

    /// Opens any stream of server-sent events.
    pub fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let mut stream = self.open("GET", path, headers, &[]).expect("the server takes the request");
        let (status, headers) = read_head(&mut stream).expect("a head");
        let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value.contains("chunked"));
        Events { status, headers, lines: Chunks { stream, chunked, buffer: Vec::new() } }
    }
}

/// One answer to a request on a connection of its own; none when nobody listens.
pub fn try_get(address: &str, path: &str) -> Option<Reply> {
    let client = Client::new(address);
    let mut stream = client.open("GET", &format!("/{path}"), &[], &[]).ok()?;
    read_reply(&mut stream, false).ok()
}

fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<(u16, Vec<(String, String)>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status in {line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok((status, headers));
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_string()));
        }
    }
}

fn read_reply(stream: &mut BufReader<TcpStream>, head_only: bool) -> io::Result<Reply> {
    let (status, headers) = read_head(stream)?;
    let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let mut body = Vec::new();
    if head_only || status == 204 || status == 304 {
        // No body follows.
    } else if find("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        while let Some(chunk) = read_chunk(stream)? {
            body.extend_from_slice(&chunk);
        }
    } else if let Some(length) = find("content-length").and_then(|value| value.parse().ok()) {
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    } else {
        stream.read_to_end(&mut body)?;
    }
    Ok(Reply { status, headers, body })
}

fn read_chunk(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::Error::other("the body broke off"));
    }
    let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16);
    let size = size.map_err(|_| io::Error::other(format!("no chunk size in {line:?}")))?;
    let mut chunk = vec![0; size + 2];
    stream.read_exact(&mut chunk)?;
    chunk.truncate(size);
    Ok((size > 0).then_some(chunk))
}

struct Chunks {
    stream: BufReader<TcpStream>,
    chunked: bool,
    buffer: Vec<u8>,
}

impl Chunks {
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_string()));
            }
            if !self.chunked {
                let mut line = String::new();
                return Ok((self.stream.read_line(&mut line)? > 0).then(|| line.trim_end().to_string()));
            }
            match read_chunk(&mut self.stream)? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub id: Option<u64>,
    pub kind: String,
    pub data: Json,
}

/// A stream of live events.
pub struct Events {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    lines: Chunks,
}

impl Events {
    /// The next event; none when the stream ended. Heartbeats are skipped.
    pub fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        let mut seen = false;
        while let Ok(Some(line)) = self.lines.line() {
            match line.split_once(':') {
                Some(("id", id)) => event.id = id.trim().parse().ok(),
                Some(("event", kind)) => event.kind = kind.trim().to_string(),
                Some(("data", data)) => event.data = serde_json::from_str(data.trim()).unwrap_or_default(),
                _ if line.is_empty() && seen => return Some(event),
                _ => continue,
            }
            seen = true;
        }
        None
    }

    /// The next event of this kind that is the one looked for.
    #[track_caller]
    pub fn until(&mut self, kind: &str, is: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.expect(kind);
            if is(&event) {
                return event;
            }
        }
    }

    /// The next event of this kind.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> Event {
        while let Some(event) = self.next() {
            if event.kind == kind {
                return event;
            }
        }
        panic!("the stream ended before an event '{kind}'");
    }
}
