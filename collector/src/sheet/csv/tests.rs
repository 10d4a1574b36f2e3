//! What programs write, and what must not pass.

use super::*;
use crate::sheet::{MAX_CELLS, MAX_COLUMNS, MAX_ROWS};
use proptest::prelude::*;

fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let sheet = read(bytes, None, None).unwrap();
    sheet.rows.into_iter().map(|row| row.cells).collect()
}

fn refused(bytes: &[u8]) -> SheetError {
    read(bytes, None, None).unwrap_err()
}

#[test]
fn separators_and_line_ends_are_told() {
    let expected = [["tag", "model"], ["A-1", "CT"]];
    for text in [
        "tag,model\nA-1,CT\n",
        "tag;model\r\nA-1;CT",
        "tag\tmodel\rA-1\tCT\r",
        "sep=;\r\ntag;model\r\nA-1;CT\r\n",
        "\u{feff}tag;model\n\n;\nA-1; CT \n",
        "\"tag\" ,\"model\"\n\"A-1\",\"CT\"\n",
    ] {
        assert_eq!(cells(text.as_bytes()), expected, "{text:?}");
    }
    // A comma within quotation marks of the header separates nothing.
    assert_eq!(cells(b"\"a,b,c\";d\n1;2\n"), [["a,b,c", "d"], ["1", "2"]]);
}

#[test]
fn quoted_cells_keep_separators_marks_and_become_one_line() {
    let text = b"tag,place\nA-1,\"ward 3,\r\n\"\"bed\"\" 4\"\nA-2,12\" screen\n";
    let sheet = read(text, None, None).unwrap();
    assert_eq!(sheet.rows[1].cells, ["A-1", "ward 3, \"bed\" 4"]);
    assert_eq!(sheet.rows[2].cells, ["A-2", "12\" screen"]);
    // Lines are those of the file, also after a cell of two.
    let lines: Vec<_> = sheet.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 2, 4]);
}

#[test]
fn what_is_no_table_is_named_with_its_line() {
    assert_eq!(refused(b"a,b\n1,\"2\n3,4\n"), SheetError::Unclosed(2));
    let after = SheetError::AfterQuote { line: 2, column: 1 };
    assert_eq!(refused(b"a,b\n\"1\"x,2\n"), after);
    assert_eq!(refused(b"\n;\n"), SheetError::Empty);
    let wide = format!("a,b\n{}", ",".repeat(MAX_COLUMNS + 1));
    assert_eq!(refused(wide.as_bytes()), SheetError::TooWide(2));
    let long = format!("a,{}", "x".repeat(MAX_CELL_BYTES + 1));
    assert_eq!(refused(long.as_bytes()), SheetError::LongCell(1));
    let many = "a,b\n".repeat(MAX_ROWS + 1);
    let rows = SheetError::TooMany("rows", MAX_ROWS);
    assert_eq!(refused(many.as_bytes()), rows);
    let line = format!("{}\n", ",".repeat(MAX_COLUMNS - 1));
    let commas = line.repeat(MAX_CELLS / MAX_COLUMNS + 1);
    let cells = SheetError::TooMany("cells", MAX_CELLS);
    assert_eq!(refused(commas.as_bytes()), cells);
}

#[test]
fn no_cell_that_is_written_is_a_formula() {
    let row = ["=cmd|' /C calc'!A0".to_owned(), "a;b".into(), "-1".into()];
    let text = String::from_utf8(write([&row[..]], ',')).unwrap();
    assert_eq!(text, "\u{feff}'=cmd|' /C calc'!A0,\"a;b\",'-1\r\n");
}

/// Whatever a program might take for the beginning of a formula, in every separator's file:
/// the first character of the cell is an apostrophe, behind the quotation mark or not.
#[test]
fn every_beginning_of_a_formula_is_neutral_and_comes_back() {
    for begin in [
        "=", "+", "-", "@", "\t=", "\r=", "\n=", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}",
    ] {
        for separator in SEPARATORS {
            let row = ["tag".to_owned(), format!("{begin}1+1{separator}\"x\"")];
            let bytes = write([&row[..]], separator);
            let text = String::from_utf8(bytes.clone()).unwrap();
            let cell = text.split_once(separator).unwrap().1;
            assert!(cell.starts_with("\"'"), "{cell:?}");
            let sheet = read(&bytes, None, Some(separator)).unwrap();
            let found = &sheet.rows[0].cells[1];
            if !begin.starts_with(char::is_whitespace) {
                assert_eq!(found, &one_line(&row[1]));
            }
        }
    }
}

proptest! {
    /// What we write, we read as it was.
    #[test]
    fn what_is_written_is_read(
        rows in proptest::collection::vec(
            proptest::collection::vec("[a-z=+\\-@'\",; ]{0,8}", 2..5), 1..5),
        separator in proptest::sample::select(&SEPARATORS[..]),
    ) {
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|row| row.iter().map(|cell| one_line(cell)).collect())
            .collect();
        let written = write(rows.iter().map(Vec::as_slice), separator);
        let has_text = |row: &&Vec<String>| row.iter().any(|cell| !cell.is_empty());
        let expected: Vec<_> = rows.iter().filter(has_text).cloned().collect();
        match read(&written, None, Some(separator)) {
            Ok(sheet) => {
                let found: Vec<_> = sheet.rows.into_iter().map(|row| row.cells).collect();
                prop_assert_eq!(found, expected);
            }
            Err(error) => {
                prop_assert_eq!(error, SheetError::Empty);
                prop_assert!(expected.is_empty());
            }
        }
    }

    /// Whatever bytes come, they are read or refused.
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&bytes, None, None));
    }
}
