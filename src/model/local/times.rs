//! Moments as people and programs write them: RFC 3339, `2024-07-06 00:21` in a time zone, `6/7/2024 9:05 pm`.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{Offset, TimeZone},
};
use kith_base::TimestampMs;

use super::dates;

const BYTES_MAX: usize = 64;

/// RFC 3339, and the same without offset in `zone`. Seconds may be missing.
pub fn strict(text: &str, zone: &str) -> Option<TimestampMs> {
    let text = text.trim();
    if text.len() > BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let date = dates::strict(text.get(..10)?)?;
    let rest = &text[10..];
    if !rest.starts_with(['T', 't', ' ']) {
        return None;
    }
    at(date, &rest[1..], zone)
}

/// A moment in local forms; a date alone is its midnight in `zone`.
pub fn parse(text: &str, day_first: bool, zone: &str) -> Option<TimestampMs> {
    let text = text.trim();
    if text.is_empty() || text.len() > BYTES_MAX {
        return None;
    }
    // Some exports give milliseconds since 1970.
    if text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    if let Some(moment) = strict(text, zone) {
        return Some(moment);
    }
    let (date, time) = parts(text);
    let date = dates::parse(date, day_first)?;
    match time {
        Some(time) => at(date, time, zone),
        None => at(date, "00:00", zone),
    }
}

/// Where the date ends and the time begins.
fn parts(text: &str) -> (&str, Option<&str>) {
    if let Some((date, time)) = text.split_once('T')
        && date.bytes().last().is_some_and(|b| b.is_ascii_digit())
        && time.bytes().next().is_some_and(|b| b.is_ascii_digit())
    {
        return (date, Some(time));
    }
    match text.find(':') {
        Some(colon) => {
            let start = text[..colon].rfind(|c: char| !c.is_ascii_digit());
            match start {
                Some(at) => {
                    let after = at + text[at..].chars().next().map_or(1, char::len_utf8);
                    (text[..at].trim_end_matches([',', ' ']), Some(&text[after..]))
                }
                None => (text, None),
            }
        }
        None => (text, None),
    }
}

/// A time of day with an optional offset, on a date.
fn at(date: Date, text: &str, zone: &str) -> Option<TimestampMs> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ',')).unwrap_or(text.len());
    let (clock, mut rest) = (&text[..split], text[split..].trim());
    let mut afternoon = None;
    for (word, pm) in [("am", false), ("a.m.", false), ("pm", true), ("p.m.", true)] {
        if rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
            afternoon = Some(pm);
            rest = rest[word.len()..].trim();
            break;
        }
    }
    let when = date.to_datetime(clock_time(clock, afternoon)?);
    let zone = match offset(rest) {
        Some(fixed) => TimeZone::fixed(fixed),
        None if rest.is_empty() => TimeZone::get(zone).ok()?,
        None => return None,
    };
    let moment = zone.to_ambiguous_timestamp(when).compatible().ok()?;
    in_range(moment.as_millisecond())
}

/// Years 1 to 9999: what RFC 3339 can write.
fn in_range(ms: i64) -> Option<i64> {
    (-62_135_596_800_000..=253_402_300_799_999).contains(&ms).then_some(ms)
}

/// `0:21`, `00:21:09.5`, `002109`.
fn clock_time(text: &str, afternoon: Option<bool>) -> Option<Time> {
    let text = text.trim_end_matches([',', '.']);
    let (whole, fraction) = match text.find([',', '.']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let pieces: Vec<&str> = if whole.contains(':') {
        whole.split(':').collect()
    } else if matches!(whole.len(), 4 | 6) {
        vec![&whole[..2], &whole[2..4], whole.get(4..).filter(|s| !s.is_empty()).unwrap_or("0")]
    } else if afternoon.is_some() {
        vec![whole, "0"]
    } else {
        return None;
    };
    let piece = |at: usize| -> Option<i8> {
        let text = pieces.get(at).copied().unwrap_or("0");
        if text.is_empty() || text.len() > 2 { None } else { text.parse().ok() }
    };
    if pieces.len() < 2 || pieces.len() > 3 || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hour, minute, second) = (piece(0)?, piece(1)?, piece(2)?);
    let hour = match afternoon {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(true) => hour % 12 + 12,
        Some(false) => hour % 12,
        None => hour,
    };
    let nanos: i32 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    // A leap second is counted as the one before it, as everywhere else.
    Time::new(hour, minute, second.min(59), nanos).ok().filter(|_| second <= 60)
}

