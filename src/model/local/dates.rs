//! Dates as people write them: ISO, day or month first, with names of months in several languages. A date without a year is none.

use jiff::civil::Date;

/// Longer texts are not dates.
const BYTES_MAX: usize = 64;

/// Beginnings of the names of months, in English, Italian, Danish, German, French and Spanish.
const MONTHS: [&[&str]; 12] = [
    &["jan", "gen", "ene"],
    &["feb", "fév", "fev"],
    &["mar", "mär", "mrz"],
    &["apr", "avr", "abr"],
    &["may", "mag", "maj", "mai"],
    &["jun", "giu", "juin"],
    &["jul", "lug", "juil"],
    &["aug", "ago", "aoû", "aou"],
    &["sep", "set"],
    &["oct", "ott", "okt"],
    &["nov"],
    &["dec", "dic", "dez", "déc"],
];

/// The date in `text`. `day_first` decides where `3/4/2026` could be either.
pub fn parse(text: &str, day_first: bool) -> Option<Date> {
    let text = text.trim();
    if text.is_empty() || text.len() > BYTES_MAX {
        return None;
    }
    if let Some(date) = strict(text) {
        return Some(date);
    }
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return made(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?);
    }
    let separator = |c: char| matches!(c, '/' | '-' | '.') || c.is_whitespace() || c == ',';
    let parts: Vec<&str> = text.split(separator).filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| part.chars().any(char::is_alphabetic)) {
        return named(&parts);
    }
    let [a, b, c] = parts.as_slice() else { return None };
    let (first, second, third) = (number(a)?, number(b)?, number(c)?);
    if a.len() == 4 {
        return made(first, second, third);
    }
    let year = full_year(third, c.len())?;
    let (day, month) = match (first, second) {
        (d, _) if d > 12 => (first, second),
        (_, d) if d > 12 => (second, first),
        // Points are only used where the day comes first.
        _ if day_first || text.contains('.') => (first, second),
        _ => (second, first),
    };
    made(year, month, day)
}

/// `2026-03-01`, nothing else.
pub fn strict(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    made(number(text.get(..4)?)?, number(text.get(5..7)?)?, number(text.get(8..)?)?)
}

/// `3 April 2026`, `Apr 3, 2026`, `lun. 3 apr 2026`.
fn named(parts: &[&str]) -> Option<Date> {
    let mut month = None;
    let mut numbers = Vec::new();
    for part in parts {
        let word = part.to_lowercase();
        let ordinal = word.trim_end_matches(|c: char| c.is_alphabetic() || c == 'º' || c == '°');
        if let Some(found) = month_named(&word) {
            // A second one is a weekday that looks like a month, or nonsense; the one beside the day counts.
            if month.replace(found).is_some() && !numbers.is_empty() {
                return None;
            }
        } else if !ordinal.is_empty() && ordinal.len() + 2 >= word.len() {
            numbers.push((number(ordinal)?, ordinal.len()));
        } else if !numbers.is_empty() && !matches!(word.as_str(), "de" | "del" | "of" | "di") {
            return None;
        }
    }
    let month = month?;
    match numbers.as_slice() {
        [(day, _), (year, digits)] if *day <= 31 && *digits != 1 => made(full_year(*year, *digits)?, month, *day),
        [(year, 4), (day, _)] => made(*year, month, *day),
        _ => None,
    }
}

fn month_named(word: &str) -> Option<i32> {
    if word.chars().count() < 3 || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let at = MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name)))?;
    i32::try_from(at + 1).ok()
}

fn number(text: &str) -> Option<i32> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Two digits are of this century up to 68, as in most spreadsheets.
fn full_year(year: i32, digits: usize) -> Option<i32> {
    match digits {
        4 => Some(year),
        2 if year <= 68 => Some(2_000 + year),
        2 => Some(1_900 + year),
        _ => None,
    }
}

fn made(year: i32, month: i32, day: i32) -> Option<Date> {
    if !(1..=9_999).contains(&year) {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Days since 1970-01-01.
pub fn to_days(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    // The year begins in March, so that the leap day comes last.
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

/// The date so many days after 1970-01-01; none outside the years 1 to 9999.
pub fn from_days(days: i32) -> Option<Date> {
    let (y, m, d) = civil(i64::from(days))?;
    Date::new(y, m, d).ok()
}

/// Days to a civil date, by the arithmetic of the proleptic Gregorian calendar; this runs for every date that is shown.
fn civil(days: i64) -> Option<(i16, i8, i8)> {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(1..=9_999).contains(&year) {
        return None;
    }
    Some((i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_people_write() {
        for (text, day_first, iso) in [
            ("2026-03-01", false, "2026-03-01"),
            ("19980209", false, "1998-02-09"),
            ("2026/3/1", false, "2026-03-01"),
            ("3/4/2026", true, "2026-04-03"),
            ("3/4/2026", false, "2026-03-04"),
            ("13/4/2026", false, "2026-04-13"),
            ("4/13/2026", true, "2026-04-13"),
            ("3.4.2026", false, "2026-04-03"),
            ("03-04-26", true, "2026-04-03"),
            ("31.12.99", false, "1999-12-31"),
            ("3 April 2026", false, "2026-04-03"),
            ("Apr 3, 2026", false, "2026-04-03"),
            ("April 3rd 2026", false, "2026-04-03"),
            ("3. maj 2026", false, "2026-05-03"),
            ("1º gennaio 2026", false, "2026-01-01"),
            ("Sat, 4 Jul 2024", false, "2024-07-04"),
            ("04-Jul-24", false, "2024-07-04"),
        ] {
            let read = parse(text, day_first).map(|d| d.to_string());
            assert_eq!(read.as_deref(), Some(iso), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["", "--0412", "2026-02-30", "32/1/2026", "2026", "April", "13/13/2026", "0000-01-01", "1/2", "a b c"]
        {
            assert_eq!(parse(text, true), None, "{text}");
        }
    }

    #[test]
    fn days_and_dates_agree() {
        for days in [-719_162, -1, 0, 1, 59, 60, 365, 20_513, 2_932_896] {
            assert_eq!(to_days(from_days(days).unwrap()), days);
        }
        assert_eq!(from_days(20_513).unwrap().to_string(), "2026-03-01");
        assert_eq!(from_days(i32::MAX), None);
        assert_eq!(from_days(i32::MIN), None);
    }
}
