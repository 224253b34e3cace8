//! What other programs and languages call things: one file of words per language, read once. Knows no object; which field a
//! concept leads to is `concept`'s.

use std::{collections::HashMap, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// One file per language; a new one is a line here.
const LANGUAGES: &[&str] = &[
    include_str!("words/en.txt"),
    include_str!("words/it.txt"),
    include_str!("words/da.txt"),
    include_str!("words/de.txt"),
    include_str!("words/fr.txt"),
    include_str!("words/es.txt"),
];

/// Folded alias to the concepts it may mean, those of earlier languages first.
static ALIASES: LazyLock<HashMap<String, Vec<&'static str>>> = LazyLock::new(|| {
    let mut aliases: HashMap<String, Vec<&'static str>> = HashMap::new();
    for (concept, alias) in
        LANGUAGES.iter().flat_map(|file| file.lines()).filter_map(entry).flat_map(|(c, a)| a.map(move |a| (c, a)))
    {
        let concepts = aliases.entry(fold(alias)).or_default();
        if !concepts.contains(&concept) {
            concepts.push(concept);
        }
    }
    aliases
});

fn entry(line: &'static str) -> Option<(&'static str, impl Iterator<Item = &'static str>)> {
    let (concept, aliases) = line.split_once(':').filter(|_| !line.starts_with('#'))?;
    Some((concept.trim(), aliases.split('|').map(str::trim)))
}

/// Words that say where an address or number belongs, with the label they become.
const PLACES: &[(&str, &str)] = &[
    ("work", "work"),
    ("business", "work"),
    ("office", "work"),
    ("company", "work"),
    ("lavoro", "work"),
    ("ufficio", "work"),
    ("arbejde", "work"),
    ("geschaftlich", "work"),
    ("arbeit", "work"),
    ("buro", "work"),
    ("bureau", "work"),
    ("travail", "work"),
    ("trabajo", "work"),
    ("home", "home"),
    ("private", "home"),
    ("personal", "home"),
    ("casa", "home"),
    ("privat", "home"),
    ("hjem", "home"),
    ("personnel", "home"),
    ("domicile", "home"),
    ("mobile", "mobile"),
    ("mobil", "mobile"),
    ("cell", "mobile"),
    ("other", "other"),
    ("altro", "other"),
    ("andere", "other"),
    ("andet", "other"),
    ("autre", "other"),
    ("otro", "other"),
    ("assistant s", "assistant"),
    ("secondary", "other"),
    ("additional", "other"),
    ("alternate", "other"),
    ("mailing", "work"),
    ("billing", "billing"),
    ("shipping", "shipping"),
];

/// Lower case, without accents and punctuation, single spaces: the form in which headers and names are compared.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ø' => folded.push('o'),
            'æ' => folded.push_str("ae"),
            'ß' => folded.push_str("ss"),
            'ł' => folded.push('l'),
            c if c.is_alphanumeric() => folded.push(c),
            _ if folded.ends_with(' ') || folded.is_empty() => {}
            _ => folded.push(' '),
        }
    }
    if folded.ends_with(' ') {
        folded.pop();
    }
    folded
}

/// A header taken apart: `E-mail 2 - Label` is what `e mail`, group 2, a label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heading {
    /// Folded, without number, place and role.
    pub words: String,
    /// Which of several: `2` of `E-mail 2`.
    pub number: Option<u32>,
    /// `work`, `home` … where the header says so.
    pub place: Option<&'static str>,
    /// The column holds the label of the other column of its group.
    pub is_label: bool,
}

