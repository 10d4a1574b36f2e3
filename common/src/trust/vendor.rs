//! The vendor side: TUF 1.0 with our own durable watermark around it.
//!
//! The rules for signatures, thresholds, expiry and pins are those of
//! `sigstore_tuf`, which performs no I/O. Every TUF client that was tried accepts an
//! old, validly signed timestamp again once its local store is lost. Here what must
//! never fall is a value of ours, [`VendorWatermark`], which the caller keeps
//! durably; the library starts each refresh with nothing but a root.
//!
//! Step numbers in comments and errors are those of the client workflow in the TUF
//! specification 1.0, section 5.

mod crypto;
mod error;
mod json;
mod refresh;
mod search;
mod signers;
mod target;
#[cfg(test)]
mod tests;
mod watermark;

pub use error::{Problem, VendorError};
pub use target::{Target, VerifiedTargets};
pub use watermark::{RoleMark, VendorWatermark};

use crate::digest::Digest;
use crate::time::UtcMs;
use sigstore_tuf::TrustedMetadataSet;
use std::collections::{BTreeMap, BTreeSet};

/// Largest root: tens of keys and signatures; python-tuf allows as much.
pub const MAX_ROOT_BYTES: usize = 512_000;
/// Largest timestamp: one pin and a few signatures.
pub const MAX_TIMESTAMP_BYTES: usize = 16_384;
/// Largest snapshot: [`MAX_ROLES`] pins with two hashes each take a tenth of it.
pub const MAX_SNAPSHOT_BYTES: usize = 2_000_000;
/// Largest targets file, top-level or delegated: thousands of releases.
pub const MAX_TARGETS_BYTES: usize = 5_000_000;
/// All metadata that one refresh holds: a catalogue of [`MAX_ROLES`] large roles must
/// not fill the memory.
pub const MAX_REFRESH_BYTES: usize = 64_000_000;
/// Most new roots in one refresh (Y of 5.3.3; "such as 2^10" there, 256 in
/// python-tuf). An installer walks from the pinned root each time, so this is also
/// the most roots that one pin can reach: a root a month for 21 years.
pub const MAX_ROOT_ROTATIONS: u32 = 256;
/// Most targets roles visited for one path (5.6.7.1); python-tuf has the same.
pub const MAX_DELEGATIONS: usize = 32;
/// Most targets roles of one repository: 256 hash bins and as many again. Bounds a
/// watermark, which remembers every one of them.
pub const MAX_ROLES: usize = 512;
/// Longest name of a delegated role: its file name, percent-encoded and with a
/// version, must fit into the 255 bytes of a file system.
pub const MAX_ROLE_NAME_BYTES: usize = 64;

/// Where metadata comes from: a folder that the agent filled, or a repository.
pub trait Source {
    /// The file of this name as the repository offers it now; `None` where it has
    /// none. Names are safe as one path segment. A reader may stop after `limit + 1`
    /// bytes: longer files are refused.
    fn fetch(&mut self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Unavailable>;

    /// What an earlier refresh accepted under this name without version, where the
    /// caller keeps such files. It saves downloads; nothing is trusted for lying there.
    fn kept(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

/// The repository could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

impl<F> Source for F
where
    F: FnMut(&str, usize) -> Result<Option<Vec<u8>>, Unavailable>,
{
    fn fetch(&mut self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Unavailable> {
        self(name, limit)
    }
}

/// One TUF repository during one refresh.
#[derive(Debug)]
pub struct Repository {
    trusted: TrustedMetadataSet,
    watermark: VendorWatermark,
    /// The fixed update start time (5.1).
    now: UtcMs,
    /// What was accepted, by file name without version.
    accepted: BTreeMap<String, Vec<u8>>,
    /// Delegations (role, delegator) that were verified in this refresh.
    verified: BTreeSet<(String, String)>,
    /// Whether a refresh ran to its end.
    fresh: bool,
}

impl Repository {
    /// Starts from a root (5.2) whose bytes have the digest `pin`: the vendor's first
    /// root, pinned in the charter, or the newest that the caller has kept.
    ///
    /// `now` is the update start time, the same for every check (5.1).
    pub fn open(
        root: &[u8],
        pin: Digest,
        watermark: VendorWatermark,
        now: UtcMs,
    ) -> Result<Self, VendorError> {
        let refuse = |problem: Problem| problem.at("root", "5.2");
        if Digest::of(root) != pin {
            return Err(refuse(Problem::Pin));
        }
        crypto::install();
        let trusted = signers::first_root(root).map_err(refuse)?;
        let mut repository = Self {
            trusted,
            watermark,
            now,
            accepted: BTreeMap::new(),
            verified: BTreeSet::new(),
            fresh: false,
        };
        repository.pass_root(None).map_err(refuse)?;
        Ok(repository)
    }

    /// What was seen so far. It rises with every file that is accepted, also where a
    /// later one is refused: keep it durably before anything that was found is used.
    pub fn watermark(&self) -> &VendorWatermark {
        &self.watermark
    }

    /// The trusted root's bytes.
    pub fn root_bytes(&self) -> &[u8] {
        self.trusted.root_bytes()
    }

    /// The files that were accepted, by name without version, for a caller that keeps
    /// them. Those whose mark is gone from the watermark are to be deleted (5.3.11).
    pub fn accepted(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.accepted
    }

    /// A repository as one call: refresh, then look up `paths`. The watermark is the
    /// new one, also after a refusal.
    pub fn verify<'a>(
        mut self,
        source: &mut dyn Source,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> (Result<VerifiedTargets, VendorError>, VendorWatermark) {
        let found = self
            .refresh(source)
            .and_then(|()| self.resolve(source, paths));
        (found, self.watermark)
    }

    /// Looks up targets by path, over delegations. Needs a finished [`Self::refresh`].
    pub fn resolve<'a>(
        &mut self,
        source: &mut dyn Source,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<VerifiedTargets, VendorError> {
        let mut found = VerifiedTargets::default();
        for path in paths {
            let target = self.search(source, path)?;
            found.insert(path, target);
        }
        Ok(found)
    }
}
