//! What an advisory tells of the vulnerabilities of one product.

use super::part::{Criticality, Exploitation, NetworkReach, Severity};
use super::priority::Priority;
use crate::advisory::entry::{Entry, Statement};
use crate::advisory::kev::Kev;
use crate::advisory::matcher::Prepared;
use std::collections::{BTreeSet, HashMap};

/// One vulnerability of a product, apart from who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub name: String,
    exploitation: Exploitation,
    severity: Severity,
    reach: NetworkReach,
}

impl Told {
    /// The vulnerabilities that an advisory tells of a product, by the product's id. `today`
    /// is the day as `2026-02-01`: the catalogue's due dates are days.
    pub fn of_product(
        prepared: &Prepared,
        product: &str,
        kev: &HashMap<String, Kev>,
        today: &str,
    ) -> Vec<Self> {
        let advisory = &prepared.advisory;
        let place = advisory.products.iter().position(|one| one.id == product);
        let is_open = |entry: &&Entry| {
            Some(entry.product) == place
                && !matches!(entry.statement, Statement::Fixed | Statement::NotAffected)
        };
        let named = prepared.entries.iter().filter(is_open);
        let mut numbers: BTreeSet<usize> = named
            .flat_map(|entry| entry.vulnerabilities.iter().copied())
            .collect();
        if numbers.is_empty() {
            // Nothing is said of which: it may be any.
            numbers = (0..advisory.vulnerabilities.len()).collect();
        }
        let told = |number: usize| {
            let one = advisory.vulnerabilities.get(number)?;
            let of_product = |products: &[usize]| {
                products.is_empty() || place.is_none_or(|place| products.contains(&place))
            };
            let mut scores: Vec<_> = one.scores.iter().collect();
            scores.retain(|score| score.system.starts_with("cvss"));
            if scores.iter().any(|score| of_product(&score.products)) {
                scores.retain(|score| of_product(&score.products));
            }
            let numbers = scores.iter().filter_map(|score| score.number);
            let reach = NetworkReach::of_vectors(scores.iter().map(|s| s.vector.as_str()));
            Some(Self {
                name: one.name.clone(),
                exploitation: exploitation(kev.get(&one.name), &one.exploited, today),
                severity: Severity::of_score(numbers.reduce(f64::max)),
                reach,
            })
        };
        numbers.into_iter().filter_map(told).collect()
    }

    /// What stands for an advisory of which no vulnerability is known: called as the advisory
    /// is, and as urgent as what nobody judged.
    pub fn unnamed(advisory: &str) -> Self {
        Self {
            name: advisory.to_owned(),
            exploitation: Exploitation::NotKnown,
            severity: Severity::of_score(None),
            reach: NetworkReach::of_vectors(std::iter::empty()),
        }
    }

    /// Its priority on a machine or asset; `ports` is how many that offers to the network.
    pub fn on(&self, criticality: Criticality, ports: Option<u32>) -> Priority {
        Priority {
            exploitation: self.exploitation.clone(),
            criticality,
            severity: self.severity,
            reach: self.reach.on(ports),
        }
    }
}

fn exploitation(listed: Option<&Kev>, told: &[String], today: &str) -> Exploitation {
    match listed {
        Some(kev) => Exploitation::Listed {
            // Days of ISO 8601 are ordered as text.
            is_overdue: kev.due.as_str() < today,
            is_ransomware: kev.is_ransomware,
            due: kev.due.clone(),
        },
        None if told.is_empty() => Exploitation::NotKnown,
        None => Exploitation::Told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_date_has_passed_on_the_day_after_it() {
        let kev = Kev {
            cve: "CVE-2026-0001".into(),
            product: String::new(),
            added: "2026-01-01".into(),
            due: "2026-02-01".into(),
            is_ransomware: false,
        };
        for (today, passed) in [
            ("2026-01-31", false),
            ("2026-02-01", false),
            ("2026-02-02", true),
        ] {
            let found = exploitation(Some(&kev), &[], today);
            let is = matches!(found, Exploitation::Listed { is_overdue, .. } if is_overdue);
            assert_eq!(is, passed, "{today}");
        }
        assert_eq!(
            exploitation(None, &[], "2026-01-31"),
            Exploitation::NotKnown
        );
        assert_eq!(
            exploitation(None, &["seen in the wild".into()], "2026-01-31"),
            Exploitation::Told
        );
    }
}
