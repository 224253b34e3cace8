//! JSON bodies, with limits on bytes and depth that hold before anything is parsed.

use hyper::body::Bytes;
use kith_base::limits::DEPTH_MAX;
use poem::{FromRequest, Request, RequestBody, Result, error::ReadBodyError, http::header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Bytes of a JSON body. A batch of 1,000 ordinary records fits; files travel as multipart.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Levels around a field's value: the body, its operations, one operation, its values.
const ENVELOPE_DEPTH: usize = 4;

/// A JSON body of at most `MAX` bytes read into `T`, with the bytes it was read from (an idempotency key covers them).
pub struct Input<T, const MAX: usize = BODY_BYTES_MAX> {
    pub value: T,
    pub bytes: Bytes,
}

impl<'a, T: DeserializeOwned + Send, const MAX: usize> FromRequest<'a> for Input<T, MAX> {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        check_head(request, MAX)?;
        let read = body.take()?.into_bytes_limit(MAX).await;
        let bytes = read.map_err(|error| match error {
            ReadBodyError::PayloadTooLarge => too_large(MAX),
            _ => Problem::request("the body broke off; send it again"),
        })?;
        let value = parse(&bytes)?;
        Ok(Input { value, bytes })
    }
}

fn check_head(request: &Request, bytes_max: usize) -> Result<(), Problem> {
    let kind = request.content_type().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
        return Err(Problem::new("request.media_type", "send JSON with 'Content-Type: application/json'"));
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new("request.media_type", "send the body uncompressed, without Content-Encoding"));
    }
    let announced = request.header("content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    if announced > bytes_max as u64 { Err(too_large(bytes_max)) } else { Ok(()) }
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new("request.too_large", format!("this JSON body may have {bytes_max} bytes; split it, or upload a file"))
}

/// Parses `bytes`, refusing what is nested too deeply first.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let depth = depth_of(bytes);
    if depth > DEPTH_MAX + ENVELOPE_DEPTH {
        return Err(Problem::request(format!("the JSON is nested {depth} levels deep; {DEPTH_MAX} are allowed")));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::request(format!("the JSON body does not fit: {error}")))
}

/// Deepest nesting of brackets outside of strings.
fn depth_of(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0usize, 0usize, false, false);
    for byte in bytes {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_but_not_those_in_text() {
        assert_eq!(depth_of(br#"{"a":[1,{"b":"[[[[\"{{"}]}"#), 3);
        assert_eq!(depth_of(b"]]]]"), 0);
    }

    #[test]
    fn deep_json_is_refused_before_it_is_parsed() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().code(), "request.invalid");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = parse::<serde_json::Value>(&bytes);
        }
    }
}
