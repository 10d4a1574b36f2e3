//! A collector and agents that mean harm, with all that they hold: the collector its go-key
//! and every document that it ever saw, an agent all that passes through it.

use super::fault::Fault;
use super::network::Answer;
use super::strike::Strike;
use super::world::{Event, World};
use patchward_collector::store::plans::PlanState;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::{Event as JobWord, JobEvent, Reason};
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::local::{Documents, Placed};
use std::rc::Rc;

impl World {
    /// A go in spite of everything.
    pub(super) fn hostile_go(&mut self, m: usize, go: &Go) -> Answer {
        match self.chance.below(4) {
            0 => {
                self.count(Fault::ForgedGo);
                Answer::Go(Signed::new(go, &self.hospital.stranger))
            }
            1 if self.machines[m].agent.last_go.is_some() => {
                self.count(Fault::ReplayedGo);
                let last = self.machines[m].agent.last_go.clone();
                last.map_or(Answer::Refused, |(_, signed)| Answer::Go(signed))
            }
            _ => {
                self.count(Fault::HostileGo);
                if self.chance.of_10k(500) {
                    // What starts with it is seen, and he is thrown out.
                    let ms = self.chance.within(MINUTE_MS, 4 * MINUTE_MS);
                    self.after(ms, Event::Strike(m, Strike::CollectorHonest));
                }
                let signed = Signed::new(go, &self.hospital.go_key);
                self.truth.goes.insert(signed.digest(), go.nonce);
                self.truth.hostile_goes.insert(signed.digest());
                Answer::Go(signed)
            }
        }
    }

    /// Documents as it pleases.
    pub(super) fn hostile_orders(&mut self, m: usize, documents: Rc<Documents>) -> Rc<Documents> {
        let mut given = (*documents).clone();
        if !given.stops.is_empty() {
            self.count(Fault::WithheldStop);
            given.stops.clear();
        }
        match self.chance.below(3) {
            0 if self.hospital.rosters.len() > 1 => {
                self.count(Fault::OldRoster);
                given.roster = Some(self.hospital.rosters[0].1.clone());
            }
            1 => self.give_other_leaf(m, &mut given),
            _ => self.give_undersigned(m, &mut given),
        }
        Rc::new(given)
    }

    /// Another machine's leaf, whose slots are open at another time.
    fn give_other_leaf(&mut self, m: usize, given: &mut Documents) {
        let id = self.machines[m].id;
        let other = self.db.plans.iter().rev().find_map(|plan| {
            let live = matches!(plan.state, PlanState::Active) && self.now < plan.approval.expires;
            let placed = plan.placed.iter().find(|placed| placed.machine != id)?;
            live.then(|| Placed {
                signed: plan.table.signed.clone(),
                leaf: placed.leaf.clone(),
                proof: placed.proof.clone(),
            })
        });
        if let Some(other) = other {
            self.count(Fault::OtherMachinesLeaf);
            let digest = other.signed.digest();
            given
                .approvals
                .retain(|placed| placed.signed.digest() != digest);
            given.approvals.push(other);
        }
    }

    /// A plan that waits for its second signature.
    fn give_undersigned(&mut self, m: usize, given: &mut Documents) {
        let id = self.machines[m].id;
        let plan = self.db.plans.iter().rev().find(|plan| {
            plan.state == PlanState::Draft
                && plan.leaf(id).is_some()
                && self.now < plan.approval.expires
        });
        if let Some(plan) = plan
            && let Some((_, placed)) = plan.leaf(id)
        {
            let placed = Placed {
                signed: plan.table.signed.clone(),
                leaf: placed.leaf.clone(),
                proof: placed.proof.clone(),
            };
            given.approvals.push(placed);
            self.count(Fault::UndersignedPlan);
        }
    }

