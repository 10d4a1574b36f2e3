//! Fetching from the collector: each artifact once, however many machines ask for it meanwhile.

use super::Relay;
use super::cache::TooLarge;
use super::upstream::{Found, Upstream};
use anyhow::{Context as _, bail};
use patchward_common::digest::Digest;
use patchward_common::wire::machine::{
    ArtifactAsked, ArtifactHeader, MAX_RANGE_BYTES, MetadataAsked, Refused, RefusedCode,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

/// Artifacts that are fetched at once: the line is shared by as many.
const AT_ONCE: usize = 4;
/// How often one is tried before those who ask are sent to the collector.
const TRIES: u32 = 5;
/// Wait between two tries: a restart of the collector takes a second.
const BETWEEN_TRIES: Duration = Duration::from_secs(3);
/// How long it is remembered why one was not fetched: those who ask at the same time hear the same.
const REMEMBERED: Duration = Duration::from_secs(30);

/// What is being fetched, and what was not.
pub(super) struct Fetching {
    upstream: Upstream,
    under_way: Mutex<HashMap<Digest, State>>,
    /// Those that fetch: they end with the relay.
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Clone)]
enum State {
    /// It is under way.
    Fetched,
    /// It was not to be had.
    Failed(Refused),
}

/// What is behind a digest: where it is asked for.
#[derive(Clone)]
pub(super) enum Wanted {
    Artifact,
    /// A role file of a vendor's repository.
    Role(MetadataAsked),
}

/// What those who ask are told of an artifact that is not here.
pub(super) enum Told {
    /// Not yet: ask again.
    NotYet,
    /// Ask the collector.
    Refused(Refused),
}

impl Fetching {
    pub(super) fn new(upstream: Upstream) -> Self {
        Self {
            upstream,
            under_way: Mutex::default(),
            tasks: Mutex::default(),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Digest, State>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches no more; what was begun is gone on with after the next start.
    pub(super) async fn close(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        tasks.shutdown().await;
    }
}

impl Relay {
    /// Something is wanted that is not here: it is fetched, unless somebody asked before.
    pub(super) fn want(self: &Arc<Self>, sha256: Digest, wanted: Wanted) -> Told {
        let mut under_way = self.fetching.under_way();
        match under_way.get(&sha256) {
            Some(State::Failed(refused)) => return Told::Refused(refused.clone()),
            Some(State::Fetched) => return Told::NotYet,
            None => {}
        }
        let busy = under_way
            .values()
            .filter(|state| matches!(state, State::Fetched));
        if busy.count() >= AT_ONCE {
            return Told::NotYet;
        }
        under_way.insert(sha256, State::Fetched);
        drop(under_way);
        let mut tasks = self.fetching.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(Arc::clone(self).fetch(sha256, wanted));
        Told::NotYet
    }

    async fn fetch(self: Arc<Self>, sha256: Digest, wanted: Wanted) {
        // An earlier run may have left it: hashing it is cheaper than the line.
        let outcome = match self.cache.check(&sha256).await {
            true => Ok(None),
            false => self.tried(&sha256, &wanted).await,
        };
        self.cache.leave(&sha256);
        let refused = match outcome {
            Ok(None) => {
                tracing::info!(%sha256, "it is here");
                self.fetching.under_way().remove(&sha256);
                return;
            }
            Ok(Some(refused)) => refused,
            Err(error) => {
                tracing::warn!(%sha256, error = format!("{error:#}"), "it was not fetched");
                let text = "the relay could not fetch it";
                Refused::new(RefusedCode::Busy, text)
            }
        };
        let failed = State::Failed(refused);
        self.fetching.under_way().insert(sha256, failed);
        tokio::time::sleep(REMEMBERED).await;
        self.fetching.under_way().remove(&sha256);
    }

    async fn tried(&self, sha256: &Digest, wanted: &Wanted) -> anyhow::Result<Option<Refused>> {
        let mut left = TRIES;
        loop {
            left -= 1;
            let once = match wanted {
                Wanted::Artifact => self.once(sha256).await,
                Wanted::Role(asked) => self.role(sha256, asked).await,
            };
            match once {
                Err(error) if left > 0 => {
                    tracing::debug!(%sha256, %error, "it is tried again");
                    if self.fetching.under_way().len() <= 1 {
                        // Nobody else is fetching over that connection.
                        self.fetching.upstream.give_up().await;
                    }
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                ended => return ended,
            }
        }
    }

    /// A role file comes in one piece.
    async fn role(
        &self,
        sha256: &Digest,
        asked: &MetadataAsked,
    ) -> anyhow::Result<Option<Refused>> {
        let (repository, file) = (asked.repository.clone(), asked.file.clone());
        let asked = MetadataAsked::whole(repository, file);
        let bytes = self.fetching.upstream.role(asked).await?;
        let refused = |text: &str| Ok(Some(Refused::new(RefusedCode::NotFound, text)));
        let Some(bytes) = bytes.filter(|bytes| Digest::of(bytes) == *sha256) else {
            return refused("the collector has another file of that name");
        };
        if let Err(TooLarge) = self.cache.begin(sha256, bytes.len() as u64) {
            return refused("it is larger than what this relay may keep");
        }
        tokio::fs::write(self.cache.part(sha256), bytes).await?;
        match self.cache.finish(sha256).await? {
            true => Ok(None),
            false => bail!("the disk keeps other bytes than it was given"),
        }
    }

    /// Goes on from where an earlier try ended. Gives back a refusal, or nothing where it is here.
    async fn once(&self, sha256: &Digest) -> anyhow::Result<Option<Refused>> {
        let path = self.cache.part(sha256);
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true);
        let mut at = tokio::fs::metadata(&path)
            .await
            .map_or(0, |found| found.len());
        let mut room = None;
        loop {
            let asked = ArtifactAsked {
                sha256: *sha256,
                offset: at,
                length: MAX_RANGE_BYTES,
            };
            let (header, mut bytes) = match self.fetching.upstream.ask(&asked).await? {
                Found::Range(header, bytes) => (header, bytes),
                // What was begun is all of the artifact, or longer and not that one.
                Found::Refused(refused) if at > 0 && refused.code == RefusedCode::BadRequest => {
                    if self.cache.finish(sha256).await? {
                        return Ok(None);
                    }
                    bail!("what was here of it does not fit");
                }
                Found::Refused(refused) => return Ok(Some(refused)),
            };
            let ArtifactHeader { total, length } = header;
            if room.is_none() {
                if let Err(TooLarge) = self.cache.begin(sha256, total) {
                    let text = "it is larger than what this relay may keep";
                    return Ok(Some(Refused::new(RefusedCode::NotFound, text)));
                }
                room = Some(total);
            }
            if room != Some(total) || length > MAX_RANGE_BYTES || at.saturating_add(length) > total
            {
                bail!("the collector says another length than before");
            }
            let file = options.open(&path).await;
            let mut file = file.with_context(|| format!("writing {}", path.display()))?;
            let mut missing = length;
            while missing > 0 {
                let piece = bytes.next().await?;
                let left = missing.checked_sub(piece.len() as u64);
                missing = left.context("more bytes come than were announced")?;
                if piece.is_empty() {
                    bail!("it ends too early");
                }
                file.write_all(&piece).await?;
                at += piece.len() as u64;
            }
            file.flush().await?;
            if at == total {
                break;
            }
        }
        match self.cache.finish(sha256).await? {
            true => Ok(None),
            false => bail!("other bytes came than have this digest"),
        }
    }
}
