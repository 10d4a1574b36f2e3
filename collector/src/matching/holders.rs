//! Which machines and assets a distinct thing stands for.

use super::inventory::{Rows, thing_of};
use crate::advisory::identity::Thing;
use crate::store::{StoreError, View};
use patchward_common::id::Name;
use patchward_common::trust::roster::Class;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A machine or an asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// `machine NAME` or `asset TAG`: what marks name it by.
    pub name: String,
    /// Where it is used.
    pub unit: Option<Name>,
    /// Its class, where it is a machine.
    pub class: Option<Class>,
}

/// The holders of some things, by the things' keys.
pub async fn holders(
    view: &mut View,
    wanted: &HashSet<String>,
) -> Result<BTreeMap<String, Vec<Holder>>, StoreError> {
    let mut found: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let rows = Rows::read(view).await?;
    for (asset, version) in &rows.assets {
        let key = thing_of(asset, version).key();
        if wanted.contains(&key) {
            found.entry(key).or_default().push(Holder {
                name: format!("asset {}", asset.tag),
                unit: asset.unit.clone(),
                class: None,
            });
        }
    }
    let mut of_models: HashMap<&str, String> = HashMap::new();
    let mut numbers: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    for one in &rows.components {
        let component = &one.component;
        let thing = Thing::component(component.source, &component.name, &component.version);
        let key = thing.key();
        if wanted.contains(&key) {
            numbers.entry(key).or_default().insert(one.number);
        }
    }
    let holder = |line: &crate::store::machines::MachineLine| Holder {
        name: format!("machine {}", line.name),
        unit: Some(line.unit.clone()),
        class: Some(line.class),
    };
    for line in rows.machines.values() {
        let model = line.model.as_str();
        let key = of_models
            .entry(model)
            .or_insert_with(|| Thing::model(model).key());
        if wanted.contains(key) {
            found.entry(key.clone()).or_default().push(holder(line));
        }
    }
    for (key, numbers) in numbers {
        let having = rows
            .sets
            .iter()
            .filter(|(members, _)| !members.is_disjoint(&numbers));
        let machines = having.flat_map(|(_, machines)| machines);
        let lines = machines.filter_map(|machine| rows.machines.get(machine));
        found.entry(key).or_default().extend(lines.map(holder));
    }
    for holders in found.values_mut() {
        holders.sort();
    }
    Ok(found)
}
