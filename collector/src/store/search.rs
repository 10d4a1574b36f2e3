//! What a search for components reads beside the index in memory.

use super::conditions::Conditions;
use super::inventory::Numbered;
use super::value::{args, from_row};
use super::{StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::roster::Class;
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

impl View {
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
