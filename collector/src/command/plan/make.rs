//! `plan new`: gathers, lets the planner decide, stores and shows.

use super::installs::{self, HasNow};
use super::{
    EMERGENCY_SOAK_MINUTES, NewPlanArguments, SOAK_MINUTES, cleared, findings, held, releases,
    report,
};
use crate::app::App;
use crate::command::release::met::Met;
use crate::command::zones::Zones;
use crate::command::{Caller, forecast, machine, no_unit};
use crate::control::{Failure, Output};
use crate::planning::{self, Gathered};
use crate::schedule::planner::{self, Candidate, Impossible, PlanError, PlanInput, Policy};
use crate::store::plan_tables::PlanTable;
use crate::store::plans::{Leaf, NewPlan, Plan};
use crate::store::prospects::Unfit;
use crate::store::rollout::PlanPolicy;
use crate::store::windows::{Opening, Window};
use crate::store::{Change, View};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::nearest::nearest;
use patchward_common::plan::check::Finding;
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::approval::Emergency;
use patchward_common::trust::release::ReleaseDescription;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a plan that is made again takes over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before<'a> {
    /// The draft in whose place it comes.
    pub(super) draft: Option<&'a Plan>,
    /// When it has to be done.
    pub(super) due: Option<UtcMs>,
}

/// Makes a plan and stores it.
pub(super) async fn new(
    app: &App,
    caller: &Caller,
    chosen: NewPlanArguments,
    before: Before<'_>,
) -> Result<Output, Failure> {
    let now = app.now();
    let (made, mut change) = match chosen.for_minutes {
        None => {
            let mut view = app.store.view().await?;
            let made = make(app, &mut view, &chosen, now).await?;
            drop(view);
            (made, app.change(caller).await?)
        }
        Some(minutes) => {
            // Window and plan are there together, or neither is.
            let mut change = app.change(caller).await?;
            open_windows(app, &mut change, &chosen, minutes, now).await?;
            let made = make(app, change.view(), &chosen, now).await?;
            (made, change)
        }
    };
    if let Some(draft) = before.draft {
        change.remove_draft(&draft.id).await?;
    }
    let id = store(&mut change, &made.planned, &kept(&chosen)).await?;
    if let Some(due) = before.due {
        change.set_due(&id, due).await?;
    }
    change.commit().await?;
    let mut view = app.store.view().await?;
    let named = findings::Named::of(&mut view, &id, &made.findings).await?;
    let zones = Zones::read(&mut view).await?;
    let approval = &made.planned.approval;
    let met = Met::of_plan(&mut view, approval).await?;
    let cleared = cleared::of(&mut view, approval).await?;
    drop(view);
    let mut report = report::of(&id, &made, (&met, &cleared), (&named, &zones));
    report.text = format!("{}\n{}", forecast::said(app, &id).await?, report.text);
    Ok(Output::Report(report))
}

/// A plan that is not stored yet.
pub(super) struct Made {
    pub(super) planned: planner::Planned,
    pub(super) unassigned: Vec<MachineId>,
    pub(super) findings: Vec<Finding>,
    pub(super) names: BTreeMap<MachineId, String>,
    pub(super) has_now: HasNow,
    /// Which other plans leave some machines no slot.
    pub(super) held: String,
}

async fn make(
    app: &App,
    view: &mut View,
    chosen: &NewPlanArguments,
    now: UtcMs,
) -> Result<Made, Failure> {
    let gathered = planning::gather(app, view, now).await?;
    let (input, unassigned) = input(view, &gathered, chosen, now).await?;
    let names = names(&input.machines);
    let soak_ms = input.policy.soak_ms;
    let planned = tokio::task::spawn_blocking(move || planner::plan(&input, now))
        .await
        .map_err(|error| Failure::input(error.to_string()))?;
    let planned = match planned {
        Ok(planned) => planned,
        Err(PlanError::Impossible(impossible)) => {
            return Err(Failure::conflict(format!(
                "No machine can be planned:\n{}{}",
                report::reasons(&impossible),
                held::by_others(&impossible, &gathered)
            )));
        }
        Err(error) => return Err(Failure::input(error.to_string())),
    };
    let held = held::by_others(&planned.impossible, &gathered);
    let table = Arc::new(PlanTable::of(planned.table.clone()));
    let handed = planning::plan_file(app, view, gathered, table, soak_ms).await?;
    let findings = handed.findings(now);
    let facts = handed.file.context.machines.iter();
    let has_now = installs::has_now(facts.map(|facts| (facts.machine, &facts.versions)));
    Ok(Made {
        planned,
        unassigned,
        findings,
        names,
        has_now,
        held,
    })
}

