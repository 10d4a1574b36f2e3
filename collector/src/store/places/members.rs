//! Which machines belong to which coverage groups, and how that changes.

use crate::store::go::{lock_groups, lock_groups_and_none};
use crate::store::value::args;
use crate::store::{Change, StoreError};
use patchward_common::id::{MachineId, Name};
use serde_json::json;
use std::collections::BTreeSet;

impl Change {
    /// Takes at once, in one order, the locks of every group that these machines have and
    /// of those that they will get (`to`): machine by machine two changes could wait for
    /// each other.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where a machine was moved to other groups meanwhile.
    pub async fn lock_placement(
        &mut self,
        machines: &[MachineId],
        to: impl Iterator<Item = &Name>,
    ) -> Result<(), StoreError> {
        let machines: BTreeSet<MachineId> = machines.iter().copied().collect();
        let before = self.memberships(&machines).await?;
        let mut groups: BTreeSet<Name> = to.cloned().collect();
        groups.extend(before.iter().map(|(group, _)| group.clone()));
        let groups: Vec<Name> = groups.into_iter().collect();
        lock_groups_and_none(&mut self.view().tx, &groups).await?;
        if self.memberships(&machines).await? != before {
            return Err(StoreError::Busy);
        }
        Ok(())
    }

    async fn memberships(
        &mut self,
        machines: &BTreeSet<MachineId>,
    ) -> Result<Vec<(Name, MachineId)>, StoreError> {
        let mut all = self.view().all_members().await?;
        all.retain(|(_, machine)| machines.contains(machine));
        Ok(all)
    }

    /// Makes `groups` the groups of a machine. Who moves several takes their locks before,
    /// with [`Self::lock_placement`].
    pub async fn set_groups_of(
        &mut self,
        machine: &MachineId,
        groups: &[Name],
    ) -> Result<(), StoreError> {
        self.view().need_machine(machine).await?;
        let before = self.view().groups_of(machine).await?;
        let mut touched = before.clone();
        for group in groups {
            self.view().need_group(group).await?;
            touched.push(group.clone());
        }
        let rows = groups.iter().map(|group| args![group, machine]).collect();
        let tx = self.step("machine.groups", machine, json!({ "groups": groups }));
        // What it belongs to now, even if that is no group, and what it will belong to.
        if before.is_empty() {
            lock_groups(tx, &before).await?;
        }
        if !touched.is_empty() {
            lock_groups(tx, &touched).await?;
        }
        tx.execute(
            "DELETE FROM group_members WHERE machine = $1",
            args![machine],
        )
        .await?;
        tx.execute_many(
            (
                "INSERT INTO group_members (group_name, machine) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            rows,
        )
        .await?;
        self.done();
        Ok(())
    }
}
