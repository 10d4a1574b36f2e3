//! `init`: a new collector's folder.

use crate::cli::Init;
use crate::clock;
use crate::config::Settings;
use crate::fleet::ca::Authority;
use crate::folder::Folder;
use crate::store::{Actor, Place, Store};
use anyhow::{Context as _, bail};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use patchward_common::trust::sign::PublicKey;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes the folder and everything in it; gives back what a person has to carry on.
pub async fn init(folder: &Folder, init: Init) -> anyhow::Result<String> {
    let path = folder.path();
    if std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(
            "{} is not empty; a new collector needs a folder of its own, nothing was changed",
            path.display()
        );
    }
    for made in [path, &folder.authority()] {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(made)
            .with_context(|| format!("making {}", made.display()))?;
    }
    let settings = Settings {
        name: init.name,
        listen: init.listen,
        addresses: init.addresses,
        database: init.database,
        pace_seconds: init.pace_seconds,
    };
    let now = clock::now();
    Authority::init(&folder.authority(), &settings.name, now)
        .context("making the certificate authority")?;
    let key = new_go_key(&folder.go_key()).context("making the go-key")?;
    let store = Store::open(&place(folder, &settings)).await?;
    let mut change = store.change(Actor::Collector, now).await?;
    change.name_collector(&settings.name).await?;
    change.commit().await?;
    store.close().await;
    // Last: its presence says that all of it is there.
    let text = toml::to_string_pretty(&settings).context("writing the settings")?;
    std::fs::write(folder.settings(), text).context("writing the settings")?;
    Ok(format!(
        "Collector {} is ready in {}.\n\
         Its go-key for the roster: {key}\n\
         Next: make root, charter and roster with patchward-sign, start `patchward-collector \
         serve`, and take them in with `document add`.",
        settings.name,
        path.display()
    ))
}

/// Where the database is.
pub fn place(folder: &Folder, settings: &Settings) -> Place {
    match &settings.database {
        Some(url) => Place::Postgres { url: url.clone() },
        None => Place::Sqlite {
            path: folder.database(),
            max_pages: None,
        },
    }
}

fn new_go_key(path: &Path) -> anyhow::Result<PublicKey> {
    let secret = zeroize::Zeroizing::new(rand::random::<[u8; 32]>());
    let key = SigningKey::from_bytes(&secret);
    let pem = key.to_pkcs8_pem(LineEnding::LF)?;
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    Ok(PublicKey::of(&key))
}

/// Reads the go-key.
pub fn go_key(path: &Path) -> anyhow::Result<SigningKey> {
    let pem = zeroize::Zeroizing::new(
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?,
    );
    SigningKey::from_pkcs8_pem(&pem).with_context(|| format!("{} is no key", path.display()))
}
