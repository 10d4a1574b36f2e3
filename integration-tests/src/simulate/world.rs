//! The simulated hospital: one clock, one queue of events, one source of chance.

use super::Settings;
use super::agent::Agent;
use super::chance::Chance;
use super::collector::Collector;
use super::db::Db;
use super::fault::{Counts, Fault};
use super::hospital::Hospital;
use super::machine::{Machine, Usage, Use, use_at};
use super::mutant::Mutant;
use super::network::{Answer, Ask, Hello};
use super::strike::Strike;
use super::truth::Truth;
use super::vendor::Vendor;
use patchward_agent::job::Effect;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, OutboxId};
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::approval::Emergency;
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What happens next.
pub(super) enum Event {
    /// An agent looks again, unless it was told otherwise since.
    Wake(usize, u64),
    Nudged(usize),
    Asked(usize, u64, Ask),
    Answered(usize, u64, Answer),
    AnswerLate(usize, u64),
    /// A go that a hostile agent held back.
    HeldGo(usize, Effect, Box<Signed<Go>>),
    Drive(usize),
    StepEnds(usize, u64),
    InstallerUp(usize, u64),
    BootDone(usize, u64),
    CollectorUp,
    Consume(usize, OutboxId),
    Reconcile,
    /// HTM looks at what waits for its word.
    Judge,
    /// What people do and what goes wrong on a day.
    Day(i64),
    Sign(Digest),
    Strike(usize, Strike),
    Calm,
    /// What a story says that somebody does.
    Scripted(fn(&mut World)),
}

struct Queued {
    at: UtcMs,
    number: u64,
    event: Event,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Everything.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) now: UtcMs,
    pub(super) began: UtcMs,
    pub(super) days: i64,
    pub(super) chance: Chance,
    pub(super) mutant: Option<Mutant>,
    pub(super) is_calm: bool,
    queue: BinaryHeap<Reverse<Queued>>,
    number: u64,
    pub(super) tokens: u64,
    pub(super) events: u64,
    pub(super) faults: Counts,
    pub(super) wants_trace: bool,
    pub(super) lines: Vec<String>,
    pub(super) hospital: Hospital,
    pub(super) vendor: Vendor,
    pub(super) db: Db,
    pub(super) collector: Collector,
    pub(super) machines: Vec<Machine>,
    pub(super) truth: Truth,
    pub(super) arrivals: BTreeMap<usize, UtcMs>,
    /// When any document that a machine may have begins or ends to count, in order.
    pub(super) bounds: Vec<UtcMs>,
    /// How far ahead plans reach.
    pub(super) horizon_ms: i64,
    /// What makes the next plan of a story an emergency.
    pub(super) emergency: Option<Emergency>,
    /// When somebody uses a machine of a story.
    pub(super) busy: Vec<(usize, Interval)>,
    /// Machines of a story on which installs fail.
    pub(super) fails_on: BTreeSet<usize>,
    /// The plan that is made when everything has calmed down.
    pub(super) last_plan: Option<Digest>,
}

/// How often the collector's tasks look, here.
const RECONCILE_MS: i64 = 5 * MINUTE_MS;

impl World {
    pub(super) fn new(seed: u64, settings: &Settings) -> Self {
        super::fleet::build(seed, settings)
    }

    /// Charter, keys and first roster.
    pub(super) fn first_documents(&mut self) {
        let began = self.began;
        self.document_lives(began.plus_ms(-400 * DAY_MS), began.plus_ms(400 * DAY_MS));
        self.document_lives(began.plus_ms(-DAY_MS), began.plus_ms(400 * DAY_MS));
        self.roster_lives();
    }

