//! How a rollout goes on, when a go leaves: by what came out on the machines themselves, as
//! far as their reports were read, and by what HTM was asked and said.

use super::{Invariant, TruePlan};
use crate::simulate::world::World;
use patchward_common::digest::Digest;
use patchward_common::id::JobId;
use patchward_common::job::{Event as JobWord, Verdict};
use patchward_common::trust::approval::PlanLeaf;
use patchward_common::trust::assignment::Mode;
use std::collections::BTreeSet;

/// Fewest outcomes of the wave before, and how many of a hundred must be good.
const FEWEST: usize = 5;
const SHARE: usize = 90;
/// So many machines of one model.
const TOO_MANY: usize = 2;

/// What people judged.
#[derive(Default)]
pub(in crate::simulate) struct Judged {
    opened: BTreeSet<(Digest, u32)>,
    /// Jobs that had gone wrong when a wave after theirs was opened.
    for_waves: BTreeSet<JobId>,
    /// Jobs that had gone wrong when their release was resumed on their model.
    for_models: BTreeSet<JobId>,
}

/// How a job truly came out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    /// It went wrong, and nobody could know yet.
    Unread,
    Wrong,
}

impl World {
    /// How the job of a leaf was measured last on its machine.
    fn outcome(&self, plan: Digest, leaf: &PlanLeaf) -> Option<(JobId, Outcome)> {
        let m = self.machines.iter().position(|m| m.id == leaf.machine)?;
        let machine = &self.machines[m];
        let job = JobId::of(plan, leaf.machine);
        let mut events = machine.jobs.get(&job)?.events.iter().rev();
        let (sequence, verdict) = events.find_map(|(sequence, _, event)| match event {
            JobWord::Measured(measured) => Some((*sequence, &measured.verdict)),
            _ => None,
        })?;
        let rows = self.db.outboxes.get(&(machine.id, machine.agent.outbox));
        let is_read = rows.is_some_and(|rows| sequence <= rows.consumed as u64);
        let outcome = match (verdict, is_read) {
            (Verdict::Verified, _) => Outcome::Good,
            (_, true) => Outcome::Wrong,
            (_, false) => Outcome::Unread,
        };
        Some((job, outcome))
    }

    /// The jobs of these leaves that went wrong, as far as anybody can know.
    fn known_wrong<'a>(
        &'a self,
        plan: Digest,
        leaves: impl Iterator<Item = &'a PlanLeaf>,
    ) -> impl Iterator<Item = (JobId, &'a PlanLeaf)> {
        leaves.filter_map(move |leaf| {
            let (job, outcome) = self.outcome(plan, leaf)?;
            (outcome == Outcome::Wrong).then_some((job, leaf))
        })
    }

    /// HTM opened a wave.
    pub(in crate::simulate) fn htm_opened(&mut self, plan: Digest, wave: u32) {
        let Some(signed) = self.truth.plans.get(&plan) else {
            return;
        };
        let before = signed.leaves.iter();
        let before = before.filter(|leaf| u32::from(leaf.wave) < wave);
        let wrong: Vec<JobId> = self.known_wrong(plan, before).map(|(job, _)| job).collect();
        self.truth.judged.for_waves.extend(wrong);
        self.truth.judged.opened.insert((plan, wave));
    }

    /// HTM judged a release on a model.
    pub(in crate::simulate) fn htm_judged_model(&mut self, release: &Digest, model: &str) {
        let wrong = self.wrong_with(release, model);
        let wrong: Vec<JobId> = wrong.into_iter().map(|(job, _)| job).collect();
        self.truth.judged.for_models.extend(wrong);
    }

    fn wrong_with(&self, release: &Digest, model: &str) -> Vec<(JobId, &PlanLeaf)> {
        let carries = |plan: &TruePlan| {
            let mut releases = plan.approval.releases.iter();
            releases.any(|one| one.sha256 == *release)
        };
        let plans = self.truth.plans.iter().filter(|(_, plan)| carries(plan));
        let wrong = plans.flat_map(|(digest, plan)| self.known_wrong(*digest, plan.leaves.iter()));
        let is_model = |leaf: &PlanLeaf| self.hospital.rows[&leaf.machine].model.as_str() == model;
        wrong.filter(|(_, leaf)| is_model(leaf)).collect()
    }

    /// I9: no go in a closed wave, and none for a release that is halted on the model.
    pub(super) fn check_rollout(&mut self, m: usize, plan: Digest, leaf: &PlanLeaf) {
        // A rehearsal changes nothing, and waits for no wave.
        let rehearses = self.rehearses(leaf);
        let closed = self.why_closed(plan, u32::from(leaf.wave));
        let closed = closed.filter(|_| !rehearses);
        self.holds(closed.is_none(), Invariant::I9, || {
            format!(
                "machine {m} gets a go in wave {}, which is closed: {}",
                leaf.wave,
                closed.unwrap_or_default()
            )
        });
        let Some(signed) = self.truth.plans.get(&plan) else {
            return;
        };
        let model = self.hospital.rows[&leaf.machine].model.clone();
        let releases = signed.approval.releases.iter().map(|one| one.sha256);
        let worst = releases.map(|release| {
            let wrong = self.wrong_with(&release, model.as_str()).into_iter();
            let wrong = wrong.filter(|(job, _)| !self.truth.judged.for_models.contains(job));
            let machines: BTreeSet<_> = wrong.map(|(_, leaf)| leaf.machine).collect();
            machines.len()
        });
        let worst = worst.max().unwrap_or(0);
        self.holds(worst < TOO_MANY, Invariant::I9, || {
            format!("machine {m} gets a go for what went wrong on {worst} machines of {model}")
        });
    }

    /// Whether HTM signed last that the machine rehearses.
    fn rehearses(&self, leaf: &PlanLeaf) -> bool {
        self.hospital.rows[&leaf.machine].mode == Mode::Rehearse
    }

    /// Why a wave of a plan is closed, whatever the collector believes.
    fn why_closed(&self, plan: Digest, wave: u32) -> Option<String> {
        let before = wave.checked_sub(1)?;
        let signed = self.truth.plans.get(&plan)?;
        let judged = &self.truth.judged;
        if judged.opened.contains(&(plan, wave)) {
            let earlier = signed.leaves.iter();
            let earlier = earlier.filter(|leaf| u32::from(leaf.wave) < wave);
            let mut wrong = self.known_wrong(plan, earlier);
            if wrong.all(|(job, _)| judged.for_waves.contains(&job)) {
                return None;
            }
        }
        let leaves = signed.leaves.iter();
        let leaves = leaves.filter(|leaf| u32::from(leaf.wave) == before);
        let comes = |leaf: &&PlanLeaf| !self.rehearses(leaf) || self.outcome(plan, leaf).is_some();
        let size = leaves.clone().filter(comes).count();
        let outcomes: Vec<Outcome> = leaves
            .filter_map(|leaf| Some(self.outcome(plan, leaf)?.1))
            .collect();
        let count = |wanted| outcomes.iter().filter(|one| **one == wanted).count();
        let (good, wrong) = (count(Outcome::Good), count(Outcome::Wrong));
        let found = outcomes.len();
        let is_enough = found >= size.min(FEWEST) && good * 100 >= (good + wrong) * SHARE;
        (!is_enough).then(|| format!("{good} good and {wrong} bad of {size}"))
    }
}
