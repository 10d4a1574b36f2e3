//! What a plan no longer carries since windows, freezes or the fleet changed, out of the
//! store; [`crate::rollout::replan`] decides.

use crate::allowed;
use crate::control::Failure;
use crate::rollout::replan::{keeps_a_slot, needs_a_slot};
use crate::store::View;
use crate::store::jobs::Job;
use crate::store::machines::MachineState;
use crate::store::plans::{Plan, PlanState};
use patchward_common::codec;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::sign::Document as _;
use std::collections::{BTreeMap, BTreeSet};

/// Machines that are read at once.
const PAGE: u32 = 1_000;

/// What is left of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Machines of the plan that wait and have no slot any more in which work is allowed.
    pub without_slot: Vec<MachineId>,
    /// Machines of its units that it does not name.
    pub new: Vec<MachineId>,
    /// Machines that wait and keep a slot.
    pub kept: usize,
}

impl Left {
    /// The machines that a new plan is needed for.
    pub fn needing(&self) -> impl Iterator<Item = &MachineId> {
        self.without_slot.iter().chain(&self.new)
    }

    /// In words; `None` where the plan still carries everybody.
    pub fn words(&self) -> Option<String> {
        let slots = match self.without_slot.len() {
            0 => None,
            count => Some(format!(
                "{count} machines have no slot left where work is allowed"
            )),
        };
        let new = match self.new.len() {
            0 => None,
            count => Some(format!("{count} machines are new in its units")),
        };
        match (slots, new) {
            (Some(slots), Some(new)) => Some(format!("{slots}, and {new}")),
            (one, other) => one.or(other),
        }
    }
}

/// What is left of a plan that was asked for `units`. A machine that a newer plan names
/// is that plan's.
pub async fn of_plan(
    view: &mut View,
    plan: &Plan,
    units: &[Name],
    now: UtcMs,
) -> Result<Left, Failure> {
    let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
    let approval: Approval = codec::decode_deterministic(&payload, Approval::MAX_BYTES)
        .map_err(|error| Failure::conflict(format!("the plan {}: {error}", plan.title)))?;
    let overridden = approval.emergency.as_ref().map_or(&[][..], |e| &e.freezes);
    let jobs = view.jobs_of_plan(&plan.id).await?;
    let jobs: BTreeMap<MachineId, Job> = jobs.into_iter().map(|job| (job.machine, job)).collect();
    let newer = newer_plans_machines(view, plan, now).await?;
    let mut allowed: BTreeMap<Name, Vec<Interval>> = BTreeMap::new();
    let mut left = Left::default();
    let mut named = BTreeSet::new();
    for stored in view.leaves(&plan.id).await? {
        named.insert(stored.machine);
        let waits = jobs
            .get(&stored.machine)
            .is_some_and(|job| needs_a_slot(&job.state));
        if !waits || newer.contains(&stored.machine) {
            continue;
        }
        let Ok(leaf) = codec::decode_deterministic::<PlanLeaf>(&stored.bytes, MAX_LEAF_BYTES)
        else {
            continue;
        };
        if !allowed.contains_key(&leaf.unit) {
            let until = plan.expires_at.max(now.plus_ms(1));
            let range =
                Interval::new(now, until).map_err(|error| Failure::conflict(error.to_string()))?;
            let openings = allowed::of_unit(view, &leaf.unit, range, overridden).await?;
            allowed.insert(leaf.unit.clone(), openings);
        }
        let openings = allowed.get(&leaf.unit).map_or(&[][..], Vec::as_slice);
        match keeps_a_slot(&leaf, openings, approval.longest_run_ms(), now) {
            true => left.kept += 1,
            false => left.without_slot.push(stored.machine),
        }
    }
    let unfit = view.unfit_of(&plan.id).await?;
    named.extend(unfit.into_iter().map(|one| one.machine));
    named.extend(newer);
    for unit in units {
        left.new.extend(active_machines(view, unit).await?);
    }
    left.new.retain(|machine| !named.contains(machine));
    Ok(left)
}

/// The machines of plans made after this one that were not given up.
async fn newer_plans_machines(
    view: &mut View,
    plan: &Plan,
    now: UtcMs,
) -> Result<BTreeSet<MachineId>, Failure> {
    let mut machines = BTreeSet::new();
    for newer in view.plans(None).await? {
        let stands = match newer.state {
            PlanState::Draft | PlanState::Signed | PlanState::Active => now < newer.expires_at,
            PlanState::Done => true,
            PlanState::Stopped | PlanState::Expired => false,
        };
        if stands && newer.created_at > plan.created_at {
            let leaves = view.leaves(&newer.id).await?;
            machines.extend(leaves.into_iter().map(|leaf| leaf.machine));
        }
    }
    Ok(machines)
}

async fn active_machines(view: &mut View, unit: &Name) -> Result<Vec<MachineId>, Failure> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = view.machines(Some(unit), after.as_ref(), PAGE).await?;
        after = page.last().map(|line| line.id);
        let is_last = page.len() < PAGE as usize;
        let active = page
            .iter()
            .filter(|line| line.state == MachineState::Enrolled && line.mode == Mode::Active);
        found.extend(active.map(|line| line.id));
        if is_last {
            return Ok(found);
        }
    }
}
