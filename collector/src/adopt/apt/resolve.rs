//! The closed set of updates for one machine: what is newer in the archive, with everything
//! that it needs and that the machine has not. Nothing is ever taken away.

use super::package::Package;
use super::relation::{Group, Relation};
use patchward_common::component::Source;
use patchward_common::trust::release::MAX_ARTIFACTS;
use patchward_common::version::compare;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Why there is no closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclosed {
    /// Asked for, and not installed.
    #[error(
        "{0} is not installed there; updates renew what is there, so name packages that it has"
    )]
    NotInstalled(String),
    /// Nothing to do.
    #[error("the archive has nothing newer of what was asked for")]
    NothingNewer,
    /// Something is needed that nobody has.
    #[error(
        "{package} {version} needs {needs}, which neither the machine nor the archive has; name the archive that has it too, or leave {package} out"
    )]
    Missing {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// What it needs.
        needs: String,
    },
    /// Two exclude each other.
    #[error(
        "{package} {version} cannot stand beside {other}, and nothing is taken away here; leave it out, or have a person do this by hand"
    )]
    Excluded {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// What excludes it.
        other: String,
    },
    /// Two versions that have no order.
    #[error("which of {0} {1} and {2} is newer cannot be told")]
    NoOrder(String, String, String),
    /// More than one release carries.
    #[error("the set has more than {MAX_ARTIFACTS} packages; name fewer at a time")]
    TooMany,
}

/// What is there after the update, as far as it is chosen.
struct Set<'a> {
    installed: BTreeMap<&'a str, &'a Package>,
    newest: BTreeMap<&'a str, &'a Package>,
    chosen: BTreeMap<&'a str, &'a Package>,
}

/// The packages to install, by name. `wanted` names packages; none means all that are
/// installed. `architecture` is the machine's, as dpkg calls it.
///
/// # Errors
/// Why there is no closed set.
pub fn resolve<'a>(
    wanted: &'a [String],
    installed: &'a [Package],
    archive: &'a [Package],
    architecture: &str,
) -> Result<Vec<&'a Package>, Unclosed> {
    let fits =
        |package: &&Package| package.architecture == architecture || package.architecture == "all";
    let mut newest: BTreeMap<&str, &Package> = BTreeMap::new();
    for package in archive.iter().filter(fits) {
        match newest.get(package.name.as_str()) {
            Some(known) if !is_newer(package, known)? => {}
            _ => drop(newest.insert(&package.name, package)),
        }
    }
    // Of packages of several architectures the machine's own is updated.
    let by_name = installed
        .iter()
        .filter(fits)
        .map(|one| (one.name.as_str(), one));
    let mut set = Set {
        installed: by_name.collect(),
        newest,
        chosen: BTreeMap::new(),
    };
    let names: Vec<&str> = match wanted.is_empty() {
        true => set.installed.keys().copied().collect(),
        false => wanted.iter().map(String::as_str).collect(),
    };
    let mut open = Vec::new();
    for name in names {
        if !set.installed.contains_key(name) {
            return Err(Unclosed::NotInstalled(name.to_owned()));
        }
        set.update(name, &mut open)?;
    }
    if open.is_empty() {
        return Err(Unclosed::NothingNewer);
    }
    set.close(open)?;
    set.excluded()?;
    Ok(set.chosen.into_values().collect())
}

/// Whether the first is newer.
fn is_newer(package: &Package, than: &Package) -> Result<bool, Unclosed> {
    let order = compare(Source::Deb, &package.version, &than.version);
    let unclear = || {
        let (a, b) = (package.version.clone(), than.version.clone());
        Unclosed::NoOrder(package.name.clone(), a, b)
    };
    Ok(order.ok_or_else(unclear)? == Ordering::Greater)
}

impl<'a> Set<'a> {
    /// Chooses the archive's version of an installed package where that is newer.
    fn update(&mut self, name: &str, open: &mut Vec<&'a Package>) -> Result<(), Unclosed> {
        let (Some(here), Some(there)) = (self.installed.get(name), self.newest.get(name)) else {
            return Ok(());
        };
        match is_newer(there, here)? {
            true => self.choose(there, open),
            false => Ok(()),
        }
    }

    fn choose(
        &mut self,
        package: &'a Package,
        open: &mut Vec<&'a Package>,
    ) -> Result<(), Unclosed> {
        if self.chosen.insert(&package.name, package).is_none() {
            open.push(package);
        }
        match self.chosen.len() > MAX_ARTIFACTS {
            true => Err(Unclosed::TooMany),
            false => Ok(()),
        }
    }

