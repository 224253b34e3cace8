//! Delimited text: finds the delimiter and the header, then reads rows of any length. Refuses nothing that has at least one line.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord, Trim};
use kith_base::limits::TEXT_BYTES_MAX;

use super::{Content, Format, Row, Table, distinct};
use crate::{ExchangeError, map::shape};

const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Text that decides about the delimiter.
const SNIFF_BYTES: usize = 64 * 1024;
const SNIFF_RECORDS: usize = 60;

/// Lines above the header that are titles of the sheet, at most.
const PREAMBLE_MAX: usize = 5;

pub(super) fn open<'a>(text: Cow<'a, str>, delimiter: Option<&str>) -> Result<Table<'a>, ExchangeError> {
    let mut notes = Vec::new();
    let mut body_at = 0;
    let mut lines_before = 0;
    let mut delimiter = delimiter.map(named).transpose()?.flatten();
    // Excel writes its delimiter into the first line.
    let first = text.lines().next().unwrap_or_default();
    if let Some(stated) = first.strip_prefix("sep=").and_then(|rest| rest.bytes().next()) {
        delimiter = delimiter.or(Some(stated)).filter(|d| CANDIDATES.contains(d));
        body_at = after_line(&text, 0);
        lines_before = 1;
    }
    let body = text.get(body_at..).unwrap_or_default();
    let delimiter = delimiter.unwrap_or_else(|| sniff(body));
    let head = records(clip(body), delimiter, PREAMBLE_MAX + 3);
    let Some(header_at) = header_row(&head) else { return Err(ExchangeError::Empty) };
    if header_at > 0 {
        notes.push(format!("{header_at} line(s) above the header were left out"));
    }
    let (record, start) = &head[header_at];
    let mut header: Vec<String> = record.iter().map(|cell| clean(cell).0.into_owned()).collect();
    if looks_like_data(record) {
        notes.push("the file has no header; the columns were numbered".into());
        header = header.iter().map(|_| String::new()).collect();
        body_at += start.0;
        lines_before += start.1.saturating_sub(1);
    } else {
        let next = head.get(header_at + 1).map_or(end_of(body, delimiter, header_at), |(_, at)| *at);
        body_at += next.0;
        lines_before += next.1.saturating_sub(1);
    }
    // Wider rows than the header: their extra cells need a name to be kept under.
    let wide = records(clip(text.get(body_at..).unwrap_or_default()), delimiter, SNIFF_RECORDS);
    let width = wide.iter().map(|(r, _)| r.len()).max().unwrap_or(0);
    let common = wide.iter().filter(|(r, _)| r.len() == width).count();
    if width > header.len() && common * 2 > wide.len() {
        header.resize(width, String::new());
    }
    Ok(Table {
        format: Format::Csv,
        encoding: "",
        delimiter: Some(char::from(delimiter)),
        header: distinct(header),
        notes,
        content: Content::Delimited { text, delimiter, body_at, first_line: lines_before + 1 },
    })
}

fn named(delimiter: &str) -> Result<Option<u8>, ExchangeError> {
    match delimiter {
        "" | "auto" => Ok(None),
        "tab" | "\t" | "\\t" => Ok(Some(b'\t')),
        "comma" => Ok(Some(b',')),
        "semicolon" => Ok(Some(b';')),
        "pipe" => Ok(Some(b'|')),
        one if one.len() == 1 && CANDIDATES.contains(&one.as_bytes()[0]) => Ok(Some(one.as_bytes()[0])),
        other => Err(ExchangeError::UnknownDelimiter(other.chars().take(20).collect())),
    }
}

fn after_line(text: &str, from: usize) -> usize {
    text.get(from..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| from + at + 1)
}

fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SNIFF_BYTES)).unwrap_or(text)
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(Trim::None)
        .from_reader(text.as_bytes())
}

/// Records with the byte and line they start at.
fn records(text: &str, delimiter: u8, limit: usize) -> Vec<(StringRecord, (usize, u64))> {
    let mut reader = reader(text, delimiter);
    let mut records = Vec::new();
    let mut record = StringRecord::new();
    while records.len() < limit && reader.read_record(&mut record).unwrap_or(false) {
        let at = record.position().map_or((0, 1), |p| (p.byte() as usize, p.line()));
        records.push((record.clone(), at));
    }
    records
}

fn end_of(text: &str, delimiter: u8, records_before: usize) -> (usize, u64) {
    let mut reader = reader(text, delimiter);
    let mut record = StringRecord::new();
    for _ in 0..=records_before {
        if !reader.read_record(&mut record).unwrap_or(false) {
            break;
        }
    }
    (reader.position().byte() as usize, reader.position().line())
}

/// The delimiter under which the records agree best about their number of cells.
fn sniff(text: &str) -> u8 {
    let text = clip(text);
    let score = |delimiter: u8| {
        let mut sizes: Vec<usize> = records(text, delimiter, SNIFF_RECORDS).iter().map(|(r, _)| r.len()).collect();
        // The last one may be cut.
        if sizes.len() > 2 {
            sizes.pop();
        }
        let total = sizes.len().max(1);
        let mode = sizes.iter().copied().max_by_key(|size| sizes.iter().filter(|s| *s == size).count()).unwrap_or(1);
        if mode < 2 {
            return 0.0;
        }
        let agree = sizes.iter().filter(|size| **size == mode).count() as f64 / total as f64;
        let header = if sizes.first() == Some(&mode) { 0.2 } else { 0.0 };
        agree + header + (mode as f64).min(50.0) / 500.0
    };
    let scored = CANDIDATES.iter().map(|d| (*d, score(*d)));
    scored.fold((b',', 0.0), |best, this| if this.1 > best.1 { this } else { best }).0
}

