//! Where assets stand in their life: what a new one must show, and the steps of leaving.

use super::{AssetKind, LifeCycle};
use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use serde_json::json;
use std::collections::BTreeSet;

/// How many assets and machines there are, by what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetCounts {
    /// All assets: the next four add up to it.
    pub assets: u64,
    /// Those that are machines.
    pub are_machines: u64,
    /// Medical devices without an agent.
    pub devices: u64,
    /// Neither, and loaned, in storage or gone.
    pub away: u64,
    /// The others: they wait for an agent, or for a word what they are.
    pub without_agent: u64,
    /// Enrolled machines.
    pub machines: u64,
    /// Those that are no asset.
    pub without_asset: u64,
}

/// What a new machine of a model must show before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Its name.
    pub name: Name,
    /// The model of machines for which it stands.
    pub model: Name,
    /// Whether its readiness probes must pass; 0 or 1.
    pub is_ready: u32,
    /// Whether its interlock must be able to tell whether it is in use; 0 or 1.
    pub has_interlock: u32,
    /// The mode that HTM must have assigned.
    pub mode: Option<Mode>,
}
from_row!(Baseline {
    name,
    model,
    is_ready,
    has_interlock,
    mode
});

/// A component that a baseline asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineComponent {
    /// The baseline.
    pub baseline: Name,
    /// The component's name.
    pub component: String,
    /// The range that its version must lie in.
    pub versions: String,
}
from_row!(BaselineComponent {
    baseline,
    component,
    versions
});

impl View {
    /// Every baseline, by name.
    pub async fn baselines(&mut self) -> Result<Vec<Baseline>, StoreError> {
        self.tx
            .all(
                "SELECT name, model, is_ready, has_interlock, mode FROM baselines ORDER BY name",
                args![],
            )
            .await
    }

    /// What every baseline asks for, by baseline and component.
    pub async fn baseline_components(&mut self) -> Result<Vec<BaselineComponent>, StoreError> {
        self.tx
            .all(
                "SELECT baseline, component, versions FROM baseline_components
                 ORDER BY baseline, component",
                args![],
            )
            .await
    }

    /// The steps of leaving that people said are done: step, who and when.
    pub async fn leaving_steps(
        &mut self,
        asset: &Label,
    ) -> Result<Vec<(String, String, UtcMs)>, StoreError> {
        self.tx
            .all(
                "SELECT step, done_by, done_at FROM leaving_steps WHERE asset = $1 ORDER BY step",
                args![asset],
            )
            .await
    }

    /// How many assets have no agent, and how many enrolled machines no asset.
    pub async fn gap_counts(&mut self) -> Result<AssetCounts, StoreError> {
        let (assets, are_machines, devices, away): (u64, u64, u64, u64) = self
            .tx
            .one(
                "SELECT COUNT(*), COUNT(machine),
                        COUNT(CASE WHEN machine IS NULL AND kind = 'device' THEN 1 END),
                        COUNT(CASE WHEN machine IS NULL AND kind <> 'device' AND life_cycle IN
                            ('loaned', 'in_storage', 'decommissioned') THEN 1 END)
                 FROM assets",
                args![],
            )
            .await?;
        let (machines, linked): (u64, u64) = self
            .tx
            .one(
                "SELECT COUNT(*), COUNT(a.machine) FROM machines m
                 LEFT JOIN assets a ON a.machine = m.id WHERE m.state = 'enrolled'",
                args![],
            )
            .await?;
        Ok(AssetCounts {
            assets,
            are_machines,
            devices,
            away,
            without_agent: assets.saturating_sub(are_machines + devices + away),
            machines,
            without_asset: machines.saturating_sub(linked),
        })
    }

    /// The machines whose asset is loaned, put away or gone.
    pub async fn away_machines(&mut self) -> Result<BTreeSet<MachineId>, StoreError> {
        let rows: Vec<(MachineId,)> = self
            .tx
            .all(
                "SELECT machine FROM assets
                 WHERE machine IS NOT NULL
                   AND life_cycle IN ('loaned', 'in_storage', 'decommissioned')",
                args![],
            )
            .await?;
        Ok(rows.into_iter().map(|(machine,)| machine).collect())
    }