    /// Adds what the chosen ones need, until nothing is missing.
    fn close(&mut self, mut open: Vec<&'a Package>) -> Result<(), Unclosed> {
        while let Some(package) = open.pop() {
            // Packages of one source often want one another in the very same version.
            let siblings: Vec<&str> = self
                .installed
                .keys()
                .copied()
                .filter(|name| {
                    self.newest
                        .get(name)
                        .is_some_and(|one| one.source == package.source)
                })
                .collect();
            for name in siblings {
                self.update(name, &mut open)?;
            }
            for group in &package.depends {
                if !self.holds(group) {
                    self.satisfy(package, group, &mut open)?;
                }
            }
            // What is installed, and wants what is replaced in its old version.
            let dependants: Vec<(&Package, &Group)> = self
                .installed
                .iter()
                .filter(|(name, _)| !self.chosen.contains_key(*name))
                .flat_map(|(_, one)| one.depends.iter().map(move |group| (*one, group)))
                .filter(|(_, group)| group.0.iter().any(|one| one.name == package.name))
                .collect();
            for (dependant, group) in dependants {
                if self.holds(group) || self.chosen.contains_key(dependant.name.as_str()) {
                    continue;
                }
                self.update(&dependant.name, &mut open)?;
                if !self.chosen.contains_key(dependant.name.as_str()) {
                    return Err(missing(dependant, group));
                }
            }
        }
        Ok(())
    }

    /// Chooses the first alternative that the archive has.
    fn satisfy(
        &mut self,
        package: &Package,
        group: &Group,
        open: &mut Vec<&'a Package>,
    ) -> Result<(), Unclosed> {
        let found = group.0.iter().find_map(|one| {
            let by_name = self.newest.get(one.name.as_str()).copied();
            let by_name = by_name.filter(|found| one.admits(&found.version));
            by_name.or_else(|| self.provider(one))
        });
        let found = found.ok_or_else(|| missing(package, group))?;
        // An installed one that is newer than the archive's stays.
        if let Some(here) = self.installed.get(found.name.as_str())
            && !is_newer(found, here)?
        {
            return Err(missing(package, group));
        }
        self.choose(found, open)
    }

    /// A package of the archive that stands for a name.
    fn provider(&self, one: &Relation) -> Option<&'a Package> {
        let mut all = self.newest.values().copied();
        all.find(|package| provides(package, one))
    }

    /// Every package that is there afterwards.
    fn after(&self) -> impl Iterator<Item = &'a Package> {
        let kept = self.installed.iter();
        let kept = kept.filter(|(name, _)| !self.chosen.contains_key(*name));
        kept.map(|(_, one)| *one)
            .chain(self.chosen.values().copied())
    }

    fn by_name(&self, name: &str) -> Option<&'a Package> {
        self.chosen
            .get(name)
            .or_else(|| self.installed.get(name))
            .copied()
    }

    fn holds(&self, group: &Group) -> bool {
        group.0.iter().any(|one| {
            let by_name = self.by_name(&one.name);
            by_name.is_some_and(|found| one.admits(&found.version))
                || self.after().any(|package| provides(package, one))
        })
    }

    /// Whether any two of those that are there afterwards exclude each other.
    fn excluded(&self) -> Result<(), Unclosed> {
        let changed: BTreeSet<&str> = self.chosen.keys().copied().collect();
        for package in self.after() {
            let excluded = package.excludes.iter().flat_map(|group| &group.0);
            for one in excluded {
                let mut others = self.after().filter(|other| {
                    other.name != package.name
                        && (changed.contains(&*other.name) || changed.contains(&*package.name))
                });
                let meant = |other: &&Package| {
                    (other.name == one.name && one.admits(&other.version)) || provides(other, one)
                };
                if let Some(other) = others.find(meant) {
                    return Err(Unclosed::Excluded {
                        package: package.name.clone(),
                        version: package.version.clone(),
                        other: format!("{} {}", other.name, other.version),
                    });
                }
            }
        }
        Ok(())
    }
}

fn provides(package: &Package, one: &Relation) -> bool {
    let mut provides = package.provides.iter();
    provides.any(|(name, version)| *name == one.name && one.admits_provided(version.as_deref()))
}

fn missing(package: &Package, group: &Group) -> Unclosed {
    Unclosed::Missing {
        package: package.name.clone(),
        version: package.version.clone(),
        needs: group.words(),
    }
}

#[cfg(test)]
mod tests;
