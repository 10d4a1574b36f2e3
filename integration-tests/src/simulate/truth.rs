//! The invariants of the design, judged by what is true in the simulated world: who really
//! signed, what time it really is, what really lies on a disk. Nothing here asks the code
//! that it judges.

use super::machine::{Record, Use};
use super::world::World;
use patchward_collector::rollout::go::READY_WITHIN_MS;
use patchward_collector::store::machines::Readiness;
use patchward_collector::store::places::SwitchedOff;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId, Name, Nonce, OutboxId};
use patchward_common::job::phase::Step;
use patchward_common::job::{Event as JobWord, JobEvent, Start, Verdict};
use patchward_common::time::{Interval, SECOND_MS, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::go::{CLOCK_BOUND_MS, NONCE_LIFE_MS};
use patchward_common::trust::roster::Class;
use patchward_common::trust::stop::Scope;
use patchward_common::trust::watermark::Watermark;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

super::fault::worded! {
    /// What must hold after every step.
    Invariant {
        I1 = "I1", "a job starts only with vendor and HTM thresholds met, for this machine, these bytes, this true time";
        I2 = "I2", "no disruptive step before the point of no return, and no restart, while in use or unknown";
        I3 = "I3", "at most size less minimum ready of a group are inside slots; ready members never fall below it through our work";
        I4 = "I4", "every durable event is stored exactly once; what was acknowledged survives";
        I5 = "I5", "every byte executed was hashed immediately before";
        I6 = "I6", "watermarks never fall";
        I7 = "I7", "no half state is silent";
        I8 = "I8", "one job per machine at a time; one start per go";
        I9 = "I9", "what is known to be stopped starts nothing; nothing starts past an expiry";
        I10 = "I10", "Verified comes only from a measurement";
        I11 = "I11", "a machine's credentials change only its own rows";
        I12 = "I12", "queues, memory and disk stay within named limits";
        I13 = "I13", "when faults stop, every job that can still happen does, and the others name who acts next";
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// When, in true time.
    pub at: UtcMs,
    /// What happened.
    pub text: String,
}

/// How far a machine's clock may be off when it acts on a go.
pub(super) const BOUND_MS: i64 = CLOCK_BOUND_MS + SECOND_MS;
/// Most violations that are kept of one seed.
const MAX_VIOLATIONS: usize = 20;

/// A plan as people really signed it.
pub(super) struct TruePlan {
    pub(super) approval: Rc<Approval>,
    pub(super) leaves: Rc<Vec<PlanLeaf>>,
    pub(super) signers: usize,
}

#[derive(Default)]
pub(super) struct Truth {
    pub(super) violations: Vec<Violation>,
    pub(super) plans: BTreeMap<Digest, TruePlan>,
    /// The highest watermark that was ever durable, by machine.
    watermarks: BTreeMap<usize, Watermark>,
    /// Goes by the collector's key: their payloads' digests, and the nonce that each answers.
    pub(super) goes: BTreeMap<Digest, Nonce>,
    used_goes: BTreeSet<Digest>,
    /// The newest nonce for which an honest go left.
    issued: BTreeMap<usize, Nonce>,
    /// The newest nonce that each installer drew.
    pub(super) drawn: BTreeMap<usize, Nonce>,
    acknowledged: BTreeMap<(usize, OutboxId), u64>,
    pub(super) lifted: BTreeSet<Digest>,
    quarantine: BTreeSet<(usize, Digest)>,
    counters: BTreeMap<(usize, Name), u64>,
    pub(super) handed_over: BTreeMap<usize, UtcMs>,
    pub(super) starts: u64,
    pub(super) verified: u64,
}

impl World {
    pub(super) fn violate(&mut self, invariant: Invariant, text: impl Into<String>) {
        let text = text.into();
        self.trace(|| format!("VIOLATION of {}: {text}", invariant.word()));
        if self.truth.violations.len() < MAX_VIOLATIONS {
            let at = self.now;
            self.truth.violations.push(Violation {
                invariant,
                at,
                text,
            });
        }
    }

    fn holds(&mut self, holds: bool, invariant: Invariant, text: impl FnOnce() -> String) {
        if !holds {
            let text = text();
            self.violate(invariant, text);
        }
    }

    /// An event of a machine is on its disk.
    pub(super) fn event_is_durable(&mut self, m: usize, event: &JobEvent) {
        match &event.event {
            JobWord::Started(start) => {
                self.truth.starts += 1;
                if let Some(record) = self.machines[m].disk.record.clone() {
                    self.check_start(m, &record, start);
                }
            }
            JobWord::Measured(measured) => {
                let reason = event.event.reason().map(|reason| reason.text.clone());
                let is_told = reason.is_none_or(|text| !text.is_empty());
                self.holds(is_told, Invariant::I7, || {
                    format!("machine {m} ended without a reason")
                });
                if measured.verdict == Verdict::Verified {
                    self.truth.verified += 1;
                    self.check_verified(m);
                }
            }
            _ => {}
        }
        self.soon(m);
    }

    fn check_verified(&mut self, m: usize) {
        let Some(record) = self.machines[m].disk.record.clone() else {
            return;
        };
        for release in &record.approval.releases {
            let described = &release.release;
            let software = self.machines[m].software.get(&described.product);
            let is_there = software.is_some_and(|software| {
                software.version == described.version
                    && software.running == described.version
                    && software.is_up
                    && !software.is_half
            });
            self.holds(is_there, Invariant::I10, || {
                format!(
                    "machine {m} says verified, but {} {} does not run there",
                    described.product, described.version
                )
            });
        }
    }

    fn check_start(&mut self, m: usize, record: &Record, start: &Start) {
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
        let needs = if class == Class::Standard { 1 } else { 2 };
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

    /// Whether a machine works within a slot, by its own clock.
    fn is_inside_slot(&self, m: usize) -> bool {
        let clock = self.clock_of(m);
        self.open_record(m)
            .is_some_and(|record| clock < record.start.slot.end())
    }

    /// A plan as it is signed: I3 over everything that was signed, at every instant.
    pub(super) fn plan_is_signed(&mut self, digest: Digest) {
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
    pub(super) fn go_is_issued(&mut self, m: usize, job: JobId, approval: Digest, nonce: Nonce) {
        let now = self.now;
        let groups = self.db.machines[m].clone();
        self.truth.issued.insert(m, nonce);
        self.trace(|| format!("machine {m}: go for job {}", super::trace::short(&job.0)));
        let Some(plan) = self.db.plan(approval) else {
            return;
        };
        let Some((leaf, _)) = plan.leaf(groups.id) else {
            return;
        };
        let failures = self.db.failures(plan);
        let limit = u64::from(plan.approval.failure_limit.max(1));
        let (leaf, releases) = (leaf.clone(), plan.approval.releases.clone());
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
        let could_start = machine.asked.as_ref().is_some_and(|asked| {
            self.truth.issued.get(&o) == Some(&asked.nonce)
                && self.now.since_ms(asked.at) <= NONCE_LIFE_MS
        });
        counts && !could_start && self.open_record(o).is_none() && !self.is_half(o)
    }

    fn is_half(&self, m: usize) -> bool {
        self.machines[m]
            .software
            .values()
            .any(|software| software.is_half || !software.is_up)
    }

    /// A step begins: its bytes are what they should be (I5), and the first that disturbs
    /// anybody finds nobody (I2).
    pub(super) fn step_begins(&mut self, m: usize, record: &Record, step: &Step, is_install: bool) {
        let is_whole = self.is_whole(m, record, step.release);
        self.holds(is_whole, Invariant::I5, || {
            format!(
                "machine {m} runs {} with other bytes than were approved",
                step.name
            )
        });
        let first = record.plan.steps.iter().find(|one| one.disruptive);
        let is_first = is_install && first.is_some_and(|first| first.name == step.name);
        if is_first {
            let use_now = self.true_use(m);
            self.holds(use_now == Use::Idle, Invariant::I2, || {
                format!("machine {m} passes the point of no return while {use_now:?}")
            });
        }
    }

    pub(super) fn reboot_begins(&mut self, m: usize) {
        let use_now = self.true_use(m);
        self.holds(use_now == Use::Idle, Invariant::I2, || {
            format!("machine {m} is restarted while {use_now:?}")
        });
    }

    /// A job's consequences were drawn.
    pub(super) fn settled(&mut self, m: usize, record: &Record, verdict: &Verdict, touched: usize) {
        for release in record.approval.releases.iter().take(touched + 1) {
            let described = &release.release;
            if *verdict != Verdict::Verified {
                self.truth.quarantine.insert((m, release.sha256));
                let known = &self.machines[m].disk.watermark.quarantine;
                let is_known = known.contains(&release.sha256);
                self.holds(is_known, Invariant::I9, || {
                    format!("machine {m} rolled back, and its digest may start again there")
                });
                continue;
            }
            let key = (m, described.product.clone());
            let seen = self.truth.counters.entry(key).or_default();
            *seen = described.counter.max(*seen);
            let kept = self.machines[m]
                .disk
                .watermark
                .counters
                .get(&described.product);
            let is_raised = kept.is_some_and(|kept| *kept >= described.counter);
            self.holds(is_raised, Invariant::I6, || {
                format!(
                    "machine {m} verified {}, and its counter did not rise",
                    described.version
                )
            });
        }
    }

    /// I6: the watermark as it is on the disk now.
    pub(super) fn watermark_is(&mut self, m: usize) {
        let now = &self.machines[m].disk.watermark;
        let fell = self
            .truth
            .watermarks
            .get(&m)
            .and_then(|before| fell(before, now));
        self.holds(fell.is_none(), Invariant::I6, || {
            format!(
                "machine {m}: its watermark fell: {}",
                fell.unwrap_or_default()
            )
        });
        let now = self.machines[m].disk.watermark.clone();
        self.truth.watermarks.insert(m, now);
    }

    /// I7, I4 and I6 after a machine or its installer began again.
    pub(super) fn began_again(&mut self, m: usize) {
        self.watermark_is(m);
        let has_record = self.machines[m].disk.record.is_some();
        let machine = &self.machines[m];
        let is_open = machine.jobs.values().any(|history| history.state.is_open());
        let is_half = self.is_half(m);
        self.holds(has_record || !is_open, Invariant::I7, || {
            format!("machine {m} has an open job and nothing to go on with")
        });
        self.holds(has_record || !is_half, Invariant::I7, || {
            format!("machine {m} has neither the old nor the new software, and no job that says so")
        });
        let outbox = self.machines[m].agent.outbox;
        self.rows_are(m, outbox);
    }

    /// I4: what is stored is once what the machine has.
    pub(super) fn rows_are(&mut self, m: usize, outbox: OutboxId) {
        let machine = &self.machines[m];
        let Some(rows) = self.db.outboxes.get(&(machine.id, outbox)) else {
            return;
        };
        let once = rows
            .events
            .iter()
            .enumerate()
            .all(|(at, (sequence, _))| *sequence == at as u64 + 1);
        let tail = rows.events.len().saturating_sub(70);
        let same = rows
            .events
            .iter()
            .enumerate()
            .skip(tail)
            .all(|(at, (_, stored))| {
                machine
                    .disk
                    .journal
                    .get(at)
                    .is_some_and(|event| Rc::ptr_eq(event, stored) || event == stored)
            });
        self.holds(once, Invariant::I4, || {
            format!("an event of machine {m} is stored twice")
        });
        self.holds(same, Invariant::I4, || {
            format!("an event of machine {m} is stored that is not, or not so, on its disk")
        });
    }

    /// An acknowledgement leaves.
    pub(super) fn acknowledged(&mut self, m: usize, outbox: OutboxId, stored: u64) {
        self.truth.acknowledged.insert((m, outbox), stored);
    }

    /// I4: what was acknowledged is stored.
    pub(super) fn lost_acknowledgement(&mut self, m: usize, outbox: OutboxId) {
        let key = (self.machines[m].id, outbox);
        let stored = self
            .db
            .outboxes
            .get(&key)
            .map_or(0, |rows| rows.events.len() as u64);
        let said = self
            .truth
            .acknowledged
            .get(&(m, outbox))
            .copied()
            .unwrap_or(0);
        self.holds(said <= stored, Invariant::I4, || {
            format!("{said} events of machine {m} were acknowledged, {stored} are stored")
        });
    }

    /// The database was put back: it acknowledges no more than it has.
    pub(super) fn restored(&mut self) {
        self.truth.acknowledged.clear();
    }

    /// I11: a session changed a row.
    pub(super) fn row_written(&mut self, m: usize, job: JobId, machine: MachineId) {
        let id = self.machines[m].id;
        let is_own = self.db.jobs.get(&job).is_some_and(|job| job.machine == id) && machine == id;
        self.holds(is_own, Invariant::I11, || {
            format!("machine {m} changed another machine's job")
        });
    }

    /// I12: what a machine keeps.
    pub(super) fn papers_are(&mut self, m: usize) {
        let papers = &self.machines[m].disk.papers;
        let is_small = papers.documents.approvals.len() <= 64
            && papers.documents.stops.len() <= 1_024
            && papers.unsigned_stops.len() <= 1_025;
        self.holds(is_small, Invariant::I12, || {
            format!("machine {m} keeps documents without limit")
        });
    }
}

/// What of a watermark is lower than before.
fn fell(before: &Watermark, now: &Watermark) -> Option<String> {
    let numbers = [
        ("charter", before.charter.number, now.charter.number),
        ("roster", before.roster.number, now.roster.number),
        (
            "assignment",
            before.assignment.number,
            now.assignment.number,
        ),
    ];
    for (what, before, now) in numbers {
        if now < before {
            return Some(format!("{what} from {before} to {now}"));
        }
    }
    if now.time < before.time {
        return Some(format!("time from {} to {}", before.time, now.time));
    }
    let counters = before.counters.iter();
    let lower = |(product, seen): &(&Name, &u64)| now.counters.get(*product) < Some(*seen);
    if let Some((product, _)) = counters.clone().find(lower) {
        return Some(format!("the counter of {product}"));
    }
    let versions = |watermark: &Watermark| -> Vec<u64> {
        let seen = watermark.repositories.values();
        let marks = seen.flat_map(|seen| [&seen.root, &seen.timestamp, &seen.snapshot]);
        marks
            .map(|mark| mark.as_ref().map_or(0, |mark| mark.version))
            .collect()
    };
    let pairs = versions(before).into_iter().zip(versions(now));
    if pairs.into_iter().any(|(before, now)| now < before) {
        return Some("a repository's versions".into());
    }
    (!now.quarantine.is_superset(&before.quarantine)).then(|| "the quarantine".into())
}
