//! Anchors: the journal's head, noted outside. Whoever holds one proves later that the past up to it was not rewritten, not even by
//! somebody with every key. Reads and writes them as text; compares nothing.

use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use kith_store::{Anchor, VerifyReport};

use crate::EngineError;

/// Bytes of the short form: 160 bits, which nobody finds a second journal for, and which fit on a line of paper.
const SHORT_BYTES: usize = 20;

/// Anchors of one verification.
pub const ANCHORS_MAX: usize = 10_000;

/// `AB2D-…`: the hash as short as is safe, for paper.
pub fn short(hash: &[u8; 32]) -> String {
    let plain = BASE32_NOPAD.encode(&hash[..SHORT_BYTES]);
    let groups: Vec<&str> = (0..plain.len()).step_by(4).filter_map(|at| plain.get(at..at + 4)).collect();
    groups.join("-")
}

/// `SEQ:HASH`, the hash as 64 hexadecimal digits or in its short form.
///
/// # Errors
/// `request.invalid` naming what is wrong.
pub fn read(text: &str) -> Result<Anchor, EngineError> {
    let shown: String = text.chars().take(100).collect();
    let wrong = || {
        let said = format!("'{shown}' is no anchor; anchors read like 1234:HASH, as 'kith audit head' prints them");
        EngineError::Request(said)
    };
    let (seq, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
    let seq = seq.parse::<u64>().ok().filter(|seq| *seq > 0).ok_or_else(wrong)?;
    let plain: String = hash.chars().filter(|c| !matches!(c, '-' | ' ')).take(100).collect();
    let hash = match plain.len() {
        64 => HEXLOWER_PERMISSIVE.decode(plain.as_bytes()),
        32 => BASE32_NOPAD.decode(plain.to_ascii_uppercase().as_bytes()),
        _ => return Err(wrong()),
    };
    Ok(Anchor { seq, hash: hash.map_err(|_| wrong())? })
}

/// An anchor as `read` takes it.
pub fn written(anchor: &Anchor) -> String {
    if anchor.hash.len() == 32 {
        return format!("{}:{}", anchor.seq, HEXLOWER_PERMISSIVE.encode(&anchor.hash));
    }
    format!("{}:{}", anchor.seq, BASE32_NOPAD.encode(&anchor.hash))
}

/// The anchors in a file of notes: the last word of each line that is not empty and does not begin with `#`.
///
/// # Errors
/// `request.invalid` naming the first line that holds none.
pub fn read_all(text: &str) -> Result<Vec<Anchor>, EngineError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| read(line.rsplit(char::is_whitespace).next().unwrap_or(line))).collect()
}

/// What a verification says of each anchor that does not hold: where the past was rewritten, as narrowly as the anchors tell.
pub fn lost(report: &VerifyReport) -> Vec<(u64, String)> {
    let said = |seq: u64| {
        if seq > report.head_seq {
            let end = report.head_seq;
            return format!("entry {seq} was anchored, but the journal ends at entry {end}: entries were cut off");
        }
        let held =
            report.anchors.iter().filter(|(anchor, holds)| *holds && anchor.seq < seq).map(|(anchor, _)| anchor.seq);
        match held.max() {
            Some(before) => {
                format!("the past was rewritten between entry {before}, whose anchor holds, and entry {seq}")
            }
            None => format!("the past was rewritten at or before entry {seq}: it is not the one that was anchored"),
        }
    };
    let lost = report.anchors.iter().filter(|(_, holds)| !holds);
    lost.map(|(anchor, _)| (anchor.seq, said(anchor.seq))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_hash() {
        let hash: [u8; 32] = std::array::from_fn(|at| at as u8 * 7);
        let hex: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let whole = read(&format!("12:{hex}")).unwrap();
        assert_eq!((whole.seq, whole.hash.as_slice()), (12, hash.as_slice()));
        let paper = read(&format!(" 12:{} ", short(&hash).to_lowercase())).unwrap();
        assert_eq!(paper.hash, hash[..20]);
        assert_eq!(short(&hash).len(), 39);
        assert_eq!(read(&written(&whole)).unwrap(), whole);
        assert_eq!(read(&written(&paper)).unwrap(), paper);
    }

    #[test]
    fn other_words_are_refused_by_name() {
        let hex = "a".repeat(64);
        for text in
            ["", "12", "12:", ":a", "0:x", "-1:x", "12:zz", &format!("x:{hex}"), &format!("12:{}", "g".repeat(64))]
        {
            assert_eq!(read(text).unwrap_err().code(), "request.invalid", "{text}");
        }
        let file = format!("# noted daily\n\n2026-11-23T07:00:00Z 12:{hex}\n13:{hex}\n");
        assert_eq!(read_all(&file).unwrap().iter().map(|a| a.seq).collect::<Vec<_>>(), [12, 13]);
        assert!(read_all("2026-11-23T07:00:00Z").is_err());
    }
}
