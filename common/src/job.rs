//! A job: its states, the events that its machine signs, and what each event means.
//!
//! The installer journals events; collector and agent derive the state from them with
//! [`State::after`], one total function. An event that does not fit is reported, not
//! guessed at. What the installer itself does next is finer: [`phase`].

mod handover;
mod history;
mod outside;
pub mod phase;
mod reason;

pub use handover::LocalHandover;
pub use history::History;
pub use outside::Outside;
pub use reason::{MAX_REASON_BYTES, NotStarted, Reason, rehearsed};

use crate::digest::Digest;
use crate::id::{BootId, JobId, MachineId};
use crate::time::{Interval, UtcMs};
use crate::trust::sign::{Document, KeyId};
use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Named by an approval; nothing is on the machine yet.
    Assigned,
    /// Every artifact lies hashed in the installer's folder; steps 1 to 7 passed.
    Staged,
    /// Waits for its slot, go and idle.
    Armed,
    /// Did not start in this slot; waits for the next.
    Deferred(Reason),
    /// The start record is on disk; the install runs.
    Installing,
    /// Installed; the restart waits for an idle machine in a slot.
    RebootPending,
    /// The restart was ordered.
    Rebooting,
    /// What is there now is being measured.
    Measuring,
    /// The install failed; the way back runs.
    Recovering(Reason),
    /// Measured: the new version is there and its checks pass.
    Verified,
    /// A person did the work and says that the new version is there; nobody measured it.
    Attested,
    /// Verified or attested, and HTM returned the machine to service.
    InService,
    /// Measured: the version from before is there.
    RolledBack(Reason),
    /// Neither; a person must look.
    Failed(Reason),
    /// Its last slot passed without a start.
    Missed,
    /// A person ended it before its start.
    Stopped(Reason),
    /// It had begun, and a person said that the machine is up; nobody measured it. What
    /// the machine still tells of it counts.
    Freed(Reason),
}

/// What happened, as the installer saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Steps 1 to 7 passed and every artifact is staged.
    Prepared,
    /// A check refused; nothing ran.
    Refused(NotStarted),
    /// Mode `rehearse`: all eleven passed, and nothing was installed.
    WouldHaveStarted(Start),
    /// The start record: durable before the first effect.
    Started(Start),
    /// A named step of the install ended.
    StepEnded(StepEnd),
    /// Installed; a restart is needed and waits.
    RebootPending(Reason),
    /// The restart was ordered, in this boot.
    RebootOrdered(BootId),
    /// The way back began.
    RecoveryBegan(Reason),
    /// The job drew back before its first disruptive step; nothing was changed, and it
    /// may start again in a later slot with a new go.
    Withdrawn(Reason),
    /// What was measured afterwards, and what follows from it.
    Measured(Measurement),
    /// A person at the machine or an unsigned stop ended the job before its start.
    Stopped(Reason),
}

/// The start record: everything that made this start allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The slot that was open.
    pub slot: Interval,
    /// The boot.
    pub boot: BootId,
    /// Digest of the go's payload.
    pub go: Digest,
    /// The keys that signed the approval and count for this machine.
    pub approved_by: Vec<KeyId>,
    /// Digest of the roster against which they count.
    pub roster: Digest,
    /// Digest of the charter.
    pub charter: Digest,
    /// Digest of the assignment.
    pub assignment: Digest,
    /// The versions measured before, by product, in the approval's order.
    pub versions_before: Vec<ProductVersion>,
    /// What the interlock said.
    pub interlock: String,
}

/// A product's version as measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductVersion {
    /// The product.
    pub product: crate::id::Name,
    /// Its version; `absent` where it is not installed.
    pub version: String,
}

/// The end of one step of an install or a recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnd {
    /// The step's name, such as `unpack` or `configure`.
    pub step: String,
    /// The last lines that it wrote, bounded.
    pub output: String,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It exited with 0.
    Succeeded,
    /// It exited with another code, or could not be started (-1).
    Failed(i32),
    /// It was ended at its longest run.
    TimedOut,
    /// It was cut off by a crash or power cut; how far it came is not known.
    Lost,
}

/// What was found after an install or a recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// What follows.
    pub verdict: Verdict,
    /// Versions found afterwards.
    pub versions_after: Vec<ProductVersion>,
    /// The checks and how they ended.
    pub checks: Vec<CheckResult>,
    /// The boot in which it was measured.
    pub boot: BootId,
}

/// What a measurement means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The new versions are there and the checks pass.
    Verified,
    /// The versions from before are there and their checks pass.
    RolledBack(Reason),
    /// Neither.
    Failed(Reason),
}

/// One check after an install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The probe's name.
    pub check: String,
    /// Whether it passed.
    pub passed: bool,
    /// What it said, bounded.
    pub output: String,
}

/// Most checks that an event tells of: a third of what an event may hold.
const MAX_TOLD_CHECKS: usize = 64;

impl CheckResult {
    /// The checks that an event tells of, those that fail first.
    pub fn kept(mut checks: Vec<Self>) -> Vec<Self> {
        checks.sort_by_key(|check| check.passed);
        checks.truncate(MAX_TOLD_CHECKS);
        checks
    }

    /// What it said, to stand behind its name.
    pub fn said(&self) -> String {
        match self.output.trim() {
            "" => ", and says nothing more".to_owned(),
            output => format!(": {output}"),
        }
    }
}

