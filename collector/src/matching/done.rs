//! What is marked as done on machines and assets.

use crate::store::advisories::{Mark, MarkRow};
use std::collections::{HashMap, HashSet};

/// The holders on which every vulnerability of an advisory is done.
pub(super) struct Done(HashSet<(String, String)>);

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
        let mut marked: HashMap<(String, String), usize> = HashMap::new();
        for mark in marks.iter().filter(|mark| mark.mark == Mark::Done) {
            // A newer revision may have dropped a vulnerability.
            if known.contains(&(mark.advisory.as_str(), mark.vulnerability.as_str())) {
                let key = (mark.advisory.clone(), mark.holder.clone());
                *marked.entry(key).or_default() += 1;
            }
        }
        let whole = marked.into_iter().filter(|((advisory, _), count)| {
            all.get(advisory.as_str()).is_some_and(|all| count >= all)
        });
        Self(whole.map(|(key, _)| key).collect())
    }

    pub(super) fn is_done(&self, advisory: &str, holder: &str) -> bool {
        self.0.contains(&(advisory.to_owned(), holder.to_owned()))
    }
}
