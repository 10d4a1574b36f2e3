//! `orders`: the documents that one machine needs, and none else's.

pub(in crate::fleet) mod common;
pub(in crate::fleet) mod placement;

use crate::fleet::Fleet;
use crate::fleet::registry::Given;
use crate::store::documents::{Document as Stored, DocumentKind};
use crate::store::{StoreError, View};
use common::{Common, common};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::{MAX_LEAF_BYTES, signatures_for_unit};
use patchward_common::time::{Interval, UtcMs};
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, MAX_SIGNATURES, Signed};
use patchward_common::wire::local::Placed;
use patchward_common::wire::machine::{
    Answer, MAX_APPROVALS, Orders, OrdersAsked, Refused, ShortDigest,
};
use placement::{assigned, of_plan, tables};
use std::cmp::Reverse;
use std::sync::atomic::Ordering;

/// A view of the store that is opened when the first thing is not in memory. A stop makes
/// a whole fleet ask, and all that it asks for is there already.
struct Reading<'f> {
    fleet: &'f Fleet,
    view: Option<View>,
}

impl<'f> Reading<'f> {
    fn of(fleet: &'f Fleet) -> Self {
        Self { fleet, view: None }
    }

    async fn view(&mut self) -> Result<&mut View, StoreError> {
        let view = match self.view.take() {
            Some(view) => view,
            None => self.fleet.store().view().await?,
        };
        Ok(self.view.insert(view))
    }
}

/// What the machine asked for; its digest is remembered for its next hello. A machine that
/// names these very orders gets their digest alone: they are up to 16 approvals. One that
/// lacks nothing but stops gets these.
pub(super) async fn orders(
    fleet: &Fleet,
    machine: &MachineId,
    unit: &Name,
    asked: &OrdersAsked,
) -> Result<Answer, Refused> {
    let mut reading = Reading::of(fleet);
    let common = common(fleet, fleet.now()).await?;
    let given = fleet
        .registry()
        .known(machine)
        .and_then(|known| known.orders);
    let given = given.filter(|given| given.digest == asked.known);
    let mut orders = match given.and_then(|given| stops_alone(fleet, &common, &given)) {
        Some((orders, _)) => orders,
        None => current(&mut reading, &common, machine, unit).await?,
    };
    if asked.known == orders.digest {
        orders = Orders {
            digest: orders.digest,
            ..Orders::default()
        };
    }
    orders.charters.clear();
    if asked.charter < common.charter_number {
        let view = reading.view().await?;
        let newer = view
            .numbered_after(DocumentKind::Charter, asked.charter)
            .await?;
        for stored in newer {
            orders.charters.push(signed(view, stored).await?);
        }
    }
    Ok(Answer::Orders(Box::new(orders)))
}

/// The digest of a machine's orders, from memory as long as no document but stops came or
/// went. `said` is what the machine names: from then on it has been given these.
pub(in crate::fleet) async fn digest(
    fleet: &Fleet,
    machine: &MachineId,
    unit: &Name,
    remembered: Option<Given>,
    said: Option<ShortDigest>,
) -> Result<ShortDigest, Refused> {
    if let Some(given) = remembered
        && given.generation == fleet.documents.load(Ordering::Acquire)
    {
        return Ok(given.digest.into());
    }
    let common = common(fleet, fleet.now()).await?;
    let Some((_, after)) = remembered.and_then(|given| stops_alone(fleet, &common, &given)) else {
        let orders = current(&mut Reading::of(fleet), &common, machine, unit).await?;
        return Ok(orders.digest.into());
    };
    let digest = after.digest.into();
    if said == Some(digest) {
        let mut registry = fleet.registry();
        registry.update(machine, |known| known.orders = Some(after));
    }
    Ok(digest)
}

/// The stops that a machine lacks, where they are all that it lacks, with what it has been
/// given before and after. What it holds is what it said last.
pub(in crate::fleet) fn stopped(
    fleet: &Fleet,
    common: &Common,
    machine: &MachineId,
) -> Option<(Orders, Given, Given)> {
    let registry = fleet.registry();
    let known = registry.known(machine)?;
    let (given, held) = (known.orders?, known.said.as_ref()?.hello.orders);
    drop(registry);
    if held != given.digest.into() {
        return None;
    }
    let (stops, after) = stops_alone(fleet, common, &given)?;
    // None are left where it was brought newer ones already.
    (!stops.stops.is_empty()).then_some((stops, given, after))
}

