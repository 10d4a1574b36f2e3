//! Documents in plain words, as they are shown before they are signed.

mod archive;
mod custodian;
mod documents;
mod evidence;
mod plan;
mod release;

pub(crate) use archive::archive;
pub(crate) use custodian::{custodian_draft, custodian_root};
pub(crate) use documents::{Described, assignment, describe};
pub(crate) use evidence::evidence;
pub(crate) use plan::{findings, plan, signed_by};

use comfy_table::{ContentArrangement, Table, presets};

/// Columns of a table that is not on a terminal; none of its content is cut.
const WIDE: u16 = 160;

/// A table for people.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDE);
    table.set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| plain(&cell)));
    }
    table.trim_fmt()
}

/// Text from outside without what a terminal would obey; line breaks stay.
pub(crate) fn plain(text: &str) -> String {
    let safe = text.chars().map(|c| match c {
        '\n' => c,
        // Marks that turn the direction of writing would let a text show as another.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
        c if c.is_control() => '?',
        c => c,
    });
    safe.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_from_outside() {
        assert_eq!(plain("a\u{1b}[2Jb\tc\u{202e}d"), "a?[2Jb?c?d");
        let shown = table(["x"], vec![["\u{1b}[31mred".into()]]);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
