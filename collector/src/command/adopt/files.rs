//! The files of an adoption: small ones read whole, artifacts hashed.

use crate::adopt::checksum::Sums;
use crate::adopt::sheet::Measured;
use crate::control::Failure;
use patchward_common::digest::Digest;
use patchward_common::trust::release::MAX_ARTIFACT_BYTES;
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How much is in memory at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// An artifact on the collector's disk.
pub(super) struct Given {
    pub(super) path: PathBuf,
    pub(super) file: String,
    pub(super) sha256: Digest,
    pub(super) sha512: String,
    pub(super) length: u64,
    /// Whether it was fetched by us, and is to be removed once it is kept.
    pub(super) is_ours: bool,
}

impl Given {
    pub(super) fn measured(&self) -> Measured {
        Measured {
            file: self.file.clone(),
            sha256: self.sha256,
            length: self.length,
        }
    }

    pub(super) fn sums(&self) -> Sums {
        Sums {
            sha256: self.sha256,
            sha512: self.sha512.clone(),
        }
    }
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read_small(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::input(format!("{}: {error}", path.display()));
    let is_file = std::fs::metadata(path).map_err(failed)?.is_file();
    if !is_file {
        return Err(Failure::input(format!(
            "{}: it is no regular file",
            path.display()
        )));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match bytes.len() > limit {
        true => Err(Failure::input(format!(
            "{}: it is larger than {limit} bytes, so it is not what it should be",
            path.display()
        ))),
        false => Ok(bytes),
    }
}

/// Hashes artifacts.
pub(super) fn measure(paths: &[PathBuf]) -> Result<Vec<Given>, Failure> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for path in paths {
        let one = measure_one(path)?;
        if !names.insert(one.file.clone()) {
            return Err(Failure::input(format!(
                "{} was given twice; artifacts of one release have different names",
                one.file
            )));
        }
        found.push(one);
    }
    Ok(found)
}

fn measure_one(path: &Path) -> Result<Given, Failure> {
    let wrong = |problem: String| Failure::input(format!("{}: {problem}", path.display()));
    let failed = |error: std::io::Error| wrong(error.to_string());
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name
        .ok_or_else(|| wrong("its name is not text".to_owned()))?
        .to_owned();
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(wrong("it is no regular file".to_owned()));
    }
    let mut file = File::open(path)
        .map_err(failed)?
        .take(MAX_ARTIFACT_BYTES + 1);
    let (mut short, mut long, mut length) = (Sha256::new(), Sha512::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        short.update(&chunk[..read]);
        long.update(&chunk[..read]);
        length += read as u64;
    }
    if !(1..=MAX_ARTIFACT_BYTES).contains(&length) {
        return Err(wrong(
            "it is empty, or larger than any artifact may be".to_owned(),
        ));
    }
    let sha512 = long
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Given {
        path: path.to_owned(),
        file: name,
        sha256: Digest(short.finalize().into()),
        sha512,
        length,
        is_ours: false,
    })
}