    /// The newest roster, its keys, and assignments of the same instant.
    pub(super) fn roster_lives(&mut self) {
        let now = self.now;
        let expires = self.hospital.roster().0.expires;
        self.document_lives(now, expires);
        self.document_lives(now.plus_ms(-400 * DAY_MS), now.plus_ms(400 * DAY_MS));
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a world, each once")]
    pub(super) fn of(
        seed: u64,
        settings: &Settings,
        began: UtcMs,
        chance: Chance,
        hospital: Hospital,
        vendor: Vendor,
        db: Db,
        machines: Vec<Machine>,
    ) -> Self {
        Self {
            seed,
            now: began,
            began,
            days: settings.days,
            chance,
            mutant: settings.mutant,
            is_calm: false,
            queue: BinaryHeap::new(),
            number: 0,
            tokens: 0,
            events: 0,
            faults: Counts::default(),
            wants_trace: settings.trace,
            lines: Vec::new(),
            hospital,
            vendor,
            db,
            collector: Collector {
                is_up: true,
                is_hostile: false,
                backup: None,
                looked: (0, UtcMs(0)),
                orders: machines.iter().map(|_| None).collect(),
                said: vec![None; machines.len()],
            },
            machines,
            truth: Truth::default(),
            arrivals: BTreeMap::new(),
            bounds: Vec::new(),
            horizon_ms: super::planning::HORIZON_MS,
            emergency: None,
            busy: Vec::new(),
            fails_on: BTreeSet::new(),
            last_plan: None,
        }
    }

    /// Something happens after so long.
    pub(super) fn after(&mut self, ms: i64, event: Event) {
        self.number += 1;
        let queued = Queued {
            at: self.now.plus_ms(ms.max(0)),
            number: self.number,
            event,
        };
        self.queue.push(Reverse(queued));
    }

    /// A document lives from `issued`, or a day before, until it expires.
    pub(super) fn document_lives(&mut self, issued: UtcMs, expires: UtcMs) {
        self.bounds
            .extend([issued.plus_ms(-DAY_MS), issued, expires]);
        self.bounds.sort_unstable();
        self.bounds.dedup();
    }

    /// Whether faults may happen still.
    pub(super) fn may_fail(&self) -> bool {
        !self.is_calm
    }

    pub(super) fn count(&mut self, fault: Fault) {
        self.faults.note(fault);
    }

    /// Runs until `end`, or until an invariant does not hold.
    pub(super) fn run(&mut self, end: UtcMs) {
        while let Some(Reverse(queued)) = self.queue.pop() {
            if queued.at >= end || !self.truth.violations.is_empty() {
                self.queue.push(Reverse(queued));
                return;
            }
            self.now = queued.at;
            self.events += 1;
            self.step(queued.event);
        }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Wake(m, token) => self.agent_wakes(m, token),
            Event::Nudged(m) => {
                self.machines[m].agent.try_again();
                self.wake_in(m, SECOND_MS);
            }
            Event::Asked(m, request, ask) => self.asked(m, request, ask),
            Event::Answered(m, request, answer) => {
                if !self.machines[m].is_cut_off {
                    self.answered(m, request, answer);
                }
            }
            Event::AnswerLate(m, request) => self.answer_late(m, request),
            Event::HeldGo(m, effect, go) => {
                if self.machines[m].answers() {
                    self.carry_go(m, effect, &go);
                }
            }
            Event::Drive(m) => self.drive(m),
            Event::StepEnds(m, token) => self.step_ends(m, token),
            Event::InstallerUp(m, boots) => self.installer_up(m, boots),
            Event::BootDone(m, boots) => self.boot_done(m, boots),
            Event::CollectorUp => self.collector_up(),
            Event::Consume(m, outbox) => self.consume(m, outbox),
            Event::Reconcile => {
                self.reconcile();
                self.nobody_is_stuck();
                self.after(RECONCILE_MS, Event::Reconcile);
            }
            Event::Judge => self.judge(),
            Event::Day(day) => self.day(day),
            Event::Sign(digest) => self.sign(digest),
            Event::Strike(m, strike) => self.strike(m, strike),
            Event::Calm => self.calm_down(),
            Event::Scripted(act) => act(self),
        }
    }

