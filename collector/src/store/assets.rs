//! The hospital's own list of equipment.

use super::sql::MAX_ROWS;
use super::value::{args, from_row};
use super::{Change, StoreError, View};
use patchward_common::id::{Label, MachineId, Name};
use serde_json::json;
use std::collections::BTreeSet;

/// One row of the hospital's list. What it leaves empty is empty here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The hospital's tag.
    pub tag: Label,
    /// The maker's serial number.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its unique device identifier.
    pub udi: String,
    /// Where it is used.
    pub unit: Option<Name>,
    /// Where it stands.
    pub location: String,
    /// How critical the hospital calls it.
    pub criticality: String,
    /// Its coverage group.
    pub group: Option<Name>,
    /// The machine that it is; `None` is a medical device, or not covered.
    pub machine: Option<MachineId>,
}
from_row!(Asset {
    tag,
    serial,
    manufacturer,
    model,
    udi,
    unit,
    location,
    criticality,
    group,
    machine
});

impl View {
    /// One asset.
    pub async fn asset(&mut self, tag: &Label) -> Result<Option<Asset>, StoreError> {
        self.tx
            .first(
                "SELECT tag, serial, manufacturer, model, udi, unit, location, criticality,
                        coverage_group, machine
                 FROM assets WHERE tag = $1",
                args![tag],
            )
            .await
    }

    /// The asset that a machine is.
    pub async fn asset_of(&mut self, machine: &MachineId) -> Result<Option<Asset>, StoreError> {
        self.tx
            .first(
                "SELECT tag, serial, manufacturer, model, udi, unit, location, criticality,
                        coverage_group, machine
                 FROM assets WHERE machine = $1",
                args![machine],
            )
            .await
    }

    /// Up to `limit` assets after the tag `after`, of one unit or of all.
    pub async fn assets(
        &mut self,
        unit: Option<&Name>,
        after: Option<&Label>,
        limit: u32,
    ) -> Result<Vec<Asset>, StoreError> {
        self.tx
            .all(
                "SELECT tag, serial, manufacturer, model, udi, unit, location, criticality,
                        coverage_group, machine
                 FROM assets
                 WHERE ($1 IS NULL OR unit = $1) AND ($2 IS NULL OR tag > $2)
                 ORDER BY tag LIMIT $3",
                args![unit, after, limit],
            )
            .await
    }

    /// How many assets are a machine, and how many are not.
    pub async fn asset_counts(&mut self) -> Result<(u64, u64), StoreError> {
        self.tx
            .one(
                "SELECT COUNT(machine), COUNT(*) - COUNT(machine) FROM assets",
                args![],
            )
            .await
    }
}

impl Change {
    /// Adds assets, or changes those whose tag is there already. A row of an import
    /// without a machine keeps the machine that was linked before.
    pub async fn put_assets(&mut self, assets: &[Asset]) -> Result<(), StoreError> {
        let (mut tags, mut units, mut groups) = Default::default();
        for asset in assets {
            if !BTreeSet::insert(&mut tags, &asset.tag) {
                return Err(StoreError::conflict(format!(
                    "asset {} stands in the list twice",
                    asset.tag
                )));
            }
            units_and_groups(asset, &mut units, &mut groups);
        }
        for unit in units {
            self.view().need_unit(unit).await?;
        }
        for group in groups {
            self.view().need_group(group).await?;
        }
        let first = assets.first().map_or(String::new(), |a| a.tag.to_string());
        let tx = self.step("asset.put", first, json!({ "assets": assets.len() }));
        for some in assets.chunks(MAX_ROWS) {
            let rows = some.iter().map(columns).collect();
            tx.execute_many(UPSERT, rows).await?;
        }
        self.done();
        Ok(())
    }

    /// Says which machine an asset is, or that it is none.
    pub async fn link_asset(
        &mut self,
        tag: &Label,
        machine: Option<&MachineId>,
    ) -> Result<(), StoreError> {
        if let Some(machine) = machine {
            self.view().need_machine(machine).await?;
            let other = self.view().asset_of(machine).await?;
            if let Some(other) = other.filter(|other| other.tag != *tag) {
                return Err(StoreError::conflict(format!(
                    "that machine is asset {} already; end that link first with `asset link {}`",
                    other.tag, other.tag
                )));
            }
        }
        let detail = json!({ "machine": machine });
        let changed = self
            .step("asset.link", tag, detail)
            .execute(
                "UPDATE assets SET machine = $2 WHERE tag = $1",
                args![tag, machine],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("asset", tag))
    }

    /// Removes an asset.
    pub async fn remove_asset(&mut self, tag: &Label) -> Result<(), StoreError> {
        let tx = self.step("asset.remove", tag, json!({}));
        tx.execute("DELETE FROM device_watches WHERE asset = $1", args![tag])
            .await?;
        tx.execute("DELETE FROM member_statements WHERE asset = $1", args![tag])
            .await?;
        let removed = tx
            .execute("DELETE FROM assets WHERE tag = $1", args![tag])
            .await?;
        self.done_if(removed, || StoreError::missing("asset", tag))
    }
}

const UPSERT: (&str, &str) = (
    "INSERT INTO assets (tag, serial, manufacturer, model, udi, unit, location, criticality,
                         coverage_group, machine) VALUES",
    "ON CONFLICT (tag) DO UPDATE SET serial = excluded.serial,
        manufacturer = excluded.manufacturer, model = excluded.model, udi = excluded.udi,
        unit = excluded.unit, location = excluded.location, criticality = excluded.criticality,
        coverage_group = excluded.coverage_group,
        machine = COALESCE(excluded.machine, assets.machine)",
);

fn columns(asset: &Asset) -> Vec<super::value::Value> {
    args![
        asset.tag,
        asset.serial,
        asset.manufacturer,
        asset.model,
        asset.udi,
        asset.unit,
        asset.location,
        asset.criticality,
        asset.group,
        asset.machine
    ]
}

fn units_and_groups<'a>(
    asset: &'a Asset,
    units: &mut BTreeSet<&'a Name>,
    groups: &mut BTreeSet<&'a Name>,
) {
    units.extend(&asset.unit);
    groups.extend(&asset.group);
}
