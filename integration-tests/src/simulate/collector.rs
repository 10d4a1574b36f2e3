//! The collector: what it does with each request, in transactions, and how it dies.

mod consume;
mod reconcile;

use super::db::Db;
use super::fault::Fault;
use super::mutant::Mutant;
use super::network::{Answer, Ask, Hello};
use super::world::{Event, World};
use patchward_collector::rollout::go::is_unused;
use patchward_collector::store::machines::{MachineStatus, Readiness};
use patchward_collector::store::plans::PlanState;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, OutboxId};
use patchward_common::job::JobEvent;
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::sign::{PublicKey, Signed};
use patchward_common::wire::local::{Documents, Placed};
use patchward_common::wire::machine::InterlockWord;
use std::rc::Rc;

/// How long before a hello is heard its agent may have asked the installer.
pub(super) const HELLO_TAKES_MS: i64 = 2 * MINUTE_MS;

/// The process, beside its database.
pub(super) struct Collector {
    pub(super) is_up: bool,
    pub(super) is_hostile: bool,
    pub(super) backup: Option<Box<Db>>,
    /// How many changes the tasks without input have seen, and when time alone gives them
    /// something to do again.
    pub(super) looked: (u64, UtcMs),
    /// What each machine is given.
    pub(super) orders: Vec<Option<Given>>,
    /// The orders that each named with its last hello to this process.
    pub(super) said: Vec<Option<Digest>>,
}

/// What a machine is given, and of which state of the database.
pub(super) struct Given {
    version: u64,
    /// When the first of its approvals expires.
    until: UtcMs,
    documents: Rc<Documents>,
    digest: Digest,
}

impl World {
    pub(super) fn asked(&mut self, m: usize, request: u64, ask: Ask) {
        if !self.collector.is_up {
            return;
        }
        let answer = match ask {
            Ask::Hello(hello) => self.greeted(m, *hello),
            Ask::Orders => {
                let (mut documents, digest) = self.orders_for(m);
                if self.collector.is_hostile {
                    documents = self.hostile_orders(m, documents);
                }
                Some(Answer::Orders(documents, digest))
            }
            Ask::Journal {
                outbox,
                first,
                events,
            } => self.journal(m, outbox, first, events),
            Ask::Fetch(wanted) => Some(self.fetched(wanted)),
            Ask::Go {
                job,
                approval,
                boot,
                nonce,
            } => self.go(m, job, approval, boot, nonce),
        };
        if let Some(answer) = answer {
            self.send_answer(m, request, answer);
        }
    }

    /// A transaction comes to its COMMIT: `None` where the collector died before it, and
    /// `Some(false)` where it died after it.
    pub(super) fn commit(&mut self) -> Option<bool> {
        if !self.may_fail() || !self.chance.of_10k(60) {
            return Some(true);
        }
        let is_stored = self.chance.of_10k(5_000);
        self.count(match is_stored {
            true => Fault::CrashAfterCommit,
            false => Fault::CrashBeforeCommit,
        });
        self.trace(|| format!("the collector dies; the COMMIT happened: {is_stored}"));
        self.collector_dies(20 * MINUTE_MS);
        is_stored.then_some(false)
    }

    pub(super) fn collector_dies(&mut self, longest_ms: i64) {
        for m in 0..self.machines.len() {
            self.link_breaks(m);
        }
        self.collector.is_up = false;
        let ms = self.chance.within(MINUTE_MS, longest_ms);
        self.after(ms, Event::CollectorUp);
    }

    fn greeted(&mut self, m: usize, hello: Hello) -> Option<Answer> {
        let id = self.machines[m].id;
        let status = MachineStatus {
            boot: hello.boot,
            agent_version: "1".into(),
            installer_version: "1".into(),
            readiness: match hello.is_ready {
                true => Readiness::Ready,
                false => Readiness::NotReady,
            },
            interlock: match hello.is_idle {
                true => InterlockWord::Idle,
                false => InterlockWord::InUse,
            },
            hold_until: hello.held_until,
            watermark: hello.watermark,
            fingerprint: Digest::default(),
        };
        self.collector.said[m] = Some(hello.orders);
        self.db.statuses[m] = Some(status);
        let (_, digest) = self.orders_for(m);
        let rows = self.db.outboxes.get(&(id, hello.outbox));
        let stored = rows.map_or(0, |rows| rows.events.len() as u64);
        let rows_consumed = rows.map_or(0, |rows| rows.consumed as u64);
        self.acknowledged(m, hello.outbox, stored);
        let consumed = rows_consumed;
        let said_at = self.now.plus_ms(-HELLO_TAKES_MS);
        let unused = self.db.outstanding(id).filter(|go| {
            let job = self.db.jobs.get(&go.job);
            // Fewer than are stored: an older hello, or a journal that fell back.
            hello.journal >= consumed
                && is_unused(go.issued_at, hello.journal, consumed, said_at)
                && !job.is_some_and(|job| job.state.is_open())
        });
        if let Some(job) = unused.map(|go| go.job) {
            self.db.end_go(id, job);
        }
        Some(Answer::Hello {
            is_stale: digest != hello.orders,
            stored,
        })
    }

