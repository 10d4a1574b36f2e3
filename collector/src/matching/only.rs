//! What a run of the matching is asked for: all of it, or some advisories and some things.

use super::assets::Answers;
use crate::advisory::identity::Thing;
use crate::advisory::matcher::Index;
use crate::store::advisories::MatchRow;
use crate::store::assets::Asset;
use crate::store::machines::Machine;
use crate::store::{StoreError, View};
use patchward_common::component::Component;
use std::collections::HashSet;

/// Which advisories are held against what; all against all where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Only<'a> {
    /// Advisories, by id.
    pub advisories: Option<&'a [String]>,
    /// Things, by key.
    pub things: Option<&'a HashSet<String>>,
}

/// The part of the hospital that a run looks at.
#[derive(Debug)]
pub(super) struct Part {
    /// The things, by key.
    keys: HashSet<String>,
    /// Who they are, whatever their versions.
    whose: HashSet<String>,
    /// Everything that there is, by key.
    there: HashSet<String>,
}

impl Part {
    /// The things of `keys`, and an index of them alone.
    pub(super) fn of(all: &Index, keys: &HashSet<String>) -> (Self, Index) {
        let things = all.things().iter();
        let some: Vec<Thing> = things
            .filter(|one| keys.contains(&one.key()))
            .cloned()
            .collect();
        let part = Self {
            keys: keys.clone(),
            whose: some.iter().map(Thing::who).collect(),
            there: all.things().iter().map(Thing::key).collect(),
        };
        (part, Index::of(some))
    }

    /// Whether a match that stands is looked at: it is of one of the things, or of a version
    /// of one that nothing has any more.
    pub(super) fn holds(&self, row: &MatchRow) -> bool {
        let is_gone = self.whose.contains(&row.who) && !self.there.contains(&row.thing);
        is_gone || self.keys.contains(&row.thing)
    }
}

/// The keys of what a machine is: its software, its model, and the asset that it is.
pub async fn things_of_machine(
    view: &mut View,
    answers: &Answers,
    machine: &Machine,
) -> Result<HashSet<String>, StoreError> {
    let mut keys = of_machine(view, machine).await?;
    if let Some(asset) = view.asset_of(&machine.id).await? {
        keys.extend(of_asset(answers, &asset));
    }
    Ok(keys)
}

/// The keys of what an asset is, with the machine that it is.
pub async fn things_of_asset(
    view: &mut View,
    answers: &Answers,
    asset: &Asset,
) -> Result<HashSet<String>, StoreError> {
    let mut keys = of_asset(answers, asset);
    let machine = match &asset.machine {
        Some(machine) => view.machine(machine).await?,
        None => None,
    };
    if let Some(machine) = machine {
        keys.extend(of_machine(view, &machine).await?);
    }
    Ok(keys)
}

fn of_asset(answers: &Answers, asset: &Asset) -> HashSet<String> {
    let named = answers.things_of(asset).into_iter();
    let keys = named.map(|(maker, name, version)| Thing::asset(&maker, &name, &version).key());
    keys.collect()
}

async fn of_machine(view: &mut View, machine: &Machine) -> Result<HashSet<String>, StoreError> {
    let mut keys = HashSet::from([Thing::model(machine.model.as_str()).key()]);
    if let Some(set) = view.set_of(&machine.id).await? {
        let components = view.components_of(&set.digest).await?;
        let things = components.iter().flat_map(|set| set.iter());
        let of = |one: &Component| Thing::component(one.source, &one.name, &one.version).key();
        keys.extend(things.map(of));
    }
    Ok(keys)
}