/// The stops that came since a machine was given orders, where nothing else did, and what it
/// has been given with them: a fleet that is told to stop need not be given all else once
/// more.
fn stops_alone(fleet: &Fleet, common: &Common, given: &Given) -> Option<(Orders, Given)> {
    if given.tables != fleet.tables.load(Ordering::Acquire) {
        return None;
    }
    let stops = common.stops_since(given.common)?;
    let after = Given {
        common: common.number,
        generation: common.generation,
        digest: name(common, given.own),
        ..*given
    };
    let orders = Orders {
        stops,
        base: Some(given.digest),
        digest: after.digest,
        ..Orders::default()
    };
    Some((orders, after))
}

/// Puts a machine's orders together, with the newest charter, and remembers their digest.
async fn current(
    reading: &mut Reading<'_>,
    common: &Common,
    machine: &MachineId,
    unit: &Name,
) -> Result<Orders, Refused> {
    let fleet = reading.fleet;
    let now = fleet.now();
    let tables = tables(fleet, machine).await?;
    let mut orders = common.of(machine);
    if let Some(assignment) = tables.assignment {
        orders.assignment = assigned(reading, common, assignment, machine).await?;
    }
    let plans = tables.plans.iter().copied();
    let active = plans.filter(|plan| common.is_active(plan));
    let given = in_force_on(reading, common, (machine, active.collect()), now).await?;
    let is_whole = given.len() <= MAX_APPROVALS;
    if !is_whole {
        tracing::warn!(%machine, "more approvals than a machine takes; the soonest are given");
    }
    for plan in soonest(given, now) {
        let placed = placed(reading, common, (machine, unit), plan, &orders, now).await?;
        orders.approvals.extend(placed);
    }
    let own = own(&orders);
    orders.digest = name(common, own);
    // Which are the soonest changes with time, and no document comes or goes.
    let remembered = is_whole.then(|| Given {
        common: common.number,
        generation: common.generation,
        tables: tables.generation,
        digest: orders.digest,
        own,
    });
    fleet
        .registry()
        .update(machine, |known| known.orders = remembered);
    Ok(orders)
}

/// The digest of what only this machine has.
fn own(orders: &Orders) -> Digest {
    let own = (
        &orders.assignment,
        &orders.approvals,
        &orders.downgrades,
        &orders.handovers,
        &orders.time_resets,
    );
    Digest::of(&codec::encode(&own))
}

/// The digest that names a machine's orders. What all machines have in common is encoded
/// once for all of them.
fn name(common: &Common, own: Digest) -> Digest {
    Digest::of_parts(&[&common.digest.0, &own.0])
}

/// The approvals that a machine may get, oldest first, each with its slots there.
async fn in_force_on(
    reading: &mut Reading<'_>,
    common: &Common,
    (machine, plans): (&MachineId, Vec<Digest>),
    now: UtcMs,
) -> Result<Vec<(Digest, Vec<Interval>)>, StoreError> {
    let mut found = Vec::new();
    for plan in plans {
        let Some(approval) = common.approval(reading, plan).await? else {
            continue;
        };
        // Machines refuse it then; it need not be sent.
        if approval
            .peek()
            .is_ok_and(|approval| approval.expires <= now)
        {
            continue;
        }
        let placement = of_plan(reading, plan).await?;
        let leaf = placement.leaf(machine);
        let leaf: Option<PlanLeaf> =
            leaf.and_then(|leaf| codec::decode_deterministic(leaf, MAX_LEAF_BYTES).ok());
        found.push((plan, leaf.map_or_else(Vec::new, |leaf| leaf.slots)));
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
    reading: &mut Reading<'_>,
    common: &Common,
    (machine, unit): (&MachineId, &Name),
    plan: Digest,
    orders: &Orders,
    now: UtcMs,
) -> Result<Option<Placed<Approval>>, StoreError> {
    let Some(mut approval) = common.approval(reading, plan).await? else {
        return Ok(None);
    };
    if approval.signatures().len() > MAX_SIGNATURES
        && let Some(Ok(roster)) = orders.roster.as_ref().map(Signed::<Roster>::peek)
    {
        approval = signatures_for_unit(&approval, &roster, unit, now);
    }
    Ok(of_plan(reading, plan).await?.place(approval, machine))
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
