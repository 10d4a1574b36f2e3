//! The artifacts that a relay keeps: whole ones, checked before any byte of them is handed out,
//! within a bound that the settings name.
//!
//! `artifacts/SHA256` is whole, `partial/SHA256` is being fetched.

use anyhow::Context as _;
use patchward_common::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is read at once while hashing.
const HASHED_BYTES: usize = 1024 * 1024;

/// The artifacts.
pub(super) struct Cache {
    artifacts: PathBuf,
    partial: PathBuf,
    most_bytes: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    whole: HashMap<Digest, Whole>,
    /// Those that are being fetched, or were begun: how much room they take or will.
    parts: HashMap<Digest, Part>,
    turn: u64,
}

#[derive(Clone, Copy)]
struct Whole {
    bytes: u64,
    /// The higher, the later it was asked for.
    used: u64,
    /// Whether its bytes were those of its name, since this relay runs.
    is_checked: bool,
}

#[derive(Clone, Copy)]
struct Part {
    bytes: u64,
    is_fetched: bool,
}

impl Kept {
    fn bytes(&self) -> u64 {
        let whole = self.whole.values().map(|whole| whole.bytes);
        let parts = self.parts.values().map(|part| part.bytes);
        whole.chain(parts).fold(0, u64::saturating_add)
    }
}

/// There is not so much room, whatever would make way.
#[derive(Debug)]
pub(super) struct TooLarge;

impl Cache {
    /// Opens what is in `folder`; what an earlier run left of it is used.
    pub(super) fn open(folder: &Path, most_bytes: u64) -> anyhow::Result<Self> {
        let (artifacts, partial) = (folder.join("artifacts"), folder.join("partial"));
        let mut kept = Kept::default();
        for (place, is_whole) in [(&artifacts, true), (&partial, false)] {
            std::fs::create_dir_all(place)
                .with_context(|| format!("making {}", place.display()))?;
            for (digest, bytes) in found(place)? {
                if is_whole {
                    kept.turn += 1;
                    let whole = Whole {
                        bytes,
                        used: kept.turn,
                        is_checked: false,
                    };
                    kept.whole.insert(digest, whole);
                } else {
                    let is_fetched = false;
                    kept.parts.insert(digest, Part { bytes, is_fetched });
                }
            }
        }
        let cache = Self {
            artifacts,
            partial,
            most_bytes,
            kept: Mutex::new(kept),
        };
        // The settings may have become smaller.
        let _ = cache.make_room(&mut cache.kept(), 0);
        Ok(cache)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self, sha256: &Digest) -> PathBuf {
        self.artifacts.join(sha256.to_string())
    }

    /// Where an artifact is while it is fetched.
    pub(super) fn part(&self, sha256: &Digest) -> PathBuf {
        self.partial.join(sha256.to_string())
    }

    /// A whole artifact and its length; only where it was checked since this relay runs
    /// ([`Cache::check`]).
    pub(super) fn open_whole(&self, sha256: &Digest) -> Option<(File, u64)> {
        let mut kept = self.kept();
        kept.turn += 1;
        let turn = kept.turn;
        let whole = kept.whole.get_mut(sha256).filter(|one| one.is_checked)?;
        whole.used = turn;
        let opened = File::open(self.whole(sha256));
        let opened = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
        let Ok((length, file)) = opened else {
            // Somebody took it away: it is fetched anew.
            kept.whole.remove(sha256);
            return None;
        };
        Some((file, length))
    }

    /// Whether an artifact that an earlier run left is here and whole; a damaged one goes.
    pub(super) async fn check(&self, sha256: &Digest) -> bool {
        if !self.kept().whole.contains_key(sha256) {
            return false;
        }
        let is_whole = is_whole(self.whole(sha256), *sha256).await;
        let mut kept = self.kept();
        // Another one that needed room may have removed it meanwhile.
        let Some(whole) = kept.whole.get_mut(sha256) else {
            return false;
        };
        whole.is_checked = is_whole;
        if !is_whole {
            tracing::warn!(%sha256, "an artifact is damaged on this disk; fetched anew");
            kept.whole.remove(sha256);
            // One that stays is replaced by what comes.
            let _ = std::fs::remove_file(self.whole(sha256));
        }
        is_whole
    }

    /// Makes room for an artifact of so many bytes, which is being fetched from now on.
    pub(super) fn begin(&self, sha256: &Digest, bytes: u64) -> Result<(), TooLarge> {
        let mut kept = self.kept();
        kept.parts.remove(sha256);
        self.make_room(&mut kept, bytes)?;
        let is_fetched = true;
        kept.parts.insert(*sha256, Part { bytes, is_fetched });
        Ok(())
    }

    /// It is not fetched any more; what came of it may be gone on with.
    pub(super) fn leave(&self, sha256: &Digest) {
        let length = std::fs::metadata(self.part(sha256)).map(|found| found.len());
        let mut kept = self.kept();
        match length {
            Ok(bytes) => {
                let is_fetched = false;
                kept.parts.insert(*sha256, Part { bytes, is_fetched });
            }
            Err(_) => drop(kept.parts.remove(sha256)),
        }
    }

