//! One kept-alive HTTP connection that adds as little of its own as it can.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value as Json;

/// Free bytes that a read finds at least.
const ROOM: usize = 64 * 1_024;

pub struct Connection {
    stream: TcpStream,
    host: String,
    token: String,
    /// The newest answer, as far as it has come.
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub fn open(host: &str, token: &str) -> Connection {
        let stream = TcpStream::connect(host).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Connection { stream, host: host.to_string(), token: token.to_string(), buffer: vec![0; ROOM], filled: 0 }
    }

    pub fn get(&mut self, path: &str) -> Json {
        self.ask("GET", path, "application/json", &[])
    }

    pub fn post(&mut self, path: &str, body: &Json) -> Json {
        self.ask("POST", path, "application/json", body.to_string().as_bytes())
    }

    /// A form with one part and a file.
    pub fn upload(&mut self, path: &str, (part, value): (&str, &str), name: &str, content: &[u8]) -> Json {
        let head = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"{part}\"\r\n\r\n{value}\r\n--cut\r\nContent-Disposition: form-data; \
             name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        let body = [head.as_bytes(), content, b"\r\n--cut--\r\n"].concat();
        self.ask("POST", path, "multipart/form-data; boundary=cut", &body)
    }

    /// Asks for something and takes its whole answer, without reading it: what that costs is not the server's.
    pub fn take(&mut self, path: &str) {
        self.send(&self.request("GET", path, "application/json", &[]));
    }

    /// A request as it goes over the wire.
    pub fn request(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
        let authorization =
            if self.token.is_empty() { String::new() } else { format!("authorization: Bearer {}\r\n", self.token) };
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {}\r\n{authorization}content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// Sends a request and gives the body of its answer.
    pub fn send(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("the server takes the request");
        self.filled = 0;
        let (head, body) = loop {
            self.more();
            if let Some(found) = self.head() {
                break found;
            }
        };
        match body {
            Body::Length(length) => {
                while self.filled < head + length {
                    self.more();
                }
            }
            Body::Chunked => {
                while !self.buffer[..self.filled].ends_with(b"0\r\n\r\n") {
                    self.more();
                }
                self.join_chunks(head);
            }
        }
        &self.buffer[head..self.filled]
    }

    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Json {
        let request = self.request(method, path, kind, body);
        serde_json::from_slice(self.send(&request)).unwrap_or_default()
    }

    /// Reads what has come.
    fn more(&mut self) {
        if self.buffer.len() - self.filled < ROOM {
            self.buffer.resize(self.buffer.len() * 2 + ROOM, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.filled..]).expect("an answer");
        assert!(read > 0, "the server hung up");
        self.filled += read;
    }

    /// Where the body begins and how it ends, once the whole head is there.
    fn head(&self) -> Option<(usize, Body)> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = head.parse(&self.buffer[..self.filled]).expect("an answer") else {
            return None;
        };
        let status = head.code.unwrap_or_default();
        assert!(status < 300, "{status} {}", String::from_utf8_lossy(&self.buffer[length..self.filled]));
        let content = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let content = content.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
        Some((length, content.map_or(Body::Chunked, Body::Length)))
    }

    fn join_chunks(&mut self, from: usize) {
        let mut joined = self.buffer[..from].to_vec();
        let mut at = from;
        while let Ok(httparse::Status::Complete((begin, size))) =
            httparse::parse_chunk_size(&self.buffer[at..self.filled])
            && size > 0
        {
            let begin = at + begin;
            at = begin + size as usize + 2;
            joined.extend_from_slice(&self.buffer[begin..at - 2]);
        }
        self.filled = joined.len();
        self.buffer[..joined.len()].copy_from_slice(&joined);
    }
}

enum Body {
    Length(usize),
    Chunked,
}
