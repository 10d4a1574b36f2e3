//! Taking what an agent brings: pure, so the installer makes it durable before it counts.

use super::{MAX_APPROVALS, MAX_OTHERS, MAX_PAPERS_BYTES, Papers};
use crate::codec;
use crate::digest::Digest;
use crate::job::Reason;
use crate::time::UtcMs;
use crate::trust::approval::{Approval, PlanLeaf};
use crate::trust::charter::{Charter, MAX_CHARTER_CHAIN};
use crate::trust::check::{self, Authority, Place, Refusal, Stops, Why};
use crate::trust::roster::Roster;
use crate::trust::sign::{Document, PublicKey, Signed, Verified};
use crate::trust::stop::{Downgrade, Scope};
use crate::trust::watermark::{Mark, Watermark};
use crate::wire::local::{Documents, Placed};

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
    /// Takes what an agent brings; the installer makes it durable before it counts.
    pub fn take(&self, watermark: &Watermark, brought: Documents, now: UtcMs) -> Taken {
        let mut taken = Taken {
            papers: self.clone(),
            watermark: watermark.clone(),
            refused: Vec::new(),
        };
        taken.charters(&brought.charters);
        taken.time_resets(&brought, now);
        taken.roster(brought.roster.as_ref(), now);
        let authority = match taken.papers.authority(&taken.watermark, now) {
            Ok(authority) => authority,
            Err(refusal) => {
                taken
                    .refused
                    .push(("all others".to_owned(), Reason::from(&refusal)));
                return taken;
            }
        };
        raise(&mut taken.watermark, &authority, None);
        taken.assignment(&authority, &brought, now);
        taken.approvals(&authority, brought.approvals, now);
        let kept = &mut taken.papers.documents;
        let roster = &authority.roster;
        let keys = roster.people_keys(now);
        let machine = watermark.machine;
        // A stop does not lapse as its signer's key does; a lift does.
        let go_keys = roster.go_keys.iter().map(|go| go.key);
        let stop_keys: Vec<_> = roster
            .all_people_keys()
            .into_iter()
            .chain(go_keys)
            .collect();
        let is_full = keep(&mut kept.stops, brought.stops, &stop_keys, |_| true);
        let lift_keys = [&keys[..], &roster.live_go_keys(now)].concat();
        keep(&mut kept.lifts, brought.lifts, &lift_keys, |_| true);
        let concerns = |d: &Downgrade| d.machines.contains(&machine) && now < d.expires;
        keep(&mut kept.downgrades, brought.downgrades, &keys, concerns);
        keep(&mut kept.handovers, brought.handovers, &keys, |handover| {
            handover.machine == machine && now < handover.slot.end()
        });
        if is_full {
            // Stopping is never refused: what cannot be kept stops everything.
            taken.papers.stop(Scope::All);
        }
        if codec::encode(&taken.papers).len() > MAX_PAPERS_BYTES {
            // Nor what has no room: the old ones stay, and nothing starts by them.
            taken.papers = self.clone();
            taken.papers.stop(Scope::All);
            taken.watermark = watermark.clone();
            let reason = Reason::new("more documents than this machine keeps");
            taken.refused.push(("all of them".to_owned(), reason));
        }
        taken
    }
}

impl Taken {
    /// Lets the time fall where the hospital's root says so, once for each reset.
    fn time_resets(&mut self, brought: &Documents, now: UtcMs) {
        for signed in &brought.time_resets {
            match check::time_reset(&self.watermark, signed, now) {
                Ok(reset) => {
                    self.watermark.used.insert(reset.digest());
                    self.watermark.time = reset.to;
                }
                Err(refusal) => {
                    let refused = ("time reset".to_owned(), Reason::from(&refusal));
                    self.refused.push(refused);
                }
            }
        }
    }