/// What the plan is made from, and the machines that nobody has assigned.
async fn input(
    view: &mut View,
    gathered: &Gathered,
    chosen: &NewPlanArguments,
    now: UtcMs,
) -> Result<(PlanInput, Vec<MachineId>), Failure> {
    let releases = releases::chosen(view, &chosen.releases).await?;
    let described: Vec<&ReleaseDescription> = releases.iter().map(|r| &r.description).collect();
    let machines = machines(view, gathered, chosen).await?;
    let (candidates, unassigned) =
        planning::candidates(view, gathered, &machines, &described).await?;
    let products: Vec<&Name> = described.iter().map(|release| &release.product).collect();
    let measured_minutes = planning::measured_minutes(view, &products).await?;
    let mut releases = releases
        .iter()
        .map(|release| release.approved(&candidates))
        .collect::<Result<Vec<_>, _>>()?;
    for release in &mut releases {
        let given = chosen.install_minutes.unwrap_or(0);
        release.install_minutes = release.install_minutes.max(given);
    }
    let policy = policy(chosen);
    let range = Interval::new(now, now.plus_ms(policy.horizon_ms.max(1)))
        .map_err(|error| Failure::input(error.to_string()))?;
    let emergency = emergency(view, chosen, range).await?;
    let rows = candidates.iter().map(|c| &c.row);
    let allowed = planning::allowed(view, rows, range, emergency.as_ref()).await?;
    let frozen = planning::frozen(view, &allowed, range, emergency.as_ref()).await?;
    let excepted = view.exceptions().await?.into_iter();
    let excepted = excepted.filter(|(_, exception)| now < exception.until);
    let input = PlanInput {
        title: chosen.title.clone(),
        releases,
        machines: candidates,
        excepted: excepted
            .map(|(machine, exception)| (machine, exception.until))
            .collect(),
        allowed,
        frozen,
        groups: gathered.groups.clone(),
        beside: gathered.beside.clone(),
        placed: gathered.placed(),
        stated: gathered.stated.clone(),
        measured_minutes,
        policy,
        clears: chosen.clears.clone(),
        emergency,
    };
    Ok((input, unassigned))
}

/// A window from now on in every unit of the machines that were chosen.
async fn open_windows(
    app: &App,
    change: &mut Change,
    chosen: &NewPlanArguments,
    minutes: u32,
    now: UtcMs,
) -> Result<(), Failure> {
    let gathered = planning::gather(app, change.view(), now).await?;
    let machines = machines(change.view(), &gathered, chosen).await?;
    let rows = machines.iter().filter_map(|id| gathered.assigned.row(id));
    let units: BTreeSet<Name> = rows.map(|row| row.unit.clone()).collect();
    for (number, unit) in units.into_iter().enumerate() {
        let id = Name::new(format!("emergency-{}-{number}", now.0));
        let window = Window {
            id: id.map_err(|error| Failure::input(error.to_string()))?,
            unit,
            opening: Opening::Once(now),
            zone: "UTC".to_owned(),
            minutes,
            day_offset: 0,
            valid_from: None,
            valid_until: None,
        };
        change.add_window(&window).await?;
    }
    Ok(())
}