/// Skips title lines: records with one cell filled above one with several.
fn header_row(head: &[(StringRecord, (usize, u64))]) -> Option<usize> {
    let filled = |record: &StringRecord| record.iter().filter(|cell| !cell.trim().is_empty()).count();
    let widest = head.iter().map(|(r, _)| filled(r)).max().filter(|n| *n > 0)?;
    let wanted = if widest >= 3 { 2 } else { 1 };
    head.iter().take(PREAMBLE_MAX + 1).position(|(r, _)| filled(r) >= wanted)
}

/// Whether the first record is a row, not a header: nobody calls a column by an e-mail address, a date or an amount.
fn looks_like_data(record: &StringRecord) -> bool {
    let telling = record.iter().filter(|cell| {
        let cell = cell.trim();
        shape::is_email(cell)
            || shape::is_date(cell)
            || shape::is_url(cell)
            || (cell.len() > 1 && shape::is_number(cell))
    });
    telling.count() > 0
}

/// NULs come from broken exports and fit no field; removing them loses nothing a person wrote.
fn clean(cell: &str) -> (Cow<'_, str>, bool) {
    if cell.contains(['\0', '\u{FEFF}']) {
        (Cow::Owned(cell.replace(['\0', '\u{FEFF}'], "")), true)
    } else {
        (Cow::Borrowed(cell), false)
    }
}

/// Rows of the body, each brought to `width` cells.
pub(super) fn rows(body: &str, delimiter: u8, width: usize, first_line: u64) -> impl Iterator<Item = Row> + Send {
    let mut reader = reader(body, delimiter);
    let mut record = StringRecord::new();
    std::iter::from_fn(move || {
        loop {
            // Only broken UTF-8 and input errors fail here, and text from memory has neither.
            if !reader.read_record(&mut record).unwrap_or(false) {
                return None;
            }
            let line = record.position().map_or(1, csv::Position::line) + first_line - 1;
            let row = row(&record, line, width);
            if !row.is_blank() {
                return Some(row);
            }
        }
    })
}

fn row(record: &StringRecord, line: u64, width: usize) -> Row {
    let mut row = Row { line, cells: Vec::with_capacity(width), ..Row::default() };
    let mut cleaned = false;
    for cell in record.iter().take(width) {
        let (text, changed) = clean(cell);
        cleaned |= changed;
        if text.len() > TEXT_BYTES_MAX {
            row.remarks.push(format!(
                "a cell has {} bytes; is a quote left open? at most {TEXT_BYTES_MAX} fit into a field",
                text.len()
            ));
        }
        row.cells.push(text.into_owned());
    }
    if cleaned {
        row.remarks.push("NUL characters were removed".into());
    }
    let extra: Vec<&str> = record.iter().skip(width).filter(|cell| !cell.trim().is_empty()).collect();
    if !extra.is_empty() {
        let shown: String = extra.join(" | ").chars().take(200).collect();
        row.remarks.push(format!("the row has {} cells and the header {width}; left over: {shown}", record.len()));
    }
    row.cells.resize(width, String::new());
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::ReadOptions;

    fn open(text: &str) -> Table<'_> {
        Table::open(text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn the_delimiter_is_found_even_where_others_stand_in_quotes() {
        for (text, delimiter) in [
            ("a,b,c\n1,\"x;y;z\",3\n4,\"p;q;r\",6\n", ','),
            ("Nome;Importo;Città\nRossi;1.250,50;Roma\nBianchi;3,5;Milano\n", ';'),
            ("a\tb\n1, 2\t3\n4, 5\t6\n", '\t'),
            ("a|b|c\n1|2,0|3\n", '|'),
            ("sep=;\r\na;b\r\n1;2\r\n", ';'),
            ("Email\nx@y.example\n", ','),
        ] {
            assert_eq!(open(text).delimiter, Some(delimiter), "{text}");
        }
    }

    #[test]
    fn titles_above_the_header_are_left_out_and_lines_still_count() {
        let table = open("Contacts of 2026\n\nName,Email,City\n\"A\nB\",a@b.example,Rome\nC,c@d.example,Oslo\n");
        assert_eq!(table.header, ["Name", "Email", "City"]);
        let lines: Vec<u64> = table.rows().map(|r| r.line).collect();
        assert_eq!(lines, [4, 6]);
        assert_eq!(table.notes.len(), 1);
    }

    #[test]
    fn a_file_without_header_gets_numbered_columns_and_keeps_its_first_row() {
        let table = open("Anna,anna@x.example\nBo,bo@x.example\n");
        assert_eq!(table.header, ["Column 1", "Column 2"]);
        assert_eq!(table.rows().count(), 2);
    }

    #[test]
    fn ragged_rows_nuls_and_open_quotes_are_remarked_not_lost() {
        let table = open("a,b\n1\n1,2,3\nx\0y,z\n,\n\"open,1\n2,3\n");
        let rows: Vec<Row> = table.rows().collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0].cells, ["1", ""]);
        assert!(rows[1].remarks[0].contains("left over: 3"));
        assert_eq!(rows[2].cells[0], "xy");
        assert_eq!(rows[3].cells[0], "open,1\n2,3\n");
    }
}
