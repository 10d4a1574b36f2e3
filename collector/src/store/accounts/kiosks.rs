//! What is no account and lets somebody in, or asks to: the ward's links, and the keys of
//! browsers that wait for a registrar.

use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde_json::json;

/// A ward's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kiosk {
    /// What people call it.
    pub name: Name,
    /// Its unit.
    pub unit: Name,
    /// When it was made.
    pub made_at: UtcMs,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
}
from_row!(Kiosk {
    name,
    unit,
    made_at,
    ended_at
});

/// A browser's key that somebody asks to have taken into the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// The public key, as the roster's description writes it.
    pub key: String,
    /// Whose.
    pub account: Name,
    /// When it was asked.
    pub asked_at: UtcMs,
}
from_row!(KeyRequest {
    key,
    account,
    asked_at
});

impl View {
    /// Every ward's link, by name.
    pub async fn kiosks(&mut self) -> Result<Vec<Kiosk>, StoreError> {
        self.tx
            .all(
                "SELECT name, unit, made_at, ended_at FROM kiosks ORDER BY name",
                args![],
            )
            .await
    }

    /// The ward's link with this secret, if it has not ended.
    pub async fn kiosk_by_secret(
        &mut self,
        secret_hash: &Digest,
    ) -> Result<Option<Kiosk>, StoreError> {
        self.tx
            .first(
                "SELECT name, unit, made_at, ended_at FROM kiosks
                 WHERE secret_hash = $1 AND ended_at IS NULL",
                args![secret_hash],
            )
            .await
    }

    /// The keys that browsers asked for and nobody dropped, the oldest first.
    pub async fn key_requests(&mut self) -> Result<Vec<KeyRequest>, StoreError> {
        self.tx
            .all(
                "SELECT key, account, asked_at FROM key_requests WHERE dropped_at IS NULL
                 ORDER BY asked_at, key",
                args![],
            )
            .await
    }
}

impl Change {
    /// Makes a ward's link.
    pub async fn add_kiosk(
        &mut self,
        name: &Name,
        unit: &Name,
        secret_hash: &Digest,
    ) -> Result<(), StoreError> {
        self.view().need_unit(unit).await?;
        let now = self.now();
        let added = self
            .step("kiosk.add", name, json!({ "unit": unit }))
            .execute(
                "INSERT INTO kiosks (name, unit, secret_hash, made_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                args![name, unit, secret_hash, now],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("there is, or was, a ward's link {name} already"))
        })
    }

    /// Ends a ward's link.
    pub async fn end_kiosk(&mut self, name: &Name) -> Result<(), StoreError> {
        let now = self.now();
        let ended = self
            .step("kiosk.end", name, json!({}))
            .execute(
                "UPDATE kiosks SET ended_at = $2 WHERE name = $1 AND ended_at IS NULL",
                args![name, now],
            )
            .await?;
        self.done_if(ended, || StoreError::NotFound {
            what: "ward's link",
            name: name.to_string(),
        })
    }

    /// Asks for a browser's key to be taken into the roster.
    pub async fn request_key(&mut self, account: &Name, key: &str) -> Result<(), StoreError> {
        let now = self.now();
        let asked = self
            .step("key.request", account, json!({ "key": key }))
            .execute(
                "INSERT INTO key_requests (key, account, asked_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                args![key, account, now],
            )
            .await?;
        self.done_if(asked, || {
            StoreError::conflict("this key was asked for already".to_owned())
        })
    }
}
