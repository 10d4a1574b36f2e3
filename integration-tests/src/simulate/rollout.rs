//! How rollouts go on: what the store counts of waves, models and plans for the product's
//! decisions, and HTM, who opens waves and resumes halts after a while.

use super::db::{Db, PlanRow};
use super::fault::Fault;
use super::trace::short;
use super::world::{Event, World};
use patchward_collector::rollout::go::failure_limit;
use patchward_collector::rollout::model;
use patchward_collector::rollout::wave::{Before, SHARE_PERCENT, has_enough};
use patchward_collector::store::jobs::{Job, Standing};
use patchward_collector::store::plans::PlanState;
use patchward_collector::store::rollout::{WaveCounts, WordCount, is_wrong};
use patchward_collector::store::stops::{EVERY_WAVE, Halt, HaltScope};
use patchward_collector::waves::{self, Course, Firsts};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{HOUR_MS, UtcMs};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::stop::Scope;
use std::collections::BTreeSet;

/// What a person judged of a job that went wrong: marks on it, as in the product's table.
const FOR_PLAN: u8 = 1;
const FOR_MODEL: u8 = 2;
const FOR_WAVE: u8 = 4;
/// How often HTM looks at what waits for its word.
const JUDGE_MS: i64 = 6 * HOUR_MS;
/// How often in ten thousand it gives its word then.
const ANSWERS: u32 = 5_000;
/// Always.
const SURELY: u32 = 10_000;

impl Db {
    fn is_judged(&self, job: &Job, mark: u8) -> bool {
        self.judged.get(&job.id).is_some_and(|had| had & mark != 0)
    }

    /// Jobs that went wrong, and that nobody judged for this.
    fn wrong(&self, mark: u8) -> impl Iterator<Item = &Job> {
        let jobs = self.jobs.values();
        jobs.filter(move |job| is_wrong(job.state.word()) && !self.is_judged(job, mark))
    }

    fn judge(&mut self, mark: u8, is: impl Fn(&Self, &Job) -> bool) {
        let wrong = self.wrong(mark).filter(|job| is(self, job));
        for id in wrong.map(|job| job.id).collect::<Vec<_>>() {
            *self.judged.entry(id).or_default() |= mark;
        }
        self.changes += 1;
    }

    /// How many jobs of a plan failed or were rolled back since it was resumed.
    pub(super) fn failures(&self, plan: Digest) -> u64 {
        let wrong = self.wrong(FOR_PLAN).filter(|job| job.plan == plan);
        wrong.count() as u64
    }

    fn carries(&self, plan: Digest, release: &Digest) -> bool {
        self.plan(plan).is_some_and(|plan| plan.carries(release))
    }

    fn model_of(&self, machine: MachineId) -> Option<&Name> {
        let row = self.machines.iter().find(|row| row.id == machine)?;
        Some(&row.model)
    }

    /// On how many machines of a model a release went wrong since HTM judged it there.
    fn wrong_with(&self, release: &Digest, model: &Name) -> u32 {
        let wrong = self.wrong(FOR_MODEL).filter(|job| {
            self.model_of(job.machine) == Some(model) && self.carries(job.plan, release)
        });
        wrong.map(|job| job.machine).collect::<BTreeSet<_>>().len() as u32
    }

    /// The same of the plan's release for which it is the most.
    pub(super) fn wrong_on_model(&self, plan: &PlanRow, model: &Name) -> u32 {
        let releases = plan.approval.releases.iter();
        let counts = releases.map(|release| self.wrong_with(&release.sha256, model));
        counts.max().unwrap_or(0)
    }

