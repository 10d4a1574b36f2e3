//! The network: messages with a delay, lost, late, twice, or in another order.

use super::fault::Fault;
use super::world::{Event, World};
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, Nonce, OutboxId};
use patchward_common::job::JobEvent;
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::local::Documents;
use std::rc::Rc;

/// What a machine asks its collector.
#[derive(Clone)]
pub(super) enum Ask {
    Hello(Box<Hello>),
    Orders,
    Journal {
        outbox: OutboxId,
        first: u64,
        events: Vec<Rc<Signed<JobEvent>>>,
    },
    Fetch(Vec<Digest>),
    Go {
        job: JobId,
        approval: Digest,
        boot: BootId,
        nonce: Nonce,
    },
}

/// What a machine says of itself.
#[derive(Clone)]
pub(super) struct Hello {
    pub(super) boot: BootId,
    pub(super) orders: Digest,
    pub(super) watermark: Digest,
    pub(super) outbox: OutboxId,
    pub(super) journal: u64,
    pub(super) is_idle: bool,
    pub(super) is_ready: bool,
    pub(super) held_until: Option<UtcMs>,
}

/// What it is answered.
#[derive(Clone)]
pub(super) enum Answer {
    Hello { is_stale: bool, stored: u64 },
    Orders(Rc<Documents>, Digest),
    Stored(u64),
    Fetched(usize, Vec<(Digest, Digest)>),
    Go(Signed<Go>),
    NotNow(i64),
    Refused,
}

impl World {
    /// Whether a machine and its collector can reach one another now.
    pub(super) fn is_linked(&self, m: usize) -> bool {
        let machine = &self.machines[m];
        machine.is_on && !machine.is_cut_off && self.collector.is_up
    }

    fn delay_ms(&mut self) -> i64 {
        if self.may_fail() && self.chance.of_10k(40) {
            self.count(Fault::Delayed);
            return self.chance.within(MINUTE_MS, 9 * MINUTE_MS);
        }
        self.chance.within(20, 2 * SECOND_MS)
    }

    pub(super) fn send_request(&mut self, m: usize, request: u64, ask: Ask) {
        if self.may_fail() && self.chance.of_10k(150) {
            return self.count(Fault::RequestLost);
        }
        let delay_ms = self.delay_ms();
        if self.may_fail() && self.chance.of_10k(100) {
            self.count(Fault::Duplicated);
            let again_ms = delay_ms + self.chance.within(1, MINUTE_MS);
            self.after(again_ms, Event::Asked(m, request, ask.clone()));
        }
        self.overtakes(m, delay_ms);
        self.after(delay_ms, Event::Asked(m, request, ask));
    }

    pub(super) fn send_answer(&mut self, m: usize, request: u64, answer: Answer) {
        if self.may_fail() && self.chance.of_10k(150) {
            return self.count(Fault::AnswerLost);
        }
        let delay_ms = self.delay_ms();
        if self.may_fail() && self.chance.of_10k(60) {
            self.count(Fault::Duplicated);
            self.after(delay_ms + 700, Event::Answered(m, request, answer.clone()));
        }
        self.after(delay_ms, Event::Answered(m, request, answer));
    }

    /// Notes where a message arrives before one that the machine sent earlier.
    fn overtakes(&mut self, m: usize, delay_ms: i64) {
        let arrives = self.now.plus_ms(delay_ms);
        let before = self.arrivals.insert(m, arrives);
        if before.is_some_and(|before| arrives < before) {
            self.count(Fault::Reordered);
        }
        if let Some(before) = before.filter(|before| arrives < *before) {
            self.arrivals.insert(m, before);
        }
    }

    /// Tells a machine that something changed; losing it costs time, never correctness.
    pub(super) fn nudge(&mut self, m: usize) {
        if !self.is_linked(m) || (self.may_fail() && self.chance.of_10k(1_000)) {
            self.count(Fault::NudgeLost);
            // The next hello tells the same.
            return self.soon(m);
        }
        self.after(200, Event::Nudged(m));
    }

    /// When a machine was last heard: while its link is whole, within the pace.
    pub(super) fn heard_at(&self, m: usize) -> Option<UtcMs> {
        match self.is_linked(m) {
            true => Some(self.now.plus_ms(-super::agent::PACE_MS)),
            false => self.machines[m].heard_at,
        }
    }

    /// A link is about to break: what was heard until then stays.
    pub(super) fn link_breaks(&mut self, m: usize) {
        if self.is_linked(m) {
            self.machines[m].heard_at = Some(self.now);
        }
    }
}
