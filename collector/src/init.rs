//! `init`: a new collector's folder.

use crate::account::LINK_MS;
use crate::cli::Init;
use crate::clock;
use crate::config::Settings;
use crate::control::{Cell, Failure, Output, Report};
use crate::fleet::ca::Authority;
use crate::folder::{self, Folder};
use crate::secret::Secret;
use crate::store::{Actor, Place, Store};
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use patchward_common::time::HOUR_MS;
use patchward_common::trust::sign::PublicKey;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Made by the package, and named by its nightly service.
const BACKUPS: &str = "/var/backups/patchward";

/// Makes the folder and everything in it; says what a person has to carry on. Where
/// something fails, nothing of it stays.
pub async fn init(folder: &Folder, init: Init) -> Result<Output, Failure> {
    let path = folder.path();
    let there = match std::fs::read_dir(path) {
        Ok(mut entries) => Some(entries.next().is_none()),
        Err(_) => None,
    };
    if there == Some(false) {
        return Err(Failure::conflict(format!(
            "{} is not empty; a new collector needs a folder of its own, nothing was changed",
            path.display()
        )));
    }
    let settings = Settings {
        name: init.name,
        listen: init.listen,
        addresses: init.addresses,
        database: init.database,
        pace_seconds: init.pace_seconds,
        web_listen: init.web_listen.0,
        web_address: init.web_address,
        second_factor: init.second_factor,
        backup_folder: backups_of_package(path),
        ..Settings::default()
    };
    settings.check().map_err(Failure::input)?;
    let (key, secret) = match fill(folder, &settings).await {
        Ok(made) => made,
        Err(error) => {
            folder.clear(there.is_none());
            return Err(error.into());
        }
    };
    let link = settings.web_link(&format!("/welcome/{}", secret.text()));
    let mut text = format!(
        "Collector {} is ready in {}.\n\
         Its go-key for the roster: {key}\n\
         Next: start it (`systemctl start patchward-collector` where the package runs it, \
         `patchward-collector serve` elsewhere). `patchward-collector setup` then says what comes \
         next, beginning with root, charter and roster.",
        settings.name,
        path.display()
    );
    if settings.web_listen.is_some() {
        text.push_str(&format!(
            "\nThe first administrator opens this link, once, within {} hours:\n{link}",
            LINK_MS / HOUR_MS
        ));
    }
    let parts = [
        ("collector", Cell::of(&settings.name)),
        ("folder", Cell::of(path.display())),
        ("go_key", Cell::of(key)),
        ("listen", Cell::of(settings.listen)),
        ("page", Cell::maybe(settings.web_listen.map(|_| link))),
        ("addresses", Cell::List(settings.addresses)),
    ];
    Ok(Output::Report(Report::new(parts, text)))
}

/// Where the package's unit makes a backup every night; `None` where this is not the package's
/// collector, to whose user that folder belongs.
fn backups_of_package(folder: &Path) -> Option<PathBuf> {
    let (own, backups) = (folder.metadata().ok()?, Path::new(BACKUPS));
    let is_its_own = backups.metadata().ok()?.uid() == own.uid();
    is_its_own.then(|| backups.to_owned())
}

async fn fill(folder: &Folder, settings: &Settings) -> anyhow::Result<(PublicKey, Secret)> {
    for made in [folder.path(), &folder.authority()] {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(made)
            .map_err(|error| {
                Failure::unavailable(format!("{} cannot be made: {error}", made.display()))
            })?;
    }
    // First: it may be elsewhere, and may belong to somebody.
    let store = Store::create(&place(folder, settings))
        .await
        .context("making the database")?;
    let filled = keys(folder, settings, &store).await;
    store.close().await;
    let filled = filled?;
    folder.give()?;
    Ok(filled)
}

async fn keys(
    folder: &Folder,
    settings: &Settings,
    store: &Store,
) -> anyhow::Result<(PublicKey, Secret)> {
    let now = clock::now();
    let mut change = store.change(Actor::Collector, now).await?;
    change.name_collector(&settings.name).await?;
    let authority = Authority::init(&folder.authority(), &settings.name, now)
        .context("making the certificate authority")?;
    change.note_authority(&authority.fingerprint()).await?;
    let key = folder::new_key(&folder.go_key()).context("making the go-key")?;
    let text = settings.written().map_err(anyhow::Error::msg);
    let text = text.context("writing the settings")?;
    std::fs::write(folder.settings(), text).context("writing the settings")?;
    let secret = Secret::new();
    let until = now.plus_ms(LINK_MS);
    change.add_account_link(&secret.hash(), None, until).await?;
    // Last: from now on the database belongs to this folder.
    change.commit().await?;
    Ok((key, secret))
}

/// Where the database is.
pub fn place(folder: &Folder, settings: &Settings) -> Place {
    Place::of(settings.database.as_deref(), folder.database())
}

/// Reads the go-key.
pub fn go_key(path: &Path) -> anyhow::Result<SigningKey> {
    folder::read_key(path)
}
