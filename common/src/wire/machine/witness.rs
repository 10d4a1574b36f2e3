//! What a machine remembers of its collector: asked for where that was put back to a backup, so
//! that a person sees what it does not know any more.

use crate::digest::Digest;
use crate::id::JobId;
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};

/// Most heads of the audit log in a report: the newest week and a day, older ones are in the
/// backup or nowhere.
pub const MAX_WITNESSED_HEADS: usize = 8;
/// Most jobs in a report: an installer holds sixteen approvals, and one that is open.
pub const MAX_WITNESSED_JOBS: usize = 64;

/// What a machine remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Numbers of the newest charter, roster and assignment that its installer has seen; zeros
    /// where that does not answer.
    pub numbers: (u64, u64, u64),
    /// Heads of the collector's audit log that hellos told, newest first.
    pub heads: Vec<WitnessedHead>,
    /// The jobs that its installer has.
    pub jobs: Vec<JobId>,
}

/// A head of the collector's audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessedHead {
    /// When it was told, by the machine's clock.
    pub at: UtcMs,
    /// The hash of the log's last row then.
    pub hash: Digest,
}
