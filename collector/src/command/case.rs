//! Cases: what vendors were asked, promised and answered.

mod letter;
mod model;
mod shown;

use super::file::{self, InputFile, keep};
use super::{Caller, window};
use crate::app::App;
use crate::control::{Cell, Failure, Output};
use crate::exposure::case::{Step, StepKind, waiting};
use crate::store::View;
use crate::store::exposure::{Case, CaseStep, NewStep};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, MAX_LABEL_LEN};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::path::PathBuf;

/// Largest document: a manual with pictures, as vendors send them.
const MAX_DOCUMENT_BYTES: usize = 32 * 1024 * 1024;

/// What can be done with cases.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum CaseCommand {
    /// Open a case with a vendor
    Open {
        /// The vendor
        vendor: Label,
        /// What it is about: an advisory, or a model of ours
        #[arg(long)]
        about: Label,
        /// Who is asked there: a contact of the vendor
        #[arg(long)]
        contact: Option<Label>,
    },
    /// Show cases, and for how long each waits for whom
    List {
        /// Also those that are closed
        #[arg(long)]
        all: bool,
    },
    /// Show one with its steps
    Show {
        /// Its number
        number: u32,
    },
    /// Note that the vendor was asked
    Asked(Said),
    /// Note what the vendor promised
    Promised {
        /// The step
        #[command(flatten)]
        said: Said,
        /// By when, such as 2026-12-24T00:00:00Z
        #[arg(long, value_parser = window::instant)]
        by: Option<UtcMs>,
    },
    /// Note what the vendor answered
    Answered(Said),
    /// Keep a document of the vendor's, with no patient in it
    Document {
        /// The step
        #[command(flatten)]
        said: Said,
        /// The file
        #[arg(long)]
        file: InputFile,
    },
    /// Hand a document out again
    Kept {
        /// The case's number
        number: u32,
        /// The number of the step that it came with
        step: u32,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Be reminded
    Remind {
        /// The step
        #[command(flatten)]
        said: Said,
        /// When, such as 2026-12-24T00:00:00Z
        #[arg(long, value_parser = window::instant)]
        on: UtcMs,
    },
    /// Close it
    Close {
        /// Its number
        number: u32,
        /// Why
        #[arg(long)]
        why: Label,
    },
    /// Draft a letter to the vendor from the facts
    Letter {
        /// Its number
        number: u32,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
}

/// A step as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Said {
    /// The case's number
    number: u32,
    /// In words; they may stand in letters to the vendor
    #[arg(long)]
    words: Label,
    /// When it was, where that is not now
    #[arg(long, value_parser = window::instant)]
    at: Option<UtcMs>,
}

/// Carries out a command on cases.
pub async fn run(app: &App, caller: &Caller, command: CaseCommand) -> Result<Output, Failure> {
    use StepKind::{Answered, Asked, Promised, Reminder};
    match command {
        CaseCommand::Open {
            vendor,
            about,
            contact,
        } => open(app, caller, &vendor, &about, contact.as_ref()).await,
        CaseCommand::List { all } => shown::list(app, all).await,
        CaseCommand::Show { number } => shown::show(app, number).await,
        CaseCommand::Asked(said) => step(app, caller, &said, Asked, None).await,
        CaseCommand::Promised { said, by } => step(app, caller, &said, Promised, by).await,
        CaseCommand::Answered(said) => step(app, caller, &said, Answered, None).await,
        CaseCommand::Document { said, file } => document(app, caller, &said, &file).await,
        CaseCommand::Kept { number, step, .. } => kept(app, number, step).await,
        CaseCommand::Remind { said, on } => step(app, caller, &said, Reminder, Some(on)).await,
        CaseCommand::Close { number, why } => {
            let mut change = app.change(caller).await?;
            need_open(change.view(), number).await?;
            change.close_case(number, &why).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Case {number} is closed: {why}.")))
        }
        CaseCommand::Letter { number, .. } => letter::letter(app, number).await,
    }
}

async fn find(view: &mut View, number: u32) -> Result<Case, Failure> {
    let mut all = view.cases().await?.into_iter();
    all.find(|case| case.number == number).ok_or_else(|| {
        Failure::not_found(format!(
            "There is no case {number}. `case list --all` shows all."
        ))
    })
}

