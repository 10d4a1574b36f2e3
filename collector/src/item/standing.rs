//! How a machine stands. Nothing is only green or red.

use super::machine::{Exception, unknown_since};
use super::{Item, Kind, Owner};
use patchward_common::job::State;
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;

/// How a machine stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Measured: what was planned is there.
    Verified,
    /// A person says that it is there.
    Attested,
    /// A slot is known.
    Planned,
    /// Somebody has to do something.
    Waiting(Owner),
    /// Work failed, and a person must look.
    Failed,
    /// Not patched on purpose, until then.
    Exception(UtcMs),
    /// Not heard since then for longer than its class allows, or let count as up then in
    /// the middle of its job.
    Unknown(UtcMs),
    /// Nothing was ever planned for it.
    Unplanned,
}

/// Every word that [`Standing::counted`] gives.
pub const COUNTED: [&str; 13] = [
    "verified",
    "attested",
    "planned",
    "waiting(vendor)",
    "waiting(htm)",
    "waiting(it)",
    "waiting(security)",
    "waiting(ward)",
    "waiting(time)",
    "failed",
    "exception",
    "unknown",
    "unplanned",
];

impl Standing {
    /// In words.
    pub fn text(&self) -> String {
        match self {
            Self::Exception(until) => format!("exception(until {until})"),
            Self::Unknown(since) => format!("unknown(since {since})"),
            other => other.counted().to_owned(),
        }
    }

    /// What it is counted under: who is waited for makes a difference.
    pub fn counted(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Attested => "attested",
            Self::Planned => "planned",
            Self::Waiting(Owner::Vendor) => "waiting(vendor)",
            Self::Waiting(Owner::Htm) => "waiting(htm)",
            Self::Waiting(Owner::It) => "waiting(it)",
            Self::Waiting(Owner::Security) => "waiting(security)",
            Self::Waiting(Owner::Ward) => "waiting(ward)",
            Self::Waiting(Owner::Time) => "waiting(time)",
            Self::Failed => "failed",
            Self::Exception(_) => "exception",
            Self::Unknown(_) => "unknown",
            Self::Unplanned => "unplanned",
        }
    }
}

/// What is known of a machine.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// Its class.
    pub class: Class,
    /// When it was last heard.
    pub seen: Option<UtcMs>,
    /// Its exception.
    pub exception: Option<&'a Exception>,
    /// The state of its newest job, and that job's item.
    pub job: Option<(&'a State, Option<&'a Item>)>,
    /// Whether a person, not a measurement, closed that job.
    pub attested: bool,
    /// Whether its inventory no longer shows what was verified.
    pub fallen: bool,
}

/// How it stands. Silence comes before all else: what was verified then may be gone now.
pub fn standing(known: &Known<'_>, now: UtcMs) -> Standing {
    if let Some(since) = unknown_since(known.seen, known.class, now) {
        return Standing::Unknown(since);
    }
    if let Some(exception) = known.exception.filter(|exception| now < exception.until) {
        return Standing::Exception(exception.until);
    }
    match known.job {
        None => Standing::Unplanned,
        Some((State::Verified | State::InService, _)) if known.fallen => {
            Standing::Waiting(Owner::It)
        }
        Some((State::Attested, _)) => Standing::Attested,
        Some((State::Verified | State::InService, _)) if known.attested => Standing::Attested,
        Some((State::Verified | State::InService, _)) => Standing::Verified,
        Some((_, Some(item))) if item.kind == Kind::Behind => Standing::Waiting(item.owner),
        Some((State::Failed(_) | State::RolledBack(_), _)) => Standing::Failed,
        Some((State::Freed(_), Some(item))) => Standing::Unknown(item.since),
        Some((_, Some(item))) if item.kind == Kind::Lost => Standing::Failed,
        Some((_, Some(item))) if item.owner == Owner::Time => Standing::Planned,
        Some((_, Some(item))) => Standing::Waiting(item.owner),
        Some((_, None)) => Standing::Unplanned,
    }
}
