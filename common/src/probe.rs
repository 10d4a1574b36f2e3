//! Probes: local, read-only ways to learn a version or a state.
//!
//! A probe is one TOML file of `probes.d`, named after the file's stem. This module
//! reads such a file strictly and says what a probe's answer means; the agent runs
//! probes for versions and readiness, the installer those for the interlock.

mod answer;
mod file;
pub mod logind;

use crate::id::Name;

pub use answer::{Ran, Readiness, interlock, is_held, readiness, version};
pub use file::{BadFile, FileTraits, check_file};
pub(crate) use file::{check_argv, check_path, version_from};

/// Longest run of a probe in milliseconds; a slower one says nothing.
pub const PROBE_LIMIT_MS: u64 = 3_000;
/// Most output that is read of a probe, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 4_096;
/// Largest probe file; the examples have under 1 KiB.
pub const MAX_PROBE_FILE_BYTES: usize = 16 * 1_024;
/// Most probes in one folder; each costs a process per report.
pub const MAX_PROBES: usize = 64;
/// Most words of a command.
pub const MAX_ARGUMENTS: usize = 32;
/// Most users that a logind probe leaves out.
pub const MAX_KIOSK_USERS: usize = 16;
/// Longest idle time that a logind probe may ask for, in minutes: half a day.
pub const MAX_IDLE_MINUTES: u32 = 720;

/// A probe as its file defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The file's stem.
    pub name: Name,
    /// How it asks.
    pub kind: Kind,
    /// What its answer is for.
    pub purpose: Purpose,
    /// It asks the application itself, so it is not asked after our own stop.
    pub needs_app: bool,
}

/// How a probe asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Runs a program; its words come from the file only.
    Command {
        /// The program's absolute path, and its arguments.
        argv: Vec<String>,
    },
    /// Reads a file.
    File {
        /// Its absolute path.
        path: String,
    },
    /// Asks whether somebody holds a lock on a file.
    FileLock {
        /// Its absolute path.
        path: String,
    },
    /// Asks logind for sessions and inhibitors.
    Logind {
        /// A session idle for at least this long does not count as use; 0 counts
        /// every session.
        idle_minutes: u32,
        /// Users whose sessions never count: a kiosk is always logged in.
        kiosk_users: Vec<String>,
    },
    /// Asks for a handover for this slot.
    Handover,
}

/// What a probe's answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The version of a component.
    Version {
        /// The component's name.
        component: String,
        /// Where in the answer the version stands.
        from: VersionFrom,
    },
    /// Whether the machine's application is ready for work.
    Ready,
    /// Whether the machine may be disturbed.
    Interlock,
}

/// Where in a probe's answer the version stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionFrom {
    /// The first line is the version.
    FirstLine,
    /// The string or whole number at this pointer (RFC 6901) into JSON.
    Json(String),
    /// What follows this text on the first line that starts with it, to the next space.
    Prefix(String),
}

/// Why a probe's text was refused. `file` is the reader's to add.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadProbe {
    /// Not TOML, or a value of another type.
    #[error("line {line}: {problem}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        problem: String,
    },
    /// A key that no probe has.
    #[error("line {line}: unknown key {key:?}{}", .meant.map(|m| format!("; did you mean {m:?}?")).unwrap_or_default())]
    UnknownKey {
        /// Line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The nearest known key.
        meant: Option<&'static str>,
    },
    /// A value outside of its words.
    #[error("{key} = {found:?} is unknown; one of {known} is allowed")]
    UnknownWord {
        /// The key.
        key: &'static str,
        /// The value.
        found: String,
        /// The words.
        known: &'static str,
    },
    /// A key that this kind or purpose needs.
    #[error("a {of} probe needs the key {key:?}")]
    Missing {
        /// The key.
        key: &'static str,
        /// The kind or purpose.
        of: &'static str,
    },
    /// A key that says nothing for this kind or purpose.
    #[error("a {of} probe has no key {key:?}; remove it")]
    OutOfPlace {
        /// The key.
        key: &'static str,
        /// The kind or purpose.
        of: &'static str,
    },
    /// A kind that cannot answer this purpose.
    #[error("a {kind} probe cannot be for {purpose}")]
    WrongPurpose {
        /// The kind.
        kind: &'static str,
        /// The purpose.
        purpose: &'static str,
    },
    /// A value that breaks a rule.
    #[error("{key}: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// The rule.
        problem: &'static str,
    },
}

impl Probe {
    /// Reads the text of the probe file with the stem `name`.
    pub fn parse(name: Name, text: &str) -> Result<Self, BadProbe> {
        file::parse(name, text)
    }
}

#[cfg(test)]
mod tests;
