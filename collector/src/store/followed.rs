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

    /// The rows after one up to another that people and programs wrote, each with whom the log
    /// names.
    async fn said_between(
        &mut self,
        after: u64,
        up_to: u64,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.tx
            .all(
                "SELECT seq, actor FROM audit WHERE seq > $1 AND seq <= $2
                    AND actor <> 'collector' AND actor NOT LIKE 'machine:%'",
                args![after, up_to],
            )
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

    /// How many machines were ever heard.
    pub async fn heard_machines(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM machine_seen";
        let (count,): (u64,) = self.tx.one(sql, args![]).await?;
        Ok(count)
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
    /// The last row of the audit log. Whoever asks [`Store::said_for`] afterwards must see what
    /// people changed up to it with other collectors on the same database, too. Of a file, which one
    /// collector alone writes, it is remembered: it is for that collector, and not for who only reads.
    pub async fn hear(&self) -> Result<u64, StoreError> {
        if let Some(head) = self.said.head() {
            return Ok(head);
        }
        let head = self.audit_head().await?.seq;
        if !self.is_shared() {
            self.said.has_head(head);
            return Ok(head);
        }
        // Before the first time nothing was gathered that could be without it.
        if let Some(heard) = self.said.heard()
            && heard < head
        {
            let mut view = self.view().await?;
            for (seq, actor) in view.said_between(heard, head).await? {
                if !self.said.is_own(seq) {
                    self.said.count_elsewhere(&actor);
                }
            }
        }
        // Afterwards: who finds that it is heard finds it counted.
        self.said.has_heard(head);
        Ok(head)
    }

    /// Whether this process wrote a row of the audit log itself.
    pub fn wrote(&self, seq: u64) -> bool {
        self.said.is_own(seq)
    }
}
