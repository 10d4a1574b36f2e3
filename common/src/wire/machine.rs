//! What a machine asks of its collector: one request and one answer per
//! bidirectional QUIC stream, each ended by finishing its direction.

mod devices;
mod metadata;
mod statement;
mod witness;

use super::local::Placed;
use crate::component::{PackedComponents, PackedDelta};
use crate::digest::Digest;
use crate::facts::PackedFacts;
use crate::id::{BootId, JobId, MachineId, Nonce, OutboxId};
use crate::time::UtcMs;
use crate::trust::approval::Approval;
use crate::trust::assignment::Assignment;
use crate::trust::charter::{Charter, TimeReset};
use crate::trust::go::Go;
use crate::trust::roster::Roster;
use crate::trust::sign::{Document, PublicKey, Signed};
use crate::trust::stop::{Downgrade, Handover, Lift, Stop};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

pub use devices::{DeviceFound, DeviceSaid, DevicesReport, DevicesTaken};
pub use metadata::{MAX_METADATA_BYTES, MAX_ROLE_NAME, MetadataAsked, MetadataIs, is_role_file};
pub use witness::{MAX_WITNESSED_HEADS, MAX_WITNESSED_JOBS, Witness, WitnessedHead};

/// ALPN of enrolled machines: the protocol's name and version.
pub const ALPN: &[u8] = b"patchward/1";
/// ALPN of the two requests that need no valid certificate.
pub const ALPN_ENROLL: &[u8] = b"patchward-enroll/1";
/// ALPN of a site relay: machines ask it for artifacts and role files, and it asks the collector.
pub const ALPN_RELAY: &[u8] = b"patchward-relay/1";
/// Length of the random connection id that a machine's first packet goes to where it will fetch
/// artifacts on the connection, in bytes: QUIC's shortest (RFC 9000, section 7.2), where all other
/// connections have its longest, 20. It asks for large packets and many at once, and allows
/// nothing: a collector that does not know it serves the connection like any other.
pub const ARTIFACTS_CID_BYTES: usize = 8;
/// Largest packet with a piece of an artifact: ten of them are what Linux takes at once, 64 KiB. A
/// way that takes less is found out by probing (RFC 8899).
pub const MAX_ARTIFACT_PACKET_BYTES: u16 = 6_500;
/// The name in the collector's certificate. Addresses change, are translated and have
/// aliases; the pinned CA and this name say that it is a collector.
pub const SERVER_NAME: &str = "collector.patchward.internal";
/// The name in a relay's certificate: it is no collector.
pub const RELAY_NAME: &str = "relay.patchward.internal";
/// What a relay's certificate has for a common name, before the relay's own. A machine's is its
/// id and nothing else.
pub const RELAY_SUBJECT: &str = "relay ";
/// Largest request: a whole inventory of the most components.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Largest answer but an artifact's: sixteen approvals with their proofs.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Most journal events in one request.
pub const MAX_EVENTS: usize = 256;
/// Most approvals in one answer.
pub const MAX_APPROVALS: usize = 16;
/// Largest range of an artifact in one answer: bounds what a lost stream repeats.
pub const MAX_RANGE_BYTES: u64 = 8 * 1024 * 1024;
/// Life of a machine's TLS certificate.
pub const CERTIFICATE_LIFE_MS: i64 = 90 * crate::time::DAY_MS;

/// Why a connection was closed, as QUIC application error codes (RFC 9000 §20.2). A
/// machine acts on them; the reason beside them is for people.
pub mod close {
    /// The work is done.
    pub const DONE: u32 = 0;
    /// `patchward/1` without a machine's certificate.
    pub const NO_CERTIFICATE: u32 = 1;
    /// The certificate was revoked, or the machine is no longer known.
    pub const REVOKED: u32 = 2;
    /// The same machine connected again.
    pub const REPLACED: u32 = 3;
    /// The collector stops.
    pub const GOING_AWAY: u32 = 4;
    /// The peer broke the protocol.
    pub const PROTOCOL: u32 = 5;
    /// Another machine runs with this identity; a person must decide.
    pub const CLONE: u32 = 6;
}

crate::fixed_bytes! {
    /// The first half of a digest, where two honest sides compare what they have and
    /// a hello has to stay small. Never names bytes that run.
    #[derive(Default)]
    ShortDigest, 16
}

impl From<Digest> for ShortDigest {
    fn from(digest: Digest) -> Self {
        let mut short = [0u8; 16];
        short.copy_from_slice(&digest.0[..16]);
        Self(short)
    }
}

