//! What a doctor reads in the store, without bringing its schema up to date.

use super::facts::Stored;
use crate::claims::sign;
use crate::config::Settings;
use crate::control::Failure;
use crate::rollout::clocks::{Clocks, MAX_APART_MS, Watch};
use crate::store::audit::ChainError;
use crate::store::copy::newest_schema;
use crate::store::documents::DocumentKind;
use crate::store::{Place, Store, View};
use crate::{authority, clock, planning};
use patchward_common::digest::Digest;
use std::time::Duration;

/// How long after the first look at collectors a second one shows which of them live: they give a
/// sign of it every two seconds.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) async fn look(
    place: &Place,
    settings: &Settings,
    fingerprint: Option<Digest>,
) -> Stored {
    let mut stored = Stored::default();
    let store = match place.look().await {
        Ok(store) => store,
        Err(error) => {
            stored.problem = Some(error.to_string());
            return stored;
        }
    };
    if let Err(failure) = read(&store, &mut stored, settings, fingerprint).await {
        stored.problem = Some(failure.text);
    }
    store.close().await;
    stored
}

async fn read(
    store: &Store,
    stored: &mut Stored,
    settings: &Settings,
    fingerprint: Option<Digest>,
) -> Result<(), Failure> {
    let mut view = store.view().await?;
    let (schema, known) = (view.schema_version().await?, newest_schema());
    stored.schema = Some((schema, known));
    stored.damage = view.damage().await?;
    if schema != known {
        // What this program asks for may not be there, or mean something else.
        return Ok(());
    }
    stored.stranger = match (view.collector().await?, view.authority().await?) {
        (Some(name), _) if name != settings.name => Some(format!(
            "it belongs to the collector \"{name}\", and the settings say \"{}\"",
            settings.name
        )),
        (None, _) => Some("it belongs to no collector".to_owned()),
        (_, Some(noted)) if fingerprint.is_some_and(|own| own != noted) => {
            Some("it belongs to another certificate authority than the folder".to_owned())
        }
        _ => None,
    };
    match view.verify_audit(None).await {
        Ok(head) => {
            let last = view.audit_before(head.seq + 1, 1).await?;
            stored.last_row = last.first().map(|row| row.at);
        }
        Err(ChainError::Broken(broken)) => stored.audit = Some(broken.to_string()),
        Err(ChainError::Store(error)) => return Err(error.into()),
    }
    stored.restored = view.restored().await?;
    for vendor in view.vendors().await? {
        let files = view.tuf_files(&vendor.repository).await?;
        if let Some(ends) = planning::metadata_expires(&files) {
            stored.metadata.push((vendor.name.to_string(), ends));
        }
    }
    documents(&mut view, stored, settings).await?;
    drop(view);
    collectors(store, stored).await
}

/// The collectors, and where the last sign of one is of another time than the others' or now's,
/// whether it is still or its clock is wrong.
async fn collectors(store: &Store, stored: &mut Stored) -> Result<(), Failure> {
    let mut watch = Watch::default();
    stored.clocks = clocks(store, stored, &mut watch, 0).await?;
    let now = clock::now();
    let told = stored.collectors.iter().map(|one| one.beat_at);
    let first = told.clone().min().unwrap_or(now).min(now);
    let last = told.max().unwrap_or(now).max(now);
    if last.since_ms(first) > MAX_APART_MS {
        let began = clock::begin();
        tokio::time::sleep(AGAIN).await;
        let later_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        stored.clocks = clocks(store, stored, &mut watch, later_ms).await?;
    }
    Ok(())
}

async fn clocks(
    store: &Store,
    stored: &mut Stored,
    watch: &mut Watch,
    at_ms: u64,
) -> Result<Clocks, Failure> {
    stored.collectors = store.view().await?.collectors().await?;
    let signs = stored.collectors.iter().map(sign);
    Ok(watch.look(signs, (at_ms, at_ms), clock::now()))
}

/// Charter and roster; before they are there nothing is wrong with them.
async fn documents(
    view: &mut View,
    stored: &mut Stored,
    settings: &Settings,
) -> Result<(), Failure> {
    if view.newest(DocumentKind::Roster).await?.is_none() {
        return Ok(());
    }
    let held = authority::held(view).await?;
    stored.charter_until = Some(held.charter.expires);
    stored.roster_until = Some(held.roster.expires);
    let own = held.roster.go_keys.iter();
    let own = own.filter(|key| key.collector == settings.name);
    stored.go_keys = own.map(|key| key.key.to_string()).collect();
    Ok(())
}
