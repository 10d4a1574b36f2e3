//! The installer: `authorise.rs`, `installer.rs` and `papers.rs` of the product without
//! their files, calling the product's own checks in the same order. Every durable write
//! is a persist point at which it may die.

mod papers;

pub(super) use papers::Brought;

use super::fault::Fault;
use super::machine::{Asked, Undo, Usage, Use, note_event};
use super::mutant::Mutant;
use super::world::{Event, World};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Nonce};
use patchward_common::job::{Event as JobWord, JobEvent, NotStarted, Reason};
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::check::{Ask, Interlock, Refusal};
use patchward_common::trust::sign::Signed;
use patchward_common::trust::watermark::Watermark;
use std::rc::Rc;

/// Why something is not done.
#[derive(Debug)]
pub(super) enum Denied {
    /// One of the eleven checks refused.
    Refused(Reason),
    /// It was asked for at the wrong moment.
    Wrong,
    /// The disk takes no write.
    Full,
    /// The process died on the way.
    Dead,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Reason::from(&refusal))
    }
}

/// Most events of one job that only say why it waits; as in the product's journal.
pub(super) const MAX_WAITING_EVENTS: usize = 1_000;

impl World {
    /// Makes something durable, or dies at it.
    pub(super) fn persist(
        &mut self,
        m: usize,
        what: &'static str,
        write: impl FnOnce(&mut super::machine::Disk),
    ) -> Result<(), Denied> {
        if !self.machines[m].answers() {
            return Err(Denied::Dead);
        }
        if self.now < self.machines[m].disk.full_until {
            self.count(Fault::DiskFull);
            return Err(Denied::Full);
        }
        let dies = self.may_fail() && self.chance.of_10k(25);
        let is_done = !dies || self.chance.of_10k(5_000);
        if is_done {
            write(&mut self.machines[m].disk);
        }
        if !dies {
            return Ok(());
        }
        if !is_done {
            self.count(Fault::TornWrite);
        }
        if self.chance.of_10k(5_000) {
            self.count(Fault::InstallerKilled);
            self.trace(|| format!("pc-{m}: its installer is killed at {what}"));
            self.kill_installer(m);
        } else {
            self.count(Fault::PowerCutAtPersist);
            self.trace(|| format!("pc-{m}: power is lost at {what}"));
            self.cut_power(m, 10 * MINUTE_MS);
        }
        Err(Denied::Dead)
    }

    /// The process dies; steps that PID 1 runs go on, and it is started again.
    pub(super) fn kill_installer(&mut self, m: usize) {
        let wait_ms = self.chance.within(SECOND_MS, 4 * MINUTE_MS);
        let machine = &mut self.machines[m];
        machine.installer_runs = false;
        machine.asked = None;
        if self.mutant == Some(Mutant::RecordNotKept) {
            machine.disk.record = None;
        }
        let boots = machine.boots;
        self.after(wait_ms, Event::InstallerUp(m, boots));
    }

    /// Changes the watermark, durably, where it is another.
    pub(super) fn raise(
        &mut self,
        m: usize,
        change: impl FnOnce(&mut Watermark),
    ) -> Result<(), Denied> {
        let before = &self.machines[m].disk.watermark;
        let mut after = before.clone();
        change(&mut after);
        if after == *before {
            return Ok(());
        }
        let undo = Undo::Watermark(Box::new(before.clone()));
        let unsynced = self.mutant == Some(Mutant::WatermarkNotSynced);
        self.persist(m, "the watermark", |disk| {
            disk.watermark = after;
            if unsynced {
                disk.unsynced.push(undo);
            }
        })?;
        self.watermark_is(m);
        Ok(())
    }