/// What an installer signs so that its machine gets a certificate: for the first time
/// (with the token's secret) or anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentStatement {
    /// The machine's key; its id follows from it.
    pub key: PublicKey,
    /// The certificate request (PKCS #10, DER) for the agent's TLS key.
    pub csr: ByteBuf,
    /// SHA-256 of the token's secret, or `None` for a renewal.
    pub token: Option<Digest>,
    /// The machine's facts, by which a clone is told from a move.
    pub fingerprint: Digest,
    /// The boot in which it was signed.
    pub boot: BootId,
    /// The machine's clock.
    pub at: UtcMs,
}

impl Document for EnrolmentStatement {
    const TYPE: &'static str = "patchward/enrolment.1";
    const MAX_BYTES: usize = 16 * 1024;
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// First certificate, with a token.
    Enroll(Box<Enroll>),
    /// The next certificate.
    Renew(Signed<EnrolmentStatement>),
    /// "I am here": the common case, small.
    Hello(Box<Hello>),
    /// What is installed: a change against a base, or all of it.
    Inventory(Box<InventoryReport>),
    /// Which documents are new?
    Orders(OrdersAsked),
    /// A role file of a vendor's repository.
    Metadata(MetadataAsked),
    /// A range of an artifact.
    Artifact(ArtifactAsked),
    /// May this job start now?
    Go(GoAsked),
    /// What happened.
    Journal(JournalReport),
    /// What the medical devices beside the machine answered.
    Devices(DevicesReport),
    /// What it remembers of a collector that was restored from a backup.
    Witness(Box<Witness>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A certificate (DER, leaf first) and the CA to trust.
    Certificate(Certificate),
    /// A person must accept; ask again after so many milliseconds.
    Wait(u64),
    /// To a hello.
    Hello(Box<HelloAnswer>),
    /// The inventory is stored under this digest.
    Accepted(Digest),
    /// The base is not known: send the whole.
    SendWhole,
    /// Documents.
    Orders(Box<Orders>),
    /// A role file's bytes; `None` where the repository has none.
    Metadata(Option<ByteBuf>),
    /// Which bytes a role file has, to who asked for no more.
    MetadataIs(MetadataIs),
    /// The raw bytes follow on the stream after this header.
    Artifact(ArtifactHeader),
    /// The signed go.
    Go(Signed<Go>),
    /// Not now.
    NotNow(NotNow),
    /// Every event up to this sequence is on disk.
    Stored(u64),
    /// What was said of devices is stored, but for these.
    Devices(DevicesTaken),
    /// What a machine remembers is stored.
    Witnessed,
    /// The request was not carried out.
    Refused(Refused),
}

/// First enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enroll {
    /// The token's secret.
    pub secret: ByteBuf,
    /// The statement, signed by the machine's key.
    pub statement: Signed<EnrolmentStatement>,
    /// What the machine says of itself.
    pub facts: PackedFacts,
}

/// A certificate and its CA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The machine's certificate, DER.
    pub certificate: ByteBuf,
    /// Trusted CA certificates, DER; two while one is followed by the next.
    pub authorities: Vec<ByteBuf>,
}

crate::required_field!(
    Digest,
    BootId,
    UtcMs,
    OutboxId,
    ShortDigest,
    InterlockWord,
    Stale,
    crate::trust::assignment::Mode,
);

crate::int_map! {
    /// "I am here." Everything by digest; a quiet machine sends about 150 bytes.
    Hello {
        /// Version of the agent.
        0 => version: String,
        /// This boot.
        1 => boot: BootId,
        /// The machine's clock.
        2 => clock: UtcMs,
        /// Digest of the inventory as last accepted; all zero for none.
        3 => inventory: Digest,
        /// Digest over the documents that the machine has.
        4 => orders: ShortDigest,
        /// Digest of the installer's watermark.
        5 => watermark: Digest,
        /// The outbox.
        6 => outbox: OutboxId,
        /// The newest journal sequence that this machine has.
        7 => journal: u64,
        /// What the interlock says.
        8 => interlock: InterlockWord,
        /// Until when the ward holds it.
        9 => held_until: Option<UtcMs>,
        /// Whether its readiness probes pass; absent without one.
        10 => ready: Option<bool>,
        /// Digest of the facts by which a clone is told.
        11 => fingerprint: ShortDigest,
    }
}

/// The interlock in one word; the reason stays on the machine until it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterlockWord {
    /// Nobody uses it.
    #[serde(rename = "i")]
    Idle,
    /// In use.
    #[serde(rename = "u")]
    InUse,
    /// It cannot be told.
    #[serde(rename = "?")]
    Unknown,
}

