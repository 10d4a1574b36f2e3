//! What machines say of themselves, read for a thousand at once: a plan has as many.

use super::{Gathered, component_of, version_of};
use crate::control::Failure;
use crate::quarantine;
use crate::schedule::planner::Candidate;
use crate::store::{StoreError, View};
use patchward_common::component::ComponentSet;
use patchward_common::digest::Digest;
use patchward_common::facts::PackedFacts;
use patchward_common::id::{MachineId, Name};
use patchward_common::plan::MachineFacts;
use patchward_common::time::{DAY_MS, Interval, UtcMs};
use patchward_common::trust::release::{ABSENT, ReleaseDescription};
use patchward_common::wire::machine::InterlockWord;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// For so long a machine counts as one that can tell whether it is in use after it last
/// could: one restart of a program, or one bad minute, takes no profile away.
const PROFILE_KNOWN_MS: i64 = 7 * DAY_MS;

/// The machines of `machines` as the planner sees them, in their order, and those that HTM has
/// not assigned.
pub async fn candidates(
    view: &mut View,
    gathered: &Gathered,
    machines: &[MachineId],
    products: &[&ReleaseDescription],
) -> Result<(Vec<Candidate>, Vec<MachineId>), Failure> {
    let is_assigned = |machine: &MachineId| gathered.assigned.row(machine).is_some();
    let (assigned, others): (Vec<_>, Vec<_>) = machines.iter().partition(|one| is_assigned(one));
    let facts = facts(view, &assigned, products, gathered.now).await?;
    let row = |facts: MachineFacts| {
        let row = gathered.assigned.row(&facts.machine)?.clone();
        Some(Candidate { row, facts })
    };
    Ok((facts.into_iter().filter_map(row).collect(), others))
}

/// What is known of machines, in their order.
pub(super) async fn facts(
    view: &mut View,
    machines: &[MachineId],
    products: &[&ReleaseDescription],
    now: UtcMs,
) -> Result<Vec<MachineFacts>, Failure> {
    let mut reported = view.reported_by(machines).await?;
    let mut quarantined = quarantine::of_machines(view, machines).await?;
    let mut versions = Versions::default();
    let mut found = Vec::with_capacity(machines.len());
    for machine in machines {
        let reported = reported.remove(machine);
        let interlock = reported.as_ref().and_then(|one| one.interlock);
        let set = reported.as_ref().and_then(|one| one.set);
        let facts = reported.and_then(|one| PackedFacts::from_bytes(one.facts?).unpack().ok());
        let profile = match can_tell(view, machine, interlock, now).await? {
            true => Name::new("probes").ok(),
            false => None,
        };
        found.push(MachineFacts {
            machine: *machine,
            interlock_profile: profile,
            os: facts
                .as_ref()
                .map(|facts| format!("{}-{}", facts.os_id, facts.os_version)),
            architecture: facts.map(|facts| facts.arch),
            versions: match set {
                Some(set) => versions.of(view, set, products).await?,
                None => BTreeMap::new(),
            },
            quarantined: quarantined.remove(machine).unwrap_or_default(),
        });
    }
    Ok(found)
}

/// Whether a machine's interlock can tell whether it is in use: now, or not long ago.
async fn can_tell(
    view: &mut View,
    machine: &MachineId,
    interlock: Option<InterlockWord>,
    now: UtcMs,
) -> Result<bool, Failure> {
    match interlock {
        Some(InterlockWord::Idle | InterlockWord::InUse) => Ok(true),
        Some(InterlockWord::Unknown) => {
            let history = view.interlock_history(machine).await?;
            let lately = Interval::new(now.plus_ms(-PROFILE_KNOWN_MS), now.plus_ms(1));
            Ok(lately.is_ok_and(|lately| history.was_heard(lately)))
        }
        None => Ok(false),
    }
}

/// The versions of some products by inventory: machines of one image have the same.
#[derive(Default)]
struct Versions(HashMap<Digest, BTreeMap<Name, String>>);

impl Versions {
    async fn of(
        &mut self,
        view: &mut View,
        set: Digest,
        products: &[&ReleaseDescription],
    ) -> Result<BTreeMap<Name, String>, StoreError> {
        Ok(match self.0.entry(set) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                let there = of_set(view, &set, products.iter().copied()).await?;
                let there = there.map_or_else(BTreeMap::new, |there| {
                    let version = |product: &&ReleaseDescription| {
                        let found = version_of(product, &there).unwrap_or(ABSENT);
                        (product.product.clone(), found.to_owned())
                    };
                    products.iter().map(version).collect()
                });
                new.insert(there).clone()
            }
        })
    }
}

/// What the inventories of machines say of some products; of those that told one.
pub async fn versions_of(
    view: &mut View,
    machines: &[MachineId],
    products: &[&ReleaseDescription],
) -> Result<HashMap<MachineId, BTreeMap<Name, String>>, StoreError> {
    let mut versions = Versions::default();
    let mut found = HashMap::new();
    for (machine, set) in view.sets_of(machines).await? {
        let there = versions.of(view, set, products).await?;
        found.insert(machine, there);
    }
    Ok(found)
}

/// What a machine's inventory says of some products; `None` where it told none.
pub async fn versions(
    view: &mut View,
    machine: &MachineId,
    products: impl Iterator<Item = &ReleaseDescription>,
) -> Result<Option<ComponentSet>, StoreError> {
    match view.set_of(machine).await? {
        Some(held) => of_set(view, &held.digest, products).await,
        None => Ok(None),
    }
}

/// The same of an inventory.
async fn of_set(
    view: &mut View,
    set: &Digest,
    products: impl Iterator<Item = &ReleaseDescription>,
) -> Result<Option<ComponentSet>, StoreError> {
    let Some(members) = view.members_of(set).await? else {
        return Ok(None);
    };
    let mut there = Vec::new();
    for (_, name) in products.filter_map(component_of) {
        let named = view.components_named(name).await?.into_iter();
        let held = named.filter(|one| members.contains(one.number));
        there.extend(held.map(|one| one.component));
    }
    // What was taken in once is within the limits.
    Ok(ComponentSet::new(there).ok())
}
