//! Answers below `/plugins/<id>/`.

use serde::{Serialize, de::DeserializeOwned};

pub use crate::bindings::host::kith::plugin::web::{Request, Response};
use crate::{Error, Result, http, log};

impl Request {
    /// `/feed/abc`, without the query.
    pub fn path(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// A value of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.url.split('#').next()?.split_once('?')?.1;
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.map(|(key, value)| (decoded(key), decoded(value))).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The first header of this name, whatever its case.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        http::find(&self.headers, name)
    }

    pub fn body_json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Other(format!("the body is not the JSON expected: {error}")))
    }
}

/// `%20` and `+` to what they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        rest = tail;
        match (first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Response {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
        Response { status, headers: vec![("Content-Type".into(), content_type.into())], body: body.into() }
    }

    pub fn plain(status: u16, text: &str) -> Response {
        Response::new(status, "text/plain; charset=utf-8", text)
    }

    pub fn of_json(status: u16, body: &impl Serialize) -> Result<Response> {
        Ok(Response::new(status, "application/json", serde_json::to_vec(body)?))
    }

    /// Without a body.
    pub fn empty(status: u16) -> Response {
        Response { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Response {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What an endpoint may return: a [`Response`], or a `Result` whose errors become statuses.
pub trait IntoResponse {
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<T: IntoResponse> IntoResponse for Result<T> {
    fn into_response(self) -> Response {
        let error = match self {
            Ok(response) => return response.into_response(),
            Err(error) => error,
        };
        let status = match &error {
            Error::NotFound => 404,
            Error::Denied(_) => 403,
            Error::Conflict(_) => 409,
            Error::Invalid(_) => 422,
            Error::Limit(_) => 429,
            Error::Unavailable(_) => 503,
            Error::Other(_) => 500,
        };
        if status >= 500 {
            log::error(&error.message());
        }
        // What went wrong inside is for the log, not for whoever asked.
        let shown = if status == 500 { "the plugin failed; its log says why".to_string() } else { error.message() };
        Response::plain(status, &shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_never_panics() {
        let request = |url: &str| Request {
            method: "GET".into(),
            url: url.into(),
            headers: vec![],
            body: vec![],
            timeout_ms: 1,
            idempotency_key: None,
        };
        let asked = request("/a/b?q=M%C3%BCller+%26+Co&empty&bad=%zz%");
        assert_eq!(asked.path(), "/a/b");
        assert_eq!(asked.query("q").as_deref(), Some("Müller & Co"));
        assert_eq!(asked.query("empty").as_deref(), Some(""));
        assert_eq!(asked.query("bad").as_deref(), Some("%zz%"));
        assert_eq!(asked.query("none"), None);
    }
}
