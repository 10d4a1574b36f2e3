//! Making a backup, beside a collector that runs.

use super::files::{self, Steps};
use super::manifest::{Entry, FORMAT, Manifest};
use super::{DATABASE, FILES, MANIFEST, PARTIAL, all, failed, is_partial, verify};
use crate::config::Settings;
use crate::control::Failure;
use crate::folder::Folder;
use crate::store::Place;
use patchward_common::time::UtcMs;
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Held by who makes a backup in a folder.
const LOCK: &str = ".lock";

/// Most backups of one second: each takes longer than a tenth of it.
const MOST_IN_A_SECOND: u32 = 10;

/// What is backed up, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The collector's folder.
    pub folder: &'a Folder,
    /// Its settings.
    pub settings: &'a Settings,
    /// The folder of backups.
    pub to: &'a Path,
    /// How many are kept there.
    pub keep: u32,
}

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// How many of its files the backup before has too.
    pub shared: usize,
    /// Older ones that made room.
    pub removed: Vec<PathBuf>,
}

/// Makes a backup and reads it back. Where anything fails, nothing of it stays, and no older one
/// goes.
///
/// # Errors
/// Where something cannot be read or written, or what was written is not what was read.
pub async fn make(asked: Asked<'_>, now: UtcMs) -> Result<Made, Failure> {
    let to = asked.to;
    if to.starts_with(asked.folder.path()) {
        return Err(Failure::input(format!(
            "{} lies in the collector's own folder: what takes the one takes the other too; name \
             a folder on another disk",
            to.display()
        )));
    }
    files::make_folder(to)?;
    let _lock = lock(to)?;
    sweep(to);
    let before = all(to)?;
    let path = free_name(to, asked.settings, now)?;
    let partial = with_partial(&path);
    let (manifest, shared) = match write(asked, &partial, &before, now).await {
        Ok(written) => written,
        Err(error) => {
            // What was begun is worth nothing; the error says the rest.
            let _ = std::fs::remove_dir_all(&partial);
            return Err(error);
        }
    };
    std::fs::rename(&partial, &path).map_err(|error| failed("rename", &partial, &error))?;
    files::sync(to)?;
    let removed = prune(to, &path, &manifest, asked.keep)?;
    Ok(Made {
        path,
        manifest,
        shared,
        removed,
    })
}

/// A name that no backup has: two may be made in one second.
fn free_name(to: &Path, settings: &Settings, now: UtcMs) -> Result<PathBuf, Failure> {
    let stamp = now.to_string().replace(':', "-");
    let first = format!("{}-{stamp}", settings.name);
    let names = (2..=MOST_IN_A_SECOND).map(|number| format!("{first}-{number}"));
    let mut paths = std::iter::once(first.clone())
        .chain(names)
        .map(|name| to.join(name));
    paths
        .find(|path| !path.exists())
        .ok_or_else(|| Failure::conflict(format!("{} has too many of {first}", to.display())))
}

fn with_partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    PathBuf::from(name)
}

/// One backup at a time in a folder.
fn lock(to: &Path) -> Result<File, Failure> {
    let path = to.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed("write", &path, &error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::unavailable(format!(
            "another backup is being made in {}; wait until it is done",
            to.display()
        ))),
    }
}

