//! The collector's commands travel over a Unix socket to the running collector: the
//! same functions serve them, the pages and the API, and nothing else opens the store.

pub mod client;
pub mod frame;
mod heading;
pub mod output;
pub mod server;

pub use output::{Cell, Output, Report, Table};

use crate::command::Command;
use crate::fleet::FleetError;
use crate::store::StoreError;
use patchward_common::settings::BadSettings;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;

/// A new id of a request, by which its lines are found in the log: 16 hexadecimal digits.
pub fn request_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

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

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// Whether an error, or what caused it, is that a disk or what is granted of it is full.
pub fn is_no_room(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut kinds = causes.filter_map(|cause| Some(cause.downcast_ref::<std::io::Error>()?.kind()));
    kinds.any(|kind| {
        matches!(
            kind,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        )
    })
}

/// What `init` and `serve` end with: the exit code by what is known of the cause.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let kind = error.chain().find_map(kind_of);
        Self {
            kind: kind.unwrap_or(FailureKind::Internal),
            text: format!("{error:#}"),
        }
    }
}

fn kind_of(cause: &(dyn std::error::Error + 'static)) -> Option<FailureKind> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(failure.kind);
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return Some(Failure::from(error.clone()).kind);
    }
    if let Some(FleetError::Bind { .. }) = cause.downcast_ref::<FleetError>() {
        return Some(FailureKind::Unavailable);
    }
    cause.downcast_ref::<BadSettings>()?;
    Some(FailureKind::Input)
}

impl Failure {
    /// A failure of this kind that says the error with all that caused it.
    pub fn because(kind: FailureKind, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        Self { kind, text }
    }

    /// A fault of ours that ended what was asked for.
    pub fn fault() -> Self {
        Self {
            kind: FailureKind::Internal,
            text: "a fault of the collector's own; its log has the details".into(),
        }
    }

    /// Not possible now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Unavailable,
            text: text.into(),
        }
    }

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
