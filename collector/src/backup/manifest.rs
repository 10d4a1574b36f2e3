//! What a backup says of itself.

use super::{MANIFEST, failed};
use crate::control::Failure;
use crate::store::audit::Head;
use crate::store::copy::Counts;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path};

/// The layout that this program writes and reads.
pub const FORMAT: u32 = 1;
/// Largest manifest: a line per artifact of a hospital with 100,000 of them.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its layout.
    pub format: u32,
    /// The collector's name.
    pub collector: Name,
    /// The version of the program that made it.
    pub version: String,
    /// As of when it knows the hospital.
    pub taken_at: UtcMs,
    /// The engine that the store ran on: `sqlite` or `postgres`.
    pub engine: String,
    /// The newest migration of the database.
    pub schema: u64,
    /// The last row of the audit log.
    pub audit: Head,
    /// How many rows each table has.
    pub rows: Counts,
    /// Each file of the backup but this one.
    pub files: BTreeMap<String, Entry>,
    /// Files that the settings name outside of the collector's folder: they are not in here.
    pub outside: Vec<String>,
}

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// How long it is.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

impl Manifest {
    /// Reads the manifest of the backup in `folder`.
    ///
    /// # Errors
    /// Where there is none, or it is none that this program reads.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(MANIFEST);
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path);
        file.and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Failure::not_found(format!(
                    "{} is no backup: it has no {MANIFEST}",
                    folder.display()
                )),
                _ => failed("read", &path, &error),
            })?;
        Self::parse(&bytes)
            .map_err(|problem| Failure::input(format!("{}: {problem}", path.display())))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("it is larger than {MAX_BYTES} bytes"));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if read.format != FORMAT {
            return Err(format!(
                "it has layout {}, and this program reads {FORMAT}; use the version {} of \
                 patchward-collector",
                read.format, read.version
            ));
        }
        match read.files.keys().find(|path| !is_below(path)) {
            Some(path) => Err(format!("it names the file {path:?}, which is not its own")),
            None => Ok(read),
        }
    }

    /// Its text.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// How long all of its files are.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|entry| entry.bytes).sum()
    }
}

/// Whether a path of a manifest leads to a file below the backup's own folder.
fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(file: &str) -> Manifest {
        Manifest {
            format: FORMAT,
            collector: Name::new("north").unwrap(),
            version: "0.2.0".into(),
            taken_at: UtcMs(1_795_400_040_000),
            engine: "sqlite".into(),
            schema: 30,
            audit: Head {
                seq: 7,
                hash: Digest([7; 32]),
            },
            rows: Counts::from([("machines".to_owned(), 3)]),
            files: BTreeMap::from([(
                file.to_owned(),
                Entry {
                    bytes: 5,
                    sha256: Digest([1; 32]),
                },
            )]),
            outside: Vec::new(),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let whole = manifest("files/ca/ca.key");
        let read = Manifest::parse(&whole.to_bytes()).unwrap();
        assert_eq!(read, whole);
        assert_eq!(read.bytes(), 5);
    }

    #[test]
    fn what_leads_elsewhere_or_is_of_another_layout_is_refused() {
        for bad in ["/etc/passwd", "../x", "files/../../x", ""] {
            let problem = Manifest::parse(&manifest(bad).to_bytes()).unwrap_err();
            assert!(problem.contains("not its own"), "{bad:?}: {problem}");
        }
        let newer = Manifest {
            format: FORMAT + 1,
            ..manifest("files/x")
        };
        let problem = Manifest::parse(&newer.to_bytes()).unwrap_err();
        assert!(problem.contains("layout 2"), "{problem}");
        assert!(Manifest::parse(b"{}").is_err() && Manifest::parse(b"\xff").is_err());
    }
}
