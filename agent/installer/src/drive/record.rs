//! The start record: what a job needs to its end, written down before its first effect.

use crate::authorise::{Allowed, Denied};
use crate::clock;
use crate::installer::Installer;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::phase::{Phase, Plan};
use patchward_common::job::{Event, Start};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::approval::Approval;
use patchward_common::wire::local::Placed;
use patchward_steps::disk::{Disk, DiskError};
use patchward_steps::plan;
use serde::{Deserialize, Serialize};

/// Largest record: an approval, and the commands of its steps.
const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// All that a job needs to its end, without agent, network or newer documents. It counts
/// from the moment at which its event `Started` is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The job.
    pub job: JobId,
    /// The sequence that its event `Started` has.
    pub sequence: u64,
    /// The approval, as it was authorised.
    pub placed: Placed<Approval>,
    /// What allowed it.
    pub start: Start,
    /// Downgrades that it uses up.
    pub downgrades: Vec<Digest>,
    /// What is run.
    pub plan: Plan,
    /// When the install is ended.
    pub install_until: UtcMs,
    /// Longest run of one step of the way back.
    pub recovery_ms: i64,
}

impl Record {
    /// The record of a start that was allowed.
    pub fn new(
        at: &Installer,
        job: JobId,
        allowed: Allowed,
        sequence: u64,
    ) -> Result<Self, Denied> {
        let Allowed { ready, start, .. } = allowed;
        let approval = &ready.papered.approval;
        let (releases, before) = (&approval.releases, &start.versions_before);
        let plan = plan::of(&at.site(job), releases, before, start.boot).map_err(Denied::Wrong)?;
        Ok(Self {
            job,
            sequence,
            install_until: clock::now().plus_ms(approval.install_ms()),
            recovery_ms: approval.recovery_ms().max(MINUTE_MS),
            downgrades: ready.downgrades,
            placed: ready.papered.placed,
            start,
            plan,
        })
    }

    /// Writes it, with nothing left of an earlier start.
    pub fn write(&self, disk: &Disk) -> Result<(), DiskError> {
        disk.remove(&format!("jobs/{}/steps", self.job))?;
        disk.make_folder(&format!("jobs/{}", self.job))?;
        disk.write_value(&name(self.job), self, MAX_RECORD_BYTES)
    }

    /// The records that are there: at most one is of an open job.
    pub fn load_all(disk: &Disk) -> Result<Vec<Self>, DiskError> {
        let mut records = Vec::new();
        for folder in disk.names("jobs")? {
            if let Ok(job) = folder.parse::<JobId>() {
                records.extend(disk.read_value(&name(job), MAX_RECORD_BYTES)?);
            }
        }
        Ok(records)
    }

    /// Where the job stands after what the journal has of it; `None` where its start
    /// never became durable.
    pub fn phase(&self, events: &[(u64, UtcMs, Event)]) -> Option<Phase> {
        Phase::of(&self.plan, self.sequence, events, |error| {
            tracing::error!(job = %self.job, %error, "unexpected event");
        })
    }

    /// The approval. It was verified before the record was written, and only root can
    /// have written it since.
    pub fn approval(&self) -> Result<Approval, Denied> {
        let read = self.placed.signed.peek();
        read.map_err(|error| Denied::Wrong(format!("the start record is damaged: {error}")))
    }
}

fn name(job: JobId) -> String {
    format!("jobs/{job}/start")
}
