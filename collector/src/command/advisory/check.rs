//! `advisory check`: every product entry with its value and reason, nothing stored.

use super::Check;
use super::files::{Files, OneFile};
use crate::advisory::check::{Against, Row, rows, totals};
use crate::advisory::identity::Aliases;
use crate::advisory::matcher::{Index, Prepared};
use crate::advisory::{Verdict, csaf, kev, list};
use crate::app::App;
use crate::command::file::InputFile;
use crate::control::{Cell, Failure, Output, Report, Table};
use std::collections::BTreeSet;

/// What became of one file.
struct Seen {
    file: String,
    result: Result<Held, String>,
}

/// What a file held.
enum Held {
    Advisory(Box<Prepared>),
    Catalogue(kev::Catalogue),
}

/// Checks without a collector.
pub(super) fn alone(asked: &Check) -> Result<Output, Failure> {
    let index = match &asked.assets {
        Some(file) => {
            let things = list::read(&file.bytes);
            let named = |error: list::BadList| Failure::input(format!("{}: {error}", file.name));
            Some(Index::of(things.map_err(named)?))
        }
        None => None,
    };
    let exploited = exploited(asked.kev.as_ref())?;
    let aliases = Aliases::default();
    let against = index.as_ref().map(|index| Against::Things(index, &aliases));
    let word = if index.is_some() { "list" } else { "nothing" };
    Ok(report(
        &asked.files,
        against.unwrap_or(Against::Nothing),
        &exploited,
        word,
    ))
}

/// Checks against everything that the hospital has.
pub(super) async fn in_hospital(app: &App, asked: &Check) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let index = app.matching.now(&mut view).await?;
    let aliases = crate::matching::aliases(&mut view).await?;
    let mut known = exploited(asked.kev.as_ref())?;
    known.extend(view.exploited().await?.into_iter().map(|one| one.cve));
    let against = Against::Things(&index, &aliases);
    Ok(report(&asked.files, against, &known, "hospital"))
}

fn exploited(file: Option<&InputFile>) -> Result<BTreeSet<String>, Failure> {
    let Some(file) = file else {
        return Ok(BTreeSet::new());
    };
    let read = kev::read(&file.bytes);
    let read = read.map_err(|error| Failure::input(format!("{}: {error}", file.name)))?;
    Ok(read.entries.into_iter().map(|one| one.cve).collect())
}

/// Reads one file as what it is.
fn read(file: &OneFile) -> Result<Held, String> {
    if let Some(problem) = &file.problem {
        return Err(problem.clone());
    }
    match csaf::read(&file.bytes) {
        Ok(advisory) => Ok(Held::Advisory(Box::new(Prepared::of(advisory)))),
        Err(error) => match kev::read(&file.bytes) {
            Ok(catalogue) => Ok(Held::Catalogue(catalogue)),
            Err(_) => Err(error.to_string()),
        },
    }
}

pub(super) fn report(
    files: &Files,
    against: Against<'_>,
    exploited: &BTreeSet<String>,
    word: &str,
) -> Output {
    let mut exploited = exploited.clone();
    let mut seen = Vec::new();
    for file in &files.0 {
        let result = read(file);
        if let Ok(Held::Catalogue(catalogue)) = &result {
            exploited.extend(catalogue.entries.iter().map(|one| one.cve.clone()));
        }
        seen.push(Seen {
            file: file.name.clone(),
            result,
        });
    }
    let mut all = Vec::new();
    let mut of_files = Table::new(&[
        "file", "what", "id", "title", "entries", "problem", "remarks",
    ]);
    for one in &seen {
        let entries = match &one.result {
            Ok(Held::Advisory(prepared)) => rows(prepared, against),
            _ => Vec::new(),
        };
        of_files.row(file_row(one, entries.len()));
        all.extend(entries.into_iter().map(|row| (one.file.as_str(), row)));
    }
    let bad = seen.iter().filter(|one| one.result.is_err()).count();
    let rows: Vec<Row> = all.iter().map(|(_, row)| row.clone()).collect();
    let count = |verdict| {
        rows.iter()
            .filter(|row| row.finding.verdict == verdict)
            .count()
    };
    let person = count(Verdict::NeedsPerson);
    let parts = [
        ("against", Cell::of(word)),
        ("files_total", number(seen.len())),
        ("files_read", number(seen.len() - bad)),
        ("files_bad", number(bad)),
        ("entries_total", number(rows.len())),
        ("affected", number(count(Verdict::Affected))),
        ("not_affected", number(count(Verdict::NotAffected))),
        ("needs_person", number(person)),
        ("needs_person_percent", Cell::of(share(person, rows.len()))),
    ];
    let mut reasons = Table::new(&["value", "reason", "entries"]);
    for ((value, reason), entries) in totals(&rows) {
        reasons.row(vec![Cell::of(value), Cell::of(reason), number(entries)]);
    }
    let text = summary(word, seen.len(), bad, &rows);
    let report = Report::new(parts, text).with("entries", table(&all, &exploited));
    Output::Report(report.with("files", of_files).with("reasons", reasons))
}

