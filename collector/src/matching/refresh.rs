//! A run of the matching: all advisories or some, against everything.

use super::brought::Brought;
use super::decisions::{Decisions, product_key};
use super::inventory::aliases;
use super::kept::Kept;
use super::only::{Only, Part};
use crate::advisory::entry::Entry;
use crate::advisory::identity::{Aliases, Thing};
use crate::advisory::matcher::{Index, Match, Prepared, matches_with};
use crate::advisory::{Verdict, csaf, notice, revision};
use crate::control::Failure;
use crate::store::advisories::{AdvisoryRow, MatchRow, Moved, Stamp};
use crate::store::boms::ReleaseMatch;
use crate::store::{Actor, Store};
use patchward_common::time::UtcMs;
use std::collections::HashMap;
use std::sync::Arc;

/// How often a run begins again where what it reads moved meanwhile: a run takes seconds, and
/// people who change things without a pause are answered by the run after.
const ATTEMPTS: u32 = 3;
/// Bytes of documents that are held at once, after which those are matched that were read.
const DOCUMENT_BYTES: usize = 32 * 1024 * 1024;

/// A stored advisory that cannot be read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}

impl Unreadable {
    /// What happened, and what to do.
    pub fn words(&self) -> String {
        format!(
            "advisory {} cannot be read any more: {}; import a newer revision, or after \
             `advisory remove {}` the same one again",
            self.id, self.why, self.id
        )
    }
}

impl From<Unreadable> for Failure {
    fn from(one: Unreadable) -> Self {
        Self::conflict(one.words())
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Advisories that cannot be read any more: what they came to stands as it was.
    pub unreadable: Vec<Unreadable>,
}

impl Outcome {
    /// What matches of one advisory come to.
    fn of(rows: &[MatchRow]) -> Self {
        let mut outcome = Self {
            advisories: 1,
            ..Self::default()
        };
        for one in rows {
            match Verdict::of_word(&one.value) {
                Some(Verdict::Affected) => outcome.affected += 1,
                Some(Verdict::NotAffected) => outcome.not_affected += 1,
                _ => outcome.needs_person += 1,
            }
        }
        outcome
    }

    fn add(&mut self, other: Self) {
        self.advisories += other.advisories;
        self.affected += other.affected;
        self.needs_person += other.needs_person;
        self.not_affected += other.not_affected;
        self.opened += other.opened;
        self.unreadable.extend(other.unreadable);
    }
}

/// A run, and the state of the store that it followed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What it came to.
    pub outcome: Outcome,
    /// The state, with what the run itself wrote.
    pub stamp: Stamp,
}

