//! Tables that hospitals and vendors hand over as files: bounded bytes in, rows of text
//! out, and text back into bytes. Values in, values out; nothing in a cell is ever
//! carried out.

pub mod csv;
mod error;
pub mod formula;
pub mod text;
pub mod xlsx;

pub use error::SheetError;

/// Largest file. A row of an asset list takes about 300 bytes, so 50,000 of them are
/// 15 MB; the answers of a vendor are 200 kB.
pub const MAX_SHEET_BYTES: usize = 32 * 1024 * 1024;
/// Most rows of a file: twice the machines and devices of the largest hospital group.
pub const MAX_ROWS: usize = 100_000;
/// Most columns of a row: exports of equipment databases have up to about 120.
pub const MAX_COLUMNS: usize = 512;
/// Most cells in all. Empty ones cost memory too, and a file of commas has nothing else.
pub const MAX_CELLS: usize = 4_000_000;
/// Longest cell, in bytes: what a spreadsheet's cell holds (32,767 characters) in the
/// longest encoding.
pub const MAX_CELL_BYTES: usize = 128 * 1024;
/// Most bytes of text in all: what the longest list of assets has, several times.
pub const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// One row as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// The line on which it begins, from 1; in a spreadsheet its row.
    pub line: usize,
    /// Its cells, without blanks around them.
    pub cells: Vec<String>,
}

/// The rows of one sheet. Rows without any text are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Its name; empty in a CSV file.
    pub name: String,
    /// Its rows.
    pub rows: Vec<SheetRow>,
    /// How the bytes were read, for people.
    pub read_as: String,
}

/// Counts what is read, so that no file makes us hold more than its limits.
#[derive(Debug, Default)]
struct Limits {
    rows: usize,
    cells: usize,
    bytes: usize,
}

impl Limits {
    /// Counts a cell's text as it is taken: many cells may name one long text.
    fn text(&mut self, text: &str) -> Result<(), SheetError> {
        self.bytes += text.len();
        match self.bytes > MAX_TEXT_BYTES {
            true => Err(SheetError::TooMany("bytes of text", MAX_TEXT_BYTES)),
            false => Ok(()),
        }
    }

    fn row(&mut self, row: &SheetRow) -> Result<(), SheetError> {
        self.rows += 1;
        self.cells += row.cells.len();
        if self.rows > MAX_ROWS {
            return Err(SheetError::TooMany("rows", MAX_ROWS));
        }
        if self.cells > MAX_CELLS {
            return Err(SheetError::TooMany("cells", MAX_CELLS));
        }
        if row.cells.len() > MAX_COLUMNS {
            return Err(SheetError::TooWide(row.line));
        }
        Ok(())
    }
}

/// A cell on one line: every run of blanks and line ends becomes one space.
fn one_line(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}
