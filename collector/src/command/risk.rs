//! Risk assessments: what a release on a model may do, and what waiting may do.

use super::plan::release;
use super::rows::{self, FromFile};
use super::{Caller, window};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::exposure::{DECISIONS, Decision, Risk};
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// What can be done with risk assessments.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum RiskCommand {
    /// Put an assessment down, in place of the one before
    Put(Put),
    /// Put assessments down out of a CSV file as `risk list` gives it: release, model, hazard_of_patching,
    /// hazard_of_not_patching, decision, reason, decided_by and review: all of it, or nothing
    Import(FromFile),
    /// Show one
    Show {
        /// PRODUCT=VERSION
        release: String,
        /// The model
        #[arg(long)]
        model: Name,
    },
    /// Show all
    List,
    /// Remove one: the release is no longer used on that model
    Remove {
        /// PRODUCT=VERSION
        release: String,
        /// The model
        #[arg(long)]
        model: Name,
    },
}

/// An assessment as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Put {
    /// PRODUCT=VERSION
    release: String,
    /// The model
    #[arg(long)]
    model: Name,
    /// What patching may do to patients and work
    #[arg(long)]
    of_patching: Label,
    /// What not patching may do
    #[arg(long)]
    of_waiting: Label,
    /// What was decided: patch, patch_with_care, wait, do_not_patch
    #[arg(long, value_parser = decision)]
    decision: String,
    /// Why, and how
    #[arg(long)]
    reason: Label,
    /// Who decided
    #[arg(long)]
    by: Label,
    /// When it is looked at again, such as 2026-12-24T00:00:00Z
    #[arg(long, value_parser = window::instant)]
    review: UtcMs,
}

fn decision(word: &str) -> Result<String, String> {
    decided(word).map(|found| found.word().to_owned())
}

/// The decision with a word.
pub(super) fn decided(word: &str) -> Result<Decision, String> {
    let known = || DECISIONS.map(Decision::word).join(", ");
    Decision::of_word(word).ok_or_else(|| format!("a decision is one of {}", known()))
}

/// Refuses a time at which nobody can look again.
pub(super) fn is_ahead(review: UtcMs, now: UtcMs) -> Result<(), Failure> {
    match review > now {
        true => Ok(()),
        false => Err(Failure::input(format!(
            "{review} has passed already; name with review when it is looked at again"
        ))),
    }
}

/// Carries out a command on risk assessments.
pub async fn run(app: &App, caller: &Caller, command: RiskCommand) -> Result<Output, Failure> {
    match command {
        RiskCommand::Put(asked) => put(app, caller, asked).await,
        RiskCommand::Import(from) => rows::import::<Risk>(app, caller, from).await,
        RiskCommand::Show {
            release: text,
            model,
        } => {
            let (product, version) = release(&text)?;
            let mut all = app.store.view().await?.risks().await?.into_iter();
            let is =
                |one: &Risk| one.product == product && one.version == version && one.model == model;
            let found = all.find(is).ok_or_else(|| {
                Failure::not_found(format!(
                    "Nobody has assessed the risk of {text} on {model}. `risk list` shows all."
                ))
            })?;
            let columns = table(&[found], app.now());
            let cells = columns.rows.into_iter().next().unwrap_or_default();
            Ok(Output::Record(
                columns.columns.into_iter().zip(cells).collect(),
            ))
        }
        RiskCommand::List => {
            let risks = app.store.view().await?.risks().await?;
            Ok(Output::Table(table(&risks, app.now())))
        }
        RiskCommand::Remove {
            release: text,
            model,
        } => {
            let (product, version) = release(&text)?;
            let mut change = app.change(caller).await?;
            change.remove_risk(&product, &version, &model).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "The risk of {text} on {model} is assessed no more; the log keeps what it was."
            )))
        }
    }
}

async fn put(app: &App, caller: &Caller, asked: Put) -> Result<Output, Failure> {
    let (product, version) = release(&asked.release)?;
    let mut change = app.change(caller).await?;
    let now = change.now();
    is_ahead(asked.review, now)?;
    let risk = Risk {
        product,
        version,
        model: asked.model,
        of_patching: asked.of_patching,
        of_waiting: asked.of_waiting,
        decision: Decision::of_word(&asked.decision).unwrap_or(Decision::Wait),
        reason: asked.reason,
        decided_by: asked.by,
        review_at: asked.review,
        put_at: now,
    };
    change.put_risk(&risk).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "The risk of {} on {} is put down: {}. It is looked at again {}.",
        asked.release,
        risk.model,
        risk.decision.word(),
        risk.review_at
    )))
}

/// Assessments as people and programs see them.
pub(super) fn table(risks: &[Risk], now: UtcMs) -> Table {
    let mut table = Table::new(&[
        "release",
        "model",
        "hazard_of_patching",
        "hazard_of_not_patching",
        "decision",
        "reason",
        "decided_by",
        "put",
        "review",
        "is_overdue",
    ]);
    for one in risks {
        table.row(vec![
            Cell::of(format!("{}={}", one.product, one.version)),
            Cell::of(&one.model),
            Cell::of(&one.of_patching),
            Cell::of(&one.of_waiting),
            Cell::of(one.decision.word()),
            Cell::of(&one.reason),
            Cell::of(&one.decided_by),
            Cell::of(one.put_at),
            Cell::of(one.review_at),
            Cell::Flag(one.review_at <= now),
        ]);
    }
    table
}
