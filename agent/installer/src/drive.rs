//! Driving one job from its start record to its end: the effects of [`Phase`], each of
//! which first asks whether it is done, and the event that each ends with.

use crate::authorise::{self, Allowed, Denied};
use crate::clock;
use crate::installer::Installer;
use crate::measure;
use crate::stage;
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId};
use patchward_common::job::phase::{Effect, Phase, Plan, Step};
use patchward_common::job::{Event, Reason, Start, StepEnd, StepOutcome, Verdict};
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::approval::{Approval, REBOOT_ALLOWANCE_MS};
use patchward_common::trust::release::ArtifactRef;
use patchward_common::wire::local::Placed;
use patchward_steps::command::{self, Caller, Limits};
use patchward_steps::disk::{Disk, DiskError};
use patchward_steps::plan;
use patchward_steps::runner::{Order, Stands};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Largest record: an approval, and the commands of its steps.
const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;
/// Before a turn is tried again that the disk refused.
const RETRY: Duration = Duration::from_secs(5);
/// Longest time for ordering a restart.
const ORDER_LIMITS: Limits = Limits {
    run_ms: 60_000,
    output_bytes: 4 * 1024,
};

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
        let (mut install, mut recovery) = (0, 0);
        for release in releases {
            install += i64::from(release.install_minutes) * MINUTE_MS;
            recovery += i64::from(release.recovery_minutes) * MINUTE_MS;
        }
        Ok(Self {
            job,
            sequence,
            install_until: clock::now().plus_ms(install),
            recovery_ms: recovery.max(MINUTE_MS),
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
        disk.write(&name(self.job), &codec::encode(self))
    }

    /// The records that are there: at most one is of an open job.
    pub fn load_all(disk: &Disk) -> Result<Vec<Self>, DiskError> {
        let mut records = Vec::new();
        for folder in disk.names("jobs")? {
            if let Ok(job) = folder.parse::<JobId>()
                && let Some(bytes) = disk.read(&name(job), MAX_RECORD_BYTES)?
            {
                let record = codec::decode(&bytes, MAX_RECORD_BYTES);
                let path = disk.path(&name(job));
                let damaged = |error| std::io::Error::other(format!("damaged: {error}"));
                records.push(
                    record
                        .map_err(damaged)
                        .map_err(DiskError::of("understand", &path))?,
                );
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

/// What became of a turn.
enum Turn {
    Happened(Box<Event>),
    /// A person and a new go come first, or the machine restarts now.
    Rests,
    /// Ended; the record is gone.
    Settled,
}

/// Drives the open job until it ends or rests. What the disk refuses is tried again: a
/// full disk that is freed needs nobody to come back to it.
pub fn drive(at: &Installer) {
    while let Some(record) = at.open_job() {
        match turn(at, &record) {
            Ok(Turn::Happened(event)) => {
                tracing::info!(job = %record.job, event = event.word(), "job");
                let approval = record.placed.signed.digest();
                if let Err(error) = at.append(record.job, approval, *event) {
                    tracing::error!(job = %record.job, %error, "an event could not be kept");
                    std::thread::sleep(RETRY);
                }
            }
            Ok(Turn::Settled) => return,
            Ok(Turn::Rests) => return,
            Err(error) => {
                tracing::error!(job = %record.job, %error, "the job waits for the disk");
                std::thread::sleep(RETRY);
            }
        }
    }
}

fn turn(at: &Installer, record: &Record) -> Result<Turn, Denied> {
    let phase = at.phase(record);
    let boot = at.boot().map_err(Denied::Wrong)?;
    let approval = record.approval()?;
    let event = match phase.next(&record.plan, boot) {
        Effect::Run { step, asks } => install(at, record, &approval, step, asks)?,
        Effect::RunBack(step) => run(at, record, step, record.recovery_ms, || {
            hash_again(at, record, &approval, step)
        })?,
        Effect::Withdraw(reason) => Event::Withdrawn(reason),
        Effect::Recover(reason) => Event::RecoveryBegan(reason),
        Effect::AskToReboot => match ask_again(at, record, true) {
            Ok(()) => Event::RebootOrdered(boot),
            Err(reason) => Event::RebootPending(reason),
        },
        Effect::Reboot => return order_reboot(at, record),
        Effect::WaitForPerson => return Ok(Turn::Rests),
        Effect::Measure => measure::after_install(at, record, &approval, boot),
        Effect::MeasureBack(reason) => measure::after_recovery(at, record, &approval, boot, reason),
        Effect::Settle => {
            settle(at, record, &approval, &phase)?;
            return Ok(Turn::Settled);
        }
    };
    Ok(Turn::Happened(Box::new(event)))
}

/// A step of the install, ended at the longest run of the whole. Before the point of no
/// return steps 10 and 11 are asked again; before every step the bytes are hashed again.
fn install(
    at: &Installer,
    record: &Record,
    approval: &Approval,
    step: &Step,
    asks: bool,
) -> Result<Event, Denied> {
    let left = record.install_until.since_ms(clock::now());
    let total: i64 = approval
        .releases
        .iter()
        .map(|r| i64::from(r.install_minutes))
        .sum();
    // A clock that was set back does not make an install longer.
    let limit_ms = left.clamp(SECOND_MS, (total * MINUTE_MS).max(SECOND_MS));
    run(at, record, step, limit_ms, || {
        if asks {
            ask_again(at, record, false).map_err(|why| Box::new(Event::Withdrawn(why)))?;
        }
        hash_again(at, record, approval, step)
    })
}

/// Hashes what a step's release uses, immediately before it is used.
fn hash_again(
    at: &Installer,
    record: &Record,
    approval: &Approval,
    step: &Step,
) -> Result<(), Box<Event>> {
    let used = artifacts_of(approval, step.release);
    let differs = used.iter().find(|artifact| {
        let found = stage::staged(&at.disk, record.job, artifact);
        !found.is_ok_and(|found| found == Some((artifact.sha256, artifact.length)))
    });
    match differs {
        None => Ok(()),
        Some(artifact) => {
            let text = format!("not run: artifact {} has other bytes now", artifact.sha256);
            Err(Box::new(failed(step, text)))
        }
    }
}

/// Runs a step, or waits for the one that runs, or reads how it ended. `before` is asked
/// only where it never began.
fn run(
    at: &Installer,
    record: &Record,
    step: &Step,
    limit_ms: i64,
    before: impl FnOnce() -> Result<(), Box<Event>>,
) -> Result<Event, Denied> {
    let job = record.job;
    let mut stands = at.runner.stands(job, &step.name)?;
    if stands == Stands::Ready {
        if let Err(event) = before() {
            return Ok(*event);
        }
        let order = Order {
            argv: step.argv.clone(),
            env: step.env.clone(),
            limit_ms,
        };
        at.runner.run(job, &step.name, &order)?;
        stands = at.runner.stands(job, &step.name)?;
    }
    if stands == Stands::Runs {
        at.runner.wait(job, &step.name)?;
        stands = at.runner.stands(job, &step.name)?;
    }
    Ok(match stands {
        Stands::Ended(end) => Event::StepEnded(end),
        Stands::Lost => Event::StepEnded(StepEnd {
            step: step.name.clone(),
            outcome: StepOutcome::Lost,
            output: String::new(),
        }),
        Stands::Ready | Stands::Runs => failed(step, "its supervisor did not run".to_owned()),
    })
}

fn artifacts_of(approval: &Approval, release: usize) -> Vec<ArtifactRef> {
    let releases = approval.releases.get(release).cloned();
    let one = Approval {
        releases: releases.into_iter().collect(),
        ..approval.clone()
    };
    one.artifacts().cloned().collect()
}

fn failed(step: &Step, output: String) -> Event {
    Event::StepEnded(StepEnd {
        step: step.name.clone(),
        outcome: StepOutcome::Failed(-1),
        output,
    })
}

/// Steps 10 and 11 on the way. Documents that ran out since the start block nothing that
/// is under way, but without them nobody can say that the machine is undisturbed.
fn ask_again(at: &Installer, record: &Record, after_our_stop: bool) -> Result<(), Reason> {
    let reason = |denied: Denied| match denied {
        Denied::Refused(reason) => reason,
        other => Reason::new(other.to_string()),
    };
    let papered = authorise::papers(at, record.job, clock::now()).map_err(reason)?;
    authorise::undisturbed(at, &papered, record.job, after_our_stop)
        .map(|_| ())
        .map_err(reason)
}

fn order_reboot(at: &Installer, record: &Record) -> Result<Turn, Denied> {
    let ordered = at.last_event_at(record.job);
    if ordered.is_some_and(|ordered| clock::now().since_ms(ordered) > REBOOT_ALLOWANCE_MS) {
        let reason = Reason::new("the restart was ordered, but the machine did not restart");
        return Ok(Turn::Happened(Box::new(Event::RebootPending(reason))));
    }
    let ran = command::run(&at.settings.reboot_argv, Caller::SELF, ORDER_LIMITS);
    match patchward_common::probe::readiness(&ran) {
        patchward_common::probe::Readiness::Ready => Ok(Turn::Rests),
        _ => {
            let reason = Reason::new("the restart could not be ordered");
            Ok(Turn::Happened(Box::new(Event::RebootPending(reason))))
        }
    }
}

/// Draws the consequences of the end, once or again: counters rise at `Verified`, a
/// rollback quarantines, what counts once is used up. Then the record goes.
fn settle(
    at: &Installer,
    record: &Record,
    approval: &Approval,
    phase: &Phase,
) -> Result<(), Denied> {
    if let Phase::Ended { verdict, touched } = phase {
        at.raise(|watermark| {
            watermark.used.extend(&record.downgrades);
            let releases = approval.releases.iter().map(|release| &release.release);
            if *verdict == Verdict::Verified {
                for release in releases {
                    // A downgrade passes the counter once; it does not let it fall.
                    let seen = watermark
                        .counters
                        .entry(release.product.clone())
                        .or_default();
                    *seen = release.counter.max(*seen);
                }
                watermark
                    .quarantine
                    .retain(|digest| !approval.clears.contains(digest));
            } else {
                for release in releases.take(touched + 1) {
                    watermark
                        .quarantine
                        .extend(release.artifacts.iter().map(|a| a.sha256));
                }
            }
        })?;
    }
    at.close_job(record)?;
    Ok(())
}

/// Where a machine's boot id stands.
pub fn boot_id(path: &std::path::Path) -> Result<BootId, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    BootId::from_kernel(&text).ok_or_else(|| format!("{} has no boot id", path.display()))
}