/// `Z`, `UTC`, `+02:00`, `-0500`, `+02`.
fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(Offset::UTC);
    }
    let negative = text.starts_with('-');
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    if minutes > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

/// RFC 3339 in UTC, milliseconds only where there are some. None outside the years 1 to 9999.
pub fn show(ms: TimestampMs) -> Option<String> {
    use std::fmt::Write;
    in_range(ms)?;
    let date = dates::from_days(i32::try_from(ms.div_euclid(86_400_000)).ok()?)?;
    let of_day = ms.rem_euclid(86_400_000);
    let (h, m, s, millis) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60, of_day % 1_000);
    let mut text = String::with_capacity(24);
    // Writing to a string cannot fail.
    let _ = write!(text, "{:04}-{:02}-{:02}T{h:02}:{m:02}:{s:02}", date.year(), date.month(), date.day());
    if millis != 0 {
        let _ = write!(text, ".{millis:03}");
    }
    text.push('Z');
    Some(text)
}

/// Midnight UTC of the day that it is at `now_ms` in `zone`, in milliseconds.
pub fn today_ms(now_ms: TimestampMs, zone: &str) -> TimestampMs {
    let day = Timestamp::from_millisecond(now_ms).ok().map(|now| {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        dates::to_days(now.to_zoned(zone).date())
    });
    i64::from(day.unwrap_or_default()) * 86_400_000
}

/// When the day began that it is at `now_ms` in `zone`.
pub fn midnight_ms(now_ms: TimestampMs, zone: &str) -> TimestampMs {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let began = Timestamp::from_millisecond(now_ms).and_then(|now| now.to_zoned(zone).start_of_day());
    began.map_or(0, |at| at.timestamp().as_millisecond())
}

/// When this day begins in `zone`: midnight, or what comes after it where the clock skips midnight.
pub fn start_of_day_ms(date: Date, zone: &str) -> TimestampMs {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    date.to_zoned(zone).and_then(|noon| noon.start_of_day()).map_or(0, |at| at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_people_write() {
        for (text, zone, shown) in [
            ("2026-03-01T10:00:00Z", "UTC", "2026-03-01T10:00:00Z"),
            ("2026-03-01T10:00:00.250+01:00", "UTC", "2026-03-01T09:00:00.250Z"),
            ("2024-07-06 00:21", "Europe/Copenhagen", "2024-07-05T22:21:00Z"),
            ("20240706T002100Z", "UTC", "2024-07-06T00:21:00Z"),
            ("6/7/2024 9:05 pm", "UTC", "2024-07-06T21:05:00Z"),
            ("06.07.2024, 21:05", "UTC", "2024-07-06T21:05:00Z"),
            ("Sat, 6 Jul 2024 15:09:26 -0400", "UTC", "2024-07-06T19:09:26Z"),
            ("2024-07-06", "Europe/Rome", "2024-07-05T22:00:00Z"),
            ("1720225260000", "UTC", "2024-07-06T00:21:00Z"),
            ("2024-07-06 12:00 AM", "UTC", "2024-07-06T00:00:00Z"),
        ] {
            let read = parse(text, true, zone).and_then(show);
            assert_eq!(read.as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "soon", "2024-07-06 25:00", "2024-07-06 13:00 pm", "10:00", "2024-07-06T10:00:00+99:99", "é:1"]
        {
            assert_eq!(parse(text, true, "UTC"), None, "{text}");
        }
        assert_eq!(show(i64::MAX), None);
    }
}
