//! One entry against one thing: in three values, with the reason.

use super::entry::{Entry, Statement};
use super::identity::{Aliases, Likeness, Thing, likeness};
use super::reason::{Doubt, Finding, Reason};
use super::version::{Scheme, Versions};
use patchward_common::component::Source;

/// What an entry says of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It speaks of something else.
    Nothing,
    /// It speaks of other versions of the thing, and names single ones: of this one, nothing
    /// is said here.
    OtherVersion,
    /// This.
    Found(Finding),
}

/// Whether the thing's version is among the entry's.
enum Among {
    Yes,
    No,
    Unsure(Reason),
}

/// Holds one against the other.
pub fn judge(entry: &Entry, thing: &Thing, aliases: &Aliases) -> Judged {
    let likeness = best(entry, thing, aliases);
    if likeness == Likeness::Other {
        return Judged::Nothing;
    }
    let among = among(&entry.versions, thing, &likeness);
    let doubt = match &likeness {
        Likeness::Perhaps(doubt) => Some(Reason::Identity(doubt.clone())),
        _ if entry.identities.len() > 1 && likeness != Likeness::SamePackage => {
            let with = entry.identities[1..].iter().map(|one| one.shown.as_str());
            Some(Reason::Together(with.collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    };
    let person = |reason| Judged::Found(Finding::needs_person(reason));
    match (entry.statement, among) {
        (Statement::Recommended, _) => Judged::Nothing,
        (Statement::Affected, Among::Yes) => match doubt {
            Some(reason) => person(reason),
            None => Judged::Found(Finding::affected(Reason::InRange(
                entry.versions.to_string(),
            ))),
        },
        (Statement::OneEnd, Among::Yes) if doubt.is_none() => Judged::Found(Finding::affected(
            Reason::InRange(entry.versions.to_string()),
        )),
        (Statement::OneEnd, _) => {
            person(doubt.unwrap_or_else(|| Reason::OneEnd(entry.versions.to_string())))
        }
        (Statement::Affected, Among::No) if entry.versions.names_single_ones() => {
            Judged::OtherVersion
        }
        // Whether it is the product or not: it is not affected by this.
        (Statement::Affected, Among::No) => {
            let range = entry.versions.to_string();
            Judged::Found(Finding::not_affected(Reason::OutOfRange(range)))
        }
        (Statement::Fixed, Among::Yes) => Judged::Found(Finding::not_affected(Reason::Fixed)),
        (Statement::NotAffected, Among::Yes) => {
            let why = Reason::SaidNotAffected(entry.why.clone());
            Judged::Found(Finding::not_affected(why))
        }
        (_, Among::No) => Judged::OtherVersion,
        // What has the fix, and in which version, is not clear: it says nothing sure.
        (Statement::Fixed | Statement::NotAffected, Among::Unsure(_)) => Judged::OtherVersion,
        (Statement::Affected, Among::Unsure(reason)) => person(doubt.unwrap_or(reason)),
        (Statement::NotKnown, _) => person(doubt.unwrap_or(Reason::NotKnownYet)),
        (Statement::Contradiction, _) => person(doubt.unwrap_or(Reason::TwoStatements)),
        (Statement::Nothing, _) => person(doubt.unwrap_or(Reason::NothingSaid)),
    }
}

/// How like the entry's product the thing is; where it is one product on another, either
/// counts, and never surely.
fn best(entry: &Entry, thing: &Thing, aliases: &Aliases) -> Likeness {
    let mut best = Likeness::Other;
    for identity in &entry.identities {
        match likeness(identity, thing, aliases) {
            Likeness::Other => {}
            found @ (Likeness::Same | Likeness::SamePackage) => return found,
            found => best = found,
        }
    }
    best
}

fn among(versions: &Versions, thing: &Thing, likeness: &Likeness) -> Among {
    let set = match versions {
        Versions::All => return Among::Yes,
        Versions::Unclear(why) => return Among::Unsure(Reason::Versions(why.clone())),
        Versions::In(set) => set,
    };
    if thing.version.is_empty() {
        return Among::Unsure(Reason::NoVersion);
    }
    let not_comparable = || Among::Unsure(Reason::NotComparable(set.to_string()));
    let is_package = matches!(thing.source, Some(Source::Deb | Source::Rpm));
    let version = match (set.scheme(), thing.source) {
        (Scheme::Deb, Some(Source::Deb)) | (Scheme::Rpm, Some(Source::Rpm)) => {
            Some(thing.version.as_str())
        }
        (Scheme::Deb | Scheme::Rpm, _) => None,
        _ if is_package => upstream(&thing.version),
        _ => Some(thing.version.as_str()),
    };
    let Some(version) = version else {
        return not_comparable();
    };
    match set.contains(version) {
        None => not_comparable(),
        Some(false) => Among::No,
        Some(true)
            if is_package && version != thing.version && *likeness != Likeness::SamePackage =>
        {
            Among::Unsure(Reason::Backport)
        }
        Some(true) => Among::Yes,
    }
}

/// The upstream version of a package, where it is one: without epoch and revision, and
/// without signs by which distributions say that it is really another.
fn upstream(version: &str) -> Option<&str> {
    let rest = version.split_once(':').map_or(version, |(_, rest)| rest);
    let upstream = rest.split('-').next().unwrap_or(rest);
    let is_plain = upstream.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (is_plain && !upstream.is_empty()).then_some(upstream)
}

/// Whether a machine could decide this entry at all, for a thing that is recorded in the
/// advisory's own words: what is said of it without an inventory.
pub fn decidable(entry: &Entry) -> Finding {
    let person = Finding::needs_person;
    match entry.statement {
        Statement::Contradiction => return person(Reason::TwoStatements),
        Statement::Nothing | Statement::Recommended => return person(Reason::NothingSaid),
        Statement::NotKnown => return person(Reason::NotKnownYet),
        Statement::OneEnd => return person(Reason::OneEnd(entry.versions.to_string())),
        Statement::Affected | Statement::Fixed | Statement::NotAffected => {}
    }
    if let Versions::Unclear(why) = &entry.versions {
        return person(Reason::Versions(why.clone()));
    }
    if let [_, with @ ..] = &entry.identities[..]
        && !with.is_empty()
        && entry.identities[0].purls.is_empty()
    {
        let with = with.iter().map(|one| one.shown.as_str());
        return person(Reason::Together(with.collect::<Vec<_>>().join(", ")));
    }
    match entry.identities.first().map(|one| &one.doubt) {
        None => return person(Reason::Identity(Doubt::NoName)),
        Some(Some(doubt)) => return person(Reason::Identity(doubt.clone())),
        Some(None) => {}
    }
    let range = entry.versions.to_string();
    match entry.statement {
        Statement::Affected => Finding::affected(Reason::InRange(range)),
        Statement::Fixed => Finding::not_affected(Reason::Fixed),
        _ => Finding::not_affected(Reason::SaidNotAffected(entry.why.clone())),
    }
}
