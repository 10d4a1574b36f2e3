//! The hospital's signed documents: taken in from files, shown.

mod carried;
mod numbered;
mod plain;
mod roster;

use super::Caller;
use super::file::InputFile;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::documents::DocumentKind;
use patchward_common::plan::{ASSIGNMENT_FORMAT, file};
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::wire::collector::Nudge;
use serde::{Deserialize, Serialize};

/// What can be done with signed documents.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum DocumentCommand {
    /// Take in a file that patchward-sign wrote: charter, roster, assignment, stop, lift,
    /// downgrade, handover or time reset
    Add {
        /// The file
        file: InputFile,
    },
    /// Show the documents that are here
    List,
    /// Show who may sign what and where: the roster's people, their keys, and which count now
    Roster,
}

/// Carries out a command on documents.
pub async fn run(app: &App, caller: &Caller, command: DocumentCommand) -> Result<Output, Failure> {
    match command {
        DocumentCommand::Add { file } => add(app, caller, &file).await,
        DocumentCommand::List => list(app).await,
        DocumentCommand::Roster => roster::show(app).await,
    }
}

/// The format that a file says it has.
fn format_of(input: &InputFile) -> Result<String, Failure> {
    let limit = super::file::MAX_FILE_BYTES as usize;
    patchward_common::codec::decode::<(String, serde::de::IgnoredAny)>(&input.bytes, limit)
        .map(|(format, _)| format)
        .map_err(|error| Failure::input(format!("it is no file of patchward-sign: {error}")))
}

fn read<T: Document>(input: &InputFile) -> Result<Signed<T>, Failure> {
    file::from_bytes(T::TYPE, T::MAX_BYTES * 2, &input.bytes)
        .map_err(|error| Failure::input(error.to_string()))
}

/// A document that allows nothing any more changes nothing either.
fn in_date(what: &str, expires: UtcMs, now: UtcMs) -> Result<(), Failure> {
    if now < expires {
        return Ok(());
    }
    Err(Failure::conflict(format!(
        "This {what} has ended, at {expires}; sign a new one. Nothing was changed."
    )))
}

async fn add(app: &App, caller: &Caller, input: &InputFile) -> Result<Output, Failure> {
    let taken_in = take_in(app, caller, input).await;
    taken_in.map_err(|failure| Failure {
        text: format!("{}: {}", input.name, failure.text),
        ..failure
    })
}

async fn take_in(app: &App, caller: &Caller, input: &InputFile) -> Result<Output, Failure> {
    let format = format_of(input)?;
    let said = match format.as_str() {
        Charter::TYPE => numbered::charter(app, caller, read(input)?).await?,
        Roster::TYPE => numbered::roster(app, caller, read(input)?).await?,
        ASSIGNMENT_FORMAT => numbered::assignment(app, caller, input).await?,
        Stop::TYPE => plain::stop(app, caller, read(input)?).await?,
        Lift::TYPE => plain::lift(app, caller, read(input)?).await?,
        Downgrade::TYPE => plain::downgrade(app, caller, read(input)?).await?,
        Handover::TYPE => plain::handover(app, caller, read(input)?).await?,
        TimeReset::TYPE => plain::time_reset(app, caller, read(input)?).await?,
        other => {
            return Err(Failure::input(format!(
                "it holds a {:?}, which is no document that this collector takes in; a newer \
                 file needs a newer collector",
                other.chars().take(64).collect::<String>()
            )));
        }
    };
    let nudge = if format == Stop::TYPE {
        Nudge::Stop
    } else {
        Nudge::OrdersChanged
    };
    app.fleet.nudge_all(nudge);
    Ok(Output::Text(said))
}

async fn list(app: &App) -> Result<Output, Failure> {
    let mut table = Table::new(&["kind", "number", "about", "added", "expires", "digest"]);
    let mut view = app.store.view().await?;
    let now = app.now();
    let numbered = [
        DocumentKind::Charter,
        DocumentKind::Roster,
        DocumentKind::Assignment,
    ];
    let plain = [
        DocumentKind::Stop,
        DocumentKind::Lift,
        DocumentKind::Downgrade,
        DocumentKind::Handover,
        DocumentKind::TimeReset,
    ];
    let mut found = Vec::new();
    for kind in numbered {
        found.extend(view.numbered_after(kind, 0).await?);
    }
    for kind in plain {
        found.extend(view.in_force(kind, now).await?);
    }
    for document in found {
        table.row(vec![
            Cell::of(document.kind.word()),
            document
                .number
                .map_or(Cell::Empty, |n| Cell::Number(n as i64)),
            Cell::maybe(document.subject.or(document.scope)),
            Cell::of(document.added_at),
            Cell::maybe(document.expires_at),
            Cell::of(document.digest),
        ]);
    }
    Ok(Output::Table(table))
}
