//! Lines put together by what people ask for. Every line is in exactly one group, so that the
//! counts of the groups are the count of the list.

use super::line::{Line, Standing};
use super::priority::Priority;
use crate::advisory::name;
use std::collections::{BTreeMap, HashSet};

/// What lines are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The machine.
    Machine,
    /// The asset: a medical device, or what a machine is in the hospital's list.
    Asset,
    /// The model.
    Model,
    /// The unit.
    Unit,
    /// The vendor of the product.
    Vendor,
}

impl By {
    /// The one with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "machine" => Self::Machine,
            "asset" => Self::Asset,
            "model" => Self::Model,
            "unit" => Self::Unit,
            "vendor" => Self::Vendor,
            _ => return None,
        })
    }

    /// What a line is put under, and how that is shown; nothing where the line has none.
    fn of(self, line: &Line) -> Option<(String, String)> {
        let shown = match self {
            Self::Machine => line.machine.clone()?,
            Self::Asset => line.asset.clone()?,
            Self::Model => line.model.clone(),
            Self::Unit => line.unit.as_ref()?.to_string(),
            Self::Vendor => line.vendor.clone(),
        };
        let key = match self {
            // Spelled in many ways, and one all the same.
            Self::Model | Self::Vendor => name::key(&shown),
            _ => shown.clone(),
        };
        (!shown.is_empty()).then_some((key, shown))
    }
}

/// What some lines come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many lines.
    pub matches: usize,
    /// How many machines and assets.
    pub holders: usize,
    /// How many advisories.
    pub advisories: usize,
    /// Lines that are affected.
    pub affected: usize,
    /// Lines of which a person must say whether they are.
    pub needs_person: usize,
    /// Lines with an exception that runs.
    pub excepted: usize,
    /// Lines with a mitigation that is in place.
    pub mitigated: usize,
}

impl Counts {
    /// Counts lines.
    pub fn of(lines: &[&Line]) -> Self {
        let count = |is: fn(&Line) -> bool| lines.iter().filter(|line| is(line)).count();
        let distinct = |of: fn(&Line) -> &str| {
            let names = lines.iter().map(|line| of(line));
            names.collect::<HashSet<_>>().len()
        };
        let needs_person = count(|line| line.needs_person);
        Self {
            matches: lines.len(),
            holders: distinct(|line| &line.holder),
            advisories: distinct(|line| &line.advisory),
            affected: lines.len() - needs_person,
            needs_person,
            excepted: count(|line| matches!(line.standing, Standing::Excepted(_))),
            mitigated: count(|line| matches!(line.standing, Standing::Mitigated(_))),
        }
    }
}

/// Lines that have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What; nothing for the lines that have none of it.
    pub name: Option<String>,
    /// What they come to.
    pub counts: Counts,
    /// The most urgent line's.
    pub priority: Priority,
}

/// Puts lines together; the most urgent group is the first.
pub fn rolled(lines: &[&Line], by: By) -> Vec<Group> {
    let mut parts: BTreeMap<Option<String>, (Option<String>, Vec<&Line>)> = BTreeMap::new();
    for line in lines.iter().copied() {
        let (key, shown) = match by.of(line) {
            Some((key, shown)) => (Some(key), Some(shown)),
            None => (None, None),
        };
        let part = parts.entry(key).or_insert_with(|| (shown, Vec::new()));
        part.1.push(line);
    }
    let groups = parts.into_values();
    let mut groups: Vec<Group> = groups
        .filter_map(|(name, lines)| group(name, &lines))
        .collect();
    groups.sort_by(|a, b| {
        let urgent = b.priority.cmp(&a.priority);
        urgent
            .then(b.counts.matches.cmp(&a.counts.matches))
            .then(a.name.cmp(&b.name))
    });
    groups
}

fn group(name: Option<String>, lines: &[&Line]) -> Option<Group> {
    let priority = lines.iter().map(|line| &line.priority).max()?.clone();
    Some(Group {
        name,
        counts: Counts::of(lines),
        priority,
    })
}

#[cfg(test)]
mod tests {
    use super::super::part::{Criticality, Exploitation, NetworkReach, Severity};
    use super::*;
    use crate::exposure::Open;
    use crate::item::Owner;
    use patchward_common::id::Name;
    use patchward_common::time::UtcMs;
    use proptest::prelude::*;

    fn line(advisory: u8, holder: u8, unit: Option<u8>, score: u8) -> Line {
        let priority = Priority {
            exploitation: Exploitation::NotKnown,
            criticality: Criticality::of_asset("", None),
            severity: Severity::of_score(Some(f64::from(score))),
            reach: NetworkReach::Network,
        };
        let is_machine = holder.is_multiple_of(2);
        let name = format!("h-{holder}");
        Line {
            advisory: format!("A-{advisory}"),
            holder: format!("{} {name}", if is_machine { "machine" } else { "asset" }),
            machine: is_machine.then(|| name.clone()),
            asset: (!is_machine).then_some(name),
            unit: unit.map(|unit| Name::new(format!("u-{unit}")).unwrap()),
            model: ["Monitor M7", "monitor  m7", "Pump", ""][usize::from(holder % 4)].into(),
            vendor: "Acme".into(),
            thing: "Acme Monitor M7 2.5".into(),
            needs_person: score < 5,
            has_fix: false,
            since: UtcMs(0),
            open: vec![Open {
                name: "CVE-1".into(),
                priority: priority.clone(),
            }],
            priority,
            machine_left: None,
            standing: match score {
                9 => Standing::Mitigated(1),
                8 => Standing::Excepted("x".into()),
                _ => Standing::Waiting(Owner::Vendor),
            },
        }
    }

    proptest! {
        #[test]
        fn every_line_is_in_one_group(
            lines in proptest::collection::vec((0u8..4, 0u8..9, proptest::option::of(0u8..3), 0u8..10), 0..40)
        ) {
            let lines: Vec<Line> = lines
                .into_iter()
                .map(|(advisory, holder, unit, score)| line(advisory, holder, unit, score))
                .collect();
            let lines: Vec<&Line> = lines.iter().collect();
            for by in ["machine", "asset", "model", "unit", "vendor"] {
                let found = rolled(&lines, By::of_word(by).unwrap());
                let sum = |of: fn(&Counts) -> usize| found.iter().map(|g| of(&g.counts)).sum::<usize>();
                prop_assert_eq!(sum(|g| g.matches), lines.len());
                prop_assert_eq!(sum(|g| g.affected + g.needs_person), lines.len());
                let urgent = lines.iter().map(|line| &line.priority).max();
                prop_assert_eq!(found.first().map(|g| &g.priority), urgent);
                prop_assert!(found.iter().filter(|g| g.name.is_none()).count() <= 1);
            }
        }
    }

    #[test]
    fn one_model_spelled_in_two_ways_is_one_group() {
        let lines = [
            line(1, 0, None, 9),
            line(1, 1, Some(1), 8),
            line(2, 3, None, 3),
        ];
        let lines = lines.each_ref();
        let found = rolled(&lines, By::Model);
        let of_group = |g: &'_ Group| {
            let counts = g.counts;
            (
                g.name.clone(),
                counts.matches,
                counts.mitigated,
                counts.excepted,
            )
        };
        let rows: Vec<_> = found.iter().map(of_group).collect();
        assert_eq!(
            rows,
            [(Some("Monitor M7".into()), 2, 1, 1), (None, 1, 0, 0)]
        );
        assert_eq!(rolled(&lines, By::Asset).len(), 3);
    }
}
