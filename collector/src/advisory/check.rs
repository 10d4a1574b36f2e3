//! What advisories come to, entry by entry, without storing anything.

use super::entry::Entry;
use super::identity::Aliases;
use super::judge::decidable;
use super::matcher::{Index, Match, Prepared, matches};
use super::reason::{Finding, Reason, Verdict};
use std::collections::{BTreeMap, HashMap};

/// Most things that one row names; the count says the rest.
const MAX_SHOWN: usize = 5;

/// What one entry comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The advisory's id.
    pub advisory: String,
    /// The product's id within it.
    pub product_id: String,
    /// The product.
    pub product: String,
    /// The versions, in the advisory's words.
    pub version: String,
    /// The versions, as they were understood.
    pub understood: String,
    /// The statuses that the advisory gives it.
    pub statuses: Vec<&'static str>,
    /// The vulnerabilities.
    pub vulnerabilities: Vec<String>,
    /// The value, and why.
    pub finding: Finding,
    /// What can be done.
    pub outlook: &'static str,
    /// Which things of the hospital decided the value.
    pub things: Vec<String>,
    /// How many there are.
    pub count: usize,
}

/// Against what entries are held.
#[derive(Clone, Copy, Debug)]
pub enum Against<'a> {
    /// Nothing: the value says what a machine could decide for a thing that is recorded in
    /// the advisory's own words.
    Nothing,
    /// These things.
    Things(&'a Index, &'a Aliases),
}

/// A row for every entry of an advisory.
pub fn rows(prepared: &Prepared, against: Against<'_>) -> Vec<Row> {
    let all = match against {
        Against::Nothing => Vec::new(),
        Against::Things(index, aliases) => matches(prepared, index, aliases),
    };
    let mut by_entry: HashMap<usize, Vec<(&Match, Option<&Finding>)>> = HashMap::new();
    for one in &all {
        for (entry, finding) in &one.said {
            let said = by_entry.entry(*entry).or_default();
            said.push((one, finding.as_ref()));
        }
    }
    let entries = prepared.entries.iter().enumerate();
    let row_of = |(place, entry): (usize, &Entry)| {
        let (finding, deciding) = match against {
            Against::Nothing => (decidable(entry), Vec::new()),
            Against::Things(..) => {
                of_things(entry, by_entry.get(&place).map_or(&[], Vec::as_slice))
            }
        };
        row(prepared, entry, finding, &deciding, against)
    };
    entries.map(row_of).collect()
}

/// The worst that an entry comes to for any thing, and for which.
fn of_things(entry: &Entry, said: &[(&Match, Option<&Finding>)]) -> (Finding, Vec<usize>) {
    let each = said.iter().map(|(one, finding)| match finding {
        Some(finding) => (one.thing, (*finding).clone()),
        // Another version: what the whole advisory says of that thing.
        None if one.finding.verdict == Verdict::NeedsPerson => (one.thing, one.finding.clone()),
        None => {
            let other = Reason::OutOfRange(entry.versions.to_string());
            (one.thing, Finding::not_affected(other))
        }
    });
    let each: Vec<_> = each.collect();
    let worst = each.iter().max_by_key(|(_, finding)| finding.verdict);
    match worst {
        Some((_, worst)) => {
            let like = each.iter().filter(|(_, one)| one.verdict == worst.verdict);
            (worst.clone(), like.map(|(thing, _)| *thing).collect())
        }
        None => (Finding::not_affected(Reason::NoneOfOurs), Vec::new()),
    }
}

fn row(
    prepared: &Prepared,
    entry: &Entry,
    finding: Finding,
    things: &[usize],
    against: Against<'_>,
) -> Row {
    let advisory = &prepared.advisory;
    let product = &advisory.products[entry.product];
    let shown = |place: &usize| match against {
        Against::Nothing => String::new(),
        Against::Things(index, _) => index.thing(*place).shown(),
    };
    let names = entry.vulnerabilities.iter();
    let names = names.map(|at| advisory.vulnerabilities[*at].name.clone());
    Row {
        advisory: advisory.id.clone(),
        product_id: product.id.clone(),
        product: match entry.identities.first() {
            Some(identity) if !product.product.is_empty() => identity.shown.clone(),
            _ => product.name.clone(),
        },
        version: product.version.text().to_owned(),
        understood: entry.versions.to_string(),
        statuses: entry.statuses.iter().map(|status| status.word()).collect(),
        vulnerabilities: names.collect(),
        finding,
        outlook: entry.outlook.word(),
        things: things.iter().take(MAX_SHOWN).map(shown).collect(),
        count: things.len(),
    }
}

/// How often each value and reason came out.
pub fn totals(rows: &[Row]) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut totals = BTreeMap::new();
    for row in rows {
        let key = (row.finding.verdict.word(), row.finding.reason.word());
        *totals.entry(key).or_default() += 1;
    }
    totals
}
