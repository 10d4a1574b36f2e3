//! The jobs by which machines are judged.

use super::Job;
use crate::store::value::args;
use crate::store::{StoreError, View};

impl View {
    /// Every job of the machines that have one which is not back in service; of the others
    /// the job of their newest plan. Two years of a large hospital are half a million jobs, and
    /// nearly all of them ended well.
    pub async fn jobs_that_count(&mut self) -> Result<Vec<Job>, StoreError> {
        let mut found: Vec<Job> = self
            .tx
            .all(
                "SELECT id, plan, machine, wave, state, since, attempt, slot_start, slot_end,
                        generation
                 FROM jobs WHERE machine IN
                    (SELECT machine FROM jobs WHERE word <> 'in_service')",
                args![],
            )
            .await?;
        let newest: Vec<Job> = self
            .tx
            .all(
                "SELECT j.id, j.plan, j.machine, j.wave, j.state, j.since, j.attempt,
                        j.slot_start, j.slot_end, j.generation
                 FROM (SELECT jobs.id, ROW_NUMBER() OVER
                            (PARTITION BY jobs.machine ORDER BY p.created_at DESC, jobs.id DESC)
                            AS nth
                       FROM jobs JOIN plans p ON p.id = jobs.plan
                       WHERE jobs.machine NOT IN
                            (SELECT machine FROM jobs WHERE word <> 'in_service')) newest
                 JOIN jobs j ON j.id = newest.id
                 WHERE newest.nth = 1",
                args![],
            )
            .await?;
        found.extend(newest);
        Ok(found)
    }
}
