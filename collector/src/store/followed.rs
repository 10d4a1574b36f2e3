//! What other collectors on the same database have written, for what this one remembers.

use super::value::{args, from_row};
use super::{Store, StoreError, View};
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;

/// Actions after which something that a collector remembers is not so any more, or machines that
/// wait have to be told, as the audit log names them.
const FOLLOWED: &str = "(action IN ('document.add', 'document.sign', 'document.end', 'plan.move',
    'enrolment.accept', 'collector.confirm', 'window.add', 'window.change', 'freeze.remove',
    'calendar.read', 'calendar.remove', 'hold.end', 'halt.resume', 'wave.open', 'job.free')
    OR action LIKE 'machine.%')";

/// A row of the audit log that others may have to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its number.
    pub seq: u64,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// How, as JSON.
    pub detail: String,
}
from_row!(Written {
    seq,
    action,
    subject,
    detail
});

impl View {
    /// Up to `limit` rows after number `after` that have to be followed, oldest first.
    pub async fn written_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Written>, StoreError> {
        let sql = format!(
            "SELECT seq, action, subject, detail FROM audit WHERE seq > $1 AND {FOLLOWED}
             ORDER BY seq LIMIT $2"
        );
        self.tx
            .all(sqlx::AssertSqlSafe(sql), args![after, limit])
            .await
    }

    /// The machines that were heard after an instant, and when each was last.
    pub async fn heard_after(
        &mut self,
        after: UtcMs,
    ) -> Result<Vec<(MachineId, UtcMs)>, StoreError> {
        self.tx
            .all(
                "SELECT machine, at FROM machine_seen WHERE at > $1",
                args![after],
            )
            .await
    }

    /// The sets that machines have since an instant or later.
    pub async fn machine_sets_since(
        &mut self,
        since: UtcMs,
    ) -> Result<Vec<super::inventory::MachineSet>, StoreError> {
        self.tx
            .all(
                "SELECT machine, digest, since FROM machine_sets WHERE since >= $1",
                args![since],
            )
            .await
    }
}

impl Store {
    /// Whether this process wrote a row of the audit log itself.
    pub fn wrote(&self, seq: u64) -> bool {
        self.said.wrote(seq)
    }
}
