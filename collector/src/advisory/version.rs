//! Which versions an entry means, and whether one is among them: in three values.
//!
//! `vers:` ranges ([`vers`]) and words that have one meaning ([`words`]) become a [`Set`].
//! Everything else is [`Versions::Unclear`], with the reason: a person reads it.

mod set;
#[cfg(test)]
mod tests;
mod unclear;
mod vers;
mod words;

pub use set::{Op, Scheme, Set};
pub use unclear::Unclear;
pub use vers::decoded;

use super::document::VersionText;
use crate::advisory::name;
use std::collections::BTreeSet;

/// Longest text of versions that is read as such; longer ones are prose.
const MAX_TEXT_BYTES: usize = 2_000;

/// Which versions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Every one.
    All,
    /// Those of a set.
    In(Set),
    /// A person has to say.
    Unclear(Unclear),
}

impl Versions {
    /// Reads the versions of a product: its version's words, held against its full name,
    /// in which many publishers say them once more.
    pub fn of(version: &VersionText, product: &str, full_name: &str) -> Self {
        let text = version.text().trim();
        if text.is_empty() {
            return Self::Unclear(Unclear::Silent);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Self::Unclear(Unclear::Words);
        }
        let read = Self::read(text);
        let is_one = matches!(version, VersionText::One(_));
        if is_one && is_model(text, product, full_name) {
            return Self::Unclear(Unclear::Model);
        }
        match (&read, contradiction(text, product, full_name)) {
            (Self::In(_), Some(found)) => Self::Unclear(found),
            _ => read,
        }
    }

    /// Reads a text.
    pub fn read(text: &str) -> Self {
        let read = match vers::scheme_of(text) {
            Some((scheme, rest)) => vers::read(scheme, rest),
            None => words::read(text),
        };
        read.unwrap_or_else(Self::Unclear)
    }

    /// Whether only single versions or series are named: nothing is said of others then.
    pub fn names_single_ones(&self) -> bool {
        matches!(self, Self::In(set) if set.names_single_ones())
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("every version"),
            Self::In(set) => set.fmt(f),
            Self::Unclear(why) => why.fmt(f),
        }
    }
}

/// Whether the version's field holds a model: the name says "model" before it.
fn is_model(text: &str, product: &str, full_name: &str) -> bool {
    let lower = |text: &str| text.to_lowercase();
    let (text, product, full) = (lower(text), lower(product), lower(full_name));
    let says_model = |before: &str| {
        let words = name::tokens(before);
        matches!(words.last().map(String::as_str), Some("model" | "models"))
    };
    let first = text.split([' ', '|', ',']).next().unwrap_or_default();
    let before = full.rfind(first).map(|at| &full[..at]);
    // "MMT-1754": letters, a dash and a number without a dot is how models are numbered.
    let is_number = |part: &str| {
        let mut halves = part.trim().splitn(2, '-');
        let (letters, digits) = (
            halves.next().unwrap_or_default(),
            halves.next().unwrap_or_default(),
        );
        letters.len() >= 2
            && letters.bytes().all(|b| b.is_ascii_alphabetic())
            && digits.len() >= 3
            && digits.bytes().all(|b| b.is_ascii_digit())
    };
    says_model(&product) || before.is_some_and(says_model) || text.split('|').all(is_number)
}

/// What a full name says otherwise than the version beside it.
fn contradiction(text: &str, product: &str, full_name: &str) -> Option<Unclear> {
    let rest = full_name.replace(product, " ");
    let (said, named) = (numbers(text), numbers(&rest));
    if !named.is_empty() && said != named {
        return Some(Unclear::Contradiction {
            one: text.to_owned(),
            other: rest.trim_matches([':', ' ', '-']).to_owned(),
        });
    }
    // "up to 7.6.2" in the name leaves open what "<7.6.2" decides.
    let lower = rest.to_lowercase();
    let open = lower.contains("up to ") && !lower.contains("including");
    let inclusive = ["and prior", "and earlier", "and below", "or prior"];
    let excludes = text.starts_with('<') && !text.starts_with("<=");
    let other_end = excludes && inclusive.iter().any(|words| lower.contains(words));
    (open || other_end).then(|| Unclear::Contradiction {
        one: text.to_owned(),
        other: rest.trim_matches([':', ' ', '-']).to_owned(),
    })
}

/// The dotted numbers of a text, without a leading `v`.
fn numbers(text: &str) -> BTreeSet<String> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let runs = text.split(|c| !belongs(c)).map(|run| run.trim_matches('.'));
    let is_dotted = |run: &&str| {
        let inner = run.split('.').count() > 1 && run.split('.').all(|part| part.len() < 12);
        inner && run.bytes().any(|b| b.is_ascii_digit())
    };
    let plain = runs.filter(is_dotted).map(|run| {
        let lower = run.to_ascii_lowercase();
        let rest = lower
            .strip_prefix('v')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        rest.map_or_else(|| lower.clone(), str::to_owned)
    });
    plain.collect()
}
