//! One kept-alive HTTP connection that adds as little of its own as it can.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use serde_json::Value as Json;

pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    token: String,
}

impl Connection {
    pub fn open(host: &str, token: &str) -> Connection {
        let stream = TcpStream::connect(host).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Connection { stream: BufReader::new(stream), host: host.to_string(), token: token.to_string() }
    }

    pub fn get(&mut self, path: &str) -> Json {
        self.ask("GET", path, "application/json", &[])
    }

    pub fn post(&mut self, path: &str, body: &Json) -> Json {
        self.ask("POST", path, "application/json", body.to_string().as_bytes())
    }

    pub fn patch(&mut self, path: &str, body: &Json) -> Json {
        self.ask("PATCH", path, "application/json", body.to_string().as_bytes())
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

    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Json {
        let authorization =
            if self.token.is_empty() { String::new() } else { format!("authorization: Bearer {}\r\n", self.token) };
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {}\r\n{authorization}content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&request).expect("the server takes the request");
        let (status, body) = self.answer();
        assert!(status < 300, "{method} {path}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or_default()
    }

    fn answer(&mut self) -> (u16, Vec<u8>) {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a header");
            let lower = line.trim().to_ascii_lowercase();
            match lower.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse().expect("a length"),
                Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        while chunked {
            line.clear();
            self.stream.read_line(&mut line).expect("a chunk");
            let size = usize::from_str_radix(line.trim(), 16).expect("a size");
            let mut piece = vec![0; size + 2];
            self.stream.read_exact(&mut piece).expect("a chunk");
            body.extend_from_slice(&piece[..size]);
            chunked = size > 0;
        }
        (status, body)
    }
}
