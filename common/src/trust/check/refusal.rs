//! Why something does not start: the step that refused, the reason, the attack.

use crate::digest::Digest;
use crate::id::Name;
use crate::time::UtcMs;
use crate::trust::assignment::Mode;
use crate::trust::vendor::VendorError;
use serde::{Deserialize, Serialize};

/// The steps of trust.md, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 1: charter and roster.
    Roster,
    /// 2: assignment.
    Assignment,
    /// 3: approval.
    Approval,
    /// 4: placement.
    Placement,
    /// 5: vendor.
    Vendor,
    /// 6: applicability and counters.
    Applicability,
    /// 7: artifacts.
    Artifacts,
    /// 8: go.
    Go,
    /// 9: time.
    Time,
    /// 10: hold and stop.
    HoldAndStop,
    /// 11: interlock.
    Interlock,
}

impl Step {
    /// Its number in trust.md.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// The attack that a refusal stops, as trust.md's table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the table in trust.md")]
pub enum Attack {
    ArbitrarySoftware,
    Rollback,
    Freeze,
    FastForward,
    EndlessData,
    MixAndMatch,
    WrongMachine,
    KeyStolen,
    WrongHour,
    AllAtOnce,
    WithheldStop,
    OwnedAgent,
    /// Nobody attacks: it simply may not start now.
    None,
}

/// A refusal. Nothing ran.
#[derive(Debug, thiserror::Error)]
#[error("step {}: {why}", step.number())]
pub struct Refusal {
    /// The step that refused.
    pub step: Step,
    /// Why.
    pub why: Why,
}

impl Refusal {
    pub(crate) fn new(step: Step, why: Why) -> Self {
        Self { step, why }
    }
}

/// Why a step refused.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each message says what its variant means")]
pub enum Why {
    #[error("no {0} is known on this machine; the collector has sent none yet")]
    Missing(&'static str),
    #[error("the {document} cannot be read: {problem}")]
    Unreadable {
        document: &'static str,
        problem: String,
    },
    #[error("the {document} is not signed by those who must sign it: {problem}")]
    Signature {
        document: &'static str,
        problem: String,
    },
    #[error("the {document} is number {found}, but number {seen} was seen already")]
    Older {
        document: &'static str,
        found: u64,
        seen: u64,
    },
    #[error("the {document} has the number of one seen before, but other content")]
    Changed { document: &'static str },
    #[error("the {document} expired at {at}")]
    Expired { document: &'static str, at: UtcMs },
    #[error("the {document} lives longer than is allowed")]
    TooLong { document: &'static str },
    #[error("the {document} is malformed: {problem}")]
    Malformed {
        document: &'static str,
        problem: &'static str,
    },
    #[error("this machine's mode is {}; HTM must sign it active first", .0.word())]
    Mode(Mode),
    #[error("the {document} does not name this machine")]
    OtherMachine { document: &'static str },
    #[error("{have} of {need} people signed ({with_file_key} of {need_file_key} with a file key)")]
    TooFewSigned {
        have: usize,
        need: usize,
        with_file_key: usize,
        need_file_key: usize,
    },
    #[error("the plan has this machine in another {0} than its assignment; make a new plan")]
    Relabelled(&'static str),
    #[error("life support is approved wave by wave, and this approval has {0} waves")]
    Waves(u16),
    #[error("the charter knows no repository {0}")]
    UnknownRepository(Name),
    #[error("repository {repository} may not speak for {what}")]
    NotItsProduct { repository: Name, what: String },
    #[error("repository {repository} is {whose}, and the approval calls its release {said}")]
    Provenance {
        repository: Name,
        whose: &'static str,
        said: &'static str,
    },
    #[error("the hospital's repository has {path}, and {problem}")]
    Origin { path: String, problem: &'static str },
    #[error("the vendor's metadata is refused: {0}")]
    Tuf(VendorError),
    #[error("the vendor's repository says otherwise about {what} of {path}")]
    VendorDiffers { path: String, what: &'static str },
    #[error("the vendor's repository has no {0}")]
    NoTarget(String),
    #[error("it installs on {what} {expected}, and here is {found}")]
    NotApplicable {
        what: &'static str,
        expected: String,
        found: String,
    },
    #[error("{what} of this machine could not be measured")]
    NotMeasured { what: &'static str },
    #[error("release counter {found} of {product} is below {seen}, which was verified here")]
    OlderRelease {
        product: Name,
        found: u64,
        seen: u64,
    },
    #[error("{0} was rolled back here and waits for HTM's judgement")]
    Quarantined(Digest),
    #[error("artifact {0} is not staged")]
    NotStaged(Digest),
    #[error("artifact {name} has other bytes than were signed")]
    OtherBytes { name: Digest },
    #[error("this machine has no recipe {0}; install it first")]
    NoRecipe(Name),
    #[error("recipe {0} on this machine is not the one that was signed")]
    OtherRecipe(Name),
    #[error("the {0} counts once, and was used")]
    Used(&'static str),
    #[error("the handover is for another {0}")]
    OtherHandover(&'static str),
    #[error("the go answers another {0}")]
    OtherGo(&'static str),
    #[error("the go came more than 5 minutes after it was asked for")]
    LateGo,
    #[error("the clock here and the collector's differ by {seconds} s; at most 120 are allowed")]
    Clock { seconds: i64 },
    #[error("the clock is at {now}, below {seen}, which a go has proved; ask for a time reset")]
    ClockFellBack { now: UtcMs, seen: UtcMs },
    #[error("no slot of this machine is open now")]
    NoSlot,
    #[error("{left_minutes} minutes are left in the slot, and the job may need {need_minutes}")]
    SlotTooShort {
        left_minutes: i64,
        need_minutes: i64,
    },
    #[error("held at this machine until {0}")]
    Held(UtcMs),
    #[error("stopped: {0}")]
    Stopped(String),
    #[error("the machine is in use: {0}")]
    InUse(String),
    #[error("whether the machine is in use cannot be told: {0}")]
    UseUnknown(String),
}

impl Refusal {
    /// The attack that this refusal stops, where there is one behind it.
    pub fn attack(&self) -> Attack {
        match &self.why {
            Why::Older { .. } | Why::Changed { .. } | Why::OlderRelease { .. } | Why::Used(_) => {
                Attack::Rollback
            }
            Why::Expired { .. } => Attack::Freeze,
            Why::Signature { .. } => Attack::ArbitrarySoftware,
            Why::TooFewSigned { .. } => Attack::KeyStolen,
            Why::OtherMachine { .. } | Why::Relabelled(_) | Why::NotApplicable { .. } => {
                Attack::WrongMachine
            }
            Why::UnknownRepository(_)
            | Why::NotItsProduct { .. }
            | Why::Provenance { .. }
            | Why::Origin { .. }
            | Why::VendorDiffers { .. }
            | Why::NoTarget(_)
            | Why::OtherRecipe(_)
            | Why::OtherBytes { .. } => Attack::ArbitrarySoftware,
            Why::Tuf(error) => error.attack(),
            Why::OtherGo(_)
            | Why::OtherHandover(_)
            | Why::LateGo
            | Why::Clock { .. }
            | Why::ClockFellBack { .. }
            | Why::NoSlot
            | Why::SlotTooShort { .. } => Attack::WrongHour,
            Why::Unreadable { .. } | Why::Malformed { .. } | Why::TooLong { .. } => {
                Attack::OwnedAgent
            }
            Why::Stopped(_) => Attack::WithheldStop,
            Why::Waves(_) => Attack::AllAtOnce,
            Why::Missing(_)
            | Why::Mode(_)
            | Why::NotMeasured { .. }
            | Why::Quarantined(_)
            | Why::NotStaged(_)
            | Why::NoRecipe(_)
            | Why::Held(_)
            | Why::InUse(_)
            | Why::UseUnknown(_) => Attack::None,
        }
    }
}
