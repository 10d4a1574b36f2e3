//! What is marked as done on machines and assets.

use crate::store::advisories::{Mark, MarkRow};
use patchward_common::time::UtcMs;
use std::collections::{HashMap, HashSet};

/// The holders on which every vulnerability of an advisory is done.
pub(super) struct Done(HashMap<(String, String), UtcMs>);

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
        // How many, and when the first of them.
        let mut marked: HashMap<(String, String), (usize, UtcMs)> = HashMap::new();
        for mark in marks.iter().filter(|mark| mark.mark == Mark::Done) {
            // A newer revision may have dropped a vulnerability.
            if known.contains(&(mark.advisory.as_str(), mark.vulnerability.as_str())) {
                let key = (mark.advisory.clone(), mark.holder.clone());
                let entry = marked.entry(key).or_insert((0, mark.at));
                *entry = (entry.0 + 1, entry.1.min(mark.at));
            }
        }
        let whole = marked.into_iter().filter(|((advisory, _), (count, _))| {
            all.get(advisory.as_str()).is_some_and(|all| count >= all)
        });
        Self(whole.map(|(key, (_, at))| (key, at)).collect())
    }

    /// Whether a match that is what it is `since` then is done on a holder: what was said
    /// before a revision changed it says nothing of that.
    pub(super) fn is_done(&self, advisory: &str, holder: &str, since: UtcMs) -> bool {
        let at = self.0.get(&(advisory.to_owned(), holder.to_owned()));
        at.is_some_and(|at| since <= *at)
    }
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
