//! Fetching: role files of vendors' repositories and artifacts, into the agent's folder.
//!
//! `metadata/REPOSITORY/FILE` and `artifacts/SHA256`. Names are checked types; nothing
//! that came over the network becomes a path. What is here is not trusted by anybody: the
//! installer verifies all of it.

use crate::link::{Link, LinkError};
use crate::state::{self, StateError};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::wire::machine::{
    Answer, ArtifactAsked, ArtifactHeader, MAX_METADATA_BYTES, MAX_RANGE_BYTES, MetadataAsked,
    Refused, Request, is_role_file,
};
use quinn::RecvStream;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most roots that are followed: one a month for twenty years.
const MAX_ROOTS: u64 = 256;
/// Most roles of one repository.
const MAX_ROLES: usize = 256;
/// Longest header before an artifact's bytes, or refusal instead of them.
const MAX_HEADER_BYTES: usize = 2_048;
/// Longest wait for the next bytes of an artifact.
const BYTES_TIME: Duration = Duration::from_secs(30);
/// What is read at once while hashing; small, for the agent is lean.
const HASHED_BYTES: usize = 32 * 1024;
/// Shortest pause of the rate limit.
const PAUSE_MS: u64 = 10;
/// What an artifact is called while it is fetched.
const PART: &str = ".part";

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
    pub async fn metadata(&self, link: &Link, repository: &Name) -> Result<(), DownloadError> {
        let folder = self.folder.join("metadata").join(repository.as_str());
        state::make_folder(&folder)?;
        for version in 1..=MAX_ROOTS {
            let file = format!("{version}.root.json");
            if !folder.join(&file).exists()
                && fetch(link, repository, &folder, &file).await?.is_none()
            {
                break;
            }
        }
        let timestamp = need(link, repository, &folder, "timestamp.json").await?;
        let snapshot = [versions(&timestamp), vec![("snapshot.json".into(), 0)]].concat();
        let snapshot = snapshot
            .into_iter()
            .find(|(file, _)| file == "snapshot.json")
            .unwrap_or_default();
        let snapshot = versioned(link, repository, &folder, &snapshot).await?;
        for role in versions(&snapshot).into_iter().take(MAX_ROLES) {
            versioned(link, repository, &folder, &role).await?;
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
        if self.has(sha256, length) {
            return Ok(());
        }
        let folder = self.artifacts();
        state::make_folder(&folder)?;
        let path = folder.join(sha256.to_string());
        let part = folder.join(format!("{sha256}{PART}"));
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
                length: (length - at).min(MAX_RANGE_BYTES),
            };
            at += self.range(link, &asked, length, &mut file, &part).await?;
        }
        let found = hash(&mut file)
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

    /// Fetches one range and appends it; gives back its length.
    async fn range(
        &self,
        link: &Link,
        asked: &ArtifactAsked,
        length: u64,
        file: &mut File,
        part: &Path,
    ) -> Result<u64, DownloadError> {
        let request = codec::encode(&Request::Artifact(asked.clone()));
        let mut stream = link.send(&request).await?;
        let mut bytes = Vec::new();
        let header = header(link, &mut stream, &mut bytes).await?;
        if header.total != length || header.length != asked.length {
            return Err(content(
                asked.sha256,
                "it has another length than was signed",
            ));
        }
        let mut left = header.length;
        let mut unpaid = 0;
        loop {
            let more = bytes.len() as u64;
            if more > left {
                return Err(content(asked.sha256, "more bytes came than were announced"));
            }
            file.write_all(&bytes)
                .map_err(StateError::of("write", part))?;
            left -= more;
            self.pause(&mut unpaid, more).await;
            if left == 0 {
                return Ok(header.length);
            }
            bytes = match chunk(link, &mut stream).await? {
                Some(bytes) => bytes,
                None => return Err(content(asked.sha256, "it ended too early")),
            };
        }
    }

    /// Holds the rate: every byte costs its time, paid in pauses that timers can hold.
    async fn pause(&self, unpaid: &mut u64, bytes: u64) {
        if self.rate == 0 {
            return;
        }
        *unpaid += bytes;
        let pause_ms = *unpaid * 1_000 / self.rate;
        if pause_ms >= PAUSE_MS {
            *unpaid = 0;
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
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
            let digest = name.strip_suffix(PART).unwrap_or(&name).parse::<Digest>();
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

async fn chunk(link: &Link, stream: &mut RecvStream) -> Result<Option<Vec<u8>>, DownloadError> {
    let read = stream.read_chunk(64 * 1024, true);
    match tokio::time::timeout(BYTES_TIME, read).await {
        Ok(Ok(chunk)) => Ok(chunk.map(|chunk| chunk.bytes.to_vec())),
        Ok(Err(error)) => Err(link.lost(&error).into()),
        Err(_) => Err(LinkError::Late.into()),
    }
}

/// Reads the header; what came after it stays in `bytes`. CBOR says itself where it ends:
/// exactly one beginning of the bytes is a whole answer.
async fn header(
    link: &Link,
    stream: &mut RecvStream,
    bytes: &mut Vec<u8>,
) -> Result<ArtifactHeader, DownloadError> {
    loop {
        let more = chunk(link, stream).await?;
        let is_end = more.is_none();
        bytes.extend(more.unwrap_or_default());
        for end in 1..=bytes.len().min(MAX_HEADER_BYTES) {
            match codec::decode(&bytes[..end], MAX_HEADER_BYTES) {
                Ok(Answer::Artifact(header)) => {
                    bytes.drain(..end);
                    return Ok(header);
                }
                Ok(Answer::Refused(refused)) => return Err(DownloadError::Refused(refused)),
                Ok(_) => return Err(LinkError::Unexpected("an artifact").into()),
                Err(_) => {}
            }
        }
        if is_end || bytes.len() >= MAX_HEADER_BYTES {
            return Err(LinkError::Unexpected("an artifact").into());
        }
    }
}

async fn hash(file: &mut File) -> std::io::Result<Digest> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; HASHED_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Digest(hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
        // One thread: nudges are heard meanwhile.
        tokio::task::yield_now().await;
    }
}

/// Fetches one role file; `None` where the repository has none of that name.
async fn fetch(
    link: &Link,
    repository: &Name,
    folder: &Path,
    file: &str,
) -> Result<Option<Vec<u8>>, DownloadError> {
    if !is_role_file(file) {
        return Err(content(file, "not named like a role of TUF"));
    }
    let asked = MetadataAsked {
        repository: repository.clone(),
        file: file.to_owned(),
    };
    match link.ask(&Request::Metadata(asked)).await? {
        Answer::Metadata(None) => Ok(None),
        Answer::Metadata(Some(bytes)) if bytes.len() <= MAX_METADATA_BYTES => {
            state::write(&folder.join(file), &bytes)?;
            Ok(Some(bytes.into_vec()))
        }
        Answer::Metadata(Some(_)) => Err(content(file, "too large")),
        Answer::Refused(refused) => Err(DownloadError::Refused(refused)),
        _ => Err(LinkError::Unexpected("a role file").into()),
    }
}

async fn need(
    link: &Link,
    repository: &Name,
    folder: &Path,
    file: &str,
) -> Result<Vec<u8>, DownloadError> {
    let found = fetch(link, repository, folder, file).await?;
    found.ok_or_else(|| content(format!("{repository}/{file}"), "the collector has none"))
}

/// A role file under the name of its version, or under its plain name where the
/// repository has no consistent snapshots.
async fn versioned(
    link: &Link,
    repository: &Name,
    folder: &Path,
    (file, version): &(String, u64),
) -> Result<Vec<u8>, DownloadError> {
    let name = format!("{version}.{file}");
    let path = folder.join(&name);
    // A version never changes; what does not verify is the installer's to refuse.
    if is_role_file(&name)
        && let Some(bytes) = state::read(&path, MAX_METADATA_BYTES)?
    {
        return Ok(bytes);
    }
    match fetch(link, repository, folder, &name).await? {
        Some(bytes) => Ok(bytes),
        None => need(link, repository, folder, file).await,
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
