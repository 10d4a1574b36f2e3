//! `advisory list`: searched, filtered and sorted.

use super::asked::{Asked, Told};
use crate::advisory::{Verdict, severity_rank};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::View;
use crate::store::advisories::{AdvisoryRow, MatchRow};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The newest revision of an advisory that must be there.
pub(in crate::command) async fn need(
    view: &mut View,
    id: &str,
) -> Result<(AdvisoryRow, Vec<u8>), Failure> {
    let found = view.advisory(id).await?;
    found.ok_or_else(|| missing(id))
}

/// What is said of an advisory that nobody took in.
pub(super) fn missing(id: &str) -> Failure {
    Failure::not_found(format!(
        "There is no advisory {id}. `advisory list` shows all."
    ))
}

/// What an advisory comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Counts {
    affected: i64,
    needs_person: i64,
    not_affected: i64,
}

fn counted(matches: &[MatchRow]) -> HashMap<&str, Counts> {
    let mut counts: HashMap<&str, Counts> = HashMap::new();
    for row in matches {
        let counts = counts.entry(&row.advisory).or_default();
        match Verdict::of_word(&row.value) {
            Some(Verdict::Affected) => counts.affected += 1,
            Some(Verdict::NotAffected) => counts.not_affected += 1,
            _ => counts.needs_person += 1,
        }
    }
    counts
}

/// Lists advisories.
pub(super) async fn list(app: &App, asked: &Asked) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let mut rows = view.advisories().await?;
    let matches = view.advisory_matches(None).await?;
    let counts = counted(&matches);
    let readers = view.advisory_readers().await?.into_iter();
    let read: BTreeMap<String, String> = readers.map(|(id, by, _)| (id, by)).collect();
    let exploited: BTreeSet<String> = view.exploited().await?.into_iter().map(|k| k.cve).collect();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, name) in view.advisory_vulnerabilities().await? {
        names.entry(id).or_default().push(name);
    }
    let of = |id: &str| names.get(id).map_or(&[][..], Vec::as_slice);
    let is_exploited = |id: &str| of(id).iter().any(|name| exploited.contains(name));
    rows.retain(|row| {
        asked.keeps(row, of(&row.id))
            && (!asked.unread || !read.contains_key(&row.id))
            && (!asked.exploited || is_exploited(&row.id))
    });
    let told = match asked.reads_documents() {
        true => told(&mut view, &rows).await?,
        false => HashMap::new(),
    };
    rows.retain(|row| told.get(&row.id).is_none_or(|told| asked.keeps_told(told)));
    let known = Known {
        counts,
        read,
        first: names
            .iter()
            .filter_map(|(id, names)| Some((id.clone(), names.first()?.clone())))
            .collect(),
        told,
        exploited: rows
            .iter()
            .map(|row| row.id.clone())
            .filter(|id| is_exploited(id))
            .collect(),
    };
    known.sort(&mut rows, &asked.sort);
    Ok(Output::Table(known.table(&rows)))
}

/// What is known of advisories beside their rows.
struct Known<'a> {
    counts: HashMap<&'a str, Counts>,
    read: BTreeMap<String, String>,
    exploited: BTreeSet<String>,
    /// The first vulnerability of each.
    first: HashMap<String, String>,
    told: HashMap<String, Told>,
}

impl Known<'_> {
    fn count(&self, row: &AdvisoryRow) -> Counts {
        self.counts
            .get(row.id.as_str())
            .copied()
            .unwrap_or_default()
    }

    /// What its document says of something, where it was read for it.
    fn told(&self, row: &AdvisoryRow, what: fn(&Told) -> Option<&String>) -> Option<&str> {
        what(self.told.get(&row.id)?).map(String::as_str)
    }

    fn sort(&self, rows: &mut [AdvisoryRow], by: &str) {
        let urgency = |row: &AdvisoryRow| {
            let counts = self.count(row);
            let open = counts.affected + counts.needs_person > 0;
            let exploited = self.exploited.contains(&row.id);
            (open && exploited, counts.affected > 0, open, row.score)
        };
        let by_told = |a: &AdvisoryRow, b: &AdvisoryRow, what| {
            let told = |row| self.told(row, what);
            told(a).cmp(&told(b))
        };
        rows.sort_by(|a, b| {
            let order = match by {
                "title" => a.title.cmp(&b.title),
                "publisher" => a.publisher.cmp(&b.publisher),
                "publisher-category" => by_told(a, b, |told| Some(&told.publisher_kind)),
                "namespace" => by_told(a, b, |told| Some(&told.namespace)),
                "category" => a.category.cmp(&b.category),
                "form" => a.form.cmp(&b.form),
                "version" => a.version.cmp(&b.version),
                "status" => a.status.cmp(&b.status),
                "published" => b.published.cmp(&a.published),
                "changed" => b.changed.cmp(&a.changed),
                "score" => b.score.cmp(&a.score),
                "severity" => severity(b).cmp(&severity(a)),
                "cve" => self.first.get(&a.id).cmp(&self.first.get(&b.id)),
                "product" => by_told(a, b, |told| told.products.first()),
                "urgency" => urgency(b).cmp(&urgency(a)),
                _ => std::cmp::Ordering::Equal,
            };
            order.then_with(|| a.id.cmp(&b.id))
        });
    }

    fn table(&self, rows: &[AdvisoryRow]) -> Table {
        let mut table = Table::new(&[
            "id",
            "title",
            "publisher",
            "version",
            "status",
            "score",
            "severity",
            "exploited",
            "due",
            "affected",
            "needs_person",
            "not_affected",
            "read_by",
        ]);
        for row in rows {
            let counts = self.count(row);
            table.row(vec![
                Cell::of(&row.id),
                Cell::of(&row.title),
                Cell::of(&row.publisher),
                Cell::of(&row.version),
                Cell::of(&row.status),
                Cell::maybe(row.score.map(|tenths| f64::from(tenths) / 10.0)),
                Cell::maybe(Some(&row.severity).filter(|word| !word.is_empty())),
                Cell::Flag(self.exploited.contains(&row.id)),
                Cell::maybe(row.due),
                Cell::Number(counts.affected),
                Cell::Number(counts.needs_person),
                Cell::Number(counts.not_affected),
                Cell::maybe(self.read.get(&row.id)),
            ]);
        }
        table
    }
}

/// Words that publishers rank come before others, and these before none.
fn severity(row: &AdvisoryRow) -> (Option<u8>, bool) {
    (severity_rank(&row.severity), !row.severity.is_empty())
}

/// What the documents themselves say of publisher and products; each is read for it. Of one
/// that cannot be read nothing is said, and it stays in the list.
async fn told(view: &mut View, rows: &[AdvisoryRow]) -> Result<HashMap<String, Told>, Failure> {
    let mut all = HashMap::new();
    for row in rows {
        let bytes = view.advisory_bytes(&row.id, row.revision).await?;
        if let Ok(prepared) = crate::matching::prepared(row, &bytes.unwrap_or_default()) {
            all.insert(row.id.clone(), Told::of(&prepared.advisory));
        }
    }
    Ok(all)
}
