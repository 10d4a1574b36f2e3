//! Go: the collector's short-lived "still true, start now" for one job.

use super::sign::Document;
use crate::id::{BootId, JobId, MachineId, Nonce};
use crate::time::{MINUTE_MS, UtcMs};
use serde::{Deserialize, Serialize};

/// How long a nonce may be answered, by the machine's boot clock.
pub const NONCE_LIFE_MS: i64 = 5 * MINUTE_MS;
/// How far the machine's clock may be from the collector's.
pub const CLOCK_BOUND_MS: i64 = 2 * MINUTE_MS;
/// How far the machine's clock may be below the time watermark.
pub const WATERMARK_SLACK_MS: i64 = 5 * MINUTE_MS;

/// Signed by a collector's go-key, for one start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Go {
    /// The job.
    pub job: JobId,
    /// The machine.
    pub machine: MachineId,
    /// The boot in which it was asked for.
    pub boot: BootId,
    /// The installer's nonce.
    pub nonce: Nonce,
    /// The collector's clock.
    pub clock: UtcMs,
}

impl Document for Go {
    const TYPE: &'static str = "patchward/go.1";
    const MAX_BYTES: usize = 512;
}
