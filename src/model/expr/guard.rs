//! Looks at the text before the parser does: length and nesting, so that neither the parser nor anything that walks its tree can
//! run out of stack. Judges no grammar.

use kith_base::limits::{DEPTH_MAX, FILTER_CHARS_MAX};

use super::ExprError;

/// Operators that build on each other, and brackets, along one path. Well above what people write, well below what a stack holds.
const CHAIN_MAX: usize = 96;

/// # Errors
/// `Empty`, `TooLong`, `TooDeep`.
pub fn check(text: &str) -> Result<(), ExprError> {
    if text.trim().is_empty() {
        return Err(ExprError::Empty);
    }
    if text.len() > FILTER_CHARS_MAX {
        let chars = text.chars().count();
        // Four bytes a character at most: a long text of few characters is still bounded.
        if chars > FILTER_CHARS_MAX {
            return Err(ExprError::TooLong(chars));
        }
    }
    let bytes = text.as_bytes();
    // One counter for each open bracket: operators since the last separator there.
    let mut open = vec![0usize];
    let mut chained = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        let (step, weight) = match bytes[at] {
            b'"' | b'\'' => (string_end(bytes, at), 0),
            b'/' if bytes.get(at + 1) == Some(&b'/') => (line_end(bytes, at), 0),
            b'(' | b'[' | b'{' => {
                open.push(0);
                if open.len() > DEPTH_MAX {
                    return Err(ExprError::TooDeep(at + 1));
                }
                (1, 0)
            }
            b')' | b']' | b'}' => {
                if open.len() > 1 {
                    chained -= open.pop().unwrap_or_default();
                }
                // What follows (`.b`, `[1]`, `(x)`) builds on what was closed.
                (1, 1)
            }
            b',' | b'&' | b'|' => {
                if let Some(here) = open.last_mut() {
                    chained -= std::mem::take(here);
                }
                (1, 0)
            }
            b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'!' | b'.' => (1, 1),
            b'?' | b':' => (1, 2),
            b'i' if word_in(bytes, at) => (2, 1),
            _ => (1, 0),
        };
        if let Some(here) = open.last_mut() {
            *here += weight;
        }
        chained += weight;
        if chained + open.len() > CHAIN_MAX {
            return Err(ExprError::TooDeep(at + 1));
        }
        at += step;
    }
    Ok(())
}

fn word_in(bytes: &[u8], at: usize) -> bool {
    let word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    bytes.get(at + 1) == Some(&b'n') && !word(bytes.get(at + 2)) && (at == 0 || !word(bytes.get(at - 1)))
}

/// Bytes of the string literal that begins here, quotes included; to the end where it is not closed.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let raw = start > 0 && matches!(bytes[start - 1], b'r' | b'R');
    let triple = bytes.get(start + 1) == Some(&quote) && bytes.get(start + 2) == Some(&quote);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !raw => at += 1,
            // A plain literal ends with its line: going on would hide what follows from the count.
            b'\n' | b'\r' if !triple => return at + 1 - start,
            found if found == quote => {
                if !triple {
                    return at + 1 - start;
                }
                if bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote) {
                    return at + 3 - start;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len() - start
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|b| *b == b'\n').map_or(bytes.len() - start, |at| at + 1)
}
