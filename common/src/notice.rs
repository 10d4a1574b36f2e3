//! What people at a machine are told: what will be done there and when, what is being done,
//! and what came of it. The installer publishes a [`Screen`]; what of it is due, and in which
//! words, is decided here.

mod text;

pub use text::{REFUSAL_BEGINS, Text, held};

use crate::id::{JobId, Label};
use crate::job::phase::Phase;
use crate::job::{Event, History, Verdict};
use crate::time::{DAY_MS, HOUR_MS, Interval, MINUTE_MS, UtcMs};
use crate::trust::approval::{Approval, PlanLeaf};
use crate::wire::local::{Hold, MAX_HOLD_MS};
use serde::{Deserialize, Serialize};

/// Largest file: 64 approvals with 64 slots and four times four lines of text each.
pub const MAX_SCREEN_BYTES: usize = 1024 * 1024;
/// Most releases of one approval of which it is told what users will notice.
const MAX_NOTICED: usize = 4;
/// How long it is told what came of a job: until everybody of the next shift has come.
const OVER_MS: i64 = 12 * HOUR_MS;

/// How this machine stands, for its people; a file that everybody there may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// Whom to call.
    pub call: Call,
    /// What is approved for times to come.
    pub planned: Vec<Planned>,
    /// What is being done.
    pub underway: Option<Underway>,
    /// What was done last.
    pub over: Option<Over>,
    /// "Not now", where somebody said it.
    pub hold: Option<Hold>,
}

/// Whom to call: one line of text, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Call(Option<Label>);

impl TryFrom<String> for Call {
    type Error = crate::id::BadName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "" => Ok(Self(None)),
            _ => Label::new(text).map(|label| Self(Some(label))),
        }
    }
}

impl From<Call> for String {
    fn from(call: Call) -> Self {
        call.0.map(String::from).unwrap_or_default()
    }
}

/// A job that is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The job.
    pub job: JobId,
    /// What people call it.
    pub title: Label,
    /// When it may be done.
    pub slots: Vec<Interval>,
    /// The longest that it may run.
    pub longest_run_ms: i64,
    /// What users will notice.
    pub noticed: Vec<Label>,
}

/// A job that has begun and is not measured yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Underway {
    /// The job.
    pub job: JobId,
    /// What people call it.
    pub title: Label,
    /// Since when.
    pub since: UtcMs,
    /// Until when at the latest.
    pub until: UtcMs,
    /// The slot that it began in.
    pub slot: Interval,
    /// What of it.
    pub stage: Stage,
}

/// What a job that has begun does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is worked on.
    Works,
    /// It rests until nobody uses the machine, which restarts then.
    WaitsForRestart,
}

/// A job that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// The job.
    pub job: JobId,
    /// What people call it.
    pub title: Label,
    /// When it was measured.
    pub at: UtcMs,
    /// What was found.
    pub found: Found,
}

/// What a measurement found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The new versions.
    New,
    /// Those from before.
    Before,
    /// Neither: a person must look.
    Neither,
}

impl Planned {
    /// What is planned for a machine by its leaf of an approval.
    pub fn of(job: JobId, approval: &Approval, leaf: PlanLeaf) -> Self {
        let noticed = approval.releases.iter();
        let noticed = noticed.filter_map(|release| release.release.users_will_notice.clone());
        Self {
            job,
            title: approval.title.clone(),
            slots: leaf.slots,
            longest_run_ms: approval.longest_run_ms(),
            noticed: noticed.take(MAX_NOTICED).collect(),
        }
    }

    /// The next time at which it can start, or the one that is open now, with the end of that
    /// slot: the whole job fits into what is left of it, and of a hold.
    fn next(&self, hold: Option<&Hold>, now: UtcMs) -> Option<(UtcMs, UtcMs)> {
        self.slots.iter().find_map(|slot| {
            let held = hold.map_or(slot.start(), |hold| hold.until);
            let start = slot.start().max(held);
            let fits = slot.end().since_ms(start.max(now)) >= self.longest_run_ms;
            fits.then_some((start, slot.end()))
        })
    }
}

impl Underway {
    /// A job in this phase; `None` where it is measured, or drew back with nothing changed.
    /// `install_until` is when its install is ended.
    pub fn of(
        job: JobId,
        approval: &Approval,
        install_until: UtcMs,
        slot: Interval,
        phase: &Phase,
    ) -> Option<Self> {
        let stage = match phase {
            Phase::Ended { .. } | Phase::Withdrawn => return None,
            Phase::RebootPending => Stage::WaitsForRestart,
            Phase::Installing { .. }
            | Phase::Failing { .. }
            | Phase::Rebooting { .. }
            | Phase::Recovering { .. } => Stage::Works,
        };
        let since = install_until.plus_ms(-approval.install_ms());
        Some(Self {
            job,
            title: approval.title.clone(),
            since,
            until: since.plus_ms(approval.longest_run_ms()),
            slot,
            stage,
        })
    }

