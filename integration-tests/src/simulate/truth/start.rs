//! What must be true when a job starts.

use super::{BOUND_MS, Invariant};
use crate::simulate::machine::{Record, Use};
use crate::simulate::world::World;
use patchward_common::job::Start;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use patchward_common::trust::stop::Scope;
use std::rc::Rc;

impl World {
    pub(super) fn check_start(&mut self, m: usize, record: &Record, start: &Start) {
        self.check_authority(m, record);
        self.check_moment(m, record, start);
        self.check_stopped(m, record);
        self.check_group_slots(m, record, start);
        let use_now = self.true_use(m);
        self.holds(use_now == Use::Idle, Invariant::I2, || {
            format!("machine {m} starts while {use_now:?}")
        });
    }

    /// I1 but for the time: vendor, HTM, this machine, these bytes.
    fn check_authority(&mut self, m: usize, record: &Record) {
        let machine = &self.machines[m];
        let place = machine.disk.watermark.place.as_ref();
        let class = place.map_or(Class::LifeSupport, |place| place.class);
        let is_active = place.is_some_and(|place| place.mode == Mode::Active);
        let roster = machine.disk.papers.documents.roster.as_ref();
        let number = roster
            .and_then(|signed| signed.peek().ok())
            .map_or(0, |roster| roster.number);
        let named = self.named(number);
        let id = machine.id;
        let plan = self.truth.plans.get(&record.digest);
        let signers = plan.map_or(0, |plan| plan.signers.min(named));
        let is_here = plan.is_some_and(|plan| plan.leaves.iter().any(|leaf| leaf.machine == id));
        let is_usual = class == Class::Standard && record.approval.emergency.is_none();
        let needs = if is_usual { 1 } else { 2 };
        self.holds(signers >= needs, Invariant::I1, || {
            format!("machine {m} starts a plan that {signers} of {needs} signed")
        });
        self.holds(is_here, Invariant::I1, || {
            format!("machine {m} starts a plan without it")
        });
        self.holds(is_active, Invariant::I1, || {
            format!("machine {m} starts, and is not active")
        });
        let mut artifacts = record
            .approval
            .releases
            .iter()
            .map(|release| release.sha256);
        let is_published = artifacts.all(|sha256| self.vendor.published.contains(&sha256));
        self.holds(is_published, Invariant::I1, || {
            format!("machine {m} starts what the vendor never published")
        });
    }

    /// How many approvers the roster of this number names.
    fn named(&self, number: u64) -> usize {
        let roster = self
            .hospital
            .rosters
            .iter()
            .find(|(roster, _)| roster.number == number);
        roster.map_or(0, |(roster, _)| roster.people.len() - 1)
    }

    /// I1, this true time, and I8, one start per go.
    fn check_moment(&mut self, m: usize, record: &Record, start: &Start) {
        let now = self.now;
        let id = self.machines[m].id;
        let longest_ms = record.approval.longest_run_ms();
        let plan = self.truth.plans.get(&record.digest);
        let leaf = plan.and_then(|plan| plan.leaves.iter().find(|leaf| leaf.machine == id));
        let slots = leaf.map_or_else(Vec::new, |leaf| leaf.slots.clone());
        let fits = slots.iter().any(|slot| {
            slot.start().plus_ms(-BOUND_MS) <= now
                && now.plus_ms(longest_ms) <= slot.end().plus_ms(BOUND_MS)
        });
        self.holds(fits, Invariant::I1, || {
            format!("machine {m} starts at {now}, outside of its slots {slots:?}")
        });
        let answers = self.truth.goes.get(&start.go).copied();
        let drawn = self.truth.drawn.get(&m).copied();
        self.holds(answers.is_some(), Invariant::I1, || {
            format!("machine {m} starts without a go of the collector's key")
        });
        self.holds(answers.is_none() || answers == drawn, Invariant::I8, || {
            format!("machine {m} starts with a go that answers another nonce")
        });
        let is_first = self.truth.used_goes.insert(start.go);
        self.holds(is_first, Invariant::I8, || {
            format!("machine {m} starts with a used go")
        });
        let machine = &self.machines[m];
        let others = machine.jobs.iter().filter(|(job, _)| **job != record.job);
        let is_alone = others
            .filter(|(_, history)| history.state.is_open())
            .count()
            == 0;
        self.holds(is_alone, Invariant::I8, || {
            format!("machine {m} starts a second job")
        });
    }

