//! Puts packs of evidence together: every document in its signed bytes. Whoever gets one
//! verifies it without us, so nothing is judged here.

pub mod archive;
mod stretch;
mod tables;
pub mod told;

use crate::authority;
use crate::control::Failure;
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::machines::Machine;
use crate::store::manual::{ReadVersions, RecordOutcome};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::evidence::{
    AttestedJob, AttestedWork, JobEvidence, MAX_JOBS, MetadataDigest, Pack,
};
use patchward_common::id::{JobId, Label, MachineId};
use patchward_common::job::ProductVersion;
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, PublicKey, Signed};
use std::collections::{BTreeSet, HashMap};
use stretch::Stretches;
use tables::Tables;

/// Most jobs of one pack that is made: some 50 MB, which a reader verifies in ten seconds.
/// Readers accept [`MAX_JOBS`].
pub const PACK_JOBS: usize = 10_000;
const _: () = assert!(PACK_JOBS <= MAX_JOBS);

/// Largest go: its payload and one signature.
const MAX_GO_BYTES: usize = 8 * 1024;

/// The evidence of `jobs`.
pub async fn pack(view: &mut View, jobs: &[Job], now: UtcMs) -> Result<Pack, Failure> {
    let held = authority::held(view).await?;
    let mut pack = Pack {
        made: now,
        audit_head: view.audit_head().await?.hash,
        chain: held.chain,
        rosters: Vec::new(),
        assignments: Vec::new(),
        approvals: Vec::new(),
        gos: Vec::new(),
        metadata: Vec::new(),
        jobs: Vec::new(),
        attested: Vec::new(),
    };
    let by_hand = view.manual_workers().await?;
    let machines = jobs.iter().map(|job| job.machine);
    let machines: BTreeSet<MachineId> = machines.collect();
    let known = view.machines_by_id(machines.iter().copied()).await?;
    let (by_hand, measured): (Vec<&Job>, Vec<&Job>) = jobs
        .iter()
        .partition(|job| by_hand.contains_key(&job.machine));
    let mut tables = Tables::new(machines);
    for job in by_hand {
        let one = attested(view, job, machine_of(&known, job)?).await?;
        tables.need_approval(view, &job.plan).await?;
        pack.attested.push(one);
    }
    let mut rosters = BTreeSet::new();
    let mut stretches = Stretches::new(&measured);
    while let Some(read) = stretches.next(view).await? {
        for (job, stretch) in read {
            rosters.extend(stretch.rosters);
            for assignment in &stretch.assignments {
                tables.need_assignment(view, assignment).await?;
            }
            let row = tables.row(view, &stretch.assignments, &job.machine).await?;
            pack.jobs.push(JobEvidence {
                job: job.id,
                machine: job.machine,
                key: key_of(machine_of(&known, job)?)?,
                approval: job.plan,
                leaf: tables.leaf(view, &job.plan, &job.machine).await?,
                assignment: row.0,
                row: row.1,
                events: stretch.events,
            });
        }
    }
    let order = jobs.iter().enumerate().map(|(at, job)| (job.id, at));
    let order: HashMap<JobId, usize> = order.collect();
    pack.jobs.sort_by_key(|one| order.get(&one.job).copied());
    for (_, token) in view.go_tokens(measured.iter().map(|job| job.id)).await? {
        pack.gos.extend(codec::decode(&token, MAX_GO_BYTES).ok());
    }
    for digest in rosters {
        pack.rosters
            .extend(document::<Roster>(view, &digest).await?);
    }
    tables.documents(&mut pack);
    metadata(view, &mut pack).await?;
    Ok(pack)
}

fn machine_of<'m>(
    known: &'m HashMap<MachineId, Machine>,
    job: &Job,
) -> Result<&'m Machine, Failure> {
    known.get(&job.machine).ok_or_else(|| {
        Failure::not_found(format!(
            "machine {} of job {} is not known",
            job.machine, job.id
        ))
    })
}

fn key_of(machine: &Machine) -> Result<PublicKey, Failure> {
    let key = machine.spki.last_chunk().copied().map(PublicKey);
    key.ok_or_else(|| Failure::conflict(format!("the stored key of {} is damaged", machine.name)))
}

/// Which metadata of the vendors is in force, by the files' digests.
async fn metadata(view: &mut View, pack: &mut Pack) -> Result<(), Failure> {
    let mut repositories = BTreeSet::new();
    for approval in &pack.approvals {
        if let Ok(approval) = approval.peek() {
            repositories.extend(approval.releases.into_iter().map(|r| r.repository));
        }
    }
    for repository in repositories {
        for file in view.tuf_files(&repository).await? {
            pack.metadata.push(MetadataDigest {
                repository: repository.clone(),
                file: file.file,
                sha256: file.digest,
            });
        }
    }
    Ok(())
}

/// What people recorded of a manual job.
async fn attested(view: &mut View, job: &Job, machine: &Machine) -> Result<AttestedJob, Failure> {
    let damaged = || Failure::conflict(format!("what was recorded of job {} is damaged", job.id));
    let mut records = Vec::new();
    for record in view.manual_records(&job.id).await? {
        let read = |version: fn(&ReadVersions) -> &String| {
            let each = record.versions.iter().map(|read| ProductVersion {
                product: read.product.clone(),
                version: version(read).clone(),
            });
            each.collect()
        };
        records.push(AttestedWork {
            before: read(|read| &read.before),
            after: read(|read| &read.after),
            recorded_by: record.recorded_by,
            at: record.recorded_at,
            done_by: match record.done_by {
                Some(by) => Some(Label::new(&by).map_err(|_| damaged())?),
                None => None,
            },
            succeeded: record.outcome == RecordOutcome::Attested,
            work_order: Label::new(&record.work_order).map_err(|_| damaged())?,
            photo: record.photo,
        });
    }
    Ok(AttestedJob {
        job: job.id,
        machine: job.machine,
        name: machine.name.clone(),
        unit: machine.unit.clone(),
        approval: job.plan,
        outcome: job.state.clone(),
        records,
    })
}

async fn document<T: Document>(
    view: &mut View,
    digest: &Digest,
) -> Result<Option<Signed<T>>, Failure> {
    match view.document(digest).await? {
        Some(stored) => Ok(Some(authority::signed(view, stored).await?)),
        None => Ok(None),
    }
}
