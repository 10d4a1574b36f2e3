//! A machine: power, clock, disk, what is installed, and its two processes' memory.

use super::agent::Agent;
use super::authorise::Kept;
use super::chance::mixed;
use super::installer::Brought;
use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Name, Nonce};
use patchward_common::job::phase::Plan;
use patchward_common::job::{Event, JobEvent, LocalHandover, Start, State, StepOutcome};
use patchward_common::time::{HOUR_MS, Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::papers::Papers;
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::trust::watermark::Watermark;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How a machine is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// By day; now and then by night.
    Office,
    /// Often by night too.
    Night,
    /// Always; the unit hands it over.
    Always,
    /// As a story tells it.
    Told,
}

/// What a machine's probes would truly say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Idle,
    /// Somebody uses it.
    Taken,
    Unknown,
}

/// How long somebody stays.
const STAY_MS: i64 = 10 * MINUTE_MS;

/// The use of a machine at an instant: the same however often it is asked.
pub(super) fn use_at(seed: u64, machine: usize, usage: Usage, at: UtcMs) -> Use {
    let stay = at.0.div_euclid(STAY_MS).cast_unsigned();
    let number = mixed(mixed(seed ^ stay) ^ (machine as u64)) % 10_000;
    let hour = at.0.div_euclid(HOUR_MS).rem_euclid(24);
    let is_night = !(5..22).contains(&hour);
    let in_use = match (usage, is_night) {
        (Usage::Always, _) => 10_000,
        (Usage::Told, _) => 0,
        (_, false) => 7_000,
        (Usage::Office, true) => 400,
        (Usage::Night, true) => 4_500,
    };
    match number {
        number if number < in_use => Use::Taken,
        number if number >= 9_950 => Use::Unknown,
        _ => Use::Idle,
    }
}

/// One product as it truly lies on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Software {
    pub(super) version: String,
    /// What runs: the version at the last restart, where one is needed.
    pub(super) running: String,
    /// A step was cut off between the old and the new one.
    pub(super) is_half: bool,
    pub(super) is_up: bool,
}

/// The start record.
pub(super) struct Record {
    pub(super) job: JobId,
    pub(super) sequence: u64,
    pub(super) digest: Digest,
    pub(super) approval: Approval,
    pub(super) start: Start,
    pub(super) downgrades: Vec<Digest>,
    pub(super) plan: Plan,
    pub(super) install_until: UtcMs,
}

/// What the journal says of one job.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) events: Vec<(u64, UtcMs, Event)>,
    pub(super) state: State,
}

/// A write that is not on the disk yet: what a power cut puts back.
pub(super) enum Undo {
    Journal(u64),
    Watermark(Box<Watermark>),
}

/// What lies on the disk of the installer.
pub(super) struct Disk {
    pub(super) watermark: Watermark,
    pub(super) papers: Rc<Papers>,
    pub(super) journal: Vec<Rc<Signed<JobEvent>>>,
    pub(super) previous: Digest,
    pub(super) record: Option<Rc<Record>>,
    /// Staged artifacts: what their bytes really are.
    pub(super) staged: BTreeMap<(JobId, Digest), Digest>,
    /// Steps of the open job that were begun, with how they ended.
    pub(super) steps: BTreeMap<String, Option<StepOutcome>>,
    pub(super) held_until: Option<UtcMs>,
    pub(super) handover: Option<LocalHandover>,
    pub(super) unsynced: Vec<Undo>,
    pub(super) full_until: UtcMs,
    pub(super) is_damaged: bool,
}

/// The nonce that waits for its go, in memory.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) job: JobId,
    pub(super) nonce: Nonce,
    pub(super) boot: BootId,
    pub(super) at: UtcMs,
}

/// A job as the installer's status tells it, read out of its papers once.
pub(super) struct Known {
    pub(super) job: JobId,
    pub(super) approval: Digest,
    pub(super) slots: Vec<Interval>,
    pub(super) longest_run_ms: i64,
    /// Every artifact that must lie on the machine before the start.
    pub(super) artifacts: Vec<Digest>,
}

