//! Carrying: orders to the installer, and jobs along.

mod orders;

use super::TurnError;
use crate::config::Settings;
use crate::credentials::Credentials;
use crate::download::{DownloadError, Downloads, Line, Relay};
use crate::installer::{Installer, InstallerError, unexpected};
use crate::job::{self, Effect, Next, Seen, Wanted};
use crate::link::{Link, LinkError};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Name};
use patchward_common::job::State;
use patchward_common::time::{HOUR_MS, UtcMs};
use patchward_common::trust::check::{Interlock, Step};
use patchward_common::trust::go::Go;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::local::{self, Status};
use patchward_common::wire::machine::{Answer, GoAsked, Request, ShortDigest};
use std::collections::BTreeMap;

/// Metadata older than this is fetched again before it is used: a vendor's timestamp is
/// signed anew every few hours.
const METADATA_LIFE_MS: i64 = HOUR_MS;

/// What is carried, and what was tried.
pub(super) struct Carrier {
    downloads: Downloads,
    /// The relay of this site.
    relay: Relay,
    /// What artifacts come over that the relay does not hand out.
    line: Line,
    /// Digest of the orders that the installer has taken, all of them.
    orders: Digest,
    /// Digest of those that it was given last, whatever became of them.
    given: Digest,
    /// How often it refused a part of them, and when they are brought again.
    brought: u32,
    bring_at: UtcMs,
    wanted: Vec<Wanted>,
    metadata_at: BTreeMap<Name, UtcMs>,
    tries: BTreeMap<JobId, Tried>,
    status: Option<Status>,
}

/// Soonest that a collector can have a go asked for again.
const SOONEST_MS: i64 = 1_000;

#[derive(Clone, Copy, Default)]
struct Tried {
    at: Option<UtcMs>,
    not_before: UtcMs,
}

impl Carrier {
    pub(super) fn new(settings: &Settings) -> Self {
        let rate = settings.download_bytes_per_second;
        Self {
            downloads: Downloads::new(&settings.state_dir, rate),
            relay: Relay::default(),
            line: Line::default(),
            orders: Digest::default(),
            given: Digest::default(),
            brought: 0,
            bring_at: UtcMs(0),
            wanted: Vec::new(),
            metadata_at: BTreeMap::new(),
            tries: BTreeMap::new(),
            status: None,
        }
    }

    /// Digest of the documents that the installer has.
    pub(super) fn orders(&self) -> ShortDigest {
        self.orders.into()
    }

    /// Where the relay of this site is, as the collector says.
    pub(super) fn relay_told(&mut self, address: Option<String>, credentials: &Credentials) {
        self.relay.told(address, credentials);
        self.line.told(credentials);
    }

    /// Something changed at the collector: what was put off is tried again.
    pub(super) fn try_again(&mut self) {
        self.tries.clear();
        self.brought = 0;
        self.bring_at = UtcMs(0);
    }

    async fn look(&mut self, installer: &Installer) {
        match installer.ask(&local::Request::Status).await {
            Ok(local::Answer::Status(status)) => self.status = Some(*status),
            Ok(_) => quietly(None, &unexpected("a status")),
            Err(error) => quietly(None, &error),
        }
    }

    /// What is next for the jobs of this machine.
    pub(super) fn next(&self, now: UtcMs) -> Next {
        let interlock = self.status.as_ref().map(|status| &status.interlock);
        let is_idle = matches!(interlock, Some(Interlock::Idle));
        job::next(&self.seen(now), is_idle, now)
    }

    /// Fetches for the job that is next; may be cut short, and goes on from there.
    pub(super) async fn fetch_next(&mut self, link: &Link, now: UtcMs) -> Result<(), TurnError> {
        let next = self.next(now);
        if let Next::Do(Effect::Fetch(job)) = next
            && (!self.fetch(link, job, now).await? || self.next(now) == next)
        {
            self.tries.entry(job).or_default().at = Some(now);
        }
        Ok(())
    }

