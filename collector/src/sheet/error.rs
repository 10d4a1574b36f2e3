//! Why a file is not read as a table.

use super::{MAX_CELL_BYTES, MAX_COLUMNS, MAX_SHEET_BYTES};

/// Why a file is not read as a table. Nothing was changed by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Nothing in it.
    #[error("the file is empty; export it again")]
    Empty,
    /// More bytes than a table has.
    #[error("the file is larger than {MAX_SHEET_BYTES} bytes; split it, or export fewer columns")]
    TooLarge,
    /// More rows or cells than allowed.
    #[error("the file has more than {1} {0}; split it, or export fewer columns")]
    TooMany(&'static str, usize),
    /// A row with more cells than a table has columns.
    #[error(
        "line {0} has more than {MAX_COLUMNS} columns; is the separator right? Say it with --separator"
    )]
    TooWide(usize),
    /// A cell that is longer than a cell can be.
    #[error(
        "a cell that begins on line {0} is longer than {MAX_CELL_BYTES} bytes; is a quotation mark missing there?"
    )]
    LongCell(usize),
    /// A quoted cell without its end.
    #[error("the quotation mark on line {0} is never closed; close it, or double it within a cell")]
    Unclosed(usize),
    /// Text between the end of a quoted cell and the next separator.
    #[error(
        "line {line}, column {column}: there is text after a closing quotation mark; double the marks within a cell"
    )]
    AfterQuote {
        /// The line.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// Bytes that the encoding which was asked for does not have.
    #[error("the file is not UTF-8 (byte {0}); leave --encoding out, or say cp1252")]
    NotUtf8(usize),
    /// No spreadsheet, or a damaged one.
    #[error(
        "the file is no whole XLSX workbook ({0}); open it in the program that made it, and save it again as .xlsx or as CSV"
    )]
    Workbook(String),
    /// A workbook that unpacks to far more than it may.
    #[error("the workbook unpacks to more than {0} bytes; no answers or lists are as large")]
    Bomb(u64),
}