    /// Signs an event and makes it durable.
    pub(super) fn append(
        &mut self,
        m: usize,
        job: JobId,
        approval: Digest,
        event: JobWord,
    ) -> Result<(), Denied> {
        let machine = &self.machines[m];
        let is_start = matches!(event, JobWord::Started(_));
        let event = JobEvent {
            machine: machine.id,
            sequence: machine.last_sequence() + 1,
            previous: machine.disk.previous,
            at: machine.clock(self.now),
            job,
            approval,
            event,
        };
        let signed = Rc::new(Signed::new(&event, &machine.key));
        let (kept, undo) = (Rc::clone(&signed), Undo::Journal(machine.last_sequence()));
        let unsynced = is_start && self.mutant == Some(Mutant::StartNotSynced);
        self.persist(m, event.event.word(), |disk| {
            disk.previous = kept.digest();
            disk.journal.push(kept);
            if unsynced {
                disk.unsynced.push(undo);
            }
        })
        .inspect_err(|_| self.machines[m].read_journal())?;
        self.trace(|| {
            let reason = event.event.reason();
            let why = reason.map_or(String::new(), |reason| format!(": {}", reason.text));
            let job = super::trace::short(&job.0);
            format!("pc-{m} job {job} {}{why}", super::trace::word(&event.event))
        });
        note_event(&mut self.machines[m].jobs, event.clone());
        self.event_is_durable(m, &event);
        Ok(())
    }

    /// Appends what only says why a job waits, unless that was said last or too often.
    fn note<T>(
        &mut self,
        m: usize,
        job: JobId,
        nonce: Option<Nonce>,
        outcome: &Result<T, Denied>,
        passed: impl FnOnce(&T) -> JobWord,
    ) -> Result<(), Denied> {
        let event = match outcome {
            Ok(value) => passed(value),
            Err(Denied::Refused(reason)) => JobWord::Refused(NotStarted {
                reason: reason.clone(),
                nonce,
            }),
            Err(_) => return Ok(()),
        };
        let known = self.machines[m].known.iter().find(|known| known.job == job);
        let Some(approval) = known.map(|known| known.approval) else {
            return Ok(());
        };
        let history = self.machines[m].jobs.get(&job);
        let said = history.map_or(&[][..], |history| &history.events);
        let is_news = said.last().is_none_or(|(_, _, newest)| *newest != event);
        let fits = self.machines[m].state(job).after(&event).is_ok();
        if is_news && fits && said.len() < MAX_WAITING_EVENTS {
            self.append(m, job, approval, event)?;
        }
        Ok(())
    }

    /// Draws the nonce that the next go must answer.
    pub(super) fn nonce(&mut self, m: usize, job: JobId) -> Result<Nonce, Denied> {
        if !self.machines[m].answers() {
            return Err(Denied::Dead);
        }
        let nonce = Nonce(self.chance.bytes());
        self.truth.drawn.insert(m, nonce);
        self.machines[m].asked = Some(Asked {
            job,
            nonce,
            boot: self.machines[m].boot,
            at: self.now,
        });
        Ok(nonce)
    }

    /// Takes the outstanding nonce: it answers once.
    pub(super) fn take_nonce(&mut self, m: usize, job: JobId) -> Result<Ask, Denied> {
        let machine = &mut self.machines[m];
        let asked = match self.mutant == Some(Mutant::GoWithoutNonce) {
            true => Some(Asked {
                job,
                nonce: Nonce([0; 32]),
                boot: machine.boot,
                at: self.now,
            }),
            false => machine.asked.take(),
        };
        let asked = asked
            .filter(|asked| asked.job == job)
            .ok_or(Denied::Wrong)?;
        Ok(Ask {
            job,
            machine: machine.id,
            boot: asked.boot,
            nonce: asked.nonce,
            // The boot clock runs as true time does.
            age_ms: self.now.since_ms(asked.at),
        })
    }

    /// One job at a time, and none twice.
    fn may_begin(&self, m: usize, job: JobId) -> Result<(), Denied> {
        let machine = &self.machines[m];
        let is_busy = machine.disk.record.is_some() && self.mutant != Some(Mutant::TwoJobsAtOnce);
        match !machine.answers() {
            true => Err(Denied::Dead),
            false if is_busy || machine.state(job).is_final() => Err(Denied::Wrong),
            false => Ok(()),
        }
    }