    /// Lets the installer do something; what comes of it stands in its journal.
    pub(super) async fn act(
        &mut self,
        link: &Link,
        installer: &Installer,
        effect: Effect,
        now: UtcMs,
    ) -> Result<(), TurnError> {
        let job = effect.job();
        self.tries.entry(job).or_default().at = Some(now);
        let before = self.word_of(job);
        let request = match effect {
            Effect::Fetch(_) => return self.fetch_next(link, now).await,
            Effect::Prepare(_) => local::Request::Prepare(job),
            Effect::Start(_) => match self.go(link, installer, job, now).await? {
                Some(go) => local::Request::Start(job, go),
                None => return Ok(()),
            },
            Effect::Reboot(_) => match self.go(link, installer, job, now).await? {
                Some(go) => local::Request::Reboot(job, go),
                None => return Ok(()),
            },
        };
        match installer.ask(&request).await {
            Ok(local::Answer::Refused(reason)) => {
                tracing::info!(%job, step = ?reason.step, reason = reason.text, "not now");
                match reason.step {
                    Some(Step::Vendor) => self.forget_metadata(job),
                    Some(Step::Artifacts) => self.check_artifacts(job).await,
                    _ => {}
                }
            }
            Ok(_) => {}
            Err(error) => quietly(Some(job), &error),
        }
        self.look(installer).await;
        if before == Some(State::Assigned.word()) && before != self.word_of(job) {
            // Prepared for the first time: the start needs no wait.
            self.tries.remove(&job);
        }
        Ok(())
    }

    /// What the installer does not believe is fetched anew, all of it: after a recovery of
    /// the vendor's, a version that was here before may have other bytes.
    fn forget_metadata(&mut self, job: JobId) {
        let wanted = self.wanted.iter().find(|wanted| wanted.job == job);
        for repository in wanted.iter().flat_map(|wanted| &wanted.repositories) {
            self.downloads.forget(repository);
            self.metadata_at.remove(repository);
        }
    }

    /// Artifacts that are not what their names say any more are fetched anew. A refusal may
    /// have other reasons, such as a full disk, for which whole ones must not go.
    async fn check_artifacts(&mut self, job: JobId) {
        let wanted = self.wanted.iter().find(|wanted| wanted.job == job);
        for sha256 in wanted.iter().flat_map(|wanted| wanted.artifacts.keys()) {
            if self.downloads.drop_damaged(sha256).await {
                tracing::warn!(%job, %sha256, "an artifact was damaged on this disk; fetched anew");
            }
        }
    }

