//! Fetching: role files of vendors' repositories and artifacts, into the agent's folder.
//!
//! `metadata/REPOSITORY/FILE` and `artifacts/SHA256`. Names are checked types; nothing
//! that came over the network becomes a path. What is here is not trusted by anybody: the
//! installer verifies all of it.

mod artifact;
mod line;
mod pace;
mod relay;
mod role;

use crate::link::{Link, LinkError};
use crate::state::{self, StateError};
pub use line::Line;
use pace::Pace;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{ArtifactAsked, Refused, is_role_file};
pub use relay::Relay;
use role::Source;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most roots that are followed: one a month for twenty years.
const MAX_ROOTS: u64 = 256;
/// Most roles of one repository.
const MAX_ROLES: usize = 256;
/// Longest time for one range: less than the collector's 450 s, so that it ends by us.
const RANGE_TIME: Duration = Duration::from_secs(400);
/// What is said of a collector, or a line, that is too slow; what came is kept.
const SLOW: &str = "it comes too slowly; what is here is kept, and the rest is tried again";
/// What an artifact is called while it is fetched.
const PART: &str = ".part";
/// What it is called while a relay hands it out: nothing that a relay said gets into what comes
/// from the collector.
const RELAYED: &str = ".relayed";

/// Why something was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The connection.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The disk.
    #[error(transparent)]
    State(#[from] StateError),
    /// The collector does not have it.
    #[error("the collector refused: {}", .0.text)]
    Refused(Refused),
    /// A relay is fetching it itself; ask again after so many milliseconds.
    #[error("it is being fetched there; asked again in {0} ms")]
    NotYet(u64),
    /// What came is not what was asked for.
    #[error("{what}: {problem}")]
    Content {
        /// Of what.
        what: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Where downloads go, and how fast.
#[derive(Debug)]
pub struct Downloads {
    folder: PathBuf,
    /// Bytes a second; 0 is no limit.
    rate: u64,
}

impl Downloads {
    /// Downloads into `folder`.
    pub fn new(folder: &Path, rate: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            rate,
        }
    }

    fn artifacts(&self) -> PathBuf {
        self.folder.join("artifacts")
    }

    /// Whether an artifact of this length is here.
    pub fn has(&self, sha256: &Digest, length: u64) -> bool {
        let path = self.artifacts().join(sha256.to_string());
        path.symlink_metadata()
            .is_ok_and(|found| found.is_file() && found.len() == length)
    }

    /// Fetches what is new of a repository: the roots after those that are here, then
    /// timestamp, snapshot and every role that it names.
    ///
    /// Each comes from the relay where it has a version's bytes as the collector names them.
    pub async fn metadata(
        &self,
        link: &Link,
        relay: &mut Relay,
        repository: &Name,
        now: UtcMs,
    ) -> Result<(), DownloadError> {
        let mut from = Source {
            link,
            relay,
            repository,
            now,
        };
        let folder = self.folder.join("metadata").join(repository.as_str());
        state::make_folder(&folder)?;
        for version in 1..=MAX_ROOTS {
            let file = format!("{version}.root.json");
            if !folder.join(&file).exists() && from.fetch(&folder, &file).await?.is_none() {
                break;
            }
        }
        let timestamp = from.need(&folder, "timestamp.json").await?;
        let snapshot = [versions(&timestamp), vec![("snapshot.json".into(), 0)]].concat();
        let snapshot = snapshot
            .into_iter()
            .find(|(file, _)| file == "snapshot.json")
            .unwrap_or_default();
        let snapshot = from.versioned(&folder, &snapshot).await?;
        for role in versions(&snapshot).into_iter().take(MAX_ROLES) {
            from.versioned(&folder, &role).await?;
        }
        Ok(())
    }

    /// Fetches an artifact, from where an earlier try ended.
    pub async fn artifact(
        &self,
        link: &Link,
        sha256: &Digest,
        length: u64,
    ) -> Result<(), DownloadError> {
        self.artifact_as(PART, link, sha256, length).await
    }

    /// The same with another name for what is not whole yet.
    async fn artifact_as(
        &self,
        part: &str,
        link: &Link,
        sha256: &Digest,
        length: u64,
    ) -> Result<(), DownloadError> {
        if self.has(sha256, length) {
            return Ok(());
        }
        let folder = self.artifacts();
        state::make_folder(&folder)?;
        let path = folder.join(sha256.to_string());
        let part = folder.join(format!("{sha256}{part}"));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&part)
            .map_err(StateError::of("write", &part))?;
        let mut at = file
            .seek(SeekFrom::End(0))
            .map_err(StateError::of("read", &part))?;
        if at > length {
            file.set_len(0).map_err(StateError::of("write", &part))?;
            at = file
                .rewind()
                .map(|()| 0)
                .map_err(StateError::of("write", &part))?;
        }
        while at < length {
            let asked = ArtifactAsked {
                sha256: *sha256,
                offset: at,
                length: (length - at).min(artifact::range_bytes(self.rate)),
            };
            let mut pace = Pace::new(self.rate);
            let range = artifact::range(link, &asked, length, (&mut file, &part), &mut pace);
            at += match tokio::time::timeout(RANGE_TIME, range).await {
                Ok(fetched) => fetched?,
                Err(_) => return Err(content(sha256, SLOW)),
            };
        }
        let found = artifact::hash(&mut file)
            .await
            .map_err(StateError::of("read", &part))?;
        if found != *sha256 {
            std::fs::remove_file(&part).map_err(StateError::of("remove", &part))?;
            return Err(content(
                sha256,
                "other bytes came than were signed; fetched anew",
            ));
        }
        file.sync_all().map_err(StateError::of("write", &part))?;
        Ok(state::publish(&part, &path)?)
    }

    /// Removes an artifact whose bytes are not those of its name any more: a disk that
    /// failed, or somebody with access to it. Whether there was one.
    pub async fn drop_damaged(&self, sha256: &Digest) -> bool {
        let path = self.artifacts().join(sha256.to_string());
        let found = match File::open(&path) {
            Ok(mut file) => artifact::hash(&mut file).await.ok(),
            Err(_) => return false,
        };
        // What cannot be read to its end is of no use either.
        found != Some(*sha256) && std::fs::remove_file(&path).is_ok()
    }

    /// Removes the metadata of a repository; it is fetched anew.
    pub fn forget(&self, repository: &Name) {
        let folder = self.folder.join("metadata").join(repository.as_str());
        // What stays is only used again.
        let _ = std::fs::remove_dir_all(folder);
    }

    /// Removes artifacts and half artifacts that nobody wants any more.
    pub fn prune(&self, wanted: &BTreeSet<Digest>) {
        let Ok(files) = std::fs::read_dir(self.artifacts()) else {
            return;
        };
        for file in files.flatten() {
            let name = file.file_name();
            let name = name.to_string_lossy();
            let stem = [PART, RELAYED]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let digest = stem.unwrap_or(&name).parse::<Digest>();
            if digest.is_ok_and(|digest| !wanted.contains(&digest)) {
                // One that stays costs space and is tried again with the next orders.
                let _ = std::fs::remove_file(file.path());
            }
        }
    }
}

