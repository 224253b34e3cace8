//! The file of rows that need a second look: the original columns, what became of the row, and why. It can be mended and imported
//! again as it is.

use super::report::{Problem, RowAction};
use crate::read::Row;

/// Headers of the two columns behind the original ones; an import of the file leaves them out.
pub const RESULT: &str = "Import result";
pub const REASON: &str = "Import reason";

/// Bytes of the file. A file this large is refused as a whole by whoever looks at it.
const BYTES_MAX: usize = 64 * 1024 * 1024;

pub struct Refused {
    header: Vec<String>,
    writer: Option<csv::Writer<Vec<u8>>>,
    bytes: usize,
}

impl Default for Refused {
    fn default() -> Self {
        Refused::new(&[])
    }
}

impl Refused {
    pub fn new(header: &[String]) -> Refused {
        // Written again, the file must not grow by two columns each time.
        Refused { header: header.to_vec(), writer: None, bytes: 0 }
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Takes a row that was refused or lost something.
    pub fn add(&mut self, row: &Row, action: RowAction, problems: &[Problem]) {
        if (problems.is_empty() && row.remarks.is_empty()) || self.bytes > BYTES_MAX {
            return;
        }
        let result = match action {
            RowAction::Refuse => "refused",
            RowAction::Skip => "skipped",
            RowAction::Create | RowAction::Update => "imported, with something left out",
        };
        let said =
            |p: &Problem| if p.column.is_empty() { p.message.clone() } else { format!("{}: {}", p.column, p.message) };
        let mut reasons: Vec<String> = problems.iter().map(said).collect();
        for remark in &row.remarks {
            if !reasons.contains(remark) {
                reasons.push(remark.clone());
            }
        }
        let reason = reasons.join("; ");
        let keep: Vec<usize> =
            (0..self.header.len()).filter(|at| self.header[*at] != RESULT && self.header[*at] != REASON).collect();
        let writer = self.writer.get_or_insert_with(|| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let header = keep.iter().map(|at| self.header[*at].as_str()).chain([RESULT, REASON]);
            // Writing into memory cannot fail.
            let _ = writer.write_record(header);
            writer
        });
        let cells = keep.iter().map(|at| row.cells.get(*at).map_or("", String::as_str));
        self.bytes += row.cells.iter().map(String::len).sum::<usize>() + reason.len();
        // A record of the header's width into memory cannot fail.
        let _ = writer.write_record(cells.chain([result, reason.as_str()]));
    }

    /// The file; none where nothing was refused and nothing left out.
    pub fn finish(self) -> Option<Vec<u8>> {
        self.writer.and_then(|writer| writer.into_inner().ok())
    }
}
