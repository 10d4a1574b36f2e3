//! What a plan no longer carries since windows, freezes or the fleet changed, out of the
//! store; [`crate::rollout::replan`] decides.

use crate::allowed;
use crate::control::{Failure, FailureKind};
use crate::planning;
use crate::rollout::replan::{keeps_a_slot, needs_a_slot, withheld};
use crate::store::jobs::Job;
use crate::store::machines::{MachineLine, MachineState};
use crate::store::plans::Plan;
use crate::store::{StoreError, View};
use patchward_common::codec;
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::plan::{MAX_LEAF_BYTES, is_release};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::release::ABSENT;
use patchward_common::trust::sign::Document as _;
use patchward_common::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Machines that are read at once.
const PAGE: u32 = 1_000;

/// What is left of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Machines of the plan that wait and have no slot any more in which work is allowed.
    pub without_slot: Vec<MachineId>,
    /// Machines of the plan that are in another unit or class now: they refuse it.
    pub moved: Vec<MachineId>,
    /// Machines of its units that it does not name.
    pub new: Vec<MachineId>,
    /// Machines that wait and keep a slot.
    pub kept: usize,
    /// Of each unit the next slots in which nothing starts, as windows and freezes are now.
    pub withheld: BTreeMap<Name, Withheld>,
}

/// Slots that somebody counts on, and in which nothing starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The first of them.
    pub first: Interval,
    /// The machines whose next slot it is.
    pub machines: Vec<MachineId>,
    /// The freezes that hold in the first; where there are none, it is the windows.
    pub by: Vec<Label>,
}

impl Left {
    /// The machines that a new plan is needed for.
    pub fn needing(&self) -> impl Iterator<Item = &MachineId> {
        let named = self.without_slot.iter().chain(&self.moved);
        named.chain(&self.new)
    }

    fn withhold(&mut self, unit: &Name, machine: MachineId, slot: Interval) {
        let of_unit = self.withheld.entry(unit.clone()).or_insert(Withheld {
            first: slot,
            machines: Vec::new(),
            by: Vec::new(),
        });
        of_unit.first = of_unit.first.min(slot);
        of_unit.machines.push(machine);
    }

    /// In words; `None` where the plan still carries everybody.
    pub fn words(&self) -> Option<String> {
        let parts = [
            (
                self.without_slot.len(),
                "machine has no slot left where work is allowed",
                "machines have no slot left where work is allowed",
            ),
            (
                self.moved.len(),
                "machine is in another unit or class since",
                "machines are in another unit or class since",
            ),
            (
                self.new.len(),
                "machine is new in its units",
                "machines are new in its units",
            ),
        ];
        let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
        let words: Vec<String> = parts
            .map(|(count, one, several)| counted(count, one, several))
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// Every enrolled machine, by its id.
pub async fn enrolled(view: &mut View) -> Result<BTreeMap<MachineId, MachineLine>, StoreError> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let page = view.machines(None, after.as_ref(), PAGE).await?;
        after = page.last().map(|line| line.id);
        let is_last = page.len() < PAGE as usize;
        found.extend(page.into_iter().map(|line| (line.id, line)));
        if is_last {
            found.retain(|_, line| line.state == MachineState::Enrolled);
            return Ok(found);
        }
    }
}

fn is_active(line: &MachineLine) -> bool {
    line.state == MachineState::Enrolled && line.mode != Mode::Observe
}