fn content(what: impl ToString, problem: &'static str) -> DownloadError {
    DownloadError::Content {
        what: what.to_string(),
        problem,
    }
}

/// The files that a timestamp or snapshot names, with their versions. Not trusted: it
/// only says what to fetch.
fn versions(metadata: &[u8]) -> Vec<(String, u64)> {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(metadata) else {
        return Vec::new();
    };
    let Some(meta) = json
        .pointer("/signed/meta")
        .and_then(|meta| meta.as_object())
    else {
        return Vec::new();
    };
    let named = meta.iter().filter(|(file, _)| is_role_file(file));
    named
        .filter_map(|(file, about)| Some((file.clone(), about.get("version")?.as_u64()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_metadata_never_lead_elsewhere() {
        let metadata = br#"{"signed":{"meta":{
            "targets.json":{"version":3},
            "../../etc/passwd":{"version":1},
            "a/b.json":{"version":1},
            "odd.json":{"version":-1},
            "old.json":{},
            "role.json":{"version":9}}}}"#;
        let found = versions(metadata);
        assert_eq!(
            found,
            [("role.json".to_owned(), 9), ("targets.json".to_owned(), 3)]
        );
        for bad in [&b"{"[..], b"[]", b"{\"signed\":{\"meta\":[]}}", b"\xff"] {
            assert!(versions(bad).is_empty());
        }
    }

    #[tokio::test]
    async fn a_damaged_artifact_goes_and_a_whole_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(folder.path(), 0);
        let artifacts = folder.path().join("artifacts");
        std::fs::create_dir_all(&artifacts).unwrap();
        let sha256 = Digest::of(b"the release");
        let path = artifacts.join(sha256.to_string());
        std::fs::write(&path, b"the release").unwrap();
        assert!(!downloads.drop_damaged(&sha256).await);
        assert!(downloads.has(&sha256, 11));
        std::fs::write(&path, b"the relaese").unwrap();
        assert!(downloads.has(&sha256, 11), "its length tells nothing");
        assert!(downloads.drop_damaged(&sha256).await);
        assert!(!downloads.has(&sha256, 11));
        assert!(!downloads.drop_damaged(&sha256).await, "none is there");
    }

    #[test]
    fn only_artifacts_that_nobody_wants_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::new(folder.path(), 0);
        let artifacts = folder.path().join("artifacts");
        std::fs::create_dir_all(&artifacts).unwrap();
        let (kept, gone) = (Digest([1; 32]), Digest([2; 32]));
        for name in [
            kept.to_string(),
            format!("{kept}.part"),
            gone.to_string(),
            format!("{gone}.part"),
            format!("{gone}.relayed"),
            "notes.txt".to_owned(),
        ] {
            std::fs::write(artifacts.join(name), "x").unwrap();
        }
        downloads.prune(&BTreeSet::from([kept]));
        let mut left: Vec<_> = std::fs::read_dir(&artifacts)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let expected = [kept.to_string(), format!("{kept}.part"), "notes.txt".into()];
        assert_eq!(left, expected);
        assert!(downloads.has(&kept, 1) && !downloads.has(&kept, 2));
        std::os::unix::fs::symlink("/etc/passwd", artifacts.join(gone.to_string())).unwrap();
        let length = std::fs::metadata("/etc/passwd").unwrap().len();
        assert!(!downloads.has(&gone, length), "a link is no artifact");
    }
}
