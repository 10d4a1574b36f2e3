//! What is marked as done on machines and assets.

use crate::store::advisories::{Mark, MarkRow};
use patchward_common::time::UtcMs;
use std::collections::{HashMap, HashSet};

/// When it was said, by machine or asset.
type Said = HashMap<String, UtcMs>;

/// What is marked as done, and when the first of it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    /// By advisory: where every vulnerability of it is done.
    whole: HashMap<String, Said>,
    /// By advisory and vulnerability.
    each: HashMap<String, HashMap<String, Said>>,
}

impl Done {
    pub(super) fn of(marks: &[MarkRow], vulnerabilities: &[(String, String)]) -> Self {
        let mut all: HashMap<&str, usize> = HashMap::new();
        for (advisory, _) in vulnerabilities {
            *all.entry(advisory).or_default() += 1;
        }
        let known: HashSet<(&str, &str)> = vulnerabilities
            .iter()
            .map(|(advisory, name)| (advisory.as_str(), name.as_str()))
            .collect();
        let mut done = Self::default();
        // How many, and when the first of them.
        let mut marked: HashMap<(&str, &str), (usize, UtcMs)> = HashMap::new();
        for mark in marks.iter().filter(|mark| mark.mark == Mark::Done) {
            let of_advisory = done.each.entry(mark.advisory.clone()).or_default();
            let said = of_advisory.entry(mark.vulnerability.clone()).or_default();
            said.insert(mark.holder.clone(), mark.at);
            // A newer revision may have dropped a vulnerability.
            if known.contains(&(mark.advisory.as_str(), mark.vulnerability.as_str())) {
                let key = (mark.advisory.as_str(), mark.holder.as_str());
                let entry = marked.entry(key).or_insert((0, mark.at));
                *entry = (entry.0 + 1, entry.1.min(mark.at));
            }
        }
        for ((advisory, holder), (count, at)) in marked {
            if all.get(advisory).is_some_and(|all| count >= *all) {
                let said = done.whole.entry(advisory.to_owned()).or_default();
                said.insert(holder.to_owned(), at);
            }
        }
        done
    }

    /// Whether a match that is what it is `since` then is done on a holder.
    pub(super) fn is_done(&self, advisory: &str, holder: &str, since: UtcMs) -> bool {
        counts(self.whole.get(advisory), holder, since)
    }

    /// The same of one vulnerability.
    pub(super) fn is_done_of(
        &self,
        advisory: &str,
        vulnerability: &str,
        holder: &str,
        since: UtcMs,
    ) -> bool {
        let of_advisory = self.each.get(advisory);
        counts(
            of_advisory.and_then(|each| each.get(vulnerability)),
            holder,
            since,
        )
    }
}

/// What was said before a revision changed a match says nothing of that.
fn counts(said: Option<&Said>, holder: &str, since: UtcMs) -> bool {
    let at = said.and_then(|said| said.get(holder));
    at.is_some_and(|at| since <= *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_a_revision_changed_the_match_is_open_again() {
        let mark = |name: &str, at: i64| MarkRow {
            advisory: "A".into(),
            vulnerability: name.into(),
            holder: "machine pc-1".into(),
            mark: Mark::Done,
            marked_by: "local:0".into(),
            at: UtcMs(at),
        };
        let all = [
            ("A".to_owned(), "one".to_owned()),
            ("A".into(), "two".into()),
        ];
        let done = Done::of(&[mark("one", 5), mark("two", 9)], &all);
        for (since, expected) in [(4, true), (5, true), (6, false)] {
            assert_eq!(
                done.is_done("A", "machine pc-1", UtcMs(since)),
                expected,
                "{since}"
            );
        }
        assert!(!Done::of(&[mark("one", 5)], &all).is_done("A", "machine pc-1", UtcMs(1)));
    }
}
