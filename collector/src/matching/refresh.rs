//! A run of the matching: all advisories or some, against everything.

use super::inventory::{aliases, inventory};
use crate::advisory::entry::Entry;
use crate::advisory::identity::{Aliases, Thing};
use crate::advisory::matcher::{Index, Match, Prepared, matches_with};
use crate::advisory::{Advisory, Finding, Reason, Verdict, csaf, name, notice, revision};
use crate::control::Failure;
use crate::store::advisories::{AdvisoryRow, Decision, MatchRow};
use crate::store::{Change, View};
use patchward_common::time::UtcMs;
use std::collections::HashMap;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Advisories.
    pub advisories: usize,
    /// Matches that are affected.
    pub affected: usize,
    /// Matches that need a person.
    pub needs_person: usize,
    /// Matches that are not affected.
    pub not_affected: usize,
    /// Of all, those that are new or other than before.
    pub opened: usize,
}

/// Reads a stored advisory again.
pub fn prepared(row: &AdvisoryRow, bytes: &[u8]) -> Result<Prepared, Failure> {
    let damaged = |why: String| {
        Failure::conflict(format!(
            "advisory {} cannot be read any more: {why}; import it again",
            row.id
        ))
    };
    let advisory = match row.form.as_str() {
        "notice" | "recall" => {
            let read: Result<notice::Notice, _> = serde_json::from_slice(bytes);
            notice::advisory(&read.map_err(|error| damaged(error.to_string()))?)
        }
        _ => csaf::read(bytes).map_err(|error| damaged(error.to_string()))?,
    };
    Ok(Prepared::of(advisory))
}

/// What decisions on an entry are remembered by: vendor, product and versions, in whatever
/// revision they stand.
pub fn product_key(advisory: &Advisory, entry: &Entry) -> String {
    let product = &advisory.products[entry.product];
    let who = entry.identities.iter().map(|one| name::key(&one.shown));
    let who = who.collect::<Vec<_>>().join(" + ");
    let version: Vec<&str> = product.version.text().split_whitespace().collect();
    format!("{who}@{}", version.join(" "))
}

/// Runs the matching of all advisories, or of `only` these, and writes what changed.
pub async fn refresh(change: &mut Change, only: Option<&[String]>) -> Result<Outcome, Failure> {
    let now = change.now();
    let index = inventory(change.view()).await?;
    let aliases = aliases(change.view()).await?;
    let decisions = Decisions::read(change.view()).await?;
    let mut outcome = Outcome::default();
    for row in change.view().advisories().await? {
        if only.is_some_and(|only| !only.contains(&row.id)) {
            continue;
        }
        let bytes = change.view().advisory_bytes(&row.id, row.revision).await?;
        let prepared = prepared(&row, &bytes.unwrap_or_default())?;
        let new = of_advisory(&prepared, &index, &aliases, &decisions, now);
        let old = change.view().advisory_matches(Some(&row.id)).await?;
        let (rows, opened) = merged(new, &old);
        outcome.advisories += 1;
        outcome.opened += opened;
        for one in &rows {
            match Verdict::of_word(&one.value) {
                Some(Verdict::Affected) => outcome.affected += 1,
                Some(Verdict::NotAffected) => outcome.not_affected += 1,
                _ => outcome.needs_person += 1,
            }
        }
        if rows != old {
            change.put_matches(&row.id, &rows, opened).await?;
        }
    }
    Ok(outcome)
}

/// Decisions that count, by advisory, product and thing.
struct Decisions(HashMap<(String, String, String), Vec<Decision>>);

impl Decisions {
    async fn read(view: &mut View) -> Result<Self, Failure> {
        let mut all: HashMap<_, Vec<Decision>> = HashMap::new();
        for one in view.decisions().await? {
            if one.ended_at.is_none() {
                let key = (one.advisory.clone(), one.product.clone(), one.who.clone());
                all.entry(key).or_default().push(one);
            }
        }
        Ok(Self(all))
    }

    /// What a person said of an entry and a thing; of its version before of every one.
    fn of(&self, advisory: &Advisory, entry: &Entry, thing: &Thing) -> Option<Finding> {
        if self.0.is_empty() {
            return None;
        }
        let key = (
            advisory.id.clone(),
            product_key(advisory, entry),
            thing.who(),
        );
        let said = self.0.get(&key)?;
        let exact = said.iter().find(|one| one.version == thing.version);
        let one = exact.or_else(|| said.iter().find(|one| one.version.is_empty()))?;
        Some(Finding {
            verdict: Verdict::of_word(&one.value)?,
            reason: Reason::Decided(one.reason.clone()),
        })
    }
}

fn of_advisory(
    prepared: &Prepared,
    index: &Index,
    aliases: &Aliases,
    decisions: &Decisions,
    now: UtcMs,
) -> Vec<MatchRow> {
    let advisory = &prepared.advisory;
    if advisory.is_withdrawn() {
        return Vec::new();
    }
    let decided = |entry: &Entry, thing: &Thing| decisions.of(advisory, entry, thing);
    let found = matches_with(prepared, index, aliases, &decided);
    let rows = found.iter().map(|one| row(prepared, index, one, now));
    let mut rows: Vec<MatchRow> = rows.collect();
    rows.sort_by(|a, b| a.thing.cmp(&b.thing));
    rows.dedup_by(|a, b| a.thing == b.thing);
    rows
}

fn row(prepared: &Prepared, index: &Index, one: &Match, now: UtcMs) -> MatchRow {
    let advisory = &prepared.advisory;
    let thing = index.thing(one.thing);
    let entry = &prepared.entries[one.entry];
    MatchRow {
        advisory: advisory.id.clone(),
        thing: thing.key(),
        who: thing.who(),
        shown: thing.shown(),
        value: one.finding.verdict.word().to_owned(),
        reason: one.finding.reason.word().to_owned(),
        why: one.finding.reason.to_string(),
        product: product_key(advisory, entry),
        product_id: advisory.products[entry.product].id.clone(),
        outlook: one.outlook(prepared).word().to_owned(),
        fingerprint: revision::fingerprint(advisory, entry),
        since: now,
    }
}

/// The new matches, with the time of those that were there before and ask for nothing else.
fn merged(mut new: Vec<MatchRow>, old: &[MatchRow]) -> (Vec<MatchRow>, usize) {
    let known: HashMap<&str, &MatchRow> = old.iter().map(|row| (row.thing.as_str(), row)).collect();
    let mut opened = 0;
    for row in &mut new {
        match known.get(row.thing.as_str()) {
            Some(before) if before.value == row.value && before.fingerprint == row.fingerprint => {
                row.since = before.since;
            }
            _ => opened += 1,
        }
    }
    (new, opened)
}
