//! The vendor side: TUF 1.0 with our own durable watermark around it.
//! (Interface that `check` relies on; the owner of this file keeps these names.)

use super::check::Attack;
use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// The highest versions and digests seen of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorWatermark {}

/// Why a vendor's metadata is refused.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct VendorError(String);

impl VendorError {
    /// The attack that it stops.
    pub fn attack(&self) -> Attack {
        Attack::None
    }
}

/// What a refresh found.
#[derive(Debug)]
pub struct VerifiedTargets {}

/// One target file.
#[derive(Clone, Debug)]
pub struct Target {
    /// Length in bytes.
    pub length: u64,
    /// SHA-256.
    pub sha256: Digest,
    /// The vendor's own text about it.
    pub custom: serde_json::Map<String, serde_json::Value>,
}

impl VerifiedTargets {
    /// A target by its path.
    pub fn target(&self, _path: &str) -> Result<Option<Target>, VendorError> {
        Ok(None)
    }
}
