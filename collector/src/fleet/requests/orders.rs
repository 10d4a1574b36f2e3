//! `orders`: the documents that one machine needs, and none else's.

use crate::fleet::{Fleet, locked};
use crate::store::documents::{Document as Stored, DocumentKind};
use crate::store::plans::PlanState;
use crate::store::{StoreError, View};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::signatures_for_unit;
use patchward_common::time::UtcMs;
use patchward_common::trust::placement::Tree;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::{Document, MAX_SIGNATURES, Signed};
use patchward_common::trust::stop::Downgrade;
use patchward_common::wire::local::Placed;
use patchward_common::wire::machine::{
    Answer, MAX_APPROVALS, Orders, OrdersAsked, Refused, ShortDigest,
};
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Trees of plans and assignments that are kept: one of 50,000 machines takes 5 MB.
const MAX_TREES: usize = 32;

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

/// What the machine asked for; its digest is remembered for its next hello.
pub(super) async fn orders(
    fleet: &Fleet,
    machine: &MachineId,
    unit: &Name,
    asked: &OrdersAsked,
) -> Result<Answer, Refused> {
    let mut orders = current(fleet, machine, unit).await?;
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

/// Puts a machine's orders together, with the newest charter, and remembers their digest.
async fn current(fleet: &Fleet, machine: &MachineId, unit: &Name) -> Result<Orders, Refused> {
    // Read first: what comes meanwhile is found stale by the next hello.
    let generation = fleet.documents.load(Ordering::Acquire);
    let now = fleet.now();
    let mut view = fleet.store().view().await?;
    let mut orders = Orders {
        charters: Vec::new(),
        roster: newest(&mut view, DocumentKind::Roster).await?,
        assignment: assignment(fleet, &mut view, machine).await?,
        approvals: Vec::new(),
        stops: in_force(&mut view, DocumentKind::Stop, now, None).await?,
        lifts: in_force(&mut view, DocumentKind::Lift, now, None).await?,
        downgrades: downgrades(&mut view, machine, now).await?,
        handovers: in_force(&mut view, DocumentKind::Handover, now, Some(machine)).await?,
        time_resets: in_force(&mut view, DocumentKind::TimeReset, now, Some(machine)).await?,
        digest: Digest::default(),
    };
    orders
        .charters
        .extend(newest(&mut view, DocumentKind::Charter).await?);
    approvals(fleet, &mut view, (machine, unit), &mut orders, now).await?;
    orders.digest = Digest::of(&codec::encode(&orders));
    let remembered = (generation, orders.digest.into());
    fleet
        .registry()
        .update(machine, |known| known.orders = Some(remembered));
    Ok(orders)
}

async fn approvals(
    fleet: &Fleet,
    view: &mut View,
    (machine, unit): (&MachineId, &Name),
    orders: &mut Orders,
    now: UtcMs,
) -> Result<(), StoreError> {
    for (plan, _) in view.leaves_of(machine, PlanState::Active).await? {
        let row = view.plan(&plan).await?;
        if row.is_none_or(|row| row.expires_at <= now) {
            continue;
        }
        let Some(payload) = view.plan_payload(&plan).await? else {
            continue;
        };
        let mut approval = with_signatures(view, plan, payload).await?;
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
        orders.approvals.extend(placement.place(approval, machine));
        if orders.approvals.len() == MAX_APPROVALS {
            tracing::warn!(%machine, "more approvals than a machine takes; the oldest are given");
            break;
        }
    }
    Ok(())
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

/// The documents of a kind that are in force, about everybody or about one machine.
async fn in_force<T: Document>(
    view: &mut View,
    kind: DocumentKind,
    now: UtcMs,
    about: Option<&MachineId>,
) -> Result<Vec<Signed<T>>, StoreError> {
    let about = about.map(ToString::to_string);
    let mut found = Vec::new();
    for stored in view.in_force(kind, now).await? {
        if about.is_none() || stored.subject == about {
            found.push(signed(view, stored).await?);
        }
    }
    Ok(found)
}

async fn downgrades(
    view: &mut View,
    machine: &MachineId,
    now: UtcMs,
) -> Result<Vec<Signed<Downgrade>>, StoreError> {
    let all: Vec<Signed<Downgrade>> = in_force(view, DocumentKind::Downgrade, now, None).await?;
    let names_it = |signed: &Signed<Downgrade>| {
        let document = signed.peek();
        document.is_ok_and(|document| document.machines.contains(machine))
    };
    Ok(all.into_iter().filter(names_it).collect())
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
