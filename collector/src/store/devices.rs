//! Medical devices: which machine may speak for which, and what they answered. A device is
//! a machine without an agent: what it answers is its inventory.

use super::conditions::Conditions;
use super::value::{args, from_row};
use super::{Change, Store, StoreError, View};
use patchward_common::device::known_until;
use patchward_common::id::{Label, MachineId};
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{DeviceFound, DeviceSaid};
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// What one component of a device answered last, as one machine asked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAnswer {
    /// The device's asset tag.
    pub asset: Label,
    /// The component.
    pub component: String,
    /// The machine that asked.
    pub machine: MachineId,
    /// When it was asked last.
    pub asked_at: UtcMs,
    /// Why it gave no version then.
    pub problem: Option<String>,
    /// When it last gave a version.
    pub answered_at: Option<UtcMs>,
    /// That version.
    pub version: Option<String>,
    /// Whether the asset's model is known by it; 0 or 1.
    pub of_model: u32,
    /// Until when it says what there is.
    pub known_until: Option<UtcMs>,
    /// Since when it says nothing any more: the device has been silent for too long.
    pub lost_at: Option<UtcMs>,
}
from_row!(DeviceAnswer {
    asset,
    component,
    machine,
    asked_at,
    problem,
    answered_at,
    version,
    of_model,
    known_until,
    lost_at
});

/// The version that a component of a device answered last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceVersion {
    /// The device's asset tag.
    pub asset: Label,
    /// The component.
    pub component: String,
    /// Its version.
    pub version: String,
    /// Whether the asset's model is known by it; 0 or 1.
    pub of_model: u32,
    /// When it answered so.
    pub answered_at: Option<UtcMs>,
    /// Since when that says nothing any more.
    pub lost_at: Option<UtcMs>,
}
from_row!(DeviceVersion {
    asset,
    component,
    version,
    of_model,
    answered_at,
    lost_at
});

impl View {
    /// Which machine may speak for which device, by asset.
    pub async fn device_watches(&mut self) -> Result<Vec<(Label, MachineId)>, StoreError> {
        self.tx
            .all(
                "SELECT asset, machine FROM device_watches ORDER BY asset, machine",
                args![],
            )
            .await
    }

