//! `advisory show` and `advisory diff`.

use super::list::{missing, need};
use super::matches::Rows;
use crate::advisory::matcher::Prepared;
use crate::advisory::revision::{Counted, differences};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::matching;
use crate::store::View;
use std::collections::{BTreeMap, BTreeSet};

/// Shows one advisory with everything that belongs to it.
pub(super) async fn show(app: &App, id: &str) -> Result<Output, Failure> {
    let rows = Rows::read(&mut app.store.view().await?, Some(id)).await?;
    told(app, id, &rows).await
}

/// Shows one advisory of which the matches were read.
pub(in crate::command) async fn told(app: &App, id: &str, rows: &Rows) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let (row, bytes) = need(&mut view, id).await?;
    let prepared = matching::prepared(&row, &bytes)?;
    let exploited = view.exploited().await?;
    let exploited: BTreeMap<&str, _> = exploited
        .iter()
        .map(|one| (one.cve.as_str(), one))
        .collect();
    let notes = comments(&mut view, id).await?;
    let revisions = revisions(&mut view, id).await?;
    let advisory = &prepared.advisory;
    let holders = rows.holders();
    let marked = |mark: &str| rows.marked(mark);
    let parts = [
        ("id", Cell::of(&row.id)),
        ("title", Cell::of(&row.title)),
        ("publisher", Cell::of(&row.publisher)),
        ("form", Cell::of(&row.form)),
        ("category", Cell::of(&row.category)),
        ("version", Cell::of(&row.version)),
        (
            "semantic_version",
            Cell::Flag(Counted::of(&row.version).is_semantic()),
        ),
        ("status", Cell::of(&row.status)),
        ("changed", Cell::maybe(row.changed)),
        (
            "severity",
            Cell::maybe(Some(&row.severity).filter(|word| !word.is_empty())),
        ),
        ("due", Cell::maybe(row.due)),
        ("link", Cell::maybe(advisory.link.as_ref())),
        ("withdrawn", Cell::Flag(advisory.is_withdrawn())),
        ("remarks", Cell::List(advisory.remarks.clone())),
        ("machines_and_assets", Cell::Number(holders)),
        ("not_remediated", Cell::Number(marked("not_remediated"))),
        ("in_progress", Cell::Number(marked("in_progress"))),
        ("done", Cell::Number(marked("done"))),
    ];
    let text = format!(
        "{} by {}, version {}. It has to do with {holders} machines and assets of ours. \
         `advisory decide` says what a person found, `advisory mark` how far the work is.",
        row.title, row.publisher, row.version
    );
    let report = Report::new(parts, text)
        .with("vulnerabilities", vulnerabilities(&prepared, &exploited))
        .with("products", products(&prepared))
        .with("remediations", remediations(&prepared))
        .with("says", says(&prepared))
        .with("references", references(&prepared))
        .with("history", history(&prepared))
        .with("matches", rows.table())
        .with("notes", notes)
        .with("revisions", revisions);
    Ok(Output::Report(report))
}

/// What people noted on it.
async fn comments(view: &mut View, id: &str) -> Result<Table, Failure> {
    let comments = view.advisory_comments(id).await?;
    let mut notes = Table::new(&["by", "at", "note"]);
    for one in comments {
        notes.row(vec![
            Cell::of(one.author),
            Cell::of(one.at),
            Cell::of(one.text),
        ]);
    }
    Ok(notes)
}

/// Every revision of it.
async fn revisions(view: &mut View, id: &str) -> Result<Table, Failure> {
    let mut revisions = Table::new(&["revision", "version", "status", "changed", "taken_in"]);
    for one in view.revisions(id).await? {
        revisions.row(vec![
            Cell::Number(i64::from(one.revision)),
            Cell::of(one.version),
            Cell::of(one.status),
            Cell::maybe(one.changed),
            Cell::of(one.added_at),
        ]);
    }
    Ok(revisions)
}

