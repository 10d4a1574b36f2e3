//! Which jobs evidence is asked of, and how many there are of each kind.

use super::conditions::Conditions;
use super::jobs::Job;
use super::value::{args, from_row};
use super::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name};
use patchward_common::time::{DAY_MS, UtcMs};
use sqlx::AssertSqlSafe;

/// Which jobs: each part that is said narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// One of them.
    pub job: Option<JobId>,
    /// Those of a plan.
    pub plan: Option<Digest>,
    /// Those of a machine.
    pub machine: Option<MachineId>,
    /// Those of the machines that stand in a unit now.
    pub unit: Option<Name>,
    /// Those of plans that install this version of a product.
    pub release: Option<(Name, String)>,
    /// Those that last moved from then on.
    pub from: Option<UtcMs>,
    /// Those that last moved before then.
    pub until: Option<UtcMs>,
    /// Only those that have ended.
    pub ended: bool,
}

/// How many jobs there are of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Of what: a unit, a machine's name, a product.
    pub of: String,
    /// What else names it: a machine's unit, a product's version.
    pub and: String,
    /// How many.
    pub jobs: u64,
    /// How many of them have ended.
    pub ended: u64,
}
from_row!(Count {
    of,
    and,
    jobs,
    ended
});

/// How many jobs last moved on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfDay {
    /// The days since 1970 began, in UTC.
    pub day: i64,
    /// How many.
    pub jobs: u64,
    /// How many of them have ended.
    pub ended: u64,
}
from_row!(OfDay { day, jobs, ended });

impl Chosen {
    /// What a job of the table `jobs j` has to be.
    pub(super) fn conditions(&self) -> Conditions {
        let release = self.release.as_ref();
        Conditions::default()
            .and("j.plan = ?", self.plan.map(|plan| args![plan]))
            .and("j.machine = ?", self.machine.map(|machine| args![machine]))
            .and(
                "j.machine IN (SELECT id FROM machines WHERE unit = ?)",
                self.unit.as_ref().map(|unit| args![unit]),
            )
            .and(
                "j.plan IN (SELECT p.plan FROM plan_releases p JOIN releases r ON r.sha256 = p.sha256
                            WHERE r.product = ? AND r.version = ?)",
                release.map(|(product, version)| args![product, version]),
            )
            .and("j.since >= ?", self.from.map(|from| args![from]))
            .and("j.since < ?", self.until.map(|until| args![until]))
            .and("j.standing = 'ended'", self.ended.then(Vec::new))
            .and("j.id = ?", self.job.map(|job| args![job]))
    }
}

impl View {
    /// Up to `limit` of the chosen jobs, in the order in which they last moved.
    pub async fn jobs_chosen(
        &mut self,
        chosen: &Chosen,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let mut of = chosen.conditions();
        let limit = of.arg(&limit);
        let sql = format!(
            "SELECT j.id, j.plan, j.machine, j.wave, j.state, j.since, j.attempt, j.slot_start,
                    j.slot_end, j.generation
             FROM jobs j {of} ORDER BY j.since, j.id LIMIT {limit}"
        );
        self.tx.all(AssertSqlSafe(sql), of.args()).await
    }

    /// How many jobs each release has, by product and version.
    pub async fn jobs_by_release(&mut self) -> Result<Vec<Count>, StoreError> {
        self.tx
            .all(
                "SELECT named.product, named.version, CAST(SUM(every.jobs) AS BIGINT),
                        CAST(SUM(every.jobs - COALESCE(waiting.jobs, 0)) AS BIGINT)
                 FROM (SELECT DISTINCT r.product, r.version, p.plan
                       FROM plan_releases p JOIN releases r ON r.sha256 = p.sha256) named
                 JOIN (SELECT plan, COUNT(*) AS jobs FROM jobs GROUP BY plan) every
                    ON every.plan = named.plan
                 LEFT JOIN (SELECT plan, COUNT(*) AS jobs FROM jobs WHERE standing <> 'ended'
                            GROUP BY plan) waiting
                    ON waiting.plan = named.plan
                 GROUP BY named.product, named.version ORDER BY named.product, named.version",
                args![],
            )
            .await
    }

    /// How many jobs each machine has, by its name and unit; one that left by its id, for its
    /// name may be another's now.
    pub async fn jobs_by_machine(&mut self) -> Result<Vec<Count>, StoreError> {
        self.tx
            .all(
                "SELECT CASE WHEN m.state IN ('enrolled', 'stored') THEN m.name ELSE m.id END, m.unit,
                        COUNT(*),
                        SUM(CASE WHEN j.standing = 'ended' THEN 1 ELSE 0 END)
                 FROM jobs j JOIN machines m ON m.id = j.machine
                 GROUP BY m.id, m.name, m.unit, m.state ORDER BY m.name, m.unit, m.id",
                args![],
            )
            .await
    }

    /// How many jobs last moved on each day.
    pub async fn jobs_by_day(&mut self) -> Result<Vec<OfDay>, StoreError> {
        self.tx
            .all(
                "SELECT every.day, every.jobs, every.jobs - COALESCE(waiting.jobs, 0)
                 FROM (SELECT since / $1 AS day, COUNT(*) AS jobs FROM jobs GROUP BY 1) every
                 LEFT JOIN (SELECT since / $1 AS day, COUNT(*) AS jobs FROM jobs
                            WHERE standing <> 'ended' GROUP BY 1) waiting
                    ON waiting.day = every.day
                 ORDER BY every.day",
                args![DAY_MS],
            )
            .await
    }
}
