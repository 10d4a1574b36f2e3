//! The documents that this machine keeps: only what verified when it came, so that an
//! agent cannot fill the disk, and verified again whenever it is used.

use patchward_common::digest::Digest;
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::{LocalHandover, Reason};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, PlanLeaf};
use patchward_common::trust::check::{self, Authority, Place, Refusal, Step, Stops, Why};
use patchward_common::trust::roster::SigningRole;
use patchward_common::trust::sign::{Document, PublicKey, Signed, Verified};
use patchward_common::trust::stop::{Downgrade, Scope};
use patchward_common::trust::watermark::{Mark, Watermark};
use patchward_common::wire::local::{Documents, Placed};
use serde::{Deserialize, Serialize};

/// Most approvals that are kept; a machine waits for a handful.
const MAX_APPROVALS: usize = 64;
/// Most stops, lifts, downgrades or handovers of each sort.
const MAX_OTHERS: usize = 1_024;

/// What is kept, as one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Papers {
    /// Documents as they came. Charters begin with the watermark's.
    pub documents: Documents,
    /// Scopes that were stopped without a signature.
    pub unsigned_stops: Vec<Scope>,
}

/// What a set of documents changed.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What is kept from now on.
    pub papers: Papers,
    /// The watermark from now on.
    pub watermark: Watermark,
    /// What was refused, and why.
    pub refused: Vec<(String, Reason)>,
}

impl Papers {
    /// Step 1 with what is kept.
    pub fn authority(&self, watermark: &Watermark, now: UtcMs) -> Result<Authority, Refusal> {
        let charters = &self.documents.charters;
        let known = charters
            .iter()
            .find(|charter| charter.digest() == watermark.charter.digest);
        // The newest charter is signed by its own root keys as well, and those the
        // watermark has.
        let known = known.and_then(|charter| watermark.root.verify(charter).ok());
        let roster = self.documents.roster.as_ref().ok_or(Refusal {
            step: Step::Roster,
            why: Why::Missing("roster"),
        })?;
        let at = charters
            .iter()
            .position(|c| c.digest() == watermark.charter.digest);
        let newer = charters.get(at.unwrap_or(0)..).unwrap_or_default();
        check::charter_and_roster(watermark, known.as_ref(), newer, roster, now)
    }

    /// Step 2 with what is kept.
    pub fn place(
        &self,
        authority: &Authority,
        watermark: &Watermark,
        now: UtcMs,
    ) -> Result<Place, Refusal> {
        let placed = self.documents.assignment.as_ref().ok_or(Refusal {
            step: Step::Assignment,
            why: Why::Missing("assignment"),
        })?;
        let Placed {
            signed,
            leaf,
            proof,
        } = placed;
        check::assignment(authority, watermark, signed, leaf, proof, now)
    }

    /// The approval of a job.
    pub fn approval(&self, job: JobId, machine: MachineId) -> Option<&Placed<Approval>> {
        let mut approvals = self.documents.approvals.iter();
        approvals.find(|placed| JobId::of(placed.signed.digest(), machine) == job)
    }

    /// The stops in force.
    pub fn stops(&self, authority: &Authority, place: &Place, now: UtcMs) -> Stops {
        let Documents { stops, lifts, .. } = &self.documents;
        Stops::in_force(authority, Some(&place.leaf), stops, lifts, now)
            .with_unsigned(self.unsigned_stops.iter().cloned())
    }

    /// The downgrades that a known person signed; who is enough, step 6 says.
    pub fn downgrades(&self, authority: &Authority, now: UtcMs) -> Vec<Verified<Downgrade>> {
        let keys = authority.roster.people_keys(now);
        let downgrades = self.documents.downgrades.iter();
        downgrades
            .filter_map(|signed| signed.verify(&keys).ok())
            .collect()
    }

