//! Steps 3 and 4: what HTM signed, and for which machine and times.

use super::authority::Authority;
use super::refusal::{Refusal, Step, Why};
use super::rule::{enough, in_date, parse_leaf, unsigned};
use super::stops::Stops;
use crate::id::{MachineId, Name};
use crate::time::{Interval, UtcMs};
use crate::trust::approval::{Approval, MAX_APPROVAL_LIFE_MS, MAX_SLOTS, PlanLeaf};
use crate::trust::assignment::AssignmentLeaf;
use crate::trust::placement::{Proof, is_included};
use crate::trust::roster::{Class, SigningRole};
use crate::trust::sign::{KeyId, Signed, Verified};
use std::collections::BTreeSet;

/// 3 **approval**: size, signatures by enough distinct people for this machine's
/// assignment, in date, no stop.
pub fn approval(
    authority: &Authority,
    place: &AssignmentLeaf,
    stops: &Stops,
    signed: &Signed<Approval>,
    now: UtcMs,
) -> Result<Verified<Approval>, Refusal> {
    approved(authority, place, stops, signed, now).map_err(|why| Refusal::new(Step::Approval, why))
}

fn approved(
    authority: &Authority,
    place: &AssignmentLeaf,
    stops: &Stops,
    signed: &Signed<Approval>,
    now: UtcMs,
) -> Result<Verified<Approval>, Why> {
    const DOCUMENT: &str = "approval";
    let roster = &authority.roster;
    let approval = signed
        .verify(&roster.people_keys(now))
        .map_err(|error| unsigned(DOCUMENT, &error))?;
    let approvers = roster.endorsement(
        approval.signers(),
        &[SigningRole::Approver],
        &[&place.unit],
        now,
    );
    let mut quorum = roster.quorum(place.class);
    if approval.emergency.is_some() {
        quorum.people = quorum.people.max(2);
    }
    enough(&approvers, quorum)?;
    approval.check().map_err(|problem| Why::Malformed {
        document: DOCUMENT,
        problem,
    })?;
    if approval.expires.since_ms(approval.issued) > MAX_APPROVAL_LIFE_MS {
        return Err(Why::TooLong { document: DOCUMENT });
    }
    in_date(DOCUMENT, approval.issued, approval.expires, now)?;
    if place.class == Class::LifeSupport && approval.waves != 1 {
        return Err(Why::Waves(approval.waves));
    }
    match stops.covering(&approval, place, &authority.charter) {
        Some(reason) => Err(Why::Stopped(reason)),
        None => Ok(approval),
    }
}

/// The keys behind step 3: those that signed and count for this machine.
pub fn approvers(
    authority: &Authority,
    place: &AssignmentLeaf,
    approval: &Verified<Approval>,
    now: UtcMs,
) -> Vec<KeyId> {
    let counts = |key: &&KeyId| {
        let (alone, roles) = (BTreeSet::from([**key]), [SigningRole::Approver]);
        let roster = &authority.roster;
        let found = roster.endorsement(&alone, &roles, &[&place.unit], now);
        !found.people().is_empty()
    };
    approval.signers().iter().filter(counts).copied().collect()
}

/// 4 **placement**: Merkle proof; the leaf's unit, class and groups equal the assignment.
pub fn placement(
    machine: MachineId,
    place: &AssignmentLeaf,
    approval: &Approval,
    leaf: &[u8],
    proof: &Proof,
) -> Result<PlanLeaf, Refusal> {
    placed(machine, place, approval, leaf, proof).map_err(|why| Refusal::new(Step::Placement, why))
}

fn placed(
    machine: MachineId,
    place: &AssignmentLeaf,
    approval: &Approval,
    leaf: &[u8],
    proof: &Proof,
) -> Result<PlanLeaf, Why> {
    let other_machine = Why::OtherMachine { document: "plan" };
    if !is_included(leaf, proof, approval.machines, approval.root) {
        return Err(other_machine);
    }
    let leaf: PlanLeaf = parse_leaf("plan", leaf)?;
    if leaf.machine != machine || place.machine != machine {
        return Err(other_machine);
    }
    for (what, equal) in [
        ("unit", leaf.unit == place.unit),
        ("class", leaf.class == place.class),
        ("coverage group", leaf.groups == place.groups),
    ] {
        if !equal {
            return Err(Why::Relabelled(what));
        }
    }
    let say = |holds: bool, problem| {
        let document = "plan";
        let malformed = Why::Malformed { document, problem };
        if holds { Ok(()) } else { Err(malformed) }
    };
    let stated = |group: &Name| approval.groups.iter().any(|one| one.group == *group);
    say(
        leaf.groups.iter().all(stated),
        "it states no minimum for one of the machine's coverage groups",
    )?;
    say(
        (1..=MAX_SLOTS).contains(&leaf.slots.len())
            && leaf.slots.is_sorted_by(|a, b| a.end() <= b.start()),
        "its slots are none, too many, or not in order and apart",
    )?;
    // A slot before the writing opens only for a clock that was set back; one beyond
    // the expiry never does.
    let within = |slot: &Interval| approval.issued < slot.end() && slot.end() <= approval.expires;
    say(
        leaf.slots.iter().all(within),
        "a slot lies outside the approval's life",
    )?;
    say(
        leaf.wave < approval.waves,
        "its wave is none of the approval's",
    )?;
    Ok(leaf)
}
