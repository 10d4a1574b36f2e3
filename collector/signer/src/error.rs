//! Why a command did not do what it was asked, in words that say what to do.

use std::path::PathBuf;

/// Why a command did not do what it was asked. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file could not be read.
    #[error("cannot read {}: {problem}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file could not be written.
    #[error("cannot write {}: {problem}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file's content is not what it should be.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A flag's value is not possible.
    #[error("{0}")]
    Input(String),
    /// A key may not sign this.
    #[error("{0}")]
    Key(String),
    /// The plan has findings that block.
    #[error(
        "{0} findings block this plan, so it is not signed; they stand above, each with what to do"
    )]
    Findings(usize),
    /// The evidence does not prove what it should.
    #[error("{0} findings: this file does not prove all that it says; they stand above")]
    Evidence(usize),
    /// The person did not say yes.
    #[error("not signed: you did not type yes")]
    Declined,
    /// The terminal is gone.
    #[error("cannot talk to the terminal: {0}")]
    Terminal(std::io::Error),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
}

impl Failure {
    /// 1 for what can be put right and tried again, 3 for a refusal on substance, 4 for
    /// a person's no. (2 is the command line's own.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Key(_) | Self::Findings(_) | Self::Evidence(_) => 3,
            Self::Declined => 4,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Content { .. }
            | Self::Input(_)
            | Self::Terminal(_)
            | Self::Random(_) => 1,
        }
    }
}