    /// Whether somebody who may hands this machine over for the job, now.
    pub fn handed_over(
        &self,
        authority: &Authority,
        place: &Place,
        job: JobId,
        local: Option<&LocalHandover>,
        now: UtcMs,
    ) -> bool {
        let roles = [SigningRole::Approver, SigningRole::Technician];
        let roster = &authority.roster;
        let keys = roster.people_keys(now);
        let signed = self.documents.handovers.iter().any(|signed| {
            signed.verify(&keys).is_ok_and(|handover| {
                handover.machine == place.leaf.machine
                    && handover.job == job
                    && handover.slot.contains(now)
                    && !roster
                        .endorsement(handover.signers(), &roles, &[&place.leaf.unit], now)
                        .people()
                        .is_empty()
            })
        });
        signed || local.is_some_and(|local| local.job == job && now < local.until)
    }

    /// Takes what an agent brings: pure, so the caller makes it durable first.
    pub fn take(&self, watermark: &Watermark, brought: Documents, now: UtcMs) -> Taken {
        let mut taken = Taken {
            papers: self.clone(),
            watermark: watermark.clone(),
            refused: Vec::new(),
        };
        taken.time_resets(&brought);
        taken.authority(&brought, now);
        let authority = match taken.papers.authority(&taken.watermark, now) {
            Ok(authority) => authority,
            Err(refusal) => {
                taken
                    .refused
                    .push(("all others".to_owned(), Reason::from(&refusal)));
                return taken;
            }
        };
        taken.assignment(&authority, &brought, now);
        taken.approvals(&authority, brought.approvals, now);
        let kept = &mut taken.papers.documents;
        let keys = authority.roster.people_keys(now);
        let stop_keys = [&keys[..], &authority.roster.live_go_keys(now)].concat();
        let machine = watermark.machine;
        let is_full = keep(&mut kept.stops, brought.stops, &stop_keys, |_| true);
        keep(&mut kept.lifts, brought.lifts, &stop_keys, |_| true);
        let concerns = |d: &Downgrade| d.machines.contains(&machine) && now < d.expires;
        keep(&mut kept.downgrades, brought.downgrades, &keys, concerns);
        keep(&mut kept.handovers, brought.handovers, &keys, |handover| {
            handover.machine == machine && now < handover.slot.end()
        });
        if is_full {
            // Stopping is never refused: what cannot be kept stops everything.
            taken.papers.stop(Scope::All);
        }
        taken
    }

    /// Stops a scope without a signature.
    pub fn stop(&mut self, scope: Scope) {
        let scope = match self.unsigned_stops.len() < MAX_OTHERS {
            true => scope,
            false => Scope::All,
        };
        if !self.unsigned_stops.contains(&scope) {
            self.unsigned_stops.push(scope);
        }
    }
}

impl Taken {
    /// Lets the time fall where the hospital's root says so, once for each reset.
    fn time_resets(&mut self, brought: &Documents) {
        for signed in &brought.time_resets {
            let watermark = &mut self.watermark;
            match watermark.root.verify(signed) {
                Ok(reset) if reset.machine == watermark.machine => {
                    if watermark.used.insert(reset.digest()) {
                        watermark.time = watermark.time.min(reset.to);
                    }
                }
                Ok(_) => self.refuse("time reset", "it is for another machine"),
                Err(error) => self.refuse("time reset", &error.to_string()),
            }
        }
    }

    /// Follows new charters and takes a newer roster, together or each alone.
    fn authority(&mut self, brought: &Documents, now: UtcMs) {
        let old = self.papers.documents.clone();
        let rosters = [brought.roster.clone(), old.roster.clone()];
        let mut first = None;
        for charters in [&brought.charters, &Vec::new()] {
            for roster in rosters.iter().flatten() {
                let documents = &mut self.papers.documents;
                documents.charters.clone_from(&old.charters);
                for charter in charters {
                    if !documents
                        .charters
                        .iter()
                        .any(|c| c.digest() == charter.digest())
                    {
                        documents.charters.push(charter.clone());
                    }
                }
                documents.roster = Some(roster.clone());
                match self.papers.authority(&self.watermark, now) {
                    Err(refusal) => first = first.or(Some(Reason::from(&refusal))),
                    Ok(authority) => {
                        self.raise(&authority);
                        self.refused
                            .extend(first.map(|r| ("charter or roster".to_owned(), r)));
                        return;
                    }
                }
            }
        }
        self.papers.documents.charters = old.charters;
        self.papers.documents.roster = old.roster;
        self.refused
            .extend(first.map(|reason| ("charter or roster".to_owned(), reason)));
    }

