//! The command line.

mod custodian;

pub(crate) use custodian::{CustodianCommand, ShowDraft, SignTargets};

use clap::{Args, Parser, Subcommand};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label, MachineId, Name};
use patchward_common::trust::sign::PublicKey;
use std::path::PathBuf;

/// Signs the hospital's documents on files, away from the collector. Every command shows
/// what it signs and asks before it does.
#[derive(Debug, Parser)]
#[command(name = "patchward-sign", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 something to put right; 2 wrong command line; \
3 refused on substance (a key that may not sign, a plan that must not be signed, evidence that \
does not hold); 4 a person said no.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make or show a key
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make the hospital root, or show its fingerprint
    #[command(subcommand)]
    Root(RootCommand),
    /// Sign a charter, as root keys do
    Charter(FromFile),
    /// Sign a roster, as a registrar does
    Roster(RosterArgs),
    /// Sign a table that says what each machine is, as approvers do
    Assignment(FromFile),
    /// Check and sign a plan, as approvers do
    Approve(Approve),
    /// Stop a plan, a release, a vendor, a unit or everything
    Stop(StopArgs),
    /// Lift a stop
    Lift(LiftArgs),
    /// Let named machines go back to an older release, once
    Downgrade(DowngradeArgs),
    /// Hand an always-used machine over for one slot
    Handover(HandoverArgs),
    /// Let one machine's time watermark fall, as root keys do
    TimeReset(TimeResetArgs),
    /// The custodian repository: sign its root and what the hospital vouches for
    #[command(subcommand)]
    Custodian(CustodianCommand),
    /// Add a signature to a document that somebody else has signed
    Cosign(Cosign),
    /// Show any file of patchward in plain words, without signing
    Show(Show),
    /// Verify a pack or an archive of evidence, offline, with nothing but the hospital root's
    /// fingerprint
    VerifyEvidence(VerifyEvidence),
}

/// Keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new Ed25519 key in a new file that only you can read; prints its public half
    New {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the public half of a key
    Show {
        /// The key file
        key: PathBuf,
    },
}

/// The hospital root.
#[derive(Debug, Subcommand)]
pub enum RootCommand {
    /// Write root keys and their threshold
    New {
        /// A public key, in hex; once per key
        #[arg(long = "public", required = true)]
        public: Vec<PublicKey>,
        /// How many of them must sign
        #[arg(long)]
        threshold: u8,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the fingerprint that machines pin, of a root file or a first charter
    Fingerprint {
        /// The file
        file: PathBuf,
    },
}

/// How to sign.
#[derive(Debug, Args)]
pub struct Signing {
    /// A key file; once per key
    #[arg(long = "key", required = true)]
    pub keys: Vec<PathBuf>,
    /// The file to write
    #[arg(long)]
    pub out: PathBuf,
    /// Do not ask: you have read what is signed
    #[arg(long)]
    pub yes: bool,
}

/// A document described by a file.
#[derive(Debug, Args)]
pub struct FromFile {
    /// The description, in TOML
    #[arg(long)]
    pub from: PathBuf,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// A roster described by a file.
#[derive(Debug, Args)]
pub struct RosterArgs {
    /// The description, in TOML
    #[arg(long)]
    pub from: PathBuf,
    /// The charter in force: checks that you are a registrar and no go-key is one's
    #[arg(long)]
    pub charter: Option<PathBuf>,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

const APPROVE_HELP: &str = "\
Every plan that you sign is kept until it expires, in the folder KEY.signed beside the key file or \
where --memory says. The next plan is checked together with all that are kept, so that a collector \
that leaves one out cannot have two plans work on one coverage group at the same time. Keep the \
folder with the key. A plan in it that nobody will use still counts: stop it with `patchward-sign \
stop --plan DIGEST`, hand the stop in, and only then move its file away.";

/// A plan to sign.
#[derive(Debug, Args)]
#[command(after_help = APPROVE_HELP)]
pub struct Approve {
    /// The plan, as the collector exports it
    pub plan: PathBuf,
    /// The hospital root's fingerprint as you know it; without it the plan's own is shown to be
    /// compared, and --yes is refused
    #[arg(long, env = "PATCHWARD_ROOT")]
    pub root: Option<Digest>,
    /// Another plan that stands, such as one that a colleague signed; once per file
    #[arg(long = "beside")]
    pub beside: Vec<PathBuf>,
    /// The folder of the plans that you signed, instead of one beside each key
    #[arg(long)]
    pub memory: Option<PathBuf>,
    /// Show slots in this time zone instead of UTC
    #[arg(long)]
    pub zone: Option<String>,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// What to stop.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// What it covers
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Why
    #[arg(long)]
    pub reason: Label,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// What a stop covers.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArgs {
    /// One plan, by its digest
    #[arg(long)]
    pub plan: Option<Digest>,
    /// One release, by the digest of its first artifact
    #[arg(long)]
    pub release: Option<Digest>,
    /// Everything from one vendor
    #[arg(long)]
    pub vendor: Option<Name>,
    /// Everything in one unit
    #[arg(long)]
    pub unit: Option<Name>,
    /// Everything
    #[arg(long)]
    pub all: bool,
}

/// What to lift.
#[derive(Debug, Args)]
pub struct LiftArgs {
    /// The stop's file
    #[arg(long)]
    pub stop: PathBuf,
    /// Why
    #[arg(long)]
    pub reason: Label,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// Who may go back, and how far.
#[derive(Debug, Args)]
pub struct DowngradeArgs {
    /// A machine; once per machine
    #[arg(long = "machine", required = true)]
    pub machines: Vec<MachineId>,
    /// The product
    #[arg(long)]
    pub product: Name,
    /// The version that is there
    #[arg(long)]
    pub from_version: String,
    /// The older version
    #[arg(long)]
    pub to_version: String,
    /// Why
    #[arg(long)]
    pub reason: Label,
    /// For how many days it may be used
    #[arg(long, default_value_t = 7)]
    pub days: u32,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// Which machine is handed over.
#[derive(Debug, Args)]
pub struct HandoverArgs {
    /// The machine
    #[arg(long)]
    pub machine: MachineId,
    /// The plan, by its digest; the job follows from it
    #[arg(long, conflicts_with = "job", required_unless_present = "job")]
    pub plan: Option<Digest>,
    /// The job
    #[arg(long)]
    pub job: Option<JobId>,
    /// When the slot begins, such as 2027-01-31T02:00:00Z
    #[arg(long)]
    pub slot_start: String,
    /// When the slot ends
    #[arg(long)]
    pub slot_end: String,
    /// What the ward uses meanwhile
    #[arg(long)]
    pub stand_in: Label,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// Whose time falls.
#[derive(Debug, Args)]
pub struct TimeResetArgs {
    /// The machine
    #[arg(long)]
    pub machine: MachineId,
    /// To when, such as 2027-01-31T02:00:00Z
    #[arg(long)]
    pub to: String,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// A document to sign too.
#[derive(Debug, Args)]
pub struct Cosign {
    /// The document's file
    pub file: PathBuf,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// A file to show.
#[derive(Debug, Args)]
pub struct Show {
    /// The file
    pub file: PathBuf,
    /// Show slots in this time zone instead of UTC
    #[arg(long)]
    pub zone: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Evidence to verify.
#[derive(Debug, Args)]
pub struct VerifyEvidence {
    /// The pack
    pub pack: PathBuf,
    /// The hospital root's fingerprint as you know it
    #[arg(long, env = "PATCHWARD_ROOT")]
    pub root: Digest,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
