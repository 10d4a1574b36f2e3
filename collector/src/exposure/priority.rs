//! Priority: four parts, compared one after the other.

use super::part::{Criticality, Exploitation, NetworkReach, Severity};
use std::cmp::Ordering;

/// How urgent one vulnerability on one machine or asset is. The order is: attacks that are
/// known today, then what depends on the machine, then severity, then reach. A later part
/// decides only where all before it are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priority {
    /// Whether attacks are known.
    pub exploitation: Exploitation,
    /// What depends on it.
    pub criticality: Criticality,
    /// How severe it is.
    pub severity: Severity,
    /// From how far away it can be attacked.
    pub reach: NetworkReach,
}

impl Priority {
    /// All parts in words, the first of the order first.
    pub fn words(&self) -> String {
        [
            self.exploitation.words(),
            self.criticality.words(),
            self.severity.words(),
            self.reach.words(),
        ]
        .join("; ")
    }

    /// Which part puts this before another, in a word; `None` where they are alike.
    pub fn decided_by(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            ("exploitation", self.exploitation.cmp(&other.exploitation)),
            (
                "class",
                self.criticality.class().cmp(&other.criticality.class()),
            ),
            ("severity", self.severity.cmp(&other.severity)),
            ("reach", self.reach.cmp(&other.reach)),
        ];
        let first = parts
            .into_iter()
            .find(|(_, order)| *order != Ordering::Equal);
        first.map(|(name, _)| name)
    }
}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_part = self
            .exploitation
            .cmp(&other.exploitation)
            .then(self.criticality.class().cmp(&other.criticality.class()))
            .then(self.severity.cmp(&other.severity))
            .then(self.reach.cmp(&other.reach));
        // Of equal parts, what was said before what was assumed, so that the order is total.
        by_part.then(self.criticality.cmp(&other.criticality))
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::trust::roster::Class;

    fn listed(is_overdue: bool, is_ransomware: bool) -> Exploitation {
        Exploitation::Listed {
            is_overdue,
            is_ransomware,
            due: "2026-02-01".into(),
        }
    }

    fn priority(
        exploitation: Exploitation,
        class: Class,
        score: f64,
        reach: NetworkReach,
    ) -> Priority {
        Priority {
            exploitation,
            criticality: Criticality::of_machine(class),
            severity: Severity::of_score(Some(score)),
            reach,
        }
    }

    #[test]
    fn each_part_decides_only_where_those_before_it_are_equal() {
        use Exploitation::{NotKnown, Told};
        use NetworkReach::{Local, Network};
        let rising = [
            priority(NotKnown, Class::Standard, 5.0, Local),
            priority(NotKnown, Class::Standard, 5.0, Network),
            priority(NotKnown, Class::Standard, 9.8, Local),
            priority(NotKnown, Class::Critical, 3.0, Local),
            priority(NotKnown, Class::LifeSupport, 3.0, Local),
            priority(Told, Class::Standard, 3.0, Local),
            priority(listed(false, false), Class::Standard, 3.0, Local),
            priority(listed(true, false), Class::Standard, 3.0, Local),
            priority(listed(false, true), Class::Standard, 3.0, Local),
            priority(listed(true, true), Class::Standard, 3.0, Local),
        ];
        assert!(rising.is_sorted_by(|a, b| a < b));
        let by = |a: usize, b: usize| rising[b].decided_by(&rising[a]);
        assert_eq!(by(0, 1), Some("reach"));
        assert_eq!(by(1, 2), Some("severity"));
        assert_eq!(by(2, 3), Some("class"));
        assert_eq!(by(4, 5), Some("exploitation"));
        assert_eq!(by(4, 4), None);
    }

    #[test]
    fn it_is_shown_with_all_its_parts() {
        let words = priority(
            listed(true, true),
            Class::LifeSupport,
            9.8,
            NetworkReach::Network,
        )
        .words();
        assert_eq!(
            words,
            "exploited (KEV, due 2026-02-01, which has passed); ransomware uses it; life support; \
             critical (CVSS 9.8); over the network"
        );
    }
}
