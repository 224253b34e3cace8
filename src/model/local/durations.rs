//! Durations as people write them: `1h 30m`, `01:30`, `90 min`, `PT1H30M`. Whole seconds; months and years are no durations.

use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::numbers;

/// Units by the names people use in English, Italian, Danish and German, in seconds.
const UNITS: &[(i64, &[&str])] = &[
    (604_800, &["w", "wk", "week", "weeks", "uge", "uger", "settimana", "settimane", "woche", "wochen"]),
    (86_400, &["d", "day", "days", "dag", "dage", "g", "giorno", "giorni", "tag", "tage"]),
    (3_600, &["h", "hr", "hrs", "hour", "hours", "t", "time", "timer", "ora", "ore", "std", "stunde", "stunden"]),
    (60, &["m", "min", "mins", "minute", "minutes", "minut", "minutter", "minuto", "minuti", "minuten"]),
    (1, &["s", "sec", "secs", "second", "seconds", "sek", "sekund", "sekunder", "secondo", "secondi", "sekunden"]),
];

/// The seconds in `text`; a bare number is seconds.
pub fn parse(text: &str, decimal_comma: bool) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let seconds = if text.contains(':') { clock(text)? } else { units(text, decimal_comma)? };
    Some(if negative { -seconds } else { seconds })
}

/// `1:30` is an hour and a half, `1:30:15` adds seconds.
fn clock(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let mut seconds: i64 = 0;
    for (at, part) in parts.iter().enumerate() {
        let most = if at == 0 { 9 } else { 2 };
        if part.is_empty() || part.len() > most || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: i64 = part.parse().ok()?;
        if at > 0 && number > 59 {
            return None;
        }
        seconds += number * [3_600, 60, 1][at];
    }
    Some(seconds)
}

fn units(text: &str, decimal_comma: bool) -> Option<i64> {
    let lower = text.to_lowercase();
    // ISO 8601: P1DT2H30M. Its letters are the same units, and months cannot be told from minutes before the T.
    let iso = lower.strip_prefix('p').map(|rest| rest.split_once('t').unwrap_or((rest, "")));
    let body = match iso {
        Some((days, time)) if !days.contains('m') && !days.contains('y') => format!("{days}{time}"),
        Some(_) => return None,
        None => lower,
    };
    if body.bytes().all(|b| b.is_ascii_digit()) {
        return body.parse().ok();
    }
    let mut seconds = Decimal::ZERO;
    let mut rest = body.trim();
    while !rest.is_empty() {
        let split = rest.find(char::is_alphabetic)?;
        let number = numbers::parse(rest[..split].trim(), decimal_comma).filter(|n| !n.is_sign_negative())?;
        let end = rest[split..].find(|c: char| !c.is_alphabetic()).map_or(rest.len(), |at| split + at);
        let unit = UNITS.iter().find(|(_, names)| names.contains(&&rest[split..end]))?.0;
        seconds = seconds.checked_add(number.checked_mul(Decimal::from(unit))?)?;
        rest = rest[end..].trim_start_matches([' ', ',', '.']);
    }
    seconds.round().to_i64()
}

/// `1h 30m`: reads back through `parse`.
pub fn show(seconds: i64) -> String {
    let mut text = String::new();
    let mut rest = seconds.unsigned_abs();
    for (size, unit) in [(3_600, 'h'), (60, 'm'), (1, 's')] {
        if rest >= size {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&(rest / size).to_string());
            text.push(unit);
            rest %= size;
        }
    }
    if text.is_empty() {
        return "0s".into();
    }
    if seconds < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_the_forms_people_write() {
        for (text, seconds) in [
            ("1h 30m", 5_400),
            ("01:30", 5_400),
            ("1:30:15", 5_415),
            ("90 min", 5_400),
            ("PT1H30M", 5_400),
            ("P1DT1H", 90_000),
            ("1.5h", 5_400),
            ("1,5 timer", 5_400),
            ("2d", 172_800),
            ("3600", 3_600),
            ("-15m", -900),
        ] {
            assert_eq!(parse(text, false), Some(seconds), "{text}");
        }
        for text in ["", "h", "1x", "P1M", "1:99", "1:2:3:4", "5 m -3 s", "é"] {
            assert_eq!(parse(text, false), None, "{text}");
        }
    }

    #[test]
    fn shown_durations_read_back() {
        for seconds in [0, 1, 59, 60, 3_661, 86_400, -90, i64::from(i32::MAX)] {
            assert_eq!(parse(&show(seconds), false), Some(seconds));
        }
    }
}
