//! Which subnets a unit has, and from which addresses machines were heard.

use crate::store::value::args;
use crate::store::{Change, StoreError, View};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

impl View {
    /// Every subnet of every unit, by unit.
    pub async fn unit_subnets(&mut self) -> Result<Vec<(Name, String)>, StoreError> {
        self.tx
            .all(
                "SELECT unit, subnet FROM unit_subnets ORDER BY unit, subnet",
                args![],
            )
            .await
    }

    /// From which address every machine was heard last, and since when from that one.
    pub async fn addresses(&mut self) -> Result<Vec<(MachineId, String, UtcMs)>, StoreError> {
        self.tx
            .all(
                "SELECT machine, address, COALESCE(address_since, at) FROM machine_seen
                 WHERE address IS NOT NULL ORDER BY machine",
                args![],
            )
            .await
    }
}

impl Change {
    /// Says that a subnet is a unit's.
    pub async fn add_subnet(&mut self, unit: &Name, subnet: &str) -> Result<(), StoreError> {
        self.view().need_unit(unit).await?;
        let added = self
            .step("unit.subnet_add", unit, json!({ "subnet": subnet }))
            .execute(
                "INSERT INTO unit_subnets (unit, subnet) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                args![unit, subnet],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("unit {unit} has the subnet {subnet} already"))
        })
    }

    /// Takes a subnet from a unit.
    pub async fn remove_subnet(&mut self, unit: &Name, subnet: &str) -> Result<(), StoreError> {
        let removed = self
            .step("unit.subnet_remove", unit, json!({ "subnet": subnet }))
            .execute(
                "DELETE FROM unit_subnets WHERE unit = $1 AND subnet = $2",
                args![unit, subnet],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("subnet", subnet))
    }
}
