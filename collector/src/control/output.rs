//! What a command shows: a table, a record, a text or a file; the same as JSON.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::{Map, Value};

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Rows of the same kind.
    Table(Table),
    /// One thing with named parts.
    Record(Vec<(String, Cell)>),
    /// One sentence.
    Text(String),
    /// Bytes for a file that the command named, and a sentence about them.
    File {
        /// The bytes.
        bytes: ByteBuf,
        /// What they are.
        text: String,
    },
}

/// Rows under named columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The columns' names, as JSON has them.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// What to do or know, below the table.
    pub note: Option<String>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// Nothing is there or known.
    Empty,
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Adds a row; it has one cell per column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }
}

impl Cell {
    /// A cell of anything that prints.
    pub fn of(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// A cell of something that may be absent.
    pub fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or(Self::Empty, Self::of)
    }

    fn json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
            Self::Flag(flag) => Value::from(*flag),
            Self::List(items) => Value::from(items.clone()),
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("-"),
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

impl Output {
    /// A record of named parts.
    pub fn record<const N: usize>(parts: [(&str, Cell); N]) -> Self {
        Self::Record(
            parts
                .into_iter()
                .map(|(name, cell)| (name.to_owned(), cell))
                .collect(),
        )
    }

    /// Writes a [`Output::File`] to a new file; an existing one is not replaced.
    pub fn write_to(&self, path: &std::path::Path) -> Result<(), super::Failure> {
        let Self::File { bytes, .. } = self else {
            return Ok(());
        };
        let failed = |error: std::io::Error| {
            super::Failure::input(format!("{} cannot be written: {error}", path.display()))
        };
        let open = std::fs::File::options()
            .write(true)
            .create_new(true)
            .open(path);
        std::io::Write::write_all(&mut open.map_err(failed)?, bytes).map_err(failed)
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        match self {
            Self::Table(table) => table
                .rows
                .iter()
                .map(|row| object(table.columns.iter().zip(row)))
                .collect(),
            Self::Record(parts) => object(parts.iter().map(|(name, cell)| (name, cell))),
            Self::Text(text) | Self::File { text, .. } => Value::Object(Map::from_iter([(
                "message".to_owned(),
                text.as_str().into(),
            )])),
        }
    }

    /// The same for people.
    pub fn text(&self) -> String {
        match self {
            Self::Table(table) => table_text(table),
            Self::Record(parts) => {
                let width = parts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                let lines = parts.iter().map(|(name, cell)| {
                    format!("{:width$}  {}", name.replace('_', " "), visible(cell))
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Self::Text(text) | Self::File { text, .. } => text.clone(),
        }
    }
}

fn object<'a>(parts: impl Iterator<Item = (&'a String, &'a Cell)>) -> Value {
    Value::Object(
        parts
            .map(|(name, cell)| (name.clone(), cell.json()))
            .collect(),
    )
}

fn table_text(table: &Table) -> String {
    let mut shown = comfy_table::Table::new();
    shown.load_style(comfy_table::presets::NOTHING);
    shown.set_header(table.columns.iter().map(|name| name.replace('_', " ")));
    for row in &table.rows {
        shown.add_row(row.iter().map(visible));
    }
    let mut text = if table.rows.is_empty() {
        "(none)".to_owned()
    } else {
        shown.trim_fmt()
    };
    if let Some(note) = &table.note {
        text.push_str("\n\n");
        text.push_str(note);
    }
    text
}

/// Text that came from a machine or a vendor must not steer the terminal.
fn visible(cell: &Cell) -> String {
    let harmless = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    cell.to_string().chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_rows_for_people_and_objects_for_programs() {
        let mut table = Table::new(&["name", "machines"]);
        table.row(vec![Cell::of("icu-3"), Cell::Number(4)]);
        let output = Output::Table(table);
        assert_eq!(
            output.json().to_string(),
            r#"[{"machines":4,"name":"icu-3"}]"#
        );
        assert!(output.text().contains("icu-3"));
    }

    #[test]
    fn a_hostile_name_does_not_steer_the_terminal() {
        let output = Output::record([("name", Cell::of("evil\u{1b}[2J"))]);
        assert!(!output.text().contains('\u{1b}'));
    }
}
