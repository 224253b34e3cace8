//! Numbers as people write them: `1.250,50`, `1'250.50`, `(12)`, `−3`. Guesses only where the text leaves one reading.

use std::str::FromStr;

use rust_decimal::Decimal;

/// Longer texts are not numbers; the bound keeps hostile input cheap.
const CHARS_MAX: usize = 64;

/// The number in `text`. `decimal_comma` decides where `1,250` or `1.250` could be either.
pub fn parse(text: &str, decimal_comma: bool) -> Option<Decimal> {
    if text.len() > CHARS_MAX * 4 {
        return None;
    }
    let mut compact = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2212}' => compact.push('-'),
            c if c.is_whitespace() || matches!(c, '\'' | '’' | '\u{200e}' | '\u{200f}' | '\u{feff}') => {}
            c => compact.push(c),
        }
    }
    let mut digits = compact.as_str();
    let mut decimal_comma = decimal_comma;
    // `1.250,-` and `1,250.-` are how whole amounts are written in the north and in the Alps; they give the mark away.
    for whole in [",--", ",-", ".-", ",–", ".–", ",—"] {
        if let Some(rest) = digits.strip_suffix(whole) {
            (digits, decimal_comma) = (rest, whole.starts_with(','));
        }
    }
    let mut negative = false;
    if let Some(inner) = digits.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (digits, negative) = (inner, true);
    }
    if let Some(rest) = digits.strip_prefix('-').or_else(|| digits.strip_suffix('-')) {
        (digits, negative) = (rest, !negative);
    } else if let Some(rest) = digits.strip_prefix('+') {
        digits = rest;
    }
    let number = unsigned(digits, decimal_comma)?;
    Some(if negative { -number } else { number })
}

fn unsigned(digits: &str, decimal_comma: bool) -> Option<Decimal> {
    if digits.is_empty() || digits.len() > CHARS_MAX {
        return None;
    }
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') {
        return scientific(digits);
    }
    if !digits.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = match decimal_mark(digits, decimal_comma) {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || !grouped(whole) {
        return None;
    }
    let mut plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() {
        plain.push('0');
    }
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(fraction);
    }
    Decimal::from_str(&plain).ok()
}

/// Where the decimal mark stands, if there is one.
fn decimal_mark(digits: &str, decimal_comma: bool) -> Option<usize> {
    let (dots, commas) = (digits.matches('.').count(), digits.matches(',').count());
    let (dot, comma) = (digits.rfind('.'), digits.rfind(','));
    match (dots, commas) {
        (0, 0) => None,
        // Both: the later one is the decimal mark, unless it repeats.
        (d, c) if d > 0 && c > 0 => {
            let (at, count) = if dot > comma { (dot, d) } else { (comma, c) };
            if count == 1 { at } else { None }
        }
        (1, 0) if decimal_comma && looks_grouped(digits, dot) => None,
        (1, 0) => dot,
        (0, 1) if !decimal_comma && looks_grouped(digits, comma) => None,
        (0, 1) => comma,
        _ => None,
    }
}

/// `1,250`: one to three digits, not a lone zero, then exactly three.
fn looks_grouped(digits: &str, at: Option<usize>) -> bool {
    at.is_some_and(|at| (1..=3).contains(&at) && digits.len() - at - 1 == 3 && !digits.starts_with('0'))
}

/// Digits with one grouping mark throughout; groups of three, or of two as in India, and three last.
fn grouped(whole: &str) -> bool {
    let mark = if whole.contains('.') { '.' } else { ',' };
    let mut groups = whole.split(mark);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    if rest.is_empty() {
        return whole.bytes().all(|b| b.is_ascii_digit());
    }
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    (1..=3).contains(&first.len())
        && digits(first)
        && rest.last().is_some_and(|group| group.len() == 3)
        && rest.iter().all(|group| digits(group) && (group.len() == 3 || group.len() == 2))
}

/// `1.25E+6`, as spreadsheets export large numbers.
fn scientific(digits: &str) -> Option<Decimal> {
    let (mantissa, exponent) = digits.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok()?;
    if exponent.abs() > 28
        || mantissa.is_empty()
        || !mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',')
    {
        return None;
    }
    Decimal::from_scientific(&format!("{}e{exponent}", mantissa.replace(',', "."))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_the_forms_people_write() {
        for (text, comma, number) in [
            ("1250.50", false, "1250.50"),
            ("1250.50", true, "1250.50"),
            ("1.250,50", false, "1250.50"),
            ("1,250.50", true, "1250.50"),
            ("1'250.50", false, "1250.50"),
            ("1 250,50", false, "1250.50"),
            ("1\u{a0}250\u{202f}000", true, "1250000"),
            ("1.250", true, "1250"),
            ("1.250", false, "1.250"),
            ("1,250", false, "1250"),
            ("1,250", true, "1.250"),
            ("12,5", false, "12.5"),
            ("0,125", false, "0.125"),
            ("1.250.000", false, "1250000"),
            ("12,34,567.00", false, "1234567.00"),
            ("1.250,-", false, "1250"),
            ("(12.50)", false, "-12.50"),
            ("\u{2212}3", false, "-3"),
            ("250-", false, "-250"),
            (".5", false, "0.5"),
            ("7400000.5", false, "7400000.5"),
            ("1.25E+6", false, "1250000"),
        ] {
            assert_eq!(parse(text, comma), Some(number.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", ",", "abc", "1.2.3", "12,34,5", "1..2", "1e999", "--3", "0x10", "NaN", "1,2,3"] {
            assert_eq!(parse(text, false), None, "{text}");
        }
    }
}
