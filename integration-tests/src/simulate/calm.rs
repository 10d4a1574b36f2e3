//! The faults stop: people put right what only people can, and then everything that can
//! still happen has to.

use super::machine::Usage;
use super::strike::Strike;
use super::truth::Invariant;
use super::world::{Event, World};
use patchward_collector::store::jobs::Job;
use patchward_collector::store::plans::PlanState;
use patchward_common::job::State;
use patchward_common::time::{DAY_MS, HOUR_MS};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::Mode;

impl World {
    /// The faults stop: people put right what only people can.
    pub(super) fn calm_down(&mut self) {
        self.is_calm = true;
        let now = self.now;
        self.trace(|| "from here on nothing goes wrong".to_owned());
        self.collector.is_hostile = false;
        self.collector.is_up = true;
        self.db.awaits_confirmation = false;
        self.judge_everything();
        self.db
            .freezes
            .iter_mut()
            .for_each(|freeze| freeze.end = freeze.end.min(now.plus_ms(1)));
        self.db.freezes.retain(|freeze| freeze.start < freeze.end);
        self.db.assignments = self.hospital.assignments.len();
        for at in 0..self.db.stops.len() {
            if !self.db.stops[at].is_lifted {
                self.lift(at);
            }
        }
        self.vendor.edition(now);
        self.roster_anew(3);
        for m in 0..self.machines.len() {
            self.put_right(m);
        }
        let releases: Vec<ApprovedRelease> = vec![self.vendor.release("viewer", true, true, now)];
        let machines: Vec<usize> = (0..self.machines.len()).collect();
        self.last_plan = self.plan_for(releases, &machines, [HOUR_MS, 2 * HOUR_MS]);
        if self.last_plan.is_none() {
            self.violate(Invariant::I13, "nothing goes wrong, and there is no plan");
        }
    }

    fn put_right(&mut self, m: usize) {
        let machine = &mut self.machines[m];
        machine.is_cut_off = false;
        machine.is_ready = true;
        machine.is_hostile = false;
        machine.clock_ms = 0;
        machine.disk.full_until = self.now;
        machine.disk.held_until = None;
        // A technician puts right what failed; what a job is at, it brings to its end itself.
        let record = machine.disk.record.as_ref();
        let releases = record.map_or(&[][..], |record| &record.approval.releases);
        for (product, software) in &mut machine.software {
            if !releases.iter().any(|one| one.release.product == *product) {
                (software.is_half, software.is_up) = (false, true);
            }
        }
        let waits = machine
            .disk
            .record
            .as_ref()
            .map(|record| machine.state(record.job));
        let waits = waits.is_some_and(|state| state == State::RebootPending);
        let known = machine.disk.watermark.clone();
        if known.time > self.now {
            self.violate(
                Invariant::I6,
                format!("machine {m} believes in {}", known.time),
            );
        }
        if waits && self.machines[m].is_on {
            // Whoever uses it restarts it.
            self.restart(m);
        }
        self.strike(m, Strike::EndStops);
        if self.machines[m].is_on && !self.machines[m].agent.is_busy() {
            self.soon(m);
        }
        self.after(HOUR_MS, Event::Drive(m));
    }

    /// I7: nobody waits in the middle of a job for nothing.
    pub(super) fn nobody_is_stuck(&mut self) {
        for m in 0..self.machines.len() {
            let machine = &self.machines[m];
            let Some(record) = machine.disk.record.clone() else {
                continue;
            };
            let history = machine.jobs.get(&record.job);
            let newest = history.and_then(|history| history.events.last());
            let state = history.map_or(State::Assigned, |history| history.state.clone());
            let waits = matches!(state.word(), "reboot_pending" | "rebooting");
            let works = machine.running.is_some();
            let is_fit = machine.answers() && self.now >= machine.disk.full_until.plus_ms(HOUR_MS);
            let idle_ms = newest.map_or(0, |(_, at, _)| machine.clock(self.now).since_ms(*at));
            if is_fit && !waits && !works && (HOUR_MS..DAY_MS).contains(&idle_ms) {
                let text = format!(
                    "machine {m} stands in the middle of a job: {}",
                    state.word()
                );
                self.violate(Invariant::I7, text);
            }
        }
    }

    /// I13, I4: what must be true at the end.
    pub(super) fn everything_is_done(&mut self) {
        let mut wrong = Vec::new();
        for m in 0..self.machines.len() {
            let machine = &self.machines[m];
            if machine.disk.is_damaged {
                continue; // IT acts next.
            }
            let rows = self.db.outboxes.get(&(machine.id, machine.agent.outbox));
            let stored = rows.map_or(0, |rows| rows.events.len());
            if stored < machine.disk.journal.len() {
                let all = machine.disk.journal.len();
                wrong.push((
                    Invariant::I4,
                    format!("{stored} of machine {m}'s {all} events are stored"),
                ));
            }
        }
        let last = self.last_plan.and_then(|digest| self.db.plan(digest));
        if last.is_none_or(|plan| plan.state == PlanState::Draft) {
            wrong.push((Invariant::I13, "the last plan was not signed".to_owned()));
        }
        for job in self.db.jobs.values() {
            let m = self
                .machines
                .iter()
                .position(|machine| machine.id == job.machine);
            let Some(m) = m.filter(|m| !self.machines[*m].disk.is_damaged) else {
                continue;
            };
            let is_last = self.last_plan == Some(job.plan);
            // Who uses it by night acts next, or who restarts it for another job.
            let is_used = matches!(job.state, State::Missed | State::RebootPending)
                && (matches!(self.machines[m].usage, Usage::Night | Usage::Always)
                    || self.lacks_others(m)
                    || self.waits_for_restart(job));
            let row = &self.hospital.rows[&job.machine];
            let has_owner = match &job.state {
                State::RebootPending if !is_last => true,
                State::Verified | State::InService => true,
                state if is_last => is_used || row.mode != Mode::Active && !state.is_open(),
                state => state.is_final(),
            };
            if !has_owner {
                let reason = job.state.reason().map_or("", |reason| &reason.text);
                let text = format!(
                    "machine {m}: job {} is {} {reason}",
                    super::trace::short(&job.id.0),
                    job.state.word()
                );
                wrong.push((Invariant::I13, text));
            }
        }
        for (invariant, text) in wrong {
            self.violate(invariant, text);
        }
    }

    /// Whether another job of the machine waits for its restart, about which somebody is asked.
    fn waits_for_restart(&self, job: &Job) -> bool {
        let mut jobs = self.db.jobs.values();
        jobs.any(|other| {
            other.machine == job.machine
                && other.id != job.id
                && other.state == State::RebootPending
        })
    }

    /// Whether too few others of its groups are sound: whoever puts those right acts next.
    fn lacks_others(&self, m: usize) -> bool {
        self.db.groups.values().any(|group| {
            let members = &self.db.members[&group.name];
            let sound = members.iter().filter(|o| {
                let machine = &self.machines[**o];
                **o != m && !machine.disk.is_damaged && machine.disk.record.is_none()
            });
            members.contains(&m) && sound.count() < group.minimum_ready as usize
        })
    }
}