    /// Metadata and artifacts, as the collector gives them.
    pub(super) fn fetched(&mut self, wanted: Vec<Digest>) -> Answer {
        let mut edition = self.vendor.newest();
        let mut artifacts: Vec<_> = wanted.into_iter().map(|name| (name, name)).collect();
        if self.collector.is_hostile {
            if edition > 0 && self.chance.of_10k(4_000) {
                self.count(Fault::OldMetadata);
                edition -= 1;
            }
            if let Some((_, bytes)) = artifacts.first_mut()
                && self.chance.of_10k(4_000)
            {
                self.faults.note(Fault::SwappedArtifact);
                *bytes = Digest(self.chance.bytes());
            }
        }
        Answer::Fetched(edition, artifacts)
    }

    /// What a hostile agent does at its turn.
    pub(super) fn hostile_turn(&mut self, m: usize) {
        if self.chance.of_10k(100) {
            self.flood(m);
        }
        if self.chance.of_10k(2_000) {
            self.greedy(m);
        }
        if let Some((job, go)) = self.machines[m].agent.last_go.clone()
            && self.chance.of_10k(5_000)
        {
            self.count(Fault::StartWithoutGo);
            let _ = self.start(m, job, &go);
        }
    }

    /// Events as it pleases: of another machine, or another one in place of one.
    pub(super) fn hostile_report(&mut self, m: usize, events: &mut [Rc<Signed<JobEvent>>]) {
        if !self.chance.of_10k(4_000) {
            return;
        }
        let Some(first) = events.first_mut() else {
            return;
        };
        let Ok(mut event) = first.peek() else {
            return;
        };
        event.event = JobWord::Refused(Reason::new("made up").into());
        if self.chance.of_10k(5_000) {
            self.count(Fault::AlteredEvent);
        } else {
            self.count(Fault::ForgedEvent);
            let others = self
                .db
                .jobs
                .values()
                .filter(|job| job.machine != event.machine);
            if let Some(other) = others.min_by_key(|job| (job.state.is_final(), job.id)) {
                (event.machine, event.job) = (other.machine, other.id);
            }
        }
        *first = Rc::new(Signed::new(&event, &self.hospital.stranger));
        self.trace(|| format!("pc-{m}: its agent makes an event up"));
    }

    /// A hostile agent asks for a go at any time, for any job, and a hostile collector gives
    /// it; gladly when the slot is nearly over.
    fn greedy(&mut self, m: usize) {
        let known = Rc::clone(&self.machines[m].known);
        let at = self.chance.below(known.len());
        let Some(known) = known.get(at) else {
            return;
        };
        let mut slots = known.slots.iter();
        if let Some(slot) = slots.find(|slot| self.now < slot.end()) {
            let late_ms = self.chance.within(MINUTE_MS, known.longest_run_ms);
            let ms = slot.end().since_ms(self.now) - late_ms;
            self.after(ms, Event::Strike(m, Strike::Greed(known.job)));
            if self.collector.is_hostile && self.chance.of_10k(3_000) {
                // Whoever owns both sets the machine's clock as well, into its slot.
                self.count(Fault::ClockJumped);
                let ahead_ms = slot.start().since_ms(self.now) + 5 * MINUTE_MS;
                self.machines[m].clock_ms = ahead_ms;
                self.after(2 * HOUR_MS, Event::Strike(m, Strike::ClockRight));
            }
        }
        self.grab(m, known.job);
    }

    /// Whether a hostile agent waits for a worse moment than this one.
    pub(super) fn lies_in_wait(&mut self, m: usize) -> bool {
        self.machines[m].is_hostile && self.collector.is_hostile && self.chance.of_10k(8_000)
    }

    /// A hostile agent asks for a go for a job, and a hostile collector gives it.
    pub(super) fn grab(&mut self, m: usize, job: JobId) {
        if !self.collector.is_hostile || !self.machines[m].is_hostile {
            return;
        }
        let _ = self.prepare(m, job);
        let Ok(nonce) = self.nonce(m, job) else {
            return;
        };
        self.count(Fault::HostileGo);
        let go = Go {
            job,
            machine: self.machines[m].id,
            boot: self.machines[m].boot,
            nonce,
            clock: self.now,
        };
        let signed = Signed::new(&go, &self.hospital.go_key);
        self.truth.goes.insert(signed.digest(), nonce);
        self.truth.hostile_goes.insert(signed.digest());
        let _ = self.start(m, job, &signed);
    }
}
