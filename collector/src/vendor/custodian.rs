//! The hospital's own repository: what the custodian signed offline, with the snapshot and
//! the timestamp that the collector signs. With its keys it can hold back, and add nothing.

use super::mirror::tuf_file;
use crate::store::vendors::TufFile;
use ed25519_dalek::SigningKey;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::tuf_author::{AuthorError, Pin, snapshot, timestamp};
use std::collections::BTreeMap;

/// How long snapshot and timestamp count: as long as a machine may go without hearing from
/// the collector and still start what was approved.
const FRESH_MS: i64 = 30 * DAY_MS;
/// How long before their end they are signed anew: a collector that was off for a holiday
/// has its machines still content.
const RENEW_BEFORE_MS: i64 = 20 * DAY_MS;
/// Largest file that a custodian hands in.
const MAX_FILE_BYTES: usize = 5_000_000;

/// Why no repository can be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// Not a root and not targets.
    #[error("{0} is no root and no targets that `patchward-sign custodian` signed")]
    NotSigned(String),
    /// Nothing is signed yet.
    #[error(
        "the repository has no {0} yet; sign one with `patchward-sign custodian` and hand it in too"
    )]
    Missing(&'static str),
    /// It cannot be written.
    #[error(transparent)]
    Author(#[from] AuthorError),
}

/// The repository's metadata with what was handed in (name for people, bytes), and fresh
/// snapshot and timestamp.
pub fn assemble(
    known: &[TufFile],
    handed_in: Vec<(String, Vec<u8>)>,
    key: &SigningKey,
    now: UtcMs,
) -> Result<BTreeMap<String, Vec<u8>>, AssembleError> {
    let stored = known
        .iter()
        .map(|file| (file.file.clone(), file.bytes.clone()));
    let mut files: BTreeMap<String, Vec<u8>> = stored.collect();
    for (shown, bytes) in handed_in {
        let name = name_of(&bytes).ok_or(AssembleError::NotSigned(shown))?;
        files.insert(name, bytes);
    }
    if !files.contains_key("1.root.json") {
        return Err(AssembleError::Missing("first root"));
    }
    let targets = newest(&files, "targets").ok_or(AssembleError::Missing("targets"))?;
    let pin = Pin::of(targets.version, &targets.bytes);
    let roles = BTreeMap::from([("targets".to_owned(), pin)]);
    let next = |role| newest(&files, role).map_or(1, |file| file.version.saturating_add(1));
    let (version, expires) = (next("snapshot"), now.plus_ms(FRESH_MS));
    let fresh = snapshot(version, expires, &roles, &[key])?;
    let stamp = timestamp(next("timestamp"), expires, Pin::of(version, &fresh), &[key])?;
    files.insert(format!("{version}.snapshot.json"), fresh);
    files.insert("timestamp.json".to_owned(), stamp);
    Ok(files)
}

/// Whether snapshot and timestamp are to be signed anew, as they end soon. Until targets
/// were handed in there is nothing to sign.
pub fn is_due(known: &[TufFile], now: UtcMs) -> bool {
    let ends = known.iter().find(|file| file.file == "timestamp.json");
    let ends = ends.and_then(|file| ends_at(&file.bytes));
    ends.is_some_and(|ends| ends.since_ms(now) <= RENEW_BEFORE_MS)
}

/// The newest targets: their version and their file.
pub fn targets(known: &[TufFile]) -> Option<&TufFile> {
    let is_targets = |file: &&TufFile| file.file.ends_with(".targets.json");
    known
        .iter()
        .filter(is_targets)
        .max_by_key(|file| file.version)
}

fn newest(files: &BTreeMap<String, Vec<u8>>, role: &str) -> Option<TufFile> {
    let ending = format!("{role}.json");
    let is_role = |name: &str| {
        let front = name.strip_suffix(&ending);
        front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
    };
    let of_role = files.iter().filter(|(name, _)| is_role(name));
    of_role
        .map(|(name, bytes)| tuf_file((name.clone(), bytes.clone())))
        .max_by_key(|file| file.version)
}

#[derive(serde::Deserialize)]
struct File {
    signed: Signed,
}

#[derive(serde::Deserialize)]
struct Signed {
    #[serde(rename = "_type")]
    role: String,
    version: u64,
    expires: jiff::Timestamp,
}

/// The name that a root or targets have in the repository.
fn name_of(bytes: &[u8]) -> Option<String> {
    let file: File = (bytes.len() <= MAX_FILE_BYTES)
        .then(|| serde_json::from_slice(bytes).ok())
        .flatten()?;
    let Signed { role, version, .. } = file.signed;
    matches!(&*role, "root" | "targets").then(|| format!("{version}.{role}.json"))
}

fn ends_at(bytes: &[u8]) -> Option<UtcMs> {
    let file: File = serde_json::from_slice(bytes).ok()?;
    Some(UtcMs(file.signed.expires.as_millisecond()))
}
