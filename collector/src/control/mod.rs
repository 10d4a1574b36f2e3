//! The collector's commands travel over a Unix socket to the running collector: the
//! same functions serve them, the pages and the API, and nothing else opens the store.

pub mod client;
pub mod frame;
pub mod output;
pub mod server;

pub use output::{Cell, Output, Report, Table};

use crate::command::Command;
use serde::{Deserialize, Serialize};

/// What a command sends.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    /// The command with its arguments; files that it names come with it.
    pub command: Command,
}

/// What comes back: any number of [`Reply::Progress`], then one of the others.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// How far it is.
    Progress {
        /// What is being done.
        what: String,
        /// How much of it is done.
        done: u64,
        /// Of how much.
        total: u64,
    },
    /// It is done.
    Done(Output),
    /// It was not done.
    Failed(Failure),
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which exit code says it.
    pub kind: FailureKind,
    /// What happened, why, and what to do.
    pub text: String,
}

/// Kinds of failure, each with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The arguments or files make no sense: nothing was changed. Exit code 2.
    Input,
    /// There is no such thing. Exit code 3.
    NotFound,
    /// It contradicts what is there, or somebody else was faster. Exit code 4.
    Conflict,
    /// The collector cannot do it now: disk full, busy, stopping. Exit code 5.
    Unavailable,
    /// A fault of ours. Exit code 1.
    Internal,
}

impl FailureKind {
    /// The exit code of a command that ends with it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Input => 2,
            Self::NotFound => 3,
            Self::Conflict => 4,
            Self::Unavailable => 5,
        }
    }
}

impl Failure {
    /// Wrong arguments or files.
    pub fn input(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Input,
            text: text.into(),
        }
    }

    /// No such thing.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::NotFound,
            text: text.into(),
        }
    }

    /// Against what is there.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Conflict,
            text: text.into(),
        }
    }
}
