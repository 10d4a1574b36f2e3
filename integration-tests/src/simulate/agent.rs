//! The agent: says hello, reports, fetches orders, carries jobs along, as the product's
//! driver does; what comes next is the product's `job::next`. Quiet hellos are not played
//! one by one, but for those that end a go which nobody used: while a link is whole the
//! collector has heard the machine within the pace.

mod act;

use super::mutant::Mutant;
use super::network::{Answer, Ask};
use super::world::{Event, World};
use patchward_agent::job::Effect;
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, OutboxId};
use patchward_common::time::{MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use std::collections::BTreeMap;

/// How often a machine says hello.
pub(super) const PACE_MS: i64 = 2 * MINUTE_MS;
/// How long an answer is waited for.
const ANSWER_MS: i64 = 330 * SECOND_MS;
/// Most events of one report.
const MAX_EVENTS: usize = 64;

/// What an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Idle,
    Hello,
    Orders,
    Journal,
    Fetch(JobId),
    Go(Effect),
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried {
    at: Option<UtcMs>,
    not_before: UtcMs,
}

pub(super) struct Agent {
    pub(super) stage: Stage,
    pub(super) request: u64,
    pub(super) orders: Digest,
    /// The digest of what was brought last.
    given: Digest,
    brought: u32,
    bring_at: UtcMs,
    /// Artifacts on the agent's disk, and what their bytes really are.
    pub(super) fetched: BTreeMap<Digest, Digest>,
    pub(super) edition: Option<usize>,
    edition_at: UtcMs,
    pub(super) tries: BTreeMap<JobId, Tried>,
    pub(super) outbox: OutboxId,
    pub(super) acknowledged: u64,
    sent: u64,
    failures: u32,
    pub(super) wake_at: UtcMs,
    pub(super) wake_token: u64,
    /// The last go that came, for a hostile agent.
    pub(super) last_go: Option<(JobId, Signed<Go>)>,
}

impl Agent {
    pub(super) fn new(outbox: OutboxId) -> Self {
        Self {
            stage: Stage::Idle,
            request: 0,
            orders: Digest::default(),
            given: Digest::default(),
            brought: 0,
            bring_at: UtcMs(0),
            fetched: BTreeMap::new(),
            edition: None,
            edition_at: UtcMs(0),
            tries: BTreeMap::new(),
            outbox,
            acknowledged: 0,
            sent: 0,
            failures: 0,
            wake_at: UtcMs(i64::MAX),
            wake_token: 0,
            last_go: None,
        }
    }

    /// Something changed at the collector: what was put off is tried again.
    pub(super) fn try_again(&mut self) {
        self.tries.clear();
        (self.brought, self.bring_at) = (0, UtcMs(0));
    }

    /// The process begins anew; its disk stays.
    pub(super) fn restarted(&mut self) {
        self.stage = Stage::Idle;
        self.request = 0;
        self.orders = Digest::default();
        self.given = Digest::default();
        (self.brought, self.bring_at) = (0, UtcMs(0));
        self.edition_at = UtcMs(0);
        self.tries.clear();
        self.failures = 0;
        self.wake_at = UtcMs(i64::MAX);
    }
}

impl World {
    /// The agent looks again at the latest after so long.
    pub(super) fn wake_in(&mut self, m: usize, ms: i64) {
        let at = self.now.plus_ms(ms.max(1));
        let agent = &mut self.machines[m].agent;
        if agent.wake_at <= at {
            return;
        }
        agent.wake_at = at;
        agent.wake_token += 1;
        let token = agent.wake_token;
        self.after(ms.max(1), Event::Wake(m, token));
    }

    /// Something to report or to fetch: the next hello tells.
    pub(super) fn soon(&mut self, m: usize) {
        let ms = self.chance.within(SECOND_MS, PACE_MS);
        self.wake_in(m, ms);
    }

    pub(super) fn agent_wakes(&mut self, m: usize, token: u64) {
        let agent = &mut self.machines[m].agent;
        if agent.wake_token != token {
            return;
        }
        agent.wake_at = UtcMs(i64::MAX);
        if !self.machines[m].is_on || self.machines[m].agent.stage != Stage::Idle {
            return;
        }
        if self.machines[m].is_hostile {
            self.hostile_turn(m);
        }
        if !self.is_linked(m) {
            return self.failed(m);
        }
        let hello = self.hello(m);
        self.ask(m, Stage::Hello, hello);
    }

    fn ask(&mut self, m: usize, stage: Stage, ask: Ask) {
        self.tokens += 1;
        let request = self.tokens;
        let agent = &mut self.machines[m].agent;
        (agent.stage, agent.request) = (stage, request);
        self.after(ANSWER_MS, Event::AnswerLate(m, request));
        self.send_request(m, request, ask);
    }

    /// No answer, or no link: later again.
    fn failed(&mut self, m: usize) {
        let agent = &mut self.machines[m].agent;
        agent.stage = Stage::Idle;
        agent.failures = (agent.failures + 1).min(9);
        let longest = (SECOND_MS << agent.failures).min(5 * MINUTE_MS);
        let ms = longest / 2 + self.chance.within(0, longest / 2 + 1);
        self.wake_in(m, ms);
    }

    pub(super) fn answer_late(&mut self, m: usize, request: u64) {
        let agent = &self.machines[m].agent;
        if agent.request == request && agent.stage != Stage::Idle {
            self.failed(m);
        }
    }

    /// An answer, unless it is to a question that nobody asks any more.
    pub(super) fn answered(&mut self, m: usize, request: u64, answer: Answer) {
        let agent = &mut self.machines[m].agent;
        if agent.request != request || agent.stage == Stage::Idle || !self.machines[m].is_on {
            return;
        }
        let agent = &mut self.machines[m].agent;
        let stage = std::mem::replace(&mut agent.stage, Stage::Idle);
        agent.request = 0;
        agent.failures = 0;
        match (stage, answer) {
            (Stage::Hello, Answer::Hello { is_stale, stored }) => {
                self.machines[m].agent.acknowledged = stored;
                self.after_hello(m, is_stale);
            }
            (Stage::Orders, Answer::Orders(documents, digest)) => {
                self.bring(m, documents, digest);
                self.report(m);
            }
            (Stage::Journal, Answer::Stored(stored)) => {
                let agent = &mut self.machines[m].agent;
                let moved = stored > agent.acknowledged;
                agent.acknowledged = stored;
                match moved {
                    true => self.report(m),
                    false => self.act(m),
                }
            }
            (Stage::Fetch(job), Answer::Fetched(edition, artifacts)) => {
                let clock = self.clock_of(m);
                let now = self.now;
                let machine = &mut self.machines[m];
                machine.agent.edition = Some(edition);
                machine.agent.edition_at = clock;
                machine.fresh_downloads = artifacts.iter().map(|(name, _)| *name).collect();
                machine.fetched_at = now;
                machine.agent.fetched.extend(artifacts);
                machine.agent.tries.entry(job).or_default().at = None;
                self.act(m);
            }
            (Stage::Go(effect), Answer::Go(go)) => self.go_came(m, effect, go),
            (Stage::Go(effect), Answer::NotNow(again_ms)) => {
                let not_before = self.clock_of(m).plus_ms(again_ms);
                let tries = &mut self.machines[m].agent.tries;
                tries.entry(effect.job()).or_default().not_before = not_before;
                self.act(m);
            }
            _ => self.wake_in(m, MINUTE_MS),
        }
    }

    fn after_hello(&mut self, m: usize, is_stale: bool) {
        let now = self.clock_of(m);
        let agent = &self.machines[m].agent;
        // A clock that was set back must not hold documents up.
        let waits = (1..=10 * MINUTE_MS).contains(&agent.bring_at.since_ms(now));
        if is_stale && !waits {
            return self.ask(m, Stage::Orders, Ask::Orders);
        }
        self.report(m);
    }

    /// Hands documents to the installer.
    fn bring(
        &mut self,
        m: usize,
        documents: std::rc::Rc<patchward_common::wire::local::Documents>,
        digest: Digest,
    ) {
        let now = self.clock_of(m);
        let agent = &mut self.machines[m].agent;
        if agent.given != digest {
            agent.given = digest;
            agent.brought = 0;
            agent.tries.clear();
            agent.edition_at = UtcMs(0);
        }
        let taken = self.take(m, &documents);
        let agent = &mut self.machines[m].agent;
        match taken {
            Ok(true) => {
                agent.orders = digest;
                (agent.brought, agent.bring_at) = (0, UtcMs(0));
            }
            Ok(false) => {
                agent.orders = Digest::default();
                agent.brought = (agent.brought + 1).min(10);
                let ms = ((30 * SECOND_MS) << (agent.brought - 1)).min(10 * MINUTE_MS);
                agent.bring_at = now.plus_ms(ms);
                self.wake_in(m, ms);
            }
            Err(_) => self.wake_in(m, MINUTE_MS),
        }
    }

    /// Sends the events that the collector lacks.
    fn report(&mut self, m: usize) {
        let machine = &self.machines[m];
        let mut from = machine.agent.acknowledged;
        if self.mutant == Some(Mutant::NeverResent) {
            from = from.max(machine.agent.sent);
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        if !machine.answers() || from >= machine.disk.journal.len() {
            return self.act(m);
        }
        let events = machine.disk.journal.iter().skip(from).take(MAX_EVENTS);
        let mut events: Vec<_> = events.cloned().collect();
        if machine.is_hostile {
            self.hostile_report(m, &mut events);
        }
        let (outbox, first) = (self.machines[m].agent.outbox, from as u64 + 1);
        self.machines[m].agent.sent = from as u64 + events.len() as u64;
        let ask = Ask::Journal {
            outbox,
            first,
            events,
        };
        self.ask(m, Stage::Journal, ask);
    }
}
