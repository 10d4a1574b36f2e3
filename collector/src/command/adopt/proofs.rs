//! Checks what a sheet says can be checked. What does not hold ends the adoption: a wrong
//! signature is worse than none.

use super::files::{Given, read_small};
use crate::adopt::checksum::{self, MAX_LIST_BYTES};
use crate::adopt::minisign;
use crate::adopt::openpgp::{Keyring, MAX_KEYRING_BYTES, MAX_SIGNATURE_BYTES};
use crate::adopt::sheet::{ProofPart, Sheet};
use crate::control::Failure;
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use patchward_common::trust::origin::{Check, Proof};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The files that proofs rest on, by digest.
type Kept = BTreeMap<Digest, Vec<u8>>;

/// Checks every proof of a sheet; its names are relative to `beside`.
pub(super) fn check_all(
    sheet: &Sheet,
    artifacts: &[Given],
    beside: &Path,
    now: UtcMs,
) -> Result<(Vec<Proof>, Kept), Failure> {
    let (mut proofs, mut kept) = (Vec::new(), Kept::new());
    for part in &sheet.proofs {
        let artifact = artifacts.iter().find(|one| one.file == part.file);
        let artifact = artifact
            .ok_or_else(|| wrong(part, "it is none of the files that were given".to_owned()))?;
        let checked = match (&part.checksum, &part.checksums, &part.signature) {
            (Some(given), None, None) => typed(part, given, artifact)?,
            (None, Some(list), _) => listed(part, list, artifact, beside, now, &mut kept)?,
            (None, None, Some(signature)) => {
                let opened = || File::open(&artifact.path);
                vec![signed(part, signature, beside, now, opened, &mut kept)?]
            }
            _ => {
                let text = "write a checksum, a checksum list (signed or not), or a signature";
                return Err(wrong(part, text.to_owned()));
            }
        };
        proofs.extend(checked.into_iter().map(|(check, kept)| Proof {
            artifact: artifact.sha256,
            check,
            kept,
        }));
    }
    Ok((proofs, kept))
}

fn wrong(part: &ProofPart, problem: String) -> Failure {
    Failure::input(format!("proof of {}: {problem}.", part.file))
}

/// A checksum that somebody typed from a letter or page.
fn typed(
    part: &ProofPart,
    given: &str,
    artifact: &Given,
) -> Result<Vec<(Check, Option<Digest>)>, Failure> {
    let given_in = part.given_in.clone();
    let given_in = given_in.ok_or_else(|| {
        wrong(
            part,
            "say in given_in where the vendor gave the checksum".to_owned(),
        )
    })?;
    let check = checksum::check(given, given_in, &artifact.sums());
    Ok(vec![(
        check.map_err(|error| wrong(part, error.to_string()))?,
        None,
    )])
}

/// A checksum list, and its signature where there is one.
fn listed(
    part: &ProofPart,
    list: &Path,
    artifact: &Given,
    beside: &Path,
    now: UtcMs,
    kept: &mut Kept,
) -> Result<Vec<(Check, Option<Digest>)>, Failure> {
    let bytes = read_small(&beside.join(list), MAX_LIST_BYTES)?;
    let mut checked = Vec::new();
    if let Some(signature) = &part.signature {
        let opened = || Ok(&bytes[..]);
        checked.push(signed(part, signature, beside, now, opened, kept)?);
    }
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| wrong(part, "the checksum list is not text".to_owned()))?;
    let given = checksum::listed(text, &part.file);
    let given = given.map_err(|error| wrong(part, error.to_string()))?;
    let name = list
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("a checksum list");
    let given_in = match &part.given_in {
        Some(given_in) => given_in.clone(),
        None => Label::new(name).map_err(|error| wrong(part, error.to_string()))?,
    };
    let check = checksum::check(&given, given_in, &artifact.sums());
    let check = check.map_err(|error| wrong(part, error.to_string()))?;
    checked.push((check, Some(keep(bytes, kept))));
    Ok(checked)
}

/// A detached signature, by OpenPGP or minisign.
fn signed<R: std::io::Read>(
    part: &ProofPart,
    signature: &Path,
    beside: &Path,
    now: UtcMs,
    mut opened: impl FnMut() -> std::io::Result<R>,
    kept: &mut Kept,
) -> Result<(Check, Option<Digest>), Failure> {
    let bytes = read_small(&beside.join(signature), MAX_SIGNATURE_BYTES)?;
    let check = match (&part.keyring, &part.minisign) {
        (Some(keyring), None) => {
            let keyring: PathBuf = beside.join(keyring);
            let ring = Keyring::read(&read_small(&keyring, MAX_KEYRING_BYTES)?);
            let ring =
                ring.map_err(|error| Failure::input(format!("{}: {error}.", keyring.display())))?;
            let signer = ring.detached(&bytes, opened, now);
            signer
                .map_err(|error| wrong(part, error.to_string()))?
                .check()
        }
        (None, Some(key)) => {
            let text = String::from_utf8_lossy(&bytes);
            let file = opened().map_err(|error| wrong(part, error.to_string()))?;
            let check = minisign::check(key, &text, file);
            check.map_err(|error| wrong(part, error.to_string()))?
        }
        _ => {
            let text = "name the vendor's keyring (OpenPGP) or its minisign public key";
            return Err(wrong(part, text.to_owned()));
        }
    };
    Ok((check, Some(keep(bytes, kept))))
}

fn keep(bytes: Vec<u8>, kept: &mut Kept) -> Digest {
    let digest = Digest::of(&bytes);
    kept.insert(digest, bytes);
    digest
}
