//! What people and the agent are told about where things stand.

use crate::authorise::Denied;
use crate::clock;
use crate::installer::Installer;
use patchward_common::codec;
use patchward_common::id::JobId;
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::probe::{Purpose, Readiness, readiness};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::wire::local::{Hold, JobStatus, Status};
use patchward_steps::trusted;

/// Where things stand, for the agent.
pub fn status(at: &Installer) -> Result<Status, Denied> {
    let (watermark, papers) = at.snapshot();
    let machine = watermark.machine;
    let open = at.open_job();
    let mut placed: Vec<_> = papers.documents.approvals.clone();
    if let Some(record) = open
        && !placed
            .iter()
            .any(|one| one.signed.digest() == record.placed.signed.digest())
    {
        placed.push(record.placed);
    }
    let jobs = placed.iter().filter_map(|placed| {
        let approval = placed.signed.peek().ok()?;
        let leaf: PlanLeaf = codec::decode_deterministic(&placed.leaf, MAX_LEAF_BYTES).ok()?;
        let digest = placed.signed.digest();
        let job = JobId::of(digest, machine);
        let rehearsed = at.rehearsed(job);
        let mut slots = leaf.slots;
        slots.retain(|slot| !rehearsed.contains(slot));
        let state = at.history(job).unwrap_or_default().state;
        let longest_run_ms = approval.longest_run_ms();
        Some(JobStatus {
            job,
            approval: digest,
            state,
            slots,
            longest_run_ms,
            title: approval.title,
        })
    });
    let jobs = jobs.collect();
    let handover = at.local_handover();
    let handed_over = handover.is_some_and(|said| clock::now() < said.until);
    Ok(Status {
        watermark: watermark.digest(),
        numbers: watermark.numbers(),
        boot: at.boot().map_err(Denied::Wrong)?,
        journal: at.last_sequence(),
        interlock: at.interlock(handed_over, false),
        hold: at.hold(),
        ready: ready(at),
        jobs,
    })
}

/// Whether every readiness probe passes; `None` without one.
fn ready(at: &Installer) -> Option<bool> {
    let Ok(probes) = trusted::probes(&at.settings.probes_dir) else {
        return Some(false);
    };
    let probes = probes
        .iter()
        .filter(|probe| probe.purpose == Purpose::Ready);
    let answers: Vec<bool> = probes
        .map(|probe| readiness(&trusted::ask(probe, at.prober())) == Readiness::Ready)
        .collect();
    (!answers.is_empty()).then(|| answers.iter().all(|ready| *ready))
}

/// Why a job stands where it stands, in words.
pub fn job(at: &Installer, job: JobId) -> String {
    let (_, papers) = at.snapshot();
    let Some(history) = at.history(job) else {
        return match papers.approval(job, at.pin().machine) {
            Some(_) => format!("Job {job} is assigned. Nothing was prepared yet.\n"),
            None => format!("No job {job} is known here.\n"),
        };
    };
    let held = at.hold().map(|hold| {
        let Hold { until, reason } = hold;
        format!("Held at this machine until {until} ({reason}).\n")
    });
    history.told(job, &held.unwrap_or_default())
}
