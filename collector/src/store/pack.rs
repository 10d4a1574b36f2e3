//! What evidence is put together from, many jobs at a time: machines, events, goes, and who
//! signed and decided when.

use super::journal::StoredEvent;
use super::machines::Machine;
use super::value::{args, from_row};
use super::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId};
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, HashMap};

/// An event of one of several machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineEvent {
    /// The machine.
    pub machine: MachineId,
    /// The event's sequence.
    pub sequence: u64,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}
from_row!(MachineEvent {
    machine,
    sequence,
    bytes
});

/// Something that a person decided of a job, out of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The job.
    pub job: JobId,
    /// What, as the audit log calls it.
    pub action: String,
    /// Who, as the audit log names them.
    pub by: String,
    /// When.
    pub at: UtcMs,
}
from_row!(Decided {
    job,
    action,
    by,
    at
});

impl View {
    /// Up to `limit` events of a machine from sequence `from` on, whichever outbox brought
    /// them. An event that came by two outboxes stands here twice.
    pub async fn journal_of(
        &mut self,
        machine: &MachineId,
        from: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.tx
            .all(
                "SELECT sequence, bytes, received_at
                 FROM outboxes CROSS JOIN journal_events
                 WHERE machine = $1 AND journal_events.outbox = outboxes.id AND sequence >= $2
                 ORDER BY sequence, outboxes.id LIMIT $3",
                args![machine, from, limit],
            )
            .await
    }

    /// Every event of these machines, machine by machine, as [`Self::journal_of`] has them.
    /// Ask for few machines at once: all of it comes into memory.
    pub async fn journals_of(
        &mut self,
        machines: impl IntoIterator<Item = MachineId>,
    ) -> Result<Vec<MachineEvent>, StoreError> {
        self.tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT machine, sequence, bytes
                     FROM wanted CROSS JOIN outboxes CROSS JOIN journal_events
                     WHERE machine = w AND journal_events.outbox = outboxes.id
                     ORDER BY machine, sequence, outboxes.id",
                ),
                machines.into_iter().map(|one| args![one]).collect(),
            )
            .await
    }

    /// The goes that were issued for jobs, in the bytes that the machines got, oldest first.
    pub async fn go_tokens(
        &mut self,
        jobs: impl IntoIterator<Item = JobId>,
    ) -> Result<Vec<(JobId, Vec<u8>)>, StoreError> {
        self.tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT job, token FROM wanted CROSS JOIN goes WHERE job = w
                     ORDER BY job, issued_at, nonce",
                ),
                jobs.into_iter().map(|one| args![one]).collect(),
            )
            .await
    }

    /// Those of the machines that there are, by their ids.
    pub async fn machines_by_id(
        &mut self,
        ids: impl IntoIterator<Item = MachineId>,
    ) -> Result<HashMap<MachineId, Machine>, StoreError> {
        let machines: Vec<Machine> = self
            .tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT id, spki, name, unit, class, model, mode, state, enrolled_at,
                              clone_suspected_at, clone_reason
                     FROM wanted CROSS JOIN machines WHERE id = w",
                ),
                ids.into_iter().map(|one| args![one]).collect(),
            )
            .await?;
        let by_id = machines.into_iter().map(|machine| (machine.id, machine));
        Ok(by_id.collect())
    }

    /// When the last signature of each document or plan was taken in.
    pub async fn last_signed(
        &mut self,
        documents: impl IntoIterator<Item = Digest>,
    ) -> Result<BTreeMap<Digest, UtcMs>, StoreError> {
        let rows: Vec<(Digest, UtcMs)> = self
            .tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT document, MAX(added_at) FROM wanted CROSS JOIN signatures
                     WHERE document = w GROUP BY document",
                ),
                documents.into_iter().map(|one| args![one]).collect(),
            )
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// What people decided of jobs after they were planned, oldest first: returns to service,
    /// second tries, machines that were freed, items that were closed.
    pub async fn decided(
        &mut self,
        jobs: impl IntoIterator<Item = JobId>,
    ) -> Result<Vec<Decided>, StoreError> {
        let mut found: Vec<(u64, Decided)> = Vec::new();
        let rows: Vec<(u64, JobId, String, String, UtcMs)> = self
            .tx
            .all_many(
                (
                    "WITH wanted (w) AS (VALUES",
                    ") SELECT seq, subject, action, actor, at FROM wanted CROSS JOIN audit
                     WHERE subject = w
                       AND action IN ('job.return', 'job.free', 'job.retry', 'job.close')
                     ORDER BY seq",
                ),
                jobs.into_iter().map(|one| args![one]).collect(),
            )
            .await?;
        for (seq, job, action, by, at) in rows {
            let decided = Decided {
                job,
                action,
                by,
                at,
            };
            found.push((seq, decided));
        }
        found.sort_by_key(|(seq, _)| *seq);
        Ok(found.into_iter().map(|(_, decided)| decided).collect())
    }
}
