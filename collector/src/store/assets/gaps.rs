//! Where the hospital's list and the fleet differ. The database looks for it: of a large hospital
//! both are long, and the difference is short.

use super::LifeCycle;
use crate::store::value::{args, from_row};
use crate::store::{StoreError, View};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;

/// An asset that waits for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutAgent {
    /// The hospital's tag.
    pub tag: Label,
    /// The maker's serial number.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Where it is used.
    pub unit: Option<Name>,
    /// Where it stands in its life.
    pub life_cycle: LifeCycle,
}
from_row!(WithoutAgent {
    tag,
    serial,
    manufacturer,
    model,
    unit,
    life_cycle
});

/// An enrolled machine that is in no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutAsset {
    /// Its id.
    pub id: MachineId,
    /// What people call it.
    pub name: Name,
    /// Its unit.
    pub unit: Name,
    /// Its model.
    pub model: Name,
    /// When it was heard last.
    pub seen_at: Option<UtcMs>,
}
from_row!(WithoutAsset {
    id,
    name,
    unit,
    model,
    seen_at
});

/// An enrolled machine that may be elsewhere than it belongs, where it is not known to be away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What people call it.
    pub name: Name,
    /// Its unit.
    pub unit: Name,
    /// The asset that it is.
    pub asset: Option<Label>,
    /// The unit in which the list has it.
    pub listed: Option<Name>,
    /// From where it was heard last.
    pub address: Option<String>,
    /// Since when it is heard from there.
    pub since: Option<UtcMs>,
}
from_row!(Standing {
    name,
    unit,
    asset,
    listed,
    address,
    since
});

impl View {
    /// Assets that are no machine of ours, no medical device and not away, by tag.
    pub async fn assets_without_agent(&mut self) -> Result<Vec<WithoutAgent>, StoreError> {
        self.tx
            .all(
                "SELECT tag, serial, manufacturer, model, unit, life_cycle FROM assets
                 WHERE machine IS NULL AND kind <> 'device'
                   AND life_cycle NOT IN ('loaned', 'in_storage', 'decommissioned')
                 ORDER BY tag",
                args![],
            )
            .await
    }

    /// Enrolled machines that no asset is, by id.
    pub async fn machines_without_asset(&mut self) -> Result<Vec<WithoutAsset>, StoreError> {
        self.tx
            .all(
                "SELECT m.id, m.name, m.unit, m.model, s.at FROM machines m
                 LEFT JOIN machine_seen s ON s.machine = m.id
                 WHERE m.state = 'enrolled'
                   AND NOT EXISTS (SELECT 1 FROM assets a WHERE a.machine = m.id)
                 ORDER BY m.id",
                args![],
            )
            .await
    }

    /// Enrolled machines that the list has in another unit, and those whose unit has subnets, by id.
    pub async fn machines_elsewhere(&mut self) -> Result<Vec<Standing>, StoreError> {
        self.tx
            .all(
                "SELECT m.name, m.unit, a.tag, a.unit, s.address,
                        CASE WHEN s.address IS NULL THEN NULL ELSE COALESCE(s.address_since, s.at) END
                 FROM machines m
                 LEFT JOIN assets a ON a.machine = m.id
                 LEFT JOIN machine_seen s ON s.machine = m.id
                 WHERE m.state = 'enrolled'
                   AND (a.life_cycle IS NULL
                        OR a.life_cycle NOT IN ('loaned', 'in_storage', 'decommissioned'))
                   AND (a.unit <> m.unit OR m.unit IN (SELECT unit FROM unit_subnets))
                 ORDER BY m.id",
                args![],
            )
            .await
    }
}
