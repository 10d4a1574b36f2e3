//! What the page of a night has read: each thing once, however many machines it is about.

use super::{Members, Reading};
use crate::agenda::slot_of;
use crate::command::TONIGHT_MS;
use crate::control::Failure;
use crate::store::jobs::{Job, Standing};
use crate::store::machines::MachineState;
use crate::store::plans::Leaf;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};

impl Reading<'_> {
    /// Reads the jobs and the slots of those that are not known yet, all at once.
    pub(super) async fn know(
        &mut self,
        machines: impl Iterator<Item = MachineId>,
    ) -> Result<(), Failure> {
        let new = machines.filter(|machine| !self.slots.contains_key(machine));
        let new: Vec<MachineId> = new.collect();
        let mut jobs = self.view.jobs_of_machines(&new).await?;
        let planned = |machine: &&MachineId| {
            let jobs = jobs.get(*machine);
            jobs.is_some_and(|jobs| jobs.iter().any(|job| !job.state.is_final()))
        };
        let planned: Vec<MachineId> = new.iter().filter(planned).copied().collect();
        let leaves = self.view.leaves_in_force(&planned).await?;
        let until = self.now.plus_ms(TONIGHT_MS);
        for machine in new {
            let of_it = jobs.remove(&machine).unwrap_or_default();
            let leaves = leaves.get(&machine).map_or(&[][..], Vec::as_slice);
            let mut slots = Vec::new();
            for job in of_it.iter().filter(|job| !job.state.is_final()) {
                let slot = slot_of(leaves, job, self.now);
                let slot = slot.filter(|slot| slot.start() < until);
                if let Some(slot) = slot
                    && !self.refuses(job, leaves).await?
                {
                    slots.push(slot);
                }
            }
            slots.sort_unstable();
            slots.dedup();
            self.jobs.insert(machine, of_it);
            self.slots.insert(machine, slots);
        }
        Ok(())
    }

    /// Whether nothing of a job starts because its machine refuses the plan.
    async fn refuses(&mut self, job: &Job, leaves: &[(Digest, Leaf)]) -> Result<bool, Failure> {
        let leaf = leaves.iter().find(|(plan, _)| *plan == job.plan);
        let (Some(held), Some((plan, leaf))) = (&self.held, leaf) else {
            return Ok(false);
        };
        if Standing::of(&job.state) != Standing::Waiting {
            return Ok(false);
        }
        let refusals = &mut self.refusals;
        refusals.of(self.view, (plan, leaf), held, self.now).await
    }

    /// Reads a group and its members; once, however many of the machines are in it.
    pub(super) async fn know_group(&mut self, name: &Name) -> Result<(), Failure> {
        if self.groups.contains_key(name) {
            return Ok(());
        }
        let group = self.view.group_snapshot(name).await?;
        let enrolled = group.members.iter();
        let enrolled = enrolled.filter(|member| member.state == MachineState::Enrolled);
        let enrolled: Vec<MachineId> = enrolled.map(|member| member.machine).collect();
        self.know(enrolled.iter().copied()).await?;
        let machines = self.view.these_machines(enrolled).await?;
        let members = Members { group, machines };
        self.groups.insert(name.clone(), members);
        Ok(())
    }
}
