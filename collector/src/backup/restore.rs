//! Coming back from a backup, into an empty folder.

use super::files::{self, Steps};
use super::manifest::Manifest;
use super::{DATABASE, FILES, failed, verify};
use crate::config::Settings;
use crate::control::Failure;
use crate::folder::Folder;
use crate::store::{Actor, Place, Store, StoreError};
use patchward_common::settings::MAX_SETTINGS_BYTES;
use patchward_common::time::UtcMs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The word for a database in the folder.
const SQLITE: &str = "sqlite";
/// The name of the copy from which a server is filled.
const FILLING: &str = "filling.sqlite";

/// Makes a collector's folder out of a backup, which is read back first. The settings come last:
/// without them nobody can serve what is half there.
///
/// # Errors
/// Where the folder has something in it, the backup is not whole, or something cannot be
/// written; then nothing of it stays in the folder.
pub async fn restore(
    backup: &Path,
    folder: &Folder,
    database: Option<&str>,
    now: UtcMs,
) -> Result<Manifest, Failure> {
    let path = folder.path();
    let there = match std::fs::read_dir(path) {
        Ok(mut entries) => Some(entries.next().is_none()),
        Err(_) => None,
    };
    if there == Some(false) {
        return Err(Failure::conflict(format!(
            "{} has something in it; a restored collector needs a folder of its own, nothing was \
             changed",
            path.display()
        )));
    }
    let was_there = there.is_some();
    let manifest = verify(backup).await?.manifest;
    let restored = fill(backup, folder, &manifest, database, now).await;
    if restored.is_err() {
        folder.clear(!was_there);
    }
    restored.map(|()| manifest)
}

async fn fill(
    backup: &Path,
    folder: &Folder,
    manifest: &Manifest,
    database: Option<&str>,
    now: UtcMs,
) -> Result<(), Failure> {
    files::make_folder(folder.path())?;
    let settings = settings(backup, folder, database)?;
    let mut steps = Steps::begin();
    let last = folder.settings();
    for (name, entry) in &manifest.files {
        let Some(inner) = name
            .strip_prefix(FILES)
            .and_then(|name| name.strip_prefix('/'))
        else {
            continue;
        };
        let to = folder.path().join(inner);
        if to != last {
            whole(&backup.join(name), &to, *entry, &mut steps)?;
        }
    }
    let of = manifest.files.get(DATABASE);
    let of = of.ok_or_else(|| Failure::input(format!("it has no {DATABASE}")))?;
    let file = match &settings.database {
        None => folder.database(),
        Some(_) => folder.path().join(FILLING),
    };
    whole(&backup.join(DATABASE), &file, *of, &mut steps)?;
    // Brings an older schema up to date.
    let store = Store::open(&Place::of(None, file.clone())).await?;
    let store = match &settings.database {
        None => store,
        Some(url) => {
            let server = server(&store, url, &mut steps).await;
            store.close().await;
            for beside in ["", "-wal", "-shm"] {
                let mut name = file.clone().into_os_string();
                name.push(beside);
                let _ = std::fs::remove_file(name);
            }
            server?
        }
    };
    let marked = mark(&store, Some(manifest.taken_at), now).await;
    store.close().await;
    marked?;
    let text = settings
        .written()
        .map_err(|error| Failure::input(format!("the settings cannot be written: {error}")))?;
    let text = match database {
        // As people wrote it, with their comments.
        None => std::fs::read(settings_of(backup))
            .map_err(|error| failed("read", &settings_of(backup), &error))?,
        Some(_) => text.into_bytes(),
    };
    let written = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&last)
        .and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
    written.map_err(|error| failed("write", &last, &error))?;
    files::sync_folders(folder.path())
}

/// Copies a file, and sees that it is still the one that was read back.
fn whole(
    from: &Path,
    to: &Path,
    entry: super::manifest::Entry,
    steps: &mut Steps,
) -> Result<(), Failure> {
    match files::copy(from, to, steps)? {
        Some(copied) if copied == entry => Ok(()),
        _ => Err(Failure::conflict(format!(
            "{} has changed since it was read back",
            from.display()
        ))),
    }
}

fn settings_of(backup: &Path) -> std::path::PathBuf {
    backup.join(FILES).join("collector.toml")
}

/// The settings of the backup, with another database where one is named.
fn settings(backup: &Path, folder: &Folder, database: Option<&str>) -> Result<Settings, Failure> {
    let path = settings_of(backup);
    let bytes = std::fs::read(&path).map_err(|error| failed("read", &path, &error))?;
    if bytes.len() > MAX_SETTINGS_BYTES {
        return Err(Failure::input(format!("{} is too large", path.display())));
    }
    let mut settings = Settings::parse(&bytes)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
    settings.database = match database {
        None => settings.database,
        Some(SQLITE) => None,
        Some(url) => Some(url.to_owned()),
    };
    let is_inside = |path: &Path| path.starts_with(folder.path());
    if settings.backup_folder.as_deref().is_some_and(is_inside) {
        return Err(Failure::input(format!(
            "the backups of this collector lie in {}, so it cannot be restored there",
            folder.path().display()
        )));
    }
    Ok(settings)
}

/// Fills a server's database, which has to be empty, with what a file holds.
async fn server(from: &Store, url: &str, steps: &mut Steps) -> Result<Store, Failure> {
    let place = Place::Postgres {
        url: url.to_owned(),
    };
    match place.look().await {
        Err(StoreError::NoDatabase(_)) => {}
        Err(error) => return Err(error.into()),
        Ok(there) => {
            let found = there.view().await?.collector().await;
            there.close().await;
            // A restore that was cut off leaves one of nobody's.
            if found?.is_some() {
                return Err(Failure::conflict(
                    "the database that the settings name holds a collector already; name an \
                     empty one with --database",
                ));
            }
        }
    }
    let store = Store::create(&place).await?;
    let mut view = from.view().await?;
    let filled = store
        .fill_from(&mut view, async || steps.rest().await)
        .await;
    drop(view);
    match filled {
        Ok(_) => Ok(store),
        Err(error) => {
            store.close().await;
            Err(error.into())
        }
    }
}

async fn mark(store: &Store, of: Option<UtcMs>, now: UtcMs) -> Result<(), Failure> {
    let user = Actor::Local(rustix::process::getuid().as_raw());
    let mut change = store.change(user, now).await?;
    change.mark_restored(of).await?;
    change.commit().await?;
    Ok(())
}

/// Says of a collector's database that it was put back by other means than ours.
///
/// # Errors
/// Where it cannot be opened.
pub async fn put_back(place: &Place, now: UtcMs) -> Result<(), Failure> {
    let store = Store::open(place).await?;
    let marked = mark(&store, None, now).await;
    store.close().await;
    marked
}
