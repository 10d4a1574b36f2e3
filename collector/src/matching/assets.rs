//! What an asset is: its model in its version, and what a device beside it answered.

use crate::advisory::identity::Thing;
use crate::store::assets::{Asset, LifeCycle};
use crate::store::{StoreError, View};
use patchward_common::id::Label;
use std::collections::{BTreeMap, HashMap};

/// Rows that are read at once while all of them are walked through.
const PAGE: u32 = 10_000;

/// Maker, name and version, as they are recorded.
pub(super) type Named = (String, String, String);

/// What devices answered last: of each asset its components with their versions.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<Label, BTreeMap<String, String>>);

impl Answers {
    pub(super) async fn read(view: &mut View) -> Result<Self, StoreError> {
        let mut answers: HashMap<Label, BTreeMap<String, String>> = HashMap::new();
        for ((asset, component), version) in view.device_versions().await? {
            answers.entry(asset).or_default().insert(component, version);
        }
        Ok(Self(answers))
    }

    /// The assets whose components are things of their own.
    pub(super) fn with_parts(&self) -> impl Iterator<Item = &Label> {
        let many = self.0.iter().filter(|(_, answered)| answered.len() > 1);
        many.map(|(tag, _)| tag)
    }

    /// What an asset is. The version that its device answered itself counts before what the
    /// list says; of several components each is a thing of the asset's maker.
    pub(super) fn things_of(&self, asset: &Asset) -> Vec<Named> {
        if asset.life_cycle == LifeCycle::Decommissioned {
            return Vec::new();
        }
        let named = |name: &str, version: &str| {
            let maker = asset.manufacturer.clone();
            (maker, name.to_owned(), version.to_owned())
        };
        let answered = self.0.get(&asset.tag);
        let mut things = Vec::new();
        if !asset.model.is_empty() {
            let alone = answered.filter(|answered| answered.len() == 1);
            let alone = alone.and_then(|answered| answered.values().next());
            let version = alone.unwrap_or(&asset.software_version);
            things.push(named(&asset.model, version));
        }
        let parts = answered.filter(|answered| answered.len() > 1);
        let parts = parts.into_iter().flatten();
        things.extend(parts.map(|(component, version)| named(component, version)));
        things
    }
}

/// Every asset.
pub(super) async fn all(view: &mut View) -> Result<Vec<Asset>, StoreError> {
    let mut found: Vec<Asset> = Vec::new();
    loop {
        let after = found.last().map(|asset| asset.tag.clone());
        let page = view.assets(None, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

/// The things of names, each made once: a hospital has many of one kind.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<Named, String>);

impl Keys {
    pub(super) fn of(&mut self, named: Named) -> &str {
        let made = |(maker, name, version): &Named| Thing::asset(maker, name, version).key();
        self.0.entry(named).or_insert_with_key(made)
    }
}
