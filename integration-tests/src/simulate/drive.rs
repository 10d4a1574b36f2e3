//! Driving a job from its start record to its end: the product's `job::phase` says what
//! comes next, the model of PID 1 runs steps, and each effect ends with one event.

use super::fault::Fault;
use super::fleet::MODELS;
use super::installer::Denied;
use super::machine::{Record, Running};
use super::mutant::Mutant;
use super::strike::Strike;
use super::world::{Event, World};
use patchward_common::id::Name;
use patchward_common::job::phase::{Effect, Phase, Step};
use patchward_common::job::{
    CheckResult, Event as JobWord, Measurement, ProductVersion, Reason, StepEnd, StepOutcome,
    Verdict,
};
use patchward_common::time::{MINUTE_MS, SECOND_MS};
use patchward_common::trust::approval::REBOOT_ALLOWANCE_MS;
use std::rc::Rc;

/// Before a turn is tried again that the disk refused.
const RETRY_MS: i64 = MINUTE_MS;

impl World {
    /// Drives the open job until it ends, rests, or waits for a step.
    pub(super) fn drive(&mut self, m: usize) {
        while self.machines[m].answers() {
            let Some(record) = self.machines[m].disk.record.clone() else {
                return;
            };
            let event = match self.turn(m, &record) {
                Ok(Some(event)) => event,
                Ok(None) | Err(Denied::Dead) => return,
                Err(_) => return self.after(RETRY_MS, Event::Drive(m)),
            };
            match self.append(m, record.job, record.digest, event) {
                Ok(()) => {}
                Err(Denied::Dead) => return,
                Err(_) => return self.after(RETRY_MS, Event::Drive(m)),
            }
        }
    }

    /// Where the open job stands.
    pub(super) fn phase(&self, m: usize, record: &Record) -> Phase {
        let history = self.machines[m].jobs.get(&record.job);
        let events = history.map_or(&[][..], |history| &history.events);
        let phase = Phase::of(&record.plan, record.sequence, events, |_| {});
        phase.unwrap_or_else(|| record.plan.begin())
    }

    fn turn(&mut self, m: usize, record: &Rc<Record>) -> Result<Option<JobWord>, Denied> {
        let phase = self.phase(m, record);
        let boot = self.machines[m].boot;
        Ok(Some(match phase.next(&record.plan, boot) {
            Effect::Run { step, asks } => return self.run_step(m, record, step, Some(asks)),
            Effect::RunBack(step) => {
                let asks = self.mutant == Some(Mutant::RecoveryAsksNetwork);
                if asks && (!self.is_linked(m) || self.chance.of_10k(5_000)) {
                    return Ok(None);
                }
                return self.run_step(m, record, step, None);
            }
            Effect::Withdraw(reason) => JobWord::Withdrawn(reason),
            Effect::Recover(reason) => JobWord::RecoveryBegan(reason),
            Effect::AskToReboot => {
                let skips = self.mutant == Some(Mutant::InterlockNotAskedBeforeReboot);
                let asked = if skips {
                    Ok(())
                } else {
                    self.ask_again(m, record.job)
                };
                match asked {
                    Ok(()) => JobWord::RebootOrdered(boot),
                    Err(reason) => {
                        self.count(Fault::InUseAtReboot);
                        JobWord::RebootPending(reason)
                    }
                }
            }
            Effect::Reboot if self.mutant == Some(Mutant::RebootNotProved) => {
                self.measured(m, record, None)
            }
            Effect::Reboot => return Ok(self.order_reboot(m, record)),
            Effect::WaitForPerson => return Ok(None),
            Effect::Measure => self.measured(m, record, None),
            Effect::MeasureBack(reason) => self.measured(m, record, Some(reason)),
            Effect::Settle => {
                self.settle(m, record, &phase)?;
                return Ok(None);
            }
        }))
    }

