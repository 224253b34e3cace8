//! VAT numbers of the EU: formats and check digits. Pure; knows nothing of who is registered.

/// A number with its country, as VIES takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vat {
    /// Two letters; Greece is `EL`.
    pub country: String,
    pub number: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// No number of that country looks like this.
    Format,
    /// A digit is wrong, or two are swapped.
    CheckDigit,
}

pub const COUNTRIES: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Reads what people write: `it 0074 311 0157`. None for numbers of other countries, and for those without a country where there is
/// no default.
pub fn read(text: &str, default_country: &str) -> Option<Vat> {
    let plain: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*')).collect();
    let plain = plain.to_ascii_uppercase();
    let country_of = |text: &str| {
        let country = if text == "GR" { "EL" } else { text };
        COUNTRIES.contains(&country).then(|| country.to_string())
    };
    let written = plain.get(..2).and_then(country_of).map(|country| (country, plain.get(2..).unwrap_or_default()));
    let begins_with_digit = plain.starts_with(|first: char| first.is_ascii_digit());
    let assumed = || {
        begins_with_digit
            .then(|| country_of(&default_country.to_ascii_uppercase()))
            .flatten()
            .map(|c| (c, plain.as_str()))
    };
    let (country, number) = written.or_else(assumed)?;
    Some(Vat { country, number: number.to_string() })
}

impl std::fmt::Display for Vat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.country, self.number)
    }
}

