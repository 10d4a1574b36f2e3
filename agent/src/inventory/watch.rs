//! Looking again, without reading again what did not change.
//!
//! An idle machine may spend 2 s of its processor a day; its packages change once a
//! week. So there are two looks: [`Watch::look_at_files`] costs a few `stat` calls and
//! may go with every hello; [`Watch::look`] starts processes, reads the kernel's tables
//! of sockets, and belongs once an hour and before and after a job.

use super::kept::Kept;
use super::{Inventory, InventorySettings, Stamp, dpkg, files, host, ports, rpm, services};
use crate::probe;
use patchward_common::component::{Component, ComponentSet, MAX_COMPONENTS, Source};
use patchward_common::digest::Digest;
use patchward_common::facts::{
    Facts, FileFact, FileState, MAX_LISTED, MAX_PORTS, MAX_SERVICES, Port, fit,
};
use patchward_common::probe::Probe;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a look found to be new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The components differ from the last look.
    pub components: bool,
    /// The facts differ from the last look.
    pub facts: bool,
}

/// The inventory of the machine below a root, kept up to date.
pub struct Watch {
    root: PathBuf,
    settings: InventorySettings,
    facts: Facts,
    components: Kept,
    dpkg: Option<Vec<Option<Stamp>>>,
    rpm: Option<Vec<Option<Stamp>>>,
    files: Vec<Option<(Stamp, FileState)>>,
    unfinished: Vec<String>,
    ports: Vec<Port>,
    /// Digests of the inventory, until it changes: an idle machine hashes nothing.
    digests: (Option<Digest>, Option<Digest>),
    /// What could not be read, by where it belongs.
    gaps: BTreeMap<Gap, Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Dpkg,
    Rpm,
    Probes,
    Ports,
    Facts,
    Limits,
}

impl Watch {
    /// A watch that has not looked yet; its inventory is empty.
    pub fn new(root: PathBuf, settings: InventorySettings) -> Self {
        Self {
            root,
            files: vec![None; settings.files.len()],
            settings,
            facts: Facts::default(),
            components: Kept::default(),
            dpkg: None,
            rpm: None,
            unfinished: Vec::new(),
            ports: Vec::new(),
            digests: (None, None),
            gaps: BTreeMap::new(),
        }
    }

    /// The facts as of the last look.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The components as of the last look, read from their rows.
    pub fn components(&self) -> ComponentSet {
        self.components.to_set()
    }

    /// The inventory as of the last look.
    pub fn inventory(&self) -> Inventory {
        Inventory {
            facts: self.facts.clone(),
            components: self.components(),
        }
    }

    /// The digest of the components as of the last look.
    pub fn components_digest(&mut self) -> Digest {
        let components = &self.components;
        *self
            .digests
            .0
            .get_or_insert_with(|| components.to_set().digest())
    }

    /// The digest of the facts as of the last look.
    pub fn facts_digest(&mut self) -> Digest {
        let facts = &self.facts;
        *self.digests.1.get_or_insert_with(|| facts.digest())
    }

    /// Looks at everything: files, ports, RPM packages where their database changed,
    /// and the versions that `probes` tell. Costs a process per probe.
    pub async fn look(&mut self, probes: &[Probe]) -> Change {
        let before = self.components_digest();
        let files = rpm::files(&self.root);
        let stamps = files.iter().map(|file| Stamp::at(file)).collect();
        if self.rpm.as_ref() != Some(&stamps) {
            let found = rpm::read(&self.root).await;
            self.rpm = found.is_ok().then_some(stamps);
            self.take(Gap::Rpm, Source::Rpm, found);
        }
        let (versions, gaps) = probe::versions(&self.root, probes).await;
        self.replace(Source::Probe, versions);
        self.gaps.insert(Gap::Probes, gaps);
        self.look_at_ports();
        let change = self.look_at_files();
        Change {
            components: before != self.components_digest(),
            ..change
        }
    }

    /// Looks at files. Takes a fraction of a millisecond when nothing changed.
    pub fn look_at_files(&mut self) -> Change {
        let components = self.look_at_packages();
        let facts = self.read_facts();
        let change = Change {
            components,
            facts: facts != self.facts,
        };
        if change.facts {
            self.facts = facts;
            self.digests.1 = None;
        }
        change
    }