    /// The use of a machine now, as its probes would truly say.
    pub(super) fn use_now(&self, m: usize) -> Use {
        let is_here = |(who, when): &(usize, Interval)| *who == m && when.contains(self.now);
        match self.machines[m].usage {
            Usage::Told if self.busy.iter().any(is_here) => Use::Taken,
            Usage::Told => Use::Idle,
            usage => use_at(self.seed, m, usage, self.now),
        }
    }

    pub(super) fn hello(&mut self, m: usize) -> Ask {
        let interlock = self.interlock(m, false);
        let machine = &self.machines[m];
        Ask::Hello(Box::new(Hello {
            boot: machine.boot,
            orders: machine.agent.orders,
            watermark: Digest::default(),
            outbox: machine.agent.outbox,
            // Where the installer does not answer, nobody can say.
            journal: match machine.answers() {
                true => machine.last_sequence(),
                false => u64::MAX,
            },
            is_idle: matches!(interlock, patchward_common::trust::check::Interlock::Idle),
            // Its own probe asks the software.
            is_ready: machine.is_ready && !self.is_half(m),
            held_until: machine.disk.held_until,
        }))
    }

    /// Power is lost, for up to so long.
    pub(super) fn cut_power(&mut self, m: usize, longest_ms: i64) {
        if !self.machines[m].is_on {
            return;
        }
        self.count(Fault::PowerCut);
        if self.machines[m].disk.record.is_some() {
            self.count(Fault::PowerCutAtWork);
        }
        self.goes_down(m);
        let now = self.now;
        if self.machines[m].lose_unsynced(now) {
            self.count(Fault::UnsyncedLost);
        }
        self.comes_back(m, longest_ms);
    }

    /// A restart in order.
    pub(super) fn restart(&mut self, m: usize) {
        self.goes_down(m);
        self.machines[m].disk.unsynced.clear();
        self.comes_back(m, 4 * MINUTE_MS);
    }

    fn goes_down(&mut self, m: usize) {
        self.link_breaks(m);
        let machine = &mut self.machines[m];
        machine.is_on = false;
        machine.boots += 1;
        machine.asked = None;
        machine.running = None;
        machine.installer_runs = false;
        machine.agent.restarted();
        if self.mutant == Some(Mutant::RecordNotKept) {
            self.machines[m].disk.record = None;
        }
    }

    fn comes_back(&mut self, m: usize, longest_ms: i64) {
        let ms = self.chance.within(MINUTE_MS, longest_ms.max(2 * MINUTE_MS));
        let boots = self.machines[m].boots;
        self.after(ms, Event::BootDone(m, boots));
    }

    fn boot_done(&mut self, m: usize, boots: u64) {
        if self.machines[m].is_on || self.machines[m].boots != boots {
            return;
        }
        let mut boot = [0; 16];
        boot.copy_from_slice(&self.chance.bytes()[..16]);
        let machine = &mut self.machines[m];
        machine.is_on = true;
        machine.boot = BootId(boot);
        for software in machine.software.values_mut() {
            software.running.clone_from(&software.version);
        }
        self.installer_begins(m);
        self.soon(m);
    }

    fn installer_up(&mut self, m: usize, boots: u64) {
        let machine = &self.machines[m];
        if machine.is_on && machine.boots == boots && !machine.installer_runs {
            self.installer_begins(m);
        }
    }

    /// The installer reads its disk and goes on with what is open.
    fn installer_begins(&mut self, m: usize) {
        self.machines[m].installer_runs = true;
        self.machines[m].asked = None;
        if self.machines[m].disk.is_damaged {
            return;
        }
        self.machines[m].read_journal();
        self.machines[m].disk.record = self.open_record(m);
        self.read_papers(m);
        self.began_again(m);
        self.drive(m);
    }

    fn collector_up(&mut self) {
        self.collector.is_up = true;
        self.collector.said.fill(None);
        for m in 0..self.machines.len() {
            self.soon(m);
        }
    }
}

impl Agent {
    /// Whether it waits for something.
    pub(super) fn is_busy(&self) -> bool {
        self.stage != super::agent::Stage::Idle
    }
}
