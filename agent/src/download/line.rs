//! A connection of its own for artifacts from the collector. The one that hellos and stops come
//! over is held all day by every machine, so both sides keep it small; this one is for large
//! packets, and ends with the fetching. Where it cannot be had, the other one serves.

use super::{DownloadError, Downloads};
use crate::credentials::Credentials;
use crate::link::Link;
use patchward_carrier::Carrier;
use patchward_common::digest::Digest;
use patchward_common::time::{HOUR_MS, UtcMs};

/// Smallest artifact that is worth a handshake.
const LEAST_BYTES: u64 = 1024 * 1024;
/// How long no other is tried after one failed.
const OUT_MS: i64 = HOUR_MS;

/// The connection, while artifacts are fetched.
#[derive(Debug, Default)]
pub struct Line {
    credentials: Option<Credentials>,
    link: Option<Link>,
    out_until: Option<UtcMs>,
}

impl Line {
    /// What this machine proves itself with.
    pub fn told(&mut self, credentials: &Credentials) {
        if self.credentials.as_ref() != Some(credentials) {
            self.credentials = Some(credentials.clone());
            self.link = None;
        }
    }

    /// Fetches an artifact from the collector that `link` leads to.
    pub async fn fetch(
        &mut self,
        downloads: &Downloads,
        link: &Link,
        (sha256, length): (&Digest, u64),
        now: UtcMs,
    ) -> Result<(), DownloadError> {
        if length >= LEAST_BYTES
            && !downloads.has(sha256, length)
            && let Some(own) = self.beside(link, now).await
        {
            match downloads.artifact(&own, sha256, length).await {
                // What is here stays: the rest comes over the other one.
                Err(DownloadError::Link(error)) if link.is_open() => self.out(&error, now),
                ended => return ended,
            }
        }
        downloads.artifact(link, sha256, length).await
    }

    async fn beside(&mut self, link: &Link, now: UtcMs) -> Option<Link> {
        let is_same = |own: &&Link| own.is_open() && own.address() == link.address();
        if let Some(own) = self.link.as_ref().filter(is_same) {
            return Some(own.clone());
        }
        // Over TCP both would be alike.
        let is_out = self.out_until.is_some_and(|until| now < until);
        if is_out || link.carrier() != Carrier::Quic {
            return None;
        }
        match link.for_artifacts(self.credentials.as_ref()?).await {
            Ok(own) => Some(self.link.insert(own).clone()),
            Err(error) => {
                self.out(&error, now);
                None
            }
        }
    }

    fn out(&mut self, error: &dyn std::fmt::Display, now: UtcMs) {
        tracing::info!(%error, "artifacts come over the connection that hellos use");
        self.link = None;
        self.out_until = Some(now.plus_ms(OUT_MS));
    }

    /// Nothing more is fetched for now.
    pub fn rest(&mut self) {
        self.link = None;
    }
}