impl Heading {
    pub fn read(header: &str) -> Heading {
        let folded = fold(header);
        if ALIASES.contains_key(&folded) {
            return Heading { words: folded, ..Heading::default() };
        }
        let mut heading = Heading::default();
        let mut tokens: Vec<&str> = folded.split(' ').collect();
        if let Some(at) = tokens
            .iter()
            .position(|t| t.len() <= 2 && t.bytes().all(|b| b.is_ascii_digit()))
            .filter(|_| tokens.len() > 1)
        {
            heading.number = tokens.remove(at).parse().ok();
        }
        if tokens.len() > 1 && matches!(tokens.last(), Some(&("label" | "type" | "typ" | "etichetta" | "tipo"))) {
            tokens.pop();
            heading.is_label = true;
        }
        if tokens.len() > 1 && tokens.last() == Some(&"value") {
            tokens.pop();
        }
        heading.words = tokens.join(" ");
        if !ALIASES.contains_key(&heading.words) {
            heading.strip_place();
        }
        heading
    }

    fn strip_place(&mut self) {
        // `Address 1 - Postal Code`: a part of an address is one without the word.
        if let Some(rest) = self.words.strip_prefix("address ").filter(|rest| ALIASES.contains_key(*rest)) {
            self.words = rest.to_string();
            return;
        }
        for (word, place) in PLACES {
            let rest = match self.words.strip_prefix(word).and_then(|r| r.strip_prefix(' ')) {
                Some(rest) => rest,
                None => match self.words.strip_suffix(word).and_then(|r| r.strip_suffix(' ')) {
                    Some(rest) => rest,
                    None => continue,
                },
            };
            if ALIASES.contains_key(rest) {
                self.place = Some(place);
                self.words = rest.to_string();
                return;
            }
        }
    }

    /// What the words may mean.
    pub fn concepts(&self) -> &'static [&'static str] {
        ALIASES.get(&self.words).map_or(&[], Vec::as_slice)
    }

    /// What the words may mean when one letter is wrong.
    pub fn nearly(&self) -> Option<&'static str> {
        const LONG_ENOUGH: usize = 6;
        if self.words.len() < LONG_ENOUGH {
            return None;
        }
        let near = ALIASES.iter().filter(|(alias, _)| alias.len() >= LONG_ENOUGH && one_apart(alias, &self.words));
        near.min_by_key(|(alias, _)| alias.as_str()).and_then(|(_, concepts)| concepts.first().copied())
    }
}

/// Whether one inserted, missing, changed or swapped letter turns one into the other.
fn one_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    a.len().max(b.len()) <= 1 || (a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_several_programs_and_languages_mean_the_same() {
        for (header, concept) in [
            ("First Name", "first_name"),
            ("Vorname", "first_name"),
            ("Fornavn", "first_name"),
            ("Prénom", "first_name"),
            ("Cognome", "last_name"),
            ("E-mail 1 - Value", "email"),
            ("E-mail Address", "email"),
            ("Business Phone 2", "phone"),
            ("Città", "city"),
            ("PLZ", "postal_code"),
            ("Country/Region", "country"),
            ("Associated Company IDs (Primary)", "company_id"),
            ("Address 1 - Street", "street"),
            ("Omsætning", "revenue"),
            ("Straße", "street"),
            ("Address 1 - Postal Code", "postal_code"),
            ("Address 2 - Country", "country"),
            ("Address 1 - Region", "region"),
            ("Fecha de cierre", "close_date"),
        ] {
            assert!(Heading::read(header).concepts().contains(&concept), "{header}: {:?}", Heading::read(header));
        }
    }

    #[test]
    fn groups_places_and_labels_are_taken_apart() {
        let heading = Heading::read("E-mail 2 - Label");
        assert_eq!((heading.number, heading.is_label, heading.words.as_str()), (Some(2), true, "e mail"));
        let heading = Heading::read("Home Postal Code");
        assert_eq!((heading.place, heading.words.as_str()), (Some("home"), "postal code"));
        assert_eq!(Heading::read("Phone (work)").place, Some("work"));
        assert_eq!(Heading::read("Emial Adress").nearly(), None);
        assert_eq!(Heading::read("Emial Address").nearly(), Some("email"));
    }
}
