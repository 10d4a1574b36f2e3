//! The machines that a plan is about.

use super::{MachineLine, lines};
use crate::store::value::args;
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use std::collections::{BTreeMap, BTreeSet};

impl View {
    /// The enrolled machines that a plan names.
    pub async fn machines_of_plan(
        &mut self,
        plan: &Digest,
    ) -> Result<BTreeMap<MachineId, MachineLine>, StoreError> {
        let rows: Vec<MachineLine> = self
            .tx
            .all(
                concat!(
                    lines!(),
                    " JOIN plan_leaves l ON l.machine = m.id
                 WHERE l.plan = $1 AND m.state = 'enrolled'"
                ),
                args![plan],
            )
            .await?;
        Ok(rows.into_iter().map(|line| (line.id, line)).collect())
    }

    /// What the machines are called that a plan names or found in no slot, wherever they are now.
    pub async fn names_of_plan(
        &mut self,
        plan: &Digest,
    ) -> Result<BTreeMap<MachineId, String>, StoreError> {
        let rows: Vec<(MachineId, String)> = self
            .tx
            .all(
                "SELECT id, name FROM machines WHERE id IN
                     (SELECT machine FROM plan_leaves WHERE plan = $1
                      UNION SELECT machine FROM plan_unfit WHERE plan = $1)",
                args![plan],
            )
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// The models of the machines of the fleet that a plan names.
    pub async fn models_of_plan(&mut self, plan: &Digest) -> Result<BTreeSet<Name>, StoreError> {
        let rows: Vec<(Name,)> = self
            .tx
            .all(
                "SELECT DISTINCT m.model FROM plan_leaves l JOIN machines m ON m.id = l.machine
                 WHERE l.plan = $1 AND m.state = 'enrolled'",
                args![plan],
            )
            .await?;
        Ok(rows.into_iter().map(|(model,)| model).collect())
    }

    /// The units of the machines that a plan names; `None` among them where it names a machine
    /// that is not there.
    pub async fn units_of_plan(
        &mut self,
        plan: &Digest,
    ) -> Result<BTreeSet<Option<Name>>, StoreError> {
        let rows: Vec<(Option<Name>,)> = self
            .tx
            .all(
                "SELECT DISTINCT m.unit FROM plan_leaves l
                 LEFT JOIN machines m ON m.id = l.machine WHERE l.plan = $1",
                args![plan],
            )
            .await?;
        Ok(rows.into_iter().map(|(unit,)| unit).collect())
    }
}
