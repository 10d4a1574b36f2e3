//! Baselines, and letting a new asset be used that shows what they ask for.

use super::super::Caller;
use super::super::rows::{self, FromFile};
use super::find;
use crate::app::App;
use crate::asset::baseline::{self, Asked, Shown};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::View;
use crate::store::assets::{Asset, Baseline, LifeCycle};
use crate::store::machines::Machine;
use patchward_common::id::{Label, Name};
use patchward_common::trust::assignment::Mode;
use serde::{Deserialize, Serialize};

/// What can be done with baselines.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum BaselineCommand {
    /// Save a baseline, in place of the one with its name
    Put {
        /// Its name
        name: Name,
        /// The model of machines for which it stands
        #[arg(long)]
        model: Name,
        /// NAME, or "NAME >= VERSION"; may be given several times
        #[arg(long = "component", value_parser = component)]
        components: Vec<String>,
        /// Its readiness probes must pass
        #[arg(long)]
        ready: bool,
        /// Its interlock must be able to tell whether it is in use
        #[arg(long)]
        interlock: bool,
        /// The mode that HTM must have assigned: observe, rehearse, active, manual
        #[arg(long, value_parser = mode)]
        mode: Option<String>,
    },
    /// Save baselines out of a CSV file as `asset baseline list` gives it: baseline, model, ready,
    /// interlock, mode and components: all of it, or nothing
    Import(FromFile),
    /// Remove a baseline
    Remove {
        /// Its name
        name: Name,
    },
    /// Show all baselines
    List,
}

const MODES: [Mode; 4] = [Mode::Observe, Mode::Rehearse, Mode::Active, Mode::Manual];

fn component(text: &str) -> Result<String, String> {
    baseline::component(text).map(|_| text.to_owned())
}

/// The mode with a word.
pub(in crate::command) fn mode_of(word: &str) -> Result<Mode, String> {
    let mode = MODES.into_iter().find(|mode| mode.word() == word);
    mode.ok_or_else(|| format!("one of {}", MODES.map(Mode::word).join(", ")))
}

fn mode(word: &str) -> Result<String, String> {
    mode_of(word).map(|mode| mode.word().to_owned())
}

/// Refuses a baseline that every machine meets.
pub(in crate::command) fn needs_something(
    baseline: &Baseline,
    components: &[(String, String)],
) -> Result<(), Failure> {
    let asks = baseline.is_ready == 1 || baseline.has_interlock == 1 || baseline.mode.is_some();
    match asks || !components.is_empty() {
        true => Ok(()),
        false => Err(Failure::input(
            "a baseline asks for something: components, ready, interlock or a mode",
        )),
    }
}

/// Carries out a command on baselines.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: BaselineCommand,
) -> Result<Output, Failure> {
    match command {
        BaselineCommand::Put {
            name,
            model,
            components,
            ready,
            interlock,
            mode,
        } => {
            let components = components.iter().map(|text| baseline::component(text));
            let components: Vec<_> = components
                .collect::<Result<_, _>>()
                .map_err(Failure::input)?;
            let baseline = Baseline {
                name,
                model,
                is_ready: u32::from(ready),
                has_interlock: u32::from(interlock),
                mode: mode.as_deref().and_then(|word| mode_of(word).ok()),
            };
            needs_something(&baseline, &components)?;
            let mut change = app.change(caller).await?;
            change.put_baseline(&baseline, &components).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "New machines of model {} are compared with baseline {}.",
                baseline.model, baseline.name
            )))
        }
        BaselineCommand::Import(from) => rows::import::<rows::Shown>(app, caller, from).await,
        BaselineCommand::Remove { name } => {
            let mut change = app.change(caller).await?;
            change.remove_baseline(&name).await?;
            change.commit().await?;
            Ok(Output::Text(format!("Baseline {name} is gone.")))
        }
        BaselineCommand::List => list(app).await,
    }
}

async fn list(app: &App) -> Result<Output, Failure> {
    let columns = [
        "baseline",
        "model",
        "ready",
        "interlock",
        "mode",
        "components",
    ];
    let mut table = Table::new(&columns);
    let mut view = app.store.view().await?;
    let components = view.baseline_components().await?;
    for one in view.baselines().await? {
        let own = components.iter().filter(|part| part.baseline == one.name);
        let own = own.map(|part| format!("{} {}", part.component, part.versions));
        table.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.model),
            Cell::Flag(one.is_ready == 1),
            Cell::Flag(one.has_interlock == 1),
            Cell::maybe(one.mode.map(Mode::word)),
            Cell::List(own.collect()),
        ]);
    }
    Ok(Output::Table(table))
}

