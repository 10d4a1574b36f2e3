//! The transitions of installing.
//!
//! A phase is a fold over the job's journalled events, so an event that is durable is
//! a transition that happened. [`Phase::next`] says what is to be done in a phase;
//! whoever does it first asks whether it is done already, and reports with one event.
//! After a crash the same fold gives the same phase, and the same effect is issued.

use super::{Event, Reason, StepEnd, StepOutcome, Unexpected, Verdict};
use crate::id::BootId;
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};

/// One command of an install or of its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique within its plan; safe in a path and in the name of a unit.
    pub name: String,
    /// Index of its release.
    pub release: usize,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its environment beside the usual.
    pub env: Vec<(String, String)>,
    /// Whether users may notice it. The first such step is the point of no return.
    pub disruptive: bool,
}

/// What one job does, written down before it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The boot in which it started.
    pub boot: BootId,
    /// Whether the machine restarts after the install.
    pub reboot: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The way back, for the last release first. Every step of it may find nothing to do.
    pub back: Vec<Step>,
}

/// Where an install stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// So many steps succeeded.
    Installing {
        /// Index of the next one.
        next: usize,
    },
    /// A step failed; the way back did not begin yet.
    Failing {
        /// Why.
        reason: Reason,
        /// The last release that was touched.
        touched: usize,
    },
    /// Installed; the restart waits for a person.
    RebootPending,
    /// The restart was ordered in this boot.
    Rebooting {
        /// In which it was ordered.
        ordered_in: BootId,
    },
    /// The way back runs.
    Recovering {
        /// Why.
        reason: Reason,
        /// The last release that was touched.
        touched: usize,
        /// Index of the next of its steps.
        next: usize,
    },
    /// It drew back before anything was changed.
    Withdrawn,
    /// Measured.
    Ended {
        /// What was found.
        verdict: Verdict,
        /// The last release that was touched.
        touched: usize,
    },
}

