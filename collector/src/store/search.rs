//! What a search for components, and what asks for probes, reads beside the index in memory.

use super::conditions::Conditions;
use super::inventory::Numbered;
use super::machines::Readiness;
use super::value::{args, from_row};
use super::{StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;
use patchward_common::wire::machine::InterlockWord;
use sqlx::AssertSqlSafe;

/// Where a machine of the fleet stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its id.
    pub id: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its unit.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Its model.
    pub model: Name,
}
from_row!(Placed {
    id,
    name,
    unit,
    class,
    model
});

/// How many machines answer so by their probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What the interlock said last; nothing where it was never told.
    pub interlock: Option<InterlockWord>,
    /// What readiness probes said last.
    pub readiness: Option<Readiness>,
    /// 1 where they have been silent for longer than their class allows, or were never heard.
    pub silent: u32,
    /// How many machines.
    pub machines: u64,
}
from_row!(Answered {
    interlock,
    readiness,
    silent,
    machines
});

impl View {
    /// The machines that do not belong to the fleet now: few, beside those that do.
    pub async fn machines_not_enrolled(&mut self) -> Result<Vec<MachineId>, StoreError> {
        let rows: Vec<(MachineId,)> = self
            .tx
            .all(
                "SELECT id FROM machines WHERE state <> 'enrolled' ORDER BY id",
                args![],
            )
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// How many enrolled machines answer what by their probes. Of each class only who was heard
    /// after its limit counts as heard: standard, critical, life support. Who may be a clone is
    /// left out, as where the list of machines says `enrolled`.
    pub async fn answers_of_probes(
        &mut self,
        [standard, critical, life_support]: [UtcMs; 3],
    ) -> Result<Vec<Answered>, StoreError> {
        self.tx
            .all(
                "SELECT s.interlock, s.readiness,
                        CAST(CASE WHEN seen.at IS NULL THEN 1
                                  WHEN m.class = 'standard' AND seen.at <= $1 THEN 1
                                  WHEN m.class = 'critical' AND seen.at <= $2 THEN 1
                                  WHEN m.class = 'life_support' AND seen.at <= $3 THEN 1
                                  ELSE 0 END AS BIGINT) AS silent,
                        COUNT(*)
                 FROM machines m
                 LEFT JOIN machine_status s ON s.machine = m.id
                 LEFT JOIN machine_seen seen ON seen.machine = m.id
                 WHERE m.state = 'enrolled' AND m.clone_suspected_at IS NULL
                 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                args![standard, critical, life_support],
            )
            .await
    }

    /// Up to `limit` components whose names begin so, by name.
    pub async fn components_beginning(
        &mut self,
        begin: &str,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        // No text comes after a name with the last of all characters behind it.
        let end = format!("{begin}{}", char::MAX);
        self.tx
            .all(
                "SELECT number, source, name, version, arch FROM components
                 WHERE name >= $1 AND name < $2 ORDER BY name, version, arch, source LIMIT $3",
                args![begin, end, limit],
            )
            .await
    }

    /// Every enrolled machine of a unit, or of all, by name: a few columns of one table,
    /// because the largest fleet is read as a whole.
    pub async fn placed_machines(
        &mut self,
        unit: Option<&Name>,
    ) -> Result<Vec<Placed>, StoreError> {
        match unit {
            Some(unit) => {
                self.tx
                    .all(
                        "SELECT id, name, unit, class, model FROM machines
                         WHERE unit = $1 AND state = 'enrolled' ORDER BY name",
                        args![unit],
                    )
                    .await
            }
            None => {
                self.tx
                    .all(
                        "SELECT id, name, unit, class, model FROM machines
                         WHERE state = 'enrolled' ORDER BY name",
                        args![],
                    )
                    .await
            }
        }
    }

    /// Up to `limit` machines after the id `after` with the facts that they told, packed.
    pub async fn facts_after(
        &mut self,
        after: Option<&MachineId>,
        limit: u32,
    ) -> Result<Vec<(MachineId, Vec<u8>)>, StoreError> {
        let mut of = Conditions::default().and("machine > ?", after.map(|after| args![after]));
        let limit = of.arg(&limit);
        let sql =
            format!("SELECT machine, facts FROM machine_facts {of} ORDER BY machine LIMIT {limit}");
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }
}
