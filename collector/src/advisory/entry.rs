//! Entries: one product of an advisory and one statement about it.

use super::document::{Advisory, Remedy, Status};
use super::identity::Identity;
use super::version::Versions;
use std::collections::BTreeMap;

/// What is said of a product, for some of the vulnerabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statement {
    /// Affected.
    Affected,
    /// The first or the last affected version.
    OneEnd,
    /// Has the fix.
    Fixed,
    /// Not affected.
    NotAffected,
    /// Not known, yet or ever.
    NotKnown,
    /// Recommended, and nothing else.
    Recommended,
    /// Two of these at once.
    Contradiction,
    /// Nothing.
    Nothing,
}

impl Statement {
    /// What all that is said of one product and one vulnerability comes to.
    fn of(statuses: &[Status]) -> Self {
        let mut kinds: Vec<Self> = statuses
            .iter()
            .filter_map(|status| match status {
                Status::KnownAffected => Some(Self::Affected),
                Status::FirstAffected | Status::LastAffected => Some(Self::OneEnd),
                Status::Fixed | Status::FirstFixed => Some(Self::Fixed),
                Status::KnownNotAffected => Some(Self::NotAffected),
                Status::UnderInvestigation | Status::Unknown => Some(Self::NotKnown),
                // Recommended may be any of the others too.
                Status::Recommended => None,
            })
            .collect();
        if kinds.contains(&Self::Affected) {
            kinds.retain(|kind| *kind != Self::OneEnd);
        }
        kinds.sort_unstable();
        kinds.dedup();
        match kinds[..] {
            [] if statuses.is_empty() => Self::Nothing,
            [] => Self::Recommended,
            [one] => one,
            _ => Self::Contradiction,
        }
    }
}

/// What can be done about an entry, the best of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outlook {
    /// The vendor has a fix.
    Fix,
    /// One will come.
    Planned,
    /// Only ways to live with it.
    Mitigation,
    /// Nothing is there.
    NoFix,
    /// Nothing is said.
    Unsaid,
}

impl Outlook {
    /// Its word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Planned => "fix_planned",
            Self::Mitigation => "mitigation",
            Self::NoFix => "no_fix",
            Self::Unsaid => "unsaid",
        }
    }

    /// The outlook with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        let all = [
            Self::Fix,
            Self::Planned,
            Self::Mitigation,
            Self::NoFix,
            Self::Unsaid,
        ];
        all.into_iter().find(|outlook| outlook.word() == word)
    }

    fn of(remedy: Remedy) -> Self {
        match remedy {
            Remedy::VendorFix => Self::Fix,
            Remedy::FixPlanned => Self::Planned,
            Remedy::Mitigation | Remedy::Workaround => Self::Mitigation,
            Remedy::NoneAvailable | Remedy::NoFixPlanned => Self::NoFix,
            Remedy::OptionalPatch => Self::Unsaid,
        }
    }
}

/// One product and one statement about it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its product, by place.
    pub product: usize,
    /// What is said.
    pub statement: Statement,
    /// In the words of the advisory.
    pub statuses: Vec<Status>,
    /// Of which vulnerabilities, by place.
    pub vulnerabilities: Vec<usize>,
    /// Who it is; where it is one product on another, the part first.
    pub identities: Vec<Identity>,
    /// Which versions.
    pub versions: Versions,
    /// What can be done.
    pub outlook: Outlook,
    /// Why it is not affected, where the publisher says it.
    pub why: String,
}

impl Entry {
    /// Every entry of an advisory, in the order of its products.
    pub fn all(advisory: &Advisory) -> Vec<Self> {
        let mut said: Vec<BTreeMap<usize, Vec<Status>>> =
            vec![BTreeMap::new(); advisory.products.len()];
        for (number, vulnerability) in advisory.vulnerabilities.iter().enumerate() {
            for (status, product) in &vulnerability.statuses {
                said[*product].entry(number).or_default().push(*status);
            }
        }
        let mut is_part = vec![false; advisory.products.len()];
        for relation in advisory.products.iter().filter_map(|one| one.relation) {
            is_part[relation.part] = true;
            is_part[relation.whole] = true;
        }
        let mut entries = Vec::new();
        for (product, said) in said.into_iter().enumerate() {
            // What only builds other products is no entry of its own.
            if said.is_empty() && is_part[product] {
                continue;
            }
            entries.extend(of_product(advisory, product, said));
        }
        entries
    }
}

fn of_product(advisory: &Advisory, place: usize, said: BTreeMap<usize, Vec<Status>>) -> Vec<Entry> {
    let mut by_statement: BTreeMap<Statement, (Vec<Status>, Vec<usize>)> = BTreeMap::new();
    for (vulnerability, statuses) in said {
        let statement = Statement::of(&statuses);
        let (all, vulnerabilities) = by_statement.entry(statement).or_default();
        all.extend(statuses);
        vulnerabilities.push(vulnerability);
    }
    if by_statement.is_empty() {
        by_statement.insert(Statement::Nothing, Default::default());
    }
    let identities = identities(advisory, place);
    let versions = versions(advisory, place);
    let make = |(statement, (mut statuses, vulnerabilities)): (_, (Vec<Status>, Vec<usize>))| {
        statuses.sort_unstable();
        statuses.dedup();
        Entry {
            product: place,
            statement,
            statuses,
            identities: identities.clone(),
            versions: versions.clone(),
            outlook: outlook(advisory, place, &vulnerabilities),
            why: why(advisory, place, &vulnerabilities),
            vulnerabilities,
        }
    };
    by_statement.into_iter().map(make).collect()
}

/// The identities of a product: its own, or those of its part and of what that is on.
fn identities(advisory: &Advisory, place: usize) -> Vec<Identity> {
    let mut found = Vec::new();
    let mut open = vec![place];
    // The reader refuses cycles and chains that are longer than a few steps.
    while let Some(place) = open.pop() {
        let product = &advisory.products[place];
        match product.relation {
            Some(relation) => {
                open.push(relation.whole);
                open.push(relation.part);
            }
            None => found.push(Identity::of(product)),
        }
    }
    found
}

/// The versions of a product; of one on another, those of the part.
fn versions(advisory: &Advisory, mut place: usize) -> Versions {
    while let Some(relation) = advisory.products[place].relation {
        place = relation.part;
    }
    let product = &advisory.products[place];
    super::identity::version_of_helpers(product)
        .unwrap_or_else(|| Versions::of(&product.version, &product.product, &product.name))
}

fn outlook(advisory: &Advisory, place: usize, vulnerabilities: &[usize]) -> Outlook {
    let all = vulnerabilities.iter().map(|at| {
        let remediations = advisory.vulnerabilities[*at].remediations.iter();
        let ours =
            remediations.filter(|one| one.products.is_empty() || one.products.contains(&place));
        let best = ours.map(|one| Outlook::of(one.remedy)).min();
        best.unwrap_or(Outlook::Unsaid)
    });
    // The vulnerability that is worst off decides: a fix for one of two is no fix.
    all.max().unwrap_or(Outlook::Unsaid)
}

fn why(advisory: &Advisory, place: usize, vulnerabilities: &[usize]) -> String {
    let mut found = vulnerabilities.iter().flat_map(|at| {
        let reasons = advisory.vulnerabilities[*at].reasons.iter();
        reasons.filter(|(_, products)| products.contains(&place))
    });
    found
        .next()
        .map(|(text, _)| text.clone())
        .unwrap_or_default()
}
