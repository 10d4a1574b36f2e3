//! The invariants of the design, judged by what is true in the simulated world: who really
//! signed, what time it really is, what really lies on a disk. Nothing here asks the code
//! that it judges.

mod groups;
mod kept;
mod rollout;
mod start;

use super::machine::{Record, Use};
use super::world::World;
use patchward_common::digest::Digest;
use patchward_common::id::{Name, Nonce, OutboxId};
use patchward_common::job::phase::Step;
use patchward_common::job::{Event as JobWord, JobEvent, Verdict};
use patchward_common::time::{SECOND_MS, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::go::CLOCK_BOUND_MS;
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
    /// Those of them that a hostile collector gave.
    pub(super) hostile_goes: BTreeSet<Digest>,
    used_goes: BTreeSet<Digest>,
    /// The newest nonce for which an honest go left.
    issued: BTreeMap<usize, Nonce>,
    /// The newest nonce that each installer drew.
    pub(super) drawn: BTreeMap<usize, Nonce>,
    acknowledged: BTreeMap<(usize, OutboxId), u64>,
    pub(super) lifted: BTreeSet<Digest>,
    quarantine: BTreeSet<(usize, Digest)>,
    counters: BTreeMap<(usize, Name), u64>,
    judged: rollout::Judged,
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

    pub(super) fn is_half(&self, m: usize) -> bool {
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
}
