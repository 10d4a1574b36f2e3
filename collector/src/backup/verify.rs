//! Reading a backup back: each file against its digest, the database as a database, and the
//! audit log row by row.

use super::files::{self, Steps};
use super::manifest::Manifest;
use super::{DATABASE, FILES, MANIFEST};
use crate::control::Failure;
use crate::store::audit::{ChainError, Head};
use crate::store::copy::newest_schema;
use crate::store::{Place, View};
use std::path::{Path, PathBuf};

/// Most problems that are named; one is enough to take another backup.
const NAMED: usize = 8;

/// A backup that was read back and is whole.
#[derive(Debug)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Manifest,
    /// How many bytes were read.
    pub bytes: u64,
}

/// Reads all of a backup.
///
/// # Errors
/// Where anything of it is missing, damaged, or not what the manifest says; it names what.
pub async fn verify(backup: &Path) -> Result<Verified, Failure> {
    let manifest = Manifest::read(backup)?;
    let mut steps = Steps::begin();
    let mut problems = Vec::new();
    let mut bytes = 0;
    for (name, entry) in &manifest.files {
        match files::read_back(&backup.join(name), &mut steps) {
            Ok(read) if read == *entry => bytes += read.bytes,
            Ok(read) if read.bytes != entry.bytes => problems.push(format!(
                "{name} has {} bytes instead of {}",
                read.bytes, entry.bytes
            )),
            Ok(_) => problems.push(format!(
                "{name} has other bytes than those that were written"
            )),
            Err(failure) => problems.push(failure.text),
        }
    }
    let more = files::below(backup, |path| path == Path::new(MANIFEST))?;
    let known = |path: &PathBuf| manifest.files.contains_key(&*path.to_string_lossy());
    problems.extend(
        more.iter()
            .filter(|path| !known(path))
            .map(|path| format!("{} is not in its manifest", path.display())),
    );
    for wanted in [DATABASE.to_owned(), format!("{FILES}/collector.toml")] {
        if !manifest.files.contains_key(&wanted) {
            problems.push(format!("{wanted} is not in it"));
        }
    }
    // What has other bytes need not be opened to know that.
    if problems.is_empty() {
        problems = database(backup, &manifest).await?;
    }
    match problems.is_empty() {
        true => Ok(Verified { manifest, bytes }),
        false => Err(damaged(backup, &problems)),
    }
}

fn damaged(backup: &Path, problems: &[String]) -> Failure {
    let named: Vec<&str> = problems.iter().take(NAMED).map(String::as_str).collect();
    let more = match problems.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Failure::conflict(format!(
        "{} is not whole: {}{more}. Take another backup, and look after the disk that it lies on.",
        backup.display(),
        named.join("; ")
    ))
}

/// What is wrong with the copy of the store.
async fn database(backup: &Path, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    if manifest.schema > newest_schema() {
        return Ok(vec![format!(
            "its database is of a newer program ({}) than this one",
            manifest.version
        )]);
    }
    let store = Place::of(None, backup.join(DATABASE)).look().await?;
    let mut view = store.view().await?;
    let found = looked_at(&mut view, manifest).await;
    drop(view);
    store.close().await;
    found
}

async fn looked_at(view: &mut View, manifest: &Manifest) -> Result<Vec<String>, Failure> {
    let mut problems = view.damage().await?;
    if view.schema_version().await? != manifest.schema {
        problems.push("its database has another schema than it says".to_owned());
    }
    if view.collector().await?.as_ref() != Some(&manifest.collector) {
        problems.push("its database is another collector's".to_owned());
    }
    let counts = view.counts().await?;
    for (table, rows) in &manifest.rows {
        let found = counts.get(table).copied().unwrap_or(0);
        if found != *rows {
            problems.push(format!("{table} has {found} rows instead of {rows}"));
        }
    }
    match view.verify_audit(None).await {
        Ok(head) if head == manifest.audit => {}
        Ok(Head { seq, .. }) => problems.push(format!(
            "its audit log ends at row {seq} and not as it says at row {}",
            manifest.audit.seq
        )),
        Err(ChainError::Broken(broken)) => problems.push(broken.to_string()),
        Err(ChainError::Store(error)) => return Err(error.into()),
    }
    Ok(problems)
}