    /// How the jobs of each wave stand; of one wave alone, where it is named.
    fn waves(&self, plan: Digest, only: Option<u32>) -> Vec<WaveCounts> {
        let jobs = self.jobs.values().filter(|job| job.plan == plan);
        let jobs = jobs.filter(|job| only.is_none_or(|wave| job.wave == wave));
        let rehearsing = self
            .machines
            .iter()
            .filter(|row| row.mode == Mode::Rehearse);
        let rehearsing: BTreeSet<MachineId> = rehearsing.map(|row| row.id).collect();
        let mut rows: Vec<WordCount> = jobs
            .map(|job| {
                let word = job.state.word().to_owned();
                let rehearses = u32::from(rehearsing.contains(&job.machine));
                (
                    job.wave,
                    word,
                    Standing::of(&job.state),
                    1,
                    job.since,
                    rehearses,
                )
            })
            .collect();
        rows.sort_by_key(|row| row.0);
        let waves = rows.chunk_by(|a, b| a.0 == b.0);
        waves.map(WaveCounts::of).collect()
    }

    fn wrong_since_opened(&self, plan: Digest, wave: u32) -> Option<u32> {
        let wrong = self.wrong(FOR_WAVE);
        let wrong = wrong.filter(|job| job.plan == plan && job.wave < wave);
        self.openings
            .contains(&(plan, wave))
            .then(|| wrong.count() as u32)
    }

    /// What came out of the wave before; `None` for the first.
    pub(super) fn wave_before(&self, plan: Digest, wave: u32) -> Option<Before> {
        let before = wave.checked_sub(1)?;
        let counts = self.waves(plan, Some(before)).pop().unwrap_or_default();
        Some(self.what_came_out(plan, &counts, wave))
    }

    /// What came out of a wave, for the next one, and since when that is enough.
    fn what_came_out(&self, plan: Digest, counts: &WaveCounts, next: u32) -> Before {
        let opened = self.wrong_since_opened(plan, next);
        let before = counts.before(opened, SHARE_PERCENT);
        let soak_ms = self.plan(plan).map_or(0, PlanRow::soak_ms);
        if has_enough(&before).is_err() {
            return before;
        }
        let jobs = self.jobs.values();
        let jobs = jobs.filter(|job| job.plan == plan && job.wave == counts.wave);
        let verified = jobs.filter(|job| job.state.word() == "verified");
        let mut came: Vec<UtcMs> = verified.map(|job| job.since).collect();
        came.sort_unstable();
        let last_needed = before.needed_verified() as usize - 1;
        Before {
            enough_at: came.get(last_needed).copied(),
            soak_ms,
            ..before
        }
    }

    fn is_halted(&self, scope: HaltScope, subject: &str) -> bool {
        let mut halts = self.halts.iter();
        halts.any(|halt| halt.scope == scope && halt.subject == subject)
    }
}

impl PlanRow {
    fn carries(&self, release: &Digest) -> bool {
        let mut releases = self.approval.releases.iter();
        releases.any(|one| one.sha256 == *release)
    }
}

impl World {
    /// Halts a plan that reached its failure limit.
    pub(super) fn halt_at_limit(&mut self, at: usize) {
        let plan = &self.db.plans[at];
        let (failures, subject) = (self.db.failures(plan.digest), plan.digest.to_string());
        let Err(why) = failure_limit(failures, &plan.approval) else {
            return;
        };
        if !self.db.is_halted(HaltScope::Plan, &subject) {
            self.count(Fault::PlanHalted);
            self.halt(HaltScope::Plan, subject, why.to_string());
        }
    }

    /// Halts every release on the models on which it went wrong on enough machines.
    pub(super) fn halt_models(&mut self) {
        let wrong = self.db.wrong(FOR_MODEL);
        let with: BTreeSet<(Digest, Name)> = wrong
            .filter_map(|job| {
                let model = self.db.model_of(job.machine)?.clone();
                Some((self.db.plan(job.plan)?, model))
            })
            .flat_map(|(plan, model)| {
                let releases = plan.approval.releases.iter();
                releases.map(move |release| (release.sha256, model.clone()))
            })
            .collect();
        for (release, on) in with {
            let subject = model::subject(&release, on.as_str());
            let machines = self.db.wrong_with(&release, &on);
            if model::is_halted(machines) && !self.db.is_halted(HaltScope::ReleaseOnModel, &subject)
            {
                self.count(Fault::ModelHalted);
                let why = format!("it failed or was rolled back on {machines} machines of {on}");
                self.halt(HaltScope::ReleaseOnModel, subject, why);
            }
        }
    }

