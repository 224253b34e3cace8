//! One-time codes of authenticator apps: RFC 6238 with SHA-1, six digits and half minutes, which is what every app understands. Pure; knows
//! no user and keeps nothing.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use kith_base::{Secret, TimestampMs};
use qrcode::{EcLevel, QrCode, render::svg};
use sha1::Sha1;

use crate::EngineError;

/// Bytes of a seed: the length of SHA-1's output, as RFC 4226 asks for.
const SEED_BYTES: usize = 20;

const STEP_MS: i64 = 30_000;

/// Steps that a phone's clock may be off, either way.
const SKEW: i64 = 1;

const DIGITS: usize = 6;

/// Narrowest side of the picture, in pixels of its own coordinates.
const QR_SIDE_MIN: u32 = 240;

/// A new seed, as people and apps write it: base32.
///
/// # Errors
/// When the system has no randomness.
pub fn new_seed() -> Result<Secret<String>, EngineError> {
    let mut bytes = [0u8; SEED_BYTES];
    getrandom::fill(&mut bytes).map_err(|e| EngineError::Internal(format!("the system has no randomness: {e}")))?;
    Ok(Secret::new(BASE32_NOPAD.encode(&bytes)))
}

/// The half minute that `code` belongs to, if it is a code of this moment or one step beside it, and of a later step than `used`.
pub fn step_of(seed: &str, code: &str, now_ms: TimestampMs, used: i64) -> Option<i64> {
    let key = BASE32_NOPAD.decode(seed.as_bytes()).ok().filter(|key| !key.is_empty())?;
    if code.len() != DIGITS || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let now = now_ms.div_euclid(STEP_MS);
    let mut found = None;
    for step in now - SKEW..=now + SKEW {
        // All are looked at, whichever fits.
        if same(code, &code_at(&key, step)?) && step > used {
            found = found.or(Some(step));
        }
    }
    found
}

/// RFC 4226 with the step as counter.
fn code_at(key: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(&u64::try_from(step).ok()?.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash.last()? & 0x0f);
    let mut word = [0u8; 4];
    word.copy_from_slice(hash.get(at..at + 4)?);
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % 10u32.pow(DIGITS as u32);
    Some(format!("{number:0width$}", width = DIGITS))
}

/// Compares without stopping at the first difference.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// What an authenticator app reads: whose code it is, and the seed.
pub fn uri(seed: &str, issuer: &str, account: &str) -> Secret<String> {
    let (issuer, account) = (escaped(issuer), escaped(account));
    Secret::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={seed}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={}",
        STEP_MS / 1_000
    ))
}

/// A picture of the text for a phone's camera, as SVG: dark on light whatever the page's colours, since scanners need that.
///
/// # Errors
/// When the text is longer than a picture holds.
pub fn picture(text: &str) -> Result<Secret<String>, EngineError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|e| EngineError::Internal(format!("a QR code cannot be made: {e}")))?;
    let colours = (svg::Color("#000000"), svg::Color("#ffffff"));
    let drawn = code
        .render::<svg::Color<'_>>()
        .min_dimensions(QR_SIDE_MIN, QR_SIDE_MIN)
        .dark_color(colours.0)
        .light_color(colours.1)
        .build();
    Ok(Secret::new(drawn))
}

fn escaped(text: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The code of a moment, for tests that play the phone.
#[cfg(test)]
pub fn code_now(seed: &str, now_ms: TimestampMs) -> String {
    code_at(&BASE32_NOPAD.decode(seed.as_bytes()).unwrap(), now_ms.div_euclid(STEP_MS)).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of the RFC's appendix.
    fn seed() -> String {
        BASE32_NOPAD.encode(b"12345678901234567890")
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The RFC lists eight digits; six are their end.
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(&seed(), code, second * 1_000, 0), Some(second / 30), "{second}");
        }
    }

    #[test]
    fn a_code_works_one_step_early_or_late_and_never_twice() {
        let code = code_now(&seed(), 60_000);
        for (now, fits) in [(29_999, false), (30_000, true), (60_000, true), (119_999, true), (120_000, false)] {
            assert_eq!(step_of(&seed(), &code, now, 0).is_some(), fits, "{now}");
        }
        assert_eq!(step_of(&seed(), &code, 60_000, 2), None, "used");
        assert_eq!(step_of(&seed(), &code, 60_000, 1), Some(2));
    }

    #[test]
    fn other_words_are_no_codes() {
        for code in ["", "12345", "1234567", "28708２", "287 08", "-87082", "abcdef"] {
            assert_eq!(step_of(&seed(), code, 59_000, 0), None, "{code}");
        }
        assert_eq!(step_of("not base32!", "287082", 59_000, 0), None);
        assert_eq!(step_of("", "287082", 59_000, 0), None);
        assert_eq!(step_of(&seed(), "287082", i64::MIN, 0), None);
    }

    #[test]
    fn seeds_differ_and_the_uri_escapes_what_it_names() {
        let (one, two) = (new_seed().unwrap(), new_seed().unwrap());
        assert!(one.expose() != two.expose() && one.expose().len() == 32);
        let uri = uri("ABC", "Ærø & Søn", "zoë@example.org");
        assert!(
            uri.expose()
                .starts_with("otpauth://totp/%C3%86r%C3%B8%20%26%20S%C3%B8n:zo%C3%AB%40example.org?secret=ABC&")
        );
        let drawn = picture(uri.expose()).unwrap();
        assert!(drawn.expose().contains("<svg") && !drawn.expose().contains("ABC"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_typed_panics(seed in ".*", code in ".*", now in proptest::num::i64::ANY, used in proptest::num::i64::ANY) {
            let now = now / 2;
            step_of(&seed, &code, now, used);
            step_of(&BASE32_NOPAD.encode(seed.as_bytes()), &code, now, used);
        }
    }
}
