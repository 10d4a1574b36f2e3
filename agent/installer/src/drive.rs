//! Driving one job from its start record to its end: the effects of [`Phase`], each of
//! which first asks whether it is done, and the event that each ends with.

mod record;

pub use record::Record;

use crate::authorise::{self, Denied};
use crate::clock;
use crate::installer::Installer;
use crate::measure;
use crate::stage;
use patchward_common::job::phase::{Effect, Phase, Step};
use patchward_common::job::{Event, Reason, StepEnd, StepOutcome};
use patchward_common::probe::{Readiness, readiness};
use patchward_common::time::SECOND_MS;
use patchward_common::trust::approval::{Approval, ApprovedRelease, REBOOT_ALLOWANCE_MS};
use patchward_steps::command::{self, Caller, Limits};
use patchward_steps::runner::{Order, Stands};
use std::time::Duration;

/// Before a turn is tried again that the disk refused.
const RETRY: Duration = Duration::from_secs(5);
/// Longest time for ordering a restart.
const ORDER_LIMITS: Limits = Limits {
    run_ms: 60_000,
    output_bytes: 4 * 1024,
};

/// Drives the open job until it ends or rests. What the disk refuses is tried again: a
/// full disk that is freed needs nobody to come back to it.
pub fn drive(at: &Installer) {
    while let Some(record) = at.open_job() {
        at.tell();
        match turn(at, &record) {
            Ok(Some(event)) => {
                if let Err(error) = at.append(&record, event) {
                    tracing::error!(job = %record.job, %error, "an event could not be kept");
                    std::thread::sleep(RETRY);
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(job = %record.job, %error, "the job waits for the disk");
                std::thread::sleep(RETRY);
            }
        }
    }
}

/// One effect, and the event that it ended with. `None` where the job rests, because a
/// person and a new go come first or the machine restarts now, or where it is settled.
fn turn(at: &Installer, record: &Record) -> Result<Option<Event>, Denied> {
    let phase = at.phase(record);
    let boot = at.boot().map_err(Denied::Wrong)?;
    let approval = record.approval()?;
    Ok(Some(match phase.next(&record.plan, boot) {
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
        Effect::Reboot => return Ok(order_reboot(at, record)),
        Effect::WaitForPerson => return Ok(None),
        Effect::Measure => measure::after_install(at, record, &approval, boot),
        Effect::MeasureBack(reason) => measure::after_recovery(at, record, &approval, boot, reason),
        Effect::Settle => {
            settle(at, record, &approval, &phase)?;
            return Ok(None);
        }
    }))
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
    // A clock that was set back does not make an install longer.
    let limit_ms = left.clamp(SECOND_MS, approval.install_ms().max(SECOND_MS));
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
    let release = approval.releases.get(step.release).into_iter();
    let mut used = release.flat_map(ApprovedRelease::artifacts);
    let differs = used.find(|artifact| {
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
        Stands::Lost => ended(step, StepOutcome::Lost, String::new()),
        Stands::Ready | Stands::Runs => failed(step, "its supervisor did not run".to_owned()),
    })
}

fn failed(step: &Step, output: String) -> Event {
    ended(step, StepOutcome::Failed(-1), output)
}

fn ended(step: &Step, outcome: StepOutcome, output: String) -> Event {
    Event::StepEnded(StepEnd {
        step: step.name.clone(),
        outcome,
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

fn order_reboot(at: &Installer, record: &Record) -> Option<Event> {
    let waits = |why| Some(Event::RebootPending(Reason::new(why)));
    let ordered = at.last_event_at(record.job);
    if ordered.is_some_and(|ordered| clock::now().since_ms(ordered) > REBOOT_ALLOWANCE_MS) {
        return waits("the restart was ordered, but the machine did not restart");
    }
    // Between the order and this instant the installer may have died, and somebody come.
    if let Err(reason) = ask_again(at, record, true) {
        return Some(Event::RebootPending(reason));
    }
    let ran = command::run(&at.settings.reboot_argv, Caller::SELF, ORDER_LIMITS);
    match readiness(&ran) {
        Readiness::Ready => None,
        _ => waits("the restart could not be ordered"),
    }
}

/// Draws the consequences of the end, once or again. Then the record goes.
fn settle(
    at: &Installer,
    record: &Record,
    approval: &Approval,
    phase: &Phase,
) -> Result<(), Denied> {
    if let Phase::Ended { verdict, touched } = phase {
        at.raise(|watermark| watermark.settle(approval, verdict, *touched, &record.downgrades))?;
    }
    at.close_job(record)?;
    Ok(())
}
