//! Between agent and installer, over the installer's Unix socket: one request, one
//! answer per connection, both CBOR, each ended by closing its direction. The
//! installer treats every byte as coming from a hostile network.

mod hold;

pub use hold::hold_ms;

use crate::digest::Digest;
use crate::id::{BootId, JobId, Label, MachineId, Name, Nonce};
use crate::job::Reason;
use crate::time::{Interval, UtcMs};
use crate::trust::approval::Approval;
use crate::trust::assignment::Assignment;
use crate::trust::charter::{Charter, TimeReset};
use crate::trust::check::Interlock;
use crate::trust::go::Go;
use crate::trust::placement::Proof;
use crate::trust::roster::Roster;
use crate::trust::sign::{PublicKey, Signed};
use crate::trust::stop::{Downgrade, Handover, Lift, Scope, Stop};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Largest request; documents of a whole approval with room to spare.
pub const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;
/// Largest answer.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Most journal events in one answer.
pub const MAX_JOURNAL_EVENTS: usize = 256;
/// Longest hold: it ends by itself before the next shift but one.
pub const MAX_HOLD_MS: i64 = 12 * crate::time::HOUR_MS;

/// Why the ward says "not now". A fixed list: no field invites patient data.
pub const HOLD_REASONS: [&str; 9] = [
    "procedure",
    "emergency",
    "patient",
    "patient_waiting",
    "clinic",
    "rounds",
    "teaching",
    "stand_in_missing",
    "other",
];

/// What an agent, or a person at the machine, asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Who is this machine, and is it pinned?
    Identity,
    /// Sign this certificate request or enrolment with the machine's key.
    SignStatement(ByteBuf),
    /// Take these documents.
    Documents(Box<Documents>),
    /// Prepare a job: steps 1 to 7. Metadata and artifacts lie in the agent's folder.
    Prepare(JobId),
    /// Draw a nonce for a go.
    Nonce(JobId),
    /// Start a job: all steps, with this go.
    Start(JobId, Signed<Go>),
    /// Restart the machine for a job that waits for it.
    Reboot(JobId, Signed<Go>),
    /// Where do things stand?
    Status,
    /// Journal events after this sequence.
    Journal(u64),
    /// The ward says "not now".
    Hold(Hold),
    /// The ward ends its hold.
    EndHold,
    /// The unit hands the machine over for a job (only root and group members).
    HandOver(crate::job::LocalHandover),
    /// Stop without a signature; never refused.
    Stop(Scope),
    /// Forget the unsigned stops (only root and group members).
    EndStops,
    /// Why does a job stand where it stands?
    Explain(JobId),
}

/// Documents as the collector gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    /// From the pinned one to the newest, oldest first.
    pub charters: Vec<Signed<Charter>>,
    /// The newest.
    pub roster: Option<Signed<Roster>>,
    /// The newest with a row for this machine.
    pub assignment: Option<Placed<Assignment>>,
    /// Those that name this machine.
    pub approvals: Vec<Placed<Approval>>,
    /// Every stop.
    pub stops: Vec<Signed<Stop>>,
    /// Every lift.
    pub lifts: Vec<Signed<Lift>>,
    /// Those that name this machine.
    pub downgrades: Vec<Signed<Downgrade>>,
    /// Those that name this machine.
    pub handovers: Vec<Signed<Handover>>,
    /// Those that name this machine.
    pub time_resets: Vec<Signed<TimeReset>>,
}

/// A document under whose Merkle root this machine has a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Placed<T> {
    /// The document.
    pub signed: Signed<T>,
    /// The machine's leaf, exact bytes.
    pub leaf: ByteBuf,
    /// Its proof.
    pub proof: Proof,
}

/// "Not now", from the ward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Until when; at most [`MAX_HOLD_MS`] ahead.
    pub until: UtcMs,
    /// One of [`HOLD_REASONS`].
    pub reason: Name,
}

impl Hold {
    /// Whether its reason is one of [`HOLD_REASONS`].
    pub fn is_reasoned(&self) -> bool {
        HOLD_REASONS.contains(&self.reason.as_str())
    }
}

/// What the installer answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Who this machine is.
    Identity(Identity),
    /// The statement, signed by the machine's key.
    Statement(ByteBuf),
    /// Which documents were taken; the others with the reason.
    Documents(DocumentsTaken),
    /// The job is staged.
    Prepared,
    /// The nonce to ask a go for.
    Nonce(Nonce),
    /// The start record is on disk and the job runs.
    Started,
    /// Where things stand.
    Status(Box<Status>),
    /// Signed events, oldest first, each the bytes of a `Signed<JobEvent>`.
    Journal(Vec<ByteBuf>),
    /// Done; nothing more to say.
    Done,
    /// A text for people.
    Explained(String),
    /// Refused by one of the eleven checks.
    Refused(Reason),
    /// The request itself is wrong, or it cannot be done now.
    Error(String),
}

/// Who this machine is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its id.
    pub machine: MachineId,
    /// Its key.
    pub key: PublicKey,
    /// The pinned hospital root's fingerprint; `None` before `pin`.
    pub root: Option<Digest>,
    /// The installer's version.
    pub version: String,
}

/// What became of each document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsTaken {
    /// Digest of the watermark now.
    pub watermark: Digest,
    /// What was refused, and why.
    pub refused: Vec<(String, Reason)>,
}

/// Where things stand on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Digest of the watermark.
    pub watermark: Digest,
    /// Numbers of charter, roster and assignment that are known.
    pub numbers: (u64, u64, u64),
    /// This boot.
    pub boot: BootId,
    /// The newest journal event's sequence.
    pub journal: u64,
    /// What the interlock says now.
    pub interlock: Interlock,
    /// The hold in force.
    pub hold: Option<Hold>,
    /// Whether the machine is ready for patients, as its probes say; `None` without one.
    pub ready: Option<bool>,
    /// The jobs that are known.
    pub jobs: Vec<JobStatus>,
}

/// One job on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job.
    pub job: JobId,
    /// Its approval.
    pub approval: Digest,
    /// Where it stands.
    pub state: crate::job::State,
    /// Its slots, without those in which it was rehearsed.
    pub slots: Vec<Interval>,
    /// The longest that it may run, in milliseconds.
    pub longest_run_ms: i64,
    /// The approval's title.
    pub title: Label,
}
