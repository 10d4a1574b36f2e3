//! Which advisories a release's components meet, for whoever plans it.

use crate::advisory::Verdict;
use crate::command::plan::findings;
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
    /// Reads it of releases with what people call them. What a person has to look at comes
    /// after what is affected.
    async fn read(view: &mut View, releases: Vec<(Digest, String)>) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for (release, called) in releases {
            let matches = view.release_matches(Some(&release), None).await?;
            found.push((called, matches));
        }
        let advisories = match found.iter().all(|(_, matches)| matches.is_empty()) {
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
        let all = found.into_iter().map(|(release, matches)| {
            let mut rows: Vec<_> = matches.into_iter().map(with).collect();
            rows.sort_by_key(|(one, advisory)| {
                let score = advisory.as_ref().and_then(|row| row.score);
                (!is_affected(one), std::cmp::Reverse(score))
            });
            Self { release, rows }
        });
        Ok(all.collect())
    }

    /// The same of one that is stored.
    pub(in crate::command) async fn of_release(
        view: &mut View,
        release: &Release,
    ) -> Result<Self, Failure> {
        let called = format!("{} {}", release.product, release.version);
        let mut read = Self::read(view, vec![(release.sha256, called.clone())]).await?;
        Ok(read.pop().unwrap_or(Self {
            release: called,
            rows: Vec::new(),
        }))
    }

    /// All releases of a plan.
    pub(in crate::command) async fn of_plan(
        view: &mut View,
        approval: &Approval,
    ) -> Result<Vec<Self>, Failure> {
        let named = approval.releases.iter().map(|one| {
            let called = format!("{} {}", one.release.product, one.release.version);
            (one.sha256, called)
        });
        Self::read(view, named.collect()).await
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

/// Adds to the findings of the plan check what the releases bring.
pub(in crate::command) fn add_to(met: &[Met], table: &mut Table) {
    for one in met {
        if let Some((warns, text)) = one.words() {
            findings::add(table, warns, "vulnerable component", &one.release, &text);
        }
    }
}