async fn need_open(view: &mut View, number: u32) -> Result<Case, Failure> {
    let case = find(view, number).await?;
    match &case.closed_why {
        None => Ok(case),
        Some(why) => Err(Failure::conflict(format!(
            "Case {number} is closed ({why}). `case open` makes another."
        ))),
    }
}

async fn open(
    app: &App,
    caller: &Caller,
    vendor: &Label,
    about: &Label,
    contact: Option<&Label>,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let kind = match change.view().advisory(about.as_str()).await? {
        Some(_) => "advisory",
        None if model::is_ours(change.view(), about.as_str()).await? => "model",
        None => {
            return Err(Failure::not_found(format!(
                "{about} is neither an advisory nor a model of ours. `advisory list` and `asset \
                 list` show what there is."
            )));
        }
    };
    if let Some(name) = contact {
        let contacts = change.view().vendor_contacts().await?;
        let of_vendor = |one: &&crate::store::exposure::Contact| one.vendor == vendor.as_str();
        if !contacts
            .iter()
            .filter(of_vendor)
            .any(|one| one.name == name.as_str())
        {
            return Err(Failure::not_found(format!(
                "{vendor} has no contact {name}. `vendor contact add` adds one."
            )));
        }
    }
    let number = change
        .open_case(vendor, (kind, about.as_str()), contact)
        .await?;
    change.commit().await?;
    Ok(Output::record([
        ("case", Cell::Number(number.into())),
        ("vendor", Cell::of(vendor)),
        (kind, Cell::of(about)),
        ("contact", Cell::maybe(contact)),
    ]))
}

async fn step(
    app: &App,
    caller: &Caller,
    said: &Said,
    kind: StepKind,
    due: Option<UtcMs>,
) -> Result<Output, Failure> {
    note(app, caller, said, (kind, due), None).await
}

async fn note(
    app: &App,
    caller: &Caller,
    said: &Said,
    (kind, due): (StepKind, Option<UtcMs>),
    document: Option<(Digest, &str)>,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let case = need_open(change.view(), said.number).await?;
    let now = change.now();
    let at = said.at.unwrap_or(now);
    if at > now {
        return Err(Failure::input(format!(
            "{at} has not come yet: note what was, not what will be"
        )));
    }
    let step = Step {
        kind,
        words: said.words.to_string(),
        at,
        due,
    };
    let new = NewStep {
        step: &step,
        document,
    };
    change.step_case(case.number, &new).await?;
    let steps = steps(change.view(), case.number).await?;
    change.commit().await?;
    let waits = waiting(case.opened_at, &plain(&steps), now);
    Ok(Output::record([
        ("case", Cell::Number(case.number.into())),
        ("step", Cell::Number(steps.len() as i64)),
        ("kind", Cell::of(kind.word())),
        ("at", Cell::of(at)),
        ("next_step_by", Cell::of(waits.owner.word())),
        ("state", Cell::of(waits.why)),
    ]))
}

async fn steps(view: &mut View, case: u32) -> Result<Vec<CaseStep>, Failure> {
    Ok(view.case_steps(Some(case)).await?)
}

fn plain(steps: &[CaseStep]) -> Vec<Step> {
    steps.iter().map(|one| one.step.clone()).collect()
}

async fn document(
    app: &App,
    caller: &Caller,
    said: &Said,
    file: &InputFile,
) -> Result<Output, Failure> {
    let bytes = file.bytes.as_slice();
    if bytes.is_empty() || bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(Failure::input(format!(
            "{}: {} bytes, and a document has 1 to {MAX_DOCUMENT_BYTES}",
            file.name,
            bytes.len()
        )));
    }
    need_open(&mut app.store.view().await?, said.number).await?;
    let digest = keep(app, bytes, "document", "noted").await?;
    let name = file.name.rsplit('/').next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_LABEL_LEN)
        .collect();
    let kept = Some((digest, name.as_str()));
    note(app, caller, said, (StepKind::Document, None), kept).await
}

async fn kept(app: &App, number: u32, step: u32) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    find(&mut view, number).await?;
    let steps = steps(&mut view, number).await?;
    drop(view);
    let found = steps.into_iter().find(|one| one.number == step);
    let Some((digest, name)) = found.and_then(|one| one.document) else {
        return Err(Failure::not_found(format!(
            "Step {step} of case {number} has no document. `case show {number}` shows which have."
        )));
    };
    let bytes = file::kept(app, digest, MAX_DOCUMENT_BYTES as u64, "document").await?;
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text: format!("{name}, as it was handed in."),
    })
}
