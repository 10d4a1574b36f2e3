//! Exposure: how urgent what is open is, with the parts that make it so; exceptions.

mod except;
mod list;
pub mod scope;
mod show;

pub(super) use list::{MATCHES, must_be_there, page, shown};

use super::Caller;
use crate::app::App;
use crate::control::{Failure, Output};
use serde::{Deserialize, Serialize};

/// What can be done with exposure.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ExposureCommand {
    /// Show every open match of an advisory with a machine or asset, the most urgent first
    List(list::Asked),
    /// Show one advisory on one machine or asset: each vulnerability with its parts, and what
    /// stands in until there is a fix
    Show(show::Asked),
    /// Exceptions: leave an advisory as it is for a time, with what protects meanwhile
    #[command(subcommand)]
    Except(except::ExceptCommand),
}

/// Carries out a command on exposure.
pub async fn run(app: &App, caller: &Caller, command: ExposureCommand) -> Result<Output, Failure> {
    match command {
        ExposureCommand::List(asked) => list::list(app, &asked).await,
        ExposureCommand::Show(asked) => show::show(app, &asked).await,
        ExposureCommand::Except(command) => except::run(app, caller, command).await,
    }
}
