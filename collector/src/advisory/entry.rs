//! Entries: one product of an advisory and one statement about it.

use super::document::{Advisory, Remedy, Status, Vulnerability};
use super::identity::Identity;
use super::version::Versions;
use std::collections::BTreeMap;

/// Longest reason that an entry has of its own: one stands at each of many products, and the
/// advisory has it in full.
const MAX_WHY_CHARS: usize = 500;

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
        let told: Vec<Told> = advisory.vulnerabilities.iter().map(Told::of).collect();
        let mut entries = Vec::new();
        for (product, said) in said.into_iter().enumerate() {
            // What only builds other products is no entry of its own.
            if said.is_empty() && is_part[product] {
                continue;
            }
            entries.extend(of_product(advisory, &told, product, said));
        }
        entries
    }
}

/// What a vulnerability tells of single products, in their order: an advisory may name each of
/// its products in each of thousands of remediations, so every product is looked up and none
/// is searched for.
struct Told {
    /// The best remedy for whatever product.
    of_all: Option<Outlook>,
    /// The best remedy of a product.
    outlooks: Vec<(usize, Outlook)>,
    /// The first reason of a product, by its place.
    reasons: Vec<(usize, usize)>,
}

impl Told {
    fn of(one: &Vulnerability) -> Self {
        let all = one.remediations.iter();
        let of_all = all.clone().filter(|one| one.products.is_empty());
        let named = all.flat_map(|one| {
            let outlook = Outlook::of(one.remedy);
            one.products.iter().map(move |product| (*product, outlook))
        });
        let reasons = one.reasons.iter().enumerate();
        let reasons = reasons.flat_map(|(place, (_, products))| {
            products.iter().map(move |product| (*product, place))
        });
        Self {
            of_all: of_all.map(|one| Outlook::of(one.remedy)).min(),
            outlooks: first_of_each(named),
            reasons: first_of_each(reasons),
        }
    }

    fn outlook(&self, product: usize) -> Outlook {
        let own = of_key(&self.outlooks, product);
        let best = own.into_iter().chain(self.of_all).min();
        best.unwrap_or(Outlook::Unsaid)
    }
}

/// The least value of each key, sorted.
fn first_of_each<V: Ord>(pairs: impl Iterator<Item = (usize, V)>) -> Vec<(usize, V)> {
    let mut pairs: Vec<(usize, V)> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup_by_key(|(key, _)| *key);
    pairs
}

fn of_key<V: Copy>(pairs: &[(usize, V)], key: usize) -> Option<V> {
    let found = pairs.binary_search_by_key(&key, |(key, _)| *key).ok()?;
    pairs.get(found).map(|(_, value)| *value)
}

fn of_product(
    advisory: &Advisory,
    told: &[Told],
    place: usize,
    said: BTreeMap<usize, Vec<Status>>,
) -> Vec<Entry> {
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
            outlook: outlook(told, place, &vulnerabilities),
            why: why(advisory, told, place, &vulnerabilities),
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

fn outlook(told: &[Told], place: usize, vulnerabilities: &[usize]) -> Outlook {
    let all = vulnerabilities.iter().map(|at| told[*at].outlook(place));
    // The vulnerability that is worst off decides: a fix for one of two is no fix.
    all.max().unwrap_or(Outlook::Unsaid)
}

fn why(advisory: &Advisory, told: &[Told], place: usize, vulnerabilities: &[usize]) -> String {
    let mut found = vulnerabilities.iter().filter_map(|at| {
        let reason = of_key(&told[*at].reasons, place)?;
        advisory.vulnerabilities[*at].reasons.get(reason)
    });
    let text = found.next().map(|(text, _)| text.as_str());
    text.unwrap_or_default()
        .chars()
        .take(MAX_WHY_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::document::Remediation;
    use super::*;

    fn remedy(remedy: Remedy, products: &[usize]) -> Remediation {
        Remediation {
            remedy,
            details: String::new(),
            url: None,
            products: products.to_vec(),
        }
    }

    #[test]
    fn of_what_is_told_the_best_remedy_and_the_first_reason_count() {
        let one = Vulnerability {
            remediations: vec![
                remedy(Remedy::NoneAvailable, &[0, 1, 3]),
                remedy(Remedy::Workaround, &[]),
                remedy(Remedy::VendorFix, &[1]),
            ],
            reasons: vec![("first".into(), vec![2, 3]), ("second".into(), vec![1, 2])],
            ..Vulnerability::default()
        };
        let told = Told::of(&one);
        let outlooks = [0, 1, 2, 3].map(|product| told.outlook(product));
        let helps = Outlook::Mitigation;
        assert_eq!(outlooks, [helps, Outlook::Fix, helps, helps]);
        assert_eq!(told.reasons, [(1, 1), (2, 0), (3, 0)]);
        let nothing = Told::of(&Vulnerability::default());
        assert_eq!(nothing.outlook(0), Outlook::Unsaid);
        assert_eq!(of_key(&nothing.reasons, 0), None);
    }
}
