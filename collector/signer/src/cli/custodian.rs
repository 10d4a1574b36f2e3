//! The words of `custodian`.

use super::{FromFile, Signing};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The hospital's own repository, for what vendors send by portal and disc.
#[derive(Debug, Subcommand)]
pub enum CustodianCommand {
    /// Sign a root: who signs roots, targets and, at the collector, what is fresh
    Root(FromFile),
    /// Check a draft of the targets and sign it
    Sign(SignTargets),
    /// Show what a draft changes, without signing
    Show(ShowDraft),
}

/// Targets to sign.
#[derive(Debug, Args)]
pub struct SignTargets {
    /// The draft, as `patchward-collector custodian draft` writes it
    pub draft: PathBuf,
    /// Your own copy of an artifact: its bytes are compared with the draft's; once per file
    #[arg(long = "copy")]
    pub copies: Vec<PathBuf>,
    /// For how many days the targets count
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// The targets before were signed with other keys, since a root has changed them
    #[arg(long)]
    pub new_key: bool,
    /// How to sign
    #[command(flatten)]
    pub signing: Signing,
}

/// A draft to look at.
#[derive(Debug, Args)]
pub struct ShowDraft {
    /// The draft
    pub draft: PathBuf,
    /// Your own copy of an artifact: its bytes are compared with the draft's; once per file
    #[arg(long = "copy")]
    pub copies: Vec<PathBuf>,
}
