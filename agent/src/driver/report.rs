//! What the collector is told of this machine: changes against what it accepted last.

use super::TurnError;
use crate::config::Settings;
use crate::fingerprint::fingerprint;
use crate::inventory::{Watch, read_trees};
use crate::link::{Link, LinkError};
use crate::probe::{self, Loaded};
use crate::state;
use patchward_common::component::{
    ComponentSet, MAX_PACKED_BYTES, PackedComponents, PackedDelta, Source,
};
use patchward_common::digest::Digest;
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::probe::Readiness;
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::wire::machine::{Answer, InventoryContent, InventoryReport, Request};
use std::path::PathBuf;

/// The file in the agent's folder that holds the set that the collector accepted last.
const ACCEPTED: &str = "inventory";

/// Looks at the machine and reports what changed.
pub struct Reporter {
    watch: Watch,
    probes: Loaded,
    probes_dir: PathBuf,
    probes_owner: u32,
    root: PathBuf,
    trees_dir: PathBuf,
    accepted_file: PathBuf,
    look_every_ms: i64,
    looked_at: Option<UtcMs>,
    /// What the collector accepted last.
    accepted: Digest,
    /// The facts that it has.
    facts: Option<Digest>,
    facts_at: UtcMs,
    /// By what a copy of this machine is told, as of the last whole look.
    fingerprint: Digest,
    installer: Option<String>,
}

impl Reporter {
    /// A reporter that has not looked yet.
    pub fn new(settings: &Settings) -> Self {
        let accepted_file = settings.state_dir.join(ACCEPTED);
        let accepted = read_accepted(&accepted_file);
        Self {
            watch: Watch::new(settings.root_dir.clone(), settings.inventory.clone()),
            probes: Loaded::default(),
            probes_dir: settings.probes_dir.clone(),
            probes_owner: settings.probes_owner,
            root: settings.root_dir.clone(),
            trees_dir: settings.trees_dir.clone(),
            accepted: accepted.map_or_else(Digest::default, |set| set.digest()),
            accepted_file,
            look_every_ms: i64::from(settings.look_minutes) * MINUTE_MS,
            looked_at: None,
            facts: None,
            facts_at: UtcMs(0),
            fingerprint: Digest::default(),
            installer: None,
        }
    }

    /// Looks: at packages and files always, at what costs a process when that is due.
    pub async fn look(&mut self, now: UtcMs) {
        self.watch
            .replace(Source::Tree, read_trees(&self.trees_dir));
        let is_due = self
            .looked_at
            .is_none_or(|at| now.since_ms(at).saturating_abs() >= self.look_every_ms);
        if !is_due {
            self.watch.look_at_files();
            return;
        }
        self.looked_at = Some(now);
        self.probes = probe::load(&self.probes_dir, self.probes_owner);
        for refused in &self.probes.refused {
            tracing::warn!(%refused, "a probe is not used");
        }
        self.watch.look(&self.probes.probes).await;
        self.fingerprint = fingerprint(&self.root, self.facts());
    }

    /// The next look is at everything, and facts are told at once.
    pub fn look_again(&mut self) {
        self.looked_at = None;
        self.facts = None;
    }

    /// What the collector accepted last.
    pub fn accepted(&self) -> Digest {
        self.accepted
    }

    /// The facts as of the last look.
    pub fn facts(&self) -> &Facts {
        self.watch.facts()
    }

    /// By what a copy of this machine is told, as of the last whole look.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// What the readiness probes say; `None` without one.
    pub async fn is_ready(&self) -> Option<bool> {
        match probe::is_ready(&self.root, &self.probes.probes).await? {
            Readiness::Ready => Some(true),
            Readiness::NotReady => Some(false),
            // A probe that cannot tell is no reason to count on this machine.
            Readiness::Unknown(_) => Some(false),
        }
    }

    /// Whether the installer's version is known.
    pub(super) fn knows_installer(&self) -> bool {
        self.installer.is_some()
    }

    /// The installer's version, to be told with the next report.
    pub(super) fn set_installer(&mut self, version: String) {
        self.installer = Some(version);
    }

    /// Sends what the collector does not have. `is_stale`: it asked for all of it.
    pub(super) async fn report(
        &mut self,
        link: &Link,
        is_stale: bool,
        now: UtcMs,
    ) -> Result<(), TurnError> {
        let digest = self.watch.components_digest();
        let facts = self.watch.facts_digest();
        let has_components = digest == self.accepted && !is_stale;
        // Ports and services come and go; they are told with components, or now and then.
        let has_facts = match self.facts {
            None => false,
            Some(told) => told == facts || now.since_ms(self.facts_at) < self.look_every_ms,
        };
        if has_components && has_facts {
            return Ok(());
        }
        // Who asks for all of it may have lost the facts as well.
        let with_facts = is_stale || self.facts != Some(facts);
        let change = match is_stale {
            true => None,
            false => self.change(),
        };
        let is_change = change.is_some();
        let content = change.unwrap_or_else(|| self.whole());
        let mut answer = self.send(link, digest, content, with_facts).await?;
        if is_change && matches!(answer, Answer::SendWhole) {
            let whole = self.whole();
            answer = self.send(link, digest, whole, with_facts).await?;
        }
        match answer {
            Answer::Accepted(accepted) if accepted == digest => {
                self.keep();
                self.accepted = digest;
                self.facts = Some(facts);
                self.facts_at = now;
                Ok(())
            }
            // Neither ends the turn: the machine has more to say and to hear.
            Answer::Refused(refused) => {
                tracing::warn!(reason = refused.text, "the inventory was not taken");
                Ok(())
            }
            _ => Err(LinkError::Unexpected("an inventory").into()),
        }
    }

    /// Keeps the accepted set. Where it cannot be written, the next change has no base and
    /// all of it is sent.
    fn keep(&self) {
        let packed = PackedComponents::of(&self.watch.components());
        if let Err(error) = state::write(&self.accepted_file, packed.as_bytes()) {
            tracing::warn!(%error, "the reported inventory is not kept");
        }
    }

    /// What changed against the accepted set, which lies in a file and not in memory.
    fn change(&self) -> Option<InventoryContent> {
        let base = read_accepted(&self.accepted_file)?;
        let delta = base.delta_to(&self.watch.components());
        Some(InventoryContent::Change {
            base: base.digest(),
            delta: PackedDelta::of(&delta),
        })
    }

    fn whole(&self) -> InventoryContent {
        InventoryContent::Whole(PackedComponents::of(&self.watch.components()))
    }

    async fn send(
        &self,
        link: &Link,
        digest: Digest,
        content: InventoryContent,
        with_facts: bool,
    ) -> Result<Answer, LinkError> {
        let report = InventoryReport {
            digest,
            content,
            facts: with_facts.then(|| PackedFacts::of(self.facts())),
            installer: self.installer.clone(),
        };
        link.ask(&Request::Inventory(Box::new(report))).await
    }
}

fn read_accepted(file: &std::path::Path) -> Option<ComponentSet> {
    let bytes = state::read(file, MAX_PACKED_BYTES).ok()??;
    PackedComponents::from_bytes(bytes).unpack().ok()
}
