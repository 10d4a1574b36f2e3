//! `orders`: the documents that one machine needs, and none else's.

use crate::fleet::{Fleet, locked};
use crate::store::documents::{Document as Stored, DocumentKind};
use crate::store::plans::PlanState;
use crate::store::{StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::{MAX_LEAF_BYTES, signatures_for_unit};
use patchward_common::time::{Interval, MINUTE_MS, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::charter::{Charter, TimeReset};
use patchward_common::trust::placement::Tree;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, MAX_SIGNATURES, Signed};
use patchward_common::trust::stop::{Downgrade, Handover, Lift, Stop};
use patchward_common::wire::local::Placed;
use patchward_common::wire::machine::{
    Answer, MAX_APPROVALS, Orders, OrdersAsked, Refused, ShortDigest,
};
use serde_bytes::ByteBuf;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Trees of plans and assignments that are kept: one of 50,000 machines takes 5 MB.
const MAX_TREES: usize = 32;
/// How long what is common is taken from memory: documents also expire by themselves.
const COMMON_LIFE_MS: i64 = MINUTE_MS;

/// A table's tree, and whose leaf stands where.
pub(in crate::fleet) struct Placement {
    machines: Vec<MachineId>,
    leaves: Vec<Vec<u8>>,
    tree: Tree,
}

impl Placement {
    fn new(rows: Vec<(MachineId, Vec<u8>)>) -> Self {
        let (machines, leaves): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        Self {
            tree: Tree::new(&leaves),
            machines,
            leaves,
        }
    }

    fn place<T>(&self, signed: Signed<T>, machine: &MachineId) -> Option<Placed<T>> {
        let index = self.machines.binary_search(machine).ok()?;
        Some(Placed {
            signed,
            leaf: ByteBuf::from(self.leaves.get(index)?.clone()),
            proof: self.tree.proof(index)?,
        })
    }
}

/// What the machine asked for; its digest is remembered for its next hello. A machine that
/// names these very orders gets their digest alone: they are up to 16 approvals.
pub(super) async fn orders(
    fleet: &Fleet,
    machine: &MachineId,
    unit: &Name,
    asked: &OrdersAsked,
) -> Result<Answer, Refused> {
    let mut orders = current(fleet, machine, unit).await?;
    if asked.known == orders.digest {
        orders = Orders {
            digest: orders.digest,
            ..Orders::default()
        };
    }
    let mut view = fleet.store().view().await?;
    let newer = view
        .numbered_after(DocumentKind::Charter, asked.charter)
        .await?;
    orders.charters.clear();
    for stored in newer {
        orders.charters.push(signed(&mut view, stored).await?);
    }
    Ok(Answer::Orders(Box::new(orders)))
}

/// The digest of a machine's orders; from memory as long as no document came or went.
pub(super) async fn digest(
    fleet: &Fleet,
    machine: &MachineId,
    unit: &Name,
    remembered: Option<(u64, ShortDigest)>,
) -> Result<ShortDigest, Refused> {
    match remembered {
        Some((generation, digest)) if generation == fleet.documents.load(Ordering::Acquire) => {
            Ok(digest)
        }
        _ => Ok(current(fleet, machine, unit).await?.digest.into()),
    }
}

/// What is the same in every machine's orders, or is picked from for each.
pub(in crate::fleet) struct Common {
    /// As of which generation of documents, and when.
    generation: u64,
    at: UtcMs,
    charter: Option<Signed<Charter>>,
    roster: Option<Signed<Roster>>,
    stops: Vec<Signed<Stop>>,
    lifts: Vec<Signed<Lift>>,
    downgrades: Vec<(Vec<MachineId>, Signed<Downgrade>)>,
    handovers: Vec<(MachineId, Signed<Handover>)>,
    time_resets: Vec<(MachineId, Signed<TimeReset>)>,
    /// Approvals in force, read when the first machine needed them.
    approvals: Mutex<HashMap<Digest, Signed<Approval>>>,
}

/// From memory as long as no document came or went; a stop makes every machine ask at once.
async fn common(fleet: &Fleet, view: &mut View, now: UtcMs) -> Result<Arc<Common>, StoreError> {
    // Read first: what comes meanwhile is found stale by the next hello.
    let generation = fleet.documents.load(Ordering::Acquire);
    if let Some(common) = locked(&fleet.common).as_ref()
        && common.generation == generation
        && (0..COMMON_LIFE_MS).contains(&now.since_ms(common.at))
    {
        return Ok(common.clone());
    }
    let named = in_force(view, DocumentKind::Downgrade, now).await?;
    let downgrades = named.into_iter().filter_map(|signed: Signed<Downgrade>| {
        let machines = signed.peek().ok()?.machines;
        Some((machines, signed))
    });
    let handed = in_force(view, DocumentKind::Handover, now).await?;
    let handovers = handed.into_iter().filter_map(|signed: Signed<Handover>| {
        let machine = signed.peek().ok()?.machine;
        Some((machine, signed))
    });
    let reset = in_force(view, DocumentKind::TimeReset, now).await?;
    let time_resets = reset.into_iter().filter_map(|signed: Signed<TimeReset>| {
        let machine = signed.peek().ok()?.machine;
        Some((machine, signed))
    });
    let common = Arc::new(Common {
        generation,
        at: now,
        charter: newest(view, DocumentKind::Charter).await?,
        roster: newest(view, DocumentKind::Roster).await?,
        stops: in_force(view, DocumentKind::Stop, now).await?,
        lifts: in_force(view, DocumentKind::Lift, now).await?,
        downgrades: downgrades.collect(),
        handovers: handovers.collect(),
        time_resets: time_resets.collect(),
        approvals: Mutex::new(HashMap::new()),
    });
    *locked(&fleet.common) = Some(common.clone());
    Ok(common)
}

impl Common {
    /// The part of it that one machine gets.
    fn of(&self, machine: &MachineId) -> Orders {
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
            digest: Digest::default(),
        }
    }

    async fn approval(
        &self,
        view: &mut View,
        plan: Digest,
    ) -> Result<Option<Signed<Approval>>, StoreError> {
        if let Some(approval) = locked(&self.approvals).get(&plan) {
            return Ok(Some(approval.clone()));
        }
        let Some(payload) = view.plan_payload(&plan).await? else {
            return Ok(None);
        };
        let approval = with_signatures(view, plan, payload).await?;
        locked(&self.approvals).insert(plan, approval.clone());
        Ok(Some(approval))
    }
}

