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
use crate::trust::sign::{Document, KeyId, PublicKey, Signed, Verified};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A roster under a charter, as it was verified once, or why it is none.
type UnderCharter = Result<Rc<Verified<Roster>>, String>;
/// Which keys of a roster ever signed a document.
type Signers = Rc<BTreeSet<KeyId>>;

/// The documents by the digests of their payloads.
pub(super) struct Documents<'a> {
    /// Charters that follow from the root.
    charters: BTreeMap<Digest, Verified<Charter>>,
    rosters: BTreeMap<Digest, &'a Signed<Roster>>,
    pub(super) approvals: BTreeMap<Digest, (&'a Signed<Approval>, Approval)>,
    pub(super) assignments: BTreeMap<Digest, (&'a Signed<Assignment>, Assignment)>,
    pub(super) gos: BTreeMap<Digest, &'a Signed<Go>>,
    /// What was verified once: a thousand jobs of a pack stand under the same few documents.
    under: RefCell<BTreeMap<(Digest, Digest), UnderCharter>>,
    signers: RefCell<BTreeMap<(Digest, Digest), Signers>>,
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
            under: RefCell::default(),
            signers: RefCell::default(),
        }
    }

    /// The roster of this name, as a registrar of the charter of this name signed it,
    /// both in date at `at`.
    pub(super) fn roster(
        &self,
        roster: Digest,
        charter: Digest,
        at: UtcMs,
    ) -> Result<Rc<Verified<Roster>>, String> {
        let under = self
            .charters
            .get(&charter)
            .ok_or_else(|| format!("the pack has no valid charter {charter}"))?;
        let known = self.under.borrow().get(&(roster, charter)).cloned();
        let roster = known.unwrap_or_else(|| {
            let found = self.roster_under(roster, under).map(Rc::new);
            let mut known = self.under.borrow_mut();
            known.insert((roster, charter), found.clone());
            found
        })?;
        if at >= under.expires || at >= roster.expires {
            return Err(format!("charter or roster had expired at {at}"));
        }
        Ok(roster)
    }

    /// The roster as a registrar of the charter signed it.
    fn roster_under(&self, roster: Digest, charter: &Charter) -> Result<Verified<Roster>, String> {
        let signed = self
            .rosters
            .get(&roster)
            .ok_or_else(|| format!("the pack has no roster {roster}"))?;
        let registrars: Vec<PublicKey> = charter.registrars.iter().map(|r| r.key).collect();
        let roster = signed
            .verify(&registrars)
            .map_err(|error| format!("roster {roster}: {error}"))?;
        // One key of two people would count twice; a go-key that is a registrar's would
        // let the collector say who signs. No machine accepts such a roster.
        roster
            .check_under(charter)
            .map_err(|problem| format!("roster {}: {problem}", roster.digest()))?;
        Ok(roster)
    }

    /// Which people of the roster signed a document, by their keys that count at `at`.
    pub(super) fn signers<T: Document>(
        &self,
        signed: &Signed<T>,
        roster: &Verified<Roster>,
        at: UtcMs,
    ) -> BTreeSet<KeyId> {
        let name = (signed.digest(), roster.digest());
        let known = self.signers.borrow().get(&name).cloned();
        let ever = known.unwrap_or_else(|| {
            let found = Rc::new(signed.signers(&roster.all_people_keys()));
            self.signers.borrow_mut().insert(name, Rc::clone(&found));
            found
        });
        let live = roster.people_keys(at).into_iter().map(|key| key.id());
        live.filter(|key| ever.contains(key)).collect()
    }
}