/// What is left of a plan that was asked for all of `units`. A machine that a newer plan
/// of the same products names is that plan's; one that left the fleet is nobody's.
pub async fn of_plan(
    view: &mut View,
    plan: &Plan,
    units: &[Name],
    machines: &BTreeMap<MachineId, MachineLine>,
    now: UtcMs,
) -> Result<Left, Failure> {
    let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
    let approval = codec::decode_deterministic::<Approval>(&payload, Approval::MAX_BYTES);
    let Ok(approval) = approval else {
        // Whoever looks at this plan itself is told.
        return Ok(Left::default());
    };
    let newer = view.carried_by_newer(&plan.id, now).await?;
    let mut named: BTreeSet<MachineId> = newer.clone();
    let unfit = view.unfit_of(&plan.id).await?;
    named.extend(unfit.into_iter().map(|one| one.machine));
    let jobs = view.jobs_of_plan(&plan.id).await?;
    let jobs: BTreeMap<MachineId, Job> = jobs.into_iter().map(|job| (job.machine, job)).collect();
    let mut allowed = BTreeMap::new();
    let mut left = Left::default();
    for stored in view.leaves(&plan.id).await? {
        let machine = stored.machine;
        named.insert(machine);
        let waits = jobs
            .get(&machine)
            .is_some_and(|job| needs_a_slot(&job.state));
        let line = machines.get(&machine).filter(|line| is_active(line));
        let leaf = codec::decode_deterministic::<PlanLeaf>(&stored.bytes, MAX_LEAF_BYTES);
        let (true, false, Some(line), Ok(leaf)) = (waits, newer.contains(&machine), line, leaf)
        else {
            continue;
        };
        if (&leaf.unit, leaf.class) != (&line.unit, line.class) {
            left.moved.push(machine);
            continue;
        }
        if !allowed.contains_key(&leaf.unit) {
            let openings = openings(view, &leaf.unit, plan, &approval, now).await?;
            allowed.insert(leaf.unit.clone(), openings);
        }
        let openings: &[Interval] = allowed.get(&leaf.unit).map_or(&[], Vec::as_slice);
        let longest_ms = approval.longest_run_ms();
        if let Some(slot) = withheld(&leaf, openings, longest_ms, now) {
            left.withhold(&leaf.unit, machine, slot);
        }
        match keeps_a_slot(&leaf, openings, longest_ms, now) {
            true => left.kept += 1,
            false => left.without_slot.push(machine),
        }
    }
    let overridden = overridden(&approval);
    for (unit, withheld) in &mut left.withheld {
        let taken = allowed::taken(view, unit, withheld.first, overridden).await;
        withheld.by = taken.map(|by| by.map_or_else(Vec::new, |frozen| frozen.by))?;
    }
    for line in machines.values() {
        if is_active(line)
            && units.contains(&line.unit)
            && !named.contains(&line.id)
            && !has_all(view, &line.id, &approval).await?
        {
            left.new.push(line.id);
        }
    }
    Ok(left)
}

/// Allowed time of a unit until the plan ends. A unit that is gone, or a window that
/// nobody understands, opens nothing, as at the go.
pub async fn openings(
    view: &mut View,
    unit: &Name,
    plan: &Plan,
    approval: &Approval,
    now: UtcMs,
) -> Result<Vec<Interval>, Failure> {
    let until = plan.expires_at.max(now.plus_ms(1));
    let Ok(range) = Interval::new(now, until) else {
        return Ok(Vec::new());
    };
    match allowed::of_unit(view, unit, range, overridden(approval)).await {
        Err(error) if matches!(error.kind, FailureKind::NotFound | FailureKind::Input) => {
            Ok(Vec::new())
        }
        openings => openings,
    }
}

/// The freezes that an emergency overrides.
fn overridden(approval: &Approval) -> &[Label] {
    let emergency = approval.emergency.as_ref();
    emergency.map_or(&[][..], |emergency| &emergency.freezes)
}

/// Whether a machine has everything that the plan installs.
async fn has_all(
    view: &mut View,
    machine: &MachineId,
    approval: &Approval,
) -> Result<bool, StoreError> {
    let products = approval.releases.iter().map(|one| &one.release);
    let Some(set) = planning::versions(view, machine, products).await? else {
        return Ok(false);
    };
    Ok(approval.releases.iter().all(|approved| {
        let found = planning::version_of(&approved.release, &set).unwrap_or(ABSENT);
        is_release(&approved.release, found)
    }))
}
