//! CSV as RFC 4180 has it, with what programs really write: `,`, `;` or tab, CR LF or LF,
//! a mark at the beginning, quotation marks within a cell that is not quoted.
//!
//! A reader of our own, because a quotation mark that is never closed must be an error
//! with its line: lenient readers swallow the rest of the list as one cell.

use super::text::{self, Encoding};
use super::{Limits, MAX_CELL_BYTES, Sheet, SheetError, SheetRow, formula, one_line};
use std::iter::Peekable;
use std::str::Chars;

/// What may stand between cells, in the order in which they are tried.
pub const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// Reads a separator's word: itself, or its name.
pub fn separator(word: &str) -> Result<char, String> {
    match word {
        "," | "comma" => Ok(','),
        ";" | "semicolon" => Ok(';'),
        "\t" | "tab" => Ok('\t'),
        _ => Err("a separator is comma, semicolon or tab".to_owned()),
    }
}

/// Reads a file. What is not asked for is told from its beginning.
///
/// # Errors
/// Where it is no table, or more than a table may be.
pub fn read(
    bytes: &[u8],
    encoding: Option<Encoding>,
    separator: Option<char>,
) -> Result<Sheet, SheetError> {
    let (text, encoding) = text::decode(bytes, encoding)?;
    let (stated, rest) = stated_separator(&text);
    let separator = separator.or(stated).unwrap_or_else(|| likely(rest));
    let skipped = usize::from(stated.is_some());
    let rows = Reader {
        chars: rest.chars().peekable(),
        separator,
        line: 1 + skipped,
        limits: Limits::default(),
    }
    .rows()?;
    let name = match separator {
        '\t' => "tabs".to_owned(),
        other => format!("\"{other}\""),
    };
    Ok(Sheet {
        name: String::new(),
        rows,
        read_as: format!("{encoding}, {name} between cells"),
    })
}

/// Some programs write `sep=;` as the first line.
fn stated_separator(text: &str) -> (Option<char>, &str) {
    let first = text.lines().next().unwrap_or_default();
    let stated = first.trim_end_matches('\r').strip_prefix("sep=");
    let stated = stated.and_then(|word| word.chars().next());
    match stated.filter(|separator| SEPARATORS.contains(separator)) {
        Some(separator) => {
            let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
            (Some(separator), rest)
        }
        None => (None, text),
    }
}

/// The separator that stands most often in the first line, outside of quotation marks.
fn likely(text: &str) -> char {
    let mut counts = [0usize; SEPARATORS.len()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted && counts != [0; SEPARATORS.len()] => break,
            _ if !quoted => {
                if let Some(at) = SEPARATORS.iter().position(|one| *one == c) {
                    counts[at] += 1;
                }
            }
            _ => {}
        }
    }
    let pairs = SEPARATORS.into_iter().zip(counts).rev();
    let most = pairs.max_by_key(|(_, count)| *count);
    most.map_or(',', |(separator, _)| separator)
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    separator: char,
    line: usize,
    limits: Limits,
}

impl Reader<'_> {
    fn rows(mut self) -> Result<Vec<SheetRow>, SheetError> {
        let mut rows = Vec::new();
        while self.chars.peek().is_some() {
            let row = self.row()?;
            self.limits.row(&row)?;
            if row.cells.iter().any(|cell| !cell.is_empty()) {
                rows.push(row);
            }
        }
        match rows.is_empty() {
            true => Err(SheetError::Empty),
            false => Ok(rows),
        }
    }

    fn row(&mut self) -> Result<SheetRow, SheetError> {
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            let cell = match self.chars.peek() {
                Some('"') => self.quoted(cells.len() + 1)?,
                _ => self.plain()?,
            };
            cells.push(formula::meant(&one_line(&cell)).to_owned());
            match self.chars.next() {
                Some(c) if c == self.separator => {
                    if cells.len() > super::MAX_COLUMNS {
                        return Err(SheetError::TooWide(line));
                    }
                }
                Some('\r') => {
                    self.chars.next_if_eq(&'\n');
                    break;
                }
                _ => break,
            }
        }
        self.line += 1;
        Ok(SheetRow { line, cells })
    }

    /// Up to the separator or the end of the line, which stay.
    fn plain(&mut self) -> Result<String, SheetError> {
        let mut cell = String::new();
        let separator = self.separator;
        let goes_on = |c: &char| *c != separator && *c != '\n' && *c != '\r';
        while let Some(c) = self.chars.next_if(goes_on) {
            push(&mut cell, c, self.line)?;
        }
        Ok(cell)
    }

    /// A quoted cell with both marks.
    fn quoted(&mut self, column: usize) -> Result<String, SheetError> {
        let begun = self.line;
        self.chars.next();
        let mut cell = String::new();
        loop {
            match self.chars.next() {
                None => return Err(SheetError::Unclosed(begun)),
                Some('"') if self.chars.next_if_eq(&'"').is_some() => push(&mut cell, '"', begun)?,
                Some('"') => break,
                Some(c) => {
                    self.line += usize::from(c == '\n');
                    push(&mut cell, c, begun)?;
                }
            }
        }
        while self.separator != '\t' && self.chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        match self.chars.peek() {
            None | Some('\r' | '\n') => Ok(cell),
            Some(c) if *c == self.separator => Ok(cell),
            Some(_) => Err(SheetError::AfterQuote {
                line: self.line,
                column,
            }),
        }
    }
}

fn push(cell: &mut String, c: char, line: usize) -> Result<(), SheetError> {
    cell.push(c);
    match cell.len() > MAX_CELL_BYTES {
        true => Err(SheetError::LongCell(line)),
        false => Ok(()),
    }
}

/// Rows as a file: UTF-8 with its mark, which spreadsheet programs ask for, CR LF, and no
/// cell that such a program would take for a formula.
pub fn write<'a>(rows: impl IntoIterator<Item = &'a [String]>, separator: char) -> Vec<u8> {
    let mut bytes = String::from('\u{feff}').into_bytes();
    bytes.extend(more(rows, separator));
    bytes
}

/// More rows of a file that [`write`] began.
pub fn more<'a>(rows: impl IntoIterator<Item = &'a [String]>, separator: char) -> Vec<u8> {
    let mut text = String::new();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                text.push(separator);
            }
            let cell = formula::neutral(cell);
            let is_plain = !cell.contains(['"', '\r', '\n', ',', ';', '\t']);
            match is_plain {
                true => text.push_str(&cell),
                false => text.push_str(&format!("\"{}\"", cell.replace('"', "\"\""))),
            }
        }
        text.push_str("\r\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests;
