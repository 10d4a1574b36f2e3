//! Installed software: what one component is, a machine's sorted set of them, and
//! the difference between two sets.

mod packed;

use crate::digest::Digest;
use packageurl::PackageUrl;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use packed::{
    BadPacking, MAX_PACKED_BYTES, MAX_UNPACKED_BYTES, Pack, Packed, PackedComponents, PackedDelta,
};

/// Most components that one machine may report; a full desktop has about 4,000.
pub const MAX_COMPONENTS: usize = 20_000;
/// Longest text of one field of a component, in bytes.
pub const MAX_FIELD_BYTES: usize = 512;

/// Where a component was found, and with it which order its versions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The dpkg status file.
    Deb,
    /// The RPM database.
    Rpm,
    /// A probe of `probes.d`; compared as a semantic version where it is one.
    Probe,
    /// A `tree` installed by Patchward.
    Tree,
    /// Firmware, by DMI.
    Firmware,
}

impl Source {
    /// Every source, in order.
    pub const ALL: [Self; 5] = [
        Self::Deb,
        Self::Rpm,
        Self::Probe,
        Self::Tree,
        Self::Firmware,
    ];

    /// The word for it in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Probe => "probe",
            Self::Tree => "tree",
            Self::Firmware => "firmware",
        }
    }
}

/// One installed piece of software or firmware.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Component {
    /// Where it was found.
    #[serde(rename = "s")]
    pub source: Source,
    /// The package's or product's name, as its source writes it.
    #[serde(rename = "n")]
    pub name: String,
    /// The version, as its source writes it.
    #[serde(rename = "v")]
    pub version: String,
    /// The architecture, or empty where there is none.
    #[serde(rename = "a")]
    pub arch: String,
}

/// Why something is not a component, or not a set of them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadComponents {
    /// More than [`MAX_COMPONENTS`].
    #[error("{found} components, where at most {MAX_COMPONENTS} are allowed")]
    TooMany {
        /// How many there were.
        found: usize,
    },
    /// A field longer than [`MAX_FIELD_BYTES`].
    #[error(
        "the {field} of {component:?} is {found} bytes long, at most {MAX_FIELD_BYTES} are allowed"
    )]
    TooLong {
        /// Which field.
        field: &'static str,
        /// The start of the component's name.
        component: String,
        /// Its length in bytes.
        found: usize,
    },
    /// A name or version that is empty; nothing was measured then.
    #[error("the {field} of {component:?} is empty")]
    Empty {
        /// Which field.
        field: &'static str,
        /// The component's name.
        component: String,
    },
    /// A control character: no package manager allows one, and terminals obey some.
    #[error("the {field} of {component:?} holds a control character")]
    Control {
        /// Which field.
        field: &'static str,
        /// The start of the component's name.
        component: String,
    },
}

impl Component {
    /// Checks the limits of every field.
    pub fn check(&self) -> Result<(), BadComponents> {
        let component = || self.name.chars().take(64).collect::<String>();
        for (field, text, may_be_empty) in [
            ("name", &self.name, false),
            ("version", &self.version, false),
            ("architecture", &self.arch, true),
        ] {
            if text.is_empty() && !may_be_empty {
                return Err(BadComponents::Empty {
                    field,
                    component: component(),
                });
            }
            if text.len() > MAX_FIELD_BYTES {
                return Err(BadComponents::TooLong {
                    field,
                    component: component(),
                    found: text.len(),
                });
            }
            if text.chars().any(char::is_control) {
                return Err(BadComponents::Control {
                    field,
                    component: component(),
                });
            }
        }
        Ok(())
    }

