//! The collector's go-key, and the next one while it waits for a roster that names it.
//!
//! The change is made at a start, so that nothing signs with two keys: `go-next.key` takes the
//! place of `go.key` once the roster in force names it.

use crate::authority;
use crate::folder::{self, Folder};
use crate::store::{Actor, Store, View};
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::PublicKey;
use serde_json::json;

/// The public half of the next go-key, where there is one.
pub fn next(folder: &Folder) -> anyhow::Result<Option<PublicKey>> {
    let path = folder.next_go_key();
    match path.exists() {
        true => Ok(Some(PublicKey::of(&folder::read_key(&path)?))),
        false => Ok(None),
    }
}

/// The key that signs go from this start on.
pub async fn at_start(folder: &Folder, store: &Store, now: UtcMs) -> anyhow::Result<SigningKey> {
    let current = folder::read_key(&folder.go_key())?;
    let path = folder.next_go_key();
    if !path.exists() {
        return Ok(current);
    }
    let next = folder::read_key(&path)?;
    let key = PublicKey::of(&next);
    if !is_named(&mut store.view().await?, &key, now).await {
        return Ok(current);
    }
    let mut change = store.change(Actor::Collector, now).await?;
    let old = json!({ "old": PublicKey::of(&current).to_string() });
    change.note("collector.go_key", key, &old);
    change.commit().await?;
    // On record first: cut off here, the next start does it again.
    let to = folder.go_key();
    let moved =
        std::fs::rename(&path, &to).and_then(|()| std::fs::File::open(folder.path())?.sync_all());
    moved.with_context(|| format!("writing {}", to.display()))?;
    tracing::info!(key = %key, "the next go-key signs from now on");
    Ok(next)
}

/// Whether the roster in force names this key as a go-key that counts now.
pub async fn is_named(view: &mut View, key: &PublicKey, now: UtcMs) -> bool {
    // Without a roster that can be followed no key is named.
    let held = authority::held(view).await;
    held.is_ok_and(|held| held.roster.live_go_keys(now).contains(key))
}
