//! What a machine knows that a collector, put back to a backup, does not.

use patchward_common::id::JobId;
use patchward_common::time::UtcMs;

/// What the machine remembers, where this collector lacks it or has less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Numbers of the newest charter, roster and assignment that its installer has seen.
    pub theirs: [u64; 3],
    /// Those that this collector has, the assignment's for this machine.
    pub ours: [u64; 3],
    /// When it was told heads of the audit log that are not in this one.
    pub heads: Vec<UtcMs>,
    /// Its jobs that are not known here.
    pub jobs: Vec<JobId>,
}

/// Most jobs that are named; how many more there are is said.
const NAMED: usize = 4;
/// Digits of a job's id by which people call it.
const DIGITS: usize = 12;

impl Remembered {
    /// What the machine knows and this collector does not, in words; empty where that is
    /// nothing.
    pub fn words(&self) -> String {
        let kinds = ["charter", "roster", "assignment"];
        let numbers = kinds
            .into_iter()
            .zip(self.theirs.into_iter().zip(self.ours));
        let mut words: Vec<String> = numbers
            .filter(|(_, (theirs, ours))| theirs > ours)
            .map(|(kind, (theirs, ours))| match ours {
                0 => format!("{kind} {theirs} (here none)"),
                ours => format!("{kind} {theirs} (here {ours})"),
            })
            .collect();
        if let Some(newest) = self.heads.iter().max() {
            words.push(format!("the audit log as it was at {newest}"));
        }
        if !self.jobs.is_empty() {
            let short = |job: &JobId| job.to_string().chars().take(DIGITS).collect::<String>();
            let named: Vec<String> = self.jobs.iter().take(NAMED).map(short).collect();
            let more = match self.jobs.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            words.push(format!("jobs {}{more}", named.join(", ")));
        }
        words.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_more_is_said() {
        let same = Remembered {
            theirs: [1, 2, 3],
            ours: [1, 4, 3],
            ..Remembered::default()
        };
        assert_eq!(same.words(), "");
        let more = Remembered {
            theirs: [2, 5, 1],
            ours: [1, 5, 0],
            heads: vec![UtcMs(0), UtcMs(1_795_400_040_000)],
            jobs: vec![JobId([0xab; 16]); 6],
        };
        let words = more.words();
        for part in [
            "charter 2 (here 1)",
            "assignment 1 (here none)",
            "the audit log as it was at 2026",
            "jobs abababababab, ",
            " and 2 more",
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert!(!words.contains("roster"), "{words}");
    }
}