/// What makes the plan an emergency. A freeze that it overrides must be one: a name with
/// a slip of the pen would override nothing, and nobody would see why.
async fn emergency(
    view: &mut View,
    chosen: &NewPlanArguments,
    range: Interval,
) -> Result<Option<Emergency>, Failure> {
    let Some(reason) = chosen.emergency.clone() else {
        return Ok(None);
    };
    let known = view.freezes(range).await?;
    let known: Vec<&str> = known.iter().map(|freeze| freeze.id.as_str()).collect();
    for freeze in &chosen.overrides {
        if !known.contains(&freeze.as_str()) {
            let meant = nearest(freeze.as_str(), &known);
            let meant = meant.map_or_else(String::new, |meant| format!(" Did you mean {meant}?"));
            return Err(Failure::not_found(format!(
                "There is no freeze {freeze} in the time of this plan.{meant} `freeze list` shows all."
            )));
        }
    }
    Ok(Some(Emergency {
        reason,
        freezes: chosen.overrides.clone(),
    }))
}

fn policy(chosen: &NewPlanArguments) -> Policy {
    let soak_ms = match chosen.soak_seconds {
        Some(seconds) => i64::from(seconds) * SECOND_MS,
        None => {
            let usual = match chosen.emergency {
                Some(_) => EMERGENCY_SOAK_MINUTES,
                None => SOAK_MINUTES,
            };
            i64::from(chosen.soak_minutes.unwrap_or(usual)) * MINUTE_MS
        }
    };
    Policy {
        canaries: chosen.canaries,
        growth: chosen.growth,
        soak_ms,
        spare_slots: chosen.spare_slots,
        failure_limit: chosen.failure_limit,
        horizon_ms: i64::from(chosen.days) * DAY_MS,
        lead_ms: 0,
    }
}

async fn machines(
    view: &mut View,
    gathered: &Gathered,
    chosen: &NewPlanArguments,
) -> Result<Vec<MachineId>, Failure> {
    for unit in &chosen.units {
        if view.unit(unit).await?.is_none() {
            return Err(no_unit(unit));
        }
    }
    let rows = gathered.assigned.all();
    let of_units = rows.filter(|row| chosen.units.contains(&row.unit));
    let mut found: Vec<MachineId> = of_units.map(|row| row.machine).collect();
    for text in &chosen.machines {
        let id = machine::find(view, text).await?.id;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    if found.is_empty() {
        return Err(Failure::input(
            "name machines with --machine, or a unit that has assigned machines with --unit",
        ));
    }
    Ok(found)
}

fn names(candidates: &[Candidate]) -> BTreeMap<MachineId, String> {
    let rows = candidates.iter().map(|one| &one.row);
    rows.map(|row| (row.machine, row.name.to_string()))
        .collect()
}

/// What is kept beside a plan of how it was asked for.
fn kept(chosen: &NewPlanArguments) -> PlanPolicy {
    PlanPolicy {
        soak_ms: policy(chosen).soak_ms,
        share_percent: chosen.share_percent,
        asked: serde_json::to_string(chosen).ok(),
    }
}

async fn store(
    change: &mut Change,
    planned: &planner::Planned,
    kept: &PlanPolicy,
) -> Result<Digest, Failure> {
    let groups: Vec<Name> = planned
        .approval
        .groups
        .iter()
        .map(|g| g.group.clone())
        .collect();
    let approved = planned.approval.releases.iter();
    let releases: Vec<Digest> = approved.map(|release| release.sha256).collect();
    let leaves: Vec<Leaf> = planned
        .leaves
        .iter()
        .zip(&planned.table.leaves)
        .map(|(leaf, bytes)| Leaf {
            machine: leaf.machine,
            wave: leaf.wave.into(),
            bytes: bytes.to_vec(),
        })
        .collect();
    let id = change
        .add_plan(&NewPlan {
            title: &planned.approval.title,
            payload: planned.table.signed.payload(),
            expires_at: planned.approval.expires,
            groups: &groups,
            releases: &releases,
            leaves: &leaves,
        })
        .await?;
    let unfit: Vec<Unfit> = planned.impossible.iter().map(unfit).collect();
    if !unfit.is_empty() {
        change.add_unfit(&id, &unfit).await?;
    }
    change.keep_plan_policy(&id, kept).await?;
    Ok(id)
}

fn unfit(one: &Impossible) -> Unfit {
    Unfit {
        machine: one.machine,
        reason: one.reason.to_string(),
        owner: report::word_of(one.who).to_owned(),
    }
}
