//! What the cells of a column look like: addresses, numbers, dates, countries. Looks at whole columns, because one cell of
//! `03/04/2026` or `1.250` says nothing.

use kith_model::local::{amounts, countries, dates, numbers};

/// Cells looked at closely; the cheap evidence on dates and numbers is taken from all.
const CLOSE_LOOK: u64 = 1_000;

/// Sample cells kept for the preview.
const SAMPLES: usize = 5;

/// What the cells of one column are, counted.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub filled: u64,
    looked_at: u64,
    pub emails: u64,
    pub phones: u64,
    pub urls: u64,
    pub dates: u64,
    pub numbers: u64,
    pub amounts: u64,
    pub countries: u64,
    pub ids: u64,
    pub names: u64,
    pub chars_max: usize,
    pub multi_line: bool,
    pub samples: Vec<String>,
    /// Cells such as 25/3/2026 and 3/25/2026.
    pub day_first: u64,
    pub month_first: u64,
    pub points_in_dates: u64,
    /// Cells such as 1.250,50 and 1,250.50.
    pub decimal_comma: u64,
    pub decimal_point: u64,
    digits: u64,
}

impl Profile {
    pub fn add(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        self.chars_max = self.chars_max.max(cell.len());
        self.multi_line |= cell.contains('\n');
        if self.samples.len() < SAMPLES && !self.samples.iter().any(|s| s == cell) {
            self.samples.push(cell.chars().take(80).collect());
        }
        if cell.len() <= 40 && cell.bytes().any(|b| b.is_ascii_digit()) {
            self.digits += 1;
            self.weigh_date(cell);
            self.weigh_number(cell);
        }
        if self.looked_at < CLOSE_LOOK {
            self.looked_at += 1;
            self.emails += u64::from(is_email(cell) || in_brackets(cell).is_some_and(is_email));
            self.phones += u64::from(is_phone(cell));
            self.urls += u64::from(is_url(cell));
            self.dates += u64::from(is_date(cell));
            self.numbers += u64::from(is_number(cell));
            self.amounts += u64::from(is_amount(cell));
            self.countries += u64::from(countries::find(cell).is_some());
            self.ids += u64::from(cell.parse::<kith_base::RecordId>().is_ok());
            self.names += u64::from(is_name(cell));
        }
    }

    /// Share of the filled cells that were looked at for which `count` was taken.
    pub fn share(&self, count: u64) -> f64 {
        if self.looked_at == 0 { 0.0 } else { count as f64 / self.looked_at as f64 }
    }

    fn weigh_date(&mut self, cell: &str) {
        let day = cell.split([' ', 'T', ',']).next().unwrap_or(cell);
        let mut parts = day.split(['/', '.', '-']);
        let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return;
        };
        let (Ok(first), Ok(second), Ok(_)) = (a.parse::<u32>(), b.parse::<u32>(), c.parse::<u32>()) else { return };
        if a.len() > 2 || b.len() > 2 || first == 0 || second == 0 {
            return;
        }
        self.points_in_dates += u64::from(day.contains('.'));
        match (first, second) {
            (13..=31, 1..=12) => self.day_first += 1,
            (1..=12, 13..=31) => self.month_first += 1,
            _ => {}
        }
    }

    fn weigh_number(&mut self, cell: &str) {
        let number: String = cell.chars().filter(|c| c.is_ascii_digit() || matches!(c, ',' | '.')).collect();
        let plain = cell.chars().all(|c| !c.is_alphabetic()) || is_amount(cell);
        if !plain || number.len() < 3 {
            return;
        }
        let (comma, point) = (number.rfind(','), number.rfind('.'));
        let behind = |at: usize| number.len() - at - 1;
        match (comma, point) {
            (Some(comma), Some(point)) if comma > point => self.decimal_comma += 2,
            (Some(_), Some(_)) => self.decimal_point += 2,
            // One mark and not three digits behind it: it is no thousands mark.
            (Some(comma), None) if number.matches(',').count() == 1 && behind(comma) != 3 => self.decimal_comma += 1,
            (None, Some(point)) if number.matches('.').count() == 1 && behind(point) != 3 => self.decimal_point += 1,
            // Several of one mark are thousands marks.
            (Some(_), None) if number.matches(',').count() > 1 => self.decimal_point += 1,
            (None, Some(_)) if number.matches('.').count() == 2 && number.len() > 8 && self.dates == 0 => {
                self.decimal_comma += 1
            }
            _ => {}
        }
    }
}