    /// Steps 1 to 7 of a job.
    pub(super) fn prepare(&mut self, m: usize, job: JobId) -> Result<(), Denied> {
        self.may_begin(m, job)?;
        let prepared = self.authorise_prepare(m, job);
        self.note(m, job, None, &prepared, |_| JobWord::Prepared)?;
        prepared.map(|_| ())
    }

    /// Steps 1 to 11; then the start record and the event, durable, before any effect.
    pub(super) fn start(
        &mut self,
        m: usize,
        job: JobId,
        go: &Signed<patchward_common::trust::go::Go>,
    ) -> Result<(), Denied> {
        self.may_begin(m, job)?;
        let ask = self.take_nonce(m, job)?;
        let allowed = self.authorise_start(m, &ask, go);
        let rehearses = allowed.as_ref().is_ok_and(|allowed| allowed.rehearses);
        if allowed.is_err() || rehearses {
            self.note(m, job, Some(ask.nonce), &allowed, |allowed| {
                JobWord::WouldHaveStarted(allowed.start.clone())
            })?;
            return allowed.map(|_| ());
        }
        let record = Rc::new(self.record(m, job, allowed?));
        let (start, digest) = (record.start.clone(), record.digest);
        let kept = Rc::clone(&record);
        self.persist(m, "the start record", |disk| {
            disk.record = Some(kept);
            disk.steps.clear();
        })?;
        if let Err(error) = self.append(m, job, digest, JobWord::Started(start)) {
            // Its start never became durable: nothing started.
            self.machines[m].disk.record = self.open_record(m);
            return Err(error);
        }
        self.drive(m);
        Ok(())
    }

    /// Steps 8 to 11 for the restart that a job waits for; then it is ordered.
    pub(super) fn reboot(
        &mut self,
        m: usize,
        job: JobId,
        go: &Signed<patchward_common::trust::go::Go>,
    ) -> Result<(), Denied> {
        let machine = &self.machines[m];
        let record = machine.disk.record.clone().ok_or(Denied::Wrong)?;
        if record.job != job || machine.state(job).word() != "reboot_pending" {
            return Err(Denied::Wrong);
        }
        self.authorise_reboot(m, job, go)?;
        let boot = self.machines[m].boot;
        self.append(m, job, record.digest, JobWord::RebootOrdered(boot))?;
        self.drive(m);
        Ok(())
    }

    /// The record, where its start is durable.
    pub(super) fn open_record(&self, m: usize) -> Option<Rc<super::machine::Record>> {
        let machine = &self.machines[m];
        let record = machine.disk.record.clone()?;
        let history = machine.jobs.get(&record.job)?;
        let started = history.events.iter().any(|(sequence, _, event)| {
            *sequence == record.sequence && matches!(event, JobWord::Started(_))
        });
        started.then_some(record)
    }

    /// What the interlock probes say now.
    pub(super) fn interlock(&mut self, m: usize, handed_over: bool) -> Interlock {
        let unknown_is_idle = self.mutant == Some(Mutant::UnknownIsIdle);
        match self.use_now(m) {
            _ if self.machines[m].usage == Usage::Always => match handed_over {
                true => Interlock::Idle,
                false => Interlock::InUse("handover: not handed over".into()),
            },
            Use::Idle => Interlock::Idle,
            Use::Taken => Interlock::InUse("sessions".into()),
            Use::Unknown if unknown_is_idle => Interlock::Idle,
            Use::Unknown => Interlock::Unknown("sessions: no answer".into()),
        }
    }

    /// The clock of a machine.
    pub(super) fn clock_of(&self, m: usize) -> UtcMs {
        self.machines[m].clock(self.now)
    }
}
