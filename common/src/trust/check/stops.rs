//! Steps 3 and 10: what stops, and what lifts a stop.

use super::authority::Authority;
use super::refusal::{Refusal, Step, Why};
use crate::digest::Digest;
use crate::id::Name;
use crate::time::UtcMs;
use crate::trust::approval::Approval;
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::charter::Charter;
use crate::trust::roster::{Class, SigningRole};
use crate::trust::sign::{KeyId, Signed, Verified};
use crate::trust::stop::{Lift, Scope, Stop};
use std::collections::{BTreeMap, BTreeSet};

/// The stops that are known here, and what ended some of them. A grow-only set.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// Signed stops by digest.
    stops: BTreeMap<Digest, Stop>,
    /// Scopes that the agent passed on without a signature: stopping is never refused.
    unsigned: Vec<Scope>,
}

impl Stops {
    /// The stops in force: every stop that `authority` knows the signer of, and that no
    /// valid lift ended. `place` says which quorum a lift needs.
    ///
    /// A stop counts while its key stands in the roster, also after the key's time:
    /// doing nothing must not end a stop.
    pub fn in_force(
        authority: &Authority,
        place: Option<&AssignmentLeaf>,
        stops: &[Signed<Stop>],
        lifts: &[Signed<Lift>],
        now: UtcMs,
    ) -> Self {
        let roster = &authority.roster;
        let people = roster.all_people_keys();
        let go_keys: Vec<_> = roster.go_keys.iter().map(|go| go.key).collect();
        let live_go_keys = roster.live_go_keys(now);
        let mut in_force = BTreeMap::new();
        for signed in stops {
            let by_approver = signed
                .verify(&people)
                .ok()
                .filter(|stop| is_by_approver(authority, stop.signers()));
            if let Some(stop) = by_approver {
                let lifts_it = |lift: &Signed<Lift>| {
                    lifts_persons_stop(authority, place, lift, stop.digest(), now)
                };
                if !lifts.iter().any(lifts_it) {
                    in_force.insert(stop.digest(), stop.into_document());
                }
            } else if let Ok(stop) = signed.verify(&go_keys) {
                let lifts_it = |lift: &Signed<Lift>| {
                    let lift = lift.verify(&live_go_keys);
                    lift.is_ok_and(|lift| lift.stop == stop.digest())
                };
                if !lifts.iter().any(lifts_it) {
                    in_force.insert(stop.digest(), stop.into_document());
                }
            }
        }
        Self {
            stops: in_force,
            unsigned: Vec::new(),
        }
    }

    /// Adds what the agent passed on without a signature.
    pub fn with_unsigned(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.unsigned.extend(scopes);
        self
    }

    /// The reason of a stop that covers this approval here, if there is one.
    pub fn covering(
        &self,
        approval: &Verified<Approval>,
        place: &AssignmentLeaf,
        charter: &Charter,
    ) -> Option<String> {
        let covers = |scope: &Scope| match scope {
            Scope::All => true,
            Scope::Plan(plan) => *plan == approval.digest(),
            Scope::Unit(unit) => *unit == place.unit,
            Scope::Release(digest) => approval.releases.iter().any(|r| r.sha256 == *digest),
            Scope::Vendor(vendor) => approval.releases.iter().any(|release| {
                charter
                    .grant(&release.repository)
                    .is_none_or(|grant| grant.vendor == *vendor)
            }),
        };
        let signed = self.stops.values().find(|stop| covers(&stop.scope));
        match signed {
            Some(stop) => Some(stop.reason.to_string()),
            None => self
                .unsigned
                .iter()
                .any(covers)
                .then(|| "the agent passed on a stop".to_owned()),
        }
    }
}

/// Whether one of the signers is an approver, of whatever unit: to stop is never wrong.
fn is_by_approver(authority: &Authority, signers: &BTreeSet<KeyId>) -> bool {
    let mut people = authority.roster.people.iter();
    people.any(|person| {
        person.roles.contains(&SigningRole::Approver)
            && person
                .keys
                .iter()
                .any(|key| signers.contains(&key.key.id()))
    })
}

fn lifts_persons_stop(
    authority: &Authority,
    place: Option<&AssignmentLeaf>,
    lift: &Signed<Lift>,
    stop: Digest,
    now: UtcMs,
) -> bool {
    let roster = &authority.roster;
    let class = place.map_or(Class::LifeSupport, |place| place.class);
    let units: Vec<&Name> = place.map(|place| &place.unit).into_iter().collect();
    lift.verify(&roster.people_keys(now)).is_ok_and(|lift| {
        lift.stop == stop
            && roster
                .endorsement(lift.signers(), &[SigningRole::Approver], &units, now)
                .meets(roster.quorum(class))
    })
}

/// 10 **hold and stop**: none.
pub fn hold_and_stop(
    held_until: Option<UtcMs>,
    stops: &Stops,
    approval: &Verified<Approval>,
    place: &AssignmentLeaf,
    charter: &Charter,
    now: UtcMs,
) -> Result<(), Refusal> {
    let refuse = |why| Refusal::new(Step::HoldAndStop, why);
    if let Some(until) = held_until.filter(|until| now < *until) {
        return Err(refuse(Why::Held(until)));
    }
    match stops.covering(approval, place, charter) {
        Some(reason) => Err(refuse(Why::Stopped(reason))),
        None => Ok(()),
    }
}
