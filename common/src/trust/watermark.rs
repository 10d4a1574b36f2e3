//! The watermark: the highest versions, counters and time that an installer has
//! seen. It never falls by itself.

use super::approval::Approval;
use super::assignment::AssignmentLeaf;
use super::charter::RootKeys;
use super::vendor::VendorWatermark;
use crate::digest::Digest;
use crate::id::{MachineId, Name};
use crate::job::Verdict;
use crate::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Largest encoded watermark: 256 repositories with their roles, 4,096 counters.
pub const MAX_WATERMARK_BYTES: usize = 4 * 1024 * 1024;

/// A document's number and which bytes had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The number; 0 before the first.
    pub number: u64,
    /// The digest of its payload; all zero before the first.
    pub digest: Digest,
}

impl Mark {
    /// Whether a document may be used: newer, or the very bytes that were seen.
    pub fn admits(&self, number: u64, digest: Digest) -> bool {
        number > self.number || (number == self.number && digest == self.digest)
    }
}

/// Everything that must never fall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// The machine that it belongs to.
    pub machine: MachineId,
    /// The root keys that sign the next charter.
    pub root: RootKeys,
    /// The newest charter.
    pub charter: Mark,
    /// The newest roster.
    pub roster: Mark,
    /// The newest assignment with a row for this machine.
    pub assignment: Mark,
    /// That row; `None` means `life_support` and `observe`.
    pub place: Option<AssignmentLeaf>,
    /// What was seen of each TUF repository.
    pub repositories: BTreeMap<Name, VendorWatermark>,
    /// The highest counter verified of each product.
    pub counters: BTreeMap<Name, u64>,
    /// The newest time that a go proved.
    pub time: UtcMs,
    /// Digests that were rolled back here and start no more.
    pub quarantine: BTreeSet<Digest>,
    /// Documents that count once and were used.
    pub used: BTreeSet<Digest>,
}

impl Watermark {
    /// The numbers of charter, roster and assignment.
    pub fn numbers(&self) -> (u64, u64, u64) {
        (
            self.charter.number,
            self.roster.number,
            self.assignment.number,
        )
    }

    /// The first watermark, written by `pin`. It knows no time yet: that rises only
    /// from a verified go.
    pub fn new(machine: MachineId, root: RootKeys) -> Self {
        Self {
            machine,
            root,
            charter: Mark::default(),
            roster: Mark::default(),
            assignment: Mark::default(),
            place: None,
            repositories: BTreeMap::new(),
            counters: BTreeMap::new(),
            time: UtcMs(0),
            quarantine: BTreeSet::new(),
            used: BTreeSet::new(),
        }
    }

    /// Draws the consequences of a job's measured end, once or again: counters rise at
    /// `Verified`, a rollback quarantines, and `downgrades` count no more. `touched` is the
    /// index of the last release that the install touched.
    pub fn settle(
        &mut self,
        approval: &Approval,
        verdict: &Verdict,
        touched: usize,
        downgrades: &[Digest],
    ) {
        self.used.extend(downgrades);
        let releases = approval.releases.iter().map(|release| &release.release);
        if *verdict == Verdict::Verified {
            for release in releases {
                // A downgrade passes the counter once; it does not let it fall.
                let seen = self.counters.entry(release.product.clone()).or_default();
                *seen = release.counter.max(*seen);
            }
            self.quarantine
                .retain(|digest| !approval.clears.contains(digest));
        } else {
            for release in releases.take(touched + 1) {
                let artifacts = release.artifacts.iter();
                self.quarantine.extend(artifacts.map(|a| a.sha256));
            }
        }
    }

    /// What `hello` carries, so that a collector sees a watermark that fell.
    pub fn digest(&self) -> Digest {
        Digest::of(&crate::codec::encode_deterministic(self))
    }
}
