//! `If-Match` and `Idempotency-Key`. Only reads them; the engine keeps the promise.

use kith_engine::IdempotencyKey;
use poem::{FromRequest, Request, RequestBody, Result};

use crate::problem::Problem;

/// Characters of an idempotency key; a UUID has 36.
const KEY_CHARS_MAX: usize = 255;

/// The version that the record must still have, when the client named one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IfMatch(pub Option<u64>);

impl<'a> FromRequest<'a> for IfMatch {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(IfMatch(version(request.header("if-match"))?))
    }
}

fn version(header: Option<&str>) -> Result<Option<u64>, Problem> {
    let Some(text) = header.map(str::trim).filter(|text| *text != "*") else { return Ok(None) };
    let bare = text.strip_prefix("W/").unwrap_or(text);
    let number = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|digits| digits.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Problem::request("If-Match must hold one version as the ETag gave it, such as \"3\""))
}

/// The client's idempotency key, with the request it is for.
pub struct Idempotency {
    key: Option<String>,
    method_and_path: String,
}

impl Idempotency {
    /// The engine's form of it; `body` are the bytes as sent.
    pub fn of(&self, body: &[u8]) -> Option<IdempotencyKey> {
        let key = self.key.as_ref()?;
        let request = [self.method_and_path.as_bytes(), b"\n", body].concat();
        Some(IdempotencyKey::new(key.clone(), &request))
    }
}

impl<'a> FromRequest<'a> for Idempotency {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let key = match request.headers().get("idempotency-key") {
            None => None,
            Some(value) => {
                let text = value.to_str().map(str::trim).unwrap_or_default();
                if text.is_empty() || text.len() > KEY_CHARS_MAX {
                    let detail =
                        format!("Idempotency-Key must have 1 to {KEY_CHARS_MAX} plain characters, such as a UUID");
                    return Err(Problem::request(detail).into());
                }
                Some(text.to_string())
            }
        };
        Ok(Idempotency { key, method_and_path: format!("{} {}", request.method(), request.uri().path()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_etag_gave_them() {
        assert_eq!(version(None).unwrap(), None);
        assert_eq!(version(Some("*")).unwrap(), None);
        assert_eq!(version(Some("\"3\"")).unwrap(), Some(3));
        assert_eq!(version(Some("W/\"12\"")).unwrap(), Some(12));
        for bad in ["3", "\"x\"", "\"1\", \"2\"", ""] {
            assert_eq!(version(Some(bad)).unwrap_err().code(), "request.invalid", "{bad}");
        }
    }
}
