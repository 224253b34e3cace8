//! What the books call about. The signature proves who calls; what is true is fetched, never taken from the call.

use hmac::{Hmac, KeyInit, Mac};
use kith_plugin::{Error, Request, Response, Result, outbox, settings};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The body of a call: `{"id": "evt_1", "invoice": "INV-1"}`.
#[derive(Deserialize, Serialize)]
pub struct Called {
    pub id: String,
    pub invoice: String,
}

/// 202 when the call is taken; a repeated call is one job.
pub fn serve(request: &Request) -> Result<Response> {
    let signature = request.header_value("X-Books-Signature").unwrap_or_default();
    if !is_signed(&request.body, signature) {
        return Err(Error::Denied("the signature is wrong".into()));
    }
    let Ok(called) = request.body_json::<Called>() else {
        return Ok(Response::plain(400, "the body is {\"id\", \"invoice\"}"));
    };
    outbox::run_later("fetch", &called, 0, &format!("webhook:{}", called.id))?;
    Ok(Response::empty(202))
}

/// HMAC-SHA256 of the body, in hex. Without a key set, nothing is signed.
fn is_signed(body: &[u8], signature: &str) -> bool {
    let Some(key) = settings::secret("webhook").filter(|key| !key.is_empty()) else { return false };
    let (Ok(mut mac), Some(given)) = (Hmac::<Sha256>::new_from_slice(key.as_bytes()), from_hex(signature)) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