/// Puts a machine's orders together, with the newest charter, and remembers their digest.
async fn current(fleet: &Fleet, machine: &MachineId, unit: &Name) -> Result<Orders, Refused> {
    let now = fleet.now();
    let mut view = fleet.store().view().await?;
    let common = common(fleet, &mut view, now).await?;
    let mut orders = common.of(machine);
    orders.assignment = assignment(fleet, &mut view, machine).await?;
    let given = in_force_on(&mut view, &common, machine, now).await?;
    let is_whole = given.len() <= MAX_APPROVALS;
    if !is_whole {
        tracing::warn!(%machine, "more approvals than a machine takes; the soonest are given");
    }
    for plan in soonest(given, now) {
        let placed = placed(
            fleet,
            &mut view,
            &common,
            (machine, unit),
            plan,
            &orders,
            now,
        );
        let placed = placed.await?;
        orders.approvals.extend(placed);
    }
    orders.digest = Digest::of(&codec::encode(&orders));
    // Which are the soonest changes with time, and no document comes or goes.
    let remembered = is_whole.then(|| (common.generation, orders.digest.into()));
    fleet
        .registry()
        .update(machine, |known| known.orders = remembered);
    Ok(orders)
}

/// The approvals that a machine may get, oldest first, each with its slots there.
async fn in_force_on(
    view: &mut View,
    common: &Common,
    machine: &MachineId,
    now: UtcMs,
) -> Result<Vec<(Digest, Vec<Interval>)>, StoreError> {
    let mut found = Vec::new();
    for (plan, leaf) in view.leaves_of(machine, PlanState::Active).await? {
        let Some(approval) = common.approval(view, plan).await? else {
            continue;
        };
        // Machines refuse it then; it need not be sent.
        if approval
            .peek()
            .is_ok_and(|approval| approval.expires <= now)
        {
            continue;
        }
        let leaf: Result<PlanLeaf, _> = codec::decode_deterministic(&leaf.bytes, MAX_LEAF_BYTES);
        found.push((plan, leaf.map_or_else(|_| Vec::new(), |leaf| leaf.slots)));
    }
    Ok(found)
}

