//! The distinct things of the hospital, and what people said of names.

use super::assets::{Answers, Named};
use crate::advisory::identity::{Aliases, Thing};
use crate::advisory::matcher::Index;
use crate::control::Failure;
use crate::store::assets::Asset;
use crate::store::{StoreError, View};
use patchward_common::component::Component;
use patchward_common::id::Name;
use roaring::RoaringBitmap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What stands behind the distinct things, each distinct set and model once.
struct Rows {
    models: Vec<Name>,
    assets: Vec<Asset>,
    answers: Answers,
    /// The components that machines have.
    components: Vec<Arc<Component>>,
}

impl Rows {
    async fn read(view: &mut View) -> Result<Self, StoreError> {
        let mut used = RoaringBitmap::new();
        let sets = view.sets_in_use().await?;
        for (_, members) in view.members_of_sets(&sets).await? {
            used |= members;
        }
        let components = view.components_numbered(&used).await?;
        let missing = || StoreError::Corrupt("sets name components that are missing".to_owned());
        Ok(Self {
            models: view.models_in_use().await?,
            assets: view.all_assets().await?,
            answers: Answers::read(view).await?,
            components: components.ok_or_else(missing)?,
        })
    }

    /// The distinct things.
    fn things(&self) -> Vec<Thing> {
        let mut things = Vec::new();
        let mut known = HashSet::new();
        for component in &self.components {
            // Architectures of one version are one thing.
            let key = (component.source, &component.name, &component.version);
            if known.insert(key) {
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
