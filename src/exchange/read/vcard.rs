//! vCards 2.1, 3.0 and 4.0, any number to a file, as rows whose headers the mapping knows. Reads leniently: a card that breaks off
//! or a property nobody knows costs only itself. Pictures and keys are left out, and said so.

use std::collections::{BTreeMap, HashMap};

use super::{Content, Format, Row, Table};
use crate::{ExchangeError, read::vcard::line::Property};

#[path = "vcard_line.rs"]
mod line;

/// Properties that hold no text for a person.
const LEFT_OUT: &[&str] = &["PHOTO", "LOGO", "SOUND", "KEY"];

/// Technical properties that nobody misses.
const SILENT: &[&str] = &[
    "BEGIN",
    "END",
    "VERSION",
    "PRODID",
    "REV",
    "CLIENTPIDMAP",
    "X-ABLABEL",
    "X-ABADR",
    "XML",
    "SORT-STRING",
    "PROFILE",
];

pub(super) fn open<'a>(text: &str) -> Result<Table<'a>, ExchangeError> {
    let mut cards = Vec::new();
    let mut card: Option<Card> = None;
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    for (number, line) in line::unfold(text) {
        let Some(property) = Property::parse(&line) else { continue };
        match property.name.as_str() {
            "BEGIN" => {
                cards.extend(card.take().map(|c| c.broken_off()));
                card = Some(Card { line: number, ..Card::default() });
            }
            "END" => cards.extend(card.take()),
            name if LEFT_OUT.contains(&name) => *left_out.entry(name.to_string()).or_default() += 1,
            _ => {
                if let Some(card) = &mut card {
                    card.properties.push(property);
                }
            }
        }
    }
    cards.extend(card.map(Card::broken_off));
    let mut sheet = Sheet::default();
    let rows: Vec<Row> = cards.iter().map(|card| sheet.row(card)).collect();
    let (header, rows) = sheet.ordered(rows);
    if header.is_empty() {
        return Err(ExchangeError::NotUnderstood("its vCards are empty".into()));
    }
    let notes =
        left_out.iter().map(|(name, count)| format!("{count} {name} left out: pictures and keys are not imported"));
    Ok(Table {
        format: Format::Vcard,
        encoding: "",
        delimiter: None,
        header,
        notes: notes.collect(),
        content: Content::Rows(rows.into_iter().filter(|row| !row.is_blank()).collect()),
    })
}

#[derive(Default)]
struct Card {
    line: u64,
    properties: Vec<Property>,
    unfinished: bool,
}

impl Card {
    fn broken_off(mut self) -> Card {
        self.unfinished = true;
        self
    }

    /// What Apple calls a property: `item1.X-ABLabel` beside `item1.EMAIL`.
    fn label_of(&self, property: &Property) -> String {
        let apple = property.group.as_ref().and_then(|group| {
            let label = self.properties.iter().find(|p| p.name == "X-ABLABEL" && p.group.as_ref() == Some(group))?;
            Some(label.text().trim_start_matches("_$!<").trim_end_matches(">!$_").to_lowercase())
        });
        apple.filter(|label| !label.is_empty()).unwrap_or_else(|| property.label())
    }

    /// Properties of one name, the preferred one first.
    fn all(&self, name: &str) -> Vec<&Property> {
        let mut found: Vec<&Property> = self.properties.iter().filter(|p| p.name == name).collect();
        found.sort_by_key(|p| p.preference());
        found
    }
}

/// The columns that the cards of a file need, by the order in which they should stand.
#[derive(Default)]
struct Sheet {
    places: HashMap<String, usize>,
    columns: Vec<(u32, String)>,
}

impl Sheet {
    fn set(&mut self, row: &mut Row, order: u32, header: &str, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let place = match self.places.get(header) {
            Some(place) => *place,
            None => {
                self.columns.push((order, header.to_string()));
                self.places.insert(header.to_string(), self.columns.len() - 1);
                self.columns.len() - 1
            }
        };
        if row.cells.len() <= place {
            row.cells.resize(place + 1, String::new());
        }
        let cell = &mut row.cells[place];
        if !cell.is_empty() {
            cell.push('\n');
        }
        cell.push_str(value);
    }

    fn row(&mut self, card: &Card) -> Row {
        let mut row = Row { line: card.line, ..Row::default() };
        if card.unfinished {
            row.remarks.push("the card has no END:VCARD".into());
        }
        self.names(&mut row, card);
        for (order, name, header) in [(20, "EMAIL", "E-mail"), (100, "TEL", "Phone"), (300, "URL", "Website")] {
            for (at, property) in card.all(name).into_iter().enumerate() {
                let value = property.text();
                let value = value.trim_start_matches("tel:").trim_start_matches("mailto:");
                let order = order + at as u32 * 2;
                if name != "URL" {
                    self.set(&mut row, order, &format!("{header} {} - Label", at + 1), &card.label_of(property));
                }
                self.set(&mut row, order + 1, &format!("{header} {} - Value", at + 1), value);
            }
        }
        for (at, property) in card.all("ADR").into_iter().enumerate() {
            self.address(&mut row, at, property);
        }
        self.others(&mut row, card);
        row
    }

