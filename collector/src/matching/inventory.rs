//! The distinct things of the hospital, and what people said of names.

use super::assets::{Answers, Named};
use crate::advisory::identity::{Aliases, Thing};
use crate::advisory::matcher::Index;
use crate::control::Failure;
use crate::store::assets::Asset;
use crate::store::inventory::Numbered;
use crate::store::{StoreError, View};
use patchward_common::id::Name;
use roaring::RoaringBitmap;
use std::collections::{HashMap, HashSet};

/// Components that are read at once while all of them are walked through.
const PAGE: u32 = 10_000;

/// What stands behind the distinct things, each distinct set and model once.
struct Rows {
    models: Vec<Name>,
    assets: Vec<Asset>,
    answers: Answers,
    components: Vec<Numbered>,
    /// The numbers of components that machines have.
    used: RoaringBitmap,
}

impl Rows {
    async fn read(view: &mut View) -> Result<Self, StoreError> {
        let mut used = RoaringBitmap::new();
        let sets = view.sets_in_use().await?;
        for (_, members) in view.members_of_sets(&sets).await? {
            used |= members;
        }
        let mut components: Vec<Numbered> = Vec::new();
        let mut last = 0;
        loop {
            let page = view.components_after(last, PAGE).await?;
            let Some(end) = page.last() else { break };
            last = end.number;
            components.extend(page.into_iter().filter(|one| used.contains(one.number)));
        }
        Ok(Self {
            models: view.models_in_use().await?,
            assets: view.all_assets().await?,
            answers: Answers::read(view).await?,
            components,
            used,
        })
    }

    /// The distinct things.
    fn things(&self) -> Vec<Thing> {
        let mut things = Vec::new();
        let mut known = HashSet::new();
        for one in &self.components {
            let component = &one.component;
            // Architectures of one version are one thing.
            let key = (component.source, &component.name, &component.version);
            if self.used.contains(one.number) && known.insert(key) {
                let (name, version) = (&component.name, &component.version);
                things.push(Thing::component(component.source, name, version));
            }
        }
        things.extend(self.models.iter().map(|model| Thing::model(model.as_str())));
        // Spellings that come to one key are one thing.
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut spelled: HashMap<Named, usize> = HashMap::new();
        for asset in &self.assets {
            for named in self.answers.things_of(asset) {
                let place = match spelled.get(&named) {
                    Some(place) => *place,
                    None => {
                        let thing = Thing::asset(&named.0, &named.1, &named.2);
                        let next = things.len();
                        let place = *places.entry(thing.key()).or_insert(next);
                        if place == next {
                            things.push(thing);
                        }
                        spelled.insert(named, place);
                        place
                    }
                };
                if !asset.serial.is_empty() {
                    things[place].serials.push(asset.serial.clone());
                }
            }
        }
        things
    }
}

/// Everything that the hospital has, by name.
pub(super) async fn inventory(view: &mut View) -> Result<Index, Failure> {
    let rows = Rows::read(view).await?;
    super::aside(move || Index::of(rows.things())).await
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
