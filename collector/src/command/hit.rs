//! How many waiting jobs a window, a freeze or a stop hits: said by whoever orders it.

use crate::allowed::of_unit;
use crate::control::{Failure, FailureKind};
use crate::rollout::replan::keeps;
use crate::schedule::opening;
use crate::store::View;
use crate::store::plans::PlanState;
use patchward_common::codec;
use patchward_common::id::{JobId, Label, Name};
use patchward_common::plan::MAX_LEAF_BYTES;
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::sign::Document as _;
use patchward_common::trust::stop::Scope;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A job that has not ended, with what was signed for it.
struct Signed {
    id: JobId,
    /// Whether its work is under way.
    is_open: bool,
    approval: Arc<Approval>,
    leaf: PlanLeaf,
}

impl Signed {
    fn place(&self) -> Place {
        let emergency = self.approval.emergency.as_ref();
        let overridden = emergency.map_or_else(Vec::new, |emergency| emergency.freezes.clone());
        (self.leaf.unit.clone(), overridden)
    }
}

/// The jobs of active plans that have not ended, in units that are `covered`.
async fn signed(view: &mut View, covered: impl Fn(&Name) -> bool) -> Result<Vec<Signed>, Failure> {
    let mut found = Vec::new();
    for plan in view.plans(Some(PlanState::Active)).await? {
        let payload = view.plan_payload(&plan.id).await?.unwrap_or_default();
        let read = codec::decode_deterministic::<Approval>(&payload, Approval::MAX_BYTES);
        let Ok(approval) = read.map(Arc::new) else {
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
                    approval: Arc::clone(&approval),
                    leaf,
                });
            }
        }
    }
    Ok(found)
}

/// A unit, and the freezes that an emergency overrides there.
type Place = (Name, Vec<Label>);
/// When work is allowed at each place.
type Allowed = BTreeMap<Place, Vec<Interval>>;

/// The jobs that wait, and how many slots each may use. It is read before a change is opened:
/// for a whole hospital that takes longer than every go may wait for the change's locks.
pub(super) struct Waiting {
    jobs: Vec<Signed>,
    now: UtcMs,
    allowed: Allowed,
}

impl Waiting {
    /// Reads the waiting jobs of units that are `covered`, as windows and freezes are now.
    pub(super) async fn read(
        view: &mut View,
        now: UtcMs,
        covered: impl Fn(&Name) -> bool,
    ) -> Result<Self, Failure> {
        let mut jobs = signed(view, covered).await?;
        jobs.retain(|job| !job.is_open);
        let allowed = allowed(view, &jobs, now).await?;
        Ok(Self { jobs, now, allowed })
    }

    /// What other windows take from them, in words: those that `view` has.
    pub(super) async fn moved(&self, view: &mut View) -> Result<String, Failure> {
        let has = allowed(view, &self.jobs, self.now).await?;
        Ok(taken(&self.usable(&self.allowed), &self.usable(&has)))
    }

    /// What a freeze that covers all of them takes from them, in words.
    pub(super) fn frozen(&self, name: &Label, during: Interval) -> String {
        let has = less(&self.allowed, name, during);
        taken(&self.usable(&self.allowed), &self.usable(&has))
    }

    fn usable(&self, allowed: &Allowed) -> BTreeMap<JobId, usize> {
        let count = |job: &Signed| {
            let open = allowed.get(&job.place()).map_or(&[][..], Vec::as_slice);
            let longest_ms = job.approval.longest_run_ms();
            let fits = |slot: &&Interval| keeps(slot, open, longest_ms, self.now);
            (job.id, job.leaf.slots.iter().filter(fits).count())
        };
        self.jobs.iter().map(count).collect()
    }
}

/// Allowed time less a freeze, where no emergency overrides it.
fn less(allowed: &Allowed, name: &Label, during: Interval) -> Allowed {
    let left = allowed.iter().map(|(place, open)| {
        let left = match place.1.contains(name) {
            true => open.clone(),
            false => opening::difference(open, &[during]),
        };
        (place.clone(), left)
    });
    left.collect()
}