/// Takes away what a backup left that was cut off.
fn sweep(to: &Path) {
    for entry in std::fs::read_dir(to).into_iter().flatten().flatten() {
        if is_partial(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

async fn write(
    asked: Asked<'_>,
    partial: &Path,
    before: &[(PathBuf, Manifest)],
    now: UtcMs,
) -> Result<(Manifest, usize), Failure> {
    files::make_folder(partial)?;
    let mut steps = Steps::begin();
    let mut manifest = database(asked, partial, &mut steps, now).await?;
    // After the database: what its rows name lies in the folder by then.
    let shared = own_files(asked, partial, before, &mut manifest, &mut steps)?;
    let path = partial.join(MANIFEST);
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(&manifest.to_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| failed("write", &path, &error))?;
    files::sync_folders(partial)?;
    verify(partial).await?;
    Ok((manifest, shared))
}

/// The store, as one state of it.
async fn database(
    asked: Asked<'_>,
    partial: &Path,
    steps: &mut Steps,
    now: UtcMs,
) -> Result<Manifest, Failure> {
    let url = asked.settings.database.as_deref();
    let store = Place::of(url, asked.folder.database()).look().await?;
    let mut view = store.view().await?;
    let collector = view.collector().await?.ok_or_else(|| {
        Failure::conflict("the database belongs to no collector; `init` did not make it")
    })?;
    let path = partial.join(DATABASE);
    let rows = view
        .copy_to_file(&path, async || steps.rest().await)
        .await?;
    let (schema, audit) = (view.schema_version().await?, view.audit_head().await?);
    let engine = store.engine().to_owned();
    drop(view);
    store.close().await;
    files::sync(&path)?;
    let entry = files::read_back(&path, steps)?;
    Ok(Manifest {
        format: FORMAT,
        collector,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: now,
        engine,
        schema,
        audit,
        rows,
        files: BTreeMap::from([(DATABASE.to_owned(), entry)]),
        outside: outside(asked.folder, asked.settings),
    })
}

/// Files that the settings name and that do not lie in the collector's folder.
fn outside(folder: &Folder, settings: &Settings) -> Vec<String> {
    let named = [
        &settings.web_certificate,
        &settings.web_key,
        &settings.smtp_password_file,
        &settings.oidc_secret_file,
    ];
    let named = named.into_iter().flatten();
    let outside = named.filter(|path| !path.starts_with(folder.path()));
    outside.map(|path| path.display().to_string()).collect()
}

/// The collector's folder but for the database, its socket and what is fetched in part; gives
/// back how many files the backup before has too.
fn own_files(
    asked: Asked<'_>,
    partial: &Path,
    before: &[(PathBuf, Manifest)],
    manifest: &mut Manifest,
    steps: &mut Steps,
) -> Result<usize, Failure> {
    let own = asked.folder;
    let database = own.database();
    let of_database = |path: &Path| {
        let path = own.path().join(path);
        let text = path.as_os_str().as_encoded_bytes();
        // With its write-ahead log and what else SQLite keeps beside it.
        text.starts_with(database.as_os_str().as_encoded_bytes())
    };
    let (in_part, artifacts) = (own.partial(), own.artifacts());
    let found = files::below(own.path(), |path| {
        of_database(path) || own.path().join(path) == in_part
    })?;
    let mut shared = 0;
    for relative in found {
        let (from, inner) = (own.path().join(&relative), Path::new(FILES).join(&relative));
        let (to, name) = (partial.join(&inner), inner.to_string_lossy().into_owned());
        if from.starts_with(&artifacts)
            && let Some(entry) = share(before, &name, &from, &to, steps)
        {
            shared += 1;
            manifest.files.insert(name, entry);
        } else if let Some(entry) = files::copy(&from, &to, steps)? {
            manifest.files.insert(name, entry);
        }
    }
    Ok(shared)
}

/// Gives a file of the newest backup another name, where it is the same: an artifact's name is
/// the digest of its bytes, so one that is whole is the one that is wanted.
fn share(
    before: &[(PathBuf, Manifest)],
    name: &str,
    from: &Path,
    to: &Path,
    steps: &mut Steps,
) -> Option<Entry> {
    let (path, known) = before
        .iter()
        .find_map(|(path, manifest)| Some((path, manifest.files.get(name)?)))?;
    let is_same_length = from.metadata().ok()?.len() == known.bytes;
    let is_named_so = from.file_name()?.to_str()? == known.sha256.to_string();
    if !is_same_length || !is_named_so {
        return None;
    }
    let old = path.join(name);
    // One that has become damaged there is copied anew.
    files::read_back(&old, steps)
        .ok()
        .filter(|read| read == known)?;
    files::make_folder(to.parent()?).ok()?;
    // A disk without such names takes a copy.
    std::fs::hard_link(&old, to).ok()?;
    Some(*known)
}

/// Lets the oldest backups of this collector go; the newest never does.
fn prune(to: &Path, newest: &Path, of: &Manifest, keep: u32) -> Result<Vec<PathBuf>, Failure> {
    let own = all(to)?.into_iter();
    let own = own.filter(|(path, manifest)| manifest.collector == of.collector && path != newest);
    let kept = usize::try_from(keep.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut removed = Vec::new();
    for (path, _) in own.skip(kept) {
        // Under another name first: what is half gone is no backup.
        let going = with_partial(&path);
        let gone = std::fs::rename(&path, &going).and_then(|()| std::fs::remove_dir_all(&going));
        gone.map_err(|error| failed("remove", &path, &error))?;
        removed.push(path);
    }
    Ok(removed)
}
