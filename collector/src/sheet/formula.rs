//! Cells that a spreadsheet program would take for a formula.
//!
//! We keep such text as text. What we write gets an apostrophe before it, which tells
//! those programs that it is text; the same mark is taken off again when it is read, so
//! that a list which we wrote is read as it was.

/// What begins a formula, or hides its beginning; the last four are the wide forms, which
/// programs take for the same in some languages.
const BEGINS: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(BEGINS)
}

/// A cell as it may stand in a file of ours.
pub fn neutral(cell: &str) -> String {
    match is_formula(cell) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

/// A cell of somebody's file as it was meant.
pub fn meant(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text_and_comes_back() {
        for formula in [
            "=1+1",
            "+49 30 1",
            "-5",
            "@SUM(A1)",
            "'=x",
            "''-",
            "\u{ff1d}1",
        ] {
            let written = neutral(formula);
            assert!(written.starts_with('\''), "{written}");
            assert_eq!(meant(&written), formula);
        }
        for plain in ["", "icu-3", "a=b", "'quoted'", "'"] {
            assert_eq!(neutral(plain), plain);
            assert_eq!(meant(plain), plain);
        }
    }
}
