//! What the hospital has, as it is held against advisories: distinct things, not rows.

use super::super::name::{self, VendorKeys};
use super::{Purl, is_code, without_vendor};
use patchward_common::component::Source;

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThingKind {
    /// A component of machines.
    Component,
    /// A model of machines.
    Model,
    /// A row of the hospital's own list.
    Asset,
}

impl ThingKind {
    /// Its word: the first part of a thing's key.
    pub fn word(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Model => "model",
            Self::Asset => "asset",
        }
    }
}

/// One distinct thing: whatever has the same maker, name and version is it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its kind.
    pub kind: ThingKind,
    /// Who made it, as it is recorded; empty where nobody did.
    pub maker: String,
    /// Its name or model, as it is recorded.
    pub name: String,
    /// Its version, as it is recorded; empty where nobody did.
    pub version: String,
    /// Where a component was found.
    pub source: Option<Source>,
    /// The distribution of a package, where it is known.
    pub distribution: Option<String>,
    /// The package that a bill of materials calls it.
    pub package: Option<Purl>,
    /// Its serial numbers.
    pub serials: Vec<String>,
    makers: VendorKeys,
    words: Vec<String>,
    codes: Vec<String>,
}

impl Thing {
    /// A row of the hospital's list.
    pub fn asset(maker: &str, model: &str, version: &str) -> Self {
        Self::new(ThingKind::Asset, maker, model, version)
    }

    /// A model of machines.
    pub fn model(model: &str) -> Self {
        Self::new(ThingKind::Model, "", model, "")
    }

    /// A component of machines.
    pub fn component(source: Source, name: &str, version: &str) -> Self {
        Self {
            source: Some(source),
            ..Self::new(ThingKind::Component, "", name, version)
        }
    }

    /// What a release brings, as its bill of materials calls it.
    pub fn brought(source: Source, name: &str, version: &str, purl: &str) -> Self {
        Self {
            package: Purl::read(purl),
            ..Self::component(source, name, version)
        }
    }

    fn new(kind: ThingKind, maker: &str, called: &str, version: &str) -> Self {
        let makers = VendorKeys::of(maker);
        let words = without_vendor(name::tokens(called), &makers);
        Self {
            kind,
            maker: maker.to_owned(),
            name: called.to_owned(),
            version: version.trim().to_owned(),
            source: None,
            distribution: None,
            package: None,
            serials: Vec::new(),
            codes: words.iter().filter(|word| is_code(word)).cloned().collect(),
            makers,
            words,
        }
    }

    /// Who it is, whatever its version: what decisions of people are remembered by.
    pub fn who(&self) -> String {
        let source = self.source.map_or("", Source::word);
        let maker = self.makers.sure.first().map_or("", String::as_str);
        let name = match self.source {
            Some(_) => self.name.clone(),
            None => self.words.join(" "),
        };
        let parts = [self.kind.word(), source, maker, &name];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("/")
    }

    /// Who it is, in its version: its key.
    pub fn key(&self) -> String {
        format!("{}@{}", self.who(), self.version)
    }

    /// Its maker's keys.
    pub fn makers(&self) -> &VendorKeys {
        &self.makers
    }

    /// The words of its name.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The models that its name holds.
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// As people read it.
    pub fn shown(&self) -> String {
        let parts = [self.maker.as_str(), &self.name, &self.version];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" ")
    }
}
