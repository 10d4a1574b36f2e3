//! Tables that hospitals and vendors hand over: CSV in any dialect, and workbooks.
//!
//! What is read keeps its limits, and what is written of it is read as the same cells.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_collector::sheet::{MAX_CELL_BYTES, MAX_COLUMNS, MAX_ROWS, Sheet, csv, formula, xlsx};

fn bounded(sheet: &Sheet) {
    assert!(sheet.rows.len() <= MAX_ROWS);
    for row in &sheet.rows {
        assert!(row.cells.len() <= MAX_COLUMNS);
        for cell in &row.cells {
            assert!(cell.len() <= MAX_CELL_BYTES);
            // A spreadsheet carries nothing out of what we write.
            let neutral = formula::neutral(cell);
            assert!(!neutral.starts_with(['=', '+', '-', '@']));
            assert_eq!(formula::meant(&neutral), cell);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    if xlsx::is_workbook(bytes) {
        if let Ok(sheets) = xlsx::read(bytes) {
            sheets.iter().for_each(bounded);
        }
        return;
    }
    for separator in [None, Some(','), Some('\t')] {
        let Ok(sheet) = csv::read(bytes, None, separator) else {
            continue;
        };
        bounded(&sheet);
        let rows: Vec<Vec<String>> = sheet.rows.iter().map(|row| row.cells.clone()).collect();
        let written = csv::write(rows.iter().map(Vec::as_slice), ',');
        let _ = csv::read(&written, None, Some(','));
    }
});
