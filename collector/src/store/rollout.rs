//! What decides how a rollout goes on: by what its plan was made, how its waves went, and
//! what went wrong.

mod waves;

pub use waves::{WaveCounts, WaveOpening, WordCount, is_wrong};

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use crate::rollout::model::MOST_OF_A_MODEL;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use serde_json::json;
use std::collections::BTreeSet;

/// By what a plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanPolicy {
    /// From the last first slot of a wave to the first of the next, in milliseconds.
    pub soak_ms: i64,
    /// How many of a hundred outcomes of a wave must be verified before the next begins.
    pub share_percent: u32,
    /// The request itself, as JSON.
    pub asked: Option<String>,
}
from_row!(PlanPolicy {
    soak_ms,
    share_percent,
    asked
});

/// A release that went wrong on machines of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongOnModel {
    /// The release, by its first artifact.
    pub sha256: Digest,
    /// The model.
    pub model: Name,
    /// On how many machines.
    pub machines: u32,
}
from_row!(WrongOnModel {
    sha256,
    model,
    machines
});

impl View {
    /// By what a plan was made.
    pub async fn plan_policy(&mut self, plan: &Digest) -> Result<Option<PlanPolicy>, StoreError> {
        self.tx
            .first(
                "SELECT soak_ms, share_percent, asked FROM plan_policies WHERE plan = $1",
                args![plan],
            )
            .await
    }

    /// How many jobs of a plan have failed or were rolled back, less those that a person
    /// judged when resuming it.
    pub async fn failures(&mut self, plan: &Digest) -> Result<u64, StoreError> {
        let (count,) = self
            .tx
            .one(
                "SELECT COUNT(*) FROM jobs
                 WHERE plan = $1 AND word IN ('failed', 'rolled_back', 'freed')
                    AND judged & 1 = 0",
                args![plan],
            )
            .await?;
        Ok(count)
    }

    /// The machines of a plan on which any job ended with a measurement of something else than
    /// what was planned: they may keep a release in quarantine.
    pub async fn gone_wrong_in(
        &mut self,
        plan: &Digest,
    ) -> Result<BTreeSet<MachineId>, StoreError> {
        let rows: Vec<(MachineId,)> = self
            .tx
            .all(
                // That they are not in service as well leads to the index of those few.
                "SELECT DISTINCT l.machine FROM plan_leaves l
                 JOIN jobs j ON j.machine = l.machine
                 WHERE l.plan = $1 AND j.word <> 'in_service'
                    AND j.word IN ('failed', 'rolled_back', 'freed')",
                args![plan],
            )
            .await?;
        Ok(rows.into_iter().map(|(machine,)| machine).collect())
    }

    /// The machines of newer plans of the same products that stand, and those that such a
    /// plan found unfit: this plan need not carry them.
    pub async fn carried_by_newer(
        &mut self,
        plan: &Digest,
        now: UtcMs,
    ) -> Result<BTreeSet<MachineId>, StoreError> {
        let rows: Vec<(MachineId,)> = self
            .tx
            .all(
                "WITH newer (id) AS (
                    SELECT p.id FROM plans p
                    WHERE p.created_at > (SELECT created_at FROM plans WHERE id = $1)
                      AND (p.state = 'done'
                           OR (p.state IN ('draft', 'signed', 'active') AND p.expires_at > $2))
                      AND NOT EXISTS (SELECT 1 FROM documents d
                            WHERE d.kind = 'stop' AND d.ended_at IS NULL
                              AND d.scope = 'plan' AND d.subject = p.id)
                      AND EXISTS (SELECT 1 FROM plan_releases own
                            JOIN plan_releases r ON r.plan = p.id
                            WHERE own.plan = $1 AND (r.sha256 = own.sha256
                               OR EXISTS (SELECT 1 FROM releases a
                                    JOIN releases b ON b.product = a.product
                                    WHERE a.sha256 = own.sha256 AND b.sha256 = r.sha256))))
                 SELECT machine FROM plan_leaves WHERE plan IN (SELECT id FROM newer)
                 UNION SELECT machine FROM plan_unfit WHERE plan IN (SELECT id FROM newer)",
                args![plan, now],
            )
            .await?;
        Ok(rows.into_iter().map(|(machine,)| machine).collect())
    }

    /// On how many machines of a model a release of this plan failed or was rolled back,
    /// in whatever plan, since HTM last judged it there; of several releases the most.
    pub(super) async fn wrong_on_model(
        &mut self,
        plan: &Digest,
        model: &Name,
    ) -> Result<u32, StoreError> {
        let counts: Vec<(u32,)> = self
            .tx
            .all(
                "SELECT COUNT(DISTINCT j.machine)
                 FROM plan_releases own
                 JOIN plan_releases r ON r.sha256 = own.sha256
                 JOIN jobs j ON j.plan = r.plan
                    AND j.word IN ('failed', 'rolled_back', 'freed')
                 JOIN machines m ON m.id = j.machine
                 WHERE own.plan = $1 AND m.model = $2 AND j.judged & 2 = 0
                 GROUP BY r.sha256",
                args![plan, model],
            )
            .await?;
        Ok(counts.into_iter().map(|(count,)| count).max().unwrap_or(0))
    }

    /// The releases that have to be halted on a model, and are not: they failed or were
    /// rolled back on enough of its machines since HTM last judged them.
    pub async fn wrong_on_models(&mut self) -> Result<Vec<WrongOnModel>, StoreError> {
        self.tx
            .all(
                "SELECT r.sha256, m.model, COUNT(DISTINCT j.machine)
                 FROM jobs j
                 JOIN plan_releases r ON r.plan = j.plan
                 JOIN machines m ON m.id = j.machine
                 WHERE j.word IN ('failed', 'rolled_back', 'freed') AND j.judged & 2 = 0
                    AND NOT EXISTS (SELECT 1 FROM halts h
                        WHERE h.scope = 'release_on_model' AND h.resumed_at IS NULL
                          AND h.subject = r.sha256 || '/' || m.model)
                 GROUP BY r.sha256, m.model
                 HAVING COUNT(DISTINCT j.machine) >= $1 ORDER BY r.sha256, m.model",
                args![MOST_OF_A_MODEL],
            )
            .await
    }
}

impl Change {
    /// Keeps by what a plan was made.
    pub async fn keep_plan_policy(
        &mut self,
        plan: &Digest,
        policy: &PlanPolicy,
    ) -> Result<(), StoreError> {
        let detail = json!({
            "soak_ms": policy.soak_ms, "share_percent": policy.share_percent,
        });
        self.step("plan.policy", plan, detail)
            .execute(
                "INSERT INTO plan_policies (plan, soak_ms, share_percent, asked)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                args![plan, policy.soak_ms, policy.share_percent, policy.asked],
            )
            .await?;
        self.done();
        Ok(())
    }
}
