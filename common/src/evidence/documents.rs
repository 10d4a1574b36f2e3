//! The documents of a pack, read once.

use super::Pack;
use super::report::{Findings, Rule};
use crate::digest::Digest;
use crate::time::UtcMs;
use crate::trust::approval::Approval;
use crate::trust::assignment::Assignment;
use crate::trust::charter::Charter;
use crate::trust::go::Go;
use crate::trust::roster::Roster;
use crate::trust::sign::{PublicKey, Signed, Verified};
use std::collections::BTreeMap;

/// The documents by the digests of their payloads.
pub(super) struct Documents<'a> {
    /// Charters that follow from the root.
    charters: BTreeMap<Digest, Verified<Charter>>,
    rosters: BTreeMap<Digest, &'a Signed<Roster>>,
    pub(super) approvals: BTreeMap<Digest, (&'a Signed<Approval>, Approval)>,
    pub(super) assignments: BTreeMap<Digest, (&'a Signed<Assignment>, Assignment)>,
    pub(super) gos: BTreeMap<Digest, &'a Signed<Go>>,
}

impl<'a> Documents<'a> {
    pub(super) fn read(pack: &'a Pack, findings: &mut Findings) -> Self {
        let charters = pack.chain.all().unwrap_or_else(|error| {
            findings.add(Rule::Charter, error.to_string());
            Vec::new()
        });
        let mut approvals = BTreeMap::new();
        for signed in &pack.approvals {
            match signed.peek() {
                Ok(approval) => {
                    approvals.insert(signed.digest(), (signed, approval));
                }
                Err(error) => {
                    let text = format!("an approval cannot be read: {error}");
                    findings.add(Rule::Approval, text);
                }
            }
        }
        let mut assignments = BTreeMap::new();
        for signed in &pack.assignments {
            match signed.peek() {
                Ok(assignment) => {
                    assignments.insert(signed.digest(), (signed, assignment));
                }
                Err(error) => {
                    let text = format!("an assignment cannot be read: {error}");
                    findings.add(Rule::Assignment, text);
                }
            }
        }
        Self {
            charters: charters.into_iter().map(|c| (c.digest(), c)).collect(),
            rosters: pack.rosters.iter().map(|r| (r.digest(), r)).collect(),
            approvals,
            assignments,
            gos: pack.gos.iter().map(|go| (go.digest(), go)).collect(),
        }
    }

    /// The roster of this name, as a registrar of the charter of this name signed it,
    /// both in date at `at`.
    pub(super) fn roster(
        &self,
        roster: Digest,
        charter: Digest,
        at: UtcMs,
    ) -> Result<Verified<Roster>, String> {
        let charter = self
            .charters
            .get(&charter)
            .ok_or_else(|| format!("the pack has no valid charter {charter}"))?;
        let signed = self
            .rosters
            .get(&roster)
            .ok_or_else(|| format!("the pack has no roster {roster}"))?;
        let registrars: Vec<PublicKey> = charter.registrars.iter().map(|r| r.key).collect();
        let roster = signed
            .verify(&registrars)
            .map_err(|error| format!("roster {roster}: {error}"))?;
        if at >= charter.expires || at >= roster.expires {
            return Err(format!("charter or roster had expired at {at}"));
        }
        // One key of two people would count twice; a go-key that is a registrar's would
        // let the collector say who signs. No machine accepts such a roster.
        roster
            .check_under(charter)
            .map_err(|problem| format!("roster {}: {problem}", roster.digest()))?;
        Ok(roster)
    }
}
