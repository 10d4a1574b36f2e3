//! `plan show`: a plan with all its machines and slots, what it leaves out, and who has
//! still to sign.

use super::installs::{self, HasNow};
use super::risks::Risks;
use super::sign::missing;
use super::{DECLINED, cleared, find, report, standing};
use crate::app::App;
use crate::authority;
use crate::command::zones::Zones;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::planning;
use crate::rollout::wave::SHARE_PERCENT;
use crate::store::View;
use crate::store::plans::{Plan, PlanState};
use patchward_common::id::MachineId;
use patchward_common::plan::wave_number;
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, Emergency, PlanLeaf};
use patchward_common::words::counted;
use std::collections::BTreeMap;

/// How much of what was done with a draft is looked at: far more than anybody does with one.
const MAX_SAID: u32 = 200;

/// Shows a plan.
pub(super) async fn show(app: &App, text: &str) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let plan = find(&mut view, text).await?;
    let table = planning::read(&mut view, &plan.id).await?;
    let (approval, leaves) = table
        .read()
        .map_err(|error| Failure::conflict(format!("the plan: {error}")))?;
    let names = view.names_of_plan(&plan.id).await?;
    let zones = Zones::read(&mut view).await?;
    let share = share(&mut view, &plan).await?;
    let signatures = signatures(&mut view, &plan, (approval, leaves), app.now()).await?;
    let declined = declined(&mut view, &plan).await?;
    let impossible = impossible(&mut view, &plan, &names).await?;
    let risks = Risks::read(&mut view, &plan.id, approval).await?;
    let has_now = has_now(&mut view, approval, leaves).await?;
    let releases = releases(approval);
    let held = authority::held(&mut view).await.ok();
    let state = standing::state(&mut view, &plan, held.as_ref(), app.now()).await?;
    let urgent = approval.emergency.as_ref();
    let cleared = cleared::sentences(&mut view, approval).await?;
    let htm = (!signatures.missing.is_empty()).then_some("HTM");
    let text = format!(
        "Plan {}: {}, {}. Installs {}.{cleared} Ends {}. A wave begins when {share} of 100 outcomes of the \
         one before are verified; {} halts it.{}{} {}.{}{}",
        plan.id,
        plan.title,
        state,
        releases.join(", then "),
        zones.text(None, approval.expires),
        match approval.failure_limit {
            0 | 1 => "one failure".to_owned(),
            more => format!("the failure number {more}"),
        },
        urgent.map_or_else(String::new, emergency),
        risks.words(app.now()),
        signatures.words,
        htm.map_or("", |_| " It is HTM's move."),
        said(&declined),
    );
    let report = Report::new(
        [
            ("plan", Cell::of(plan.id)),
            ("title", Cell::of(plan.title)),
            ("state", state),
            ("releases", Cell::List(releases)),
            ("ends", Cell::of(approval.expires)),
            ("share_percent", Cell::Number(share.into())),
            ("failure_limit", Cell::Number(approval.failure_limit.into())),
            ("emergency", Cell::maybe(urgent.map(|one| &one.reason))),
            ("overrides", Cell::List(overrides(urgent))),
            ("signatures", Cell::Number(signatures.count as i64)),
            ("signatures_missing", Cell::List(signatures.missing)),
            ("declined", Cell::List(declined)),
            ("whose_move", Cell::maybe(htm)),
        ],
        text,
    );
    Ok(Output::Report(
        report
            .with("installs", installs::table(approval))
            .with("machines", machines(leaves, &names, &has_now, &zones))
            .with("spare_slots", spares(leaves, &names, &zones))
            .with("impossible", impossible)
            .with(
                "risks",
                crate::command::risk::table(&risks.known, app.now()),
            ),
    ))
}

/// How many of a hundred outcomes of a wave must be verified before the next begins.
async fn share(view: &mut View, plan: &Plan) -> Result<u32, Failure> {
    let policy = view.plan_policy(&plan.id).await?;
    Ok(policy.map_or(SHARE_PERCENT, |policy| policy.share_percent))
}

async fn has_now(
    view: &mut View,
    approval: &Approval,
    leaves: &[PlanLeaf],
) -> Result<HasNow, Failure> {
    let products: Vec<_> = approval.releases.iter().map(|one| &one.release).collect();
    let machines: Vec<MachineId> = leaves.iter().map(|leaf| leaf.machine).collect();
    let found = planning::versions_of(view, &machines, &products).await?;
    let found = found.iter().map(|(machine, versions)| (*machine, versions));
    Ok(installs::has_now(found))
}

fn releases(approval: &Approval) -> Vec<String> {
    let releases = approval.releases.iter().map(|approved| {
        let release = &approved.release;
        let provenance = approved.provenance.word();
        format!("{} {} ({provenance})", release.product, release.version)
    });
    releases.collect()
}

fn overrides(emergency: Option<&Emergency>) -> Vec<String> {
    let freezes = emergency.map_or(&[][..], |one| &one.freezes);
    freezes.iter().map(ToString::to_string).collect()
}

