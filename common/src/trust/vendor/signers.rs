//! Who signed: a threshold counts keys, not key ids.

use super::{Problem, json};
use crate::digest::Digest;
use sigstore_tuf::{Key, Metadata, Role, RoleKeys, Root, TrustedMetadataSet};
use std::collections::{BTreeMap, BTreeSet};

/// Parses a file and checks its type. A file that two readers may read differently is
/// refused before anything in it is looked at.
pub(super) fn parse<T: Role>(bytes: &[u8]) -> Result<Metadata<T>, Problem> {
    json::keys_stand_once(bytes)?;
    Ok(Metadata::from_slice(bytes)?)
}

/// The digest of what the signatures cover.
pub(super) fn content<T: Role>(file: &Metadata<T>) -> Digest {
    Digest::of(file.signed_canonical())
}

/// The trusted set of a root that is taken on its pin, signed by its own keys.
pub(super) fn first_root(bytes: &[u8]) -> Result<TrustedMetadataSet, Problem> {
    let root = parse::<Root>(bytes)?;
    by_root(&root, root.signed(), "root")?;
    Ok(TrustedMetadataSet::from_root(bytes)?)
}

/// Checks the signatures of a top-level role against a root.
pub(super) fn by_root<T: Role>(file: &Metadata<T>, root: &Root, role: &str) -> Result<(), Problem> {
    let missing = || Problem::Malformed(format!("the root has no role {role}"));
    by_keys(file, &root.keys, root.role(role).ok_or_else(missing)?, role)
}

/// Checks that a threshold of distinct keys signed. The library counts key ids; one
/// key under two ids must not count twice, so ids that share a key are counted anew.
pub(super) fn by_keys<T: Role>(
    file: &Metadata<T>,
    keys: &BTreeMap<String, Key>,
    role: &RoleKeys,
    name: &str,
) -> Result<(), Problem> {
    file.verify_threshold(keys, role, name)?;
    let ids: BTreeSet<&String> = role.keyids.iter().collect();
    if ids.len() == materials(keys, role).len() {
        return Ok(());
    }
    let mut signed = BTreeSet::new();
    for id in ids {
        let mut alone = role.clone();
        alone.keyids = vec![id.clone()];
        alone.threshold = 1;
        if let Some(key) = keys.get(id)
            && file.verify_threshold(keys, &alone, name).is_ok()
        {
            signed.insert(material(key));
        }
    }
    if signed.len() < role.threshold {
        return Err(Problem::Signatures {
            found: signed.len(),
            need: role.threshold,
        });
    }
    Ok(())
}

/// Whether a key that could sign for `role` no longer can. A key that is only added
/// is no rotation: nobody recovers from anything by it.
pub(super) fn rotated(before: &Root, after: &Root, role: &str) -> bool {
    let keys = |root: &Root| {
        root.role(role)
            .map(|bound| materials(&root.keys, bound))
            .unwrap_or_default()
    };
    !keys(before).is_subset(&keys(after))
}

fn materials(keys: &BTreeMap<String, Key>, role: &RoleKeys) -> BTreeSet<Vec<u8>> {
    role.keyids
        .iter()
        .filter_map(|id| keys.get(id))
        .map(material)
        .collect()
}

/// The key itself, whatever its id or text form; the text where it cannot be read.
fn material(key: &Key) -> Vec<u8> {
    match key.verification_key() {
        Ok(usable) => usable.as_bytes().to_vec(),
        Err(_) => key.keyval.public.clone().into_bytes(),
    }
}
