//! What people must learn for a release, and who says that they have.

use super::release;
use crate::app::App;
use crate::command::Caller;
use crate::control::{Failure, Output};
use patchward_common::id::{Label, Name};
use patchward_common::plan::Training;
use serde::{Deserialize, Serialize};

/// What can be stated of training.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum TrainingCommand {
    /// A release needs training; no plan with it is signed until somebody confirms
    Need {
        /// PRODUCT=VERSION
        release: String,
        /// What has to be known
        #[arg(long)]
        what: Label,
        /// In this unit alone
        #[arg(long)]
        unit: Option<Name>,
    },
    /// People were trained
    Confirm {
        /// PRODUCT=VERSION
        release: String,
        /// Who says so
        #[arg(long)]
        by: Label,
        /// In this unit
        #[arg(long)]
        unit: Option<Name>,
    },
    /// A release needs no training after all
    Drop {
        /// PRODUCT=VERSION
        release: String,
        /// Why
        #[arg(long)]
        why: Label,
        /// In this unit
        #[arg(long)]
        unit: Option<Name>,
    },
}

/// Carries out a command on training.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: TrainingCommand,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let text = match command {
        TrainingCommand::Need {
            release: text,
            what,
            unit,
        } => {
            let (product, version) = release(&text)?;
            let training = Training {
                product,
                version,
                unit,
                what,
                confirmed: None,
            };
            change.need_training(&training).await?;
            format!("{text} needs training: no plan with it is signed until it is confirmed.")
        }
        TrainingCommand::Confirm {
            release: text,
            by,
            unit,
        } => {
            let (product, version) = release(&text)?;
            let unit = unit.as_ref();
            change
                .confirm_training(&product, &version, unit, &by)
                .await?;
            format!("{by} confirms the training for {text}.")
        }
        TrainingCommand::Drop {
            release: text,
            why,
            unit,
        } => {
            let (product, version) = release(&text)?;
            let unit = unit.as_ref();
            change.drop_training(&product, &version, unit, &why).await?;
            format!("{text} needs no training there: {why}.")
        }
    };
    change.commit().await?;
    Ok(Output::Text(text))
}