    /// The package URL of a Debian or RPM package on the distribution that
    /// `os-release` names by `id` and `version_id`; `None` for every other source.
    pub fn purl(&self, os_id: &str, os_version: &str) -> Option<String> {
        let (kind, epoch, version) = match self.source {
            Source::Deb => ("deb", None, self.version.as_str()),
            // The purl specification puts an RPM's epoch into a qualifier.
            Source::Rpm => match self.version.split_once(':') {
                Some((epoch, rest)) => ("rpm", Some(epoch), rest),
                None => ("rpm", None, self.version.as_str()),
            },
            Source::Probe | Source::Tree | Source::Firmware => return None,
        };
        if os_id.is_empty() {
            return None;
        }
        let distro = match os_version {
            "" => os_id.to_owned(),
            version => format!("{os_id}-{version}"),
        };
        let mut purl = PackageUrl::new(kind, self.name.as_str()).ok()?;
        purl.with_namespace(os_id).ok()?;
        purl.with_version(version).ok()?;
        purl.add_qualifier("distro", distro).ok()?;
        if !self.arch.is_empty() {
            purl.add_qualifier("arch", self.arch.as_str()).ok()?;
        }
        if let Some(epoch) = epoch {
            purl.add_qualifier("epoch", epoch).ok()?;
        }
        Some(purl.to_string())
    }
}

/// The components of one machine: sorted, without duplicates, within the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Component>", into = "Vec<Component>")]
pub struct ComponentSet(Vec<Component>);

impl ComponentSet {
    /// Sorts and deduplicates `components`, and checks every limit.
    pub fn new(mut components: Vec<Component>) -> Result<Self, BadComponents> {
        components.iter().try_for_each(Component::check)?;
        components.sort_unstable();
        components.dedup();
        if components.len() > MAX_COMPONENTS {
            return Err(BadComponents::TooMany {
                found: components.len(),
            });
        }
        Ok(Self(components))
    }

    /// The set's name: equal images have equal digests.
    pub fn digest(&self) -> Digest {
        set_digest(&self.0)
    }

    /// What turns this set into `target`.
    pub fn delta_to(&self, target: &Self) -> Delta {
        let only_in = |these: &Self, others: &Self| {
            let kept = these.iter().filter(|c| others.0.binary_search(c).is_err());
            kept.cloned().collect()
        };
        Delta {
            removed: only_in(self, target),
            added: only_in(target, self),
        }
    }

    /// This set without what `delta` removes and with what it adds.
    pub fn apply(&self, delta: &Delta) -> Result<Self, BadDelta> {
        let mut set: BTreeSet<&Component> = self.0.iter().collect();
        for component in &delta.removed {
            if !set.remove(component) {
                return Err(BadDelta::NotThere(component.name.clone()));
            }
        }
        for component in &delta.added {
            if !set.insert(component) {
                return Err(BadDelta::AlreadyThere(component.name.clone()));
            }
        }
        Ok(Self::new(set.into_iter().cloned().collect())?)
    }
}

impl std::ops::Deref for ComponentSet {
    type Target = [Component];

    fn deref(&self) -> &[Component] {
        &self.0
    }
}

impl TryFrom<Vec<Component>> for ComponentSet {
    type Error = BadComponents;

    fn try_from(components: Vec<Component>) -> Result<Self, BadComponents> {
        Self::new(components)
    }
}

impl From<ComponentSet> for Vec<Component> {
    fn from(set: ComponentSet) -> Self {
        set.0
    }
}

/// The difference between two sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// In the base only; a changed version is here with its old one.
    pub removed: Vec<Component>,
    /// In the target only; a changed version is here with its new one.
    pub added: Vec<Component>,
}

impl Delta {
    /// Whether the two sets are equal.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Why a delta does not fit its base. The collector asks for the whole set then.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadDelta {
    /// It removes what the base does not have.
    #[error("removes {0:?}, which the base does not have in that version")]
    NotThere(String),
    /// It adds what the base has already, or the same thing twice.
    #[error("adds {0:?}, which is there already")]
    AlreadyThere(String),
    /// The result breaks a limit.
    #[error(transparent)]
    Result(#[from] BadComponents),
}

/// The digest of a set of components: SHA-256 over its rows (see [`PackedComponents`])
/// in order. Equal images have equal digests.
pub fn set_digest(sorted: &[Component]) -> Digest {
    debug_assert!(
        sorted.windows(2).all(|pair| pair[0] < pair[1]),
        "sorted and unique"
    );
    packed::digest_rows(sorted)
}

#[cfg(test)]
mod tests;
