//! What a command shows: a table, a record, a text or a file; the same as JSON.

pub use super::heading::heading;
use super::{Failure, is_no_room};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Rows of the same kind.
    Table(Table),
    /// One thing with named parts.
    Record(Vec<(String, Cell)>),
    /// One thing with named parts and with lists under it.
    Report(Report),
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

/// One thing with its lists. Programs get one object with all of it; people each list as a
/// table under its name, and a text that says the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its parts by name.
    pub parts: Vec<(String, Cell)>,
    /// Its lists by name.
    pub lists: Vec<(String, Table)>,
    /// What people read of it below the lists.
    pub text: String,
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
    /// An instant: programs get it in UTC, people as the clock on their wall has it.
    Moment {
        /// The instant.
        at: UtcMs,
        /// In local time, with UTC beside it.
        local: String,
    },
    /// A state: programs get its word, people what it means here.
    Worded {
        /// The word.
        word: String,
        /// What people read.
        words: String,
    },
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Adds a row; it has one cell per column.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }
}

impl Report {
    /// A report with these parts.
    pub fn new<const N: usize>(parts: [(&str, Cell); N], text: impl Into<String>) -> Self {
        Self {
            parts: parts.map(|(name, cell)| (name.to_owned(), cell)).into(),
            lists: Vec::new(),
            text: text.into(),
        }
    }

    /// The list of this name.
    pub fn list(&self, name: &str) -> Option<&Table> {
        let found = self.lists.iter().find(|(known, _)| known == name);
        found.map(|(_, table)| table)
    }

    /// The same with a list.
    pub fn with(mut self, name: &str, list: Table) -> Self {
        self.lists.push((name.to_owned(), list));
        self
    }
}

