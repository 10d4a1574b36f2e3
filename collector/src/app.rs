//! The running collector: what commands, pages and reconcilers share.

use crate::authority;
use crate::claims::Claims;
use crate::clock;
use crate::command::{Caller, Snapshots};
use crate::config::Settings;
use crate::control::Failure;
use crate::fleet::FleetHandle;
use crate::folder::Folder;
use crate::matching::Kept;
use crate::planning::Assigned;
use crate::reconcile::Pulse;
use crate::snapshot::Behind;
use crate::store::{Change, Store};
use crate::vendor::artifact::Artifacts;
use ed25519_dalek::SigningKey;
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::RootKeys;
use patchward_common::trust::sign::PublicKey;

/// The running collector.
pub struct App {
    /// Its folder.
    pub folder: Folder,
    /// Its settings.
    pub settings: Settings,
    /// Its memory.
    pub store: Store,
    /// The machines on the network.
    pub fleet: FleetHandle,
    /// The bytes of releases.
    pub artifacts: Artifacts,
    /// What the hospital has, for matching advisories.
    pub matching: Kept,
    /// What is assigned.
    pub assigned: Assigned,
    /// What was gathered for pages.
    pub snapshots: Snapshots,
    /// Gathers what nobody waits for.
    pub behind: Behind,
    /// Signs go, and stops by IT.
    pub go_signing_key: SigningKey,
    /// When its own tasks last came round.
    pub pulse: Pulse,
    /// What of the work that must happen once is this collector's.
    pub claims: Claims,
}

impl App {
    /// The time now.
    pub fn now(&self) -> UtcMs {
        clock::now()
    }

    /// Opens a change by a caller.
    pub async fn change(&self, caller: &Caller) -> Result<Change, Failure> {
        Ok(self.store.change(caller.actor.clone(), self.now()).await?)
    }

    /// The public half of the go-key: what the roster names.
    pub fn go_key(&self) -> PublicKey {
        PublicKey::of(&self.go_signing_key)
    }

    /// The root keys that machines pin.
    pub async fn hospital_root(&self) -> Result<RootKeys, Failure> {
        let chain = authority::chain(&mut self.store.view().await?).await?;
        chain.map(|chain| chain.root).ok_or_else(|| {
            Failure::conflict(
                "A machine pins the hospital root, and there is no charter yet: take it in first \
                 with `document add`.",
            )
        })
    }
}
