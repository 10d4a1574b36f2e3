//! A closed set of packages, by dpkg or by rpm: looked into and simulated before the
//! start, installed all together, and everything without a question.

pub mod depends;

use super::{Caller, Kind, Part, Site, ask, word, words};
use depends::{COMING, INSTALLED, unmet};
use patchward_common::digest::Digest;
use patchward_common::trust::release::{
    ABSENT, Kind as Declared, PackageManager, PackageRef, Packages, ReleaseDescription,
};
use std::collections::{BTreeMap, BTreeSet};

/// rpm's way of writing a version, with its epoch where it has one.
const RPM_VERSION: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n";
/// Configuration files that were changed here stay; new ones come.
const DPKG_FORCE: [&str; 2] = ["--force-confdef", "--force-confold"];

/// A package release on this machine.
pub(super) struct Set {
    manager: PackageManager,
    root: String,
    options: Vec<String>,
    new: Bundle,
    back: Option<Bundle>,
    asker: Caller,
}

/// The packages of one release and their files.
struct Bundle {
    version: String,
    packages: Vec<PackageRef>,
    files: BTreeMap<Digest, String>,
}

impl Set {
    /// What `declared` means here.
    pub(super) fn new(
        site: &Site<'_>,
        declared: &Packages,
        release: &ReleaseDescription,
        back: Option<&ReleaseDescription>,
    ) -> Result<Self, String> {
        let back = back.map(|back| match &back.kind {
            Declared::Packages(set) if set.manager == declared.manager => {
                Bundle::new(site, set, back)
            }
            _ => Err("the rollback is of another kind".to_owned()),
        });
        Ok(Self {
            manager: declared.manager,
            root: word(site.packages_root),
            options: match declared.manager {
                PackageManager::Deb => site.dpkg_options.to_vec(),
                PackageManager::Rpm => site.rpm_options.to_vec(),
            },
            new: Bundle::new(site, declared, release)?,
            back: back.transpose()?,
            asker: site.asker,
        })
    }

    /// A call of the package manager.
    fn call(&self, more: &[&str], last: &[String]) -> Vec<String> {
        let first = match self.manager {
            PackageManager::Deb => vec!["dpkg".to_owned(), format!("--root={}", self.root)],
            PackageManager::Rpm => words(&["rpm", "--root", &self.root]),
        };
        let force = match self.manager {
            PackageManager::Deb => words(&DPKG_FORCE),
            PackageManager::Rpm => Vec::new(),
        };
        [&first[..], &force, &self.options, &words(more), last].concat()
    }

    fn ask(&self, argv: &[String]) -> Result<String, String> {
        ask(argv, self.asker)
    }

    /// Name and version of every package that is wholly installed; others are `None`.
    fn installed(&self) -> Result<Rows, String> {
        let said = match self.manager {
            PackageManager::Deb => {
                let database = format!("--admindir={}/var/lib/dpkg", self.root);
                let format = "${Package}\\t${db:Status-Status}\\t${Version}\\n";
                self.ask(&words(&["dpkg-query", &database, "-W", "-f", format]))?
            }
            PackageManager::Rpm => {
                let all = ["rpm", "--root", &self.root, "-qa", "--qf", RPM_VERSION];
                self.ask(&words(&all))?
            }
        };
        installed_rows(self.manager, &said)
    }

    /// Whether each file is the package that was approved.
    fn look_into(&self, bundle: &Bundle) -> Result<(), String> {
        for package in &bundle.packages {
            let file = bundle
                .files
                .get(&package.artifact)
                .map_or("", String::as_str);
            let said = match self.manager {
                PackageManager::Deb => {
                    let format = "${Package}\\t${Version}\\n";
                    self.ask(&words(&["dpkg-deb", "-W", "--showformat", format, file]))?
                }
                PackageManager::Rpm => {
                    self.ask(&words(&["rpm", "-qp", "--qf", RPM_VERSION, file]))?
                }
            };
            let approved = format!("{}\t{}", package.name, package.version);
            if !said.lines().eq([approved.as_str()]) {
                let found = said.trim_end().replace(['\t', '\n'], " ");
                let (name, version) = (&package.name, &package.version);
                return Err(format!("the package of {name} {version} holds {found}"));
            }
        }
        Ok(())
    }

    /// Whether every dependency is met once the set is unpacked. dpkg asks that only while
    /// it configures, when it is too late; rpm's own test asks it before.
    fn depends(&self) -> Result<(), String> {
        if self.manager == PackageManager::Rpm {
            return Ok(());
        }
        let database = format!("--admindir={}/var/lib/dpkg", self.root);
        let installed = self.ask(&words(&["dpkg-query", &database, "-W", "-f", INSTALLED]))?;
        let mut coming = Vec::new();
        for file in self.new.files() {
            coming.push(self.ask(&words(&["dpkg-deb", "-W", "--showformat", COMING, &file]))?);
        }
        match unmet(&installed, &coming)? {
            None => Ok(()),
            Some(clause) => Err(format!("nothing provides {clause}")),
        }
    }

    fn remove(&self) -> Vec<String> {
        let names: Vec<String> = self.new.packages.iter().map(|p| p.name.clone()).collect();
        match self.manager {
            PackageManager::Deb => self.call(&["--force-remove-reinstreq", "--remove"], &names),
            PackageManager::Rpm => self.call(&["-e"], &names),
        }
    }
}

