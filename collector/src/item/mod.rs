//! Whose move it is: every open item has one owner of its next step, since when, and an
//! age after which it is raised. Values in, values out.

pub mod against;
pub mod age;
pub mod bedside;
pub mod down;
pub mod expiry;
pub mod job;
pub mod machine;
pub mod oncall;
pub mod refused;
pub mod shift;
pub mod standing;
pub mod tally;

use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;

/// Who takes the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// There is no release, or it is not validated for this model.
    Vendor,
    /// Approve, judge, return to service.
    Htm,
    /// Offline, copied, full, failed, expiring.
    It,
    /// An exception or an emergency.
    Security,
    /// In use or held.
    Ward,
    /// Nobody: a slot is known.
    Time,
}

/// Every owner.
pub const OWNERS: [Owner; 6] = [
    Owner::Vendor,
    Owner::Htm,
    Owner::It,
    Owner::Security,
    Owner::Ward,
    Owner::Time,
];

impl Owner {
    /// Their word in tables and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Htm => "htm",
            Self::It => "it",
            Self::Security => "security",
            Self::Ward => "ward",
            Self::Time => "time",
        }
    }

    /// The owner with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        OWNERS.into_iter().find(|owner| owner.word() == word)
    }
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A plan waits for signatures.
    Sign,
    /// A stop is in force.
    Stopped,
    /// A plan is halted until a person judged.
    Halted,
    /// A plan no longer carries all of its machines.
    Replan,
    /// Nothing starts in a slot that a unit counts on: a freeze or a window took it.
    Withheld,
    /// A wave does not open by itself: too little came out of the one before, or too much
    /// went wrong.
    Question,
    /// A verified machine waits to be returned to service.
    Return,
    /// A job failed, and a person must look.
    Failed,
    /// A person let a machine count as up in the middle of its job; nobody measured it.
    Freed,
    /// A job went back to the version before.
    RolledBack,
    /// A job's last slot passed without a start.
    Missed,
    /// A person gave a job up, and its machine lacks what was planned.
    Behind,
    /// A version that was verified is there no more.
    Fallen,
    /// A machine was lost in the middle of its job.
    Lost,
    /// Work on a machine goes on beyond its slot.
    Overrun,
    /// The ward said "not now" on its page.
    Held,
    /// The ward asks for the handover of a machine.
    Handover,
    /// Installed, and the restart waits for an idle machine.
    Restart,
    /// A job waits.
    Waiting,
    /// A machine will probably not be done when its last slot is over.
    Starving,
    /// A machine fits in no slot of a plan.
    Unfit,
    /// A machine was not heard for longer than its class allows.
    Silent,
    /// Two machines seem to have one identity.
    Copied,
    /// A machine waits for acceptance.
    Enrol,
    /// A machine's interlock cannot tell whether it is in use.
    Interlock,
    /// An exception has ended.
    Exception,
    /// A calendar cannot be read.
    Calendar,
    /// A vendor's metadata ends soon.
    Metadata,
    /// A machine is heard from another subnet than its unit's.
    Elsewhere,
    /// A vendor's answers are older than what is installed.
    Answers,
    /// Something of ours may meet an advisory, and a person must say.
    Match,
    /// Something of ours is affected, and its vendor has a fix.
    Fixable,
    /// Something of ours is affected, and its vendor has no fix.
    Unfixed,
    /// The support of something that we have has ended.
    Unsupported,
    /// What lowers a risk is not in place everywhere.
    Mitigation,
    /// A case with a vendor is open.
    Case,
    /// Somebody wanted to be reminded of a case.
    Reminder,
    /// A risk assessment was to be looked at again.
    Review,
    /// A release needs training, and nobody has confirmed it.
    Training,
    /// Notices of what is open were not delivered.
    Undelivered,
    /// A document, a key, a certificate or a token ends soon, or has.
    Expiring,
    /// A plan was given out, and its machines refuse it: those who must have not signed it.
    Unsigned,
    /// The collector was restored from a backup, and nobody has confirmed that it is the one.
    Restored,
}