    /// All of it is here: it is kept if it is what its name says.
    pub(super) async fn finish(&self, sha256: &Digest) -> std::io::Result<bool> {
        let part = self.part(sha256);
        if !is_whole(part.clone(), *sha256).await {
            std::fs::remove_file(&part)?;
            self.kept().parts.remove(sha256);
            return Ok(false);
        }
        let file = File::open(&part)?;
        file.sync_all()?;
        std::fs::rename(&part, self.whole(sha256))?;
        File::open(&self.artifacts)?.sync_all()?;
        let bytes = file.metadata()?.len();
        let mut kept = self.kept();
        kept.parts.remove(sha256);
        kept.turn += 1;
        let whole = Whole {
            bytes,
            used: kept.turn,
            is_checked: true,
        };
        kept.whole.insert(*sha256, whole);
        Ok(true)
    }

    /// Removes what was begun and left, then what was not asked for longest, until `bytes` fit.
    /// Where they never will, nothing goes for them.
    fn make_room(&self, kept: &mut Kept, bytes: u64) -> Result<(), TooLarge> {
        let fetched = kept.parts.values().filter(|part| part.is_fetched);
        let stays = fetched.fold(0, |sum: u64, part| sum.saturating_add(part.bytes));
        if stays.saturating_add(bytes) > self.most_bytes {
            return Err(TooLarge);
        }
        while kept.bytes().saturating_add(bytes) > self.most_bytes {
            let left = kept.parts.iter().find(|(_, part)| !part.is_fetched);
            let left = left.map(|(digest, _)| *digest);
            let oldest = kept.whole.iter().min_by_key(|(_, whole)| whole.used);
            let oldest = oldest.map(|(digest, _)| *digest);
            let path = match (left, oldest) {
                (Some(part), _) => {
                    kept.parts.remove(&part);
                    self.part(&part)
                }
                // Who reads it goes on reading: the system keeps its bytes until then.
                (None, Some(whole)) => {
                    kept.whole.remove(&whole);
                    self.whole(&whole)
                }
                (None, None) => return Err(TooLarge),
            };
            tracing::info!(path = %path.display(), "makes room");
            // One that stays is found again at the next start.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }
}

/// Artifacts in a folder and their lengths, the oldest first.
fn found(place: &Path) -> anyhow::Result<Vec<(Digest, u64)>> {
    let read = std::fs::read_dir(place).with_context(|| format!("reading {}", place.display()))?;
    let mut all: Vec<_> = read
        .flatten()
        .filter_map(|entry| {
            let digest: Digest = entry.file_name().to_str()?.parse().ok()?;
            let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((about.modified().ok(), digest, about.len()))
        })
        .collect();
    all.sort();
    Ok(all
        .into_iter()
        .map(|(_, digest, bytes)| (digest, bytes))
        .collect())
}

/// Whether a file's bytes have this digest; hashed beside those who are answered.
async fn is_whole(path: PathBuf, sha256: Digest) -> bool {
    let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<Digest> {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; HASHED_BYTES];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(Digest(hash.finalize().into()));
            }
            hash.update(&buffer[..read]);
        }
    });
    matches!(hashed.await, Ok(Ok(found)) if found == sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(cache: &Cache, bytes: &[u8]) -> Result<Digest, TooLarge> {
        let sha256 = Digest::of(bytes);
        cache.begin(&sha256, bytes.len() as u64)?;
        std::fs::write(cache.part(&sha256), bytes).unwrap();
        assert!(cache.finish(&sha256).await.unwrap());
        Ok(sha256)
    }

    async fn has(cache: &Cache, sha256: &Digest) -> bool {
        if cache.open_whole(sha256).is_some() {
            return true;
        }
        cache.check(sha256).await && cache.open_whole(sha256).is_some()
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10).unwrap();
        let (one, two) = (
            put(&cache, b"1111").await.unwrap(),
            put(&cache, b"2222").await.unwrap(),
        );
        assert!(has(&cache, &one).await);
        let three = put(&cache, b"3333").await.unwrap();
        assert!(has(&cache, &one).await && has(&cache, &three).await);
        assert!(
            !has(&cache, &two).await,
            "it was asked for before the others"
        );
        assert!(put(&cache, b"more than fits").await.is_err());
        assert!(
            has(&cache, &one).await && has(&cache, &three).await,
            "nothing goes for what never fits"
        );
        // What is being fetched makes way for nobody.
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        cache.begin(&a, 9).unwrap();
        assert!(cache.begin(&b, 2).is_err());
        cache.leave(&a);
        cache.begin(&b, 2).unwrap();
        let files = std::fs::read_dir(folder.path().join("artifacts")).unwrap();
        assert!(files.count() <= 2);
    }

    #[tokio::test]
    async fn a_restart_finds_what_is_there_and_believes_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 100).unwrap();
        let (good, bad) = (
            put(&cache, b"good").await.unwrap(),
            put(&cache, b"bad!").await.unwrap(),
        );
        std::fs::write(
            folder.path().join("artifacts").join(bad.to_string()),
            b"evil",
        )
        .unwrap();
        let cache = Cache::open(folder.path(), 100).unwrap();
        assert!(has(&cache, &good).await);
        assert!(!has(&cache, &bad).await && !has(&cache, &bad).await);
        // Other bytes than were asked for are not kept.
        cache.begin(&bad, 4).unwrap();
        std::fs::write(cache.part(&bad), b"evil").unwrap();
        assert!(!cache.finish(&bad).await.unwrap());
        assert!(!has(&cache, &bad).await && !cache.part(&bad).exists());
        let small = Cache::open(folder.path(), 3).unwrap();
        assert!(!has(&small, &good).await, "the settings became smaller");
    }
}
