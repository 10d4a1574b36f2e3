//! What every machine's orders have in common: read once for all of them, whenever a
//! document came or went.

use super::{Reading, with_signatures};
use crate::fleet::{Fleet, locked};
use crate::store::documents::{Document as Stored, DocumentKind};
use crate::store::plans::PlanState;
use crate::store::{StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::assignment::Assignment;
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::wire::machine::Orders;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// How long what is common is taken from memory: documents also expire by themselves.
const LIFE_MS: i64 = MINUTE_MS;

/// What is the same in every machine's orders, or is picked from for each.
pub(in crate::fleet) struct Common {
    /// How many were read before it.
    pub(super) number: u64,
    /// As of which generation of documents, and when.
    pub(super) generation: u64,
    at: UtcMs,
    /// Of what is the same in every machine's orders.
    pub(super) digest: Digest,
    /// Of everything but the stops.
    but_stops: Digest,
    /// The number since which nothing but stops came.
    base: u64,
    /// The stops that came since, each with the number that it came with.
    came: Vec<(u64, Signed<Stop>)>,
    charter: Option<Signed<Charter>>,
    /// The charter's number; 0 for none.
    pub(super) charter_number: u64,
    roster: Option<Signed<Roster>>,
    stops: Vec<Signed<Stop>>,
    lifts: Vec<Signed<Lift>>,
    downgrades: Vec<(Vec<MachineId>, Signed<Downgrade>)>,
    handovers: Vec<(MachineId, Signed<Handover>)>,
    time_resets: Vec<(MachineId, Signed<TimeReset>)>,
    /// The plans that are carried out.
    active: BTreeSet<Digest>,
    /// Their approvals, and assignments, read when the first machine needed them.
    approvals: Mutex<HashMap<Digest, Signed<Approval>>>,
    assignments: Mutex<HashMap<Digest, Signed<Assignment>>>,
}

/// From memory as long as no document came or went. A stop makes every machine ask at
/// once: one of them reads, and the others wait for it.
pub(in crate::fleet) async fn common(fleet: &Fleet, now: UtcMs) -> Result<Arc<Common>, StoreError> {
    if let Some(common) = remembered(fleet, now) {
        return Ok(common);
    }
    let _one = fleet.gathering.lock().await;
    if let Some(common) = remembered(fleet, now) {
        return Ok(common);
    }
    // Read first: what comes meanwhile is found stale by the next hello.
    let generation = fleet.documents.load(Ordering::Acquire);
    let mut view = fleet.store().view().await?;
    let mut common = gather(&mut view, generation, now).await?;
    let mut last = locked(&fleet.common);
    if let Some(last) = &*last {
        common.follow(last);
    }
    let common = Arc::new(common);
    *last = Some(common.clone());
    Ok(common)
}

fn remembered(fleet: &Fleet, now: UtcMs) -> Option<Arc<Common>> {
    let generation = fleet.documents.load(Ordering::Acquire);
    let common = locked(&fleet.common).clone()?;
    let is_young = (0..LIFE_MS).contains(&now.since_ms(common.at));
    (common.generation == generation && is_young).then_some(common)
}

async fn gather(view: &mut View, generation: u64, now: UtcMs) -> Result<Common, StoreError> {
    let named = in_force(view, DocumentKind::Downgrade, now).await?;
    let handed = in_force(view, DocumentKind::Handover, now).await?;
    let reset = in_force(view, DocumentKind::TimeReset, now).await?;
    let charter = view.newest(DocumentKind::Charter).await?;
    let charter_number = charter.as_ref().and_then(|stored| stored.number);
    let roster = view.newest(DocumentKind::Roster).await?;
    let active = view.plans(Some(PlanState::Active)).await?;
    let charter = maybe_signed(view, charter).await?;
    let roster = maybe_signed(view, roster).await?;
    let stops = in_force(view, DocumentKind::Stop, now).await?;
    let lifts = in_force(view, DocumentKind::Lift, now).await?;
    let active: BTreeSet<Digest> = active.into_iter().map(|plan| plan.id).collect();
    let of_all = (&charter, &roster, &lifts);
    let of_some = (&named, &handed, &reset, &active);
    let digest = Digest::of(&codec::encode(&(of_all, &stops)));
    let but_stops = Digest::of(&codec::encode(&(of_all, of_some)));
    let downgrades = named.into_iter().filter_map(|signed: Signed<Downgrade>| {
        let machines = signed.peek().ok()?.machines;
        Some((machines, signed))
    });
    let handovers = handed.into_iter().filter_map(|signed: Signed<Handover>| {
        let machine = signed.peek().ok()?.machine;
        Some((machine, signed))
    });
    let time_resets = reset.into_iter().filter_map(|signed: Signed<TimeReset>| {
        let machine = signed.peek().ok()?.machine;
        Some((machine, signed))
    });
    Ok(Common {
        number: 0,
        generation,
        at: now,
        digest,
        but_stops,
        base: 0,
        came: Vec::new(),
        charter_number: charter_number.unwrap_or(0),
        downgrades: downgrades.collect(),
        handovers: handovers.collect(),
        time_resets: time_resets.collect(),
        charter,
        roster,
        stops,
        lifts,
        active,
        approvals: Mutex::default(),
        assignments: Mutex::default(),
    })
}

impl Common {
    /// Follows `last`, and notes which stops came where nothing else came or went. The
    /// number tells them apart: documents may be read twice within one generation.
    fn follow(&mut self, last: &Self) {
        self.number = last.number + 1;
        self.base = self.number;
        let stay = last.stops.iter().all(|stop| self.stops.contains(stop));
        if self.but_stops != last.but_stops || !stay {
            return;
        }
        self.base = last.base;
        self.came.clone_from(&last.came);
        let new = self.stops.iter().filter(|stop| !last.stops.contains(stop));
        let new = new.map(|stop| (self.number, stop.clone()));
        self.came.extend(new);
    }

    /// The stops that came after those of a number; `None` where something else came or
    /// went.
    pub(super) fn stops_since(&self, number: u64) -> Option<Vec<Signed<Stop>>> {
        let since = self.came.iter().filter(|(came, _)| *came > number);
        let stops = since.map(|(_, stop)| stop.clone());
        (number >= self.base).then(|| stops.collect())
    }

    /// The part of it that one machine gets.
    pub(super) fn of(&self, machine: &MachineId) -> Orders {
        let own = |named: &[MachineId]| named.contains(machine);
        let downgrades = self.downgrades.iter().filter(|(named, _)| own(named));
        let handovers = self.handovers.iter().filter(|(named, _)| named == machine);
        let resets = self
            .time_resets
            .iter()
            .filter(|(named, _)| named == machine);
        Orders {
            charters: self.charter.iter().cloned().collect(),
            roster: self.roster.clone(),
            assignment: None,
            approvals: Vec::new(),
            stops: self.stops.clone(),
            lifts: self.lifts.clone(),
            downgrades: downgrades.map(|(_, signed)| signed.clone()).collect(),
            handovers: handovers.map(|(_, signed)| signed.clone()).collect(),
            time_resets: resets.map(|(_, signed)| signed.clone()).collect(),
            base: None,
            digest: Digest::default(),
        }
    }

    /// Whether a plan is still carried out: one that ended sends no document round.
    pub(super) fn is_active(&self, plan: &Digest) -> bool {
        self.active.contains(plan)
    }

    /// The approval of a plan.
    pub(super) async fn approval(
        &self,
        reading: &mut Reading<'_>,
        plan: Digest,
    ) -> Result<Option<Signed<Approval>>, StoreError> {
        if let Some(approval) = locked(&self.approvals).get(&plan) {
            return Ok(Some(approval.clone()));
        }
        let view = reading.view().await?;
        let Some(payload) = view.plan_payload(&plan).await? else {
            return Ok(None);
        };
        let approval = with_signatures(view, plan, payload).await?;
        locked(&self.approvals).insert(plan, approval.clone());
        Ok(Some(approval))
    }

    /// An assignment.
    pub(super) async fn assignment(
        &self,
        reading: &mut Reading<'_>,
        digest: Digest,
    ) -> Result<Option<Signed<Assignment>>, StoreError> {
        if let Some(assignment) = locked(&self.assignments).get(&digest) {
            return Ok(Some(assignment.clone()));
        }
        let view = reading.view().await?;
        let stored = view.document(&digest).await?;
        let assignment: Option<Signed<Assignment>> = maybe_signed(view, stored).await?;
        if let Some(assignment) = &assignment {
            locked(&self.assignments).insert(digest, assignment.clone());
        }
        Ok(assignment)
    }
}

/// The documents of a kind that are in force.
async fn in_force<T: Document>(
    view: &mut View,
    kind: DocumentKind,
    now: UtcMs,
) -> Result<Vec<Signed<T>>, StoreError> {
    let mut found = Vec::new();
    for stored in view.in_force(kind, now).await? {
        found.push(super::signed(view, stored).await?);
    }
    Ok(found)
}

async fn maybe_signed<T: Document>(
    view: &mut View,
    stored: Option<Stored>,
) -> Result<Option<Signed<T>>, StoreError> {
    match stored {
        Some(stored) => Ok(Some(super::signed(view, stored).await?)),
        None => Ok(None),
    }
}
