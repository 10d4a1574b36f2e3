//! Mitigations: what lowers a risk until the fix is verified.

use super::exposure::scope::{self, ScopeArguments};
use super::{Caller, window};
use crate::advisory::Remedy;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::exposure::Scope;
use crate::exposure::mitigation::Mitigation;
use crate::matching::{self, OpenMatches};
use crate::store::View;
use crate::store::exposure::{NewAttestation, NewMitigation};
use patchward_common::id::{Label, MAX_LABEL_LEN};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// Most steps of one mitigation: more is a project.
const MAX_STEPS: usize = 40;
/// Longest step that is taken over from an advisory: about a page.
const MAX_STEP_CHARS: usize = 4_000;

/// What can be done with mitigations.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum MitigationCommand {
    /// Have somebody lower the risk of an advisory until the fix is there
    Add(Add),
    /// Show mitigations with how far each is
    List {
        /// Only of this advisory
        #[arg(long)]
        advisory: Option<String>,
    },
    /// Show one: its steps, where it is in place and where not
    Show {
        /// Its number
        number: u32,
    },
    /// Say that it is in place: everywhere that it has to be now, or where you name
    Attest(Attest),
    /// Close it: it is not waited for any more
    Close {
        /// Its number
        number: u32,
        /// Why
        #[arg(long)]
        why: Label,
    },
}

/// A mitigation as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Add {
    /// The advisory
    id: String,
    /// What it is, in a few words
    #[arg(long)]
    title: Label,
    /// A step; may be given several times
    #[arg(long = "step")]
    steps: Vec<Label>,
    /// Take the steps that the advisory names as mitigation or workaround
    #[arg(long)]
    from_advisory: bool,
    /// Who does it: vendor, htm, it, security, ward, or a person
    #[arg(long)]
    owner: Label,
    /// Until when, such as 2026-12-24T00:00:00Z
    #[arg(long, value_parser = window::instant)]
    due: UtcMs,
    /// The probe that tells that it is in place, and what it answers then: NAME=ANSWER
    #[arg(long)]
    probe: Option<String>,
    #[command(flatten)]
    scope: ScopeArguments,
}

/// A person's word as it is typed.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Args)]
pub struct Attest {
    /// Its number
    number: u32,
    /// Who looked
    #[arg(long)]
    by: Label,
    /// What they saw, without anything about a patient
    #[arg(long)]
    words: Label,
    #[command(flatten)]
    scope: ScopeArguments,
}

/// Carries out a command on mitigations.
pub async fn run(
    app: &App,
    caller: &Caller,
    command: MitigationCommand,
) -> Result<Output, Failure> {
    match command {
        MitigationCommand::Add(asked) => add(app, caller, &asked).await,
        MitigationCommand::List { advisory } => list(app, advisory.as_deref()).await,
        MitigationCommand::Show { number } => show(app, number).await,
        MitigationCommand::Attest(asked) => attest(app, caller, &asked).await,
        MitigationCommand::Close { number, why } => {
            let mut change = app.change(caller).await?;
            find(change.view(), number).await?;
            change.close_mitigation(number, &why).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "Mitigation {number} is closed: {why}."
            )))
        }
    }
}

async fn find(view: &mut View, number: u32) -> Result<Mitigation, Failure> {
    let mut all = view.mitigations().await?.into_iter();
    all.find(|one| one.number == number).ok_or_else(|| {
        Failure::not_found(format!(
            "There is no mitigation {number}. `mitigation list` shows all."
        ))
    })
}

