//! Steps 3 and 4: approval and placement.

use super::hospital::*;
use super::*;
use crate::time::{DAY_MS, HOUR_MS, Interval};
use crate::trust::approval::{Emergency, MAX_APPROVAL_LIFE_MS, MAX_SLOTS};
use crate::trust::assignment::Mode;
use crate::trust::placement::leaf_bytes;
use crate::trust::roster::Class;

fn approved_by(class: Class, by: &[u8]) -> Result<Outcome, Refusal> {
    changed(|h| {
        h.set_class(class);
        h.approval_by = by.to_vec();
    })
}

#[test]
fn one_stolen_key_approves_nothing_where_two_must_sign() {
    for class in [Class::Critical, Class::LifeSupport] {
        for by in [
            &[ANNA][..],
            &[ANNA, ANNA_BROWSER],
            &[ANNA, OLGA],
            &[ANNA, STRANGER],
        ] {
            refused!(
                approved_by(class, by),
                3,
                KeyStolen,
                Why::TooFewSigned {
                    have: 1,
                    need: 2,
                    ..
                }
            );
        }
        refused!(
            approved_by(class, &[ANNA_BROWSER, BEN]),
            3,
            KeyStolen,
            Why::TooFewSigned {
                have: 2,
                with_file_key: 0,
                need_file_key: 1,
                ..
            }
        );
        accepted(approved_by(class, &[ANNA, BEN]));
    }
    accepted(approved_by(Class::Standard, &[BEN]));
    for by in [&[STRANGER][..], &[GO], &[REGISTRAR], &[VENDOR], &[OLGA]] {
        refused!(
            approved_by(Class::Standard, by),
            3,
            ArbitrarySoftware,
            Why::Signature {
                document: "approval",
                ..
            }
        );
    }
}

#[test]
fn other_units_approvers_and_technicians_do_not_count() {
    for other in [CARL, TINA] {
        refused!(
            approved_by(Class::Standard, &[other]),
            3,
            KeyStolen,
            Why::TooFewSigned {
                have: 0,
                need: 1,
                ..
            }
        );
        refused!(
            approved_by(Class::Critical, &[ANNA, other]),
            3,
            KeyStolen,
            Why::TooFewSigned { have: 1, .. }
        );
    }
    accepted(approved_by(Class::Critical, &[BEN, DORA]));
}

#[test]
fn a_key_taken_out_of_the_roster_voids_what_it_signed() {
    refused!(
        changed(|h| {
            h.assignment_by = vec![DORA, BEN];
            h.roster.people.remove(0);
        }),
        3,
        KeyStolen,
        Why::TooFewSigned { have: 1, .. }
    );
}

#[test]
fn the_roster_may_ask_for_more_but_not_for_less() {
    let with = |approvers: u8, by: &[u8]| {
        changed(|h| {
            h.set_class(Class::Critical);
            h.roster.approvers.critical = approvers;
            h.approval_by = by.to_vec();
            h.assignment_by = vec![ANNA, BEN, DORA];
        })
    };
    refused!(
        with(0, &[ANNA]),
        3,
        KeyStolen,
        Why::TooFewSigned { need: 2, .. }
    );
    refused!(
        with(3, &[ANNA, BEN]),
        3,
        KeyStolen,
        Why::TooFewSigned { need: 3, .. }
    );
    accepted(with(3, &[ANNA, BEN, DORA]));
}

#[test]
fn an_emergency_needs_two_whatever_the_class() {
    let emergency = |by: &[u8]| {
        changed(|h| {
            h.set_class(Class::Standard);
            h.approval.emergency = Some(Emergency {
                reason: label("exploited"),
                freezes: vec![label("theatre list")],
            });
            h.approval_by = by.to_vec();
        })
    };
    refused!(
        emergency(&[ANNA]),
        3,
        KeyStolen,
        Why::TooFewSigned { need: 2, .. }
    );
    accepted(emergency(&[ANNA, BEN]));
}

#[test]
fn life_support_is_approved_wave_by_wave() {
    let waves = |class, waves| {
        changed(|h| {
            h.set_class(class);
            h.approval.waves = waves;
        })
    };
    accepted(waves(Class::LifeSupport, 1));
    accepted(waves(Class::Critical, 2));
    refused!(waves(Class::LifeSupport, 2), 3, AllAtOnce, Why::Waves(2));
}

#[test]
fn nothing_starts_past_the_approvals_expiry() {
    let expires = |ms: i64| {
        changed(|h| {
            h.leaves[0].slots = vec![slot(-HOUR_MS, 2 * HOUR_MS)];
            h.approval.expires = NOW.plus_ms(2 * HOUR_MS);
            h.now = NOW.plus_ms(2 * HOUR_MS + ms);
            h.go_clock = h.now;
        })
    };
    refused!(expires(-1), 9, WrongHour, Why::SlotTooShort { .. });
    refused!(
        expires(0),
        3,
        Freeze,
        Why::Expired {
            document: "approval",
            ..
        }
    );
    accepted(changed(|h| {
        h.approval.expires = h.approval.issued.plus_ms(MAX_APPROVAL_LIFE_MS)
    }));
    refused!(
        changed(|h| h.approval.expires = h.approval.issued.plus_ms(MAX_APPROVAL_LIFE_MS + 1)),
        3,
        OwnedAgent,
        Why::TooLong {
            document: "approval"
        }
    );
    refused!(
        changed(|h| h.approval.issued = NOW.plus_ms(DAY_MS + 1)),
        3,
        OwnedAgent,
        Why::Malformed {
            document: "approval",
            ..
        }
    );
}

