//! Which machines and assets a distinct thing stands for. Only what may hold one of the
//! things that were asked for is read.

use super::assets::{Answers, Keys};
use crate::advisory::identity::{Thing, ThingKind};
use crate::store::assets::Asset;
use crate::store::{StoreError, View};
use patchward_common::component::Source;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::roster::Class;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Sets that are read at once while all of them are looked at.
const SETS: usize = 256;

/// A machine or an asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// `machine NAME` or `asset TAG`: what marks name it by.
    pub name: String,
    /// Where it is used.
    pub unit: Option<Name>,
    /// Its class, where it is a machine.
    pub class: Option<Class>,
    /// The machine that an asset is in plans, where it has no agent.
    pub machine: Option<Name>,
}

impl Holder {
    fn machine(name: &Name, unit: Name, class: Class) -> Self {
        Self {
            name: format!("machine {name}"),
            unit: Some(unit),
            class: Some(class),
            machine: None,
        }
    }

    /// What it is called, and the machine that an asset is.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let machine = self.machine.as_ref().map(|name| format!("machine {name}"));
        std::iter::once(self.name.clone()).chain(machine)
    }
}

type Found = BTreeMap<String, Vec<Holder>>;

/// The holders of some things, by the things' keys.
pub async fn holders(view: &mut View, wanted: &HashSet<String>) -> Result<Found, StoreError> {
    let mut found = Found::new();
    let has = |kind: ThingKind| {
        let start = format!("{}/", kind.word());
        wanted.iter().any(|key| key.starts_with(&start))
    };
    if has(ThingKind::Asset) {
        of_assets(view, wanted, &mut found).await?;
    }
    if has(ThingKind::Model) {
        of_models(view, wanted, &mut found).await?;
    }
    if has(ThingKind::Component) {
        of_components(view, wanted, &mut found).await?;
    }
    for holders in found.values_mut() {
        holders.sort();
        holders.dedup();
    }
    Ok(found)
}

async fn of_assets(
    view: &mut View,
    wanted: &HashSet<String>,
    found: &mut Found,
) -> Result<(), StoreError> {
    let answers = Answers::read(view).await?;
    // A key is who it is, and its version behind the last sign.
    let whose: HashSet<&str> = wanted
        .iter()
        .flat_map(|key| key.match_indices('@').map(|(at, _)| &key[..at]))
        .collect();
    let mut models = view.asset_models().await?;
    models.retain(|(maker, model)| whose.contains(Thing::asset(maker, model, "").who().as_str()));
    let mut assets = view.assets_of_models(&models).await?;
    let known: HashSet<_> = assets.iter().map(|asset| asset.tag.clone()).collect();
    let words: HashSet<&str> = whose.iter().flat_map(|who| who.split([' ', '/'])).collect();
    for tag in answers
        .with_parts(&words)
        .filter(|tag| !known.contains(tag))
    {
        assets.extend(view.asset(tag).await?);
    }
    let manual = view.manual_machines().await?.into_iter();
    let manual: HashMap<MachineId, (Name, Name, Class)> = manual
        .map(|(id, name, unit, class)| (id, (name, unit, class)))
        .collect();
    let mut keys = Keys::default();
    for asset in &assets {
        for named in answers.things_of(asset) {
            let key = keys.of(named);
            if wanted.contains(key) {
                let holders = found.entry(key.to_owned()).or_default();
                holders.push(of_asset(asset, &manual));
            }
        }
    }
    Ok(())
}

/// An asset, with the machine that it is in plans where nothing runs on it.
fn of_asset(asset: &Asset, manual: &HashMap<MachineId, (Name, Name, Class)>) -> Holder {
    let machine = asset.machine.and_then(|id| manual.get(&id));
    Holder {
        name: format!("asset {}", asset.tag),
        unit: asset
            .unit
            .clone()
            .or_else(|| machine.map(|(_, unit, _)| unit.clone())),
        class: machine.map(|(_, _, class)| *class),
        machine: machine.map(|(name, _, _)| name.clone()),
    }
}

