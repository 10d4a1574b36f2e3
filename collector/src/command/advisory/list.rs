//! `advisory list`: searched, filtered and sorted.

use crate::advisory::Verdict;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::View;
use crate::store::advisories::{AdvisoryRow, MatchRow};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is looked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// Words in the id, title, publisher, category or status
    #[arg(long)]
    search: Option<String>,
    /// A vulnerability, such as CVE-2024-1234
    #[arg(long)]
    cve: Option<String>,
    /// Words in the name of a product
    #[arg(long)]
    product: Option<String>,
    /// Only what nobody has read
    #[arg(long)]
    unread: bool,
    /// Only what has an exploited vulnerability
    #[arg(long)]
    exploited: bool,
    /// The order: urgency, id, title, publisher, changed, score
    #[arg(long, default_value = "urgency", value_parser = ["urgency", "id", "title", "publisher", "changed", "score"])]
    sort: String,
}

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
    let has = |text: &str, words: &str| text.to_lowercase().contains(&words.to_lowercase());
    rows.retain(|row| {
        let text = [
            &row.id,
            &row.title,
            &row.publisher,
            &row.category,
            &row.status,
        ];
        let text = text.map(String::as_str).join("\n");
        asked.search.as_ref().is_none_or(|words| has(&text, words))
            && asked.cve.as_ref().is_none_or(|cve| {
                of(&row.id)
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(cve))
            })
            && (!asked.unread || !read.contains_key(&row.id))
            && (!asked.exploited || is_exploited(&row.id))
    });
    if let Some(words) = &asked.product {
        rows = with_product(&mut view, rows, words).await?;
    }
    let known = Known {
        counts,
        read,
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
}

impl Known<'_> {
    fn count(&self, row: &AdvisoryRow) -> Counts {
        self.counts
            .get(row.id.as_str())
            .copied()
            .unwrap_or_default()
    }

    fn sort(&self, rows: &mut [AdvisoryRow], by: &str) {
        let urgency = |row: &AdvisoryRow| {
            let counts = self.count(row);
            let open = counts.affected + counts.needs_person > 0;
            let exploited = self.exploited.contains(&row.id);
            (open && exploited, counts.affected > 0, open, row.score)
        };
        rows.sort_by(|a, b| {
            let order = match by {
                "title" => a.title.cmp(&b.title),
                "publisher" => a.publisher.cmp(&b.publisher),
                "changed" => b.changed.cmp(&a.changed),
                "score" => b.score.cmp(&a.score),
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

/// Those that name a product with these words; the documents are read for it.
async fn with_product(
    view: &mut View,
    rows: Vec<AdvisoryRow>,
    words: &str,
) -> Result<Vec<AdvisoryRow>, Failure> {
    let words = words.to_lowercase();
    let mut found = Vec::new();
    for row in rows {
        let bytes = view.advisory_bytes(&row.id, row.revision).await?;
        let prepared = crate::matching::prepared(&row, &bytes.unwrap_or_default())?;
        let mut products = prepared.advisory.products.iter();
        if products.any(|one| {
            let text = format!("{} {} {} {}", one.vendor, one.family, one.product, one.name);
            text.to_lowercase().contains(&words)
        }) {
            found.push(row);
        }
    }
    Ok(found)
}