    fn word_of(&self, job: JobId) -> Option<&'static str> {
        let jobs = &self.status.as_ref()?.jobs;
        let status = jobs.iter().find(|status| status.job == job)?;
        Some(status.state.word())
    }

    fn seen(&self, now: UtcMs) -> Vec<Seen> {
        let jobs = self.status.iter().flat_map(|status| &status.jobs);
        jobs.map(|status| {
            let wanted = self.wanted.iter().find(|wanted| wanted.job == status.job);
            let tried = self.tries.get(&status.job).copied().unwrap_or_default();
            Seen {
                job: status.job,
                state: status.state.clone(),
                slots: status.slots.clone(),
                longest_run_ms: status.longest_run_ms,
                // Without its approval there is nothing that could be fetched.
                is_fetched: wanted.is_none_or(|wanted| self.is_fetched(wanted, now)),
                tried_at: tried.at,
                not_before: tried.not_before,
            }
        })
        .collect()
    }

    fn is_fresh(&self, repository: &Name, now: UtcMs) -> bool {
        let at = self.metadata_at.get(repository);
        at.is_some_and(|at| now.since_ms(*at) < METADATA_LIFE_MS)
    }

    fn is_fetched(&self, wanted: &Wanted, now: UtcMs) -> bool {
        let is_fresh = |repository: &Name| self.is_fresh(repository, now);
        let mut artifacts = wanted.artifacts.iter();
        wanted.repositories.iter().all(is_fresh)
            && artifacts.all(|(sha256, length)| self.downloads.has(sha256, *length))
    }

    /// Fetches what a job needs; `false` where something is missing still.
    async fn fetch(&mut self, link: &Link, job: JobId, now: UtcMs) -> Result<bool, TurnError> {
        let Some(wanted) = self.wanted.iter().find(|wanted| wanted.job == job).cloned() else {
            return Ok(false);
        };
        for repository in &wanted.repositories {
            // A fetch that was interrupted goes on with what is left.
            if self.is_fresh(repository, now) {
                continue;
            }
            let fetched = {
                let relay = &mut self.relay;
                self.downloads.metadata(link, relay, repository, now).await
            };
            if !is_done(fetched, job, repository)? {
                return Ok(false);
            }
            self.metadata_at.insert(repository.clone(), now);
        }
        for (sha256, length) in &wanted.artifacts {
            let wanted = (sha256, *length);
            if self.relay.fetch(&self.downloads, wanted, now).await {
                continue;
            }
            let fetching = self.line.fetch(&self.downloads, link, wanted, now);
            let fetched = fetching.await;
            if !is_done(fetched, job, sha256)? {
                return Ok(false);
            }
        }
        self.relay.rest();
        self.line.rest();
        Ok(true)
    }

    /// A nonce from the installer, a go from the collector.
    async fn go(
        &mut self,
        link: &Link,
        installer: &Installer,
        job: JobId,
        now: UtcMs,
    ) -> Result<Option<Signed<Go>>, TurnError> {
        let Some((approval, boot)) = self.about(job) else {
            return Ok(None);
        };
        let nonce = match installer.ask(&local::Request::Nonce(job)).await {
            Ok(local::Answer::Nonce(nonce)) => nonce,
            Ok(_) => {
                quietly(Some(job), &unexpected("a nonce"));
                return Ok(None);
            }
            Err(error) => {
                quietly(Some(job), &error);
                return Ok(None);
            }
        };
        let asked = GoAsked {
            job,
            approval,
            boot,
            nonce,
        };
        match link.ask(&Request::Go(asked)).await? {
            Answer::Go(go) => Ok(Some(go)),
            Answer::NotNow(not) => {
                let reason = not.reason;
                tracing::info!(%job, plan = %approval, reason, "the collector says not now");
                let again_ms = i64::try_from(not.again_ms).unwrap_or(HOUR_MS);
                let again_ms = again_ms.clamp(SOONEST_MS, HOUR_MS);
                // Its word alone: it may be sooner than this machine would ask by itself.
                let tried = Tried {
                    at: None,
                    not_before: now.plus_ms(again_ms),
                };
                self.tries.insert(job, tried);
                Ok(None)
            }
            Answer::Refused(refused) => {
                let reason = refused.text;
                tracing::warn!(%job, plan = %approval, reason, "the collector refused a go");
                Ok(None)
            }
            _ => Err(LinkError::Unexpected("a go").into()),
        }
    }

    fn about(&self, job: JobId) -> Option<(Digest, patchward_common::id::BootId)> {
        let status = self.status.as_ref()?;
        let known = status.jobs.iter().find(|known| known.job == job)?;
        Some((known.approval, status.boot))
    }
}

/// A lost connection ends the turn; everything else is logged and tried again later.
fn is_done(
    fetched: Result<(), DownloadError>,
    job: JobId,
    what: &dyn std::fmt::Display,
) -> Result<bool, TurnError> {
    match fetched {
        Ok(()) => Ok(true),
        Err(DownloadError::Link(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%job, %what, %error, "not fetched; it is tried again");
            Ok(false)
        }
    }
}

/// The installer is not there, or says no: its journal and status tell more.
pub(super) fn quietly(job: Option<JobId>, error: &InstallerError) {
    let job = job.map(tracing::field::display);
    tracing::warn!(job, %error, "the installer did not do as asked");
}
