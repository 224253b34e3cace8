//! What a client carries: a record's id and a secret, as one word. The record holds only a hash, so that neither a stolen journal nor
//! an administrator can become someone.

use kith_base::{RecordId, Secret};

use crate::EngineError;

/// 256 bits: guessing is hopeless, so a fast hash is enough.
const SECRET_BYTES: usize = 32;

/// Starts every API token, so that scanners for leaked secrets find them.
pub const TOKEN_PREFIX: &str = "kith_";

/// Starts the value of the session cookie.
pub const SESSION_PREFIX: &str = "s_";

/// A new ticket for the record `id`: the word for the client, and the hash to keep.
///
/// # Errors
/// When the system has no randomness.
pub fn issue(prefix: &str, id: RecordId) -> Result<(Secret<String>, String), EngineError> {
    let mut secret = [0u8; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|e| EngineError::Internal(format!("the system has no randomness: {e}")))?;
    let word = format!("{prefix}{}{}", hex(id.as_bytes()), hex(&secret));
    Ok((Secret::new(word), hash(prefix, id, &secret).to_hex().to_string()))
}

/// The record and hash that a ticket names; none for anything that is not one.
pub fn read(prefix: &str, word: &str) -> Option<(RecordId, blake3::Hash)> {
    let digits = word.strip_prefix(prefix)?;
    let mut bytes = [0u8; 16 + SECRET_BYTES];
    if digits.len() != 2 * bytes.len() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    let mut id = [0u8; 16];
    id.copy_from_slice(&bytes[..16]);
    let id = RecordId(id);
    Some((id, hash(prefix, id, &bytes[16..])))
}

/// Whether the hash kept in a record is that of a ticket. Takes the same time for every pair of hashes.
pub fn matches(kept: &str, shown: blake3::Hash) -> bool {
    blake3::Hash::from_hex(kept).is_ok_and(|kept| kept == shown)
}

/// Bound to record and purpose: a hash moved to another record fits no ticket.
fn hash(prefix: &str, id: RecordId, secret: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-01 ticket of a session or token");
    hasher.update(prefix.as_bytes());
    hasher.update(id.as_bytes());
    hasher.update(secret);
    hasher.finalize()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_fits_its_own_hash_and_no_other() {
        let id = RecordId::new(7, [3; 10]);
        let (word, kept) = issue(TOKEN_PREFIX, id).unwrap();
        let (found, shown) = read(TOKEN_PREFIX, word.expose()).unwrap();
        assert!(found == id && matches(&kept, shown));
        let (other, _) = issue(TOKEN_PREFIX, id).unwrap();
        assert!(!matches(&kept, read(TOKEN_PREFIX, other.expose()).unwrap().1));
        assert!(!kept.contains(&word.expose()[40..]), "the secret is not in what is kept");
        assert!(read(SESSION_PREFIX, word.expose()).is_none(), "a token is no session");
    }

    #[test]
    fn other_words_are_no_tickets() {
        let long = format!("kith_{}", "0".repeat(97));
        let wide = format!("kith_{}", "é".repeat(48));
        let plus = format!("kith_{}", "+1".repeat(48));
        for word in ["", "kith_", "kith_zz", long.as_str(), wide.as_str(), plus.as_str(), "\0", "Bearer x"] {
            assert!(read(TOKEN_PREFIX, word).is_none(), "{word}");
        }
        assert!(!matches("not hex", blake3::hash(b"")));
    }
}
