//! Tables of the hospital out of a CSV file: all of it, or nothing. What would be done is found
//! by doing it in a transaction that is not kept, so that a dry run and the real one cannot differ.

mod area;
mod baselines;
mod checklists;
mod contacts;
mod devices;
mod freezes;
mod judged;
mod people;
mod places;
mod windows;

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::sheet::{SheetRow, csv};
use crate::store::{Change, StoreError, View};
use patchward_common::words::counted;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::str::FromStr;

pub(super) use baselines::Shown;
pub(super) use checklists::Step;
pub(super) use devices::Watch;
pub(super) use judged::Alias;
pub(super) use people::{ENDED, Person};
pub(super) use places::UnitSubnet;

/// A file for a table.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct FromFile {
    /// The file
    pub file: InputFile,
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// Most rows of a file: ten times the units of the largest hospital, and each is a row of the log.
const MAX_ROWS: usize = 5_000;
/// Most mistakes that are listed at once.
const MAX_MISTAKES: usize = 20;

/// The columns of a table's file.
pub(super) struct Shape {
    /// Those that must be there.
    pub(super) needed: &'static [&'static str],
    /// Those that may be.
    pub(super) more: &'static [&'static str],
    /// Those that stand in our own lists and are not read.
    pub(super) passed_over: &'static [&'static str],
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Added,
    Changed,
    AsItIs,
}

impl Done {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::AsItIs => "as it is",
        }
    }
}

/// A row of a table that a file may fill.
pub(super) trait FileRow: Sized + PartialEq + Send + Sync {
    /// What one of them is called.
    const WHAT: &'static str;
    /// The columns of its file.
    const SHAPE: Shape;

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(cells: &Cells<'_>) -> Result<Self, String>;

    /// Takes from the one that is there what stands in a column that the file does not have.
    fn keep(&mut self, _known: &Self, _has: &Columns) {}

    /// What it is known by: no two rows have the same.
    fn key(&self) -> String;

    /// All that are there.
    fn known(view: &mut View) -> impl Future<Output = Result<Vec<Self>, StoreError>> + Send;

    /// Writes it as the command for one of them does, in the place of the one that is there.
    fn put(
        &self,
        known: Option<&Self>,
        change: &mut Change,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// What follows once these are kept.
    fn follow(_written: &mut dyn Iterator<Item = &Self>, _app: &App) {}
}

/// The columns that a file has.
pub(super) struct Columns(Vec<String>);

impl Columns {
    /// Whether it has this one.
    pub(super) fn has(&self, column: &str) -> bool {
        self.0.iter().any(|name| name == column)
    }
}

/// A row by the names of its columns.
pub(super) struct Cells<'a> {
    columns: &'a Columns,
    row: &'a SheetRow,
}

impl<'a> Cells<'a> {
    /// The text of a column; nothing where it is empty or not there.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        let at = self.columns.0.iter().position(|name| name == column)?;
        let cell = self.row.cells.get(at)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// What stands in a column, where something does.
    pub(super) fn maybe<T>(&self, column: &str) -> Result<Option<T>, String>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let read = |text: &str| text.parse().map_err(|error| format!("{column}: {error}"));
        self.text(column).map(read).transpose()
    }

    /// Yes or no, where one of them stands in a column.
    pub(super) fn flag(&self, column: &str) -> Result<Option<bool>, String> {
        match self.text(column) {
            None => Ok(None),
            Some("true" | "yes") => Ok(Some(true)),
            Some("false" | "no") => Ok(Some(false)),
            Some(other) => Err(format!("{column}: {other:?} is no yes or no")),
        }
    }

    /// What a column lists, one after a comma or a semicolon.
    pub(super) fn listed(&self, column: &str) -> impl Iterator<Item = &'a str> {
        let parts = self.text(column).unwrap_or_default().split([',', ';']);
        parts.map(str::trim).filter(|part| !part.is_empty())
    }

    /// What stands in a column that may not be empty.
    pub(super) fn needed<T>(&self, column: &str) -> Result<T, String>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let found = self.maybe(column)?;
        found.ok_or_else(|| format!("its {column} is empty"))
    }
}

/// Takes in a file, or shows what it would do.
pub(super) async fn import<R: FileRow>(
    app: &App,
    caller: &Caller,
    from: FromFile,
) -> Result<Output, Failure> {
    Ok(Output::Report(taken_in::<R>(app, caller, from).await?))
}

/// The same, for a command that says more.
pub(super) async fn taken_in<R: FileRow>(
    app: &App,
    caller: &Caller,
    FromFile { file, dry_run }: FromFile,
) -> Result<Report, Failure> {
    let read = InFile::<R>::read(file)?;
    let mut change = app.change(caller).await?;
    let taken = read.put(&mut change).await?;
    if !dry_run {
        change.commit().await?;
        R::follow(&mut taken.written(), app);
    }
    Ok(taken.report(dry_run))
}

/// The rows of a file with their lines, as they stand there.
pub(super) struct InFile<R> {
    name: String,
    columns: Columns,
    rows: Vec<(usize, R)>,
}

/// The same once they are written, with what becomes of each.
pub(super) struct Taken<R>(Vec<(usize, R, Done)>);

impl<R: FileRow> InFile<R> {
    /// Reads them.
    ///
    /// # Errors
    /// Where it is no such table, or says two things of one: which is right, only a person knows.
    pub(super) fn read(file: InputFile) -> Result<Self, Failure> {
        let read = read(&file.bytes, &R::SHAPE, R::read).and_then(|(columns, rows)| {
            once(&rows)?;
            Ok((columns, rows))
        });
        let (columns, rows) = read.map_err(|failure| of_file(&file.name, failure))?;
        Ok(Self {
            name: file.name,
            columns,
            rows,
        })
    }