/// The file's way of writing dates and numbers, by all of its columns together. None where nothing decides.
pub fn habits(profiles: &[Profile]) -> (Option<bool>, Option<bool>) {
    let sum = |of: fn(&Profile) -> u64| profiles.iter().map(of).sum::<u64>();
    let (day, month) = (sum(|p| p.day_first), sum(|p| p.month_first));
    let day_first = match day.cmp(&month) {
        std::cmp::Ordering::Greater => Some(true),
        std::cmp::Ordering::Less => Some(false),
        std::cmp::Ordering::Equal => (sum(|p| p.points_in_dates) > 0).then_some(true),
    };
    let money = |p: &&Profile| p.share(p.amounts + p.numbers) > 0.5 && p.share(p.dates) < 0.5;
    let comma: u64 = profiles.iter().filter(money).map(|p| p.decimal_comma).sum();
    let point: u64 = profiles.iter().filter(money).map(|p| p.decimal_point).sum();
    (day_first, (comma != point).then_some(comma > point))
}

/// `x@y` out of `Name (x@y)` or `Name <x@y>`.
pub fn in_brackets(cell: &str) -> Option<&str> {
    let cell = cell.trim();
    let (open, close) = if cell.ends_with(')') { ('(', ')') } else { ('<', '>') };
    let inner = cell.strip_suffix(close)?;
    inner.rfind(open).map(|at| inner[at + open.len_utf8()..].trim())
}

pub fn is_email(cell: &str) -> bool {
    let Some((local, domain)) = cell.trim().split_once('@') else { return false };
    !local.is_empty()
        && domain.contains('.')
        && !domain.contains('@')
        && !cell.contains(char::is_whitespace)
        && cell.len() < 255
}

pub fn is_phone(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let marked = cell.starts_with(['+', '(', '0']) || cell.contains([' ', '-', '.', '(', '/']);
    let allowed = cell.chars().all(|c| c.is_ascii_digit() || "+()-./ x".contains(c));
    (7..=18).contains(&digits) && marked && allowed && !is_date(cell)
}

pub fn is_url(cell: &str) -> bool {
    let lower = cell.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://") || (lower.starts_with("www.") && !lower.contains(' '))
}

pub fn is_date(cell: &str) -> bool {
    let cell = cell.trim();
    if !cell.is_ascii() || cell.len() < 6 || cell.len() > 35 || !cell.bytes().any(|b| b.is_ascii_digit()) {
        return false;
    }
    let day = cell.split(['T', ' ']).next().unwrap_or(cell);
    let marked = day.bytes().filter(|b| matches!(b, b'-' | b'/' | b'.')).count() == 2;
    marked && dates::parse(day, true).is_some()
}

pub fn is_number(cell: &str) -> bool {
    cell.len() <= 40 && (numbers::parse(cell, false).is_some() || numbers::parse(cell, true).is_some())
}

/// A number with a currency beside it.
fn is_amount(cell: &str) -> bool {
    cell.len() <= 40
        && [false, true].iter().any(|comma| amounts::parse(cell, *comma, "EUR").is_some_and(|(_, code)| code.is_some()))
}

fn is_name(cell: &str) -> bool {
    let words = cell.split_whitespace().count();
    (2..=4).contains(&words)
        && cell.chars().all(|c| c.is_alphabetic() || " '.-’".contains(c))
        && cell.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(cells: &[&str]) -> Profile {
        let mut profile = Profile::default();
        cells.iter().for_each(|cell| profile.add(cell));
        profile
    }

    #[test]
    fn one_telling_cell_decides_for_the_whole_column() {
        assert_eq!(habits(&[profile(&["03/04/2026", "25/12/2025"])]).0, Some(true));
        assert_eq!(habits(&[profile(&["03/04/2026", "12/25/2025"])]).0, Some(false));
        assert_eq!(habits(&[profile(&["03.04.2026"])]).0, Some(true));
        assert_eq!(habits(&[profile(&["03/04/2026", "2026-03-04"])]).0, None);
        assert_eq!(habits(&[profile(&["1.250", "3,5", "€ 1.250,50"])]).1, Some(true));
        assert_eq!(habits(&[profile(&["1,250", "3.5"])]).1, Some(false));
        assert_eq!(habits(&[profile(&["1250", "7"])]).1, None);
    }

    #[test]
    fn shapes_are_told_apart() {
        assert!(is_email("ada@x.example") && !is_email("ada at x") && !is_email("a b@x.example"));
        assert!(
            is_phone("+39 06 1234567")
                && is_phone("(846)302-4275x118")
                && !is_phone("2026-03-01")
                && !is_phone("50000")
        );
        assert!(is_date("01/02/2026") && is_date("2026-03-01 09:12") && !is_date("1250.50"));
        assert_eq!(in_brackets("Luigi (a@b.example)"), Some("a@b.example"));
    }
}