    /// Replaces the components of one source: trees, which only the installer knows.
    pub fn replace(&mut self, source: Source, mut fresh: Vec<Component>) {
        let mut gaps = Vec::new();
        fresh.sort_unstable();
        fresh.dedup();
        fresh.retain(|component| match component.check() {
            Ok(()) => true,
            Err(error) => {
                gaps.push(error.to_string());
                false
            }
        });
        let others = self.components.count_beside(source);
        let room = MAX_COMPONENTS.saturating_sub(others);
        if fresh.len() > room {
            gaps.push(format!(
                "{} components, of which {MAX_COMPONENTS} are reported",
                others + fresh.len()
            ));
            fresh.truncate(room);
        }
        let fresh = ComponentSet::new(fresh).unwrap_or_default();
        if self.components.replace(source, &fresh) {
            self.digests.0 = None;
        }
        let limits = self.gaps.entry(Gap::Limits).or_default();
        limits.retain(|gap| !gap.starts_with(source.word()));
        limits.extend(
            gaps.into_iter()
                .map(|gap| format!("{}: {gap}", source.word())),
        );
    }

    /// Keeps the last good list of a source that cannot be read now, beside the gap:
    /// packages do not vanish because a disk is full.
    fn take(&mut self, gap: Gap, source: Source, found: Result<Vec<Component>, String>) {
        match found {
            Ok(fresh) => {
                self.replace(source, fresh);
                self.gaps.remove(&gap);
            }
            Err(why) => {
                self.gaps
                    .insert(gap, vec![format!("{}: {why}", source.word())]);
            }
        }
    }

    fn look_at_packages(&mut self) -> bool {
        let folder = self.root.join(dpkg::FOLDER);
        let stamps = ["status", "updates"].map(|name| Stamp::at(&folder.join(name)));
        if self.dpkg.as_deref() == Some(&stamps) {
            return false;
        }
        let before = self.components_digest();
        let found = dpkg::read(&self.root).map(Option::unwrap_or_default);
        // A list that could not be read is not known, whatever its file's stamp says.
        self.dpkg = found.is_ok().then(|| stamps.to_vec());
        if let Ok(packages) = &found {
            self.unfinished.clone_from(&packages.unfinished);
        }
        let found = found.map(|packages| packages.installed);
        self.take(Gap::Dpkg, Source::Deb, found.map_err(|e| e.to_string()));
        self.replace(Source::Firmware, host::firmware(&self.root));
        before != self.components_digest()
    }

    /// Reads the listening ports, where the settings ask for them.
    pub(super) fn look_at_ports(&mut self) {
        if self.settings.ports {
            let (mut ports, mut gaps) = ports::read(&self.root);
            cut(&mut ports, MAX_PORTS, "listening ports", &mut gaps);
            self.ports = ports;
            self.gaps.insert(Gap::Ports, gaps);
        }
    }

    fn read_facts(&mut self) -> Facts {
        let mut facts = Facts::default();
        let mut gaps = Vec::new();
        host::read(&self.root, &mut facts);
        if self.settings.services {
            facts.services = services::read(&self.root);
            cut(&mut facts.services, MAX_SERVICES, "services", &mut gaps);
        }
        facts.ports.clone_from(&self.ports);
        facts.files = self.look_at_chosen();
        facts.unfinished.clone_from(&self.unfinished);
        cut(
            &mut facts.unfinished,
            MAX_LISTED,
            "unfinished packages",
            &mut gaps,
        );
        self.gaps.insert(Gap::Facts, gaps);
        facts.gaps = self.gaps.values().flatten().map(|gap| fit(gap)).collect();
        if facts.gaps.len() > MAX_LISTED {
            let more = facts.gaps.len() - (MAX_LISTED - 1);
            facts.gaps.truncate(MAX_LISTED - 1);
            facts.gaps.push(format!("and {more} more"));
        }
        for text in facts.services.iter_mut().chain(&mut facts.unfinished) {
            *text = fit(text);
        }
        facts
    }

    fn look_at_chosen(&mut self) -> Vec<FileFact> {
        let mut facts = Vec::new();
        for (path, last) in self.settings.files.iter().zip(&mut self.files) {
            let below = path.strip_prefix("/").unwrap_or(path);
            let place: &Path = &self.root.join(below);
            let (stamp, found) = files::look(place, self.settings.max_file_bytes, *last);
            *last = stamp.map(|stamp| (stamp, found));
            facts.push(FileFact {
                path: fit(&path.to_string_lossy()),
                found,
            });
        }
        facts
    }
}

fn cut<T>(list: &mut Vec<T>, limit: usize, what: &str, gaps: &mut Vec<String>) {
    if list.len() > limit {
        gaps.push(format!(
            "{} {what}, of which {limit} are reported",
            list.len()
        ));
        list.truncate(limit);
    }
}