    /// Runs a step, or waits for the one that runs, or reads how it ended.
    fn run_step(
        &mut self,
        m: usize,
        record: &Rc<Record>,
        step: &Step,
        asks: Option<bool>,
    ) -> Result<Option<JobWord>, Denied> {
        let ended = |outcome, output: &str| {
            Some(JobWord::StepEnded(StepEnd {
                step: step.name.clone(),
                outcome,
                output: output.to_owned(),
            }))
        };
        let machine = &self.machines[m];
        if machine
            .running
            .as_ref()
            .is_some_and(|running| running.step == step.name)
        {
            return Ok(None);
        }
        match machine.disk.steps.get(&step.name) {
            Some(Some(outcome)) => return Ok(ended(*outcome, "")),
            Some(None) => return Ok(ended(StepOutcome::Lost, "")),
            None => {}
        }
        let is_asked = asks == Some(true) && self.mutant != Some(Mutant::InterlockNotAskedAgain);
        if is_asked && let Err(reason) = self.ask_again(m, record.job) {
            return Ok(Some(JobWord::Withdrawn(reason)));
        }
        if self.mutant != Some(Mutant::HashedOnce) && !self.is_whole(m, record, step.release) {
            let text = "not run: an artifact has other bytes now";
            return Ok(ended(StepOutcome::Failed(-1), text));
        }
        let name = step.name.clone();
        self.persist(m, "the beginning of a step", |disk| {
            disk.steps.insert(name, None);
        })?;
        self.begin_step(m, record, step, asks);
        Ok(None)
    }

    /// Whether what a release uses has its bytes now.
    pub(super) fn is_whole(&self, m: usize, record: &Record, release: usize) -> bool {
        let staged = &self.machines[m].disk.staged;
        let release = &record.approval.releases[release];
        let mut artifacts = release.artifacts();
        artifacts.all(|a| staged.get(&(record.job, a.sha256)) == Some(&a.sha256))
    }

    fn begin_step(&mut self, m: usize, record: &Rc<Record>, step: &Step, asks: Option<bool>) {
        self.step_begins(m, record, step, asks.is_some());
        let is_back = asks.is_none();
        let product = record.approval.releases[step.release]
            .release
            .product
            .clone();
        if let Some(software) = self.machines[m].software.get_mut(&product)
            && step.name.ends_with("-switch")
        {
            // Neither the old nor the new one, until it ends.
            (software.is_half, software.is_up) = (true, false);
        }
        let fails = self.may_fail();
        let is_switch = !is_back && step.name.ends_with("-switch");
        let is_unfit = self
            .vendor
            .unfit
            .contains(&record.approval.releases[step.release].sha256)
            && self.db.machines[m].model.as_str() == MODELS[0];
        if is_switch && is_unfit {
            self.count(Fault::BadRelease);
        }
        let told = is_switch && (is_unfit || self.fails_on.contains(&m));
        let outcome = match self.chance.next() % 1_000 {
            _ if told => StepOutcome::Failed(1),
            0..20 if fails && !is_back => StepOutcome::Failed(1),
            20..28 if fails && !is_back => StepOutcome::TimedOut,
            0..60 if fails && is_back => StepOutcome::Failed(1),
            _ => StepOutcome::Succeeded,
        };
        let lasts_ms = match outcome {
            StepOutcome::TimedOut => {
                let left = record.install_until.since_ms(self.clock_of(m));
                left.clamp(SECOND_MS, record.approval.install_ms())
            }
            _ => self.chance.within(20 * SECOND_MS, 150 * SECOND_MS),
        };
        self.tokens += 1;
        let token = self.tokens;
        if fails && self.chance.of_10k(150) {
            // Under a step that runs; the next one has to notice.
            self.strike(m, Strike::DamageArtifact);
        }
        self.machines[m].running = Some(Running {
            step: step.name.clone(),
            outcome,
            token,
        });
        self.after(lasts_ms, Event::StepEnds(m, token));
    }

    /// A step that PID 1 ran has ended, whether or not the installer lives.
    pub(super) fn step_ends(&mut self, m: usize, token: u64) {
        let machine = &mut self.machines[m];
        let is_it = machine
            .running
            .as_ref()
            .is_some_and(|running| running.token == token);
        let Some(running) = machine.running.take_if(|_| is_it) else {
            return;
        };
        if let Some(ended) = machine.disk.steps.get_mut(&running.step) {
            *ended = Some(running.outcome);
        }
        match running.outcome {
            StepOutcome::Succeeded => self.step_worked(m, &running.step),
            StepOutcome::TimedOut => self.count(Fault::InstallHung),
            _ if running.step.contains("back") => self.count(Fault::RecoveryFailed),
            _ => self.count(Fault::InstallFailed),
        }
        self.drive(m);
    }

