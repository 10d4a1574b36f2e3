//! What strikes a machine, and when: mostly by night, where the work is.

use super::fault::Fault;
use super::world::{Event, World};
use patchward_common::id::JobId;
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use patchward_common::trust::sign::Signed;
use patchward_common::trust::stop::{Handover, Scope};

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    PowerCut,
    SwitchedOff,
    CutOff,
    LinkBack,
    Skew,
    Jump,
    Years,
    ClockRight,
    DiskFull,
    NotReady,
    Ready,
    AgentRestart,
    InstallerKill,
    DamageArtifact,
    DamageJournal,
    TearWatermark,
    Hold,
    HandOver,
    Hostile,
    Honest,
    /// A hostile agent asks for a go for this job.
    Greed(JobId),
    /// Whoever owned the collector is thrown out.
    CollectorHonest,
    EndStops,
}

/// How often each strikes one machine, in ten thousandths a day.
const RATES: [(Strike, u32); 13] = [
    (Strike::PowerCut, 350),
    (Strike::SwitchedOff, 400),
    (Strike::CutOff, 400),
    (Strike::Skew, 400),
    (Strike::Jump, 120),
    (Strike::Years, 80),
    (Strike::DiskFull, 250),
    (Strike::NotReady, 400),
    (Strike::AgentRestart, 400),
    (Strike::InstallerKill, 300),
    (Strike::DamageArtifact, 500),
    (Strike::TearWatermark, 50),
    (Strike::Hold, 500),
];

impl World {
    /// An instant of this day: mostly in the night's windows.
    pub(super) fn some_time(&mut self) -> i64 {
        match self.chance.of_10k(7_000) {
            true => self.chance.within(14 * HOUR_MS, 21 * HOUR_MS),
            false => self.chance.within(0, DAY_MS),
        }
    }

    /// What will strike machines this day.
    pub(super) fn strikes_of_a_day(&mut self) {
        for m in 0..self.machines.len() {
            for (strike, rate) in RATES {
                if self.chance.of_10k(rate) {
                    let ms = self.some_time();
                    self.after(ms, Event::Strike(m, strike));
                }
            }
            if self.chance.of_10k(4) {
                self.after(HOUR_MS, Event::Strike(m, Strike::DamageJournal));
            }
            if self.chance.of_10k(150) {
                self.after(0, Event::Strike(m, Strike::Hostile));
                self.after(3 * DAY_MS, Event::Strike(m, Strike::Honest));
            }
        }
        if self.chance.of_10k(800) {
            // A whole unit at once.
            let ms = self.some_time();
            let unit = self.chance.below(self.db.units.len());
            for m in (0..self.machines.len())
                .filter(|m| self.machines[*m].unit == unit)
                .collect::<Vec<_>>()
            {
                self.after(ms, Event::Strike(m, Strike::CutOff));
            }
        }
    }

    pub(super) fn strike(&mut self, m: usize, strike: Strike) {
        let heals = matches!(
            strike,
            Strike::LinkBack
                | Strike::ClockRight
                | Strike::Ready
                | Strike::Honest
                | Strike::CollectorHonest
                | Strike::EndStops
                | Strike::HandOver
        );
        if !heals && !self.may_fail() {
            return;
        }
        self.trace(|| format!("pc-{m}: {strike:?}"));
        match strike {
            Strike::PowerCut => self.cut_power(m, 3 * HOUR_MS),
            Strike::SwitchedOff => {
                if self.machines[m].is_on && self.machines[m].disk.record.is_none() {
                    self.count(Fault::SwitchedOff);
                    self.cut_power(m, 14 * HOUR_MS);
                }
            }
            Strike::CutOff => self.cut_off(m),
            Strike::LinkBack => {
                self.machines[m].is_cut_off = false;
                self.soon(m);
            }
            Strike::Skew | Strike::Jump | Strike::Years => self.clock_goes_wrong(m, strike),
            Strike::ClockRight => {
                self.machines[m].clock_ms = self.chance.within(-20 * SECOND_MS, 20 * SECOND_MS);
            }
            Strike::DiskFull => {
                let ms = self.chance.within(10 * MINUTE_MS, 2 * HOUR_MS);
                self.machines[m].disk.full_until = self.now.plus_ms(ms);
            }
            Strike::NotReady => self.not_ready(m),
            Strike::Ready => {
                self.machines[m].is_ready = true;
                self.soon(m);
            }
            Strike::AgentRestart => {
                if self.machines[m].is_on {
                    self.count(Fault::AgentRestarted);
                    self.machines[m].agent.restarted();
                    self.soon(m);
                }
            }
            Strike::InstallerKill => {
                if self.machines[m].answers() {
                    self.count(Fault::InstallerKilled);
                    self.kill_installer(m);
                }
            }
            Strike::DamageArtifact | Strike::DamageJournal | Strike::TearWatermark => {
                self.disk_rots(m, strike);
            }
            Strike::Hold => {
                self.count(Fault::Held);
                let ms = self.chance.within(HOUR_MS, 12 * HOUR_MS);
                self.machines[m].disk.held_until = Some(self.clock_of(m).plus_ms(ms));
            }
            Strike::HandOver => self.hand_over(m),
            Strike::Hostile => self.machines[m].is_hostile = true,
            Strike::Honest => self.machines[m].is_hostile = false,
            Strike::Greed(job) => self.grab(m, job),
            Strike::CollectorHonest => self.collector_honest(),
            Strike::EndStops => self.end_stops(m),
        }
    }

