//! The charter: what the hospital's root keys say, and nothing else does.

use super::release::{Provenance, is_target_path};
use super::sign::{Document, PublicKey, SignError, Signed, Verified};
use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::time::{DAY_MS, UtcMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most root keys; a ceremony with more people has never been seen to work.
pub const MAX_ROOT_KEYS: usize = 16;
/// Most registrars; a handful of people keep the roster.
pub const MAX_REGISTRARS: usize = 64;
/// Most vendor repositories: each costs a machine a place in its watermark.
pub const MAX_VENDORS: usize = 256;
/// Most products, and most paths, of one repository.
pub const MAX_GRANTS: usize = 1_024;
/// How long after its writing a time reset counts: the day of the ceremony and the
/// weeks until a machine that was switched off hears of it.
pub const MAX_TIME_RESET_LIFE_MS: i64 = 30 * DAY_MS;
/// Most charters that a machine follows at once, as after years in storage.
pub const MAX_CHARTER_CHAIN: usize = 64;

/// The hospital's root: keys, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootKeys {
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// How many different ones must sign; at least 1, at most their number.
    pub threshold: u8,
}

impl RootKeys {
    /// What an enrolment token pins: the digest of the deterministic encoding.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&crate::codec::encode_deterministic(self))
    }

    /// Whether keys and threshold make sense. Every key must be usable: with too few that
    /// are, no next charter could ever be signed, and one of small order is anybody's.
    pub fn is_valid(&self) -> bool {
        let different: BTreeSet<&PublicKey> = self.keys.iter().collect();
        different.len() == self.keys.len()
            && self.keys.len() <= MAX_ROOT_KEYS
            && self.keys.iter().all(PublicKey::is_usable)
            && (1..=self.keys.len()).contains(&usize::from(self.threshold))
    }

    /// Verifies what only the root may sign.
    pub fn verify<T: Document>(&self, signed: &Signed<T>) -> Result<Verified<T>, CharterError> {
        if !self.is_valid() {
            return Err(CharterError::Root);
        }
        let verified = signed.verify(&self.keys)?;
        let (have, need) = (verified.signers().len(), usize::from(self.threshold));
        if have < need {
            return Err(CharterError::Threshold { have, need });
        }
        Ok(verified)
    }
}

/// Who may sign rosters, and which vendor may speak for which product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// 1 for the first; each next one is one higher.
    pub number: u64,
    /// When it was written.
    pub issued: UtcMs,
    /// From when on it says nothing any more.
    pub expires: UtcMs,
    /// The root keys that, from this charter on, sign the next one.
    pub root: RootKeys,
    /// Who may sign a roster.
    pub registrars: Vec<Registrar>,
    /// Which vendor repositories count, and for what.
    pub vendors: Vec<VendorGrant>,
}

impl Document for Charter {
    const TYPE: &'static str = "patchward/charter.1";
    const MAX_BYTES: usize = 256 * 1024;
}

/// A person who keeps the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registrar {
    /// Short name.
    pub name: Name,
    /// Their key.
    pub key: PublicKey,
}

/// What one repository may speak for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorGrant {
    /// The vendor, or the hospital itself for its custodian repository.
    pub vendor: Name,
    /// Who publishes in the repository, and with that what its releases may be called.
    pub publisher: Publisher,
    /// The TUF repository's name.
    pub repository: Name,
    /// SHA-256 of the repository's first root.
    pub root: Digest,
    /// The products that it may speak for.
    pub products: Vec<Name>,
    /// The target paths that it may use: these, and everything in the folders of these
    /// names. The empty path is the repository's whole tree.
    pub paths: Vec<String>,
}

/// Who publishes in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publisher {
    /// The vendor itself.
    Vendor,
    /// The hospital, for what vendors send without a repository.
    Custodian,
}

impl Publisher {
    /// Whether a release from it may carry `provenance`: what the hospital published is
    /// never shown as the vendor's own, nor the other way round.
    pub fn may_give(self, provenance: Provenance) -> bool {
        match provenance {
            Provenance::Vendor => self == Self::Vendor,
            Provenance::VendorSignature | Provenance::Attested => self == Self::Custodian,
        }
    }

