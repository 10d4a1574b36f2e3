//! The distinct things of the hospital, and what people said of names.

use crate::advisory::identity::{Aliases, Thing};
use crate::advisory::matcher::Index;
use crate::store::assets::Asset;
use crate::store::inventory::Numbered;
use crate::store::machines::MachineLine;
use crate::store::{StoreError, View};
use patchward_common::id::{Label, MachineId};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Rows that are read at once while all of them are walked through.
const PAGE: u32 = 10_000;

/// What stands behind the distinct things: read once, for the index and for their holders.
pub(super) struct Rows {
    pub(super) machines: BTreeMap<MachineId, MachineLine>,
    pub(super) assets: Vec<(Asset, String)>,
    /// By number: the key of each component.
    pub(super) components: Vec<Numbered>,
    /// The members of each set that a machine has, with those machines.
    pub(super) sets: Vec<(RoaringBitmap, Vec<MachineId>)>,
}

impl Rows {
    pub(super) async fn read(view: &mut View) -> Result<Self, StoreError> {
        let machines = crate::replan::enrolled(view).await?;
        let mut holders: HashMap<_, Vec<MachineId>> = HashMap::new();
        for set in view.machine_sets().await? {
            if machines.contains_key(&set.machine) {
                holders.entry(set.digest).or_default().push(set.machine);
            }
        }
        let mut sets = Vec::new();
        let mut after = None;
        loop {
            let page = view.sets_after(after.as_ref()).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (digest, members) in page {
                if let Some(machines) = holders.remove(&digest) {
                    sets.push((members, machines));
                }
            }
        }
        let mut components: Vec<Numbered> = Vec::new();
        loop {
            let last = components.last().map_or(0, |one| one.number);
            let page = view.components_after(last, PAGE).await?;
            if page.is_empty() {
                break;
            }
            components.extend(page);
        }
        let assets = assets(view).await?;
        Ok(Self {
            machines,
            assets,
            components,
            sets,
        })
    }

    /// The distinct things.
    fn things(&self) -> Vec<Thing> {
        let mut things = Vec::new();
        let mut known = HashSet::new();
        let mut used = RoaringBitmap::new();
        for (members, _) in &self.sets {
            used |= members;
        }
        for one in &self.components {
            let component = &one.component;
            // Architectures of one version are one thing.
            let key = (component.source, &component.name, &component.version);
            if used.contains(one.number) && known.insert(key) {
                things.push(Thing::component(
                    component.source,
                    &component.name,
                    &component.version,
                ));
            }
        }
        let models: BTreeSet<&str> = self
            .machines
            .values()
            .map(|line| line.model.as_str())
            .collect();
        things.extend(models.into_iter().map(Thing::model));
        let mut places: HashMap<String, usize> = HashMap::new();
        for (asset, version) in &self.assets {
            let thing = thing_of(asset, version);
            if asset.model.is_empty() {
                continue;
            }
            let next = things.len();
            let place = *places.entry(thing.key()).or_insert(next);
            if place == next {
                things.push(thing);
            }
            if !asset.serial.is_empty() {
                things[place].serials.push(asset.serial.clone());
            }
        }
        things
    }
}

/// The thing that an asset is.
pub(super) fn thing_of(asset: &Asset, version: &str) -> Thing {
    Thing::asset(&asset.manufacturer, &asset.model, version)
}

async fn assets(view: &mut View) -> Result<Vec<(Asset, String)>, StoreError> {
    let mut versions: HashMap<Label, String> = view.asset_versions().await?.into_iter().collect();
    let mut found: Vec<(Asset, String)> = Vec::new();
    loop {
        let after = found.last().map(|(asset, _)| asset.tag.clone());
        let page = view.assets(None, after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|asset| {
            let version = versions.remove(&asset.tag).unwrap_or_default();
            (asset, version)
        }));
    }
}

/// Everything that the hospital has, by name.
pub async fn inventory(view: &mut View) -> Result<Index, StoreError> {
    Ok(Index::of(Rows::read(view).await?.things()))
}

/// What people said of names.
pub async fn aliases(view: &mut View) -> Result<Aliases, StoreError> {
    let mut aliases = Aliases::default();
    for row in view.aliases().await? {
        match row.vendor.as_str() {
            "" => {
                aliases.vendors.insert(row.name, row.means);
            }
            _ => {
                aliases.products.insert((row.vendor, row.name), row.means);
            }
        }
    }
    Ok(aliases)
}
