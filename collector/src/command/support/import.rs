//! Ends of support out of a file: all of it, or nothing.

use super::{Kind, checked, kind, range};
use crate::app::App;
use crate::command::Caller;
use crate::command::file::InputFile;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::sheet::{SheetRow, csv};
use crate::store::support::SupportEnd;
use jiff::civil::Date;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;

/// Most rows of a file: each is held against the whole fleet.
const MAX_ROWS: usize = 5_000;
/// Most mistakes that are listed at once.
const MAX_MISTAKES: usize = 20;
/// The columns that a file may have; `entered_by` stands in lists of ours, and is not read.
const COLUMNS: [&str; 7] = [
    "kind",
    "name",
    "versions",
    "version",
    "ends",
    "source",
    "entered_by",
];

/// The columns of a file, by name.
struct Columns(Vec<String>);

impl Columns {
    fn read(headings: &SheetRow) -> Result<Self, Failure> {
        let names = headings.cells.iter();
        let names: Vec<String> = names
            .map(|cell| cell.to_lowercase().replace(' ', "_"))
            .collect();
        for (at, name) in names.iter().enumerate() {
            if !COLUMNS.contains(&name.as_str()) {
                return Err(Failure::input(format!(
                    "line {}: {name:?} is no column of this table; it has kind, name, versions, \
                     ends, source",
                    headings.line
                )));
            }
            if names[..at].contains(name) {
                return Err(Failure::input(format!("the column {name} is there twice")));
            }
        }
        match names.iter().any(|name| name == "name") && names.iter().any(|name| name == "ends") {
            true => Ok(Self(names)),
            false => Err(Failure::input(
                "the first line names the columns, and name and ends must be among them",
            )),
        }
    }

    /// The cell of a column; nothing where it is empty or not there.
    fn cell<'a>(&self, row: &'a SheetRow, names: &[&str]) -> Option<&'a str> {
        let at = self
            .0
            .iter()
            .position(|name| names.contains(&name.as_str()))?;
        let cell = row.cells.get(at)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    fn end(&self, row: &SheetRow) -> Result<SupportEnd, String> {
        let kind = self.cell(row, &["kind"]).map_or(Ok(Kind::Product), kind)?;
        let name = self.cell(row, &["name"]).ok_or("it has no name")?;
        let ends = self.cell(row, &["ends"]).ok_or("it has no end")?;
        let ends: Date = ends
            .parse()
            .map_err(|_| format!("{ends:?} is no day, such as 2028-06-30"))?;
        let versions = self.cell(row, &["versions", "version"]).unwrap_or("*");
        let source = self.cell(row, &["source"]).map(Label::new).transpose();
        Ok(SupportEnd {
            kind: kind.stored(),
            name: checked(name).map_err(|failure| failure.text)?,
            versions: range(kind, versions).map_err(|failure| failure.text)?,
            ends_on: ends.to_string(),
            source: source.map_err(|error| format!("its source: {error}"))?,
            put_by: String::new(),
            put_at: UtcMs(0),
        })
    }
}

/// Takes in a file, or shows what it says.
pub(super) async fn import(
    app: &App,
    caller: &Caller,
    file: &InputFile,
    dry_run: bool,
) -> Result<Output, Failure> {
    let ends = read(file).map_err(|failure| Failure {
        text: format!("{}: {}. Nothing was taken in.", file.name, failure.text),
        ..failure
    })?;
    let mut table = Table::new(&["kind", "name", "versions", "ends", "source"]);
    for end in &ends {
        table.row(vec![
            Cell::of(end.kind.word()),
            Cell::of(&end.name),
            Cell::of(&end.versions),
            Cell::of(&end.ends_on),
            Cell::maybe(end.source.as_ref()),
        ]);
    }
    let count = ends.len();
    if !dry_run {
        let mut change = app.change(caller).await?;
        for end in &ends {
            change.put_support_end(end).await?;
        }
        change.commit().await?;
    }
    let text = match dry_run {
        true => format!("{count} ends of support would be entered; nothing was changed."),
        false => format!("{count} ends of support are entered; those that were there are as said."),
    };
    let parts = [
        ("ends_of_support", Cell::Number(count as i64)),
        ("dry_run", Cell::Flag(dry_run)),
    ];
    Ok(Output::Report(Report::new(parts, text).with("ends", table)))
}

fn read(file: &InputFile) -> Result<Vec<SupportEnd>, Failure> {
    let sheet = csv::read(&file.bytes, None, None);
    let sheet = sheet.map_err(|error| Failure::input(error.to_string()))?;
    let (headings, rows) = sheet
        .rows
        .split_first()
        .ok_or_else(|| Failure::input("it has no line"))?;
    if rows.len() > MAX_ROWS {
        return Err(Failure::input(format!("it has more than {MAX_ROWS} rows")));
    }
    let columns = Columns::read(headings)?;
    let (mut ends, mut mistakes) = (Vec::new(), Vec::new());
    for row in rows {
        match columns.end(row) {
            Ok(end) => ends.push(end),
            Err(why) => mistakes.push(format!("line {}: {why}", row.line)),
        }
    }
    if mistakes.is_empty() {
        return Ok(ends);
    }
    let more = mistakes.len().saturating_sub(MAX_MISTAKES);
    mistakes.truncate(MAX_MISTAKES);
    let mut text = mistakes.join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    Err(Failure::input(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_bytes::ByteBuf;

    fn ends(text: &str) -> Result<Vec<SupportEnd>, String> {
        let file = InputFile {
            name: "ends.csv".into(),
            bytes: ByteBuf::from(text.as_bytes()),
        };
        read(&file).map_err(|failure| failure.text)
    }

    #[test]
    fn rows_are_ends_and_mistakes_have_their_lines() {
        let found = ends(
            "Kind;Name;Versions;Ends;Source\nos;debian;< 13;2028-06-30;its page\n\
             model;station-4;;2029-12-31;\n;openssl;< 3.0;2026-09-07;'=evil()\n",
        );
        let found = found.unwrap();
        let words: Vec<_> = found
            .iter()
            .map(|end| (end.kind.word(), end.name.as_str(), end.ends_on.as_str()))
            .collect();
        assert_eq!(
            words,
            [
                ("os", "debian", "2028-06-30"),
                ("model", "station-4", "2029-12-31"),
                ("product", "openssl", "2026-09-07"),
            ]
        );
        assert_eq!(found[1].versions, "*");
        assert_eq!(found[2].source.as_ref().unwrap().as_str(), "=evil()");
        for (text, why) in [
            (
                "name,ends\nx,soon\ny,2026-01-01\n,2026-01-01\n",
                "line 2: \"soon\" is no day",
            ),
            ("name,ends\n,2026-01-01\n", "line 2: it has no name"),
            (
                "name,ends,colour\nx,2026-01-01,red\n",
                "\"colour\" is no column",
            ),
            ("name,kind\nx,os\n", "name and ends must be among them"),
            ("name,ends,name\n", "twice"),
            ("name,ends,kind\nx,2026-01-01,pet\n", "os, model or product"),
            ("", "is empty"),
        ] {
            let said = ends(text).unwrap_err();
            assert!(said.contains(why), "{text:?}: {said}");
        }
    }
}
