//! Who closed the open item of a job that has ended.

use super::Job;
use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::id::{JobId, Label};
use patchward_common::time::UtcMs;
use serde_json::json;
use std::collections::BTreeMap;

/// A person said that nothing more is to be done for a job as it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Who, as the audit log names them.
    pub by: String,
    /// When.
    pub at: UtcMs,
    /// Why.
    pub reason: String,
}
from_row!(Closing { by, at, reason });

impl Closing {
    /// Whether it says anything of a job that is where it is since `since`: what was
    /// reported later, nobody has looked at yet.
    pub fn covers(&self, since: UtcMs) -> bool {
        since <= self.at
    }
}

impl View {
    /// Every closing, by its job.
    pub async fn closings(&mut self) -> Result<BTreeMap<JobId, Closing>, StoreError> {
        let rows: Vec<(JobId, String, UtcMs, String)> = self
            .tx
            .all(
                "SELECT job, closed_by, closed_at, reason FROM job_closings",
                args![],
            )
            .await?;
        let closing = |(job, by, at, reason)| (job, Closing { by, at, reason });
        Ok(rows.into_iter().map(closing).collect())
    }

    /// The closing of a job.
    pub async fn closing(&mut self, job: &JobId) -> Result<Option<Closing>, StoreError> {
        self.tx
            .first(
                "SELECT closed_by, closed_at, reason FROM job_closings WHERE job = $1",
                args![job],
            )
            .await
    }
}

impl Change {
    /// Closes the open item of a job; a closing that what was reported since has outdated
    /// gives way.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is closed already as it stands.
    pub async fn close_item(&mut self, job: &Job, reason: &Label) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({ "reason": reason, "state": job.state.word() });
        let closed = self
            .step("job.close", job.id, detail)
            .execute(
                "INSERT INTO job_closings (job, closed_by, closed_at, reason)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (job) DO UPDATE SET closed_by = excluded.closed_by,
                    closed_at = excluded.closed_at, reason = excluded.reason
                 WHERE job_closings.closed_at < $5",
                args![job.id, by, now, reason, job.since],
            )
            .await?;
        self.is_about_job_of(job.plan, job.machine);
        self.done_if(closed, || {
            StoreError::conflict(format!(
                "job {} is closed already; `job show` says by whom",
                job.id
            ))
        })
    }
}
