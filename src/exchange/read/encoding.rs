//! Bytes to text: byte order marks, UTF-16 without one, UTF-8, and what chardetng recognises. Never refuses bytes: what cannot be
//! read becomes U+FFFD and a note.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::ExchangeError;

/// Bytes that decide about UTF-16 without a mark.
const PROBE_BYTES: usize = 4 * 1024;

/// Text and where it came from.
#[derive(Debug)]
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    pub name: &'static str,
    pub notes: Vec<String>,
}

/// # Errors
/// `import.unknown_encoding` for a label that names none.
pub fn decode<'a>(bytes: &'a [u8], label: Option<&str>) -> Result<Decoded<'a>, ExchangeError> {
    let asked = match label.map(str::trim).filter(|label| !label.is_empty()) {
        Some(label) => {
            let named = Encoding::for_label_no_replacement(label.as_bytes());
            Some(named.ok_or_else(|| ExchangeError::UnknownEncoding(label.chars().take(40).collect()))?)
        }
        None => None,
    };
    let mut notes = Vec::new();
    let encoding = match (Encoding::for_bom(bytes), asked) {
        // A mark at the start is stronger than what anybody says about the file.
        (Some((marked, _)), _) => marked,
        (None, Some(asked)) => asked,
        (None, None) => sniff(bytes, &mut notes),
    };
    let (text, used, damaged) = encoding.decode(bytes);
    if damaged {
        notes.push(format!("some bytes are not {}; they were replaced by \u{FFFD}", used.name()));
    }
    Ok(Decoded { text, name: used.name(), notes })
}

fn sniff(bytes: &[u8], notes: &mut Vec<String>) -> &'static Encoding {
    if let Some(encoding) = utf16_without_mark(bytes) {
        return encoding;
    }
    if std::str::from_utf8(bytes).is_ok() || mostly_utf8(bytes) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    notes.push(format!("the file is not UTF-8; it was read as {}", guess.name()));
    // ISO-8859-x files that chardetng takes for Latin are Windows-1252 in practice.
    if guess.name().starts_with("ISO-8859-1") { WINDOWS_1252 } else { guess }
}

/// Every other byte of Latin text in UTF-16 is zero.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let probe = &bytes[..bytes.len().min(PROBE_BYTES)];
    if probe.len() < 4 {
        return None;
    }
    let zeros = |first: usize| probe.iter().skip(first).step_by(2).filter(|b| **b == 0).count() * 2;
    let (even, odd) = (zeros(0), zeros(1));
    let many = probe.len() * 4 / 10;
    if odd > many && even < many / 4 {
        Some(UTF_16LE)
    } else if even > many && odd < many / 4 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// A UTF-8 file with a few torn characters: reading it as anything else would damage every accent in it.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > 20 * bad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units.flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
    }

    #[test]
    fn marks_utf16_without_marks_and_code_pages_are_recognised() {
        let text = "Nome;Città\r\nZoë;Forlì è bella\r\n";
        for (bytes, name) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), "UTF-8"),
            (utf16(text, true, true), "UTF-16LE"),
            (utf16(text, false, true), "UTF-16BE"),
            (utf16(text, true, false), "UTF-16LE"),
            (utf16(text, false, false), "UTF-16BE"),
            (WINDOWS_1252.encode(text).0.into_owned(), "windows-1252"),
        ] {
            let decoded = decode(&bytes, None).unwrap();
            assert_eq!((decoded.text.as_ref(), decoded.name), (text, name));
        }
    }

    #[test]
    fn one_torn_character_does_not_turn_a_utf8_file_into_another() {
        let mut bytes = "Søren, Zoë, Città, Århus, Færøerne, ".repeat(20).into_bytes();
        bytes.push(0xC3);
        let decoded = decode(&bytes, None).unwrap();
        assert_eq!(decoded.name, "UTF-8");
        assert!(decoded.text.ends_with('\u{FFFD}') && decoded.notes.len() == 1);
    }

    #[test]
    fn an_unknown_label_is_refused() {
        assert_eq!(decode(b"a", Some("utf-99")).unwrap_err().code(), "import.unknown_encoding");
    }
}