    /// The devices for which a machine may speak: each asset with the machine that it is in
    /// plans.
    pub async fn devices_beside(
        &mut self,
        machine: &MachineId,
    ) -> Result<BTreeMap<Label, MachineId>, StoreError> {
        let rows: Vec<(Label, MachineId)> = self
            .tx
            .all(
                "SELECT w.asset, m.machine FROM device_watches w
                 JOIN assets a ON a.tag = w.asset
                 JOIN manual_machines m ON m.machine = a.machine
                 WHERE w.machine = $1",
                args![machine],
            )
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// What devices answered, of one asset or of all, by asset and component.
    pub async fn device_answers(
        &mut self,
        asset: Option<&Label>,
    ) -> Result<Vec<DeviceAnswer>, StoreError> {
        let of = Conditions::default().and("asset = ?", asset.map(|asset| args![asset]));
        let sql = format!(
            "SELECT asset, component, machine, asked_at, problem, answered_at, version, of_model,
                    known_until, lost_at
             FROM device_answers {of} ORDER BY asset, component, machine"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// The same of one asset, without what machines said that may speak for it no more.
    pub async fn device_answers_that_count(
        &mut self,
        asset: &Label,
    ) -> Result<Vec<DeviceAnswer>, StoreError> {
        self.tx
            .all(
                "SELECT a.asset, a.component, a.machine, a.asked_at, a.problem, a.answered_at,
                        a.version, a.of_model, a.known_until, a.lost_at
                 FROM device_answers a
                 JOIN device_watches w ON w.asset = a.asset AND w.machine = a.machine
                 WHERE a.asset = $1 ORDER BY a.component, a.machine",
                args![asset],
            )
            .await
    }

    /// The version that each component of a device answered last, as those that may speak
    /// for it now heard it, by asset and component.
    pub async fn device_versions(&mut self) -> Result<Vec<DeviceVersion>, StoreError> {
        let rows: Vec<DeviceVersion> = self
            .tx
            .all(
                "SELECT a.asset, a.component, a.version, a.of_model, a.answered_at, a.lost_at
                 FROM device_answers a
                 JOIN device_watches w ON w.asset = a.asset AND w.machine = a.machine
                 WHERE a.version IS NOT NULL
                 ORDER BY a.asset, a.component, a.answered_at, a.machine",
                args![],
            )
            .await?;
        // Of one component the newest comes last, and stays.
        let newest: BTreeMap<(Label, String), DeviceVersion> = rows
            .into_iter()
            .map(|row| ((row.asset.clone(), row.component.clone()), row))
            .collect();
        Ok(newest.into_values().collect())
    }
}

impl Store {
    /// Notes what devices answered, as `machine` asked them. An older answer never replaces
    /// a newer one, and one without a version leaves the version that was there.
    pub async fn record_device_answers(
        &self,
        machine: &MachineId,
        said: &[DeviceSaid],
    ) -> Result<(), StoreError> {
        let rows = said.iter().map(|said| {
            let (version, problem) = match &said.found {
                DeviceFound::Version(version) => (Some(version), None),
                DeviceFound::Nothing(why) => (None, Some(why)),
            };
            let answered_at = version.map(|_| said.at);
            let known_until = version.map(|_| known_until(said.at, said.every_minutes));
            args![
                said.asset,
                said.component,
                machine,
                said.at,
                problem,
                answered_at,
                version,
                u32::from(said.of_model),
                known_until
            ]
        });
        let mut tx = self.engine.begin().await?;
        tx.execute_many(
            (
                "INSERT INTO device_answers (asset, component, machine, asked_at, problem,
                                             answered_at, version, of_model, known_until)
                 VALUES",
                "ON CONFLICT (asset, component, machine) DO UPDATE SET
                    asked_at = excluded.asked_at, problem = excluded.problem,
                    answered_at = COALESCE(excluded.answered_at, device_answers.answered_at),
                    version = COALESCE(excluded.version, device_answers.version),
                    of_model = excluded.of_model,
                    known_until = COALESCE(excluded.known_until, device_answers.known_until),
                    lost_at = CASE WHEN excluded.version IS NULL THEN device_answers.lost_at END
                 WHERE excluded.asked_at > device_answers.asked_at",
            ),
            rows.collect(),
        )
        .await?;
        tx.commit().await
    }

    /// Notes which answers say nothing any more: so long the device has been silent. Gives
    /// back how many are new.
    pub async fn lose_device_answers(&self, now: UtcMs) -> Result<u64, StoreError> {
        let (due,): (u64,) = self
            .view()
            .await?
            .tx
            .one(
                "SELECT COUNT(*) FROM device_answers WHERE lost_at IS NULL AND known_until <= $1",
                args![now],
            )
            .await?;
        // Mostly there is none, and nobody waits for the one who writes.
        if due == 0 {
            return Ok(0);
        }
        let mut tx = self.engine.begin().await?;
        let lost = tx
            .execute(
                "UPDATE device_answers SET lost_at = known_until
                 WHERE lost_at IS NULL AND known_until <= $1",
                args![now],
            )
            .await?;
        tx.commit().await?;
        Ok(lost)
    }
}

impl Change {
    /// Lets a machine speak for a device: the asset, which must be one that people work on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it may already.
    pub async fn watch_device(
        &mut self,
        asset: &Label,
        machine: &MachineId,
    ) -> Result<(), StoreError> {
        let added = self
            .step("device.watch", asset, json!({ "machine": machine }))
            .execute(
                "INSERT INTO device_watches (asset, machine) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
                args![asset, machine],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("that machine speaks for {asset} already"))
        })
    }

    /// Lets a machine speak for a device no more. What it answered stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it does not.
    pub async fn unwatch_device(
        &mut self,
        asset: &Label,
        machine: &MachineId,
    ) -> Result<(), StoreError> {
        let removed = self
            .step("device.unwatch", asset, json!({ "machine": machine }))
            .execute(
                "DELETE FROM device_watches WHERE asset = $1 AND machine = $2",
                args![asset, machine],
            )
            .await?;
        self.done_if(removed, || StoreError::missing("watched device", asset))
    }
}
