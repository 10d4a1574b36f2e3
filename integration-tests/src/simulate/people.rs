//! People: they ask for plans, sign late, stop, freeze, move windows, change rosters and
//! modes, and put things right when the faults stop.

use super::CALM_DAYS;
use super::db::StopRow;
use super::fault::Fault;
use super::fleet::window;
use super::hospital::label;
use super::machine::Usage;
use super::strike::Strike;
use super::world::{Event, World};
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::windows::{Area, Freeze};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS};
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
        if day % 6 == 5 && !self.chance.of_10k(4_000) || is_calm {
            // Now and then the vendor is late.
            self.vendor.edition(self.now);
        }
        if is_calm || !self.is_feed_broken(day) {
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

    /// In one hospital of four the calendar cannot be read for nine days.
    fn is_feed_broken(&self, day: i64) -> bool {
        self.seed.is_multiple_of(4) && (3..12).contains(&day)
    }

    fn collector_of_a_day(&mut self) {
        if self.chance.of_10k(250) {
            self.restore();
        }
        self.collector_owned();
        if self.db.awaits_confirmation && self.chance.of_10k(6_000) {
            self.db.awaits_confirmation = false;
        }
    }

    /// Somebody owns the collector, with some of the agents, until a night later.
    fn collector_owned(&mut self) {
        if self.collector.is_hostile || !self.chance.of_10k(800) {
            return;
        }
        self.collector.is_hostile = true;
        let ms = self.some_time() + DAY_MS * self.chance.within(0, 3);
        self.after(ms, Event::Strike(0, Strike::CollectorHonest));
        for m in 0..self.machines.len() {
            if self.chance.of_10k(800) {
                self.after(0, Event::Strike(m, Strike::Hostile));
                self.after(3 * DAY_MS, Event::Strike(m, Strike::Honest));
            }
        }
    }

    /// He is thrown out, and the collector is started anew: what its machines report comes
    /// in again.
    pub(super) fn collector_honest(&mut self) {
        if self.collector.is_hostile {
            self.collector.is_hostile = false;
            self.trace(|| "the collector is honest again".to_owned());
            self.collector_dies(3 * MINUTE_MS);
        }
    }

    /// The database is put back to its last backup; a person confirms it days later.
    fn restore(&mut self) {
        let Some(backup) = self.collector.backup.clone() else {
            return;
        };
        self.count(Fault::Restored);
        self.trace(|| "the collector's database is put back".to_owned());
        let (orders, changes) = (self.db.orders + 1, self.db.changes + 1);
        let signed = std::mem::take(&mut self.db.plans);
        let stops = std::mem::take(&mut self.db.stops);
        let lifts = std::mem::take(&mut self.db.lifts);
        self.db = *backup;
        // People still have the files of what they signed, and hand them in again. A stop
        // that machines know and the collector does not could never be lifted.
        (self.db.stops, self.db.lifts) = (stops, lifts);
        for plan in signed {
            if plan.state != PlanState::Draft && self.db.plan(plan.digest).is_none() {
                self.db.plans.push(plan.clone());
                self.give_out(plan.digest);
            } else if let Some(known) = self.db.plan_mut(plan.digest)
                && known.state == PlanState::Draft
                && plan.state != PlanState::Draft
            {
                *known = plan.clone();
                self.give_out(plan.digest);
            } else if let Some(known) = self.db.plan_mut(plan.digest)
                && known.state == PlanState::Draft
            {
                known.table.signed = plan.table.signed;
            } else if !plan.table.signed.signatures().is_empty()
                && self.db.plan(plan.digest).is_none()
            {
                self.db.plans.push(plan);
            }
        }
        self.db.roster = Rc::new(self.hospital.roster().clone());
        self.db.assignments = self.hospital.assignments.len();
        (self.db.orders, self.db.awaits_confirmation) = (orders, true);
        self.db.changes = self.db.changes.max(changes);
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
        if day % 8 == 7 && self.chance.of_10k(7_000) || self.chance.of_10k(300) {
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
        if self.chance.of_10k(800) {
            self.vendor.unfit.insert(releases[0].sha256);
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
            .filter(|m| share == 0 || (*m as u64 + share).is_multiple_of(2))
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

    pub(super) fn lift(&mut self, at: usize) {
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

    pub(super) fn roster_anew(&mut self, approvers: usize) {
        let now = self.now;
        self.hospital.new_roster(approvers, now);
        self.roster_lives();
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
        self.document_lives(now, now);
        self.db.assignments = self.hospital.assignments.len();
        self.db.machines[m].mode = mode;
        self.db.orders += 1;
        self.nudge(m);
    }
}