/// Each package with its version, and without one where it is not wholly installed.
pub type Rows = BTreeMap<String, Option<String>>;

/// What dpkg-query and rpm say, row by row.
///
/// # Errors
/// A row of another shape.
pub fn installed_rows(manager: PackageManager, said: &str) -> Result<Rows, String> {
    let mut found = BTreeMap::new();
    for line in said.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, version) = match (manager, fields.as_slice()) {
            (_, ["", ..]) => return Err(strange(line)),
            (PackageManager::Deb, [_, "not-installed" | "config-files", _]) => continue,
            (PackageManager::Deb, [name, "installed", version])
            | (PackageManager::Rpm, [name, version]) => (name, Some((*version).to_owned())),
            (PackageManager::Deb, [name, _, _]) => (name, None),
            _ => return Err(strange(line)),
        };
        found.insert((*name).to_owned(), version);
    }
    Ok(found)
}

impl Bundle {
    fn new(
        site: &Site<'_>,
        declared: &Packages,
        release: &ReleaseDescription,
    ) -> Result<Self, String> {
        let files: BTreeMap<Digest, String> = release
            .artifacts
            .iter()
            .map(|artifact| (artifact.sha256, word(&site.artifact(artifact.sha256))))
            .collect();
        let named: BTreeSet<Digest> = declared.packages.iter().map(|p| p.artifact).collect();
        let is_closed = named.len() == declared.packages.len()
            && named.len() == release.artifacts.len()
            && named.iter().all(|artifact| files.contains_key(artifact));
        if !is_closed || named.is_empty() {
            return Err("packages and artifacts of the release do not match one to one".to_owned());
        }
        if !declared
            .packages
            .iter()
            .all(|package| is_package_name(&package.name))
        {
            return Err("a package's name is not usable".to_owned());
        }
        Ok(Self {
            version: release.version.clone(),
            packages: declared.packages.clone(),
            files,
        })
    }

    fn files(&self) -> Vec<String> {
        self.files.values().cloned().collect()
    }

    fn is_there(&self, installed: &BTreeMap<String, Option<String>>) -> bool {
        self.packages.iter().all(|package| {
            installed.get(&package.name).and_then(Option::as_ref) == Some(&package.version)
        })
    }
}

fn strange(line: &str) -> String {
    format!("the package manager gave a row of another shape: {line:?}")
}

/// A name that is safe as a word: of the characters that dpkg and rpm allow.
fn is_package_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.len() <= 128
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

impl Kind for Set {
    /// The release's version where all of its packages are there; else the first
    /// package's, which gives the product its name.
    fn version(&self) -> Result<String, String> {
        let installed = self.installed()?;
        for bundle in [Some(&self.new), self.back.as_ref()].into_iter().flatten() {
            if bundle.is_there(&installed) {
                return Ok(bundle.version.clone());
            }
        }
        let Some(first) = self.new.packages.first() else {
            return Err("no package is named".to_owned());
        };
        match installed.get(&first.name) {
            None => Ok(ABSENT.to_owned()),
            Some(Some(version)) if *version != first.version => Ok(version.clone()),
            Some(Some(_)) => {
                Err("some packages of the set are missing or of another version".to_owned())
            }
            Some(None) => Err(format!("package {} is half installed", first.name)),
        }
    }

    fn simulate(&self) -> Result<(), String> {
        for bundle in [Some(&self.new), self.back.as_ref()].into_iter().flatten() {
            self.look_into(bundle)?;
        }
        self.depends()?;
        let files = self.new.files();
        self.ask(&match self.manager {
            PackageManager::Deb => self.call(&["--no-act", "--install"], &files),
            PackageManager::Rpm => self.call(&["-U", "--test"], &files),
        })?;
        Ok(())
    }

    fn steps(&self) -> Vec<Part> {
        let files = self.new.files();
        match self.manager {
            PackageManager::Deb => {
                let names: Vec<String> = self
                    .new
                    .packages
                    .iter()
                    .map(|package| package.name.clone())
                    .collect();
                vec![
                    Part::new("unpack", self.call(&["--unpack"], &files), true),
                    Part::new("configure", self.call(&["--configure"], &names), true),
                ]
            }
            PackageManager::Rpm => vec![Part::new("install", self.call(&["-U"], &files), true)],
        }
    }

    fn back(&self, before: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.manager == PackageManager::Deb {
            // What a cut-off run left half configured is finished first.
            parts.push(Part::new(
                "pending",
                self.call(&["--configure", "--pending"], &[]),
                true,
            ));
        }
        let back = self.back.as_ref().filter(|back| back.version == before);
        let argv = match (back, self.manager) {
            (Some(back), PackageManager::Deb) => Some(self.call(&["--install"], &back.files())),
            (Some(back), PackageManager::Rpm) => {
                Some(self.call(&["-U", "--oldpackage", "--replacepkgs"], &back.files()))
            }
            (None, _) if before == ABSENT => Some(self.remove()),
            (None, _) => None, // There is no way back; the measurement will say so.
        };
        parts.extend(argv.map(|argv| Part::new("packages", argv, true)));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_are_safe_words() {
        for good in ["libc6", "g++-12", "python3.11", "Xorg_x"] {
            assert!(is_package_name(good), "{good}");
        }
        for bad in ["", "-r", "--root=/x", "a b", "../x", "a:amd64", "a\0"] {
            assert!(!is_package_name(bad), "{bad:?}");
        }
    }
}