fn vulnerabilities(
    prepared: &Prepared,
    exploited: &BTreeMap<&str, &crate::advisory::kev::Kev>,
) -> Table {
    let mut table = Table::new(&[
        "name",
        "title",
        "scores",
        "exploited_since",
        "exploited_due",
        "ransomware",
        "told",
        "involved",
    ]);
    for one in &prepared.advisory.vulnerabilities {
        let known = exploited.get(one.name.as_str());
        let scores = one.scores.iter().map(|score| {
            let number = score
                .number
                .map_or(String::new(), |number| format!(" {number}"));
            format!("{}{number} {}", score.system, score.vector)
        });
        table.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.title),
            Cell::List(scores.collect::<BTreeSet<_>>().into_iter().collect()),
            Cell::maybe(known.map(|kev| &kev.added)),
            Cell::maybe(known.map(|kev| &kev.due)),
            Cell::Flag(known.is_some_and(|kev| kev.is_ransomware)),
            Cell::List(one.exploited.clone()),
            Cell::List(one.involved.clone()),
        ]);
    }
    table
}

fn products(prepared: &Prepared) -> Table {
    let mut table = Table::new(&["product_id", "product", "versions", "statuses", "outlook"]);
    for entry in &prepared.entries {
        let product = &prepared.advisory.products[entry.product];
        let statuses = entry.statuses.iter().map(|status| status.word().to_owned());
        table.row(vec![
            Cell::of(&product.id),
            Cell::of(&product.name),
            Cell::of(&entry.versions),
            Cell::List(statuses.collect()),
            Cell::of(entry.outlook.word()),
        ]);
    }
    table
}

fn remediations(prepared: &Prepared) -> Table {
    let mut table = Table::new(&["kind", "what", "where", "vulnerabilities"]);
    let mut said: BTreeMap<(_, &str, &str), Vec<String>> = BTreeMap::new();
    for vulnerability in &prepared.advisory.vulnerabilities {
        for one in &vulnerability.remediations {
            let url = one.url.as_deref().unwrap_or_default();
            let key = (one.remedy, one.details.as_str(), url);
            said.entry(key)
                .or_default()
                .push(vulnerability.name.clone());
        }
    }
    for ((remedy, details, url), mut names) in said {
        names.dedup();
        table.row(vec![
            Cell::of(remedy.word()),
            Cell::of(details),
            Cell::maybe(Some(url).filter(|url| !url.is_empty())),
            Cell::List(names),
        ]);
    }
    table
}

/// What the advisory itself says in words: its notes.
fn says(prepared: &Prepared) -> Table {
    let mut table = Table::new(&["about", "category", "title", "text"]);
    for one in &prepared.advisory.notes {
        table.row(vec![
            Cell::maybe(Some(&one.about).filter(|about| !about.is_empty())),
            Cell::of(&one.category),
            Cell::of(&one.title),
            Cell::of(&one.text),
        ]);
    }
    table
}

/// How it came to be what it is, as its publisher tells it.
fn history(prepared: &Prepared) -> Table {
    let mut table = Table::new(&["number", "date", "what"]);
    for step in &prepared.advisory.history {
        table.row(vec![
            Cell::of(&step.number),
            Cell::of(&step.date),
            Cell::of(&step.summary),
        ]);
    }
    table
}

fn references(prepared: &Prepared) -> Table {
    let mut table = Table::new(&["about", "category", "summary", "url"]);
    for one in &prepared.advisory.references {
        table.row(vec![
            Cell::maybe(Some(&one.about).filter(|about| !about.is_empty())),
            Cell::of(&one.category),
            Cell::of(&one.summary),
            Cell::of(&one.url),
        ]);
    }
    table
}

/// Shows what changed between two revisions.
pub(super) async fn diff(app: &App, id: &str, of: Option<(u32, u32)>) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let revisions = view.revisions(id).await?;
    if revisions.is_empty() {
        return Err(missing(id));
    }
    let last = revisions.len() as u32;
    let (from, to) = of.unwrap_or((last.saturating_sub(1), last));
    let mut both = Vec::new();
    for number in [from, to] {
        let row = revisions.iter().find(|row| row.revision == number);
        let row = row.ok_or_else(|| {
            Failure::not_found(format!(
                "advisory {id} has no revision {number}; it has 1 to {last}"
            ))
        })?;
        let bytes = view.advisory_bytes(id, number).await?.unwrap_or_default();
        both.push(matching::prepared(row, &bytes)?.advisory);
    }
    let mut table = Table::new(&["what", "before", "after"]);
    for one in differences(&both[0], &both[1]) {
        table.row(vec![
            Cell::of(one.what),
            Cell::of(one.before),
            Cell::of(one.after),
        ]);
    }
    Ok(Output::Table(table))
}
