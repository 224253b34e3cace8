//! From bytes to rows of cells: encoding, format, delimiter, header. Knows no object and no field, and never fails on what a row
//! holds: what is odd about a row becomes a remark beside it.

mod delimited;
pub mod encoding;
mod jsonl;
mod vcard;

use std::{borrow::Cow, fmt};

use serde_json::Value as Json;

use crate::ExchangeError;

/// Columns of one file. Wide exports have a few hundred; beyond this somebody lost a line break.
pub const COLUMNS_MAX: usize = 1_000;

/// What the file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Vcard,
    Jsonl,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "csv",
            Format::Vcard => "vcard",
            Format::Jsonl => "jsonl",
        })
    }
}

/// How to read a file, where the caller knows better than the sniffing.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// A label such as `utf-16le` or `windows-1252`.
    pub encoding: Option<String>,
    /// One character, or `tab`.
    pub delimiter: Option<String>,
}

/// A file as rows under headers. Rows are read anew by each `rows()`, so a large CSV is never held twice.
#[derive(Debug)]
pub struct Table<'a> {
    pub format: Format,
    /// Name of the encoding the bytes were in.
    pub encoding: &'static str,
    pub delimiter: Option<char>,
    /// One per column; never empty, never twice the same.
    pub header: Vec<String>,
    /// What was odd about the file as a whole, as sentences.
    pub notes: Vec<String>,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Delimited { text: Cow<'a, str>, delimiter: u8, body_at: usize, first_line: u64 },
    Rows(Vec<Row>),
}

/// One row; as many cells as the table has headers.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Line of the file it starts on, from 1; of a vCard or JSON line as well.
    pub line: u64,
    pub cells: Vec<String>,
    /// The values behind the cells, where the file holds JSON. Empty otherwise.
    pub json: Vec<Json>,
    /// What was odd about the row, as sentences.
    pub remarks: Vec<String>,
}

impl Row {
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

impl<'a> Table<'a> {
    /// Finds out what the bytes are and reads the header.
    ///
    /// # Errors
    /// `import.empty`, `import.not_understood`, `import.unknown_encoding`, `import.unknown_delimiter`, `import.too_many_columns`.
    pub fn open(bytes: &'a [u8], options: &ReadOptions) -> Result<Table<'a>, ExchangeError> {
        let decoded = encoding::decode(bytes, options.encoding.as_deref())?;
        if decoded.text.trim().is_empty() {
            return Err(ExchangeError::Empty);
        }
        let mut table = match format_of(&decoded.text) {
            Format::Vcard => vcard::open(&decoded.text)?,
            Format::Jsonl => jsonl::open(&decoded.text)?,
            Format::Csv => delimited::open(decoded.text, options.delimiter.as_deref())?,
        };
        if table.header.len() > COLUMNS_MAX {
            return Err(ExchangeError::TooManyColumns { found: table.header.len(), max: COLUMNS_MAX });
        }
        table.encoding = decoded.name;
        table.notes.splice(0..0, decoded.notes);
        Ok(table)
    }

    /// Every row that holds anything, in order.
    pub fn rows(&self) -> Box<dyn Iterator<Item = Row> + Send + '_> {
        match &self.content {
            Content::Delimited { text, delimiter, body_at, first_line } => {
                let body = text.get(*body_at..).unwrap_or_default();
                Box::new(delimited::rows(body, *delimiter, self.header.len(), *first_line))
            }
            Content::Rows(rows) => Box::new(rows.iter().cloned()),
        }
    }
}

fn format_of(text: &str) -> Format {
    let start = text.trim_start();
    if start.get(..11).is_some_and(|s| s.eq_ignore_ascii_case("BEGIN:VCARD")) {
        return Format::Vcard;
    }
    let line = start.lines().next().unwrap_or_default();
    if line.starts_with('{') && serde_json::from_str::<Json>(line).is_ok_and(|json| json.is_object()) {
        return Format::Jsonl;
    }
    Format::Csv
}

/// Headers that can be told apart: blanks get a name, repeated ones a number.
fn distinct(headers: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut distinct = Vec::with_capacity(headers.len());
    for (at, header) in headers.into_iter().enumerate() {
        let trimmed = header.trim();
        let name = if trimmed.is_empty() { format!("Column {}", at + 1) } else { trimmed.to_string() };
        let mut unique = name.clone();
        let mut number = 2;
        while !seen.insert(unique.clone()) {
            unique = format!("{name} ({number})");
            number += 1;
        }
        distinct.push(unique);
    }
    distinct
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_file_is_refused_with_a_next_step() {
        for bytes in [&b""[..], b"\xEF\xBB\xBF", b"\r\n\r\n  "] {
            let error = Table::open(bytes, &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), "import.empty");
        }
    }

    #[test]
    fn repeated_and_blank_headers_get_names_of_their_own() {
        let names = distinct(vec!["A".into(), " ".into(), "A".into(), "A (2)".into()]);
        assert_eq!(names, ["A", "Column 2", "A (2)", "A (2) (2)"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            if let Ok(table) = Table::open(&bytes, &ReadOptions::default()) {
                for row in table.rows() {
                    prop_assert_eq!(row.cells.len(), table.header.len());
                }
            }
        }

        #[test]
        fn no_text_after_a_card_or_brace_makes_reading_panic(text in "(BEGIN:VCARD\n|\\{|\")(\\PC|[\n;:=,\"]){0,300}") {
            if let Ok(table) = Table::open(text.as_bytes(), &ReadOptions::default()) {
                prop_assert!(table.rows().all(|row| row.cells.len() == table.header.len()));
            }
        }
    }
}
