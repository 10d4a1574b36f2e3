//! The stretch of the audit log that an archive carries.

use super::{Archive, Found, Part};
use crate::audit::{AuditRow, Head};
use crate::codec;
use crate::id::JobId;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one part: some hundred kilobytes, so that a reader holds no more of it at once.
pub const ROWS_PER_PART: usize = 1_000;
/// Largest part. A row is a change of one thing; the longest carry a list of a thousand rows
/// that a person imported.
const MAX_PART_BYTES: usize = 64 * 1024 * 1024;
/// States of a job after which nothing more happens, by their words.
const FINAL: [&str; 8] = [
    "verified",
    "attested",
    "in_service",
    "rolled_back",
    "failed",
    "missed",
    "stopped",
    "freed",
];

/// What the log says.
#[derive(Default)]
pub(super) struct Log {
    /// How many rows follow from one another.
    pub(super) rows: u64,
    /// The jobs that ended within the archive's time and have not moved since.
    pub(super) ended: BTreeSet<JobId>,
}

/// What the log keeps of a job's move.
#[derive(Deserialize)]
struct Moved {
    to: String,
}

impl Log {
    /// Follows the rows from the archive's stated beginning to its stated head.
    pub(super) fn follow(archive: &Archive, found: &mut Found) -> Self {
        let mut log = Self::default();
        let mut at = archive.before;
        // Whether each job's last move was its end within the time.
        let mut last: BTreeMap<JobId, bool> = BTreeMap::new();
        for (number, part) in archive.audit.iter().enumerate() {
            let rows = match codec::decode::<Vec<AuditRow>>(part, MAX_PART_BYTES) {
                Ok(rows) => rows,
                Err(error) => {
                    let text = format!("part {} cannot be read: {error}", number + 1);
                    found.add(Part::Audit, None, text);
                    return log;
                }
            };
            for row in rows {
                match row.follow(at) {
                    Ok(next) => at = next,
                    // What comes behind a gap follows from nothing that is known.
                    Err(broken) => {
                        found.add(Part::Audit, None, broken.to_string());
                        return log;
                    }
                }
                log.rows += 1;
                if let Some((job, ended)) = moved(archive, &row) {
                    last.insert(job, ended);
                }
            }
        }
        if at != archive.head {
            let text = format!(
                "it leads to row {at}, and not to its stated head {}: rows are missing at its end",
                archive.head
            );
            found.add(Part::Audit, None, text);
        }
        if archive.from.is_none() && archive.before != Head::EMPTY {
            let text = "it says that it has the log from its first row on, and begins later";
            found.add(Part::Audit, None, text);
        }
        let ended = last.into_iter().filter(|(_, ended)| *ended);
        log.ended = ended.map(|(job, _)| job).collect();
        log
    }
}

/// The job that a row moved, and whether that ended it within the archive's time.
fn moved(archive: &Archive, row: &AuditRow) -> Option<(JobId, bool)> {
    if row.action != "job.move" {
        return None;
    }
    let job = row.subject.parse().ok()?;
    let moved: Moved = serde_json::from_str(&row.detail).ok()?;
    let within = archive.from.is_none_or(|from| row.at >= from) && row.at < archive.until;
    Some((job, within && FINAL.contains(&moved.to.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Reason, State};

    #[test]
    fn the_words_of_the_end_are_those_of_jobs() {
        let reason = || Reason::new("");
        let all = [
            State::Assigned,
            State::Staged,
            State::Armed,
            State::Deferred(reason()),
            State::Installing,
            State::RebootPending,
            State::Rebooting,
            State::Measuring,
            State::Recovering(reason()),
            State::Verified,
            State::Attested,
            State::InService,
            State::RolledBack(reason()),
            State::Failed(reason()),
            State::Missed,
            State::Stopped(reason()),
            State::Freed(reason()),
        ];
        for state in all {
            assert_eq!(state.is_final(), FINAL.contains(&state.word()), "{state:?}");
        }
    }
}
