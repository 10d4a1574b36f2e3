//! How like a product a thing is: the same, perhaps the same, another.

use super::super::name::is_near;
use super::super::reason::Doubt;
use super::pattern::is_like;
use super::series::in_series;
use super::{Identity, Thing, ThingKind};
use patchward_common::component::Source;
use std::collections::HashMap;

/// How like a product a thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It is the product.
    Same,
    /// It is the package that a package URL names.
    SamePackage,
    /// It may be, or not; a person says so once.
    Perhaps(Doubt),
    /// It is another.
    Other,
}

/// What people said of names: which is another for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// From one vendor's key to the one it stands for.
    pub vendors: HashMap<String, String>,
    /// From a product's key to the one it stands for, by vendor.
    pub products: HashMap<(String, String), String>,
}

impl Aliases {
    /// The vendor that a key stands for.
    pub fn vendor<'a>(&'a self, key: &'a str) -> &'a str {
        self.vendors.get(key).map_or(key, String::as_str)
    }

    /// The product that a key of a vendor's stands for.
    fn product<'a>(&'a self, vendor: &str, key: &'a str) -> &'a str {
        if self.products.is_empty() {
            return key;
        }
        let known = self.products.get(&(vendor.to_owned(), key.to_owned()));
        known.map_or(key, String::as_str)
    }
}

/// How a maker stands to a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Maker {
    Same,
    Perhaps(Doubt),
    NotRecorded,
    Other,
}

/// How like the product of `identity` a thing is.
pub fn likeness(identity: &Identity, thing: &Thing, aliases: &Aliases) -> Likeness {
    if let Some(found) = by_package(identity, thing) {
        return found;
    }
    let maker = maker(identity, thing, aliases);
    if let Some(found) = by_number(identity, thing, &maker) {
        return found;
    }
    let product = product(identity, thing, aliases);
    match (maker, product) {
        (_, Likeness::Other) => Likeness::Other,
        (Maker::Same, product) => product,
        (Maker::Perhaps(doubt), Likeness::Same | Likeness::SamePackage) => Likeness::Perhaps(doubt),
        (Maker::Perhaps(_), perhaps) => perhaps,
        (Maker::NotRecorded, Likeness::Same | Likeness::SamePackage) => {
            Likeness::Perhaps(Doubt::NoMaker)
        }
        // Names of packages are exact; a part of one is another package.
        (Maker::NotRecorded, perhaps) if thing.kind != ThingKind::Component => perhaps,
        (Maker::Other, Likeness::Same) if is_telling(thing) => {
            Likeness::Perhaps(Doubt::OtherMaker(identity.vendor.clone()))
        }
        (Maker::NotRecorded | Maker::Other, _) => Likeness::Other,
    }
}

/// Whether a name alone tells much: two words or a model's.
fn is_telling(thing: &Thing) -> bool {
    thing.words().len() > 1 || !thing.codes().is_empty()
}

fn by_package(identity: &Identity, thing: &Thing) -> Option<Likeness> {
    if let Some(ours) = &thing.package
        && identity.purls.iter().any(|purl| purl.speaks_of(ours))
    {
        return Some(Likeness::SamePackage);
    }
    let kind = match thing.source? {
        Source::Deb => "deb",
        Source::Rpm => "rpm",
        Source::Probe | Source::Tree | Source::Firmware => return None,
    };
    let mut purls = identity.purls.iter();
    let purl = purls.find(|purl| purl.kind == kind && purl.name == thing.name)?;
    Some(match thing.distribution.as_deref() {
        Some(known) if known.eq_ignore_ascii_case(&purl.namespace) => Likeness::SamePackage,
        _ => Likeness::Perhaps(Doubt::Distribution(purl.namespace.clone())),
    })
}

/// By serial, model or order number, of the vendor alone: others give the same numbers.
fn by_number(identity: &Identity, thing: &Thing, maker: &Maker) -> Option<Likeness> {
    if thing.kind != ThingKind::Asset || *maker == Maker::Other {
        return None;
    }
    let number_of = |patterns: &[String], texts: &[&String]| {
        let mut patterns = patterns.iter();
        let found = patterns.find(|one| texts.iter().any(|text| is_like(one, text)));
        found.cloned()
    };
    let names: Vec<&String> = thing.words().iter().chain([&thing.name]).collect();
    let serials: Vec<&String> = thing.serials.iter().collect();
    let number = number_of(&identity.serials, &serials);
    match number.or_else(|| number_of(&identity.models, &names)) {
        Some(_) if *maker == Maker::Same => Some(Likeness::Same),
        Some(number) => Some(Likeness::Perhaps(Doubt::Number(number))),
        // Order numbers may stand there in part.
        None => {
            let sku = number_of(&identity.skus, &names)?;
            Some(Likeness::Perhaps(Doubt::Number(sku)))
        }
    }
}

