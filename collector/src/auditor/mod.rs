//! What auditors read of evidence: one row per job, as a table for spreadsheets and as paper.
//! Pure: rows are made of what a pack proves, and of what the collector adds to it.

mod paper;
mod row;

pub use paper::{Sheet, pdf};
pub use row::{Aside, COLUMNS, Row, Said, rows};

use crate::sheet::csv;

/// Rows for a spreadsheet; no cell is a formula there.
pub fn csv(rows: &[Row]) -> Vec<u8> {
    let titles = COLUMNS.map(str::to_owned);
    let cells = rows.iter().map(|row| row.cells.as_slice());
    csv::write(std::iter::once(titles.as_slice()).chain(cells), ',')
}

#[cfg(test)]
mod tests;