/// An event with where and when it happened, as the machine's key signs it. Its
/// fields, and those of the steps' ends, stand in the order of their encoding: who reads ten
/// thousand a second need not sort them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobEvent {
    /// The machine's clock.
    pub at: UtcMs,
    /// The job.
    pub job: JobId,
    /// What happened.
    pub event: Event,
    /// The machine.
    pub machine: MachineId,
    /// Digest of the approval.
    pub approval: Digest,
    /// Digest of the event before (all zero for the first), so that none can be left out.
    pub previous: Digest,
    /// Position in the machine's journal: 1, 2, 3 … without gaps.
    pub sequence: u64,
}

impl Document for JobEvent {
    const TYPE: &'static str = "patchward/job-event.1";
    const MAX_BYTES: usize = 64 * 1024;
}

/// An event that does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not follow {state}")]
pub struct Unexpected {
    /// The state's word.
    pub state: &'static str,
    /// The event's word.
    pub event: &'static str,
}

impl State {
    /// Every state's word, for tables and filters.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Staged => "staged",
            Self::Armed => "armed",
            Self::Deferred(_) => "deferred",
            Self::Installing => "installing",
            Self::RebootPending => "reboot_pending",
            Self::Rebooting => "rebooting",
            Self::Measuring => "measuring",
            Self::Recovering(_) => "recovering",
            Self::Verified => "verified",
            Self::Attested => "attested",
            Self::InService => "in_service",
            Self::RolledBack(_) => "rolled_back",
            Self::Failed(_) => "failed",
            Self::Missed => "missed",
            Self::Stopped(_) => "stopped",
            Self::Freed(_) => "freed",
        }
    }

    /// Why a job is here, where the state says so.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Deferred(reason)
            | Self::Recovering(reason)
            | Self::RolledBack(reason)
            | Self::Failed(reason)
            | Self::Stopped(reason)
            | Self::Freed(reason) => Some(reason),
            Self::Assigned
            | Self::Staged
            | Self::Armed
            | Self::Installing
            | Self::RebootPending
            | Self::Rebooting
            | Self::Measuring
            | Self::Verified
            | Self::Attested
            | Self::InService
            | Self::Missed => None,
        }
    }

    /// Whether nothing more can happen by itself.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Verified
                | Self::Attested
                | Self::InService
                | Self::RolledBack(_)
                | Self::Failed(_)
                | Self::Missed
                | Self::Stopped(_)
                | Self::Freed(_)
        )
    }

    /// Whether work has begun that is not yet measured: the machine counts as down.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Installing
                | Self::RebootPending
                | Self::Rebooting
                | Self::Measuring
                | Self::Recovering(_)
        )
    }

    /// The state after an event.
    pub fn after(&self, event: &Event) -> Result<Self, Unexpected> {
        let unexpected = Unexpected {
            state: self.word(),
            event: event.word(),
        };
        let waits = matches!(
            self,
            Self::Assigned | Self::Staged | Self::Armed | Self::Deferred(_)
        );
        // Missed is the reader's conclusion, stopped may be a person's word, and the machine
        // may tell otherwise once it is heard: it had started.
        let given_up = matches!(self, Self::Missed | Self::Stopped(_));
        // A freed one is a person's word, and the machine goes on with what it began.
        let begun = self.is_open() || matches!(self, Self::Freed(_));
        let drew_back = matches!(self, Self::Installing | Self::Freed(_));
        match event {
            Event::Prepared | Event::Refused(_) | Event::WouldHaveStarted(_) if given_up => {
                Ok(self.clone())
            }
            Event::Started(_) if given_up => Ok(Self::Installing),
            Event::Stopped(reason) if given_up => Ok(Self::Stopped(reason.clone())),
            Event::Prepared if waits => Ok(Self::Staged),
            Event::Refused(refused) if waits => Ok(Self::Deferred(refused.reason.clone())),
            Event::Stopped(reason) if waits => Ok(Self::Stopped(reason.clone())),
            Event::WouldHaveStarted(_) if waits => {
                Ok(Self::Deferred(Reason::new("rehearsed: would have started")))
            }
            Event::Started(_) if waits => Ok(Self::Installing),
            Event::StepEnded(_) if begun => Ok(self.clone()),
            Event::RebootPending(_) if begun => Ok(Self::RebootPending),
            Event::RebootOrdered(_) if begun => Ok(Self::Rebooting),
            Event::RecoveryBegan(reason) if begun => Ok(Self::Recovering(reason.clone())),
            Event::Withdrawn(reason) if drew_back => Ok(Self::Deferred(reason.clone())),
            Event::Measured(measured) if begun => Ok(match &measured.verdict {
                Verdict::Verified => Self::Verified,
                Verdict::RolledBack(reason) => Self::RolledBack(reason.clone()),
                Verdict::Failed(reason) => Self::Failed(reason.clone()),
            }),
            Event::Prepared
            | Event::Refused(_)
            | Event::WouldHaveStarted(_)
            | Event::Started(_)
            | Event::StepEnded(_)
            | Event::RebootPending(_)
            | Event::RebootOrdered(_)
            | Event::RecoveryBegan(_)
            | Event::Withdrawn(_)
            | Event::Measured(_)
            | Event::Stopped(_) => Err(unexpected),
        }
    }
}

impl Event {
    /// The word for it in tables and messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Refused(_) => "refused",
            Self::WouldHaveStarted(_) => "would_have_started",
            Self::Started(_) => "started",
            Self::StepEnded(_) => "step_ended",
            Self::RebootPending(_) => "reboot_pending",
            Self::RebootOrdered(_) => "reboot_ordered",
            Self::RecoveryBegan(_) => "recovery_began",
            Self::Withdrawn(_) => "withdrawn",
            Self::Measured(_) => "measured",
            Self::Stopped(_) => "stopped",
        }
    }
}

#[cfg(test)]
mod tests;
