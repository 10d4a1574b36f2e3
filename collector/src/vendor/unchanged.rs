//! Whether a repository offers anything that is not here: looked at before all of it is
//! verified again.

use super::place::Place;
use crate::store::vendors::{LastRead, TufFile};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use patchward_common::trust::charter::VendorGrant;
use patchward_common::trust::vendor::{MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES};
use std::collections::BTreeMap;

/// What to note of a repository that was read to its end with `kept` as what is stored of it.
pub fn read_with(grant: &VendorGrant, kept: &[TufFile]) -> Option<LastRead> {
    let timestamp = kept.iter().find(|file| file.file == "timestamp.json")?;
    Some(LastRead {
        granted: Digest::of(&codec::encode_deterministic(grant)),
        timestamp: timestamp.digest,
    })
}

/// Whether the repository in `place` offers what is stored of it, and nothing else: the same
/// newest root and no next one, the very bytes of the timestamp with which all of it was verified and taken in under
/// this grant, and nothing of that has expired by `now`. A timestamp pins the snapshot, and
/// that every other file, so nothing of them can differ. Whatever cannot be told is no: then
/// everything is done, and says what is wrong.
pub fn is_unchanged(
    place: &mut Place,
    grant: &VendorGrant,
    last: &LastRead,
    kept: &[TufFile],
    now: UtcMs,
) -> bool {
    if read_with(grant, kept) != Some(*last) {
        return false;
    }
    let newest = newest(kept);
    let (Some(root), Some(timestamp)) = (newest.get("root.json"), newest.get("timestamp.json"))
    else {
        return false;
    };
    if !newest.contains_key("snapshot.json") || !newest.contains_key("targets.json") {
        return false;
    }
    let counts = |file: &&TufFile| expires(&file.bytes).is_some_and(|end| end > now);
    if !newest.values().all(counts) {
        return false;
    }
    // A place whose root is another one is somebody else's, whatever else it copied.
    let ours = format!("{}.root.json", root.version);
    let offered = place.metadata(&ours, MAX_ROOT_BYTES);
    if !matches!(offered, Ok(Some(bytes)) if bytes == root.bytes) {
        return false;
    }
    let next = format!("{}.root.json", root.version.saturating_add(1));
    if !matches!(place.metadata(&next, MAX_ROOT_BYTES), Ok(None)) {
        return false;
    }
    let offered = place.metadata("timestamp.json", MAX_TIMESTAMP_BYTES);
    matches!(offered, Ok(Some(bytes)) if bytes == timestamp.bytes)
}

/// The newest file of each role, by its name without version. Where snapshots lie under their
/// plain name, so does everything but the roots, and digits in front are a role's own.
fn newest(kept: &[TufFile]) -> BTreeMap<&str, &TufFile> {
    let is_plain = kept.iter().any(|file| file.file == "snapshot.json");
    let mut newest: BTreeMap<&str, &TufFile> = BTreeMap::new();
    for file in kept {
        let rest = file.file.trim_start_matches(|c: char| c.is_ascii_digit());
        let role = match rest.strip_prefix('.') {
            Some("root.json") => "root.json",
            Some(role) if !is_plain && rest.len() < file.file.len() => role,
            _ => &*file.file,
        };
        let of_role = newest.entry(role).or_insert(file);
        if of_role.version < file.version {
            *of_role = file;
        }
    }
    newest
}

fn expires(bytes: &[u8]) -> Option<UtcMs> {
    #[derive(serde::Deserialize)]
    struct File {
        signed: Signed,
    }
    #[derive(serde::Deserialize)]
    struct Signed {
        expires: String,
    }
    let file: File = serde_json::from_slice(bytes).ok()?;
    let end: jiff::Timestamp = file.signed.expires.parse().ok()?;
    Some(UtcMs(end.as_millisecond()))
}

#[cfg(test)]
mod tests;