/// Until when allowed time is asked for at each place: until the last slot of any job there.
fn places(jobs: &[Signed]) -> BTreeMap<Place, UtcMs> {
    let mut places = BTreeMap::new();
    for job in jobs {
        if let Some(last) = job.leaf.slots.iter().map(|slot| slot.end()).max() {
            let until = places.entry(job.place()).or_insert(last);
            *until = last.max(*until);
        }
    }
    places
}

/// Allowed time at the places of these jobs, read once for each: there are hundreds of units and
/// tens of thousands of jobs. A unit that is gone opens nothing.
async fn allowed(view: &mut View, jobs: &[Signed], now: UtcMs) -> Result<Allowed, Failure> {
    let mut allowed = Allowed::new();
    for ((unit, overridden), until) in places(jobs) {
        let Ok(range) = Interval::new(now, until) else {
            continue;
        };
        let open = match of_unit(view, &unit, range, &overridden).await {
            Err(error) if matches!(error.kind, FailureKind::NotFound | FailureKind::Input) => {
                continue;
            }
            open => open?,
        };
        allowed.insert((unit, overridden), open);
    }
    Ok(allowed)
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
    use patchward_common::digest::Digest;
    use patchward_common::id::MachineId;
    use patchward_common::trust::approval::Emergency;
    use patchward_common::trust::roster::Class;

    fn time(from: i64, until: i64) -> Interval {
        Interval::new(UtcMs(from), UtcMs(until)).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn label(text: &str) -> Label {
        Label::new(text).unwrap()
    }

    /// A job in a unit with these slots; an emergency overrides the freeze `christmas` for it.
    fn job(id: u8, unit: &str, slots: &[(i64, i64)], is_emergency: bool) -> Signed {
        let emergency = is_emergency.then(|| Emergency {
            reason: label("r"),
            freezes: vec![label("christmas")],
        });
        let approval = Approval {
            title: label("Update"),
            issued: UtcMs(0),
            expires: UtcMs(1_000),
            releases: Vec::new(),
            waves: 1,
            machines: 1,
            root: Digest::default(),
            groups: Vec::new(),
            beside: Vec::new(),
            failure_limit: 1,
            clears: Vec::new(),
            emergency,
        };
        Signed {
            id: JobId([id; 16]),
            is_open: false,
            approval: Arc::new(approval),
            leaf: PlanLeaf {
                machine: MachineId([id; 32]),
                unit: name(unit),
                class: Class::Standard,
                groups: Vec::new(),
                wave: 0,
                slots: slots
                    .iter()
                    .map(|(from, until)| time(*from, *until))
                    .collect(),
            },
        }
    }

    #[test]
    fn allowed_time_is_asked_for_once_at_each_place() {
        let jobs = [
            job(1, "icu", &[(100, 160), (300, 360)], false),
            job(2, "icu", &[(400, 460)], false),
            job(3, "icu", &[(100, 160)], true),
            job(4, "or-1", &[(10, 20)], false),
            job(5, "or-2", &[], false),
        ];
        let expected = [
            ((name("icu"), Vec::new()), UtcMs(460)),
            ((name("icu"), vec![label("christmas")]), UtcMs(160)),
            ((name("or-1"), Vec::new()), UtcMs(20)),
        ];
        assert_eq!(places(&jobs), BTreeMap::from(expected));
    }

    #[test]
    fn a_freeze_is_counted_before_it_is_there() {
        let jobs = vec![
            job(1, "icu", &[(100, 160), (300, 360)], false),
            job(2, "icu", &[(100, 160)], false),
            job(3, "icu", &[(100, 160)], true),
        ];
        let open = |job: &Signed| (job.place(), vec![time(0, 1_000)]);
        let waiting = Waiting {
            allowed: jobs.iter().map(open).collect(),
            jobs,
            now: UtcMs(0),
        };
        let said = waiting.frozen(&label("christmas"), time(90, 200));
        assert!(
            said.contains("2 waiting jobs lose slots by it; 1 of them"),
            "{said}"
        );
        let said = waiting.frozen(&label("new-year"), time(90, 200));
        assert!(
            said.contains("3 waiting jobs lose slots by it; 2 of them"),
            "{said}"
        );
        let said = waiting.frozen(&label("new-year"), time(170, 290));
        assert!(said.contains("No waiting job"), "{said}");
    }

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
