//! What is kept, by machines and by the collector: watermarks, journals, documents.

use super::Invariant;
use crate::simulate::world::World;
use patchward_common::id::{JobId, MachineId, Name, OutboxId};
use patchward_common::trust::watermark::Watermark;
use std::rc::Rc;

impl World {
    /// I6: the watermark as it is on the disk now.
    pub(in crate::simulate) fn watermark_is(&mut self, m: usize) {
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
    pub(in crate::simulate) fn began_again(&mut self, m: usize) {
        self.watermark_is(m);
        let has_record = self.machines[m].disk.record.is_some();
        let machine = &self.machines[m];
        let is_open = machine.jobs.values().any(|history| history.state.is_open());
        let is_half = self.is_half(m);
        self.holds(has_record || !is_open, Invariant::I7, || {
            format!("machine {m} has an open job and nothing to go on with")
        });
        let is_told = machine_told(&self.machines[m]);
        self.holds(has_record || !is_half || is_told, Invariant::I7, || {
            format!("machine {m} has neither the old nor the new software, and no job that says so")
        });
        let outbox = self.machines[m].agent.outbox;
        self.rows_are(m, outbox);
    }

    /// I4: what is stored is once what the machine has.
    pub(in crate::simulate) fn rows_are(&mut self, m: usize, outbox: OutboxId) {
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
    pub(in crate::simulate) fn acknowledged(&mut self, m: usize, outbox: OutboxId, stored: u64) {
        self.truth.acknowledged.insert((m, outbox), stored);
    }

    /// I4: what was acknowledged is stored.
    pub(in crate::simulate) fn lost_acknowledgement(&mut self, m: usize, outbox: OutboxId) {
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
    pub(in crate::simulate) fn restored(&mut self) {
        self.truth.acknowledged.clear();
    }

    /// I11: a session changed a row.
    pub(in crate::simulate) fn row_written(&mut self, m: usize, job: JobId, machine: MachineId) {
        let id = self.machines[m].id;
        let is_own = self.db.jobs.get(&job).is_some_and(|job| job.machine == id) && machine == id;
        self.holds(is_own, Invariant::I11, || {
            format!("machine {m} changed another machine's job")
        });
    }

    /// I12: what a machine keeps.
    pub(in crate::simulate) fn papers_are(&mut self, m: usize) {
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

/// Whether a job of the machine ended as failed: a person knows to look.
fn machine_told(machine: &crate::simulate::machine::Machine) -> bool {
    let mut jobs = machine.jobs.values();
    jobs.any(|history| history.state.word() == "failed")
}