    fn not_ready(&mut self, m: usize) {
        self.count(Fault::NotReady);
        self.machines[m].is_ready = false;
        self.soon(m);
        let ms = self.chance.within(HOUR_MS, 10 * HOUR_MS);
        self.after(ms, Event::Strike(m, Strike::Ready));
    }

    fn cut_off(&mut self, m: usize) {
        if self.machines[m].is_cut_off {
            return;
        }
        self.count(Fault::Partition);
        self.link_breaks(m);
        self.machines[m].is_cut_off = true;
        let ms = self.chance.within(10 * MINUTE_MS, 12 * HOUR_MS);
        self.after(ms, Event::Strike(m, Strike::LinkBack));
    }

    fn clock_goes_wrong(&mut self, m: usize, strike: Strike) {
        let (fault, off_ms) = match strike {
            Strike::Skew => (
                Fault::ClockSkewed,
                self.chance.within(30 * SECOND_MS, 8 * MINUTE_MS),
            ),
            Strike::Jump => (
                Fault::ClockJumped,
                self.chance.within(10 * MINUTE_MS, 30 * HOUR_MS),
            ),
            _ => (
                Fault::ClockWrongByYears,
                self.chance.within(DAY_MS * 365, DAY_MS * 8_000),
            ),
        };
        self.count(fault);
        let ahead = self.chance.of_10k(5_000);
        self.machines[m].clock_ms += if ahead { off_ms } else { -off_ms };
        let ms = self.chance.within(HOUR_MS, 20 * HOUR_MS);
        self.after(ms, Event::Strike(m, Strike::ClockRight));
    }

    fn disk_rots(&mut self, m: usize, strike: Strike) {
        match strike {
            Strike::DamageArtifact => {
                let staged = self.machines[m].disk.staged.keys().next_back().copied();
                if let Some(key) = staged {
                    self.count(Fault::ArtifactDamaged);
                    let other = patchward_common::digest::Digest(self.chance.bytes());
                    self.machines[m].disk.staged.insert(key, other);
                }
            }
            Strike::TearWatermark => {
                // The other copy is read, and repairs this one.
                self.count(Fault::TornWatermark);
                self.watermark_is(m);
            }
            _ => {
                if self.machines[m].disk.record.is_none()
                    && !self.machines[m].disk.journal.is_empty()
                {
                    self.count(Fault::JournalDamaged);
                    self.machines[m].disk.is_damaged = true;
                }
            }
        }
    }

    /// The unit of an always-used machine hands it over, at the machine or by a document.
    fn hand_over(&mut self, m: usize) {
        let machine = &self.machines[m];
        let clock = machine.clock(self.now);
        let soon = clock.plus_ms(HOUR_MS);
        let waits = machine.known.iter().filter(|known| {
            let word = machine.state(known.job).word();
            !matches!(
                word,
                "verified" | "failed" | "rolled_back" | "missed" | "stopped"
            )
        });
        let next = waits.filter_map(|known| {
            let slot = known
                .slots
                .iter()
                .find(|slot| clock < slot.end() && slot.start() < soon)?;
            Some((known.job, *slot))
        });
        let Some((job, slot)) = next.min_by_key(|(_, slot)| slot.start()) else {
            return;
        };
        self.count(Fault::HandedOver);
        self.document_lives(self.now, slot.end());
        let until = slot.end().plus_ms(-self.machines[m].clock_ms);
        let known = self.truth.handed_over.entry(m).or_insert(until);
        *known = until.max(*known);
        if self.chance.of_10k(5_000) && self.collector.is_up {
            let handover = Handover {
                machine: self.machines[m].id,
                job,
                slot,
                stand_in: super::hospital::label("the other one"),
                issued: self.now,
            };
            let signed = Signed::new(&handover, &self.hospital.technician);
            self.db.handovers.push((self.machines[m].id, signed));
            self.db.orders += 1;
            self.nudge(m);
        } else {
            self.machines[m].disk.handover = Some(patchward_common::job::LocalHandover {
                job,
                until: slot.end(),
                stand_in: super::hospital::label("the other one"),
            });
        }
        self.wake_in(m, SECOND_MS);
    }

    /// People at the machine forget the stops that its agent passed on.
    fn end_stops(&mut self, m: usize) {
        let papers = &self.machines[m].disk.papers;
        if !papers.unsigned_stops.is_empty() {
            let mut papers = (**papers).clone();
            papers.unsigned_stops.clear();
            self.machines[m].disk.papers = std::rc::Rc::new(papers);
        }
    }

    /// What a hostile agent passes on.
    pub(super) fn flood(&mut self, m: usize) {
        self.count(Fault::StopFlood);
        let scopes = (0..1_200u32)
            .map(|at| Scope::Plan(patchward_common::digest::Digest::of(&at.to_be_bytes())));
        let _ = self.stop_here(m, scopes.collect());
        self.after(6 * HOUR_MS, Event::Strike(m, Strike::EndStops));
    }
}
