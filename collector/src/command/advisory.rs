//! Advisories: what is vulnerable, what of it is ours, and what people said about it.

mod check;
pub mod files;

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::control::{Failure, Output};
use files::Files;
use serde::{Deserialize, Serialize};

/// What can be done with advisories.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AdvisoryCommand {
    /// Read advisories without storing them, and say of every product entry what it comes to.
    /// It needs no running collector, but for --hospital
    Check(Check),
}

/// What is checked, against what.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Check {
    /// A CSAF file, or a folder of them
    files: Files,
    /// Against this list: CSV with the columns manufacturer, model, version and serial
    #[arg(long, conflicts_with = "hospital")]
    assets: Option<InputFile>,
    /// Against everything that the running collector knows
    #[arg(long)]
    hospital: bool,
    /// Say which vulnerabilities are exploited: CISA's catalogue
    #[arg(long)]
    kev: Option<InputFile>,
}

impl AdvisoryCommand {
    /// What the command says without a collector; `None` where it needs one.
    pub fn alone(&self) -> Option<Result<Output, Failure>> {
        match self {
            Self::Check(asked) if !asked.hospital => Some(check::alone(asked)),
            _ => None,
        }
    }
}

/// Carries out a command on advisories.
pub async fn run(app: &App, _caller: &Caller, command: AdvisoryCommand) -> Result<Output, Failure> {
    match command {
        AdvisoryCommand::Check(asked) => check::in_hospital(app, &asked).await,
    }
}