    fn names(&mut self, row: &mut Row, card: &Card) {
        let structured = card.all("N").first().map(|p| p.parts()).unwrap_or_default();
        let part = |at: usize| structured.get(at).cloned().unwrap_or_default();
        for (order, header, at) in [
            (1, "First Name", 1),
            (2, "Middle Name", 2),
            (3, "Last Name", 0),
            (4, "Name Prefix", 3),
            (5, "Name Suffix", 4),
        ] {
            self.set(row, order, header, &part(at));
        }
        // A formatted name says nothing more where its parts are known.
        if part(0).is_empty() && part(1).is_empty() {
            let full = card.all("FN").first().map(|p| p.text()).unwrap_or_default();
            let organisation = card.all("ORG").first().map(|p| p.parts().first().cloned().unwrap_or_default());
            if organisation.as_deref() != Some(full.as_str()) || card.all("EMAIL").is_empty() {
                self.set(row, 6, "Full Name", &full);
            }
        }
        if let Some(organisation) = card.all("ORG").first() {
            let parts = organisation.parts();
            let units: Vec<&str> = parts.iter().skip(1).map(String::as_str).filter(|unit| !unit.is_empty()).collect();
            let joined = units.join(", ");
            self.set(row, 10, "Organization Name", parts.first().map_or("", String::as_str));
            self.set(row, 11, "Organization Department", &joined);
        }
    }

    fn address(&mut self, row: &mut Row, at: usize, property: &Property) {
        let parts = property.parts();
        let part = |at: usize| parts.get(at).map(String::as_str).unwrap_or_default();
        let street =
            [part(2), part(1), part(0)].iter().filter(|p| !p.trim().is_empty()).copied().collect::<Vec<_>>().join("\n");
        let order = 200 + at as u32 * 10;
        for (step, name, value) in [
            (0, "Street", street.as_str()),
            (1, "City", part(3)),
            (2, "Region", part(4)),
            (3, "Postal Code", part(5)),
            (4, "Country", part(6)),
        ] {
            self.set(row, order + step, &format!("Address {} - {name}", at + 1), value);
        }
    }

    fn others(&mut self, row: &mut Row, card: &Card) {
        for property in &card.properties {
            let text = property.text();
            match property.name.as_str() {
                "TITLE" => self.set(row, 12, "Job Title", &text),
                "ROLE" => self.set(row, 13, "Role", &text),
                // How Apple writes a birthday without its year.
                "BDAY" if text.starts_with("1604") || text.starts_with("--") => {
                    row.remarks.push(format!("a birthday without its year was left out: {text}"));
                }
                "BDAY" => self.set(row, 400, "Birthday", &text),
                "NOTE" => self.set(row, 410, "Notes", &text),
                // The last semicolon says that commas within are no marks.
                "CATEGORIES" => self.set(row, 420, "Categories", &format!("{};", property.list().join("; "))),
                "UID" => self.set(row, 430, "UID", text.trim_start_matches("urn:uuid:")),
                "NICKNAME" => self.set(row, 440, "Nickname", &text),
                "N" | "FN" | "EMAIL" | "TEL" | "URL" | "ADR" | "ORG" => {}
                name if SILENT.contains(&name) => {}
                name => self.set(row, 500, name, &text),
            }
        }
    }

    /// Columns in an order a person expects, whatever card needed them first.
    fn ordered(self, rows: Vec<Row>) -> (Vec<String>, Vec<Row>) {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|at| self.columns[*at].0);
        let header = order.iter().map(|at| self.columns[*at].1.clone()).collect();
        let arrange = |mut row: Row| {
            row.cells.resize(self.columns.len(), String::new());
            row.cells = order.iter().map(|at| std::mem::take(&mut row.cells[*at])).collect();
            row
        };
        (header, rows.into_iter().map(arrange).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::ReadOptions;

    fn cells(text: &str) -> Vec<HashMap<String, String>> {
        let table = Table::open(text.as_bytes(), &ReadOptions::default()).unwrap();
        let named = |row: Row| table.header.iter().cloned().zip(row.cells).filter(|(_, c)| !c.is_empty()).collect();
        table.rows().map(named).collect()
    }

    #[test]
    fn apple_labels_preferences_and_folded_lines_are_understood() {
        let cards = cells(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nN:O'Hara;Zoë;;;\r\nFN:Zoë O'Hara\r\nORG:Acme\\, Inc.;Sales;\r\nEMAIL;type=INTERNET;type=HOME:zoe@home.example\r\nitem1.EMAIL;type=INTERNET;type=pref:zoe@acme.example\r\nitem1.X-ABLabel:_$!<Work>!$_\r\nTEL;type=CELL;type=VOICE:+45 20 12 34 56\r\nitem2.ADR;type=WORK:;;Via Roma 1\\nInterno 2;Forlì;FC;47121;Italia\r\nNOTE:one\\, two\\nthr\r\n ee\r\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\n AAAA\r\nBDAY;value=date:1980-02-03\r\nEND:VCARD\r\n",
        );
        let card = &cards[0];
        assert_eq!(
            (card["E-mail 1 - Value"].as_str(), card["E-mail 1 - Label"].as_str()),
            ("zoe@acme.example", "work")
        );
        assert_eq!(card["E-mail 2 - Label"], "home");
        assert_eq!(card["Phone 1 - Label"], "mobile");
        assert_eq!(card["Organization Name"], "Acme, Inc.");
        assert_eq!(card["Organization Department"], "Sales");
        assert_eq!(card["Address 1 - Street"], "Via Roma 1\nInterno 2");
        assert_eq!(card["Notes"], "one, two\nthree");
        assert!(!card.contains_key("Full Name"));
    }

    #[test]
    fn version_2_1_with_quoted_printable_and_a_charset_is_read() {
        let cards = cells(
            "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;\nTEL;CELL;PREF:0170 1234567\nADR;HOME;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:;;Stra=C3=9Fe =\n1;K=C3=B6ln;;50667;Germany\nEND:VCARD\nBEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:S=F8ren\n",
        );
        assert_eq!((cards[0]["Last Name"].as_str(), cards[0]["First Name"].as_str()), ("Müller", "Jörg"));
        assert_eq!(cards[0]["Address 1 - Street"], "Straße 1");
        assert_eq!(cards[1]["Full Name"], "Søren");
    }
}