    /// Follows new charters, each alone, and raises the watermark to them: a charter
    /// that takes a registrar away counts from now, whether or not a roster fits it.
    fn charters(&mut self, brought: &[Signed<Charter>]) {
        let had = self.watermark.charter;
        // A collector sends the old ones along; an older one as its newest is a rollback.
        let is_history = |charter: &&Signed<Charter>| {
            charter
                .peek()
                .is_ok_and(|peeked| peeked.number < had.number)
        };
        let (newest, before) = brought.split_last().unzip();
        let before = before.unwrap_or_default();
        // The one that the watermark had stays until the new watermark is durable.
        let kept = std::mem::take(&mut self.papers.documents.charters);
        let chain = &mut self.papers.documents.charters;
        let known = kept.iter().chain(before).filter(|one| !is_history(one));
        for next in known.chain(newest) {
            if chain.iter().any(|one| one.digest() == next.digest()) {
                continue;
            }
            if chain.len() >= MAX_CHARTER_CHAIN {
                break; // What follows comes again with the next documents.
            }
            match check::charters(&self.watermark, None, std::slice::from_ref(next)) {
                Ok(charter) => {
                    // Signed by the root that was known and by its own.
                    let roots = self.watermark.root.keys.iter().chain(&charter.root.keys);
                    chain.push(next.trimmed(roots));
                    raise_charter(&mut self.watermark, &charter);
                }
                Err(refusal) => {
                    let refused = ("charter".to_owned(), Reason::from(&refusal));
                    return self.refused.push(refused);
                }
            }
        }
    }

    /// Takes a newer roster, where the charter lets it stand.
    fn roster(&mut self, brought: Option<&Signed<Roster>>, now: UtcMs) {
        let Some(newer) = brought else {
            return;
        };
        let old = self.papers.documents.roster.replace(newer.clone());
        self.papers.documents.roster = match self.papers.authority(&self.watermark, now) {
            Ok(authority) => {
                let registrars = authority.charter.registrars.iter();
                Some(newer.trimmed(registrars.map(|registrar| &registrar.key)))
            }
            Err(refusal) => {
                let refused = ("roster".to_owned(), Reason::from(&refusal));
                self.refused.push(refused);
                old
            }
        };
    }

    fn assignment(&mut self, authority: &Authority, brought: &Documents, now: UtcMs) {
        let Some(newer) = &brought.assignment else {
            return;
        };
        let newer = Placed {
            signed: newer.signed.trimmed(&authority.roster.all_people_keys()),
            ..newer.clone()
        };
        let old = self.papers.documents.assignment.replace(newer);
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
        let keys = authority.roster.all_people_keys();
        for placed in brought {
            let placed = Placed {
                signed: placed.signed.trimmed(&keys),
                ..placed
            };
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
}

/// Raises the marks of documents that were verified; none of them ever falls here.
pub fn raise(watermark: &mut Watermark, authority: &Authority, place: Option<&Place>) {
    let mark = |number: u64, digest: Digest| Mark { number, digest };
    let roster = &authority.roster;
    raise_charter(watermark, &authority.charter);
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

/// Raises the mark of the charter, and with it the root keys that sign the next one.
fn raise_charter(watermark: &mut Watermark, charter: &Verified<Charter>) {
    if charter.number > watermark.charter.number {
        watermark.charter = Mark {
            number: charter.number,
            digest: charter.digest(),
        };
        watermark.root = charter.root.clone();
    }
}

/// Adds what a known key signed and what `concerns` this machine, and drops what no
/// longer does. A document is kept once, with every signature that counts. Says whether
/// something had to stay out for want of room.
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
        if !wanted {
            continue;
        }
        let digest = signed.digest();
        let has_room = kept.len() < MAX_OTHERS;
        match kept.iter_mut().find(|other| other.digest() == digest) {
            Some(known) => {
                known.add_signatures(signed.trimmed(keys).signatures().iter().cloned());
                *known = known.trimmed(keys);
            }
            None if has_room => kept.push(signed.trimmed(keys)),
            None => is_full = true,
        }
    }
    is_full
}
