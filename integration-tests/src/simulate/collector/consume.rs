//! Stored events become states of jobs, also where they came before the jobs.

use crate::simulate::mutant::Mutant;
use crate::simulate::world::World;
use patchward_common::id::{JobId, OutboxId};
use patchward_common::job::{Event as JobWord, JobEvent};

impl World {
    /// Turns stored events into states of jobs.
    pub(in crate::simulate) fn consume(&mut self, m: usize, outbox: OutboxId) {
        if !self.collector.is_up {
            return;
        }
        let id = self.machines[m].id;
        let Some(rows) = self.db.outboxes.get_mut(&(id, outbox)) else {
            return;
        };
        self.db.to_consume.remove(&m);
        let new: Vec<_> = rows.events.iter().skip(rows.consumed).cloned().collect();
        rows.consumed = rows.events.len();
        for (_, signed) in new {
            if let Ok(event) = signed.peek() {
                self.apply(m, &event);
            }
        }
    }

    /// Applies what came before a job was here, now that it is made.
    pub(in crate::simulate) fn apply_early(&mut self, job: JobId) {
        for (m, event) in self.db.early.remove(&job).unwrap_or_default() {
            self.apply(m, &event);
        }
    }

    fn apply(&mut self, m: usize, event: &JobEvent) {
        let now = self.now;
        let Some(job) = self.db.jobs.get(&event.job) else {
            let early = self.db.early.entry(event.job).or_default();
            early.push((m, event.clone()));
            return;
        };
        if job.machine != event.machine && self.mutant != Some(Mutant::EventsUnverified) {
            return;
        }
        let Ok(state) = job.state.after(&event.event) else {
            return;
        };
        let open = self.db.open_job(event.machine);
        if state.is_open() && !job.state.is_open() && open.is_some_and(|open| open != event.job) {
            return;
        }
        if state != job.state {
            self.row_written(m, event.job, event.machine);
        }
        let Some(job) = self.db.jobs.get_mut(&event.job) else {
            return;
        };
        if let JobWord::Started(start) = &event.event {
            job.slot = Some(start.slot);
            job.attempt += 1;
            self.db.last_go_used.insert(event.job, start.go);
        }
        let is_final = state.is_final();
        if state != job.state {
            (job.state, job.since) = (state, now);
            job.generation += 1;
            self.db.judged.remove(&event.job);
        }
        self.db.changes += 1;
        let outstanding = self.db.outstanding(event.machine);
        let ends = match &event.event {
            JobWord::Refused(refused) => {
                let answered = self.db.go_of.get(&event.machine).copied();
                refused.nonce.is_some() && refused.nonce == answered
            }
            JobWord::WouldHaveStarted(start) => {
                outstanding.is_some_and(|go| go.token.digest() == start.go)
            }
            JobWord::Withdrawn(_) => {
                let used = self.db.last_go_used.get(&event.job);
                outstanding.is_some_and(|go| Some(&go.token.digest()) == used)
            }
            JobWord::Stopped(_) => true,
            _ => false,
        };
        if is_final || ends {
            self.db.end_go(event.machine, event.job);
        }
    }
}