async fn of_models(
    view: &mut View,
    wanted: &HashSet<String>,
    found: &mut Found,
) -> Result<(), StoreError> {
    let mut keys: HashMap<Name, String> = HashMap::new();
    for model in view.models_in_use().await? {
        let key = Thing::model(model.as_str()).key();
        if wanted.contains(&key) {
            keys.insert(model, key);
        }
    }
    let models: Vec<Name> = keys.keys().cloned().collect();
    for one in view.machines_of_models(&models).await? {
        if let Some(key) = keys.get(&one.model) {
            let holder = Holder::machine(&one.name, one.unit, one.class);
            found.entry(key.clone()).or_default().push(holder);
        }
    }
    Ok(())
}

async fn of_components(
    view: &mut View,
    wanted: &HashSet<String>,
    found: &mut Found,
) -> Result<(), StoreError> {
    let named: BTreeSet<(Source, &str)> = wanted.iter().flat_map(|key| readings(key)).collect();
    let named: Vec<(Source, &str)> = named.into_iter().collect();
    let mut numbers: BTreeMap<String, RoaringBitmap> = BTreeMap::new();
    let mut any = RoaringBitmap::new();
    for one in view.components_called(&named).await? {
        let component = &one.component;
        let thing = Thing::component(component.source, &component.name, &component.version);
        let key = thing.key();
        if wanted.contains(&key) {
            any.insert(one.number);
            numbers.entry(key).or_default().insert(one.number);
        }
    }
    if any.is_empty() {
        return Ok(());
    }
    // Of each set that holds one of them: which.
    let mut holding: HashMap<Digest, RoaringBitmap> = HashMap::new();
    for some in view.sets_in_use().await?.chunks(SETS) {
        for (digest, members) in view.members_of_sets(some).await? {
            let held = members & &any;
            if !held.is_empty() {
                holding.insert(digest, held);
            }
        }
    }
    let sets: Vec<Digest> = holding.keys().copied().collect();
    let mut machines: HashMap<Digest, Vec<Holder>> = HashMap::new();
    for one in view.machines_of_sets(&sets).await? {
        let holder = Holder::machine(&one.name, one.unit, one.class);
        machines.entry(one.digest).or_default().push(holder);
    }
    for (key, numbers) in numbers {
        let having: BTreeSet<&Digest> = holding
            .iter()
            .filter(|(_, held)| !held.is_disjoint(&numbers))
            .map(|(digest, _)| digest)
            .collect();
        let holders = having.into_iter().flat_map(|digest| machines.get(digest));
        found
            .entry(key)
            .or_default()
            .extend(holders.flatten().cloned());
    }
    Ok(())
}

/// What a component's key may name: source and name. A name may hold the sign that stands
/// before the version, so each of its places is one reading.
fn readings(key: &str) -> Vec<(Source, &str)> {
    let parts = key
        .strip_prefix("component/")
        .and_then(|rest| rest.split_once('/'));
    let Some((word, rest)) = parts else {
        return Vec::new();
    };
    let sources = [
        Source::Deb,
        Source::Rpm,
        Source::Probe,
        Source::Tree,
        Source::Firmware,
    ];
    let source = sources.into_iter().find(|source| source.word() == word);
    let Some(source) = source else {
        return Vec::new();
    };
    let places = rest.match_indices('@');
    places.map(|(at, _)| (source, &rest[..at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_component_is_read_back_whatever_signs_its_name_holds() {
        for name in ["openssl", "@scope/pkg", "a@b"] {
            let key = Thing::component(Source::Tree, name, "1@2").key();
            assert!(readings(&key).contains(&(Source::Tree, name)), "{key}");
        }
        assert_eq!(readings("asset/acme/m7@1"), []);
    }
}