impl Vat {
    pub fn check(&self) -> Result<(), Problem> {
        let number = self.number.as_str();
        let right = match self.country.as_str() {
            "AT" => number.strip_prefix('U').and_then(|rest| digits(rest, 8)).map(|d| austria(&d)),
            "BE" => digits(number, 10).filter(|d| d[0] <= 1).map(|d| 97 - value(&d[..8]) % 97 == value(&d[8..])),
            "BG" => {
                digits(number, 9).map(|d| bulgaria(&d)).or_else(|| digits(number, 10).map(|d| bulgarian_person(&d)))
            }
            "CY" => cyprus(number),
            "CZ" => czechia(number),
            "DE" => digits(number, 9).filter(|d| d[0] > 0).map(|d| iso_11_10(&d)),
            "DK" => {
                digits(number, 8).filter(|d| d[0] > 0).map(|d| sum(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
            }
            "EE" => digits(number, 9).map(|d| (10 - sum(&d, &[3, 7, 1, 3, 7, 1, 3, 7]) % 10) % 10 == d[8]),
            "EL" => digits(number, 9).map(|d| sum(&d, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == d[8]),
            "ES" => spain(number),
            "FI" => digits(number, 8).map(|d| (11 - sum(&d, &[7, 9, 10, 5, 8, 4, 2]) % 11) % 11 == d[7]),
            "FR" => france(number),
            "HR" => digits(number, 11).map(|d| iso_11_10(&d)),
            "HU" => digits(number, 8).map(|d| (10 - sum(&d, &[9, 7, 3, 1, 9, 7, 3]) % 10) % 10 == d[7]),
            "IE" => ireland(number),
            "IT" => digits(number, 11).filter(|d| value(&d[..7]) > 0).map(|d| luhn(&d)),
            "LT" => lithuania(number),
            "LU" => digits(number, 8).map(|d| value(&d[..6]) % 89 == value(&d[6..])),
            "LV" => digits(number, 11).map(|d| latvia(&d)),
            "MT" => {
                digits(number, 8).filter(|d| d[0] > 0).map(|d| sum(&d, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37))
            }
            "NL" => netherlands(number),
            "PL" => digits(number, 10).map(|d| sum(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == d[9]),
            "PT" => digits(number, 9).filter(|d| d[0] > 0).map(|d| {
                let check = 11 - sum(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
                (if check > 9 { 0 } else { check }) == d[8]
            }),
            "RO" => romania(number),
            "SE" => digits(number, 12).filter(|d| (1..=94).contains(&value(&d[10..]))).map(|d| luhn(&d[..10])),
            "SI" => digits(number, 8).filter(|d| d[0] > 0).map(|d| {
                let check = 11 - sum(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11;
                check != 11 && check % 10 == d[7]
            }),
            "SK" => digits(number, 10)
                .filter(|d| d[0] > 0 && matches!(d[2], 2 | 3 | 4 | 7 | 8 | 9))
                .map(|d| value(&d).is_multiple_of(11)),
            _ => None,
        };
        match right {
            None => Err(Problem::Format),
            Some(false) => Err(Problem::CheckDigit),
            Some(true) => Ok(()),
        }
    }
}

/// Exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<Vec<u64>> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.bytes().map(|byte| u64::from(byte - b'0')).collect())
}

fn value(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + digit)
}

fn sum(digits: &[u64], weights: &[u64]) -> u64 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn luhn(digits: &[u64]) -> bool {
    let doubled = |(place, digit): (usize, &u64)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    digits.iter().rev().enumerate().map(doubled).sum::<u64>() % 10 == 0
}

/// ISO 7064, MOD 11,10.
fn iso_11_10(digits: &[u64]) -> bool {
    let mut check = 5;
    for digit in digits {
        check = (if check == 0 { 10 } else { check } * 2 % 11 + digit) % 10;
    }
    check == 1
}

fn austria(d: &[u64]) -> bool {
    let cross = |product: u64| product / 10 + product % 10;
    let total: u64 = d[..7].iter().zip([1, 2, 1, 2, 1, 2, 1]).map(|(digit, weight)| cross(digit * weight)).sum();
    (10 - (total + 4) % 10) % 10 == d[7]
}

fn bulgaria(d: &[u64]) -> bool {
    let first = sum(d, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11;
    let check = if first == 10 { sum(d, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10 } else { first };
    check == d[8]
}

/// Persons, foreigners and others have ten digits, with three rules.
fn bulgarian_person(d: &[u64]) -> bool {
    let person = sum(d, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == d[9];
    let foreigner = sum(d, &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == d[9];
    let other = 11 - sum(d, &[4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    person || foreigner || (other != 10 && other % 11 == d[9])
}

fn cyprus(number: &str) -> Option<bool> {
    const ODD: [u64; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let d = digits(number.get(..8)?, 8)?;
    let letter = number.get(8..)?.as_bytes();
    let [letter @ b'A'..=b'Z'] = letter else { return None };
    let total: u64 =
        d.iter().enumerate().map(|(place, digit)| if place % 2 == 0 { ODD[*digit as usize] } else { *digit }).sum();
    Some(u64::from(letter - b'A') == total % 26)
}

fn czechia(number: &str) -> Option<bool> {
    if let Some(d) = digits(number, 8) {
        let check = (11 - sum(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
        return Some(d[0] != 9 && check == d[7]);
    }
    if let Some(d) = digits(number, 10) {
        let whole = value(&d);
        return Some(whole.is_multiple_of(11) || (value(&d[..9]) % 11 == 10 && d[9] == 0));
    }
    let d = digits(number, 9)?;
    if d[0] == 6 {
        let total = sum(&d[1..8], &[8, 7, 6, 5, 4, 3, 2]);
        let check = [8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8][((10 + 11 - total % 11) % 11) as usize];
        return Some(check == d[8]);
    }
    // Birth numbers from before 1954 have no check digit; their month at least is one.
    let month = value(&d[2..4]) % 50;
    Some((1..=12).contains(&month))
}

fn spain(number: &str) -> Option<bool> {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let bytes = number.as_bytes();
    if bytes.len() != 9 || !number.is_ascii() {
        return None;
    }
    let (first, last) = (bytes[0], bytes[8]);
    let of_23 = |digits: &[u64]| LETTERS[(value(digits) % 23) as usize] == last;
    match first {
        b'0'..=b'9' => digits(&number[..8], 8).map(|d| of_23(&d)),
        b'X' | b'Y' | b'Z' => {
            let d = digits(&number[1..8], 7)?;
            let whole: Vec<u64> = std::iter::once(u64::from(first - b'X')).chain(d).collect();
            Some(of_23(&whole))
        }
        b'K' | b'L' | b'M' => digits(&number[1..8], 7).map(|d| of_23(&d)),
        b'A'..=b'H' | b'J' | b'N' | b'P'..=b'S' | b'U' | b'V' | b'W' => {
            let d = digits(&number[1..8], 7)?;
            let cross = |doubled: u64| doubled / 10 + doubled % 10;
            let total = d[1] + d[3] + d[5] + cross(d[0] * 2) + cross(d[2] * 2) + cross(d[4] * 2) + cross(d[6] * 2);
            let check = (10 - total % 10) % 10;
            Some(last == b'0' + check as u8 || last == b"JABCDEFGHI"[check as usize])
        }
        _ => None,
    }
}

fn france(number: &str) -> Option<bool> {
    const SIGNS: &str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let (key, siren) = (number.get(..2)?, digits(number.get(2..)?, 9)?);
    // Numbers of Monaco are no SIREN.
    if !number[2..].starts_with("000") && !luhn(&siren) {
        return Some(false);
    }
    if let Some(key) = digits(key, 2) {
        return Some((value(&siren) * 100 + 12) % 97 == value(&key));
    }
    let place = |sign: char| SIGNS.find(sign).map(|place| place as u64);
    let mut signs = key.chars();
    let (first, second) = (place(signs.next()?)?, place(signs.next()?)?);
    let check =
        if first < 10 { (first * 24 + second).checked_sub(10)? } else { (first * 34 + second).checked_sub(100)? };
    Some((value(&siren) + check / 11 + 1) % 11 == check % 11)
}

fn ireland(number: &str) -> Option<bool> {
    const LETTERS: &[u8; 23] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let bytes = number.as_bytes();
    if !matches!(bytes.len(), 8 | 9) || !number.is_ascii() {
        return None;
    }
    // The old form has a letter or a sign in second place, and counts its first digit last.
    let figures =
        if bytes[1].is_ascii_digit() { number[..7].to_string() } else { format!("0{}{}", &number[2..7], &number[..1]) };
    let d = digits(&figures, 7)?;
    let letters = &bytes[7..];
    let second = match letters.get(1) {
        None | Some(b'W') => 0,
        Some(letter @ b'A'..=b'I') => u64::from(letter - b'A' + 1),
        Some(_) => return None,
    };
    let total = sum(&d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    Some(LETTERS[(total % 23) as usize] == letters[0])
}

fn lithuania(number: &str) -> Option<bool> {
    let d = digits(number, 9).filter(|d| d[7] == 1).or_else(|| digits(number, 12).filter(|d| d[10] == 1))?;
    let (check, rest) = d.split_last()?;
    let weighted = |from: usize| {
        rest.iter().enumerate().map(|(place, digit)| digit * (1 + (place + from) as u64 % 9)).sum::<u64>() % 11
    };
    let first = weighted(0);
    Some(if first == 10 { weighted(2) % 10 } else { first } == *check)
}

fn latvia(d: &[u64]) -> bool {
    match (d[0], d[1]) {
        (4.., _) => sum(d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3,
        // Persons who registered after 2017 have no check digit.
        (3, 2) => true,
        _ => (1 + sum(d, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10 == d[10],
    }
}

fn netherlands(number: &str) -> Option<bool> {
    let d = digits(number.get(..9)?, 9)?;
    if number.as_bytes().get(9) != Some(&b'B') {
        return None;
    }
    digits(number.get(10..)?, 2)?;
    let eleven = sum(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == d[8];
    let remainder = format!("NL{number}").bytes().fold(0_u64, |rest, sign| match sign {
        b'0'..=b'9' => (rest * 10 + u64::from(sign - b'0')) % 97,
        letter => (rest * 100 + u64::from(letter - b'A' + 10)) % 97,
    });
    Some(eleven || remainder == 1)
}

fn romania(number: &str) -> Option<bool> {
    if !(2..=10).contains(&number.len()) || number.starts_with('0') {
        return None;
    }
    let d = digits(&format!("{number:0>10}"), 10)?;
    Some(sum(&d, &[7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10 % 11 % 10 == d[9])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples of real numbers, one or more for each country.
    const RIGHT: [&str; 36] = [
        "ATU13585627",
        "BE0403019261",
        "BG175074752",
        "BG7523169263",
        "CY10259033P",
        "CZ25123891",
        "CZ7103192745",
        "CZ640903926",
        "DE136695976",
        "DK13585628",
        "EE100931558",
        "EL094259216",
        "ESB58378431",
        "ES54362315K",
        "ESX2482300W",
        "FI20774740",
        "FR40303265045",
        "FRK7399859412",
        "HR33392005961",
        "HU12892312",
        "IE6433435F",
        "IE6433435OA",
        "IE8D79739I",
        "IT00743110157",
        "LT119511515",
        "LT100001919017",
        "LU15027442",
        "LV40003521600",
        "MT11679112",
        "NL004495445B01",
        "PL8567346215",
        "PT501964843",
        "RO18547290",
        "SE556188840401",
        "SI50223054",
        "SK2022749619",
    ];

    fn check(text: &str) -> Result<(), Problem> {
        read(text, "").expect(text).check()
    }

    #[test]
    fn real_numbers_of_every_country_are_right() {
        for number in RIGHT {
            assert_eq!(check(number), Ok(()), "{number}");
        }
        for country in COUNTRIES {
            assert!(RIGHT.iter().any(|number| number.starts_with(country)), "no example of {country}");
        }
    }

    #[test]
    fn one_wrong_digit_is_noticed() {
        for number in RIGHT {
            let place = number.rfind(|c: char| c.is_ascii_digit()).unwrap();
            // What follows there is no check digit.
            let place = match &number[..2] {
                "NL" => 10,
                "SE" => 11,
                _ => place,
            };
            // Each rule has its blind spots; most of the nine others have to be refused.
            let digit = number.as_bytes()[place];
            let wrong = (b'0'..=b'9').filter(|other| *other != digit);
            let refused = wrong.filter(|other| {
                let text = format!("{}{}{}", &number[..place], *other as char, &number[place + 1..]);
                check(&text).is_err()
            });
            assert!(refused.count() >= 7, "{number}");
        }
    }

    #[test]
    fn people_write_them_in_many_ways() {
        assert_eq!(read("it 0074 311-0157", "").unwrap().to_string(), "IT00743110157");
        assert_eq!(read("GR 094259216", "").unwrap().to_string(), "EL094259216");
        assert_eq!(read("00743110157", "it").unwrap().to_string(), "IT00743110157");
        assert_eq!(read("00743110157", ""), None);
        assert_eq!(read("CHE-123.456.788", "it"), None);
        assert_eq!(read("", "it"), None);
        assert_eq!(read("ß", "it"), None);
    }

    #[test]
    fn other_shapes_are_refused_and_nothing_panics() {
        for country in COUNTRIES {
            for rest in
                ["", "1", "123456789012345", "ABCDEFGHI", "U", "B12", "12345678A", "A1234567A", "1A23456A", "É2345678"]
            {
                assert!(
                    read(&format!("{country}{rest}"), "").is_none_or(|vat| vat.check().is_err()),
                    "{country}{rest}"
                );
            }
        }
        assert_eq!(check("IT0074311015"), Err(Problem::Format));
        assert_eq!(check("IT00743110158"), Err(Problem::CheckDigit));
    }
}