#[test]
fn endless_data_in_an_approval() {
    let h = Hospital::new();
    let mut papers = h.papers();
    papers.approval = crate::trust::sign::Signed::unsigned(vec![0; 512 * 1024 + 1]);
    papers.approval.cosign(&key(ANNA));
    refused!(
        h.judge(&papers),
        3,
        OwnedAgent,
        Why::Unreadable {
            document: "approval",
            ..
        }
    );
    let mut papers = h.papers();
    (0..15).for_each(|_| papers.approval.cosign(&key(ANNA)));
    refused!(
        h.judge(&papers),
        3,
        OwnedAgent,
        Why::Unreadable {
            document: "approval",
            ..
        }
    );
}

#[test]
fn wrong_machine_in_the_plan() {
    let h = Hospital::new();
    let wrong = |papers: &hospital::Papers| {
        refused!(
            h.judge(papers),
            4,
            WrongMachine,
            Why::OtherMachine { document: "plan" }
        );
    };
    // The other machine's leaf with its own, valid proof.
    let mut swapped = Hospital::new();
    swapped.leaves.swap(0, 1);
    refused!(swapped.run(), 4, WrongMachine, Why::OtherMachine { .. });
    // Our leaf at the other's place, with a cut or a longer proof.
    let mut papers = h.papers();
    papers.leaf_proof.index = 1;
    wrong(&papers);
    let mut papers = h.papers();
    papers.leaf_proof.path.clear();
    wrong(&papers);
    let mut papers = h.papers();
    papers.leaf_proof.path.push(h.approval.root);
    wrong(&papers);
    // A leaf with a slot of the collector's own.
    let mut papers = h.papers();
    let mut leaf = h.leaves[0].clone();
    leaf.slots.push(slot(30 * HOUR_MS, 31 * HOUR_MS));
    papers.leaf = leaf_bytes(&leaf);
    wrong(&papers);
    // The leaf of another approval.
    let mut other = Hospital::new();
    other.leaves[0].slots.pop();
    let mut papers = h.papers();
    (papers.leaf, papers.leaf_proof) = (other.papers().leaf, other.papers().leaf_proof);
    wrong(&papers);
}

#[test]
fn a_relabelled_leaf_is_refused() {
    let relabelled = |change: fn(&mut Hospital), what: &str| {
        let refusal = changed(change).unwrap_err();
        assert!(
            matches!(refusal.why, Why::Relabelled(found) if found == what),
            "{refusal}"
        );
        assert_eq!(refusal.step.number(), 4);
        assert_eq!(refusal.attack(), Attack::WrongMachine);
    };
    relabelled(|h| h.leaves[0].class = Class::Standard, "class");
    relabelled(|h| h.leaves[0].unit = name("radiology"), "unit");
    relabelled(|h| h.leaves[0].groups.clear(), "coverage group");
    // A new assignment after the plan was made.
    relabelled(|h| h.rows[0].class = Class::LifeSupport, "class");
    relabelled(|h| h.rows[0].groups.clear(), "coverage group");
    accepted(changed(|h| {
        h.rows[0].groups.clear();
        h.leaves[0].groups.clear();
    }));
    accepted(changed(|h| h.rows[0].mode = Mode::Rehearse));
}

#[test]
fn slots_are_apart_in_order_and_within_the_approval() {
    let with = |slots: Vec<Interval>| changed(|h| h.leaves[0].slots = slots);
    let open = slot(-HOUR_MS, 2 * HOUR_MS);
    let malformed = |slots| {
        refused!(
            with(slots),
            4,
            OwnedAgent,
            Why::Malformed {
                document: "plan",
                ..
            }
        );
    };
    accepted(with(vec![open]));
    accepted(with(vec![slot(-HOUR_MS, 0), slot(0, 2 * HOUR_MS)]));
    malformed(vec![]);
    malformed(vec![slot(3 * HOUR_MS, 4 * HOUR_MS), open]);
    malformed(vec![open, slot(HOUR_MS, 3 * HOUR_MS)]);
    malformed(vec![open, open]);
    let many = |count: i64| {
        let later = (0..count).map(|n| slot(3 * HOUR_MS + n, 3 * HOUR_MS + n + 1));
        [open].into_iter().chain(later).collect()
    };
    accepted(with(many(MAX_SLOTS as i64 - 1)));
    malformed(many(MAX_SLOTS as i64));
    // Up to the approval's expiry, and not from before it was written.
    accepted(with(vec![open, slot(3 * HOUR_MS, 2 * DAY_MS)]));
    malformed(vec![open, slot(3 * HOUR_MS, 2 * DAY_MS + 1)]);
    malformed(vec![slot(-3 * DAY_MS, -2 * DAY_MS), open]);
    accepted(with(vec![slot(-3 * DAY_MS, -2 * DAY_MS + 1), open]));
}

#[test]
fn waves_and_minimums_are_stated() {
    refused!(
        changed(|h| h.leaves[0].wave = 1),
        4,
        OwnedAgent,
        Why::Malformed {
            document: "plan",
            ..
        }
    );
    accepted(changed(|h| {
        h.approval.waves = 2;
        h.leaves[0].wave = 1;
    }));
    refused!(
        changed(|h| h.approval.groups.clear()),
        4,
        OwnedAgent,
        Why::Malformed {
            document: "plan",
            ..
        }
    );
}