/// Reads a stored advisory again.
pub fn prepared(row: &AdvisoryRow, bytes: &[u8]) -> Result<Prepared, Unreadable> {
    let damaged = |why: String| Unreadable {
        id: row.id.clone(),
        why,
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

/// Runs the matching of all advisories against everything, or of `only` some, and writes what changed. It reads
/// and computes with nothing open that writes; hellos and goes wait for no run. What it was
/// computed from is looked at again as it is written, and where that moved it runs again.
///
/// # Errors
/// [`Failure::conflict`] where people changed what it reads all the while. Nothing is lost
/// then: the collector's own run takes it within a minute.
pub async fn refresh(
    store: &Store,
    kept: &Kept,
    actor: &Actor,
    now: UtcMs,
    only: Only<'_>,
) -> Result<Ran, Failure> {
    for attempt in 1..=ATTEMPTS {
        let computed = compute(store, kept, now, only).await?;
        if computed.differing.is_empty() {
            return Ok(computed.ran);
        }
        let mut change = store.change(actor.clone(), now).await?;
        // Machines report at any hour, and a run of their own follows what they say: the last
        // attempt is for what people said.
        let may_move = |moved| attempt == ATTEMPTS && moved == Moved::Inventory;
        let moved = change.view().moved_since(&computed.ran.stamp).await?;
        if moved != Moved::Nothing && !may_move(moved) {
            continue;
        }
        for one in &computed.differing {
            if !one.rows.is_empty() || !one.gone.is_empty() {
                change
                    .put_matches(&one.advisory, &one.rows, &one.gone, one.opened)
                    .await?;
            }
            if let Some(rows) = &one.releases {
                change.put_release_matches(&one.advisory, rows).await?;
            }
        }
        let committed = change.commit_unless_moved(&computed.ran.stamp, may_move);
        if let Ok(head) = committed.await? {
            let audit = head.seq;
            let ran = computed.ran;
            return Ok(Ran {
                stamp: Stamp { audit, ..ran.stamp },
                ..ran
            });
        }
    }
    Err(Failure::conflict(format!(
        "Advisories, decisions or assets changed while they were matched, {ATTEMPTS} times; what \
         you did is stored, and the collector matches it by itself within a minute. `advisory \
         match` does it now."
    )))
}

/// What differs in the matches of one advisory.
struct Differing {
    advisory: String,
    rows: Vec<MatchRow>,
    gone: Vec<String>,
    opened: usize,
    /// What it says of what releases bring, where that is other than before.
    releases: Option<Vec<ReleaseMatch>>,
}

/// A run that is not written yet.
struct Computed {
    ran: Ran,
    differing: Vec<Differing>,
}

/// Reads one consistent state, and computes what follows from it.
async fn compute(
    store: &Store,
    kept: &Kept,
    now: UtcMs,
    only: Only<'_>,
) -> Result<Computed, Failure> {
    let mut view = store.view().await?;
    let stamp = view.matching_stamp().await?;
    let mut rows = view.advisories().await?;
    let advisories = only.advisories;
    rows.retain(|row| advisories.is_none_or(|some| some.contains(&row.id)));
    let mut outcome = Outcome::default();
    let mut differing = Vec::new();
    if rows.is_empty() {
        let ran = Ran { outcome, stamp };
        return Ok(Computed { ran, differing });
    }
    let all = kept.index(&mut view, &stamp).await?;
    let (part, index) = match only.things.map(|keys| Part::of(&all, keys)) {
        Some((part, index)) => (Some(part), Arc::new(index)),
        None => (None, all),
    };
    let held = Arc::new(Held {
        index,
        aliases: aliases(&mut view).await?,
        decisions: Decisions::read(&mut view).await?,
        brought: match part {
            // A run for some machines and assets has nothing to do with releases.
            Some(_) => None,
            None => Some(Brought::read(&mut view).await?),
        },
    });
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut some = Vec::new();
        let mut bytes = 0;
        while bytes < DOCUMENT_BYTES
            && let Some(row) = rows.next()
        {
            let document = view.advisory_bytes(&row.id, row.revision).await?;
            let document = document.unwrap_or_default();
            let mut old = view.advisory_matches(Some(&row.id)).await?;
            old.retain(|row| part.as_ref().is_none_or(|part| part.holds(row)));
            let said = view.release_matches(None, Some(&row.id)).await?;
            bytes += document.len();
            some.push((row, document, old, said));
        }
        let held = Arc::clone(&held);
        let all = move || -> Vec<_> { some.iter().map(|one| one_of(one, &held, now)).collect() };
        for (of_one, counted) in super::aside(all).await? {
            outcome.add(counted);
            differing.extend(of_one);
        }
    }
    let ran = Ran { outcome, stamp };
    Ok(Computed { ran, differing })
}

/// An advisory as it is stored: its row, its bytes, its matches, what it says of releases.
type Stored = (AdvisoryRow, Vec<u8>, Vec<MatchRow>, Vec<ReleaseMatch>);

fn one_of(
    (row, document, old, said): &Stored,
    held: &Held,
    now: UtcMs,
) -> (Option<Differing>, Outcome) {
    let prepared = match prepared(row, document) {
        Ok(prepared) => prepared,
        // One that is damaged keeps what it came to, and the others go on.
        Err(unreadable) => {
            let mut stands = Outcome::of(old);
            stands.unreadable.push(unreadable);
            return (None, stands);
        }
    };
    let (differing, outcome) = compared(&row.id, of_advisory(&prepared, held, now), old);
    let brought = held.brought.as_ref();
    let releases = brought.map(|all| all.matches(&prepared, &held.aliases, &held.decisions));
    let Some(releases) = releases.filter(|new| new != said) else {
        return (differing, outcome);
    };
    let mut differing = differing.unwrap_or_else(|| Differing::nothing(&row.id));
    differing.releases = Some(releases);
    (Some(differing), outcome)
}

impl Differing {
    fn nothing(advisory: &str) -> Self {
        Self {
            advisory: advisory.to_owned(),
            rows: Vec::new(),
            gone: Vec::new(),
            opened: 0,
            releases: None,
        }
    }
}

/// What advisories are held against.
struct Held {
    index: Arc<Index>,
    aliases: Aliases,
    decisions: Decisions,
    /// What releases would bring.
    brought: Option<Brought>,
}

/// The new matches of an advisory beside those that stand: what differs, and what all come to.
fn compared(id: &str, new: Vec<MatchRow>, old: &[MatchRow]) -> (Option<Differing>, Outcome) {
    let (rows, opened) = merged(new, old);
    let outcome = Outcome {
        opened,
        ..Outcome::of(&rows)
    };
    let stands: HashMap<&str, &MatchRow> = by_thing(old);
    let gone: Vec<String> = {
        let known = by_thing(&rows);
        let gone = old
            .iter()
            .filter(|row| !known.contains_key(row.thing.as_str()));
        gone.map(|row| row.thing.clone()).collect()
    };
    let differs = |row: &MatchRow| stands.get(row.thing.as_str()).is_none_or(|old| *old != row);
    let rows: Vec<MatchRow> = rows.into_iter().filter(differs).collect();
    let is_same = rows.is_empty() && gone.is_empty();
    let differing = (!is_same).then(|| Differing {
        rows,
        gone,
        opened,
        ..Differing::nothing(id)
    });
    (differing, outcome)
}

fn by_thing(rows: &[MatchRow]) -> HashMap<&str, &MatchRow> {
    rows.iter().map(|row| (row.thing.as_str(), row)).collect()
}

fn of_advisory(prepared: &Prepared, held: &Held, now: UtcMs) -> Vec<MatchRow> {
    let advisory = &prepared.advisory;
    if advisory.is_withdrawn() {
        return Vec::new();
    }
    let decided = |entry: &Entry, thing: &Thing| held.decisions.of(advisory, entry, thing);
    let found = matches_with(prepared, &held.index, &held.aliases, &decided);
    let rows = found.iter().map(|one| row(prepared, &held.index, one, now));
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
    let known = by_thing(old);
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