/// What an emergency is, for who plans or reads it.
pub(super) fn emergency(emergency: &Emergency) -> String {
    let freezes = overrides(Some(emergency));
    let overridden = match freezes.is_empty() {
        true => "it overrides no freeze".to_owned(),
        false => format!("it overrides {}", freezes.join(", ")),
    };
    format!(
        " It is an emergency ({}): two people must sign it, and {overridden}.",
        emergency.reason
    )
}

/// Who has signed, and who has still to.
struct Signatures {
    count: usize,
    missing: Vec<String>,
    words: String,
}

async fn signatures(
    view: &mut View,
    plan: &Plan,
    (approval, leaves): (&Approval, &[PlanLeaf]),
    now: UtcMs,
) -> Result<Signatures, Failure> {
    let signed = planning::signed(view, &plan.id).await?;
    let count = signed.signatures().len();
    let missing = match plan.state {
        // Without a roster nobody can sign, and the plan check says so.
        PlanState::Draft => match authority::held(view).await {
            Ok(held) => missing(&signed, (approval, leaves), &held, now),
            Err(_) => Vec::new(),
        },
        _ => Vec::new(),
    };
    let signatures = counted(count, "signature", "signatures");
    let words = match missing.is_empty() {
        true => signatures,
        false => format!("{signatures}; still missing: {}", missing.join("; ")),
    };
    Ok(Signatures {
        count,
        missing,
        words,
    })
}

/// Who declined a draft, and why, the last first. Nobody signs what a colleague declined without
/// knowing of it.
async fn declined(view: &mut View, plan: &Plan) -> Result<Vec<String>, Failure> {
    if plan.state != PlanState::Draft {
        return Ok(Vec::new());
    }
    let said = view.audit_of(&plan.id.to_string(), MAX_SAID).await?;
    let declined = said.iter().filter(|row| row.action == DECLINED);
    let words = declined.map(|row| {
        let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
        let reason = detail["reason"].as_str().unwrap_or("no reason was kept");
        let who = row.actor.strip_prefix("person:").unwrap_or(&row.actor);
        format!("{who}: {reason}")
    });
    Ok(words.collect())
}

fn said(declined: &[String]) -> String {
    let words = declined.iter().map(|one| format!(" Declined by {one}."));
    words.collect()
}

/// The machines that were asked for and fit in no slot.
async fn impossible(
    view: &mut View,
    plan: &Plan,
    names: &BTreeMap<MachineId, String>,
) -> Result<Table, Failure> {
    let mut table = Table::new(&["machine", "reason", "who"]);
    for one in view.unfit_of(&plan.id).await? {
        table.row(vec![
            name(names, one.machine),
            Cell::of(&one.reason),
            Cell::of(report::who(&one.owner)),
        ]);
    }
    Ok(table)
}

fn name(names: &BTreeMap<MachineId, String>, machine: MachineId) -> Cell {
    let name = names.get(&machine);
    name.map_or_else(|| Cell::of(machine), Cell::of)
}

/// By wave and time.
fn in_order(leaves: &[PlanLeaf]) -> Vec<&PlanLeaf> {
    let mut sorted: Vec<_> = leaves.iter().collect();
    sorted.sort_by_key(|leaf| (leaf.wave, leaf.slots.first().copied()));
    sorted
}

/// Every machine with its first slot.
pub(super) fn machines(
    leaves: &[PlanLeaf],
    names: &BTreeMap<MachineId, String>,
    has_now: &HasNow,
    zones: &Zones,
) -> Table {
    let mut table = Table::new(&[
        "machine",
        "unit",
        "class",
        "has_now",
        "wave",
        "first_slot",
        "until",
        "spare",
    ]);
    for leaf in in_order(leaves) {
        let (unit, first) = (Some(&leaf.unit), leaf.slots.first());
        table.row(vec![
            name(names, leaf.machine),
            Cell::of(&leaf.unit),
            Cell::of(leaf.class.word()),
            Cell::maybe(has_now.get(&leaf.machine)),
            Cell::Number(wave_number(leaf.wave).into()),
            zones.maybe(unit, first.map(|slot| slot.start())),
            zones.maybe(unit, first.map(|slot| slot.end())),
            Cell::Number(leaf.slots.len().saturating_sub(1) as i64),
        ]);
    }
    table
}

/// Every slot beside the first: for what is missed.
pub(super) fn spares(
    leaves: &[PlanLeaf],
    names: &BTreeMap<MachineId, String>,
    zones: &Zones,
) -> Table {
    let mut table = Table::new(&["machine", "from", "until"]);
    for leaf in in_order(leaves) {
        for slot in leaf.slots.iter().skip(1) {
            table.row(vec![
                name(names, leaf.machine),
                zones.cell(Some(&leaf.unit), slot.start()),
                zones.cell(Some(&leaf.unit), slot.end()),
            ]);
        }
    }
    table
}