async fn add(app: &App, caller: &Caller, asked: &Add) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    scope::need_advisory(change.view(), &asked.id).await?;
    if asked.due <= change.now() {
        return Err(Failure::input(format!(
            "{} has passed already; name a later time with --due",
            asked.due
        )));
    }
    let open = matching::open(change.view(), Some(&asked.id)).await?;
    let scope = asked.scope.read(change.view(), &open, &asked.id).await?;
    let mut steps: Vec<String> = asked.steps.iter().map(Label::to_string).collect();
    if asked.from_advisory {
        steps.extend(of_advisory(change.view(), &asked.id, &open).await?);
    }
    if steps.is_empty() || steps.len() > MAX_STEPS {
        return Err(Failure::input(format!(
            "it has {} steps, and needs 1 to {MAX_STEPS}: type each with --step",
            steps.len()
        )));
    }
    let probe = match asked.probe.as_deref().map(|text| text.split_once('=')) {
        None => None,
        Some(Some((name, answer)))
            if !name.is_empty() && !answer.is_empty() && answer.len() <= MAX_LABEL_LEN =>
        {
            Some((name, answer))
        }
        Some(_) => {
            return Err(Failure::input(
                "write the probe as NAME=ANSWER: the name that `machine components` shows for it, \
                 and what it answers where the mitigation is in place",
            ));
        }
    };
    let new = NewMitigation {
        advisory: &asked.id,
        title: &asked.title,
        steps: &steps,
        owner: asked.owner.as_str(),
        due: asked.due,
        scope: &scope,
        probe,
    };
    let number = change.add_mitigation(&new).await?;
    let open = match probe {
        // Where it answers was not asked for before.
        Some(_) => matching::open(change.view(), Some(&asked.id)).await?,
        None => open,
    };
    let made = find(change.view(), number).await?;
    let progress = open.progress(&made, change.now());
    change.commit().await?;
    Ok(Output::record([
        ("mitigation", Cell::Number(number.into())),
        ("advisory", Cell::of(&asked.id)),
        ("owner", Cell::of(&asked.owner)),
        ("due", Cell::of(asked.due)),
        ("steps", Cell::Number(steps.len() as i64)),
        (
            "machines_and_assets",
            Cell::Number(progress.covered.len() as i64),
        ),
        ("left", Cell::Number(progress.left.len() as i64)),
    ]))
}

/// What the advisory names as mitigation or workaround for the products that we have.
async fn of_advisory(
    view: &mut View,
    id: &str,
    open: &OpenMatches,
) -> Result<Vec<String>, Failure> {
    let (row, bytes) = super::advisory::need(view, id).await?;
    let advisory = matching::prepared(&row, &bytes)?.advisory;
    let ours = open.matches.iter().filter(|one| one.row.advisory == id);
    let ours: Vec<&str> = ours.map(|one| one.row.product_id.as_str()).collect();
    let is_ours = |place: &usize| {
        let product = advisory.products.get(*place);
        product.is_some_and(|product| ours.contains(&product.id.as_str()))
    };
    let mut steps: Vec<String> = Vec::new();
    for one in advisory
        .vulnerabilities
        .iter()
        .flat_map(|one| &one.remediations)
    {
        let helps = matches!(one.remedy, Remedy::Mitigation | Remedy::Workaround);
        if !helps || !(one.products.is_empty() || one.products.iter().any(is_ours)) {
            continue;
        }
        // One step is one line wherever it is shown.
        let words: Vec<&str> = one.details.split_whitespace().collect();
        let step: String = words.join(" ").chars().take(MAX_STEP_CHARS).collect();
        if !step.is_empty() && !steps.contains(&step) {
            steps.push(step);
        }
    }
    if steps.is_empty() {
        return Err(Failure::conflict(format!(
            "Advisory {id} names no mitigation or workaround for what you have: type the steps \
             with --step."
        )));
    }
    Ok(steps)
}