/// As many as a machine takes, in the order in which they came. Where there are more,
/// those are left out whose next slot is the latest, or that have none left, and among
/// equals the oldest: an emergency's plan must not wait for one of next month.
fn soonest(plans: Vec<(Digest, Vec<Interval>)>, now: UtcMs) -> Vec<Digest> {
    let next = |slots: &[Interval]| {
        let open = slots.iter().filter(|slot| slot.end() > now);
        let starts = open.map(|slot| slot.start().max(now).0);
        starts.min().unwrap_or(i64::MAX)
    };
    let plans = plans.into_iter().enumerate();
    let mut order: Vec<_> = plans
        .map(|(at, (plan, slots))| (next(&slots), Reverse(at), plan))
        .collect();
    order.sort_unstable();
    order.truncate(MAX_APPROVALS);
    order.sort_unstable_by_key(|(_, Reverse(at), _)| *at);
    order.into_iter().map(|(_, _, plan)| plan).collect()
}

/// An approval with the machine's place in it, and the signatures that count there.
async fn placed(
    fleet: &Fleet,
    view: &mut View,
    common: &Common,
    (machine, unit): (&MachineId, &Name),
    plan: Digest,
    orders: &Orders,
    now: UtcMs,
) -> Result<Option<Placed<Approval>>, StoreError> {
    let Some(mut approval) = common.approval(view, plan).await? else {
        return Ok(None);
    };
    if approval.signatures().len() > MAX_SIGNATURES
        && let Some(Ok(roster)) = orders.roster.as_ref().map(Signed::<Roster>::peek)
    {
        approval = signatures_for_unit(&approval, &roster, unit, now);
    }
    let placement = match kept(fleet, &plan) {
        Some(placement) => placement,
        None => {
            let leaves = view.leaves(&plan).await?;
            let rows = leaves.into_iter().map(|leaf| (leaf.machine, leaf.bytes));
            keep(fleet, plan, Placement::new(rows.collect()))
        }
    };
    Ok(placement.place(approval, machine))
}

async fn assignment<T: Document>(
    fleet: &Fleet,
    view: &mut View,
    machine: &MachineId,
) -> Result<Option<Placed<T>>, StoreError> {
    let Some(stored) = view.assignment_of(machine).await? else {
        return Ok(None);
    };
    let digest = stored.digest;
    let placement = match kept(fleet, &digest) {
        Some(placement) => placement,
        None => {
            let rows = view.assignment_leaves(&digest).await?;
            keep(fleet, digest, Placement::new(rows))
        }
    };
    Ok(placement.place(signed(view, stored).await?, machine))
}

fn kept(fleet: &Fleet, table: &Digest) -> Option<Arc<Placement>> {
    locked(&fleet.trees).get(table).cloned()
}

fn keep(fleet: &Fleet, table: Digest, placement: Placement) -> Arc<Placement> {
    let placement = Arc::new(placement);
    let mut trees = locked(&fleet.trees);
    if trees.len() >= MAX_TREES {
        trees.clear();
    }
    trees.insert(table, placement.clone());
    placement
}

async fn newest<T: Document>(
    view: &mut View,
    kind: DocumentKind,
) -> Result<Option<Signed<T>>, StoreError> {
    match view.newest(kind).await? {
        Some(stored) => Ok(Some(signed(view, stored).await?)),
        None => Ok(None),
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
        found.push(signed(view, stored).await?);
    }
    Ok(found)
}

async fn signed<T: Document>(view: &mut View, stored: Stored) -> Result<Signed<T>, StoreError> {
    with_signatures(view, stored.digest, stored.payload).await
}

async fn with_signatures<T: Document>(
    view: &mut View,
    digest: Digest,
    payload: Vec<u8>,
) -> Result<Signed<T>, StoreError> {
    let signatures = view.signatures(&digest).await?;
    let mut signed = Signed::unsigned(payload);
    signed.add_signatures(signatures.into_iter().map(|signature| signature.bytes));
    Ok(signed)
}

#[cfg(test)]
mod tests;