/// Everything that the baselines of its model ask of an asset; `None` where it is no
/// machine, which nobody can measure.
async fn asked(view: &mut View, asset: &Asset) -> Result<Option<Vec<(Name, Asked)>>, Failure> {
    let machine = match &asset.machine {
        Some(id) => view.machine(id).await?,
        None => None,
    };
    let Some(machine) = machine else {
        return Ok(None);
    };
    let mut baselines = view.baselines().await?;
    baselines.retain(|one| one.model == machine.model);
    if baselines.is_empty() {
        return Err(Failure::conflict(format!(
            "No baseline says what a new {} must show. Make one with `asset baseline put NAME \
             --model {}`.",
            machine.model, machine.model
        )));
    }
    Ok(Some(compared(view, &machine, &baselines).await?))
}

async fn compared(
    view: &mut View,
    machine: &Machine,
    baselines: &[Baseline],
) -> Result<Vec<(Name, Asked)>, Failure> {
    let components = view.baseline_components().await?;
    let status = view.machine_status(&machine.id).await?;
    let set = match view.set_of(&machine.id).await? {
        Some(set) => view.components_of(&set.digest).await?,
        None => None,
    };
    let shown = Shown {
        mode: machine.mode,
        readiness: status.as_ref().map(|status| status.readiness),
        interlock: status.as_ref().map(|status| status.interlock),
        components: set.as_ref(),
    };
    let all = baselines.iter().flat_map(|one| {
        let asked = baseline::compare(one, &components, &shown).into_iter();
        asked.map(|asked| (one.name.clone(), asked))
    });
    Ok(all.collect())
}

/// Shows what is missing before an asset may be used.
pub(super) async fn check(app: &App, tag: &Label) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let asset = find(&mut view, tag).await?;
    let asked = asked(&mut view, &asset).await?.unwrap_or_default();
    let mut table = Table::new(&["baseline", "asked", "found", "there"]);
    for (name, one) in &asked {
        table.row(vec![
            Cell::of(name),
            Cell::of(&one.what),
            Cell::of(&one.found),
            Cell::Flag(one.is_there),
        ]);
    }
    let missing = asked.iter().filter(|(_, one)| !one.is_there).count();
    let text = match (asset.machine, missing) {
        (None, _) => format!("Asset {tag} is no machine: a person's word accepts it."),
        (_, 0) => format!("Nothing is missing. `asset accept {tag} --reason` lets it be used."),
        (_, missing) => format!("{missing} of {} are missing.", asked.len()),
    };
    let parts = [("missing", Cell::Number(missing as i64))];
    Ok(Output::Report(
        Report::new(parts, text).with("asked", table),
    ))
}

/// Lets a new asset be used.
///
/// # Errors
/// A conflict where it is not new, or where something is missing, with all of it.
pub(super) async fn accept(
    app: &App,
    caller: &Caller,
    tag: &Label,
    reason: &Label,
) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    let asset = find(change.view(), tag).await?;
    let from = asset.life_cycle;
    let is_new = match from {
        LifeCycle::Procurement | LifeCycle::Acceptance => true,
        LifeCycle::Loaned | LifeCycle::InStorage => asset.accepted_at.is_none(),
        LifeCycle::InUse | LifeCycle::Decommissioned => false,
    };
    if !is_new {
        return Err(Failure::conflict(format!(
            "Asset {tag} is {}: only what is new is accepted. `asset move {tag} acceptance` has \
             it shown again.",
            from.word()
        )));
    }
    let asked = asked(change.view(), &asset).await?;
    let missing = asked.iter().flatten().filter(|(_, one)| !one.is_there);
    let missing: Vec<String> = missing
        .map(|(name, one)| format!("{} ({name}): {}", one.what, one.found))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::conflict(format!(
            "Asset {tag} may not be used yet. Missing:\n{}",
            missing.join("\n")
        )));
    }
    let used = LifeCycle::InUse;
    change.move_asset(tag, from, used, reason.as_str()).await?;
    change.commit().await?;
    Ok(Output::Text(match asked {
        Some(asked) => format!(
            "Asset {tag} may be used: it shows all {} that its baselines ask for.",
            asked.len()
        ),
        None => format!(
            "Asset {tag} may be used, on your word: it is no machine, and nobody measured it."
        ),
    }))
}
