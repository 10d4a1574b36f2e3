//! Exceptions to an advisory.

use super::scope::{self, ScopeArguments};
use crate::app::App;
use crate::command::{Caller, window};
use crate::control::{Cell, Failure, Output, Table};
use crate::exposure::Scope;
use crate::matching::{self, OpenMatches};
use crate::store::exposure::NewException;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// What can be done with exceptions.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ExceptCommand {
    /// Leave an advisory as it is for a time
    Add(Add),
    /// Show every exception, also those that are over
    List {
        /// Only to this advisory
        #[arg(long)]
        advisory: Option<String>,
    },
    /// End an exception before its time
    End {
        /// Its number
        number: u32,
    },
}

/// An exception as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Add {
    /// The advisory
    id: String,
    #[command(flatten)]
    scope: ScopeArguments,
    /// Until when, such as 2026-12-24T00:00:00Z
    #[arg(long, value_parser = window::instant)]
    until: UtcMs,
    /// What protects meanwhile
    #[arg(long)]
    control: Label,
    /// The mitigation that protects, by its number
    #[arg(long)]
    mitigation: Option<u32>,
    /// Who answers for it
    #[arg(long)]
    owner: Label,
}

/// Carries out a command on exceptions.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: ExceptCommand,
) -> Result<Output, Failure> {
    match command {
        ExceptCommand::Add(asked) => add(app, caller, &asked).await,
        ExceptCommand::List { advisory } => list(app, advisory.as_deref()).await,
        ExceptCommand::End { number } => {
            let mut change = app.change(caller).await?;
            change.end_granted(number).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Exception {number} is over: what it was about is open again."
            )))
        }
    }
}

async fn add(app: &App, caller: &Caller, asked: &Add) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    scope::need_advisory(change.view(), &asked.id).await?;
    if asked.until <= change.now() {
        return Err(Failure::input(format!(
            "an exception until {} has ended already; name a later time",
            asked.until
        )));
    }
    let open = matching::open(change.view(), Some(&asked.id)).await?;
    let scope = asked.scope.read(change.view(), &open, &asked.id).await?;
    if let Some(number) = asked.mitigation {
        protects(&open, number, &scope, &asked.id)?;
    }
    let new = NewException {
        advisory: &asked.id,
        scope: &scope,
        until: asked.until,
        control: &asked.control,
        mitigation: asked.mitigation,
        owner: &asked.owner,
    };
    let number = change.grant(&new).await?;
    let granted = change.view().granted().await?;
    let granted = granted.iter().find(|one| one.number == number);
    let about = granted.map_or(0, |one| open.excepted(one));
    change.commit().await?;
    Ok(Output::record([
        ("exception", Cell::Number(number.into())),
        ("advisory", Cell::of(&asked.id)),
        ("machines_and_assets", Cell::Number(about as i64)),
        ("until", Cell::of(asked.until)),
        ("control", Cell::of(&asked.control)),
    ]))
}

/// Refuses a mitigation that does nothing where the exception would hold.
fn protects(open: &OpenMatches, number: u32, scope: &[Scope], id: &str) -> Result<(), Failure> {
    let mut mitigations = open.mitigations.iter();
    let found = mitigations.find(|one| one.number == number && one.closed.is_none());
    let found = found.ok_or_else(|| {
        Failure::not_found(format!(
            "Advisory {id} has no mitigation {number} that is not closed. `mitigation list` shows \
             all."
        ))
    })?;
    match found.within(scope, &open.of_advisory(id)).is_empty() {
        false => Ok(()),
        true => Err(Failure::conflict(format!(
            "Mitigation {number} has nothing open where the exception would hold, so it protects \
             nothing there. `mitigation show {number}` has where it is open."
        ))),
    }
}

async fn list(app: &App, advisory: Option<&str>) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let open = matching::open(&mut view, advisory).await?;
    let mut table = Table::new(&[
        "exception",
        "advisory",
        "about",
        "open",
        "state",
        "control",
        "mitigation",
        "owner",
        "set_by",
        "set",
        "until",
    ]);
    for one in &open.granted {
        let state = match () {
            () if one.runs(now) => "runs",
            () if one.is_over(now) => "over",
            () => "ended",
        };
        table.row(vec![
            Cell::Number(one.number.into()),
            Cell::of(&one.advisory),
            Cell::of(scope::words(&one.scope)),
            Cell::Number(open.excepted(one) as i64),
            Cell::of(state),
            Cell::of(&one.control),
            Cell::maybe(one.mitigation),
            Cell::of(&one.owner),
            Cell::of(&one.set_by),
            Cell::of(one.set_at),
            Cell::of(one.until),
        ]);
    }
    table.note = Some(
        "A revision that asks for something else, a fix for example, is open again. Exceptions of \
         whole machines are under `item except`."
            .into(),
    );
    Ok(Output::Table(table))
}
