//! Stops, lifts and holds: steps 3 and 10.

use super::hospital::*;
use super::*;
use crate::digest::Digest;
use crate::time::MINUTE_MS;
use crate::trust::roster::Class;
use crate::trust::sign::Signed;
use crate::trust::stop::{Lift, Scope, Stop};

fn stop(scope: Scope, by: &[u8]) -> Signed<Stop> {
    let stop = Stop {
        scope,
        reason: label("recall"),
        issued: NOW,
    };
    sign(&stop, by)
}

fn lift(stop: &Signed<Stop>, by: &[u8]) -> Signed<Lift> {
    let lift = Lift {
        stop: stop.digest(),
        reason: label("judged"),
        issued: NOW,
    };
    sign(&lift, by)
}

#[test]
fn a_stop_covers_its_scope() {
    let release = Digest::of(b"4.2");
    let plan = Hospital::new().approval_digest();
    for scope in [
        Scope::All,
        Scope::Plan(plan),
        Scope::Release(release),
        Scope::Vendor(name("acme")),
        Scope::Unit(name("icu-3")),
    ] {
        refused!(
            changed(|h| h.stops = vec![stop(scope.clone(), &[ANNA])]),
            3,
            WithheldStop,
            Why::Stopped(_)
        );
        // The same without a signature, and come between step 3 and step 10.
        refused!(
            changed(|h| h.unsigned_stops = vec![scope.clone()]),
            3,
            WithheldStop,
            Why::Stopped(_)
        );
        refused!(
            changed(|h| h.late_stops = vec![scope.clone()]),
            10,
            WithheldStop,
            Why::Stopped(_)
        );
    }
    for scope in [
        Scope::Plan(release),
        Scope::Release(plan),
        Scope::Vendor(name("other")),
        Scope::Unit(name("radiology")),
    ] {
        accepted(changed(|h| {
            h.stops = vec![stop(scope.clone(), &[ANNA])];
            h.late_stops = vec![scope];
        }));
    }
}

#[test]
fn any_approver_and_any_go_key_may_stop() {
    let stopped = |by: &[u8]| changed(|h| h.stops = vec![stop(Scope::All, by)]);
    // Also the approver of another unit, and one whose key's time is over.
    for by in [ANNA, ANNA_BROWSER, BEN, CARL, DORA, OLGA, GO] {
        refused!(stopped(&[by]), 3, WithheldStop, Why::Stopped(_));
    }
    for by in [TINA, STRANGER, REGISTRAR, 1] {
        accepted(stopped(&[by]));
    }
    refused!(
        changed(|h| {
            h.roster.go_keys.push(h.roster.go_keys[0].clone());
            h.roster.go_keys[1].key = public(31);
            h.roster.go_keys[1].until = NOW;
            h.stops = vec![stop(Scope::All, &[31])];
        }),
        3,
        WithheldStop,
        Why::Stopped(_)
    );
}

#[test]
fn an_approvers_stop_is_lifted_by_the_classes_quorum() {
    let lifted = |class, stop_by: &[u8], lift_by: &[u8]| {
        changed(|h| {
            h.set_class(class);
            let stop = stop(Scope::All, stop_by);
            h.lifts = vec![lift(&stop, lift_by)];
            h.stops = vec![stop];
        })
    };
    accepted(lifted(Class::Critical, &[BEN], &[ANNA, DORA]));
    accepted(lifted(Class::Standard, &[BEN], &[ANNA]));
    for by in [
        &[ANNA][..],
        &[ANNA, ANNA_BROWSER],
        &[ANNA_BROWSER, BEN],
        &[ANNA, CARL],
        &[ANNA, OLGA],
        &[GO],
        &[TINA, ANNA],
    ] {
        refused!(
            lifted(Class::Critical, &[BEN], by),
            3,
            WithheldStop,
            Why::Stopped(_)
        );
    }
    // The collector's own key beside an approver's makes it no collector's stop.
    refused!(
        lifted(Class::Critical, &[BEN, GO], &[GO]),
        3,
        WithheldStop,
        Why::Stopped(_)
    );
}

#[test]
fn a_collectors_stop_is_lifted_by_a_go_key() {
    let lifted = |by: &[u8]| {
        changed(|h| {
            let stop = stop(Scope::All, &[GO]);
            h.lifts = vec![lift(&stop, by)];
            h.stops = vec![stop];
        })
    };
    accepted(lifted(&[GO]));
    refused!(lifted(&[STRANGER]), 3, WithheldStop, Why::Stopped(_));
}

#[test]
fn a_lift_ends_one_stop() {
    refused!(
        changed(|h| {
            let (one, other) = (
                stop(Scope::All, &[ANNA]),
                stop(Scope::Unit(name("icu-3")), &[ANNA]),
            );
            h.lifts = vec![lift(&one, &[ANNA, BEN])];
            h.stops = vec![one, other];
        }),
        3,
        WithheldStop,
        Why::Stopped(_)
    );
    // Nothing lifts what came without a signature.
    refused!(
        changed(|h| {
            let one = stop(Scope::All, &[ANNA]);
            h.lifts = vec![lift(&one, &[ANNA, BEN])];
            h.stops = vec![one];
            h.unsigned_stops = vec![Scope::All];
        }),
        3,
        WithheldStop,
        Why::Stopped(_)
    );
}

#[test]
fn a_vendors_stop_covers_a_repository_that_the_charter_does_not_know() {
    let h = Hospital::new();
    let authority = h.authority().unwrap();
    let approved = super::approval(
        &authority,
        &h.rows[0],
        &Stops::default(),
        &h.papers().approval,
        NOW,
    )
    .unwrap();
    let stops = Stops::default().with_unsigned([Scope::Vendor(name("other"))]);
    let mut charter = authority.charter.clone().into_document();
    assert_eq!(stops.covering(&approved, &h.rows[0], &charter), None);
    charter.vendors.clear();
    assert!(stops.covering(&approved, &h.rows[0], &charter).is_some());
}

#[test]
fn the_ward_says_not_now() {
    let held = |ms: i64| changed(|h| h.held_until = Some(NOW.plus_ms(ms)));
    refused!(held(1), 10, None, Why::Held(_));
    refused!(held(MINUTE_MS), 10, None, Why::Held(_));
    accepted(held(0));
}