    /// I9: nothing that is known to be stopped, held, quarantined or over; I6: nothing older.
    fn check_stopped(&mut self, m: usize, record: &Record) {
        let (now, clock) = (self.now, self.clock_of(m));
        let machine = &self.machines[m];
        let over = record.approval.expires.plus_ms(BOUND_MS) <= now;
        let papers = Rc::clone(&machine.disk.papers);
        let roster = papers
            .documents
            .roster
            .as_ref()
            .and_then(|signed| signed.peek().ok());
        let roster_over = roster.is_none_or(|roster| roster.expires.plus_ms(BOUND_MS) <= now);
        let is_held = machine.disk.held_until.is_some_and(|until| clock < until);
        let unit = self.db.units[machine.unit].name.clone();
        let covers = |scope: &Scope| match scope {
            Scope::All => true,
            Scope::Plan(plan) => *plan == record.digest,
            Scope::Unit(one) => *one == unit,
            Scope::Release(digest) => record.approval.releases.iter().any(|r| r.sha256 == *digest),
            Scope::Vendor(_) => true,
        };
        let mut known = papers.documents.stops.iter();
        let is_stopped = known.any(|signed| {
            let covered = signed.peek().is_ok_and(|stop| covers(&stop.scope));
            covered && !self.truth.lifted.contains(&signed.digest())
        }) || papers.unsigned_stops.iter().any(covers);
        self.holds(!over, Invariant::I9, || {
            format!("machine {m} starts an approval that is over")
        });
        self.holds(!roster_over, Invariant::I9, || {
            format!("machine {m} starts under a roster that is over")
        });
        self.holds(!is_held, Invariant::I9, || {
            format!("machine {m} starts while it is held")
        });
        self.holds(!is_stopped, Invariant::I9, || {
            format!("machine {m} starts what it knows to be stopped")
        });
        for release in &record.approval.releases {
            let is_bad = self.truth.quarantine.contains(&(m, release.sha256));
            self.holds(!is_bad, Invariant::I9, || {
                format!("machine {m} starts what was rolled back there")
            });
            let seen = self
                .truth
                .counters
                .get(&(m, release.release.product.clone()))
                .copied();
            self.holds(
                seen.is_none_or(|seen| seen <= release.release.counter),
                Invariant::I6,
                || format!("machine {m} starts an older release than it had"),
            );
        }
    }

    /// I3, whoever runs the collector: members inside slots.
    fn check_group_slots(&mut self, m: usize, record: &Record, start: &Start) {
        let groups = record.approval.groups.clone();
        let mine = self.machines[m]
            .disk
            .watermark
            .place
            .as_ref()
            .map(|place| place.groups.clone());
        for group in groups
            .iter()
            .filter(|g| mine.iter().flatten().any(|one| *one == g.group))
        {
            let members = self.db.members[&group.group].clone();
            let inside = members
                .iter()
                .filter(|o| **o == m || self.is_inside_slot(**o))
                .count();
            let most = (group.size - group.minimum_ready) as usize;
            self.holds(inside <= most, Invariant::I3, || {
                format!("{inside} members of {} are inside slots, at most {most} may be; machine {m} starts in {:?}", group.group, start.slot)
            });
        }
    }

    /// Whether a machine works within a slot, by its own clock; one that went further
    /// wrong than a go allows keeps nobody inside for longer.
    fn is_inside_slot(&self, m: usize) -> bool {
        let clock = self.clock_of(m);
        self.open_record(m).is_some_and(|record| {
            let end = record.start.slot.end();
            clock < end && self.now < end.plus_ms(BOUND_MS)
        })
    }
}