crate::int_map! {
    /// What the collector answers to a hello.
    HelloAnswer {
        /// The collector's clock.
        0 => clock: UtcMs,
        /// What the machine should send or ask for.
        1 => stale: Stale,
        /// Head of the audit log.
        2 => audit: Digest,
        /// When to come again, in milliseconds.
        3 => again_ms: u64,
        /// The highest journal sequence that is stored.
        4 => journal: u64,
        /// Where the relay of this machine's site is, as host:port; absent without one.
        5 => relay: Option<String>,
    }
}

/// What is stale on either side: a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stale(pub u8);

impl Stale {
    /// The collector wants the inventory.
    pub const INVENTORY: Self = Self(1);
    /// There are other orders.
    pub const ORDERS: Self = Self(2);
    /// The collector lacks journal events.
    pub const JOURNAL: Self = Self(4);
    /// The collector was restored, and asks what the machine remembers.
    pub const WITNESS: Self = Self(8);

    /// Both sets together.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryReport {
    /// Digest of the set after this report; the answer repeats it.
    pub digest: Digest,
    /// What changed, or everything.
    pub content: InventoryContent,
    /// Facts, where they changed.
    pub facts: Option<PackedFacts>,
    /// Version of the installer.
    pub installer: Option<String>,
}

/// A change against a base, or everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InventoryContent {
    /// All components.
    Whole(PackedComponents),
    /// Against the set with this digest.
    Change {
        /// The base.
        base: Digest,
        /// What turns it into the set that is reported.
        delta: PackedDelta,
    },
}

/// Which documents the machine has already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersAsked {
    /// The charter's number.
    pub charter: u64,
    /// Digest of the documents that it has.
    pub known: Digest,
}

/// The documents for one machine, all of them or only what came. The same shape is handed
/// on to the installer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Charters above the one asked with, oldest first.
    pub charters: Vec<Signed<Charter>>,
    /// The newest roster.
    pub roster: Option<Signed<Roster>>,
    /// The newest assignment that has a row for this machine.
    pub assignment: Option<Placed<Assignment>>,
    /// Approvals that name it, at most [`MAX_APPROVALS`].
    pub approvals: Vec<Placed<Approval>>,
    /// Every stop.
    pub stops: Vec<Signed<Stop>>,
    /// Every lift.
    pub lifts: Vec<Signed<Lift>>,
    /// Downgrades that name it.
    pub downgrades: Vec<Signed<Downgrade>>,
    /// Handovers that name it.
    pub handovers: Vec<Signed<Handover>>,
    /// Time resets that name it.
    pub time_resets: Vec<Signed<TimeReset>>,
    /// The orders that these add to, as the machine named them; `None` where these are all.
    pub base: Option<Digest>,
    /// Digest of all orders after these, to be repeated in hello.
    pub digest: Digest,
}

/// A range of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactAsked {
    /// Its name.
    pub sha256: Digest,
    /// First byte.
    pub offset: u64,
    /// How many bytes, at most [`MAX_RANGE_BYTES`].
    pub length: u64,
}

/// Precedes an artifact's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactHeader {
    /// Length of the whole artifact.
    pub total: u64,
    /// How many bytes follow.
    pub length: u64,
}

/// May this job start now?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoAsked {
    /// The job.
    pub job: JobId,
    /// Its approval.
    pub approval: Digest,
    /// This boot.
    pub boot: BootId,
    /// The installer's nonce.
    pub nonce: Nonce,
}

/// Not now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotNow {
    /// Why, in words.
    pub reason: String,
    /// When to ask again, in milliseconds.
    pub again_ms: u64,
}

/// Signed job events, oldest first, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalReport {
    /// The outbox that holds them.
    pub outbox: OutboxId,
    /// Sequence of the first.
    pub first: u64,
    /// Each the bytes of a `Signed<JobEvent>`; at most [`MAX_EVENTS`].
    pub events: Vec<ByteBuf>,
}

/// The request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What a program does about it.
    pub code: RefusedCode,
    /// What a person reads.
    pub text: String,
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCode {
    /// The request is malformed or not known here.
    BadRequest,
    /// The token is unknown, used up, expired, or not for this host.
    Token,
    /// This machine may not: revoked, or not its own row.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The same journal key came with other bytes.
    JournalConflict,
    /// Another machine runs with this identity; a person must decide.
    Clone,
    /// The collector is busy or its disk is full; nothing was stored.
    Busy,
}

impl Refused {
    /// A refusal with its words.
    pub fn new(code: RefusedCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// The identity that a certificate carries: the machine id in lower-case hex as its
/// only common name.
pub fn machine_of_common_name(common_name: &str) -> Option<MachineId> {
    common_name.parse().ok()
}

#[cfg(test)]
mod tests;