fn number(count: usize) -> Cell {
    Cell::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

fn share(part: usize, whole: usize) -> String {
    match whole {
        0 => "0.0".to_owned(),
        whole => format!("{:.1}", part as f64 * 100.0 / whole as f64),
    }
}

fn file_row(one: &Seen, entries: usize) -> Vec<Cell> {
    let (what, id, title, problem, remarks) = match &one.result {
        Ok(Held::Advisory(prepared)) => {
            let advisory = &prepared.advisory;
            let remarks = advisory.remarks.clone();
            (
                advisory.form.word(),
                Cell::of(&advisory.id),
                Cell::of(&advisory.title),
                Cell::Empty,
                remarks,
            )
        }
        Ok(Held::Catalogue(catalogue)) => {
            let title = format!("{} exploited vulnerabilities", catalogue.entries.len());
            let version = Cell::of(&catalogue.version);
            ("kev", version, Cell::of(title), Cell::Empty, Vec::new())
        }
        Err(problem) => (
            "bad",
            Cell::Empty,
            Cell::Empty,
            Cell::of(problem),
            Vec::new(),
        ),
    };
    vec![
        Cell::of(&one.file),
        Cell::of(what),
        id,
        title,
        number(entries),
        problem,
        Cell::List(remarks),
    ]
}

fn table(all: &[(&str, Row)], exploited: &BTreeSet<String>) -> Table {
    let mut table = Table::new(&[
        "advisory",
        "product_id",
        "product",
        "version",
        "understood",
        "statuses",
        "vulnerabilities",
        "exploited",
        "value",
        "reason",
        "why",
        "outlook",
        "things",
        "count",
        "file",
    ]);
    for (file, row) in all {
        let known = row
            .vulnerabilities
            .iter()
            .filter(|name| exploited.contains(*name));
        table.row(vec![
            Cell::of(&row.advisory),
            Cell::of(&row.product_id),
            Cell::of(&row.product),
            Cell::of(&row.version),
            Cell::of(&row.understood),
            Cell::List(row.statuses.iter().map(ToString::to_string).collect()),
            Cell::List(row.vulnerabilities.clone()),
            Cell::List(known.cloned().collect()),
            Cell::of(row.finding.verdict.word()),
            Cell::of(row.finding.reason.word()),
            Cell::of(&row.finding.reason),
            Cell::of(row.outlook),
            Cell::List(row.things.clone()),
            number(row.count),
            Cell::of(file),
        ]);
    }
    table
}

fn summary(word: &str, files: usize, bad: usize, rows: &[Row]) -> String {
    let count = |verdict| {
        rows.iter()
            .filter(|row| row.finding.verdict == verdict)
            .count()
    };
    let person = count(Verdict::NeedsPerson);
    let meant = match word {
        "nothing" => {
            "Held against nothing: \"affected\" and \"not_affected\" say what is so for whoever has \
             that product, recorded in the advisory's own words; \"needs_person\" says that a \
             person must read the entry whatever is recorded. Name a list with --assets, or use \
             --hospital."
        }
        "list" => "Held against the list that you named.",
        _ => "Held against everything that this collector knows.",
    };
    format!(
        "{files} files, {bad} of them bad; {} entries: {} affected, {} not affected, {person} need \
         a person ({} %). {meant}",
        rows.len(),
        count(Verdict::Affected),
        count(Verdict::NotAffected),
        share(person, rows.len()),
    )
}
