//! Amounts of money as people write them: `€ 1.250,50`, `DKK 1.250,50`, `1,250 kr.`. Knows signs and codes, converts nothing.

use rust_decimal::Decimal;

use super::numbers;

/// Signs of currencies, longest first, with the currency each stands for when the vault's own does not use the same sign.
const SIGNS: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("CA$", "CAD"),
    ("AU$", "AUD"),
    ("NZ$", "NZD"),
    ("HK$", "HKD"),
    ("R$", "BRL"),
    ("C$", "CAD"),
    ("A$", "AUD"),
    ("S$", "SGD"),
    ("CN¥", "CNY"),
    ("SFr.", "CHF"),
    ("Fr.", "CHF"),
    ("kr.", "DKK"),
    ("kr", "DKK"),
    ("Kč", "CZK"),
    ("zł", "PLN"),
    ("Ft", "HUF"),
    ("lei", "RON"),
    ("euro", "EUR"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("$", "USD"),
    ("¥", "JPY"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("₺", "TRY"),
    ("₩", "KRW"),
    ("₪", "ILS"),
    ("₴", "UAH"),
    ("₫", "VND"),
    ("฿", "THB"),
];

/// Currencies that share a sign: where the vault keeps one of them, the sign means that one.
const SHARED: &[(&str, &[&str])] = &[
    ("$", &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP"]),
    ("kr", &["DKK", "SEK", "NOK", "ISK"]),
    ("kr.", &["DKK", "SEK", "NOK", "ISK"]),
    ("¥", &["JPY", "CNY"]),
    ("£", &["GBP", "EGP", "GIP"]),
];

/// The amount and the currency code written beside it, if any. `default` settles signs that several currencies use.
pub fn parse(text: &str, decimal_comma: bool, default: &str) -> Option<(Decimal, Option<String>)> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix(['-', '\u{2212}']) {
        // `-€5`: the sign of the number before that of the currency.
        Some(rest) if !rest.starts_with(|c: char| c.is_ascii_digit()) => (true, rest.trim_start()),
        _ => (false, text),
    };
    let (number, currency) = split(text, default);
    let amount = numbers::parse(number, decimal_comma)?;
    if negative && amount.is_sign_negative() {
        return None;
    }
    Some((if negative { -amount } else { amount }, currency))
}

fn split<'t>(text: &'t str, default: &str) -> (&'t str, Option<String>) {
    if let Some(found) = code_beside(text) {
        return found;
    }
    for (sign, code) in SIGNS {
        let rest = strip_start(text, sign).or_else(|| strip_end(text, sign));
        if let Some(rest) = rest {
            let shared = SHARED.iter().find(|(shared, codes)| shared == sign && codes.contains(&default));
            let code = if shared.is_some() { default } else { code };
            return (rest.trim(), Some(code.to_string()));
        }
    }
    (text, None)
}

/// Three letters at either end are a code, whether known or not: an unknown one is better named than ignored.
fn code_beside(text: &str) -> Option<(&str, Option<String>)> {
    let is_code = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_alphabetic());
    let inner = |c: char| !c.is_ascii_alphabetic();
    if let Some(head) = text.get(..3).filter(|head| is_code(head)) {
        let rest = &text[3..];
        if rest.starts_with(inner) {
            return Some((rest.trim(), Some(head.to_ascii_uppercase())));
        }
    }
    let at = text.len().checked_sub(3)?;
    let tail = text.get(at..).filter(|tail| is_code(tail))?;
    let rest = &text[..at];
    // `lei` is a word of three letters, and no code.
    if tail.eq_ignore_ascii_case("lei") || !rest.ends_with(inner) {
        return None;
    }
    Some((rest.trim(), Some(tail.to_ascii_uppercase())))
}

fn strip_start<'t>(text: &'t str, sign: &str) -> Option<&'t str> {
    let head = text.get(..sign.len())?;
    head.eq_ignore_ascii_case(sign).then(|| &text[sign.len()..])
}

fn strip_end<'t>(text: &'t str, sign: &str) -> Option<&'t str> {
    let at = text.len().checked_sub(sign.len())?;
    let tail = text.get(at..)?;
    tail.eq_ignore_ascii_case(sign).then(|| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_sign_or_code_on_either_side() {
        for (text, amount, code) in [
            ("€ 1.250,50", "1250.50", Some("EUR")),
            ("DKK 1.250,50", "1250.50", Some("DKK")),
            ("1.250,50 dkk", "1250.50", Some("DKK")),
            ("1'250.50 CHF", "1250.50", Some("CHF")),
            ("$1,250.50", "1250.50", Some("USD")),
            ("-€5", "-5", Some("EUR")),
            ("1.250,- kr.", "1250", Some("DKK")),
            ("(12.50) EUR", "-12.50", Some("EUR")),
            ("1250.50", "1250.50", None),
            ("£5", "5", Some("GBP")),
        ] {
            let read = parse(text, false, "EUR");
            assert_eq!(read, Some((amount.parse().unwrap(), code.map(String::from))), "{text}");
        }
    }

    #[test]
    fn a_shared_sign_means_the_vaults_own_currency() {
        assert_eq!(parse("100 kr", true, "SEK").unwrap().1.as_deref(), Some("SEK"));
        assert_eq!(parse("$100", false, "AUD").unwrap().1.as_deref(), Some("AUD"));
    }

    #[test]
    fn words_are_no_amounts() {
        for text in ["", "€", "EUR", "n/a", "12 bananas", "€ $ 5", "é12"] {
            assert_eq!(parse(text, false, "EUR"), None, "{text}");
        }
    }
}
