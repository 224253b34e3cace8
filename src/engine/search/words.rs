//! Text into words, the same way for what is indexed, what is typed and what is verified: split at everything that is neither letter
//! nor digit, lower case, without accents.

/// Characters of a word that count; longer ones are cut (they are keys and addresses, found by their beginning).
pub const WORD_CHARS_MAX: usize = 40;

/// Words of a query that count. People type three or four.
pub const QUERY_WORDS_MAX: usize = 8;

/// Words of one field that are indexed: the first pages of a long note.
pub const FIELD_WORDS_MAX: usize = 2_000;

/// Digits that are taken for one number when typed in groups, such as a telephone number.
const JOINED_DIGITS_MIN: usize = 6;

/// Calls `word` for every word of a text.
pub fn each(text: &str, mut word: impl FnMut(&str)) {
    let mut buffer = String::new();
    let parts = text.split(|c: char| !c.is_alphanumeric() && !is_mark(c)).filter(|p| !p.is_empty());
    for part in parts.take(FIELD_WORDS_MAX) {
        buffer.clear();
        for c in part.chars().take(WORD_CHARS_MAX) {
            fold(c, &mut buffer);
        }
        if !buffer.is_empty() {
            word(&buffer);
        }
    }
}

/// As `each`, with what a text should be found by besides its words: the national part of a telephone number in international
/// form, since nobody types the code of their own country.
pub fn each_indexed(text: &str, mut word: impl FnMut(&str)) {
    each(text, &mut word);
    for (at, _) in text.match_indices('+') {
        let rest = &text[at + 1..];
        let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
        if (8..=15).contains(&digits.len()) {
            word(&digits[country_digits(digits)..]);
        }
    }
}

/// Digits of the country code that a number begins with (ITU E.164: two digits, except where the zone has one or three).
fn country_digits(number: &str) -> usize {
    match number.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

/// The words of a query. Groups of digits are also one number, as people write telephone numbers.
pub fn of_query(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut digits = String::new();
    let mut groups: Vec<String> = Vec::new();
    let close = |digits: &mut String, groups: &mut Vec<String>, words: &mut Vec<String>| {
        if groups.len() > 1 && digits.len() >= JOINED_DIGITS_MIN {
            words.push(std::mem::take(digits));
        } else {
            words.append(groups);
        }
        digits.clear();
        groups.clear();
    };
    each(text, |word| {
        if word.bytes().all(|b| b.is_ascii_digit()) {
            digits.push_str(word);
            groups.push(word.to_string());
        } else {
            close(&mut digits, &mut groups, &mut words);
            words.push(word.to_string());
        }
    });
    close(&mut digits, &mut groups, &mut words);
    words.truncate(QUERY_WORDS_MAX);
    words
}

/// Combining accents belong to their letter and are dropped.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Lower case without accents: `É` is `e`, `ß` is `ss`, `Ø` is `o`.
fn fold(c: char, into: &mut String) {
    if c.is_ascii() {
        into.push(c.to_ascii_lowercase());
    } else if !is_mark(c) {
        for lower in c.to_lowercase().filter(|c| !is_mark(*c)) {
            match plain(lower) {
                Some(plain) => into.push_str(plain),
                None => into.push(lower),
            }
        }
    }
}

/// The unaccented form of Latin letters in use in Europe and Vietnam.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => "a",
        'æ' | 'ǽ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ǒ' | 'ọ'..='ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ǔ' | 'ụ'..='ự' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// How many slips a word of this length may hold: none below four letters, one below eight, two from there.
pub fn slips(word: &str) -> u8 {
    match word.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// Whether `word` or its beginning is `typed` but for `slips` insertions, deletions, substitutions or swaps of neighbours.
pub fn begins_nearly(word: &str, typed: &str, slips: u8) -> bool {
    let (word, typed): (Vec<char>, Vec<char>) = (word.chars().collect(), typed.chars().collect());
    let width = typed.len() + 1;
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();
    let mut best = last[width - 1];
    for (i, letter) in word.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, wanted) in typed.iter().enumerate() {
            let same = last[j] + usize::from(letter != wanted);
            row[j + 1] = same.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == typed[j - 1] && word[i - 1] == *wanted {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        best = best.min(row[width - 1]);
        before = std::mem::replace(&mut last, row);
    }
    best <= usize::from(slips)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        each(text, |w| found.push(w.to_string()));
        found
    }

    #[test]
    fn text_is_split_lowered_and_stripped_of_accents() {
        assert_eq!(
            words("Zoë\nO'Hara-Ñíguez, STRASSE Straße Ærø"),
            ["zoe", "o", "hara", "niguez", "strasse", "strasse", "aero"]
        );
        assert_eq!(words("a\u{301}ngel İstanbul"), ["angel", "istanbul"]);
        assert_eq!(words("rossi@acme-corp.example"), ["rossi", "acme", "corp", "example"]);
        assert_eq!(words("  😀 -- "), Vec::<String>::new());
        assert_eq!(words(&"x".repeat(10_000))[0].len(), WORD_CHARS_MAX);
        assert_eq!(words("日本 Анна"), ["日本", "анна"]);
    }

    #[test]
    fn grouped_digits_are_one_number() {
        assert_eq!(of_query("+45 20 12 34 56"), ["4520123456"]);
        assert_eq!(of_query("anna 20 12 34 rossi"), ["anna", "201234", "rossi"]);
        assert_eq!(of_query("room 12 b 7"), ["room", "12", "b", "7"]);
        assert_eq!(of_query("12 34"), ["12", "34"]);
    }

    #[test]
    fn telephone_numbers_are_also_their_national_part() {
        let found = |text: &str| {
            let mut found = Vec::new();
            each_indexed(text, |w| found.push(w.to_string()));
            found
        };
        assert_eq!(found("+4520123456"), ["4520123456", "20123456"]);
        assert_eq!(
            found("+12125550100 x118; +35312345678"),
            ["12125550100", "x118", "35312345678", "2125550100", "12345678"]
        );
        assert_eq!(found("1+1 c++ +4"), ["1", "1", "c", "4"]);
    }

    #[test]
    fn slips_are_forgiven_by_length() {
        assert!(begins_nearly("rossini", "rosi", 1));
        assert!(begins_nearly("smith", "smiht", 1));
        assert!(begins_nearly("andersen", "anderson", 1));
        assert!(!begins_nearly("smith", "smyhte", 1));
        assert!(begins_nearly("smith", "smi", 0));
        assert!(!begins_nearly("smith", "smj", 0));
        assert_eq!((slips("ann"), slips("anna"), slips("anderson")), (0, 1, 2));
    }
}
