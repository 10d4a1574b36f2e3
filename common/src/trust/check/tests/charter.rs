//! Step 1: the chain of charters.

use super::hospital::*;
use super::*;
use crate::trust::charter::MAX_CHARTER_CHAIN;
use crate::trust::sign::PublicKey;
use crate::trust::watermark::Mark;

/// The watermark after charter 1 was seen.
fn seen_charter(h: &mut Hospital) {
    let digest = h.papers().charters[0].digest();
    h.watermark.charter = Mark { number: 1, digest };
}

/// Adds the successor of the newest charter.
pub(super) fn next_charter(h: &mut Hospital, by: &[u8]) {
    let mut next = h.charters.last().unwrap().0.clone();
    next.number += 1;
    h.charters.push((next, by.to_vec()));
}

#[test]
fn one_stolen_root_key_makes_no_charter() {
    refused!(
        changed(|h| h.charters[0].1 = vec![1]),
        1,
        KeyStolen,
        Why::TooFewSigned {
            have: 1,
            need: 2,
            ..
        }
    );
    refused!(
        changed(|h| h.charters[0].1 = vec![1, 1]),
        1,
        KeyStolen,
        Why::TooFewSigned { have: 1, .. }
    );
    refused!(
        changed(|h| h.charters[0].1 = vec![STRANGER, REGISTRAR]),
        1,
        ArbitrarySoftware,
        Why::Signature {
            document: "charter",
            ..
        }
    );
    accepted(changed(|h| h.charters[0].1 = vec![3, 1, STRANGER]));
}

#[test]
fn the_next_charter_needs_the_old_roots_threshold_and_the_new() {
    let rotate = |by: &[u8]| {
        changed(|h| {
            next_charter(h, by);
            h.charters[1].0.root.keys = vec![public(4), public(5)];
        })
    };
    accepted(rotate(&[1, 2, 4, 5]));
    refused!(rotate(&[4, 5]), 1, ArbitrarySoftware, Why::Signature { .. });
    refused!(rotate(&[1, 4, 5]), 1, KeyStolen, Why::TooFewSigned { .. });
    refused!(rotate(&[1, 2, 4]), 1, KeyStolen, Why::TooFewSigned { .. });
}

/// With root keys that nobody can use, no later charter could ever be signed.
#[test]
fn a_next_root_of_unusable_keys_is_refused() {
    let rotate = |key: [u8; 32]| {
        changed(|h| {
            next_charter(h, &[1, 2, 4, 5]);
            h.charters[1].0.root.keys = vec![public(4), public(5), PublicKey(key)];
        })
    };
    accepted(rotate(public(6).0));
    let mut small_order = [0; 32];
    small_order[0] = 1;
    for unusable in [small_order, [2; 32]] {
        assert!(!PublicKey(unusable).is_usable());
        refused!(
            rotate(unusable),
            1,
            OwnedAgent,
            Why::Malformed {
                document: "charter",
                ..
            }
        );
    }
}

#[test]
fn a_charter_follows_the_watermark_without_a_gap() {
    // The charter that was seen is offered again, alone or before its successor.
    accepted(changed(seen_charter));
    accepted(changed(|h| {
        seen_charter(h);
        next_charter(h, &[1, 2]);
    }));
    accepted(changed(|h| {
        seen_charter(h);
        next_charter(h, &[1, 2]);
        h.charters.remove(0);
    }));
    refused!(
        changed(|h| {
            next_charter(h, &[1, 2]);
            h.charters.remove(0);
        }),
        1,
        OwnedAgent,
        Why::Malformed {
            document: "charter",
            ..
        }
    );
    refused!(
        changed(|h| {
            seen_charter(h);
            h.charters.clear();
        }),
        1,
        None,
        Why::Missing("charter")
    );
}

#[test]
fn rollback_of_the_charter() {
    refused!(
        changed(|h| {
            seen_charter(h);
            h.watermark.charter.number = 1;
            h.charter().expires.0 += 1;
        }),
        1,
        Rollback,
        Why::Changed {
            document: "charter"
        }
    );
    refused!(
        changed(|h| h.watermark.charter.number = 2),
        1,
        Rollback,
        Why::Older {
            document: "charter",
            found: 1,
            seen: 2
        }
    );
    // After its successor the charter that was seen does not count again.
    refused!(
        changed(|h| {
            next_charter(h, &[1, 2]);
            let first = h.charters[0].clone();
            h.charters.push(first);
        }),
        1,
        Rollback,
        Why::Older {
            document: "charter",
            found: 1,
            seen: 2
        }
    );
}

#[test]
fn the_known_charter_is_the_watermarks() {
    let mut h = Hospital::new();
    let known = h.authority().unwrap().charter;
    let roster = h.papers().roster;
    let with = |h: &Hospital| charter_and_roster(&h.watermark, Some(&known), &[], &roster, NOW);
    let refusal = with(&h).unwrap_err();
    assert!(matches!(refusal.why, Why::Changed { .. }), "{refusal}");
    seen_charter(&mut h);
    assert_eq!(with(&h).unwrap().charter, known);
}

#[test]
fn a_charter_that_takes_a_registrar_away_counts_without_a_roster() {
    let mut h = Hospital::new();
    seen_charter(&mut h);
    next_charter(&mut h, &[1, 2]);
    h.charters[1].0.registrars.clear();
    h.charters[1].0.expires = NOW;
    let papers = h.papers();
    let newest = charters(&h.watermark, None, &papers.charters).unwrap();
    assert_eq!(newest.number, 2, "expired or not");
    h.watermark.charter = Mark {
        number: 2,
        digest: newest.digest(),
    };
    // Now the charter before it, with its registrar, is an old one.
    h.charters.remove(1);
    refused!(
        h.run(),
        1,
        Rollback,
        Why::Changed { .. } | Why::Older { .. }
    );
}

#[test]
fn a_chain_of_charters_is_bounded() {
    let chain = |length: usize| changed(|h| (1..length).for_each(|_| next_charter(h, &[1, 2])));
    accepted(chain(MAX_CHARTER_CHAIN));
    refused!(
        chain(MAX_CHARTER_CHAIN + 1),
        1,
        OwnedAgent,
        Why::Malformed { .. }
    );
}
