//! What an asset is: its model in its version, and what a machine beside it heard it answer.

use crate::advisory::identity::Thing;
use crate::advisory::name;
use crate::store::assets::{Asset, LifeCycle};
use crate::store::devices::DeviceVersion;
use crate::store::{StoreError, View};
use patchward_common::id::Label;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Maker, name and version, as they are recorded.
pub(super) type Named = (String, String, String);

/// What devices answered last, by asset.
#[derive(Debug, Default)]
pub struct Answers(HashMap<Label, Vec<DeviceVersion>>);

impl Answers {
    /// Reads what counts.
    pub async fn read(view: &mut View) -> Result<Self, StoreError> {
        Ok(Self::of(view.device_versions().await?))
    }

    fn of(all: Vec<DeviceVersion>) -> Self {
        let mut answers: HashMap<Label, Vec<DeviceVersion>> = HashMap::new();
        for one in all {
            answers.entry(one.asset.clone()).or_default().push(one);
        }
        Self(answers)
    }

    /// The assets that answered for a component of which one of these words is a part: it is a
    /// thing of its own.
    pub(super) fn with_parts(&self, words: &HashSet<&str>) -> impl Iterator<Item = &Label> {
        let is_meant = |one: &DeviceVersion| {
            let tokens = name::tokens(&one.component);
            tokens.iter().any(|token| words.contains(token.as_str()))
        };
        let all = self.0.iter();
        all.filter(move |(_, answered)| answered.iter().any(is_meant))
            .map(|(tag, _)| tag)
    }

    fn of_asset(&self, tag: &Label) -> &[DeviceVersion] {
        self.0.get(tag).map_or(&[], Vec::as_slice)
    }

    /// In which version an asset's model is; empty where that is not known. Where its device
    /// answers that itself, this counts before what the list says, and where it has been
    /// silent for too long, or says two things, nobody knows.
    pub fn model_version<'a>(&'a self, asset: &'a Asset) -> &'a str {
        let answers = self.of_asset(&asset.tag).iter();
        let mut of_model = answers.filter(|one| one.of_model == 1).peekable();
        if of_model.peek().is_none() {
            return &asset.software_version;
        }
        let heard: BTreeSet<&str> = of_model
            .filter(|one| one.lost_at.is_none())
            .map(|one| one.version.as_str())
            .collect();
        match heard.first() {
            Some(version) if heard.len() == 1 => version,
            _ => "",
        }
    }

    /// What an asset is: its model, and each component that it answered for as a thing of its
    /// maker. What has been silent for too long is there in a version that nobody knows.
    pub(super) fn things_of(&self, asset: &Asset) -> Vec<Named> {
        if asset.life_cycle == LifeCycle::Decommissioned {
            return Vec::new();
        }
        let named = |name: &str, version: &str| {
            let maker = asset.manufacturer.clone();
            (maker, name.to_owned(), version.to_owned())
        };
        let mut things = Vec::new();
        if !asset.model.is_empty() {
            things.push(named(&asset.model, self.model_version(asset)));
        }
        let parts = self.of_asset(&asset.tag).iter();
        things.extend(parts.map(|one| match one.lost_at {
            None => named(&one.component, &one.version),
            Some(_) => named(&one.component, ""),
        }));
        things
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

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::UtcMs;

    fn asset() -> Asset {
        Asset {
            manufacturer: "Acme".into(),
            model: "CT".into(),
            software_version: "1".into(),
            ..Asset::new(Label::new("CT-7").unwrap())
        }
    }

    fn answer(component: &str, version: &str, of_model: bool, is_lost: bool) -> DeviceVersion {
        DeviceVersion {
            asset: Label::new("CT-7").unwrap(),
            component: component.into(),
            version: version.into(),
            of_model: u32::from(of_model),
            answered_at: Some(UtcMs(5)),
            lost_at: is_lost.then_some(UtcMs(9)),
        }
    }

    fn things(answers: &[DeviceVersion]) -> Vec<String> {
        let found = Answers::of(answers.to_vec()).things_of(&asset());
        let words = found.into_iter();
        words
            .map(|(_, name, version)| format!("{name}={version}"))
            .collect()
    }

    #[test]
    fn only_what_is_said_to_be_the_models_version_is_it() {
        assert_eq!(things(&[]), ["CT=1"]);
        let toolkit = answer("toolkit", "366", false, false);
        assert_eq!(
            things(std::slice::from_ref(&toolkit)),
            ["CT=1", "toolkit=366"]
        );
        let system = answer("system", "2", true, false);
        let both = things(&[system.clone(), toolkit]);
        assert_eq!(both, ["CT=2", "system=2", "toolkit=366"]);
        let other = answer("console", "3", true, false);
        assert_eq!(things(&[other, system])[0], "CT=", "it contradicts itself");
    }

    #[test]
    fn what_was_silent_for_too_long_is_not_known() {
        // The list may be older still: nothing takes the place of the answer by itself.
        let lost = answer("system", "2", true, true);
        assert_eq!(things(&[lost]), ["CT=", "system="]);
        let part = answer("toolkit", "366", false, true);
        assert_eq!(things(&[part]), ["CT=1", "toolkit="]);
    }
}