impl Cell {
    /// A cell of anything that prints.
    pub fn of(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// A state whose word alone would mislead people.
    pub fn worded(word: &str, words: String) -> Self {
        let word = word.to_owned();
        Self::Worded { word, words }
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
            Self::Moment { at, .. } => Value::from(at.to_string()),
            Self::Worded { word, .. } => Value::from(word.as_str()),
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
            Self::Moment { local, .. } => f.write_str(local),
            Self::Worded { words, .. } => f.write_str(words),
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
    ///
    /// # Errors
    /// Where it is there, cannot be made, or the disk is full; then nothing of it is left.
    pub fn write_to(&self, path: &Path) -> Result<(), Failure> {
        let Self::File { bytes, .. } = self else {
            return Ok(());
        };
        let open = File::options().write(true).create_new(true).open(path);
        let written = open.and_then(|mut file| {
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            // A half file of ours is worth nothing; the error says the rest.
            written.inspect_err(|_| drop(std::fs::remove_file(path)))
        });
        written.map_err(|error| not_written(path, &error))
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        match self {
            Self::Table(table) => rows(table),
            Self::Record(parts) => Value::Object(object(parts.iter().map(|(n, cell)| (n, cell)))),
            Self::Report(report) => {
                let mut whole = object(report.parts.iter().map(|(n, cell)| (n, cell)));
                let lists = report.lists.iter();
                whole.extend(lists.map(|(name, list)| (name.clone(), rows(list))));
                Value::Object(whole)
            }
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
            Self::Report(report) => {
                let lists = report.lists.iter().map(|(name, list)| headed(name, list));
                let texts = lists.chain([report.text.clone()]);
                texts.collect::<Vec<_>>().join("\n\n")
            }
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

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    let text = |what: &str| format!("{} cannot be written: {what}", path.display());
    match error.kind() {
        _ if is_no_room(error) => {
            Failure::unavailable(text(&format!("{error}; free some space and try again")))
        }
        ErrorKind::AlreadyExists => Failure::input(text(
            "it is there already; name another file, or move it away",
        )),
        ErrorKind::NotFound => {
            Failure::input(text("its folder is not there; make it, or name another"))
        }
        _ => Failure::input(text(&error.to_string())),
    }
}

fn object<'a>(parts: impl Iterator<Item = (&'a String, &'a Cell)>) -> Map<String, Value> {
    parts
        .map(|(name, cell)| (name.clone(), cell.json()))
        .collect()
}

fn rows(table: &Table) -> Value {
    let rows = table.rows.iter();
    rows.map(|row| Value::Object(object(table.columns.iter().zip(row))))
        .collect()
}

/// A list under its name.
fn headed(name: &str, list: &Table) -> String {
    format!("{}:\n{}", heading(name), table_text(list))
}

fn table_text(table: &Table) -> String {
    let mut text = if table.rows.is_empty() {
        "(none)".to_owned()
    } else if table.rows.iter().flatten().any(has_lines) {
        upright(table)
    } else {
        side_by_side(table)
    };
    if let Some(note) = &table.note {
        text.push_str("\n\n");
        text.push_str(note);
    }
    text
}

fn side_by_side(table: &Table) -> String {
    let mut shown = comfy_table::Table::new();
    shown.load_style(comfy_table::presets::NOTHING);
    shown.set_header(table.columns.iter().map(|name| name.replace('_', " ")));
    for row in &table.rows {
        shown.add_row(row.iter().map(visible));
    }
    shown.trim_fmt()
}

fn has_lines(cell: &Cell) -> bool {
    matches!(cell, Cell::Text(text) if text.contains('\n'))
}

/// Row by row, each part on a line of its own: what has lines, such as commands to type, fits
/// between no columns. What is not there is left out.
fn upright(table: &Table) -> String {
    let names = table.columns.iter().map(|name| name.replace('_', " "));
    let names: Vec<String> = names.collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let rows = table.rows.iter().map(|row| {
        let parts = names.iter().zip(row);
        let parts = parts.filter(|(_, cell)| !matches!(cell, Cell::Empty));
        let parts = parts.flat_map(|(name, cell)| {
            let text = cell.to_string();
            let lines = text.split('\n').enumerate().map(|(at, line)| {
                let line: String = line.chars().map(harmless).collect();
                // Further lines stand where no name does: they cannot pose as another part.
                format!("{:width$}  {line}", if at == 0 { name } else { "" })
            });
            lines.collect::<Vec<_>>()
        });
        parts.collect::<Vec<_>>().join("\n")
    });
    rows.collect::<Vec<_>>().join("\n\n")
}

/// Text that came from a machine or a vendor must steer no terminal and no page: neither by
/// control characters nor by marks that change the direction of reading.
pub fn harmless(c: char) -> char {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn visible(cell: &Cell) -> String {
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
    fn commands_to_type_stand_below_one_another() {
        let mut table = Table::new(&["step", "found", "whose_move"]);
        table.row(vec![Cell::of("Root"), Cell::Empty, Cell::of("a\nb")]);
        let text = Output::Table(table).text();
        assert_eq!(text, "step        Root\nwhose move  a\n            b");
    }

    #[test]
    fn a_report_loses_nothing_for_programs() {
        let mut list = Table::new(&["name"]);
        list.row(vec![Cell::of("icu-3")]);
        let report = Report::new([("halted", Cell::Flag(true))], "It is halted.");
        let output = Output::Report(
            report
                .with("units", list)
                .with("findings", Table::default()),
        );
        assert_eq!(
            output.json().to_string(),
            r#"{"findings":[],"halted":true,"units":[{"name":"icu-3"}]}"#
        );
        let text = output.text();
        assert!(text.contains("icu-3") && text.ends_with("It is halted."));
        assert!(text.contains("Units:") && text.contains("Findings:\n(none)"));
    }

    #[test]
    fn a_hostile_name_does_not_steer_the_terminal() {
        let output = Output::record([("name", Cell::of("evil\u{1b}[2J"))]);
        assert!(!output.text().contains('\u{1b}'));
    }
}
