//! Every entry against every thing, by an index of names: only things that share a maker, a
//! name or a model with an entry are held against it.

mod index;
#[cfg(test)]
mod tests;

pub use index::Index;

use super::document::Advisory;
use super::entry::{Entry, Outlook, Statement};
use super::identity::{Aliases, Thing};
use super::judge::{Judged, judge};
use super::reason::{Finding, Reason, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// An advisory, ready to be held against things.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The advisory.
    pub advisory: Advisory,
    /// Its entries.
    pub entries: Vec<Entry>,
}

impl Prepared {
    /// Prepares an advisory.
    pub fn of(advisory: Advisory) -> Self {
        let entries = Entry::all(&advisory);
        Self { advisory, entries }
    }
}

/// What an advisory comes to for one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The thing, by place in the index.
    pub thing: usize,
    /// The value, and why.
    pub finding: Finding,
    /// The entry that decided, by place.
    pub entry: usize,
    /// What each entry says that has to do with it, by place: `None` for another version.
    pub said: Vec<(usize, Option<Finding>)>,
}

impl Match {
    /// What can be done about it.
    pub fn outlook(&self, prepared: &Prepared) -> Outlook {
        prepared.entries[self.entry].outlook
    }
}

/// Every match of an advisory, by thing.
pub fn matches(prepared: &Prepared, index: &Index, aliases: &Aliases) -> Vec<Match> {
    matches_with(prepared, index, aliases, &|_, _| None)
}

/// The same, where a person may have decided: what `decided` says of an entry and a thing
/// stands above what we find.
pub fn matches_with(
    prepared: &Prepared,
    index: &Index,
    aliases: &Aliases,
    decided: &dyn Fn(&Entry, &Thing) -> Option<Finding>,
) -> Vec<Match> {
    let mut said: BTreeMap<usize, Vec<(usize, Option<Finding>)>> = BTreeMap::new();
    for (place, entry) in prepared.entries.iter().enumerate() {
        for thing in index.candidates(entry, aliases) {
            let judged = match judge(entry, index.thing(thing), aliases) {
                Judged::Nothing => continue,
                Judged::OtherVersion => None,
                Judged::Found(finding) => Some(finding),
            };
            let judged = decided(entry, index.thing(thing)).or(judged);
            said.entry(thing).or_default().push((place, judged));
        }
    }
    let of_thing = |(thing, said): (usize, Vec<_>)| combined(prepared, thing, said);
    said.into_iter().map(of_thing).collect()
}

/// What all entries come to for one thing.
fn combined(prepared: &Prepared, thing: usize, said: Vec<(usize, Option<Finding>)>) -> Match {
    let found = |verdict| {
        let mut of = said.iter().filter_map(|(entry, finding)| {
            let finding = finding.as_ref()?;
            (finding.verdict == verdict).then(|| (*entry, finding.clone()))
        });
        of.next()
    };
    let contradicted = contradiction(prepared, &said);
    let (entry, finding) = contradicted
        .map(|entry| (entry, Finding::needs_person(Reason::TwoStatements)))
        .or_else(|| found(Verdict::Affected))
        .or_else(|| found(Verdict::NeedsPerson))
        .or_else(|| found(Verdict::NotAffected).filter(|_| !is_open(prepared, &said)))
        .unwrap_or_else(|| not_named(prepared, &said));
    Match {
        thing,
        finding,
        entry,
        said,
    }
}

/// Whether a vulnerability is left of which nothing is said for the thing: what is known of
/// the others closes nothing.
fn is_open(prepared: &Prepared, said: &[(usize, Option<Finding>)]) -> bool {
    let vulnerabilities = |entry: &usize| prepared.entries[*entry].vulnerabilities.iter();
    let with = said.iter().filter(|(_, finding)| finding.is_some());
    let told: BTreeSet<&usize> = with.flat_map(|(entry, _)| vulnerabilities(entry)).collect();
    let mut without = said.iter().filter(|(_, finding)| finding.is_none());
    without.any(|(entry, _)| vulnerabilities(entry).any(|one| !told.contains(one)))
}

/// Only single versions are named, and none is the thing's.
fn not_named(prepared: &Prepared, said: &[(usize, Option<Finding>)]) -> (usize, Finding) {
    let texts: BTreeSet<String> = said
        .iter()
        .map(|(entry, _)| prepared.entries[*entry].versions.to_string())
        .collect();
    let texts = texts.into_iter().take(5).collect::<Vec<_>>().join(", ");
    let first = said.first().map_or(0, |(entry, _)| *entry);
    (first, Finding::needs_person(Reason::NotNamed(texts)))
}

/// Whether one entry says "affected" and another "not affected" of the same version and the
/// same vulnerability.
fn contradiction(prepared: &Prepared, said: &[(usize, Option<Finding>)]) -> Option<usize> {
    let of = |wanted: &dyn Fn(&Entry, &Finding) -> bool| -> Vec<usize> {
        let some = said.iter().filter_map(|(entry, finding)| {
            let finding = finding.as_ref()?;
            wanted(&prepared.entries[*entry], finding).then_some(*entry)
        });
        some.collect()
    };
    let affected = of(&|_, finding| finding.verdict == Verdict::Affected);
    let fixed = of(&|entry, finding| {
        let says = matches!(entry.statement, Statement::Fixed | Statement::NotAffected);
        says && finding.verdict == Verdict::NotAffected
    });
    let vulnerabilities = |entry: usize| &prepared.entries[entry].vulnerabilities;
    affected.into_iter().find(|one| {
        let ours = vulnerabilities(*one);
        let shares = |other: &usize| vulnerabilities(*other).iter().any(|v| ours.contains(v));
        fixed.iter().any(shares)
    })
}