/// What is to be done in a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// Run a step of the install; before it, where `asks`, steps 10 and 11 again.
    Run {
        /// The step.
        step: &'a Step,
        /// Whether it is the point of no return.
        asks: bool,
    },
    /// Draw back.
    Withdraw(Reason),
    /// Begin the way back.
    Recover(Reason),
    /// Run a step of the way back.
    RunBack(&'a Step),
    /// Ask steps 10 and 11, then order the restart or let it wait.
    AskToReboot,
    /// Order the restart, which is journalled already.
    Reboot,
    /// Nothing: a person and a new go come first.
    WaitForPerson,
    /// Measure what the install made.
    Measure,
    /// Measure what the way back made.
    MeasureBack(&'a Reason),
    /// Draw the consequences and forget the record.
    Settle,
}

impl Plan {
    /// Where every job begins.
    pub fn begin(&self) -> Phase {
        Phase::Installing { next: 0 }
    }

    /// The way back from `touched`.
    fn back_from(&self, touched: usize) -> impl Iterator<Item = &Step> {
        self.back.iter().filter(move |step| step.release <= touched)
    }

    fn last_release(&self) -> usize {
        self.steps.last().map_or(0, |step| step.release)
    }

    /// Whether `end` is of the step with this index.
    fn is_end_of(&self, next: usize, end: &StepEnd) -> bool {
        let step = self.steps.get(next);
        step.is_some_and(|step| step.name == end.step)
    }

    /// Whether `end` is of the step with this index on the way back from `touched`.
    fn is_end_of_back(&self, touched: usize, next: usize, end: &StepEnd) -> bool {
        let step = self.back_from(touched).nth(next);
        step.is_some_and(|step| step.name == end.step)
    }

    fn is_disruptive_before(&self, next: usize) -> bool {
        self.steps.iter().take(next).any(|step| step.disruptive)
    }
}

impl Phase {
    /// The fold over a job's events, of which `Started` has the sequence `started`;
    /// `None` where that never became durable, and so nothing started. Events that do
    /// not fit are passed over and told to `unexpected`.
    pub fn of<'a>(
        plan: &Plan,
        started: u64,
        events: impl IntoIterator<Item = &'a (u64, UtcMs, Event)>,
        mut unexpected: impl FnMut(Unexpected),
    ) -> Option<Self> {
        let events = events.into_iter();
        let mut events = events.filter(|(sequence, ..)| *sequence >= started);
        let (_, _, Event::Started(_)) = events.next()? else {
            return None;
        };
        let mut phase = plan.begin();
        for (_, _, event) in events {
            match phase.clone().after(plan, event) {
                Ok(next) => phase = next,
                Err(error) => unexpected(error),
            }
        }
        Some(phase)
    }

    /// The phase after an event that is durable.
    pub fn after(self, plan: &Plan, event: &Event) -> Result<Self, Unexpected> {
        let (state, event_word) = (self.word(), event.word());
        let touched = self.touched(plan);
        let is_installed = matches!(self, Self::Installing { next } if next >= plan.steps.len());
        match (self, event) {
            (Self::Installing { next }, Event::StepEnded(end)) if plan.is_end_of(next, end) => {
                Ok(match end.outcome {
                    StepOutcome::Succeeded => Self::Installing { next: next + 1 },
                    _ => Self::Failing {
                        reason: failed(end),
                        touched,
                    },
                })
            }
            (Self::Installing { next }, Event::Withdrawn(_))
                if !plan.is_disruptive_before(next) =>
            {
                Ok(Self::Withdrawn)
            }
            (
                Self::Installing { .. }
                | Self::Failing { .. }
                | Self::RebootPending
                | Self::Rebooting { .. },
                Event::RecoveryBegan(reason),
            ) => Ok(Self::Recovering {
                reason: reason.clone(),
                touched,
                next: 0,
            }),
            (Self::Installing { .. }, Event::RebootPending(_)) if is_installed => {
                Ok(Self::RebootPending)
            }
            (Self::Rebooting { .. }, Event::RebootPending(_)) => Ok(Self::RebootPending),
            (Self::Installing { .. }, Event::RebootOrdered(boot)) if is_installed => {
                Ok(Self::Rebooting { ordered_in: *boot })
            }
            (Self::RebootPending, Event::RebootOrdered(boot)) => {
                Ok(Self::Rebooting { ordered_in: *boot })
            }
            (Self::Recovering { reason, next, .. }, Event::StepEnded(end))
                if plan.is_end_of_back(touched, next, end) =>
            {
                // A failed step back does not end the way back: the measurement judges.
                Ok(Self::Recovering {
                    reason,
                    touched,
                    next: next + 1,
                })
            }
            (
                Self::Installing { .. }
                | Self::RebootPending
                | Self::Rebooting { .. }
                | Self::Recovering { .. },
                Event::Measured(measured),
            ) => Ok(Self::Ended {
                verdict: measured.verdict.clone(),
                touched,
            }),
            _ => Err(Unexpected {
                state,
                event: event_word,
            }),
        }
    }

    /// What is to be done, in the boot `boot`.
    pub fn next<'a>(&'a self, plan: &'a Plan, boot: BootId) -> Effect<'a> {
        match self {
            Self::Installing { next } => match plan.steps.get(*next) {
                Some(step) => {
                    let asks = step.disruptive && !plan.is_disruptive_before(*next);
                    match (
                        boot == plan.boot,
                        step.disruptive || plan.is_disruptive_before(*next),
                    ) {
                        (true, _) => Effect::Run { step, asks },
                        (false, false) => Effect::Withdraw(Reason::new(RESTARTED)),
                        (false, true) => Effect::Recover(Reason::new(RESTARTED)),
                    }
                }
                None if plan.reboot && boot == plan.boot => Effect::AskToReboot,
                None => Effect::Measure,
            },
            Self::Failing { reason, .. } => Effect::Recover(reason.clone()),
            Self::RebootPending if boot == plan.boot => Effect::WaitForPerson,
            Self::RebootPending => Effect::Measure,
            Self::Rebooting { ordered_in } if boot == *ordered_in => Effect::Reboot,
            Self::Rebooting { .. } => Effect::Measure,
            Self::Recovering {
                reason,
                touched,
                next,
            } => match plan.back_from(*touched).nth(*next) {
                Some(step) => Effect::RunBack(step),
                None => Effect::MeasureBack(reason),
            },
            Self::Withdrawn | Self::Ended { .. } => Effect::Settle,
        }
    }

    /// The last release that was touched so far.
    fn touched(&self, plan: &Plan) -> usize {
        match self {
            Self::Installing { next } => match plan.steps.get(*next) {
                Some(step) => step.release,
                None => plan.last_release(),
            },
            Self::Failing { touched, .. }
            | Self::Recovering { touched, .. }
            | Self::Ended { touched, .. } => *touched,
            Self::RebootPending | Self::Rebooting { .. } | Self::Withdrawn => plan.last_release(),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Installing { .. } => "installing",
            Self::Failing { .. } => "failing",
            Self::RebootPending => "reboot_pending",
            Self::Rebooting { .. } => "rebooting",
            Self::Recovering { .. } => "recovering",
            Self::Withdrawn => "withdrawn",
            Self::Ended { .. } => "ended",
        }
    }
}

const RESTARTED: &str = "the machine restarted in the middle of the install";

fn failed(end: &StepEnd) -> Reason {
    let how = match end.outcome {
        StepOutcome::Succeeded => "succeeded".to_owned(),
        StepOutcome::Failed(code) => format!("failed with code {code}"),
        StepOutcome::TimedOut => "was ended at its longest run".to_owned(),
        StepOutcome::Lost => "was cut off".to_owned(),
    };
    let last_line = end.output.lines().last().unwrap_or_default();
    Reason::new(format!("step {} {how}: {last_line}", end.step))
}

#[cfg(test)]
mod tests;
