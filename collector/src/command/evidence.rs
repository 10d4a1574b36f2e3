//! Evidence: packs that verify without us.

use super::{job, plan};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::evidence;
use patchward_common::evidence::MAX_JOBS;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::path::PathBuf;

/// What can be done with evidence.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum EvidenceCommand {
    /// Write a pack of evidence, for `patchward-sign verify-evidence`
    Export {
        /// One job, by its id or the first digits of it
        #[arg(required_unless_present = "plan")]
        job: Option<String>,
        /// Every job of a plan, by the plan's id or the first digits of it
        #[arg(long, conflicts_with = "job")]
        plan: Option<String>,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
}

/// Carries out a command on evidence.
pub async fn run(app: &App, command: EvidenceCommand) -> Result<Output, Failure> {
    let EvidenceCommand::Export { job: one, plan, .. } = command;
    let mut view = app.store.view().await?;
    let jobs = match (one, plan) {
        (Some(text), _) => vec![job::named(&mut view, &text).await?],
        (None, Some(text)) => {
            let plan = plan::find(&mut view, &text).await?;
            view.jobs_of_plan(&plan.id).await?
        }
        (None, None) => return Err(Failure::input("name a job or a plan")),
    };
    if jobs.is_empty() || jobs.len() > MAX_JOBS {
        return Err(Failure::input(format!(
            "1 to {MAX_JOBS} jobs fit into a pack"
        )));
    }
    let pack = evidence::pack(&mut view, &jobs, app.now()).await?;
    Ok(Output::File {
        bytes: ByteBuf::from(pack.to_bytes()),
        text: format!(
            "Evidence of {} jobs. Verify it away from here, with the hospital root's fingerprint: \
             `patchward-sign verify-evidence`.",
            jobs.len()
        ),
    })
}
