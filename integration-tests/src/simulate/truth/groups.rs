//! Minimum ready: over everything that was signed, and when a go leaves.

use super::{Invariant, TruePlan};
use crate::simulate::world::World;
use patchward_collector::rollout::go::READY_WITHIN_MS;
use patchward_collector::store::machines::Readiness;
use patchward_collector::store::places::SwitchedOff;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name, Nonce};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::go::NONCE_LIFE_MS;
use patchward_common::trust::stop::Scope;
use std::collections::BTreeSet;
use std::rc::Rc;

impl World {
    /// A plan as it is signed: I3 over everything that was signed, at every instant.
    pub(in crate::simulate) fn plan_is_signed(&mut self, digest: Digest) {
        let Some(row) = self.db.plan(digest) else {
            return;
        };
        let plan = TruePlan {
            approval: Rc::clone(&row.approval),
            leaves: Rc::clone(&row.leaves),
            signers: row.table.signed.signatures().len(),
        };
        self.truth.plans.insert(digest, plan);
        let now = self.now;
        let groups: Vec<(Name, usize)> = {
            let stated = self.truth.plans[&digest].approval.groups.iter();
            stated
                .map(|g| (g.group.clone(), (g.size - g.minimum_ready) as usize))
                .collect()
        };
        for (group, most) in groups {
            let worst = self.most_open(&group, now);
            self.holds(worst <= most, Invariant::I3, || {
                format!("{worst} members of {group} have open slots at once, at most {most} may")
            });
        }
    }

    fn most_open(&self, group: &Name, now: UtcMs) -> usize {
        let live = self
            .truth
            .plans
            .values()
            .filter(|plan| now < plan.approval.expires);
        let leaves = live.flat_map(|plan| plan.leaves.iter());
        let leaves = leaves.filter(|leaf| leaf.groups.contains(group));
        let slots: Vec<(MachineId, Interval)> = leaves
            .flat_map(|leaf| leaf.slots.iter().map(|slot| (leaf.machine, *slot)))
            .filter(|(_, slot)| now < slot.end())
            .collect();
        let open = |at: UtcMs| {
            let open = slots.iter().filter(|(_, slot)| slot.contains(at));
            open.map(|(machine, _)| machine)
                .collect::<BTreeSet<_>>()
                .len()
        };
        slots
            .iter()
            .map(|(_, slot)| open(slot.start()))
            .max()
            .unwrap_or(0)
    }

    /// An honest go is about to leave: I3 by what is true of the others, I9 by what is known.
    pub(in crate::simulate) fn go_is_issued(
        &mut self,
        m: usize,
        job: JobId,
        approval: Digest,
        nonce: Nonce,
    ) {
        let now = self.now;
        let groups = self.db.machines[m].clone();
        self.truth.issued.insert(m, nonce);
        self.trace(|| {
            format!(
                "pc-{m} gets a go for job {}",
                crate::simulate::trace::short(&job.0)
            )
        });
        let Some(plan) = self.db.plan(approval) else {
            return;
        };
        let Some((leaf, _)) = plan.leaf(groups.id) else {
            return;
        };
        let failures = self.db.failures(plan.digest);
        let limit = u64::from(plan.approval.failure_limit.max(1));
        let (leaf, releases) = (leaf.clone(), plan.approval.releases.clone());
        let emergency = plan.approval.emergency.clone();
        let is_overridden = |freeze| {
            let emergency = emergency.as_ref();
            emergency.is_some_and(|emergency| emergency.freezes.contains(freeze))
        };
        self.check_groups(m, &leaf);
        let covers = |scope: &Scope| match scope {
            Scope::All | Scope::Vendor(_) => true,
            Scope::Plan(plan) => *plan == approval,
            Scope::Unit(unit) => *unit == leaf.unit,
            Scope::Release(digest) => releases.iter().any(|release| release.sha256 == *digest),
        };
        let mut live = self.db.stops.iter().filter(|stop| !stop.is_lifted);
        let is_stopped = live.any(|stop| covers(&stop.stop.scope));
        let is_frozen = self.db.freezes.iter().any(|freeze| {
            freeze.start <= now
                && now < freeze.end
                && !is_overridden(&freeze.id)
                && (freeze.subject.is_empty() || freeze.subject == leaf.unit.as_str())
        });
        let waits = self.db.awaits_confirmation;
        self.holds(!is_stopped, Invariant::I9, || {
            format!("machine {m} gets a go for what is stopped")
        });
        self.holds(!is_frozen, Invariant::I9, || {
            format!("machine {m} gets a go in a freeze")
        });
        self.holds(failures < limit, Invariant::I9, || {
            format!("machine {m} gets a go after {failures} failures")
        });
        self.holds(!waits, Invariant::I9, || {
            format!("machine {m} gets a go of a restored collector")
        });
        self.check_rollout(m, approval, &leaf);
    }

    /// I3: with this machine down, enough others of each of its groups are ready.
    fn check_groups(&mut self, m: usize, leaf: &PlanLeaf) {
        for group in &leaf.groups {
            let rule = self.db.groups[group].clone();
            let members = self.db.members[group].clone();
            let others = members.iter().filter(|o| **o != m);
            let ready = others
                .filter(|o| self.is_available(**o, rule.switched_off))
                .count();
            self.holds(ready >= rule.minimum_ready as usize, Invariant::I3, || {
                format!(
                    "machine {m} gets a go while {ready} others of {group} are ready, {} must be",
                    rule.minimum_ready
                )
            });
        }
    }

    /// Whether a member is at work, as far as anybody could know: what a hostile collector
    /// or a hostile agent started is known once it was reported.
    fn is_known_to_work(&self, o: usize) -> bool {
        self.open_record(o).is_some_and(|record| {
            let is_hidden =
                self.machines[o].is_hostile || self.truth.hostile_goes.contains(&record.start.go);
            !is_hidden || self.db.open_job(self.machines[o].id).is_some()
        })
    }

    /// Whether a member is truly there for a patient, as far as anybody could know.
    fn is_available(&self, o: usize, rule: SwitchedOff) -> bool {
        let machine = &self.machines[o];
        let heard = self.heard_at(o);
        let is_heard = heard.is_some_and(|at| self.now.since_ms(at) <= READY_WITHIN_MS);
        let said = self.db.statuses[o].as_ref().map(|status| status.readiness);
        let counts = match is_heard {
            true => said != Some(Readiness::NotReady),
            false => rule == SwitchedOff::Counts && heard.is_some(),
        };
        // A hostile agent can make its installer report the end of a go and start with it
        // then, as it can say that a machine is ready which is not.
        let could_start = !machine.is_hostile
            && machine.asked.as_ref().is_some_and(|asked| {
                self.truth.issued.get(&o) == Some(&asked.nonce)
                    && self.now.since_ms(asked.at) <= NONCE_LIFE_MS
            });
        counts && !could_start && !self.is_known_to_work(o)
    }
}