    /// What a machine is given, and its digest.
    pub(super) fn orders_for(&mut self, m: usize) -> (Rc<Documents>, Digest) {
        let version = self.db.orders;
        let now = self.now;
        if let Some(given) = &self.collector.orders[m]
            && given.version == version
            && now < given.until
        {
            return (Rc::clone(&given.documents), given.digest);
        }
        let id = self.machines[m].id;
        let mut tables = (0..self.db.assignments).rev();
        let assignment = tables.find_map(|number| {
            let (table, placed) = (
                &self.hospital.assignments[number],
                &self.hospital.placed[number],
            );
            let at = placed
                .binary_search_by_key(&id, |placed| placed.machine)
                .ok()?;
            Some(Placed {
                signed: table.signed.clone(),
                leaf: placed[at].leaf.clone(),
                proof: placed[at].proof.clone(),
            })
        });
        let given = |plan: &&super::db::PlanRow| {
            plan.state == PlanState::Active && now < plan.approval.expires
        };
        let mut until = UtcMs(i64::MAX);
        let approvals = self.db.plans.iter().filter(given).filter_map(|plan| {
            let (_, placed) = plan.leaf(id)?;
            until = until.min(plan.approval.expires);
            Some(Placed {
                signed: plan.table.signed.clone(),
                leaf: placed.leaf.clone(),
                proof: placed.proof.clone(),
            })
        });
        let mine = self
            .db
            .handovers
            .iter()
            .filter(|(machine, _)| *machine == id);
        let documents = Documents {
            charters: self.hospital.chain.charters.clone(),
            roster: Some(self.db.roster.1.clone()),
            assignment,
            approvals: approvals.collect(),
            stops: self
                .db
                .stops
                .iter()
                .map(|stop| stop.signed.clone())
                .collect(),
            lifts: self.db.lifts.clone(),
            downgrades: Vec::new(),
            handovers: mine.map(|(_, signed)| signed.clone()).collect(),
            time_resets: Vec::new(),
        };
        let digest = digest_of(&documents);
        let documents = Rc::new(documents);
        self.collector.orders[m] = Some(Given {
            version,
            until,
            documents: Rc::clone(&documents),
            digest,
        });
        (documents, digest)
    }

    /// Stores events exactly once; the acknowledgement leaves after COMMIT.
    fn journal(
        &mut self,
        m: usize,
        outbox: OutboxId,
        first: u64,
        events: Vec<Rc<Signed<JobEvent>>>,
    ) -> Option<Answer> {
        let (id, public) = (self.machines[m].id, self.machines[m].public);
        let verifies = !matches!(
            self.mutant,
            Some(Mutant::EventsUnverified | Mutant::AlteredReplaces)
        );
        let rows = self
            .db
            .outboxes
            .get(&(id, outbox))
            .cloned()
            .unwrap_or_default();
        let stored = rows.events.len() as u64;
        if first > stored + 1 {
            return Some(Answer::Stored(stored));
        }
        let mut after = rows;
        for (sequence, signed) in (first..).zip(events) {
            let Some(event) = event_of(&signed, (id, &public, sequence), verifies) else {
                return Some(Answer::Refused);
            };
            let at = usize::try_from(sequence - 1).unwrap_or(usize::MAX);
            let is_new = at >= after.events.len();
            match after.events.get_mut(at) {
                Some((_, there)) if self.mutant == Some(Mutant::AlteredReplaces) => *there = signed,
                Some((_, there)) if **there != *signed => return Some(Answer::Refused),
                Some(_) if self.mutant != Some(Mutant::StoredTwice) => {}
                _ if is_new && verifies && event.previous != after.end => {
                    return Some(Answer::Refused);
                }
                _ => {
                    after.end = signed.digest();
                    after.events.push((sequence, signed));
                }
            }
        }
        let stored = after.events.len() as u64;
        let early = self.mutant == Some(Mutant::AcknowledgedBeforeStored);
        if early {
            self.acknowledged(m, outbox, stored);
        }
        let commit = self.commit();
        if commit.is_some() {
            self.db.outboxes.insert((id, outbox), after);
            self.db.to_consume.insert(m);
            self.rows_are(m, outbox);
            // A task of its own does it, sooner or later.
            let ms = self.chance.within(50, 30_000);
            self.after(ms, Event::Consume(m, outbox));
        }
        match commit {
            Some(true) => {
                self.acknowledged(m, outbox, stored);
                Some(Answer::Stored(stored))
            }
            _ => {
                self.lost_acknowledgement(m, outbox);
                early.then_some(Answer::Stored(stored))
            }
        }
    }
}

/// The event, where the machine's own key signed it for this place in its journal.
fn event_of(
    signed: &Signed<JobEvent>,
    (id, public, sequence): (MachineId, &PublicKey, u64),
    verifies: bool,
) -> Option<JobEvent> {
    if !verifies {
        return signed.peek().ok();
    }
    let event = signed.verify([public]).ok()?.into_document();
    (event.machine == id && event.sequence == sequence).then_some(event)
}

/// A digest over everything that a machine is given.
fn digest_of(documents: &Documents) -> Digest {
    let mut parts: Vec<Digest> = Vec::new();
    parts.extend(documents.charters.iter().map(Signed::digest));
    parts.extend(documents.roster.iter().map(Signed::digest));
    parts.extend(
        documents
            .assignment
            .iter()
            .map(|placed| placed.signed.digest()),
    );
    parts.extend(
        documents
            .approvals
            .iter()
            .map(|placed| placed.signed.digest()),
    );
    parts.extend(documents.stops.iter().map(Signed::digest));
    parts.extend(documents.lifts.iter().map(Signed::digest));
    parts.extend(documents.handovers.iter().map(Signed::digest));
    let parts: Vec<&[u8]> = parts.iter().map(|digest| &digest.0[..]).collect();
    Digest::of_parts(&parts)
}
