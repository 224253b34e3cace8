//! Recovery codes: ten words on paper, each good for one sign-in without the phone. Kept as hashes; shown once.

use data_encoding::BASE32_NOPAD;
use kith_base::{RecordId, Secret};

use crate::EngineError;

/// Codes in one set.
pub const CODES: usize = 10;

/// 80 bits each: guessing is hopeless even for somebody with the hashes, so a fast hash is enough.
const CODE_BYTES: usize = 10;

/// A fresh set for a user: the words, and what is kept of them.
///
/// # Errors
/// When the system has no randomness.
pub fn issue(user: RecordId) -> Result<(Vec<Secret<String>>, String), EngineError> {
    let mut words = Vec::with_capacity(CODES);
    let mut kept = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let mut bytes = [0u8; CODE_BYTES];
        getrandom::fill(&mut bytes).map_err(|e| EngineError::Internal(format!("the system has no randomness: {e}")))?;
        let plain = BASE32_NOPAD.encode(&bytes);
        kept.push(hash(user, &plain).to_hex().to_string());
        let parts: Vec<&str> = [0, 4, 8, 12].iter().filter_map(|at| plain.get(*at..at + 4)).collect();
        words.push(Secret::new(parts.join("-")));
    }
    Ok((words, kept.join(" ")))
}

/// What is kept once `typed` was used; none when it is no code of the set.
pub fn take(user: RecordId, kept: &str, typed: &str) -> Option<String> {
    let shown = hash(user, &plain(typed)?);
    let fits = |kept: &&str| blake3::Hash::from_hex(kept).is_ok_and(|kept| kept == shown);
    // Every one is compared, whichever fits.
    let rest: Vec<&str> = kept.split(' ').filter(|hash| !fits(hash)).collect();
    (rest.len() < left(kept)).then(|| rest.join(" "))
}

/// Codes not used yet.
pub fn left(kept: &str) -> usize {
    kept.split(' ').filter(|hash| !hash.is_empty()).count()
}

/// As people type it: any case, with or without dashes, and with digits that look like letters.
fn plain(typed: &str) -> Option<String> {
    let mut plain = String::new();
    for c in typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '–')) {
        plain.push(match c.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            c if c.is_ascii_alphanumeric() => c,
            _ => return None,
        });
        if plain.len() > 16 {
            return None;
        }
    }
    (plain.len() == 16).then_some(plain)
}

/// Bound to the user: a hash moved to another record fits no code.
fn hash(user: RecordId, plain: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11 recovery code of a second factor");
    hasher.update(user.as_bytes());
    hasher.update(plain.as_bytes());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: RecordId = RecordId([7; 16]);

    #[test]
    fn each_code_works_once_however_it_is_typed() {
        let (words, mut kept) = issue(USER).unwrap();
        assert_eq!((words.len(), left(&kept)), (CODES, CODES));
        for (at, word) in words.iter().enumerate() {
            assert!(!kept.contains(word.expose().as_str()));
            let typed =
                if at % 2 == 0 { word.expose().to_lowercase().replace('-', " ") } else { word.expose().clone() };
            let rest = take(USER, &kept, &typed).expect("a code of the set");
            assert_eq!(left(&rest), CODES - at - 1);
            assert_eq!(take(USER, &rest, &typed), None, "used");
            assert_eq!(take(RecordId([8; 16]), &kept, &typed), None, "another user's");
            kept = rest;
        }
        assert_eq!(left(&kept), 0);
    }

    #[test]
    fn other_words_are_no_codes() {
        let (_, kept) = issue(USER).unwrap();
        let long = "A".repeat(100_000);
        for typed in ["", "AAAA-AAAA-AAAA-AAAA", "AAAA", long.as_str(), "ÄÄÄÄ-ÄÄÄÄ-ÄÄÄÄ-ÄÄÄÄ", "\0", "123456"]
        {
            assert_eq!(take(USER, &kept, typed), None, "{typed:.40}");
        }
        assert_eq!(take(USER, "", "AAAA-AAAA-AAAA-AAAA"), None);
    }
}
