//! The hospital's distinct things by what an advisory may call them.

use super::super::entry::Entry;
use super::super::identity::{Aliases, Identity, Thing, compact};
use super::super::name::is_near;
use std::collections::{BTreeSet, HashMap};

/// Things by the keys of their makers, by their whole names and by the words of their names.
#[derive(Clone, Debug, Default)]
pub struct Index {
    things: Vec<Thing>,
    by_maker: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    /// Of things whose maker nobody recorded, packages left out: their names are exact.
    by_word: HashMap<String, Vec<usize>>,
}

impl Index {
    /// An index of distinct things.
    pub fn of(things: Vec<Thing>) -> Self {
        let mut index = Self::default();
        for (place, thing) in things.iter().enumerate() {
            let makers = thing.makers();
            for key in makers.sure.iter().chain(&makers.perhaps) {
                index.by_maker.entry(key.clone()).or_default().push(place);
            }
            let name = compact(&thing.words().join(" "));
            index.by_name.entry(name).or_default().push(place);
            if thing.source.is_some() {
                let exact = compact(&thing.name.to_lowercase());
                index.by_name.entry(exact).or_default().push(place);
                if let Some(package) = &thing.package {
                    let exact = compact(&package.name.to_lowercase());
                    index.by_name.entry(exact).or_default().push(place);
                }
            } else if makers.sure.is_empty() {
                for word in thing.words() {
                    index.by_word.entry(word.clone()).or_default().push(place);
                }
            }
        }
        index.things = things;
        index
    }

    /// A thing by its place.
    pub fn thing(&self, place: usize) -> &Thing {
        &self.things[place]
    }

    /// Every thing.
    pub fn things(&self) -> &[Thing] {
        &self.things
    }

    /// The things that an entry may speak of, each once.
    pub(super) fn candidates(&self, entry: &Entry, aliases: &Aliases) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for identity in &entry.identities {
            self.of_identity(identity, aliases, &mut found);
        }
        found
    }

    fn of_identity(&self, identity: &Identity, aliases: &Aliases, found: &mut BTreeSet<usize>) {
        let mut vendors: Vec<&str> = Vec::new();
        let keys = identity
            .vendors
            .sure
            .iter()
            .chain(&identity.vendors.perhaps);
        let cpe = identity.cpe.as_ref().map(|(vendor, _)| vendor);
        for key in keys.chain(cpe) {
            vendors.push(key);
            vendors.push(aliases.vendor(key));
        }
        for (maker, things) in &self.by_maker {
            let standing = aliases.vendor(maker);
            let is_it =
                |vendor: &&str| *vendor == maker || *vendor == standing || is_near(vendor, maker);
            let first = maker.split(' ').next();
            let called = first == identity.words.first().map(String::as_str);
            if vendors.iter().any(is_it) || called || vendors.is_empty() {
                found.extend(things);
            }
        }
        let names = identity.names.iter().map(|words| words.join(" "));
        let cpe = identity.cpe.iter().map(|(_, product)| product.clone());
        let purls = identity.purls.iter().map(|purl| purl.name.to_lowercase());
        for name in names.chain(cpe).chain(purls) {
            found.extend(self.by_name.get(&compact(&name)).into_iter().flatten());
        }
        for word in &identity.words {
            found.extend(self.by_word.get(word).into_iter().flatten());
        }
    }
}
