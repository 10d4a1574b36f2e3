//! Go: the product's decision over a snapshot of the database, in one transaction, and the
//! same nonce answered with the same bytes.

use super::db::GoRow;
use super::fault::Fault;
use super::mutant::Mutant;
use super::network::Answer;
use super::world::World;
use patchward_collector::rollout::go::{Not, Planned, decide};
use patchward_collector::store::documents::{Document, DocumentKind};
use patchward_collector::store::go::{GoSnapshot, GroupSnapshot, Member};
use patchward_collector::store::stops::HaltScope;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, Name, Nonce};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use patchward_common::trust::stop::Scope;

impl World {
    pub(super) fn go(
        &mut self,
        m: usize,
        job: JobId,
        approval: Digest,
        boot: BootId,
        nonce: Nonce,
    ) -> Option<Answer> {
        let id = self.machines[m].id;
        let go = Go {
            job,
            machine: id,
            boot,
            nonce,
            clock: self.now,
        };
        if self.collector.is_hostile {
            return Some(self.hostile_go(m, &go));
        }
        if job != JobId::of(approval, id) {
            return Some(Answer::Refused);
        }
        let Some((snapshot, planned)) = self.snapshot(m, job, approval) else {
            return Some(Answer::Refused);
        };
        if let Err(not) = decide(&snapshot, &planned, self.now) {
            self.trace(|| format!("pc-{m} is told not now: {not}"));
            match not {
                Not::Feed(_) => self.count(Fault::FeedOld),
                Not::Wave(_) => self.count(Fault::WaveClosed),
                _ => {}
            }
            let again_ms = i64::try_from(not.again_ms(self.now)).unwrap_or(MINUTE_MS);
            return Some(Answer::NotNow(again_ms));
        }
        if let Some(known) = self.db.goes.get(&nonce)
            && known.job == job
            && !known.has_ended
        {
            return Some(Answer::Go(known.token.clone()));
        }
        let token = Signed::new(&go, &self.hospital.go_key);
        self.truth.goes.insert(token.digest(), nonce);
        let stored = self.commit()?;
        self.go_is_issued(m, job, approval, nonce);
        if let Some(before) = self.db.go_of.insert(id, nonce)
            && let Some(before) = self.db.goes.get_mut(&before)
        {
            before.has_ended = true;
            self.db.changes += 1;
        }
        let row = GoRow {
            job,
            token: token.clone(),
            issued_at: self.now,
            has_ended: false,
        };
        self.db.goes.insert(nonce, row);
        stored.then_some(Answer::Go(token))
    }

    /// What a decision may look at.
    fn snapshot(
        &mut self,
        m: usize,
        job: JobId,
        approval: Digest,
    ) -> Option<(GoSnapshot, Planned)> {
        let ordered = Some(self.orders_for(m).1);
        let db = &self.db;
        let machine = db.machines[m].clone();
        let job = db.jobs.get(&job)?.clone();
        let plan = db.plan(approval)?;
        let (leaf, _) = plan.leaf(machine.id)?;
        let planned = Planned {
            approval: (*plan.approval).clone(),
            leaf: leaf.clone(),
            vendors: vec![super::hospital::name("acme")],
            is_regressed: false,
            // With its last hello it named all orders of now.
            is_told: self.collector.said[m] == ordered,
            clocks: None,
        };
        let groups = leaf.groups.iter().map(|group| self.group(group));
        let live = db.stops.iter().filter(|stop| !stop.is_lifted);
        let mut snapshot = GoSnapshot {
            status: db.statuses[m].clone(),
            unit: db.units[self.machines[m].unit].clone(),
            plan: patchward_collector::store::plans::Plan {
                id: plan.digest,
                title: plan.title.clone(),
                state: plan.state,
                created_at: plan.made_at,
                created_by: "htm".into(),
                expires_at: plan.approval.expires,
                changed_at: plan.made_at,
            },
            failures: db.failures(plan.digest),
            of_model: db.wrong_on_model(plan, &machine.model),
            before: db.wave_before(plan.digest, job.wave),
            groups: groups.collect(),
            stops: live
                .map(|stop| stop_row(&stop.stop.scope, stop.digest, stop.at))
                .collect(),
            halts: db.halts.clone(),
            holds: db
                .holds
                .iter()
                .filter(|hold| self.now < hold.until)
                .cloned()
                .collect(),
            windows: db
                .windows
                .iter()
                .filter(|window| window.unit == machine.unit)
                .cloned()
                .collect(),
            freezes: db.freezes.clone(),
            feeds: db.feeds.clone(),
            awaits_confirmation: db.awaits_confirmation,
            is_unread: db.to_consume.contains(&m),
            at_work: db.open_job(machine.id).filter(|open| *open != job.id),
            machine,
            job,
        };
        self.break_snapshot(&mut snapshot);
        Some((snapshot, planned))
    }

