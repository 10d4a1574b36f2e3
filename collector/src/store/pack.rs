//! What evidence is put together from: events and goes, by machine and job.

use super::journal::StoredEvent;
use super::value::args;
use super::{StoreError, View};
use patchward_common::id::{JobId, MachineId};

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

    /// The goes that were issued for a job, in the bytes that the machine got, oldest first.
    pub async fn go_tokens(&mut self, job: &JobId) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows: Vec<(Vec<u8>,)> = self
            .tx
            .all(
                "SELECT token FROM goes WHERE job = $1 ORDER BY issued_at, nonce",
                args![job],
            )
            .await?;
        Ok(rows.into_iter().map(|(token,)| token).collect())
    }
}
