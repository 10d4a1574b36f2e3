//! Events of jobs that are not here yet, kept until they are.

use super::JournalRow;
use crate::store::value::args;
use crate::store::{Change, StoreError, View};
use patchward_common::id::{JobId, MachineId};
use serde_json::json;

/// Most events of one machine that wait for their jobs; more is a machine that makes jobs up.
pub const MAX_EARLY_EVENTS: u64 = 1_024;
/// Most of one job, which has some ten in each attempt.
pub const MAX_EARLY_EVENTS_OF_JOB: u64 = 64;

impl View {
    /// The events of these jobs that came before the jobs, in the order of their outboxes.
    pub async fn early_events_of(
        &mut self,
        jobs: impl IntoIterator<Item = JobId>,
    ) -> Result<Vec<JournalRow>, StoreError> {
        let mut rows: Vec<JournalRow> = self
            .tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT e.outbox, e.sequence, j.bytes
                     FROM wanted CROSS JOIN early_events e CROSS JOIN journal_events j
                     WHERE e.job = w AND j.outbox = e.outbox AND j.sequence = e.sequence",
                ),
                jobs.into_iter().map(|job| args![job]).collect(),
            )
            .await?;
        rows.sort_unstable_by_key(|row| (row.outbox, row.sequence));
        Ok(rows)
    }

    /// Up to `limit` jobs that are here by now and have events that came before them.
    pub async fn jobs_with_early_events(&mut self, limit: u32) -> Result<Vec<JobId>, StoreError> {
        let jobs: Vec<(JobId,)> = self
            .tx
            .all(
                "SELECT DISTINCT job FROM early_events
                 WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.id = job) ORDER BY job LIMIT $1",
                args![limit],
            )
            .await?;
        Ok(jobs.into_iter().map(|(job,)| job).collect())
    }
}

impl Change {
    /// Keeps an event until its job is here, and says whether it did: not beyond
    /// [`MAX_EARLY_EVENTS`] of its machine and [`MAX_EARLY_EVENTS_OF_JOB`].
    pub async fn keep_early_event(
        &mut self,
        machine: &MachineId,
        job: &JobId,
        event: &JournalRow,
    ) -> Result<bool, StoreError> {
        let (of_job, of_machine): (u64, u64) = self
            .view()
            .tx
            .one(
                "SELECT (SELECT COUNT(*) FROM early_events WHERE job = $1),
                        (SELECT COUNT(*) FROM outboxes o JOIN early_events e ON e.outbox = o.id
                         WHERE o.machine = $2)",
                args![job, machine],
            )
            .await?;
        if of_job >= MAX_EARLY_EVENTS_OF_JOB || of_machine >= MAX_EARLY_EVENTS {
            return Ok(false);
        }
        let tx = self.step(
            "journal.keep_early",
            job,
            json!({ "sequence": event.sequence }),
        );
        tx.execute(
            "INSERT INTO early_events (outbox, sequence, job) VALUES ($1, $2, $3)",
            args![event.outbox, event.sequence, job],
        )
        .await?;
        self.done();
        Ok(true)
    }

    /// Notes that events that came early were turned into states, in the change that did it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody else did it first.
    pub async fn end_early_events(&mut self, events: &[JournalRow]) -> Result<(), StoreError> {
        let detail = json!({ "events": events.len() });
        let tx = self.step("journal.end_early", "journal", detail);
        for event in events {
            let ended = tx
                .execute(
                    "DELETE FROM early_events WHERE outbox = $1 AND sequence = $2",
                    args![event.outbox, event.sequence],
                )
                .await?;
            if ended == 0 {
                return Err(StoreError::conflict(
                    "these events were turned into states by somebody else",
                ));
            }
        }
        self.done();
        Ok(())
    }
}