    fn raise(&mut self, authority: &Authority) {
        // Charters before the one that the watermark had are never needed again; that one
        // is, until the new watermark is durable.
        let documents = &mut self.papers.documents;
        let had = self.watermark.charter.digest;
        if let Some(at) = documents.charters.iter().position(|c| c.digest() == had) {
            documents.charters.drain(..at);
        }
        raise(&mut self.watermark, authority, None);
    }

    fn assignment(&mut self, authority: &Authority, brought: &Documents, now: UtcMs) {
        let Some(newer) = &brought.assignment else {
            return;
        };
        let old = self.papers.documents.assignment.replace(newer.clone());
        match self.papers.place(authority, &self.watermark, now) {
            Ok(place) => raise(&mut self.watermark, authority, Some(&place)),
            Err(refusal) => {
                self.papers.documents.assignment = old;
                self.refused
                    .push(("assignment".to_owned(), Reason::from(&refusal)));
            }
        }
    }

    /// Keeps approvals that steps 3 and 4 accept now; a stop only keeps them from starting.
    fn approvals(&mut self, authority: &Authority, brought: Vec<Placed<Approval>>, now: UtcMs) {
        let place = self.papers.place(authority, &self.watermark, now);
        let accept = |placed: &Placed<Approval>| -> Result<PlanLeaf, Refusal> {
            let place = place.as_ref().map_err(|refusal| Refusal {
                step: refusal.step,
                why: Why::Missing("assignment that counts now"),
            })?;
            let signed = &placed.signed;
            let approval = check::approval(authority, &place.leaf, &Stops::default(), signed, now)?;
            let machine = place.leaf.machine;
            check::placement(machine, &place.leaf, &approval, &placed.leaf, &placed.proof)
        };
        let kept = &mut self.papers.documents.approvals;
        let is_over = |placed: &Placed<Approval>| {
            placed
                .signed
                .peek()
                .is_ok_and(|approval| approval.expires <= now)
        };
        kept.retain(|placed| !is_over(placed));
        for placed in brought {
            let digest = placed.signed.digest();
            let problem = match accept(&placed) {
                Ok(_) => {
                    kept.retain(|other| other.signed.digest() != digest);
                    match kept.len() < MAX_APPROVALS {
                        true => {
                            kept.push(placed);
                            continue;
                        }
                        false => Reason::new("more approvals than this machine keeps"),
                    }
                }
                Err(refusal) => Reason::from(&refusal),
            };
            self.refused.push((format!("approval {digest}"), problem));
        }
    }

    fn refuse(&mut self, what: &str, why: &str) {
        self.refused.push((what.to_owned(), Reason::new(why)));
    }
}

/// Raises the marks of documents that were verified; none of them ever falls here.
pub fn raise(watermark: &mut Watermark, authority: &Authority, place: Option<&Place>) {
    let mark = |number: u64, digest: Digest| Mark { number, digest };
    let (charter, roster) = (&authority.charter, &authority.roster);
    if charter.number > watermark.charter.number {
        watermark.charter = mark(charter.number, charter.digest());
        watermark.root = charter.root.clone();
    }
    if roster.number > watermark.roster.number {
        watermark.roster = mark(roster.number, roster.digest());
    }
    if let Some(place) = place
        && (place.mark.number > watermark.assignment.number || watermark.place.is_none())
    {
        watermark.assignment = place.mark;
        watermark.place = Some(place.leaf.clone());
    }
}

/// Adds what a known key signed and what `concerns` this machine, and drops what no
/// longer does. Says whether something had to stay out for want of room.
fn keep<T: Document>(
    kept: &mut Vec<Signed<T>>,
    brought: Vec<Signed<T>>,
    keys: &[PublicKey],
    concerns: impl Fn(&T) -> bool,
) -> bool {
    kept.retain(|signed| signed.peek().is_ok_and(|document| concerns(&document)));
    let mut is_full = false;
    for signed in brought {
        let wanted = signed
            .verify(keys)
            .is_ok_and(|document| concerns(&document));
        if !wanted || kept.contains(&signed) {
            continue;
        }
        match kept.len() < MAX_OTHERS {
            true => kept.push(signed),
            false => is_full = true,
        }
    }
    is_full
}
