//! The relay of this machine's site: artifacts and role files come from it where it has them, and
//! from the collector where it does not. Nobody trusts it: each is taken by the digest that the
//! collector or an approval names. Whatever it does, it is here within a time that this module
//! bounds, because after that the collector is asked.

use super::{DownloadError, Downloads, RELAYED};
use crate::credentials::Credentials;
use crate::link::{Identity, Link, LinkError, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_common::digest::Digest;
use patchward_common::time::{HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};
use patchward_common::wire::machine::{Answer, MetadataAsked, MetadataIs, Request};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a relay may say that it is fetching an artifact itself: a large one over the slow line
/// that a relay is there for. Artifacts are fetched days before they are used.
const FETCHES_MS: i64 = HOUR_MS;
/// How long it may say so of a role file: for what is small, nobody waits for long.
const FETCHES_ROLE_MS: i64 = MINUTE_MS;
/// How long it may take to hand one out, beside [`LEAST_RATE`]: connecting, and a bad moment.
const HANDS_OUT_MS: i64 = 2 * MINUTE_MS;
/// Bytes a second that a relay hands out at least: it is near, or it is no use.
const LEAST_RATE: u64 = 500_000;
/// How long a relay that failed is not asked again, by any artifact.
const OUT_MS: i64 = HOUR_MS;
/// Wait before it is asked again while it fetches, whatever it says.
const AGAIN_MS: RangeInclusive<u64> = 500..=10_000;
/// Longest address that is taken.
const MAX_ADDRESS_BYTES: usize = 300;

/// The relay, as the collector last told it, and how it behaves.
#[derive(Debug, Default)]
pub struct Relay {
    address: Option<String>,
    credentials: Option<Credentials>,
    /// A connection that is kept while artifacts come.
    link: Option<Link>,
    out_until: Option<UtcMs>,
    asked: Option<Asked>,
}

/// An artifact that it was asked for, possibly in several goes: hellos come in between.
#[derive(Clone, Copy, Debug)]
struct Asked {
    sha256: Digest,
    /// When it was first asked.
    since: UtcMs,
    /// Since when it has been handing it out.
    handing_since: UtcMs,
    /// How long it may hand it out, in milliseconds.
    hands_out_ms: i64,
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// An artifact of so many bytes, into a file.
    Artifact(&'a Downloads, u64),
    /// A role file, into memory.
    Role(&'a MetadataAsked),
}

impl Wanted<'_> {
    /// How long the relay may say that it is fetching it.
    fn fetches_ms(self) -> i64 {
        match self {
            Self::Artifact(..) => FETCHES_MS,
            Self::Role(_) => FETCHES_ROLE_MS,
        }
    }
}

impl Asked {
    /// How long it may still hand it out, in milliseconds.
    fn left(&self, now: UtcMs) -> Duration {
        let left = self.hands_out_ms - now.since_ms(self.handing_since);
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }
}

impl Relay {
    /// What the collector says of it; nothing where there is none.
    pub fn told(&mut self, address: Option<String>, credentials: &Credentials) {
        let address = address.filter(|address| address.len() <= MAX_ADDRESS_BYTES);
        let is_same = self.address == address && self.credentials.as_ref() == Some(credentials);
        if !is_same {
            *self = Self {
                credentials: address.is_some().then(|| credentials.clone()),
                address,
                ..Self::default()
            };
        }
    }

    /// Whether it is asked now: there is one, and it is not left alone.
    pub(super) fn is_asked(&self, now: UtcMs) -> bool {
        self.address.is_some() && self.out_until.is_none_or(|until| now >= until)
    }

    /// Fetches an artifact from it. `false` where the collector has to be asked.
    pub async fn fetch(
        &mut self,
        downloads: &Downloads,
        (sha256, length): (&Digest, u64),
        now: UtcMs,
    ) -> bool {
        if downloads.has(sha256, length) {
            return true;
        }
        let hands_out_ms = downloads.rated(length);
        let wanted = Wanted::Artifact(downloads, length);
        let is_here = self.wanted(wanted, sha256, hands_out_ms, now).await;
        if is_here.is_none() {
            downloads.drop_relayed(sha256);
        }
        is_here.is_some()
    }

    /// Fetches the bytes of a role file that the collector names; `None` where it has to hand them
    /// out itself.
    pub(super) async fn role(
        &mut self,
        asked: &MetadataAsked,
        is: &MetadataIs,
        now: UtcMs,
    ) -> Option<Vec<u8>> {
        let asked = MetadataAsked {
            sha256: Some(is.sha256),
            ..MetadataAsked::whole(asked.repository.clone(), asked.file.clone())
        };
        let wanted = Wanted::Role(&asked);
        self.wanted(wanted, &is.sha256, HANDS_OUT_MS, now).await
    }

    async fn wanted(
        &mut self,
        wanted: Wanted<'_>,
        sha256: &Digest,
        hands_out_ms: i64,
        now: UtcMs,
    ) -> Option<Vec<u8>> {
        if !self.is_asked(now) {
            return None;
        }
        let asked = match self.asked {
            Some(asked) if asked.sha256 == *sha256 => asked,
            _ => Asked {
                sha256: *sha256,
                since: now,
                handing_since: now,
                hands_out_ms,
            },
        };
        let error = match self.fetching(wanted, asked, now).await {
            Ok(bytes) => {
                self.asked = None;
                return Some(bytes);
            }
            Err(error) => error,
        };
        let why = error.to_string();
        let relay = self.address.as_deref();
        tracing::warn!(relay, %sha256, why, "the relay does not hand it out; the collector does");
        self.asked = None;
        // What says honestly that it does not have one may have the next.
        if !matches!(error, DownloadError::Refused(_)) {
            self.link = None;
            self.out_until = Some(now.plus_ms(OUT_MS));
        }
        None
    }

    async fn fetching(
        &mut self,
        wanted: Wanted<'_>,
        mut asked: Asked,
        mut now: UtcMs,
    ) -> Result<Vec<u8>, DownloadError> {
        loop {
            self.asked = Some(asked);
            let attempt = async {
                let link = self.linked().await?;
                match wanted {
                    Wanted::Artifact(downloads, length) => {
                        let fetching = downloads.artifact_as(RELAYED, &link, &asked.sha256, length);
                        fetching.await.map(|()| Vec::new())
                    }
                    Wanted::Role(file) => role(&link, file, &asked.sha256).await,
                }
            };
            let again_ms = match tokio::time::timeout(asked.left(now), attempt).await {
                Ok(Err(DownloadError::NotYet(again_ms))) => again_ms,
                Ok(ended) => return ended,
                Err(_) => return Err(super::content(asked.sha256, "it takes too long")),
            };
            if now.since_ms(asked.since) >= wanted.fetches_ms() {
                return Err(DownloadError::NotYet(again_ms));
            }
            let again_ms = again_ms.clamp(*AGAIN_MS.start(), *AGAIN_MS.end());
            tokio::time::sleep(Duration::from_millis(again_ms)).await;
            // It is not handing it out yet. How late it is truly is told by the next turn.
            now = now.plus_ms(i64::try_from(again_ms).unwrap_or(0));
            asked.handing_since = now;
        }
    }

    async fn linked(&mut self) -> Result<Link, LinkError> {
        if let Some(link) = self.link.as_ref().filter(|link| link.is_open()) {
            return Ok(link.clone());
        }
        let (Some(address), Some(credentials)) = (&self.address, &self.credentials) else {
            return Err(LinkError::NoAddress);
        };
        let addresses = std::slice::from_ref(address);
        let only = Ways::only(Carrier::Quic);
        let identity = Identity::AtRelay(credentials);
        let link = Link::watched(addresses, identity, Watch::Only, &only).await?;
        Ok(self.link.insert(link).clone())
    }

    /// Nothing more is fetched for now: a connection that nobody uses is let go of.
    pub fn rest(&mut self) {
        self.link = None;
    }
}

/// A role file with this digest, or nothing of it.
async fn role(
    link: &Link,
    asked: &MetadataAsked,
    sha256: &Digest,
) -> Result<Vec<u8>, DownloadError> {
    match link.ask(&Request::Metadata(asked.clone())).await? {
        Answer::Metadata(Some(bytes)) if Digest::of(&bytes) == *sha256 => Ok(bytes.into_vec()),
        Answer::Metadata(_) => Err(super::content(
            &asked.file,
            "other bytes came than the collector names",
        )),
        Answer::NotNow(not) => Err(DownloadError::NotYet(not.again_ms)),
        Answer::Refused(refused) => Err(DownloadError::Refused(refused)),
        _ => Err(LinkError::Unexpected("a role file").into()),
    }
}

impl Downloads {
    /// How long a relay may take to hand out so many bytes, in milliseconds; at our own rate,
    /// where that is what makes it slow.
    fn rated(&self, length: u64) -> i64 {
        let rate = match self.rate {
            0 => LEAST_RATE,
            rate => rate.min(LEAST_RATE),
        };
        let seconds = i64::try_from(length / rate.max(1)).unwrap_or(i64::MAX);
        HANDS_OUT_MS.saturating_add(seconds.saturating_mul(SECOND_MS))
    }

    /// Removes what a relay handed out of an artifact.
    fn drop_relayed(&self, sha256: &Digest) {
        // What stays is removed once nobody wants it.
        let _ = std::fs::remove_file(self.artifacts().join(format!("{sha256}{RELAYED}")));
    }
}
