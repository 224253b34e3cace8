//! How texts of the workspace's language are ordered: letters first, then accents, then case. Digits are ordinary characters.

use std::cmp::Ordering;

use icu_collator::{
    CollationKeySink, CollatorBorrowed,
    options::{CollatorOptions, Strength},
};
use icu_locale_core::Locale;

/// Bytes of a text that its order depends on. Longer common beginnings are ordered by id; cursors stay small.
const ORDERED_BYTES_MAX: usize = 256;

pub struct Collation(Option<CollatorBorrowed<'static>>);

impl Collation {
    /// An unknown locale gets the root order, which suits most languages.
    pub fn new(locale: &str) -> Collation {
        let mut options = CollatorOptions::default();
        options.strength = Some(Strength::Tertiary);
        let locale = locale.parse::<Locale>().unwrap_or(Locale::UNKNOWN);
        let collator = CollatorBorrowed::try_new((&locale).into(), options)
            .or_else(|_| CollatorBorrowed::try_new((&Locale::UNKNOWN).into(), options));
        // The data is compiled in, so there is always a collator; plain order stands in for the impossible case.
        Collation(collator.ok())
    }

    pub fn compare(&self, a: &str, b: &str) -> Ordering {
        let (a, b) = (clipped(a), clipped(b));
        match &self.0 {
            Some(collator) => collator.compare(a, b),
            None => a.cmp(b),
        }
    }

    /// The first 16 bytes of the sort key. Different prefixes order as the texts do; equal ones say nothing.
    pub fn prefix(&self, text: &str) -> u128 {
        let text = clipped(text);
        let mut key = Prefix { bytes: [0; 16], len: 0 };
        match &self.0 {
            // An error only says that the prefix is full.
            Some(collator) => drop(collator.write_sort_key_to(text, &mut key)),
            None => drop(key.write(&mut (), text.as_bytes())),
        }
        u128::from_be_bytes(key.bytes)
    }
}

/// The part of a text that decides its order.
pub fn clipped(text: &str) -> &str {
    if text.len() <= ORDERED_BYTES_MAX {
        return text;
    }
    let end = (0..=ORDERED_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

struct Prefix {
    bytes: [u8; 16],
    len: usize,
}

/// The prefix is complete; the rest of the key is not needed.
struct Full;

impl CollationKeySink for Prefix {
    type Error = Full;
    type State = ();
    type Output = ();

    fn write(&mut self, _: &mut (), part: &[u8]) -> Result<(), Full> {
        let take = part.len().min(self.bytes.len() - self.len);
        self.bytes[self.len..self.len + take].copy_from_slice(&part[..take]);
        self.len += take;
        if self.len == self.bytes.len() { Err(Full) } else { Ok(()) }
    }

    fn finish(&mut self, (): ()) -> Result<(), Full> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_only_break_ties() {
        let order = Collation::new("en");
        let mut names = vec!["Zoë", "zoe", "Ángel", "angel", "Bo", "Zoe", "O'Hara", "ohara", "10", "9"];
        names.sort_by(|a, b| order.compare(a, b));
        assert_eq!(names, ["10", "9", "angel", "Ángel", "Bo", "O'Hara", "ohara", "zoe", "Zoe", "Zoë"]);
    }

    #[test]
    fn the_locale_decides() {
        assert_eq!(Collation::new("da").compare("Åse", "Zoe"), Ordering::Greater);
        assert_eq!(Collation::new("en").compare("Åse", "Zoe"), Ordering::Less);
        assert_eq!(Collation::new("not a locale").compare("a", "B"), Ordering::Less);
    }

    #[test]
    fn prefixes_order_as_texts_do() {
        let order = Collation::new("en");
        let words = ["", "a", "A", "á", "ab", "Anna Rossi", "anna rossi", "Anna Rossini", "日本", "😀", "Zoë\nO'Hara"];
        for a in words {
            for b in words {
                let prefix = order.prefix(a).cmp(&order.prefix(b));
                assert!(prefix == Ordering::Equal || prefix == order.compare(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(1_000);
        assert_eq!(clipped(&long).len(), 256);
        assert_eq!(clipped(&format!("x{long}")).len(), 255);
    }
}
