//! Workbooks (XLSX). They are ZIP files of XML: unpacked once within limits before the
//! reader sees them, whatever sizes they claim. Cells come one by one, so a single cell in
//! the last corner costs nothing; formulas are never calculated, their last value counts.

use super::{Limits, MAX_CELL_BYTES, MAX_CELLS, MAX_COLUMNS, MAX_SHEET_BYTES};
use super::{Sheet, SheetError, SheetRow, formula, one_line};
use calamine::{DataRef, Reader as _, SheetType, Xlsx, XlsxError};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

/// Most bytes that a workbook unpacks to: 40 times what the answers of a vendor take.
pub const MAX_UNPACKED_BYTES: u64 = 64 * 1024 * 1024;
/// Most files within a workbook; a sheet has about ten.
pub const MAX_PARTS: usize = 512;
/// Most sheets that are read.
const MAX_SHEETS: usize = 32;

/// Whether the bytes are those of a ZIP file, as every workbook's are.
pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
}

/// Reads every sheet of a workbook that has text.
///
/// # Errors
/// Where it is none, is damaged, or is more than a workbook may be.
pub fn read(bytes: &[u8]) -> Result<Vec<Sheet>, SheetError> {
    if bytes.len() > MAX_SHEET_BYTES {
        return Err(SheetError::TooLarge);
    }
    unpacks(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut limits = Limits::default();
    let mut sheets = Vec::new();
    // A sheet of charts alone, or a dialogue, has no cells.
    let kinds = book.sheets_metadata().iter();
    let tables = kinds.filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names: Vec<String> = tables.map(|sheet| sheet.name.clone()).collect();
    for name in names.into_iter().take(MAX_SHEETS) {
        let rows = rows(&mut book, &name, &mut limits)?;
        if !rows.is_empty() {
            sheets.push(Sheet {
                read_as: format!("sheet \"{name}\" of a workbook"),
                name,
                rows,
            });
        }
    }
    match sheets.is_empty() {
        true => Err(SheetError::Empty),
        false => Ok(sheets),
    }
}

fn damaged(error: impl std::fmt::Display) -> SheetError {
    SheetError::Workbook(error.to_string())
}

fn damaged_sheet(name: &str, error: &impl std::fmt::Display) -> SheetError {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    SheetError::Workbook(format!("its sheet \"{name}\": {error}"))
}

/// Unpacks all parts into nothing: what they claim to be is not believed.
fn unpacks(bytes: &[u8]) -> Result<(), SheetError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > MAX_PARTS {
        return Err(SheetError::TooMany("parts", MAX_PARTS));
    }
    let mut left = MAX_UNPACKED_BYTES;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(damaged)?;
        let mut part = part.take(left + 1);
        let read = std::io::copy(&mut part, &mut std::io::sink()).map_err(damaged)?;
        left = left
            .checked_sub(read)
            .ok_or(SheetError::Bomb(MAX_UNPACKED_BYTES))?;
    }
    Ok(())
}

fn rows(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    limits: &mut Limits,
) -> Result<Vec<SheetRow>, SheetError> {
    let reader = book.worksheet_cells_reader(name);
    let mut reader = reader.map_err(|error| damaged_sheet(name, &error))?;
    let mut found: BTreeMap<u32, SheetRow> = BTreeMap::new();
    let mut held = 0;
    let cut_off = |error: XlsxError| damaged_sheet(name, &error);
    while let Some(cell) = reader.next_cell().map_err(cut_off)? {
        let (row, column) = cell.get_position();
        let text = text(cell.get_value());
        if text.len() > MAX_CELL_BYTES {
            return Err(SheetError::LongCell(row as usize + 1));
        }
        let text = one_line(&text);
        if text.is_empty() {
            continue;
        }
        limits.text(&text)?;
        let column = column as usize;
        if column >= MAX_COLUMNS {
            return Err(SheetError::TooWide(row as usize + 1));
        }
        let entry = found.entry(row).or_insert_with(|| SheetRow {
            line: row as usize + 1,
            cells: Vec::new(),
        });
        if entry.cells.len() <= column {
            held += column + 1 - entry.cells.len();
            entry.cells.resize(column + 1, String::new());
        }
        entry.cells[column] = formula::meant(&text).to_owned();
        if held > MAX_CELLS {
            return Err(SheetError::TooMany("cells", MAX_CELLS));
        }
    }
    let rows: Vec<SheetRow> = found.into_values().collect();
    for row in &rows {
        limits.row(row)?;
    }
    Ok(rows)
}

/// A value as people read it in the sheet: whole numbers without a point, dates as dates.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(true) => "Yes".to_owned(),
        DataRef::Bool(false) => "No".to_owned(),
        DataRef::DateTime(at) if at.is_datetime() => {
            let (year, month, day, ..) = at.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::DateTime(at) => at.as_f64().to_string(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

#[cfg(test)]
mod tests;
