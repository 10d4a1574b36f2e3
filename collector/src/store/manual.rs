//! Machines without an agent, and what people recorded of the work on them.

use super::jobs::Job;
use super::machines::NewMachine;
use super::value::{FromRow, Row, args, words};
use super::{Change, StoreError, View};
use crate::item::Owner;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Largest stored versions of one record: those of the most releases of an approval.
const MAX_VERSIONS_BYTES: usize = 64 * 1024;

words! {
    /// Who works on a machine without an agent.
    Worker {
        /// HTM: technicians of the hospital.
        Htm = "htm",
        /// IT.
        It = "it",
        /// A field engineer of the vendor.
        Vendor = "vendor",
    }
}

impl Worker {
    /// Whose move their work is.
    pub fn owner(self) -> Owner {
        match self {
            Self::Htm => Owner::Htm,
            Self::It => Owner::It,
            Self::Vendor => Owner::Vendor,
        }
    }
}

words! {
    /// What a person says came of the work.
    RecordOutcome {
        /// The new version is there.
        Attested = "attested",
        /// It is not.
        Failed = "failed",
    }
}

/// The versions of one product, as a person read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadVersions {
    /// The product.
    pub product: Name,
    /// Before the work.
    pub before: String,
    /// After it.
    pub after: String,
}

/// What a person recorded of the work of a manual job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualRecord {
    /// The job.
    pub job: JobId,
    /// Which attempt of it.
    pub attempt: u32,
    /// Who recorded it, as the audit log names them.
    pub recorded_by: String,
    /// When.
    pub recorded_at: UtcMs,
    /// Who did the work, where it was somebody else.
    pub done_by: Option<String>,
    /// What came of it.
    pub outcome: RecordOutcome,
    /// What was read, product by product.
    pub versions: Vec<ReadVersions>,
    /// The number of the work order.
    pub work_order: String,
    /// The digest of a photo that was kept.
    pub photo: Option<Digest>,
}

impl FromRow for ManualRecord {
    fn from_row(row: &mut Row) -> Result<Self, StoreError> {
        let job: JobId = row.next()?;
        Ok(Self {
            job,
            attempt: row.next()?,
            recorded_by: row.next()?,
            recorded_at: row.next()?,
            done_by: row.next()?,
            outcome: row.next()?,
            versions: {
                let bytes: Vec<u8> = row.next()?;
                let versions = codec::decode(&bytes, MAX_VERSIONS_BYTES);
                versions.map_err(|error| {
                    StoreError::Corrupt(format!("what was recorded of job {job}: {error}"))
                })?
            },
            work_order: row.next()?,
            photo: row.next()?,
        })
    }
}

/// What a person records.
#[derive(Clone, Debug)]
pub struct NewRecord<'a> {
    /// Who did the work, where it was somebody else than who records it.
    pub done_by: Option<&'a Label>,
    /// What came of it.
    pub outcome: RecordOutcome,
    /// What was read, product by product.
    pub versions: &'a [ReadVersions],
    /// The number of the work order.
    pub work_order: &'a Label,
    /// The digest of a photo that was kept.
    pub photo: Option<Digest>,
}

impl View {
    /// Who works on each machine without an agent.
    pub async fn manual_workers(&mut self) -> Result<BTreeMap<MachineId, Worker>, StoreError> {
        let rows: Vec<(MachineId, Worker)> = self
            .tx
            .all("SELECT machine, worker FROM manual_machines", args![])
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// Who works on a machine; `None` where it has an agent.
    pub async fn manual_worker(
        &mut self,
        machine: &MachineId,
    ) -> Result<Option<Worker>, StoreError> {
        let row: Option<(Worker,)> = self
            .tx
            .first(
                "SELECT worker FROM manual_machines WHERE machine = $1",
                args![machine],
            )
            .await?;
        Ok(row.map(|(worker,)| worker))
    }

    /// What people recorded of a manual job, first attempt first.
    pub async fn manual_records(&mut self, job: &JobId) -> Result<Vec<ManualRecord>, StoreError> {
        self.tx
            .all(
                "SELECT job, attempt, recorded_by, recorded_at, done_by, outcome, versions,
                        work_order, photo
                 FROM manual_records WHERE job = $1 ORDER BY attempt",
                args![job],
            )
            .await
    }

    /// The manual jobs that somebody attested.
    pub async fn attested_jobs(&mut self) -> Result<BTreeSet<JobId>, StoreError> {
        let rows: Vec<(JobId,)> = self
            .tx
            .all(
                "SELECT DISTINCT job FROM manual_records WHERE outcome = 'attested'",
                args![],
            )
            .await?;
        Ok(rows.into_iter().map(|(job,)| job).collect())
    }
}

impl Change {
    /// Adds a machine without an agent: the asset `tag`, on which `worker` works. No key
    /// has its id, so nothing ever connects as this machine.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the asset is a machine already, or the name is taken.
    pub async fn add_manual_machine(
        &mut self,
        new: &NewMachine,
        tag: &Label,
        worker: Worker,
    ) -> Result<(), StoreError> {
        let now = self.now();
        self.view().need_unit(&new.unit).await?;
        self.view().name_is_free(&new.name, &new.id).await?;
        let asset = self.view().asset(tag).await?;
        let asset = asset.ok_or_else(|| StoreError::missing("asset", tag))?;
        if let Some(machine) = asset.machine {
            return Err(StoreError::conflict(format!(
                "asset {tag} is machine {machine} already"
            )));
        }
        let detail = json!({ "asset": tag, "name": new.name, "worker": worker });
        let tx = self.step("machine.manual", new.id, detail);
        let added = tx
            .execute(
                "INSERT INTO machines (id, spki, name, unit, class, model, mode, state,
                                       enrolled_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'enrolled', $8)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit,
                    class = excluded.class, model = excluded.model, mode = excluded.mode,
                    state = excluded.state, enrolled_at = excluded.enrolled_at
                 WHERE machines.state = 'decommissioned'",
                args![
                    new.id,
                    Vec::<u8>::new(),
                    new.name,
                    new.unit,
                    new.class,
                    new.model,
                    new.mode,
                    now
                ],
            )
            .await?;
        tx.execute(
            "INSERT INTO manual_machines (machine, worker) VALUES ($1, $2)
             ON CONFLICT (machine) DO UPDATE SET worker = excluded.worker",
            args![new.id, worker],
        )
        .await?;
        tx.execute(
            "UPDATE assets SET machine = $2 WHERE tag = $1",
            args![tag, new.id],
        )
        .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("asset {tag} is worked on by hand already"))
        })
    }

    /// Records the work of a manual job, in the attempt that it is in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where that attempt is recorded already.
    pub async fn record_manual(
        &mut self,
        job: &Job,
        record: &NewRecord<'_>,
    ) -> Result<(), StoreError> {
        let (now, by) = (self.now(), self.actor().to_string());
        let detail = json!({
            "outcome": record.outcome,
            "versions": record.versions,
            "work_order": record.work_order,
            "done_by": record.done_by,
            "photo": record.photo,
        });
        let recorded = self
            .step("job.done", job.id, detail)
            .execute(
                "INSERT INTO manual_records (job, attempt, recorded_by, recorded_at, done_by,
                                             outcome, versions, work_order, photo)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
                args![
                    job.id,
                    job.attempt,
                    by,
                    now,
                    record.done_by.map(Label::to_string),
                    record.outcome,
                    codec::encode(&record.versions),
                    record.work_order,
                    record.photo
                ],
            )
            .await?;
        self.done_if(recorded, || {
            StoreError::conflict(format!("the work of job {} is recorded already", job.id))
        })
    }
}