    /// The strongest provenance that a release has for lying in such a repository. What a
    /// custodian checked of a vendor's signature is not in the repository, so it counts as
    /// attested: a release is never shown as more than is known of it.
    pub fn gives(self) -> Provenance {
        match self {
            Self::Vendor => Provenance::Vendor,
            Self::Custodian => Provenance::Attested,
        }
    }

    /// Whose repository it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Vendor => "the vendor's own",
            Self::Custodian => "the hospital's custodian repository",
        }
    }
}

impl VendorGrant {
    /// Whether the repository may speak for the target `path`.
    pub fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|granted| {
            let folder = granted.strip_suffix('/').unwrap_or(granted);
            // `viewer` is not a beginning of `viewer-of-another-vendor`.
            folder.is_empty()
                || path
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl Charter {
    /// What is wrong with it, whoever signed it.
    pub fn check(&self) -> Result<(), &'static str> {
        let registrars: BTreeSet<_> = self.registrars.iter().map(|one| &one.name).collect();
        let keys: BTreeSet<_> = self.registrars.iter().map(|one| one.key).collect();
        if self.registrars.len() > MAX_REGISTRARS
            || registrars.len() < self.registrars.len()
            || keys.len() < self.registrars.len()
        {
            return Err("its registrars are too many, or one stands twice");
        }
        if !keys.iter().all(PublicKey::is_usable) {
            return Err("a registrar's key is not usable");
        }
        let repositories: BTreeSet<_> = self.vendors.iter().map(|one| &one.repository).collect();
        if self.vendors.len() > MAX_VENDORS || repositories.len() < self.vendors.len() {
            return Err("its repositories are too many, or one stands twice");
        }
        for grant in &self.vendors {
            if grant.products.len() > MAX_GRANTS || grant.paths.len() > MAX_GRANTS {
                return Err("a repository has too many products or paths");
            }
            let plain = |path: &String| {
                path.is_empty() || is_target_path(path.strip_suffix('/').unwrap_or(path))
            };
            if !grant.paths.iter().all(plain) {
                return Err("a repository's path is not a plain relative path");
            }
        }
        Ok(())
    }

    /// The grant of a repository.
    pub fn grant(&self, repository: &Name) -> Option<&VendorGrant> {
        self.vendors
            .iter()
            .find(|grant| grant.repository == *repository)
    }
}

/// Lets one machine's time watermark fall, where its clock was wrong by years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeReset {
    /// The machine.
    pub machine: MachineId,
    /// To when it falls.
    pub to: UtcMs,
    /// When it was written.
    pub issued: UtcMs,
}

impl Document for TimeReset {
    const TYPE: &'static str = "patchward/time-reset.1";
    const MAX_BYTES: usize = 1_024;
}

/// Why a charter does not follow from what is trusted.
#[derive(Debug, thiserror::Error)]
pub enum CharterError {
    /// Its signatures do not verify, or its bytes are not a charter.
    #[error(transparent)]
    Signature(#[from] SignError),
    /// Fewer root keys signed it than must.
    #[error("signed by {have} root keys, and the threshold asks for {need}")]
    Threshold {
        /// How many signed.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// Not the successor of the one before.
    #[error("charter {found} does not follow charter {before}")]
    Order {
        /// The trusted number; 0 before the first.
        before: u64,
        /// The number found.
        found: u64,
    },
    /// Its own root keys are not usable.
    #[error("its root keys or their threshold are not usable")]
    Root,
    /// It follows, but what it says is not usable.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Follows one charter from `trusted` root keys and the `before`th charter (0 for
/// none). The next charter is signed by the thresholds of both: the old root says
/// who comes next, and the new one shows that it holds its keys (as TUF 5.3.4).
pub fn follow(
    trusted: &RootKeys,
    before: u64,
    next: &Signed<Charter>,
) -> Result<Verified<Charter>, CharterError> {
    let charter = trusted.verify(next)?;
    if !charter.root.is_valid() {
        return Err(CharterError::Root);
    }
    charter.root.verify(next)?;
    if before.checked_add(1) != Some(charter.number) {
        return Err(CharterError::Order {
            before,
            found: charter.number,
        });
    }
    charter.check().map_err(CharterError::Malformed)?;
    Ok(charter)
}