async fn attest(app: &App, caller: &Caller, asked: &Attest) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let found = find(change.view(), asked.number).await?;
    if found.closed.is_some() {
        return Err(Failure::conflict(format!(
            "Mitigation {} is closed: nobody waits for it. `mitigation add` makes another.",
            asked.number
        )));
    }
    let open = matching::open(change.view(), Some(&found.advisory)).await?;
    let scope = match asked.scope.is_empty() {
        true => vec![Scope::All],
        false => {
            asked
                .scope
                .read(change.view(), &open, &found.advisory)
                .await?
        }
    };
    let holders = found.within(&scope, &open.of_advisory(&found.advisory));
    if holders.is_empty() {
        return Err(Failure::conflict(format!(
            "Mitigation {} has nothing open there now, so there is nothing to say of it. \
             `mitigation show {}` has where it is open.",
            found.number, found.number
        )));
    }
    let word = NewAttestation {
        scope: &scope,
        holders: &holders,
        by: &asked.by,
        words: &asked.words,
    };
    change.attest_mitigation(&found, &word).await?;
    let now = change.now();
    let found = find(change.view(), asked.number).await?;
    change.commit().await?;
    let progress = open.progress(&found, now);
    Ok(Output::record([
        ("mitigation", Cell::Number(found.number.into())),
        ("state", Cell::of(progress.state.word())),
        (
            "machines_and_assets",
            Cell::Number(progress.covered.len() as i64),
        ),
        ("attested", Cell::Number(progress.attested.len() as i64)),
        ("left", Cell::Number(progress.left.len() as i64)),
    ]))
}

async fn list(app: &App, advisory: Option<&str>) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let open = matching::open(&mut view, advisory).await?;
    let mut table = Table::new(&[
        "mitigation",
        "advisory",
        "title",
        "owner",
        "due",
        "state",
        "about",
        "machines_and_assets",
        "attested",
        "probed",
        "left",
    ]);
    for one in &open.mitigations {
        let progress = open.progress(one, now);
        table.row(vec![
            Cell::Number(one.number.into()),
            Cell::of(&one.advisory),
            Cell::of(&one.title),
            Cell::of(&one.owner),
            Cell::of(one.due),
            Cell::of(progress.state.word()),
            Cell::of(scope::words(&one.scope)),
            Cell::Number(progress.covered.len() as i64),
            Cell::Number(progress.attested.len() as i64),
            Cell::Number(progress.probed.len() as i64),
            Cell::Number(progress.left.len() as i64),
        ]);
    }
    Ok(Output::Table(table))
}

async fn show(app: &App, number: u32) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let found = find(&mut view, number).await?;
    let open = matching::open(&mut view, Some(&found.advisory)).await?;
    let progress = open.progress(&found, now);
    let mut steps = Table::new(&["step", "what"]);
    for (place, step) in (1..).zip(&found.steps) {
        steps.row(vec![Cell::Number(place), Cell::of(step)]);
    }
    let mut attested = Table::new(&["by", "at", "where", "words"]);
    for one in &found.attested {
        attested.row(vec![
            Cell::of(&one.by),
            Cell::of(one.at),
            Cell::of(scope::words(&one.scope)),
            Cell::of(&one.words),
        ]);
    }
    let mut places = Table::new(&["on", "state"]);
    for holder in &progress.covered {
        let state = match () {
            () if progress.probed.contains(holder) => "probed",
            () if progress.attested.contains(holder) => "attested",
            () => "left",
        };
        places.row(vec![Cell::of(holder), Cell::of(state)]);
    }
    let probe = found
        .probe
        .as_ref()
        .map(|(name, answer)| format!("{name}={answer}"));
    let report = Report::new(
        [
            ("mitigation", Cell::Number(number.into())),
            ("advisory", Cell::of(&found.advisory)),
            ("title", Cell::of(&found.title)),
            ("state", Cell::of(progress.state.word())),
            ("owner", Cell::of(&found.owner)),
            ("due", Cell::of(found.due)),
            ("made_by", Cell::of(&found.made_by)),
            ("made", Cell::of(found.made_at)),
            ("probe", Cell::maybe(probe)),
            (
                "machines_and_assets",
                Cell::Number(progress.covered.len() as i64),
            ),
            ("left", Cell::Number(progress.left.len() as i64)),
            (
                "closed",
                Cell::maybe(found.closed.as_ref().map(|(at, _)| at)),
            ),
            (
                "closed_why",
                Cell::maybe(found.closed.as_ref().map(|(_, why)| why)),
            ),
        ],
        format!(
            "Mitigation {number} of {}: {}, by {} until {}. It is {}.",
            found.advisory,
            found.title,
            found.owner,
            found.due,
            progress.state.word()
        ),
    );
    let report = report.with("steps", steps).with("places", places);
    Ok(Output::Report(report.with("attestations", attested)))
}
