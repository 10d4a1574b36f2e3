//! Which components a machine had when.

use super::inventory::MachineSet;
use super::sql::Tx;
use super::value::args;
use super::{Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;

impl View {
    /// The sets of a machine, newest first.
    pub async fn set_history(
        &mut self,
        machine: &MachineId,
    ) -> Result<Vec<MachineSet>, StoreError> {
        self.tx
            .all(
                "SELECT machine, digest, since FROM machine_set_history
                 WHERE machine = $1 ORDER BY since DESC",
                args![machine],
            )
            .await
    }

    /// The set that a machine had at an instant; `None` before its first.
    pub async fn set_at(
        &mut self,
        machine: &MachineId,
        at: UtcMs,
    ) -> Result<Option<MachineSet>, StoreError> {
        self.tx
            .first(
                "SELECT machine, digest, since FROM machine_set_history
                 WHERE machine = $1 AND since <= $2 ORDER BY since DESC LIMIT 1",
                args![machine, at],
            )
            .await
    }
}

impl Store {
    /// Drops what machines had until `before`, but for what they have still. Gives back how
    /// many rows.
    pub async fn drop_set_history(&self, before: UtcMs) -> Result<u64, StoreError> {
        let mut tx = self.engine.begin().await?;
        let dropped = tx
            .execute(
                "DELETE FROM machine_set_history WHERE EXISTS
                    (SELECT 1 FROM machine_set_history later
                     WHERE later.machine = machine_set_history.machine
                        AND later.since > machine_set_history.since AND later.since < $1)",
                args![before],
            )
            .await?;
        tx.commit().await?;
        Ok(dropped)
    }
}

/// Notes that machines have other sets, each from an instant on; no machine twice.
pub(super) async fn note(
    tx: &mut Tx,
    new: impl Iterator<Item = (MachineId, Digest, UtcMs)>,
) -> Result<(), StoreError> {
    let rows = new.map(|(machine, digest, since)| args![machine, since, digest]);
    tx.execute_many(
        (
            "INSERT INTO machine_set_history (machine, since, digest) VALUES",
            "ON CONFLICT (machine, since) DO UPDATE SET digest = excluded.digest",
        ),
        rows.collect(),
    )
    .await?;
    Ok(())
}