    fn halt(&mut self, scope: HaltScope, subject: String, reason: String) {
        self.trace(|| format!("{} {subject:.12} is halted: {reason}", scope.word()));
        self.db.halts.push(Halt {
            scope,
            subject,
            wave: EVERY_WAVE,
            at: self.now,
            reason,
            resumed_at: None,
            resumed_by: None,
        });
    }

    /// HTM looks at what waits for its word.
    pub(super) fn judge(&mut self) {
        self.after(JUDGE_MS, Event::Judge);
        if self.collector.is_up && !self.collector.is_hostile {
            let often = if self.may_fail() { ANSWERS } else { SURELY };
            self.judge_so_often(often);
        }
    }

    /// HTM answers everything that waits for its word.
    pub(super) fn judge_everything(&mut self) {
        self.judge_so_often(SURELY);
    }

    fn judge_so_often(&mut self, often: u32) {
        // What went wrong a moment ago is judged with the rest.
        self.halt_models();
        for halt in std::mem::take(&mut self.db.halts) {
            match self.chance.of_10k(often) {
                true => self.resume(&halt),
                false => self.db.halts.push(halt),
            }
        }
        for at in 0..self.db.plans.len() {
            if let Some(wave) = self.asked_wave(at)
                && self.chance.of_10k(often)
            {
                self.open_wave(self.db.plans[at].digest, wave);
            }
        }
    }

    fn resume(&mut self, halt: &Halt) {
        self.count(Fault::HaltResumed);
        self.trace(|| format!("HTM resumes {} {:.12}", halt.scope.word(), halt.subject));
        match halt.subject.split_once('/') {
            Some((release, on)) => {
                let release: Digest = release.parse().expect("it was written from one");
                self.db.judge(FOR_MODEL, |db, job| {
                    let model = db.model_of(job.machine);
                    model.is_some_and(|model| model.as_str() == on)
                        && db.carries(job.plan, &release)
                });
                self.htm_judged_model(&release, on);
            }
            None => {
                let is_its = |_: &Db, job: &Job| job.plan.to_string() == halt.subject;
                self.db.judge(FOR_PLAN, is_its);
            }
        }
    }

    /// The wave of a plan about which HTM is asked.
    fn asked_wave(&self, at: usize) -> Option<u32> {
        let plan = &self.db.plans[at];
        if plan.state != PlanState::Active {
            return None;
        }
        let mut firsts = Firsts::new();
        for leaf in plan.leaves.iter() {
            waves::note_first(&mut firsts, u32::from(leaf.wave), leaf);
        }
        let is_its = |scope: &Scope| match scope {
            Scope::Plan(stopped) => *stopped == plan.digest,
            Scope::All => true,
            _ => false,
        };
        let mut stops = self.db.stops.iter();
        let course = Course {
            firsts: &firsts,
            soak_ms: plan.soak_ms(),
            changed_at: plan.made_at,
            is_stopped: stops.any(|stop| !stop.is_lifted && is_its(&stop.stop.scope)),
        };
        let mut counted: Vec<(WaveCounts, Option<Before>)> = Vec::new();
        for counts in self.db.waves(plan.digest, None) {
            let before = counted
                .last()
                .map(|(earlier, _)| self.db.what_came_out(plan.digest, earlier, counts.wave));
            counted.push((counts, before));
        }
        let waves = waves::stand(&counted, &course, self.now);
        let asked = waves.iter().find(|wave| wave.asked_since.is_some())?;
        Some(asked.counts.wave)
    }

    fn open_wave(&mut self, plan: Digest, wave: u32) {
        self.count(Fault::WaveOpened);
        self.trace(|| format!("HTM opens wave {wave} of plan {}", short(&plan.0)));
        self.db
            .judge(FOR_WAVE, |_, job| job.plan == plan && job.wave < wave);
        self.db.openings.insert((plan, wave));
        self.htm_opened(plan, wave);
    }
}
