//! Requests to the hosts of the manifest's list.
//!
//! A secret goes into a request as `{{secret:name}}`; Kith fills it in for the hosts it is bound to, and the plugin never sees it.

use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::host::kith::plugin::web::Request as Sent;
pub use crate::bindings::host::kith::plugin::{http::HttpError, web::Response};
use crate::{Error, Result, host};

pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

pub fn post(url: impl Into<String>) -> Request {
    request("POST", url)
}

pub fn put(url: impl Into<String>) -> Request {
    request("PUT", url)
}

pub fn patch(url: impl Into<String>) -> Request {
    request("PATCH", url)
}

pub fn delete(url: impl Into<String>) -> Request {
    request("DELETE", url)
}

pub fn request(method: &str, url: impl Into<String>) -> Request {
    let sent = Sent {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: 10_000,
        idempotency_key: None,
    };
    Request { sent, broken: None }
}

/// A request that has not been sent yet.
#[must_use]
pub struct Request {
    sent: Sent,
    /// Why its body could not be made; told by `send`, so that a chain needs one `?`.
    broken: Option<Error>,
}

impl Request {
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.sent.headers.push((name.into(), value.into()));
        self
    }

    /// A header that names a secret: `.secret_header("Authorization", "Bearer {{secret:token}}")`.
    pub fn secret_header(self, name: &str, value: &str) -> Request {
        self.header(name, value)
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
        self.sent.body = body.into();
        self.header("Content-Type", content_type)
    }

    pub fn json(mut self, body: &impl Serialize) -> Request {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(error) => {
                self.broken = Some(error.into());
                self
            }
        }
    }

    /// 10,000 when never called; at most 30,000.
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Request {
        self.sent.timeout_ms = timeout_ms;
        self
    }

    /// The answer to a key that succeeded is remembered for 7 days and given again: a repeated call sends nothing twice.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Request {
        self.sent.idempotency_key = Some(key.into());
        self
    }

    /// Sends it. Statuses of 400 and above are answers too: see [`Response::ok`].
    ///
    /// # Errors
    /// `denied` for hosts that are not on the list, `unavailable` when there is no answer, `limit` for a huge one.
    pub fn send(self) -> Result<Response> {
        match self.broken {
            Some(error) => Err(error),
            None => Ok(host::http::send(&self.sent)?),
        }
    }

    /// As `send`, with the reason as a value of its own.
    pub fn try_send(self) -> Result<Response, HttpError> {
        match self.broken {
            Some(error) => Err(HttpError::Other(error.message())),
            None => host::http::send(&self.sent),
        }
    }
}

impl Response {
    /// The answer, if its status is below 400.
    ///
    /// # Errors
    /// `not-found` for 404 and 410; `unavailable` for 408, 425, 429 and 5xx, which may work later; `other` for the rest.
    pub fn ok(self) -> Result<Response> {
        match self.status {
            0..400 => Ok(self),
            404 | 410 => Err(Error::NotFound),
            408 | 425 | 429 | 500.. => Err(Error::Unavailable(format!("the other side answered {}", self.status))),
            status => Err(Error::Other(format!("the other side answered {status}: {}", self.excerpt()))),
        }
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Other(format!("the answer is not the JSON expected: {error}")))
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Seconds that the other side asks to wait, where it says so in seconds.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.header("Retry-After")?.trim().parse().ok()
    }

    fn excerpt(&self) -> String {
        self.text().chars().take(200).collect()
    }
}

pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
