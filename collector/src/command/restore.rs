//! Coming back from a backup: what machines know that this collector does not, and a person's
//! word that it is the one to go on with. The coming back itself is done where it is typed.

use super::backup::alone;
use super::release::absolute;
use super::{Caller, zones::Zones};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::machines::MachineState;
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What can be done about a backup that is needed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum RestoreCommand {
    /// Make the folder that --folder names out of a backup; it has to be empty
    From {
        /// The backup
        #[arg(value_parser = absolute)]
        backup: PathBuf,
        /// Another database than the backup's settings say: a PostgreSQL URL, or `sqlite` for a
        /// file in the folder
        #[arg(long)]
        database: Option<String>,
    },
    /// Say of a folder that was put back by other means, such as a snapshot of the computer,
    /// that it was; while no collector runs on it
    PutBack,
    /// Show what machines know that this restored collector does not
    Show,
    /// Say that this restored collector is the one to go on with: work may start again
    Confirm {
        /// Why: what was compared, and what was done about what is missing
        #[arg(long)]
        reason: Label,
    },
}

/// Carries out a command on a collector that was put back.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: RestoreCommand,
) -> Result<Output, Failure> {
    match command {
        RestoreCommand::From { .. } | RestoreCommand::PutBack => Err(alone()),
        RestoreCommand::Show => show(app).await,
        RestoreCommand::Confirm { reason } => confirm(app, caller, &reason).await,
    }
}

async fn show(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let zones = Zones::read(&mut view).await?;
    let restored = view.restored().await?;
    let heard = view.witnesses().await?;
    let counts = view.machine_counts().await?.into_iter();
    let of_fleet = counts.filter(|(state, _)| *state == MachineState::Enrolled);
    let fleet: u64 = of_fleet.map(|(_, count)| count).sum();
    let ahead = heard.iter().filter(|one| !one.ahead.is_empty());
    let ahead_count = ahead.clone().count();
    let mut machines = Table::new(&["machine", "unit", "asked", "knows"]);
    for one in ahead {
        machines.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.unit),
            zones.cell(Some(&one.unit), one.at),
            Cell::of(&one.ahead),
        ]);
    }
    let text = match &restored {
        None => "No restored database waits for anybody here.".to_owned(),
        Some(_) => format!(
            "No go is given. {} of {fleet} machines have said what they remember, and \
             {ahead_count} know more than this collector. What they know was signed or decided \
             after the backup: take in again what was signed (`document add`, `plan sign`), say \
             again what was said here (revoked machines, stops, freezes, holds, accounts), and \
             then `restore confirm`.",
            heard.len()
        ),
    };
    let of = restored.and_then(|restored| restored.of);
    let parts = [
        ("waits", Cell::Flag(restored.is_some())),
        ("restored", zones.maybe(None, restored.map(|one| one.at))),
        ("as_of", zones.maybe(None, of)),
        ("machines", Cell::Number(fleet as i64)),
        ("asked", Cell::Number(heard.len() as i64)),
        ("know_more", Cell::Number(ahead_count as i64)),
    ];
    Ok(Output::Report(
        Report::new(parts, text).with("know_more_than_this_collector", machines),
    ))
}

async fn confirm(app: &App, caller: &Caller, reason: &Label) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    change.confirm_restored(reason.as_str()).await?;
    change.commit().await?;
    app.fleet.confirmed();
    Ok(Output::Text(
        "This collector is the one to go on with. Work may start again where all else allows it."
            .to_owned(),
    ))
}
