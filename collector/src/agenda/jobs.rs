//! The items of jobs.

use super::Gathering;
use super::newest::Made;
use crate::control::Failure;
use crate::item::machine::Exception;
use crate::item::shift::NextSlot;
use crate::item::{Item, job};
use crate::store::jobs::Job;
use patchward_common::id::MachineId;
use std::collections::BTreeMap;

impl Gathering<'_> {
    /// Whether the machine of a job refuses its plan.
    fn is_unsigned(&self, job: &Job) -> bool {
        let refused = self.unsigned.get(&job.plan);
        refused.is_some_and(|refused| refused.machines.contains_key(&job.machine))
    }

    /// The items of jobs; gives back each machine's newest job with its item.
    pub(super) async fn jobs(
        &mut self,
        exceptions: &BTreeMap<MachineId, Exception>,
    ) -> Result<BTreeMap<MachineId, (Job, Option<Item>)>, Failure> {
        let closings = self.view.closings().await?;
        let workers = self.view.manual_workers().await?;
        let made = Made::read(self.view).await?;
        let mut of_machine: BTreeMap<MachineId, Vec<Job>> = BTreeMap::new();
        for job in self.view.jobs_that_count().await? {
            of_machine.entry(job.machine).or_default().push(job);
        }
        let mut found = BTreeMap::new();
        for (machine, jobs) in &of_machine {
            let Some(line) = self.lines.get(machine) else {
                continue;
            };
            let newest = made.newest(jobs).map(|job| job.id);
            for job in jobs {
                let slot = self.next.get(&job.id).copied();
                let facts = job::Facts {
                    id: job.id,
                    machine: line.name.as_str(),
                    unit: &line.unit,
                    class: line.class,
                    state: &job.state,
                    since: job.since,
                    slot,
                    runs_in: job.slot.filter(|_| job.attempt > 0),
                    refused: self.refused.get(&job.id),
                    is_replaced: made.is_replaced(job, jobs),
                    closed: closings
                        .get(&job.id)
                        .filter(|closing| closing.covers(job.since))
                        .map(|closing| (closing.at, closing.reason.as_str())),
                    excepted: exceptions
                        .get(machine)
                        .is_some_and(|exception| self.now < exception.until),
                    by_hand: workers.get(machine).map(|worker| worker.owner()),
                    unsigned: self.is_unsigned(job),
                };
                let item = job::item(&facts, self.now);
                let starts = !job.state.is_final() && !facts.unsigned;
                if let (Some(slot), true) = (slot, starts) {
                    self.slots.push(NextSlot {
                        slot,
                        machine: line.name.to_string(),
                        job: job.id,
                        withheld: self.withheld.get(&job.id).cloned(),
                    });
                }
                self.items.extend(item.clone());
                if newest == Some(job.id) {
                    found.insert(*machine, (job.clone(), item));
                }
            }
        }
        Ok(found)
    }
}
