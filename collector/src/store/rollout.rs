//! What decides how a rollout goes on: by what its plan was made, how its waves went, and
//! what went wrong.

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use crate::rollout::model::MOST_OF_A_MODEL;
use crate::rollout::wave::{Before, SHARE_PERCENT};
use crate::store::jobs::Standing;
use crate::store::stops::EVERY_WAVE;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

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

/// How the jobs of one wave stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaveCounts {
    /// The wave.
    pub wave: u32,
    /// Its machines.
    pub size: u32,
    /// Measured with the new version.
    pub verified: u32,
    /// Failed, rolled back, or freed by a person and not measured.
    pub wrong: u32,
    /// Not started yet.
    pub waiting: u32,
    /// Under way.
    pub open: u32,
    /// When the last of them moved.
    pub moved_at: UtcMs,
}

/// Wave, word, standing, how many jobs, and when the last of them moved.
type WordCount = (u32, String, Standing, u32, UtcMs);

impl WaveCounts {
    /// The counts of one wave out of its rows.
    fn of(rows: &[WordCount]) -> Self {
        let sum = |is: &dyn Fn(&str, Standing) -> bool| {
            let those = rows.iter().filter(|row| is(&row.1, row.2));
            those.map(|row| row.3).sum()
        };
        Self {
            wave: rows.first().map_or(0, |row| row.0),
            size: sum(&|_, _| true),
            verified: sum(&|word, _| matches!(word, "verified" | "in_service")),
            wrong: sum(&|word, _| matches!(word, "failed" | "rolled_back" | "freed")),
            waiting: sum(&|_, standing| standing == Standing::Waiting),
            open: sum(&|_, standing| standing == Standing::Open),
            moved_at: rows.iter().map(|row| row.4).max().unwrap_or_default(),
        }
    }
}

/// A wave that a person opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveOpening {
    /// The wave.
    pub wave: u32,
    /// When.
    pub opened_at: UtcMs,
    /// Who.
    pub opened_by: String,
    /// Why.
    pub reason: String,
}
from_row!(WaveOpening {
    wave,
    opened_at,
    opened_by,
    reason
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

    /// How many jobs of a plan have failed or were rolled back since a person last resumed
    /// the plan: those before were judged.
    pub async fn failures(&mut self, plan: &Digest) -> Result<u64, StoreError> {
        let (count,) = self
            .tx
            .one(
                "SELECT COUNT(*) FROM jobs
                 WHERE plan = $1 AND word IN ('failed', 'rolled_back', 'freed') AND since >
                    (SELECT COALESCE(MAX(resumed_at), -1) FROM halts
                     WHERE scope = 'plan' AND subject = $1 AND wave = $2)",
                args![plan, EVERY_WAVE],
            )
            .await?;
        Ok(count)
    }

    /// How each wave of a plan went so far, by wave.
    pub async fn waves(&mut self, plan: &Digest) -> Result<Vec<WaveCounts>, StoreError> {
        let rows: Vec<WordCount> = self
            .tx
            .all(
                "SELECT wave, word, standing, COUNT(*), MAX(since) FROM jobs WHERE plan = $1
                 GROUP BY wave, word, standing ORDER BY wave",
                args![plan],
            )
            .await?;
        let waves = rows.chunk_by(|a, b| a.0 == b.0);
        Ok(waves.map(WaveCounts::of).collect())
    }

    /// What came out of the wave before this one; `None` for the first.
    pub async fn wave_before(
        &mut self,
        plan: &Digest,
        wave: u32,
    ) -> Result<Option<Before>, StoreError> {
        let Some(before) = wave.checked_sub(1) else {
            return Ok(None);
        };
        let rows: Vec<WordCount> = self
            .tx
            .all(
                "SELECT wave, word, standing, COUNT(*), MAX(since) FROM jobs
                 WHERE plan = $1 AND wave = $2 GROUP BY wave, word, standing",
                args![plan, before],
            )
            .await?;
        let counts = WaveCounts::of(&rows);
        let policy = self.plan_policy(plan).await?;
        Ok(Some(Before {
            size: counts.size,
            verified: counts.verified,
            wrong: counts.wrong,
            wrong_since_opened: self.wrong_since_opened(plan, wave).await?,
            share_percent: policy.map_or(SHARE_PERCENT, |policy| policy.share_percent),
        }))
    }

    async fn wrong_since_opened(
        &mut self,
        plan: &Digest,
        wave: u32,
    ) -> Result<Option<u32>, StoreError> {
        let row: Option<(u32,)> = self
            .tx
            .first(
                "SELECT (SELECT COUNT(*) FROM jobs j
                         WHERE j.plan = $1 AND j.word IN ('failed', 'rolled_back', 'freed')
                           AND j.since > o.opened_at AND j.wave < $2)
                 FROM wave_openings o WHERE o.plan = $1 AND o.wave = $2",
                args![plan, wave],
            )
            .await?;
        Ok(row.map(|(count,)| count))
    }

    /// The waves of a plan that people opened.
    pub async fn wave_openings(&mut self, plan: &Digest) -> Result<Vec<WaveOpening>, StoreError> {
        self.tx
            .all(
                "SELECT wave, opened_at, opened_by, reason FROM wave_openings
                 WHERE plan = $1 ORDER BY wave",
                args![plan],
            )
            .await
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
                 WHERE own.plan = $1 AND m.model = $2 AND j.since >
                    (SELECT COALESCE(MAX(resumed_at), -1) FROM halts
                     WHERE scope = 'release_on_model' AND subject = r.sha256 || '/' || $2)
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
                 WHERE j.word IN ('failed', 'rolled_back', 'freed') AND j.since >
                    (SELECT COALESCE(MAX(COALESCE(resumed_at, $1)), -1) FROM halts
                     WHERE scope = 'release_on_model' AND subject = r.sha256 || '/' || m.model)
                 GROUP BY r.sha256, m.model
                 HAVING COUNT(DISTINCT j.machine) >= $2 ORDER BY r.sha256, m.model",
                args![i64::MAX, MOST_OF_A_MODEL],
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

    /// A person opens a wave that is closed. What goes wrong later closes it again.
    pub async fn open_wave(
        &mut self,
        plan: &Digest,
        wave: u32,
        reason: &Label,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        self.step("wave.open", plan, json!({ "wave": wave, "reason": reason }))
            .execute(
                "INSERT INTO wave_openings (plan, wave, opened_at, opened_by, reason)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (plan, wave) DO UPDATE SET opened_at = excluded.opened_at,
                    opened_by = excluded.opened_by, reason = excluded.reason",
                args![plan, wave, now, by, reason],
            )
            .await?;
        self.done();
        Ok(())
    }
}