    /// The rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.iter().map(|(_, row)| row)
    }

    /// Writes them; each finds what was there before the file.
    pub(super) async fn put(self, change: &mut Change) -> Result<Taken<R>, Failure> {
        let known = R::known(change.view()).await?;
        let known: HashMap<String, R> = known.into_iter().map(|one| (one.key(), one)).collect();
        let mut taken = Vec::new();
        for (line, mut row) in self.rows {
            let known = known.get(&row.key());
            if let Some(known) = known {
                row.keep(known, &self.columns);
            }
            let done = match known {
                Some(known) if known == &row => Done::AsItIs,
                Some(_) => Done::Changed,
                None => Done::Added,
            };
            if done != Done::AsItIs {
                let put = row.put(known, change).await;
                put.map_err(|failure| {
                    let text = format!("line {line}: {}", failure.text);
                    of_file(&self.name, Failure { text, ..failure })
                })?;
            }
            taken.push((line, row, done));
        }
        Ok(Taken(taken))
    }
}

fn of_file(name: &str, failure: Failure) -> Failure {
    Failure {
        text: format!("{name}: {}. Nothing was taken in.", failure.text),
        ..failure
    }
}

fn once<R: FileRow>(rows: &[(usize, R)]) -> Result<(), Failure> {
    let mut lines = HashMap::new();
    for (line, row) in rows {
        if let Some(before) = lines.insert(row.key(), line) {
            return Err(Failure::input(format!(
                "lines {before} and {line} are both {} {}",
                R::WHAT,
                row.key()
            )));
        }
    }
    Ok(())
}

impl<R: FileRow> Taken<R> {
    /// Those that were not there already.
    pub(super) fn written(&self) -> impl Iterator<Item = &R> {
        let written = self.0.iter().filter(|(.., done)| *done != Done::AsItIs);
        written.map(|(_, row, _)| row)
    }

    /// What became of each.
    pub(super) fn report(&self, dry_run: bool) -> Report {
        let mut table = Table::new(&["line", R::WHAT, "becomes"]);
        for (line, row, done) in &self.0 {
            table.row(vec![
                Cell::Number(*line as i64),
                Cell::of(row.key()),
                Cell::of(done.word()),
            ]);
        }
        let count = |of: Done| self.0.iter().filter(|(.., done)| *done == of).count();
        let [added, changed, same] = [Done::Added, Done::Changed, Done::AsItIs].map(count);
        let counts = format!("{added} added, {changed} changed, {same} as they are");
        let rows = counted(self.0.len(), "row", "rows");
        let text = match dry_run {
            true => format!("{rows}; it would be: {counts}. Nothing was changed."),
            false => format!("{rows}: {counts}."),
        };
        let number = |count: usize| Cell::Number(count as i64);
        let parts = [
            ("added", number(added)),
            ("changed", number(changed)),
            ("as_they_are", number(same)),
            ("dry_run", Cell::Flag(dry_run)),
        ];
        Report::new(parts, text).with("rows", table)
    }
}

/// The columns of a file, and its rows with their lines.
///
/// # Errors
/// Where it is no such table, or a row is wrong: the first mistakes, with their lines.
pub(super) fn read<T>(
    bytes: &[u8],
    shape: &Shape,
    read: impl Fn(&Cells<'_>) -> Result<T, String>,
) -> Result<(Columns, Vec<(usize, T)>), Failure> {
    let sheet = csv::read(bytes, None, None);
    let sheet = sheet.map_err(|error| Failure::input(error.to_string()))?;
    let no_line = || Failure::input("it has no line");
    let (headings, rows) = sheet.rows.split_first().ok_or_else(no_line)?;
    if rows.len() > MAX_ROWS {
        return Err(Failure::input(format!("it has more than {MAX_ROWS} rows")));
    }
    let columns = columns(headings, shape)?;
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    for row in rows {
        let cells = Cells {
            columns: &columns,
            row,
        };
        match read(&cells) {
            Ok(one) => found.push((row.line, one)),
            Err(why) => mistakes.push(format!("line {}: {why}", row.line)),
        }
    }
    match mistakes.len() {
        0 => Ok((columns, found)),
        count => {
            mistakes.truncate(MAX_MISTAKES);
            if let Some(more) = count.checked_sub(MAX_MISTAKES).filter(|more| *more > 0) {
                mistakes.push(format!("and {more} more"));
            }
            Err(Failure::input(mistakes.join("; ")))
        }
    }
}

/// The names of the columns, as they stand in the first line.
fn columns(headings: &SheetRow, shape: &Shape) -> Result<Columns, Failure> {
    let read: Vec<&str> = shape.needed.iter().chain(shape.more).copied().collect();
    let names = headings.cells.iter();
    let names: Vec<String> = names
        .map(|cell| cell.to_lowercase().replace(' ', "_"))
        .collect();
    for (at, name) in names.iter().enumerate() {
        let is_known = |known: &[&str]| known.contains(&name.as_str());
        if !is_known(&read) && !is_known(shape.passed_over) {
            return Err(Failure::input(format!(
                "line {}: {name:?} is no column of this table; it has {}",
                headings.line,
                read.join(", ")
            )));
        }
        if names[..at].contains(name) {
            return Err(Failure::input(format!("the column {name} is there twice")));
        }
    }
    let columns = Columns(names);
    match shape.needed.iter().all(|needed| columns.has(needed)) {
        true => Ok(columns),
        false => Err(Failure::input(format!(
            "the first line names the columns, and {} must be among them",
            shape.needed.join(" and ")
        ))),
    }
}

#[cfg(test)]
mod tests;