    /// How many jobs of a machine are kept, and how many proofs with them.
    pub async fn kept_of_machine(&mut self, machine: &MachineId) -> Result<(u64, u64), StoreError> {
        self.tx
            .one(
                "SELECT (SELECT COUNT(*) FROM jobs WHERE machine = $1),
                        (SELECT COUNT(*) FROM evidence e JOIN jobs j ON j.id = e.job
                         WHERE j.machine = $1)",
                args![machine],
            )
            .await
    }
}

impl Change {
    /// Says what an asset is that is no machine.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is a machine.
    pub async fn set_asset_kind(&mut self, tag: &Label, kind: AssetKind) -> Result<(), StoreError> {
        let known = self.view().asset(tag).await?;
        if known.is_some_and(|known| known.machine.is_some()) {
            return Err(StoreError::conflict(format!(
                "asset {tag} is a machine; end that link first with `asset link {tag}`"
            )));
        }
        let changed = self
            .step("asset.kind", tag, json!({ "kind": kind }))
            .execute(
                "UPDATE assets SET kind = $2 WHERE tag = $1",
                args![tag, kind],
            )
            .await?;
        self.done_if(changed, || StoreError::missing("asset", tag))
    }

    /// Moves an asset to another state of its life, and says why. What is used was accepted,
    /// and stays so while it is loaned or put away.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is not in the state `from`.
    pub async fn move_asset(
        &mut self,
        tag: &Label,
        from: LifeCycle,
        to: LifeCycle,
        reason: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let detail = json!({ "from": from, "to": to, "reason": reason });
        let (is_used, is_kept) = match to {
            LifeCycle::InUse => (1_u32, 1_u32),
            LifeCycle::Loaned | LifeCycle::InStorage => (0, 1),
            _ => (0, 0),
        };
        let changed = self
            .step("asset.move", tag, detail)
            .execute(
                "UPDATE assets SET life_cycle = $3, life_cycle_since = $4,
                     accepted_at = CASE WHEN $6 = 0 THEN NULL
                                        WHEN $5 = 1 THEN COALESCE(accepted_at, $4)
                                        ELSE accepted_at END
                 WHERE tag = $1 AND life_cycle = $2",
                args![tag, from, to, now, is_used, is_kept],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::conflict(format!(
                "asset {tag} is not {} any more; look again with `asset show {tag}`",
                from.word()
            ))
        })
    }

    /// Notes that a person did a step of an asset's leaving.
    pub async fn leaving_step_done(&mut self, tag: &Label, step: &str) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        self.step("asset.leaving_step", tag, json!({ "step": step }))
            .execute(
                "INSERT INTO leaving_steps (asset, step, done_by, done_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                args![tag, step, by, now],
            )
            .await?;
        self.done();
        Ok(())
    }

    /// Saves a baseline in place of the one with its name.
    pub async fn put_baseline(
        &mut self,
        baseline: &Baseline,
        components: &[(String, String)],
    ) -> Result<(), StoreError> {
        let name = &baseline.name;
        let detail = json!({
            "model": baseline.model,
            "ready": baseline.is_ready == 1,
            "interlock": baseline.has_interlock == 1,
            "mode": baseline.mode.map(|mode| mode.word()),
            "components": components,
        });
        let rows = components.iter();
        let rows = rows.map(|(component, versions)| args![name, component, versions]);
        let tx = self.step("baseline.put", name, detail);
        tx.execute(
            "INSERT INTO baselines (name, model, is_ready, has_interlock, mode)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET model = excluded.model,
                is_ready = excluded.is_ready, has_interlock = excluded.has_interlock,
                mode = excluded.mode",
            args![
                name,
                baseline.model,
                baseline.is_ready,
                baseline.has_interlock,
                baseline.mode
            ],
        )
        .await?;
        tx.execute(
            "DELETE FROM baseline_components WHERE baseline = $1",
            args![name],
        )
        .await?;
        tx.execute_many(
            (
                "INSERT INTO baseline_components (baseline, component, versions) VALUES",
                "",
            ),
            rows.collect(),
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Removes a baseline.
    pub async fn remove_baseline(&mut self, name: &Name) -> Result<(), StoreError> {
        let tx = self.step("baseline.remove", name, json!({}));
        tx.execute(
            "DELETE FROM baseline_components WHERE baseline = $1",
            args![name],
        )
        .await?;
        let removed = tx
            .execute("DELETE FROM baselines WHERE name = $1", args![name])
            .await?;
        self.done_if(removed, || StoreError::missing("baseline", name))
    }
}
