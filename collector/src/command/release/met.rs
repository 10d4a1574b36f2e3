//! Which advisories a release's components meet, for whoever plans it.

use crate::advisory::Verdict;
use crate::control::{Cell, Failure, Table};
use crate::store::View;
use crate::store::advisories::AdvisoryRow;
use crate::store::boms::ReleaseMatch;
use crate::store::releases::Release;
use patchward_common::digest::Digest;
use patchward_common::trust::approval::Approval;
use std::collections::{BTreeSet, HashMap};

/// Most that a sentence names; the table has all.
const MAX_NAMED: usize = 5;

/// What advisories say of what a release brings.
pub(in crate::command) struct Met {
    /// The release, for people.
    release: String,
    rows: Vec<(ReleaseMatch, Option<AdvisoryRow>)>,
}

impl Met {
    /// Reads it. What a person has to look at comes after what is affected.
    async fn read(view: &mut View, release: &Digest, called: String) -> Result<Self, Failure> {
        let found = view.release_matches(Some(release), None).await?;
        let advisories = match found.is_empty() {
            true => Vec::new(),
            false => view.advisories().await?,
        };
        let advisories: HashMap<String, AdvisoryRow> = advisories
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
        let with = |one: ReleaseMatch| {
            let advisory = advisories.get(&one.advisory).cloned();
            (one, advisory)
        };
        let mut rows: Vec<_> = found.into_iter().map(with).collect();
        rows.sort_by_key(|(one, advisory)| {
            let score = advisory.as_ref().and_then(|row| row.score);
            (!is_affected(one), std::cmp::Reverse(score))
        });
        Ok(Self {
            release: called,
            rows,
        })
    }

    /// The same of one that is stored.
    pub(in crate::command) async fn of_release(
        view: &mut View,
        release: &Release,
    ) -> Result<Self, Failure> {
        let called = format!("{} {}", release.product, release.version);
        Self::read(view, &release.sha256, called).await
    }

    /// All releases of a plan.
    pub(in crate::command) async fn of_plan(
        view: &mut View,
        approval: &Approval,
    ) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for one in &approval.releases {
            let called = format!("{} {}", one.release.product, one.release.version);
            all.push(Self::read(view, &one.sha256, called).await?);
        }
        Ok(all)
    }

    /// Every match.
    pub(in crate::command) fn table(&self) -> Table {
        let mut table = Table::new(&["advisory", "component", "value", "why", "score", "title"]);
        for (one, advisory) in &self.rows {
            let score = advisory.as_ref().and_then(|row| row.score);
            table.row(vec![
                Cell::of(&one.advisory),
                Cell::of(&one.shown),
                Cell::of(&one.value),
                Cell::of(&one.why),
                Cell::maybe(score.map(|tenths| f64::from(tenths) / 10.0)),
                Cell::maybe(advisory.as_ref().map(|row| &row.title)),
            ]);
        }
        table
    }

    /// What it comes to in one sentence, and whether it warns; `None` where it meets none.
    pub(in crate::command) fn words(&self) -> Option<(bool, String)> {
        let affected: Vec<_> = self
            .rows
            .iter()
            .filter(|(one, _)| is_affected(one))
            .collect();
        let others = self.rows.len() - affected.len();
        if self.rows.is_empty() {
            return None;
        }
        let first = affected.iter().take(MAX_NAMED);
        let first: BTreeSet<String> = first
            .map(|(one, _)| format!("{} ({})", one.shown, one.advisory))
            .collect();
        let first: Vec<String> = first.into_iter().collect();
        let more = match affected.len() {
            count if count > MAX_NAMED => format!(" and {} more", count - MAX_NAMED),
            _ => String::new(),
        };
        let looked = match others {
            0 => String::new(),
            count => format!(" {count} more a person has to look at."),
        };
        let brings = match first.is_empty() {
            true => "brings nothing that is surely affected by an advisory.".to_owned(),
            false => format!("brings what is vulnerable: {}{more}.", first.join(", ")),
        };
        let release = &self.release;
        let text = format!("{release} {brings}{looked} `release sbom` shows each.");
        Some((!affected.is_empty(), text))
    }
}

fn is_affected(one: &ReleaseMatch) -> bool {
    one.value == Verdict::Affected.word()
}

/// Adds to the findings of the plan check what the releases bring. They are this collector's:
/// `patchward-sign` knows no advisories.
pub(in crate::command) fn add_to(met: &[Met], findings: &mut Table) {
    for one in met {
        if let Some((warns, text)) = one.words() {
            findings.row(vec![
                Cell::of(if warns { "warns" } else { "notes" }),
                Cell::of("vulnerable component"),
                Cell::of(format!("release {}", one.release)),
                Cell::of(text),
            ]);
        }
    }
}
