//! `plan new`: gathers, lets the planner decide, stores and shows.

use super::{NewPlanArguments, findings_table, leaves_table, releases, severity};
use crate::app::App;
use crate::command::{Caller, forecast, machine};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::planning::{self, Gathered};
use crate::schedule::planner::{self, Candidate, Impossible, Owner, PlanError, PlanInput, Policy};
use crate::store::View;
use crate::store::plans::{Leaf, NewPlan};
use crate::store::prospects::Unfit;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::nearest::nearest;
use patchward_common::plan::check::{self, Finding};
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, SECOND_MS};
use patchward_common::trust::approval::Emergency;
use patchward_common::trust::release::ReleaseDescription;
use std::collections::BTreeMap;

pub(super) async fn new(
    app: &App,
    caller: &Caller,
    chosen: NewPlanArguments,
) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let gathered = planning::gather(&mut view, now).await?;
    let releases = releases::chosen(&mut view, &chosen.releases).await?;
    let described: Vec<&ReleaseDescription> = releases.iter().map(|r| &r.description).collect();
    let mut candidates = Vec::new();
    let mut unassigned = Vec::new();
    for machine in machines(&mut view, &gathered, &chosen).await? {
        match planning::candidate(&mut view, &gathered, &machine, &described).await? {
            Some(candidate) => candidates.push(candidate),
            None => unassigned.push(machine),
        }
    }
    let releases = releases
        .iter()
        .map(|release| release.approved(&candidates))
        .collect::<Result<_, _>>()?;
    let policy = policy(&chosen);
    let range = Interval::new(now, now.plus_ms(policy.horizon_ms.max(1)))
        .map_err(|error| Failure::input(error.to_string()))?;
    let emergency = emergency(&mut view, &chosen, range).await?;
    let rows = candidates.iter().map(|c| &c.row);
    let allowed = planning::allowed(&mut view, rows, range, emergency.as_ref()).await?;
    let names = names(&candidates);
    let input = PlanInput {
        title: chosen.title.clone(),
        releases,
        machines: candidates,
        allowed,
        groups: gathered.groups.clone(),
        beside: gathered.beside.clone(),
        measured_minutes: BTreeMap::new(),
        policy,
        clears: chosen.clears.clone(),
        emergency,
    };
    let planned = tokio::task::spawn_blocking(move || planner::plan(&input, now))
        .await
        .map_err(|error| Failure::input(error.to_string()))?;
    let planned = match planned {
        Ok(planned) => planned,
        Err(PlanError::Impossible(impossible)) => {
            return Err(Failure::conflict(format!(
                "No machine can be planned:\n{}",
                reasons(&impossible)
            )));
        }
        Err(error) => return Err(Failure::input(error.to_string())),
    };
    let table = planned.table.clone();
    let file = planning::plan_file(app, &mut view, gathered, table, policy.soak_ms).await?;
    drop(view);
    let id = store(app, caller, &planned).await?;
    let findings = check::check(&file, now);
    let mut report = report(&id, &planned, &unassigned, &findings, &names);
    report.text = format!("{}\n{}", forecast::said(app, &id).await?, report.text);
    Ok(Output::Report(report))
}

/// All that came out: the plan, what it leaves out, what speaks against it.
fn report(
    id: &Digest,
    planned: &planner::Planned,
    unassigned: &[MachineId],
    findings: &[Finding],
    names: &BTreeMap<MachineId, String>,
) -> Report {
    let approval = &planned.approval;
    let text = format!(
        "Plan {id}: {} machines, {} waves, ends {}.{}{}{}\nNext: `plan export {} --out FILE`, then \
         `patchward-sign approve`.",
        planned.leaves.len(),
        approval.waves,
        approval.expires,
        not_planned(&planned.impossible),
        not_assigned(unassigned),
        found(findings),
        &id.to_string()[..12],
    );
    let mut impossible = Table::new(&["machine", "reason", "who"]);
    for one in &planned.impossible {
        impossible.row(vec![
            Cell::of(&one.name),
            Cell::of(&one.reason),
            Cell::of(owner(one.who)),
        ]);
    }
    let parts = [
        ("plan", Cell::of(id)),
        ("title", Cell::of(&approval.title)),
        ("waves", Cell::Number(approval.waves.into())),
        ("ends", Cell::of(approval.expires)),
        (
            "unassigned",
            Cell::List(unassigned.iter().map(MachineId::to_string).collect()),
        ),
    ];
    Report::new(parts, text)
        .with("machines", leaves_table(&planned.leaves, names))
        .with("impossible", impossible)
        .with("findings", findings_table(findings))
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
        None => i64::from(chosen.soak_minutes) * MINUTE_MS,
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
    let of_units = gathered
        .rows
        .iter()
        .filter(|(_, row)| chosen.units.contains(&row.unit));
    let mut found: Vec<MachineId> = of_units.map(|(machine, _)| *machine).collect();
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
    let pairs = candidates
        .iter()
        .map(|c| (c.row.machine, c.row.name.to_string()));
    pairs.collect()
}

async fn store(app: &App, caller: &Caller, planned: &planner::Planned) -> Result<Digest, Failure> {
    let groups: Vec<Name> = planned
        .approval
        .groups
        .iter()
        .map(|g| g.group.clone())
        .collect();
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
    let mut change = app.change(caller).await?;
    let id = change
        .add_plan(&NewPlan {
            title: &planned.approval.title,
            payload: planned.table.signed.payload(),
            expires_at: planned.approval.expires,
            groups: &groups,
            leaves: &leaves,
        })
        .await?;
    let unfit: Vec<Unfit> = planned.impossible.iter().map(unfit).collect();
    if !unfit.is_empty() {
        change.add_unfit(&id, &unfit).await?;
    }
    change.commit().await?;
    Ok(id)
}

fn unfit(one: &Impossible) -> Unfit {
    Unfit {
        machine: one.machine,
        reason: one.reason.to_string(),
        owner: match one.who {
            Owner::Vendor => "vendor",
            Owner::Htm => "htm",
            Owner::It => "it",
            Owner::Nobody => "nobody",
        }
        .to_owned(),
    }
}

fn reasons(impossible: &[Impossible]) -> String {
    let lines = impossible.iter().map(|one| {
        format!(
            "  {}: {} ({} can change it)",
            one.name,
            one.reason,
            owner(one.who)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn owner(who: Owner) -> &'static str {
    match who {
        Owner::Vendor => "the vendor",
        Owner::Htm => "HTM",
        Owner::It => "IT",
        Owner::Nobody => "nobody",
    }
}

fn not_planned(impossible: &[Impossible]) -> String {
    if impossible.is_empty() {
        return String::new();
    }
    format!("\nNot in the plan:\n{}", reasons(impossible))
}

fn not_assigned(machines: &[MachineId]) -> String {
    match machines.len() {
        0 => String::new(),
        count => format!("\n{count} machines have no signed assignment and are not in the plan."),
    }
}

fn found(findings: &[Finding]) -> String {
    let lines = findings
        .iter()
        .map(|f| format!("\n  {}: {}", severity(f.severity), f.text));
    match findings.len() {
        0 => "\nThe plan check finds nothing.".to_owned(),
        _ => format!("\nThe plan check finds:{}", lines.collect::<String>()),
    }
}
