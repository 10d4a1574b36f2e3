//! People: they ask for plans, sign late, stop, freeze, move windows, change rosters and
//! modes, and put things right when the faults stop.

use super::CALM_DAYS;
use super::db::StopRow;
use super::fault::Fault;
use super::fleet::window;
use super::hospital::label;
use super::machine::Usage;
use super::strike::Strike;
use super::truth::Invariant;
use super::world::{Event, World};
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::windows::{Area, Freeze};
use patchward_common::job::State;
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::sign::Signed;
use patchward_common::trust::stop::{Lift, Scope, Stop};
use std::rc::Rc;

impl World {
    /// What people do on a day, and what goes wrong on it.
    pub(super) fn day(&mut self, day: i64) {
        let is_calm = day >= self.days - CALM_DAYS;
        for m in 0..self.machines.len() {
            if self.machines[m].usage == Usage::Always {
                for hour in [14, 15, 16, 17, 18, 19] {
                    self.after(
                        hour * HOUR_MS + 5 * MINUTE_MS,
                        Event::Strike(m, Strike::HandOver),
                    );
                }
            }
        }
        if day % 6 == 5 && !self.chance.of_10k(2_500) || is_calm {
            // Now and then the vendor is late.
            self.vendor.edition(self.now);
        }
        if is_calm || self.chance.of_10k(6_000) {
            self.db.feeds[0].read_at = self.now;
        }
        if is_calm {
            if day == self.days - CALM_DAYS + 6 {
                self.roster_anew(3);
            }
            return;
        }
        self.collector.backup = match day % 2 {
            0 => Some(Box::new(self.db.clone())),
            _ => self.collector.backup.take(),
        };
        self.strikes_of_a_day();
        self.collector_of_a_day();
        self.htm_of_a_day(day);
    }

    fn collector_of_a_day(&mut self) {
        if self.chance.of_10k(250) {
            self.restore();
        }
        self.collector.is_hostile = match self.collector.is_hostile {
            true => self.chance.of_10k(5_000),
            false => self.chance.of_10k(500),
        };
        if self.db.awaits_confirmation && self.chance.of_10k(6_000) {
            self.db.awaits_confirmation = false;
        }
        let now = self.now;
        for at in 0..self.db.halts.len() {
            let subject = self.db.halts[at].subject.clone();
            let plan = self
                .db
                .plans
                .iter_mut()
                .find(|p| p.digest.to_string() == subject);
            if let Some(plan) = plan {
                plan.resumed_at = now;
            }
        }
        self.db.halts.clear();
    }

    /// The database is put back to its last backup; a person confirms it days later.
    fn restore(&mut self) {
        let Some(backup) = self.collector.backup.clone() else {
            return;
        };
        self.count(Fault::Restored);
        self.trace(|| "the collector's database is put back".to_owned());
        let orders = self.db.orders + 1;
        self.db = *backup;
        (self.db.orders, self.db.awaits_confirmation) = (orders, true);
        self.restored();
        for m in 0..self.machines.len() {
            self.soon(m);
        }
    }

    fn htm_of_a_day(&mut self, day: i64) {
        if matches!(day, 0 | 4 | 9) || self.chance.of_10k(500) {
            self.ask_for_a_plan(day);
        }
        if self.chance.of_10k(1_500) {
            self.press_stop();
        }
        for at in 0..self.db.stops.len() {
            if !self.db.stops[at].is_lifted && self.chance.of_10k(5_000) {
                self.lift(at);
            }
        }
        if self.chance.of_10k(1_200) {
            self.freeze(day);
        }
        if self.chance.of_10k(1_000) {
            self.count(Fault::WindowChanged);
            let unit = self.chance.below(self.db.units.len());
            let hour = 1 + self.chance.below(3) as u32;
            self.db.windows[unit] = window(unit, hour);
        }
        if day % 8 == 7 || self.chance.of_10k(300) {
            self.count(Fault::RosterChanged);
            let approvers = 2 + self.chance.below(2);
            self.roster_anew(approvers);
        }
        if self.chance.of_10k(800) {
            self.change_mode();
        }
    }

    fn ask_for_a_plan(&mut self, day: i64) {
        let publish = !self.chance.of_10k(1_200);
        let reboot = self.chance.of_10k(5_000);
        let product = ["viewer", "driver"][self.chance.below(2)];
        let now = self.now;
        let mut releases = vec![self.vendor.release(product, reboot, publish, now)];
        if day == 4 && publish {
            // Two releases in one approval, with one restart.
            let other = if product == "viewer" {
                "driver"
            } else {
                "viewer"
            };
            releases.push(self.vendor.release(other, reboot, true, now));
        }
        if !publish {
            self.count(Fault::UnpublishedApproved);
        }
        let late = match self.chance.of_10k(3_000) {
            true => self.chance.within(DAY_MS, 3 * DAY_MS),
            false => self.chance.within(MINUTE_MS, 3 * HOUR_MS),
        };
        let later = late + self.chance.within(HOUR_MS, 20 * HOUR_MS);
        let share = self.chance.below(3) as u64;
        let machines: Vec<usize> = (0..self.machines.len())
            .filter(|m| share == 0 || (*m as u64 + share) % 2 == 0)
            .collect();
        self.plan_for(releases, &machines, [late, later]);
    }

