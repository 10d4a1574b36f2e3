//! How many waiting jobs a window, a freeze or a stop hits: said by whoever orders it.

use crate::allowed;
use crate::control::{Failure, FailureKind};
use crate::rollout::replan::keeps_a_slot;
use crate::store::View;
use crate::store::plans::PlanState;
use patchward_common::codec;
use patchward_common::id::{JobId, Name};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::Document as _;
use patchward_common::trust::stop::Scope;
use std::collections::BTreeMap;

/// A job that has not ended, with what was signed for it.
pub(super) struct Signed {
    id: JobId,
    /// Whether its work is under way.
    is_open: bool,
    approval: Approval,
    leaf: PlanLeaf,
}

/// The jobs of active plans that have not ended, in units that are `covered`.
async fn signed(view: &mut View, covered: impl Fn(&Name) -> bool) -> Result<Vec<Signed>, Failure> {
    let mut found = Vec::new();
    for plan in view.plans(Some(PlanState::Active)).await? {
        let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
        let read = codec::decode_deterministic::<Approval>(&payload, Approval::MAX_BYTES);
        let Ok(approval) = read else {
            // Whoever looks at this plan itself is told.
            continue;
        };
        let jobs = view.jobs_of_plan(&plan.id).await?;
        let jobs: BTreeMap<_, _> = jobs.into_iter().map(|job| (job.machine, job)).collect();
        for stored in view.leaves(&plan.id).await? {
            let job = jobs.get(&stored.machine);
            let leaf = codec::decode_deterministic::<PlanLeaf>(&stored.bytes, MAX_LEAF_BYTES);
            if let (Some(job), Ok(leaf)) = (job.filter(|job| !job.state.is_final()), leaf)
                && covered(&leaf.unit)
            {
                found.push(Signed {
                    id: job.id,
                    is_open: job.state.is_open(),
                    approval: approval.clone(),
                    leaf,
                });
            }
        }
    }
    Ok(found)
}

/// How many slots to come each waiting job may use, as windows and freezes are now.
pub(super) async fn usable(
    view: &mut View,
    now: UtcMs,
    covered: impl Fn(&Name) -> bool,
) -> Result<BTreeMap<JobId, usize>, Failure> {
    let mut usable = BTreeMap::new();
    for job in signed(view, covered).await? {
        if job.is_open {
            continue;
        }
        let allowed = openings(view, &job, now).await?;
        let longest_ms = job.approval.longest_run_ms();
        let fits = |slot: &&Interval| {
            let only = PlanLeaf {
                slots: vec![**slot],
                ..job.leaf.clone()
            };
            keeps_a_slot(&only, &allowed, longest_ms, now)
        };
        usable.insert(job.id, job.leaf.slots.iter().filter(fits).count());
    }
    Ok(usable)
}

/// Allowed time of a job's unit until its last slot. A unit that is gone opens nothing.
async fn openings(view: &mut View, job: &Signed, now: UtcMs) -> Result<Vec<Interval>, Failure> {
    let last = job.leaf.slots.iter().map(|slot| slot.end()).max();
    let Some(range) = last.and_then(|last| Interval::new(now, last).ok()) else {
        return Ok(Vec::new());
    };
    let emergency = job.approval.emergency.as_ref();
    let overridden = emergency.map_or(&[][..], |emergency| &emergency.freezes);
    match allowed::of_unit(view, &job.leaf.unit, range, overridden).await {
        Err(error) if matches!(error.kind, FailureKind::NotFound | FailureKind::Input) => {
            Ok(Vec::new())
        }
        openings => openings,
    }
}

/// What a change took from waiting jobs, in words; empty where it took nothing.
pub(super) fn taken(before: &BTreeMap<JobId, usize>, after: &BTreeMap<JobId, usize>) -> String {
    let left = |job: &JobId| after.get(job).copied().unwrap_or(0);
    let hit: Vec<&JobId> = before
        .iter()
        .filter(|(job, slots)| left(job) < **slots)
        .map(|(job, _)| job)
        .collect();
    let none_left = hit.iter().filter(|job| left(job) == 0).count();
    match (hit.len(), none_left) {
        (0, _) => " No waiting job loses a slot by it.".to_owned(),
        (count, 0) => {
            let (one, more) = (
                "loses slots by it and keeps others",
                "lose slots by it and keep others",
            );
            format!(" {}.", jobs(count, one, more))
        }
        (count, none) => format!(
            " {} slots by it; {none} of them {} none left and {} a new plan: `plan again`.",
            jobs(count, "loses", "lose"),
            if none == 1 { "has" } else { "have" },
            if none == 1 { "needs" } else { "need" },
        ),
    }
}

fn jobs(count: usize, one: &str, more: &str) -> String {
    match count {
        1 => format!("1 waiting job {one}"),
        count => format!("{count} waiting jobs {more}"),
    }
}

/// What a stop hits, in words.
pub(super) async fn stopped(view: &mut View, scope: &Scope) -> Result<String, Failure> {
    let mut of_vendor = Vec::new();
    if let Scope::Vendor(name) = scope {
        let mut vendors = view.vendors().await?;
        vendors.retain(|vendor| vendor.name == *name);
        of_vendor.extend(vendors.into_iter().map(|vendor| vendor.repository));
    }
    let covers = |job: &&Signed| {
        let mut releases = job.approval.releases.iter();
        match scope {
            Scope::All => true,
            Scope::Plan(plan) => job.id == JobId::of(*plan, job.leaf.machine),
            Scope::Unit(unit) => job.leaf.unit == *unit,
            Scope::Release(sha256) => releases.any(|release| release.sha256 == *sha256),
            Scope::Vendor(_) => releases.any(|release| of_vendor.contains(&release.repository)),
        }
    };
    let all = signed(view, |_| true).await?;
    let hit: Vec<&Signed> = all.iter().filter(covers).collect();
    let running = hit.iter().filter(|job| job.is_open).count();
    let waiting = jobs(hit.len() - running, "does not start", "do not start");
    Ok(match running {
        0 => format!("{waiting}; none is under way."),
        1 => format!("{waiting}; 1 that is under way goes on to a safe end."),
        more => format!("{waiting}; {more} that are under way go on to a safe end."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_counted_and_what_is_left_without_a_slot_named() {
        let slots = |all: &[(u8, usize)]| {
            let all = all.iter().map(|(id, count)| (JobId([*id; 16]), *count));
            all.collect::<BTreeMap<_, _>>()
        };
        let before = slots(&[(1, 3), (2, 2), (3, 0)]);
        for (after, words) in [
            (
                slots(&[(1, 3), (2, 2), (3, 0)]),
                "No waiting job loses a slot by it.",
            ),
            (
                slots(&[(1, 2), (2, 2)]),
                "1 waiting job loses slots by it and keeps others.",
            ),
            (
                slots(&[(1, 2)]),
                "2 waiting jobs lose slots by it; 1 of them has none left",
            ),
            (slots(&[]), "2 of them have none left and need a new plan"),
        ] {
            let said = taken(&before, &after);
            assert!(said.contains(words), "{said}");
        }
    }
}
