//! Revisions of one advisory: which is newer, what changed, and whether that changes what
//! people have to do.

use super::document::Advisory;
use super::entry::Entry;
use patchward_common::digest::Digest;
use std::cmp::Ordering;

/// A version of an advisory as its publisher counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// 1, 2, 3.
    Whole(u64),
    /// Semantic versioning.
    Semantic(semver::Version),
    /// Neither.
    Otherwise(String),
}

impl Counted {
    /// How a version is counted.
    pub fn of(version: &str) -> Self {
        if let Ok(whole) = version.parse() {
            return Self::Whole(whole);
        }
        match semver::Version::parse(version) {
            Ok(version) => Self::Semantic(version),
            Err(_) => Self::Otherwise(version.to_owned()),
        }
    }

    /// Whether it is counted by semantic versioning.
    pub fn is_semantic(&self) -> bool {
        matches!(self, Self::Semantic(_))
    }

    /// The order of two; `None` where they are counted in different ways.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(b)),
            (Self::Semantic(a), Self::Semantic(b)) => Some(a.cmp_precedence(b)),
            (Self::Otherwise(a), Self::Otherwise(b)) if a == b => Some(Ordering::Equal),
            _ => None,
        }
    }

    /// Whether going from `self` to `other` asks for new matching by its number alone: the
    /// major version changed, or it cannot be told.
    pub fn is_major_step(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Semantic(a), Self::Semantic(b)) => a.major != b.major,
            _ => self != other,
        }
    }
}

/// What of an entry people act on: while it stays the same, a new revision raises nothing.
pub fn fingerprint(advisory: &Advisory, entry: &Entry) -> Digest {
    let product = &advisory.products[entry.product];
    let mut text = format!(
        "{:?}\n{}\n{}\n",
        entry.statement,
        product.version.text(),
        advisory.is_withdrawn()
    );
    let mut lines = Vec::new();
    for at in &entry.vulnerabilities {
        let vulnerability = &advisory.vulnerabilities[*at];
        let name = &vulnerability.name;
        lines.push(name.clone());
        for one in &vulnerability.remediations {
            if one.products.is_empty() || one.products.contains(&entry.product) {
                let url = one.url.as_deref().unwrap_or_default();
                lines.push(format!(
                    "{name} {} {} {url}",
                    one.remedy.word(),
                    one.details
                ));
            }
        }
    }
    // The order of a file's lists says nothing.
    lines.sort();
    text.push_str(&lines.join("\n"));
    Digest::of(text.as_bytes())
}

/// One difference between two revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// In the one.
    pub before: String,
    /// In the other.
    pub after: String,
}

/// What differs between two revisions, for people.
pub fn differences(before: &Advisory, after: &Advisory) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |what: String, before: String, after: String| {
        if before != after {
            found.push(Difference {
                what,
                before,
                after,
            });
        }
    };
    for (what, of) in [
        (
            "title",
            (|one: &Advisory| one.title.clone()) as fn(&Advisory) -> String,
        ),
        ("version", |one| one.version.clone()),
        ("status", |one| one.status.clone()),
        ("category", |one| one.category.clone()),
    ] {
        add(what.to_owned(), of(before), of(after));
    }
    let (left, right) = (described(before), described(after));
    let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let text = |of: &std::collections::BTreeMap<String, String>| {
            of.get(key).cloned().unwrap_or_default()
        };
        add(key.clone(), text(&left), text(&right));
    }
    found
}

/// What is said of each product and vulnerability.
fn described(advisory: &Advisory) -> std::collections::BTreeMap<String, String> {
    let mut said: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for vulnerability in &advisory.vulnerabilities {
        for (status, product) in &vulnerability.statuses {
            let key = format!(
                "{}: {}",
                vulnerability.name, advisory.products[*product].name
            );
            said.entry(key).or_default().push(status.word().to_owned());
        }
        for one in &vulnerability.remediations {
            let key = format!("{}: {}", vulnerability.name, one.remedy.word());
            said.entry(key).or_default().push(one.details.clone());
        }
    }
    let joined = said.into_iter().map(|(key, mut texts)| {
        texts.sort();
        (key, texts.join(" · "))
    });
    joined.collect()
}