    fn press_stop(&mut self) {
        let plans = &self.db.plans;
        let Some(plan) = plans.last() else {
            return;
        };
        let scope = match self.chance.below(4) {
            0 => Scope::Plan(plan.digest),
            1 => Scope::Release(plan.approval.releases[0].sha256),
            2 => Scope::Unit(self.db.units[0].name.clone()),
            _ => Scope::All,
        };
        self.count(Fault::StopPressed);
        let stop = Stop {
            scope,
            reason: label("HTM looks into it"),
            issued: self.now,
        };
        let signed = Signed::new(&stop, &self.hospital.approvers[0].1);
        self.db.stops.push(StopRow {
            digest: signed.digest(),
            signed,
            stop,
            is_lifted: false,
            at: self.now,
        });
        self.tell_everybody();
    }

    fn lift(&mut self, at: usize) {
        self.count(Fault::StopLifted);
        let stop = &mut self.db.stops[at];
        stop.is_lifted = true;
        let digest = stop.digest;
        let lift = Lift {
            stop: digest,
            reason: label("HTM found nothing"),
            issued: self.now,
        };
        let mut signed = Signed::unsigned(patchward_common::codec::encode_deterministic(&lift));
        self.hospital.cosign(&mut signed, 2);
        self.db.lifts.push(signed);
        self.truth.lifted.insert(digest);
        self.tell_everybody();
    }

    pub(super) fn tell_everybody(&mut self) {
        self.db.orders += 1;
        for m in 0..self.machines.len() {
            self.nudge(m);
        }
    }

    fn freeze(&mut self, day: i64) {
        self.count(Fault::FreezeAdded);
        let (area, subject) = match self.chance.below(3) {
            0 => (Area::All, String::new()),
            _ => {
                let unit = self.chance.below(self.db.units.len());
                (Area::Unit, self.db.units[unit].name.to_string())
            }
        };
        let start = self.now.plus_ms(self.chance.within(0, DAY_MS));
        let number = self.db.freezes.len();
        self.db.freezes.push(Freeze {
            id: label(&format!("freeze {day}-{number}")),
            area,
            subject,
            start,
            end: start.plus_ms(self.chance.within(6 * HOUR_MS, 2 * DAY_MS)),
            reason: "theatre list".into(),
            source: super::hospital::name("theatre"),
        });
    }

    fn roster_anew(&mut self, approvers: usize) {
        let now = self.now;
        self.hospital.new_roster(approvers, now);
        self.db.roster = Rc::new(self.hospital.roster().clone());
        self.tell_everybody();
    }

    fn change_mode(&mut self) {
        let m = self.chance.below(self.machines.len());
        self.count(Fault::AssignmentChanged);
        let mode = match self.hospital.rows[&self.machines[m].id].mode {
            Mode::Active => Mode::Rehearse,
            _ => Mode::Active,
        };
        self.assign_mode(m, mode);
    }

    fn assign_mode(&mut self, m: usize, mode: Mode) {
        let now = self.now;
        let mut row = self.hospital.rows[&self.machines[m].id].clone();
        row.mode = mode;
        self.hospital.assign(vec![row], now);
        self.db.assignments = self.hospital.assignments.len();
        self.db.machines[m].mode = mode;
        self.db.orders += 1;
        self.nudge(m);
    }

    /// The faults stop: people put right what only people can.
    pub(super) fn calm_down(&mut self) {
        self.is_calm = true;
        let now = self.now;
        self.trace(|| "from here on nothing goes wrong".to_owned());
        self.collector.is_hostile = false;
        self.collector.is_up = true;
        self.db.awaits_confirmation = false;
        self.db.halts.clear();
        self.db
            .plans
            .iter_mut()
            .for_each(|plan| plan.resumed_at = now);
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
        let known = machine.disk.watermark.clone();
        if known.time > self.now {
            self.violate(
                Invariant::I6,
                format!("machine {m} believes in {}", known.time),
            );
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
            let row = &self.hospital.rows[&job.machine];
            let has_owner = match &job.state {
                State::RebootPending => !is_last,
                State::Verified | State::InService => true,
                state if is_last => row.mode != Mode::Active && !state.is_open(),
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
}
