//! Who has a component: the question over the components' names, the answer out of the index
//! in memory. No row is read per machine to find it.

use crate::component::query::{Pattern, Query};
use crate::component::wanted::Verdict;
use crate::fleet::FleetHandle;
use crate::store::inventory::Numbered;
use crate::store::search::Placed;
use crate::store::{StoreError, View};
use patchward_common::component::Component;
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::roster::Class;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Most distinct components that one question may name: every version of some thousand
/// packages. A wider one is no question.
pub const MAX_NAMED: u32 = 50_000;

/// Where it is looked for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only this unit's machines.
    pub unit: Option<Name>,
    /// Only machines of this class.
    pub class: Option<Class>,
}

/// One component with the machines that have it.
#[derive(Clone, Debug)]
pub struct Having {
    /// The component.
    pub component: Component,
    /// Places of its machines in [`Found::machines`], rising.
    pub machines: Vec<usize>,
    /// Why nobody can say whether it is meant; `None` where it is.
    pub unknown: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The machines in which it was looked for, by name.
    pub machines: Vec<Placed>,
    /// What is meant, and what nobody can compare.
    pub having: Vec<Having>,
    /// Places of machines whose components nobody has told.
    pub untold: Vec<usize>,
    /// Whether more components are named than one question may.
    pub is_cut: bool,
}

impl Found {
    /// What is meant.
    pub fn meant(&self) -> impl Iterator<Item = &Having> {
        self.having.iter().filter(|one| one.unknown.is_none())
    }

    /// What nobody can compare, with the reason.
    pub fn unknown(&self) -> impl Iterator<Item = (&Having, &str)> {
        let all = self.having.iter();
        all.filter_map(|one| Some((one, one.unknown.as_deref()?)))
    }

    /// The machines that have something that is meant, each with what it has of it.
    pub fn by_machine(&self) -> BTreeMap<usize, Vec<&Component>> {
        let mut found: BTreeMap<usize, Vec<&Component>> = BTreeMap::new();
        for one in self.meant() {
            for machine in &one.machines {
                found.entry(*machine).or_default().push(&one.component);
            }
        }
        found
    }
}

/// Answers a question.
///
/// # Errors
/// Where the store does not answer.
pub async fn search(
    fleet: &FleetHandle,
    view: &mut View,
    query: &Query,
    scope: &Scope,
) -> Result<Found, StoreError> {
    let named = named(view, &query.name).await?;
    let is_cut = named.len() > MAX_NAMED as usize;
    let mut asked: BTreeMap<u32, (Component, Option<String>)> = BTreeMap::new();
    for one in named.into_iter().take(MAX_NAMED as usize) {
        let unknown = match query.verdict(&one.component) {
            Verdict::Out => continue,
            Verdict::In => None,
            Verdict::Unknown(why) => Some(why),
        };
        asked.insert(one.number, (one.component, unknown));
    }
    let mut machines = view.placed_machines(scope.unit.as_ref()).await?;
    machines.retain(|machine| scope.class.is_none_or(|class| machine.class == class));
    // Lists are walked while the index waits, so that nothing is copied for every machine.
    let (held, untold) = fleet.index(|index| {
        let among = index.bitmap(machines.iter().map(|machine| &machine.id));
        let held: Vec<(u32, Vec<MachineId>)> = index
            .held(asked.keys().copied(), Some(&among))
            .into_iter()
            .map(|(component, machines)| (component, index.ids(&machines)))
            .collect();
        let untold = machines.iter().enumerate();
        let untold = untold.filter(|(_, machine)| !index.has(&machine.id));
        (held, untold.map(|(at, _)| at).collect())
    });
    let places: BTreeMap<MachineId, usize> = machines.iter().map(|m| m.id).zip(0..).collect();
    let mut having: Vec<Having> = Vec::new();
    for (number, holders) in held {
        let places = holders.iter().filter_map(|id| places.get(id).copied());
        let places: BTreeSet<usize> = places.collect();
        if let Some((component, unknown)) = asked.remove(&number) {
            having.push(Having {
                component,
                machines: places.into_iter().collect(),
                unknown,
            });
        }
    }
    having.sort_by(|a, b| {
        let key = |one: &Having| (one.component.name.clone(), one.component.clone());
        key(a).cmp(&key(b))
    });
    Ok(Found {
        machines,
        having,
        untold,
        is_cut,
    })
}

/// One more than may be asked for, where there are more.
async fn named(view: &mut View, name: &Pattern) -> Result<Vec<Numbered>, StoreError> {
    match name {
        Pattern::Exactly(name) => view.components_named(name).await,
        Pattern::Begins(begin) => view.components_beginning(begin, MAX_NAMED + 1).await,
    }
}

/// The machines of a bitmap of places, for counts.
pub fn count(of: impl IntoIterator<Item = usize>) -> u64 {
    let places: RoaringBitmap = of
        .into_iter()
        .filter_map(|place| u32::try_from(place).ok())
        .collect();
    places.len()
}