    /// Whether new logins are refused: from the start to the measurement, but for what waits
    /// for a restart that cannot come before another slot.
    fn refuses(&self, now: UtcMs) -> bool {
        self.stage == Stage::Works || self.slot.contains(now)
    }
}

impl Over {
    /// What came of a job, where its journal says so.
    pub fn of(job: JobId, title: &Label, history: &History) -> Option<Self> {
        let measured = history.events.iter().rev().find_map(|(_, at, event)| {
            let Event::Measured(measured) = event else {
                return None;
            };
            Some((*at, &measured.verdict))
        });
        let (at, verdict) = measured?;
        let found = match verdict {
            Verdict::Verified => Found::New,
            Verdict::RolledBack(_) => Found::Before,
            Verdict::Failed(_) => Found::Neither,
        };
        let title = title.clone();
        Some(Self {
            job,
            title,
            at,
            found,
        })
    }
}

/// How long before a start people are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lead {
    /// It may start at any moment.
    Now,
    /// Ten minutes.
    TenMinutes,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Lead {
    /// The shortest that a start this far away is told by; `None` where it is too far.
    fn of(ahead_ms: i64) -> Option<Self> {
        let leads = [
            (0, Self::Now),
            (10 * MINUTE_MS, Self::TenMinutes),
            (HOUR_MS, Self::Hour),
            (DAY_MS, Self::Day),
        ];
        let found = leads.into_iter().find(|(most_ms, _)| ahead_ms <= *most_ms);
        found.map(|(_, lead)| lead)
    }
}

/// What makes one notice another than one that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A start, and how long before it.
    Ahead(JobId, UtcMs, Lead),
    /// A job that is under way.
    Underway(JobId, Stage),
    /// A job that has ended.
    Over(JobId, UtcMs),
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A job that may start.
    Ahead {
        /// Which.
        planned: &'a Planned,
        /// From when on.
        start: UtcMs,
        /// The end of that slot.
        end: UtcMs,
        /// How long before.
        lead: Lead,
    },
    /// A job that is under way.
    Underway(&'a Underway),
    /// A job that has ended.
    Over(&'a Over),
}

impl Screen {
    /// What people should have been told by now: each once, by its [`Notice::key`]. While
    /// something is done, nothing else is told.
    pub fn due(&self, now: UtcMs) -> Vec<Notice<'_>> {
        if let Some(underway) = &self.underway {
            return vec![Notice::Underway(underway)];
        }
        let over = self.over.iter().filter(|over| {
            // A clock that was set back makes nothing news that is not.
            (0..OVER_MS).contains(&now.since_ms(over.at))
        });
        let ahead = self.planned.iter().filter_map(|planned| {
            let (start, end) = planned.next(self.hold.as_ref(), now)?;
            let lead = Lead::of(start.since_ms(now))?;
            Some(Notice::Ahead {
                planned,
                start,
                end,
                lead,
            })
        });
        over.map(Notice::Over).chain(ahead).collect()
    }

    /// Takes what is told of further jobs: the last that ended counts.
    pub fn take_over(&mut self, over: Option<Over>) {
        if over.as_ref().map(|over| over.at) > self.over.as_ref().map(|over| over.at) {
            self.over = over;
        }
    }

    /// Whether new logins are refused now.
    pub fn refuses(&self, now: UtcMs) -> bool {
        let underway = self.underway.as_ref();
        underway.is_some_and(|underway| underway.refuses(now))
    }
}

impl Notice<'_> {
    /// What makes it another than one that was shown.
    pub fn key(&self) -> Key {
        match self {
            Self::Ahead {
                planned,
                start,
                lead,
                ..
            } => Key::Ahead(planned.job, *start, *lead),
            Self::Underway(underway) => Key::Underway(underway.job, underway.stage),
            Self::Over(over) => Key::Over(over.job, over.at),
        }
    }

    /// Until when "not now" holds the machine that is said to this notice now: so long beyond
    /// the start. `None` where no hold reaches that far, or nothing is left to be held up.
    pub fn not_now(&self, beyond_ms: i64, now: UtcMs) -> Option<UtcMs> {
        let Self::Ahead { start, .. } = self else {
            return None;
        };
        let until = now.max(*start).plus_ms(beyond_ms);
        (until.since_ms(now) <= MAX_HOLD_MS).then_some(until)
    }
}

#[cfg(test)]
mod tests;