/// Every kind.
pub const KINDS: [Kind; 43] = [
    Kind::Sign,
    Kind::Stopped,
    Kind::Halted,
    Kind::Replan,
    Kind::Withheld,
    Kind::Question,
    Kind::Return,
    Kind::Failed,
    Kind::Freed,
    Kind::RolledBack,
    Kind::Missed,
    Kind::Behind,
    Kind::Fallen,
    Kind::Lost,
    Kind::Overrun,
    Kind::Held,
    Kind::Handover,
    Kind::Restart,
    Kind::Waiting,
    Kind::Starving,
    Kind::Unfit,
    Kind::Silent,
    Kind::Copied,
    Kind::Enrol,
    Kind::Interlock,
    Kind::Exception,
    Kind::Calendar,
    Kind::Metadata,
    Kind::Elsewhere,
    Kind::Answers,
    Kind::Match,
    Kind::Fixable,
    Kind::Unfixed,
    Kind::Unsupported,
    Kind::Mitigation,
    Kind::Case,
    Kind::Reminder,
    Kind::Review,
    Kind::Training,
    Kind::Undelivered,
    Kind::Expiring,
    Kind::Unsigned,
    Kind::Restored,
];

impl Kind {
    /// The kind with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.word() == word)
    }

    /// Its word: the first part of an item's key.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Stopped => "stopped",
            Self::Halted => "halted",
            Self::Replan => "replan",
            Self::Withheld => "withheld",
            Self::Question => "question",
            Self::Return => "return",
            Self::Failed => "failed",
            Self::Freed => "freed",
            Self::RolledBack => "rolled-back",
            Self::Missed => "missed",
            Self::Behind => "behind",
            Self::Fallen => "fallen",
            Self::Lost => "lost",
            Self::Overrun => "overrun",
            Self::Held => "held",
            Self::Handover => "handover",
            Self::Restart => "restart",
            Self::Waiting => "waiting",
            Self::Starving => "starving",
            Self::Unfit => "unfit",
            Self::Silent => "silent",
            Self::Copied => "copied",
            Self::Enrol => "enrol",
            Self::Interlock => "interlock",
            Self::Exception => "exception",
            Self::Calendar => "calendar",
            Self::Metadata => "metadata",
            Self::Elsewhere => "elsewhere",
            Self::Answers => "answers",
            Self::Match => "match",
            Self::Fixable => "fixable",
            Self::Unfixed => "unfixed",
            Self::Unsupported => "unsupported",
            Self::Mitigation => "mitigation",
            Self::Case => "case",
            Self::Reminder => "reminder",
            Self::Review => "review",
            Self::Training => "training",
            Self::Undelivered => "undelivered",
            Self::Expiring => "expiring",
            Self::Unsigned => "unsigned",
            Self::Restored => "restored",
        }
    }
}

/// Something open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What has to be done.
    pub kind: Kind,
    /// On what, in few characters and unique among its kind.
    pub subject: String,
    /// The machine's name, or what else people call it.
    pub about: String,
    /// The unit, where it is one's.
    pub unit: Option<Name>,
    /// The class of the machine, where it is one's.
    pub class: Option<Class>,
    /// Who takes the next step.
    pub owner: Owner,
    /// Since when they have it.
    pub since: UtcMs,
    /// From when it is raised whatever its age: soon nothing helps any more.
    pub raise_at: Option<UtcMs>,
    /// Why, in words.
    pub why: String,
}

impl Item {
    /// What a person types to name it. Another step is another key: who took the one has
    /// not taken the other.
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind.word(), self.subject)
    }

    /// Whether it is open for longer than its class allows, or soon too late.
    pub fn is_raised(&self, now: UtcMs) -> bool {
        let limit = age::limit_ms(self.kind, self.class);
        limit.is_some_and(|limit| now.since_ms(self.since) >= limit)
            || self.raise_at.is_some_and(|at| at <= now)
    }
}

/// Puts raised items first, then the oldest.
pub fn sort(items: &mut [Item], now: UtcMs) {
    items.sort_by_key(|item| (!item.is_raised(now), item.since, item.key()));
}

#[cfg(test)]
mod tests;