    /// The mutants of the decision's input.
    fn break_snapshot(&self, snapshot: &mut GoSnapshot) {
        let now = self.now;
        for group in &mut snapshot.groups {
            let minimum = &mut group.group.minimum_ready;
            if self.mutant == Some(Mutant::MinimumOffByOne) {
                *minimum = minimum.saturating_sub(1);
            }
            for member in &mut group.members {
                match self.mutant {
                    Some(Mutant::GoesNotCounted) => member.go = None,
                    Some(Mutant::OpenJobsNotCounted) => member.open_job = None,
                    Some(Mutant::SilentIsReady) => member.heard_at = Some(now),
                    Some(Mutant::GoEndsByClock) => {
                        let issued = self.db.outstanding(member.machine).map(|go| go.issued_at);
                        if issued.is_some_and(|at| now.since_ms(at) > 10 * MINUTE_MS) {
                            (member.go, member.open_job) = (None, None);
                        }
                    }
                    _ => {}
                }
            }
        }
        match self.mutant {
            Some(Mutant::CollectorStopIgnored) => snapshot.stops.clear(),
            Some(Mutant::FreezeIgnored) => snapshot.freezes.clear(),
            Some(Mutant::HaltIgnored) => {
                snapshot.halts.retain(|halt| halt.scope != HaltScope::Plan);
                snapshot.failures = 0;
            }
            Some(Mutant::ModelHaltIgnored) => {
                snapshot
                    .halts
                    .retain(|halt| halt.scope != HaltScope::ReleaseOnModel);
                snapshot.of_model = 0;
            }
            Some(Mutant::WaveIgnored) => snapshot.before = None,
            Some(Mutant::OpenedForGood) => {
                if let Some(before) = &mut snapshot.before {
                    before.wrong_since_opened = before.wrong_since_opened.map(|_| 0);
                }
            }
            Some(Mutant::RestoredGoesOn) => snapshot.awaits_confirmation = false,
            _ => {}
        }
    }

    fn group(&self, name: &Name) -> GroupSnapshot {
        let members = self.db.members.get(name).into_iter().flatten();
        GroupSnapshot {
            group: self.db.groups[name].clone(),
            members: members.map(|o| self.member(*o)).collect(),
        }
    }

    fn member(&self, m: usize) -> Member {
        let (row, status) = (&self.db.machines[m], &self.db.statuses[m]);
        Member {
            machine: row.id,
            state: row.state,
            mode: row.mode,
            vouched_until: None,
            readiness: status.as_ref().map(|status| status.readiness),
            interlock: status.as_ref().map(|status| status.interlock),
            heard_at: self.heard_at(m),
            hold_until: status.as_ref().and_then(|status| status.hold_until),
            go: self.db.outstanding(row.id).map(|go| go.job),
            open_job: self.db.open_job(row.id),
        }
    }
}

fn stop_row(scope: &Scope, digest: Digest, at: UtcMs) -> Document {
    let (scope, subject) = match scope {
        Scope::Plan(plan) => ("plan", plan.to_string()),
        Scope::Release(release) => ("release", release.to_string()),
        Scope::Vendor(vendor) => ("vendor", vendor.to_string()),
        Scope::Unit(unit) => ("unit", unit.to_string()),
        Scope::All => ("all", String::new()),
    };
    Document {
        digest,
        kind: DocumentKind::Stop,
        number: None,
        scope: Some(scope.into()),
        subject: Some(subject),
        payload: Vec::new(),
        added_at: at,
        expires_at: None,
        ended_at: None,
        ended_by: None,
    }
}