    fn step_worked(&mut self, m: usize, step: &str) {
        let Some(record) = self.machines[m].disk.record.clone() else {
            return;
        };
        let Some((release, word)) = step.split_once('-') else {
            return;
        };
        let release = release.parse::<usize>().unwrap_or(0);
        let described = &record.approval.releases[release].release;
        let is_wrong = self.may_fail() && self.chance.of_10k(60);
        let before = record.start.versions_before.iter();
        let mut before = before.filter(|one| one.product == described.product);
        let Some(software) = self.machines[m].software.get_mut(&described.product) else {
            return;
        };
        match word {
            "switch" => {
                software.is_half = false;
                software.version = described.version.clone();
                if is_wrong {
                    software.version.push_str("-broken");
                    self.faults.note(Fault::WrongVersion);
                }
            }
            "start" | "back-start" => {
                software.is_up = true;
                if !record.plan.reboot {
                    software.running.clone_from(&software.version);
                }
            }
            "back-switch" => {
                software.is_half = false;
                let before = before.next().map(|one| one.version.clone());
                software.version = before.unwrap_or_default();
                software.running.clone_from(&software.version);
            }
            _ => {}
        }
    }

    /// What is there, and what follows from it. `back` is why the way back was taken.
    fn measured(&mut self, m: usize, record: &Record, back: Option<&Reason>) -> JobWord {
        let machine = &self.machines[m];
        let found = |product: &Name| machine.software.get(product);
        let releases = record.approval.releases.iter().map(|r| &r.release);
        let versions_after: Vec<ProductVersion> = releases
            .clone()
            .map(|release| ProductVersion {
                product: release.product.clone(),
                version: found(&release.product).map_or_else(String::new, |s| s.version.clone()),
            })
            .collect();
        let works = |product: &Name| found(product).is_some_and(|s| s.is_up && !s.is_half);
        let expected = |release: &patchward_common::trust::release::ReleaseDescription| {
            found(&release.product).is_some_and(|s| s.version == release.version)
        };
        let passed = releases.clone().all(|release| works(&release.product));
        let is_new = releases.clone().all(expected);
        let verdict = match back {
            None if is_new && passed => Verdict::Verified,
            None if self.mutant == Some(Mutant::VerifiedUnmeasured) => Verdict::Verified,
            None => return JobWord::RecoveryBegan(Reason::new("another version is there")),
            Some(why) if versions_after == record.start.versions_before && passed => {
                Verdict::RolledBack(why.clone())
            }
            Some(why) => Verdict::Failed(Reason::new(format!(
                "{}; and after the way back the version from before is not there",
                why.text
            ))),
        };
        JobWord::Measured(Measurement {
            verdict,
            versions_after,
            checks: vec![CheckResult {
                check: "works".into(),
                passed,
                output: String::new(),
            }],
            boot: machine.boot,
        })
    }

    fn order_reboot(&mut self, m: usize, record: &Rc<Record>) -> Option<JobWord> {
        let history = self.machines[m].jobs.get(&record.job);
        let ordered = history.and_then(|history| history.events.last().map(|(_, at, _)| *at));
        let late = |at| self.clock_of(m).since_ms(at) > REBOOT_ALLOWANCE_MS;
        if ordered.is_some_and(late) {
            let text = "the restart was ordered, but the machine did not restart";
            return Some(JobWord::RebootPending(Reason::new(text)));
        }
        let skips = self.mutant == Some(Mutant::InterlockNotAskedBeforeReboot);
        if !skips && let Err(reason) = self.ask_again(m, record.job) {
            self.count(Fault::InUseAtReboot);
            return Some(JobWord::RebootPending(reason));
        }
        self.reboot_begins(m);
        if self.may_fail() && self.chance.of_10k(400) {
            self.count(Fault::RestartFailed);
            self.after(REBOOT_ALLOWANCE_MS + MINUTE_MS, Event::Drive(m));
            return None;
        }
        self.restart(m);
        None
    }

    /// Draws the consequences of the end; then the record goes.
    fn settle(&mut self, m: usize, record: &Rc<Record>, phase: &Phase) -> Result<(), Denied> {
        if let Phase::Ended { verdict, touched } = phase {
            let forgets = match verdict {
                Verdict::Verified => self.mutant == Some(Mutant::CounterNotRaised),
                _ => self.mutant == Some(Mutant::QuarantineForgotten),
            };
            if !forgets {
                self.raise(m, |watermark| {
                    watermark.settle(&record.approval, verdict, *touched, &record.downgrades);
                })?;
            }
            self.settled(m, record, verdict, *touched);
        }
        self.persist(m, "the end of a job", |disk| disk.record = None)?;
        self.machines[m].disk.steps.clear();
        if self.machines[m].state(record.job).is_final() {
            let job = record.job;
            self.machines[m]
                .disk
                .staged
                .retain(|(one, _), _| *one != job);
        }
        Ok(())
    }
}
