//! Advisories: what is vulnerable, what of it is ours, and what people said about it.

pub(super) mod alias;
mod asked;
mod check;
mod decide;
pub mod files;
mod list;
mod mark;
mod matches;
mod show;
mod take;

pub(super) use matches::{Rows, told};
pub(super) use show::told as shown;

use super::file::InputFile;
use super::{Caller, window};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::matching::{self, Only, Outcome};
use files::Files;
pub(super) use list::need;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// What can be done with advisories.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AdvisoryCommand {
    /// Read advisories without storing them, and say of every product entry what it comes to.
    /// It needs no running collector, but for --hospital
    Check(Check),
    /// Take in CSAF advisories, and match them at once
    Import {
        /// A CSAF file, or a folder of them
        files: Files,
    },
    /// Show all advisories, those that need somebody first
    List(Box<asked::Asked>),
    /// Show one: its products, what can be done, what it comes to here
    Show {
        /// Its id
        id: String,
    },
    /// Show what changed between two of its revisions; the last two where none is named
    Diff {
        /// Its id
        id: String,
        /// The one, by our count
        #[arg(long, requires = "to")]
        from: Option<u32>,
        /// The other
        #[arg(long, requires = "from")]
        to: Option<u32>,
    },
    /// Remove one with its matches; what people decided stays
    Remove {
        /// Its id
        id: String,
    },
    /// Note that you have read it
    Read {
        /// Its id
        id: String,
    },
    /// Write a note on it
    Comment {
        /// Its id
        id: String,
        /// The note
        text: Label,
    },
    /// Run the matching now: of all advisories or of these, against all that there is or
    /// against some machines and assets alone
    Match(take::Which),
    /// Show what of ours advisories come to
    Matches(matches::Asked),
    /// Say whether something of ours is affected; it is remembered for others of its kind and
    /// for new revisions
    Decide(decide::Asked),
    /// Show what people decided
    Decisions,
    /// Undo a decision
    Undo {
        /// Its number
        number: u32,
    },
    /// Names that stand for others
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Note how far the work on machines and assets is
    Mark(mark::Asked),
    /// Say which software an asset has
    Installed {
        /// The asset's tag
        tag: Label,
        /// The version, as the device shows it
        version: Label,
    },
    /// What is exploited: CISA's catalogue
    #[command(subcommand)]
    Kev(KevCommand),
    /// Safety notices and recalls of manufacturers
    #[command(subcommand)]
    Notice(NoticeCommand),
}

/// What can be done with the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum KevCommand {
    /// Take in the catalogue, in place of the one before
    Import {
        /// The JSON file
        file: InputFile,
    },
}

/// What can be done with notices.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum NoticeCommand {
    /// Enter a notice, or a newer version of one
    Add(Box<AddNotice>),
}

/// A notice as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct AddNotice {
    /// Its reference, such as FSN-2026-014
    id: String,
    /// Whether the manufacturer takes the devices back: recall or notice
    #[arg(long, value_parser = ["recall", "notice"])]
    kind: String,
    /// The manufacturer
    #[arg(long)]
    manufacturer: Label,
    /// A model; may be given several times
    #[arg(long = "model", required = true)]
    models: Vec<Label>,
    /// The versions, such as "4.2.1 and prior"; without them all
    #[arg(long, default_value = "")]
    versions: String,
    /// A serial or lot number, * and ? stand for anything and one character; may be given
    /// several times
    #[arg(long = "serial")]
    serials: Vec<Label>,
    /// What it says
    #[arg(long)]
    text: String,
    /// Where it can be read
    #[arg(long)]
    link: Option<String>,
    /// Until when something is to be done, such as 2026-12-24T00:00:00Z
    #[arg(long, value_parser = window::instant)]
    due: Option<UtcMs>,
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

/// Matches some advisories or all after a change is stored, as its caller.
pub(super) async fn matched(
    app: &App,
    caller: &Caller,
    only: Option<&[String]>,
) -> Result<Outcome, Failure> {
    let only = Only {
        advisories: only,
        things: None,
    };
    let ran = matching::refresh(&app.store, &app.matching, &caller.actor, app.now(), only).await?;
    Ok(ran.outcome)
}

/// Carries out a command on advisories.
pub async fn run(app: &App, caller: &Caller, command: AdvisoryCommand) -> Result<Output, Failure> {
    match command {
        AdvisoryCommand::Check(asked) => match asked.hospital {
            true => check::in_hospital(app, &asked).await,
            false => check::alone(&asked),
        },
        AdvisoryCommand::Import { files } => take::import(app, caller, &files).await,
        AdvisoryCommand::List(asked) => list::list(app, &asked).await,
        AdvisoryCommand::Show { id } => show::show(app, &id).await,
        AdvisoryCommand::Diff { id, from, to } => show::diff(app, &id, from.zip(to)).await,
        AdvisoryCommand::Remove { id } => {
            let mut change = app.change(caller).await?;
            change.remove_advisory(&id).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Advisory {id} is gone with its matches."
            )))
        }
        AdvisoryCommand::Read { id } => {
            let mut change = app.change(caller).await?;
            list::need(change.view(), &id).await?;
            change.read_advisory(&id).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Advisory {id} is noted as read.")))
        }
        AdvisoryCommand::Comment { id, text } => {
            let mut change = app.change(caller).await?;
            list::need(change.view(), &id).await?;
            change.comment_advisory(&id, text.as_str()).await?;
            change.commit().await?;
            Ok(Output::Text(format!("The note is on advisory {id}.")))
        }
        AdvisoryCommand::Match(which) => take::run_matching(app, caller, &which).await,
        AdvisoryCommand::Matches(asked) => matches::list(app, &asked).await,
        AdvisoryCommand::Decide(asked) => decide::decide(app, caller, &asked).await,
        AdvisoryCommand::Decisions => decide::list(app).await,
        AdvisoryCommand::Undo { number } => decide::undo(app, caller, number).await,
        AdvisoryCommand::Alias(command) => alias::run(app, caller, command).await,
        AdvisoryCommand::Mark(asked) => mark::mark(app, caller, &asked).await,
        AdvisoryCommand::Installed { tag, version } => {
            mark::installed(app, caller, &tag, &version).await
        }
        AdvisoryCommand::Kev(KevCommand::Import { file }) => take::kev(app, caller, &file).await,
        AdvisoryCommand::Notice(NoticeCommand::Add(asked)) => {
            take::notice(app, caller, *asked).await
        }
    }
}