/// A step that PID 1 runs.
pub(super) struct Running {
    pub(super) step: String,
    pub(super) outcome: StepOutcome,
    pub(super) token: u64,
}

/// Where the hospital's readers of a machine's health look.
pub(super) struct Machine {
    pub(super) id: MachineId,
    pub(super) key: SigningKey,
    pub(super) public: PublicKey,
    pub(super) unit: usize,
    pub(super) usage: Usage,
    pub(super) is_on: bool,
    pub(super) boot: BootId,
    pub(super) boots: u64,
    /// Its clock less the true time.
    pub(super) clock_ms: i64,
    pub(super) is_cut_off: bool,
    pub(super) is_ready: bool,
    pub(super) is_hostile: bool,
    pub(super) installer_runs: bool,
    pub(super) asked: Option<Asked>,
    pub(super) disk: Disk,
    pub(super) jobs: BTreeMap<JobId, History>,
    pub(super) known: Rc<Vec<Known>>,
    pub(super) running: Option<Running>,
    pub(super) software: BTreeMap<Name, Software>,
    pub(super) agent: Agent,
    /// What steps 1 to 4 came to.
    pub(super) kept: Vec<Kept>,
    /// What its agent brought for nothing.
    pub(super) brought: Vec<Brought>,
    /// When it was last heard before its link broke.
    pub(super) heard_at: Option<UtcMs>,
    /// Artifacts that the agent fetched moments ago, not synced yet.
    pub(super) fresh_downloads: BTreeSet<Digest>,
    pub(super) fetched_at: UtcMs,
}

impl Machine {
    /// Its clock.
    pub(super) fn clock(&self, now: UtcMs) -> UtcMs {
        now.plus_ms(self.clock_ms)
    }

    /// What the journal says of a job.
    pub(super) fn state(&self, job: JobId) -> State {
        let history = self.jobs.get(&job);
        history.map_or(State::Assigned, |history| history.state.clone())
    }

    pub(super) fn last_sequence(&self) -> u64 {
        self.disk.journal.len() as u64
    }

    /// Whether its installer answers.
    pub(super) fn answers(&self) -> bool {
        self.is_on && self.installer_runs && !self.disk.is_damaged
    }

    /// What power lost in this instant takes with it; says whether anything was.
    pub(super) fn lose_unsynced(&mut self, now: UtcMs) -> bool {
        let mut lost = false;
        for undo in std::mem::take(&mut self.disk.unsynced).into_iter().rev() {
            lost = true;
            match undo {
                Undo::Journal(kept) => {
                    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
                    self.disk.journal.truncate(kept);
                    self.read_journal();
                }
                Undo::Watermark(before) => self.disk.watermark = *before,
            }
        }
        // The page cache is written back within half a minute.
        if now.since_ms(self.fetched_at) < 30_000 {
            for artifact in std::mem::take(&mut self.fresh_downloads) {
                lost |= self.agent.fetched.remove(&artifact).is_some();
            }
        }
        lost
    }

    /// Rebuilds what is known of jobs from the journal.
    pub(super) fn read_journal(&mut self) {
        self.jobs.clear();
        self.disk.previous = Digest::default();
        for signed in &self.disk.journal {
            let event = signed.peek().expect("it wrote them itself");
            self.disk.previous = signed.digest();
            note_event(&mut self.jobs, event);
        }
    }
}

/// What an event makes of a job, as the journal's reader sees it.
pub(super) fn note_event(jobs: &mut BTreeMap<JobId, History>, event: JobEvent) {
    let history = jobs.entry(event.job).or_insert_with(|| History {
        events: Vec::new(),
        state: State::Assigned,
    });
    if let Ok(state) = history.state.after(&event.event) {
        history.state = state;
    }
    history.events.push((event.sequence, event.at, event.event));
}
