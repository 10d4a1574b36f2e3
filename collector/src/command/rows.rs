//! Tables of the hospital out of a CSV file: all of it, or nothing. What would be done is found
//! by doing it in a transaction that is not kept, so that a dry run and the real one cannot differ.

mod area;
mod contacts;
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
    FromFile { file, dry_run }: FromFile,
) -> Result<Output, Failure> {
    let of_file = |failure: Failure| Failure {
        text: format!("{}: {}. Nothing was taken in.", file.name, failure.text),
        ..failure
    };
    let (columns, mut rows) = read(&file.bytes, &R::SHAPE, R::read).map_err(of_file)?;
    once::<R>(&rows).map_err(of_file)?;
    let mut change = app.change(caller).await?;
    let put = put(&mut change, &columns, &mut rows).await;
    let done = put.map_err(of_file)?;
    if !dry_run {
        change.commit().await?;
        let written = rows.iter().zip(&done);
        let mut written = written.filter(|(_, done)| **done != Done::AsItIs);
        R::follow(&mut written.by_ref().map(|((_, row), _)| row), app);
    }
    Ok(Output::Report(report(&rows, &done, dry_run)))
}

/// Refuses a file that says two things of one: which is right, only a person knows.
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

/// Writes the rows; each finds what was there before the file.
async fn put<R: FileRow>(
    change: &mut Change,
    columns: &Columns,
    rows: &mut [(usize, R)],
) -> Result<Vec<Done>, Failure> {
    let known = R::known(change.view()).await?;
    let known: HashMap<String, R> = known.into_iter().map(|one| (one.key(), one)).collect();
    let mut done = Vec::new();
    for (line, row) in rows {
        let known = known.get(&row.key());
        if let Some(known) = known {
            row.keep(known, columns);
        }
        let row = &*row;
        done.push(match known {
            Some(known) if known == row => Done::AsItIs,
            Some(_) => Done::Changed,
            None => Done::Added,
        });
        if known != Some(row) {
            let put = row.put(known, change).await;
            put.map_err(|failure| Failure {
                text: format!("line {line}: {}", failure.text),
                ..failure
            })?;
        }
    }
    Ok(done)
}

fn report<R: FileRow>(rows: &[(usize, R)], done: &[Done], dry_run: bool) -> Report {
    let mut table = Table::new(&["line", R::WHAT, "becomes"]);
    for ((line, row), done) in rows.iter().zip(done) {
        table.row(vec![
            Cell::Number(*line as i64),
            Cell::of(row.key()),
            Cell::of(done.word()),
        ]);
    }
    let count = |of: Done| done.iter().filter(|done| **done == of).count();
    let [added, changed, same] = [Done::Added, Done::Changed, Done::AsItIs].map(count);
    let counts = format!("{added} added, {changed} changed, {same} as they are");
    let rows = counted(rows.len(), "row", "rows");
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
mod tests {
    use super::*;
    use crate::store::oncall::OnCall;
    use crate::store::places::{Group, Unit};
    use crate::store::windows::Window;

    fn keys<R: FileRow>(text: &str) -> Result<Vec<String>, String> {
        let read = read(text.as_bytes(), &R::SHAPE, R::read);
        let (_, rows) = read.map_err(|failure| failure.text)?;
        once::<R>(&rows).map_err(|failure| failure.text)?;
        Ok(rows.iter().map(|(_, row)| row.key()).collect())
    }

    #[test]
    fn rows_are_read_by_the_names_of_their_columns() {
        let units = keys::<Unit>("Class;Unit;Site\ncritical;icu;main\nstandard;lab;main\n");
        assert_eq!(units.unwrap(), ["icu", "lab"]);
        let groups = "group,unit,machines,minimum_ready,switched_off_counts\nct,icu,7,2,yes\n";
        assert_eq!(keys::<Group>(groups).unwrap(), ["ct"]);
        let levels = "for,which,level,who,contact\nunit,icu,2,Ada,4711\nall,,1,Desk,1\n";
        let levels = keys::<OnCall>(levels).unwrap();
        assert_eq!(levels, ["level 2 of unit icu", "level 1 of all"]);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let head = "unit,site,class\n";
        for (rows, why) in [
            ("icu,main,pet\n,main,standard\n", "line 2: a class is"),
            (
                "icu,main,pet\n,main,standard\n",
                "line 3: its unit is empty",
            ),
            ("ICU 3,main,standard\n", "line 2: unit: "),
            (
                "icu,main,standard\nicu,east,standard\n",
                "lines 2 and 3 are both unit icu",
            ),
        ] {
            let said = keys::<Unit>(&format!("{head}{rows}")).unwrap_err();
            assert!(said.contains(why), "{rows:?}: {said}");
        }
        let said = keys::<Unit>("unit,title\nicu,x\n").unwrap_err();
        assert!(said.contains("unit and site and class must be"), "{said}");
        let long = format!("{head}{}", "icu,main,pet\n".repeat(MAX_MISTAKES + 2));
        let said = keys::<Unit>(&long).unwrap_err();
        assert!(said.ends_with("and 2 more"), "{said}");
        let window = "window,unit,cron,zone,minutes\nnight,icu,0 2 * * Tue,UTC,";
        assert_eq!(keys::<Window>(&format!("{window}60\n")).unwrap(), ["night"]);
        assert!(keys::<Window>(&format!("{window}9000\n")).is_err());
    }
}