fn maker(identity: &Identity, thing: &Thing, aliases: &Aliases) -> Maker {
    let cpe = identity.cpe.as_ref().map(|(vendor, _)| vendor.as_str());
    let named = identity.vendors.sure.iter().map(String::as_str).chain(cpe);
    let vendors: Vec<&str> = named.map(|key| aliases.vendor(key)).collect();
    let sure = thing.makers().sure.iter();
    let sure: Vec<&str> = sure.map(|key| aliases.vendor(key)).collect();
    if sure.is_empty() {
        return Maker::NotRecorded;
    }
    if vendors.is_empty() {
        return Maker::Perhaps(Doubt::NoVendor);
    }
    if sure.iter().any(|key| vendors.contains(key)) {
        return Maker::Same;
    }
    let shown = || identity.vendor.clone();
    let with = |keys: Vec<&str>, more: &[String]| -> Vec<String> {
        let keys = keys.into_iter().map(str::to_owned);
        keys.chain(more.iter().cloned()).collect()
    };
    let ours = with(sure, &thing.makers().perhaps);
    let theirs = with(vendors, &identity.vendors.perhaps);
    if ours.iter().any(|key| theirs.contains(key)) {
        return Maker::Perhaps(Doubt::MakerPerhaps(shown()));
    }
    if ours
        .iter()
        .any(|key| theirs.iter().any(|other| is_near(key, other)))
    {
        return Maker::Perhaps(Doubt::MakerSpelled(shown()));
    }
    match ours.iter().any(|key| begins_with(&identity.words, key)) {
        true => Maker::Perhaps(Doubt::MakerPerhaps(shown())),
        false => Maker::Other,
    }
}

/// "Hillrom: Welch Allyn Connex": the product is called after its maker.
fn begins_with(words: &[String], key: &str) -> bool {
    let parts: Vec<&str> = key.split(' ').collect();
    let first = words.iter().map(String::as_str).take(parts.len());
    parts.len() < words.len() && first.eq(parts.iter().copied())
}

fn product(identity: &Identity, thing: &Thing, aliases: &Aliases) -> Likeness {
    let vendor = identity.vendors.sure.first().map_or("", String::as_str);
    let vendor = aliases.vendor(vendor);
    let joined = thing.words().join(" ");
    if thing.words().is_empty() {
        return Likeness::Other;
    }
    let ours = aliases.product(vendor, &joined).to_owned();
    let is_alias = ours != joined;
    let is_same = |words: &[String]| {
        let theirs = words.join(" ");
        let theirs = aliases.product(vendor, &theirs);
        theirs == ours || compact(theirs) == compact(&ours)
    };
    let cpe = identity.cpe.as_ref().map(|(_, product)| product.as_str());
    let by_cpe = cpe.is_some_and(|product| compact(product) == compact(&ours));
    if by_cpe || identity.names.iter().any(|words| is_same(words)) {
        // A condition in a name stays one; who gave the alias has looked at it.
        return match &identity.doubt {
            Some(doubt @ (Doubt::Condition(_) | Doubt::NoName)) if !is_alias => {
                Likeness::Perhaps(doubt.clone())
            }
            _ => Likeness::Same,
        };
    }
    let shown = || identity.shown.clone();
    let mut names = identity.names.iter().map(|words| words.join(" "));
    if names.any(|name| is_near(&name, &joined)) {
        return Likeness::Perhaps(Doubt::Spelled(shown()));
    }
    in_part(identity, thing)
}

/// Where one name is a part of the other.
fn in_part(identity: &Identity, thing: &Thing) -> Likeness {
    let (theirs, ours) = (&identity.words, thing.words());
    let inside = ours.iter().all(|word| theirs.contains(word));
    let lists = thing
        .codes()
        .iter()
        .any(|code| identity.codes.contains(code));
    let is_plain = !matches!(identity.doubt, Some(Doubt::Condition(_) | Doubt::Series(_)));
    if inside && lists && is_plain {
        // Every word is in the name, and one of its models is it.
        return Likeness::Same;
    }
    let shown = || identity.shown.clone();
    if in_series(identity, thing) {
        return Likeness::Perhaps(Doubt::Series(shown()));
    }
    let outside = theirs.iter().all(|word| ours.contains(word));
    match inside || outside || lists {
        true => Likeness::Perhaps(match &identity.doubt {
            Some(doubt) => doubt.clone(),
            None => Doubt::PartOfName(shown()),
        }),
        false => Likeness::Other,
    }
}

/// A key without its spaces: "i Sens" is "iSens".
pub(in super::super) fn compact(key: &str) -> String {
    key.chars().filter(|c| *c != ' ').collect()
}
