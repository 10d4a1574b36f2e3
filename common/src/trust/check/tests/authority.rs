//! Step 1: the roster, and what charter and roster may say.

use super::charter::next_charter;
use super::hospital::*;
use super::*;
use crate::time::{DAY_MS, MINUTE_MS};
use crate::trust::charter::Registrar;
use crate::trust::roster::{GoKey, KeyKind, PersonKey};
use crate::trust::sign::PublicKey;
use crate::trust::watermark::Mark;

#[test]
fn freeze_of_charter_and_roster() {
    accepted(changed(|h| h.charter().expires = NOW.plus_ms(1)));
    refused!(
        changed(|h| h.charter().expires = NOW),
        1,
        Freeze,
        Why::Expired {
            document: "charter",
            ..
        }
    );
    accepted(changed(|h| h.roster.expires = NOW.plus_ms(1)));
    refused!(
        changed(|h| h.roster.expires = NOW),
        1,
        Freeze,
        Why::Expired {
            document: "roster",
            ..
        }
    );
}

#[test]
fn documents_dated_ahead_are_refused() {
    accepted(changed(|h| h.charter().issued = NOW.plus_ms(DAY_MS)));
    refused!(
        changed(|h| h.charter().issued = NOW.plus_ms(DAY_MS + 1)),
        1,
        OwnedAgent,
        Why::Malformed {
            document: "charter",
            ..
        }
    );
    accepted(changed(|h| h.roster.issued = NOW.plus_ms(DAY_MS)));
    refused!(
        changed(|h| h.roster.issued = NOW.plus_ms(DAY_MS + 1)),
        1,
        OwnedAgent,
        Why::Malformed {
            document: "roster",
            ..
        }
    );
}

#[test]
fn a_roster_lives_ninety_days_at_most() {
    accepted(changed(|h| {
        h.roster.expires = h.roster.issued.plus_ms(90 * DAY_MS);
    }));
    refused!(
        changed(|h| h.roster.expires = h.roster.issued.plus_ms(90 * DAY_MS + 1)),
        1,
        OwnedAgent,
        Why::TooLong { document: "roster" }
    );
    refused!(
        changed(|h| {
            h.roster.issued.0 = i64::MIN;
            h.roster.expires.0 = i64::MAX;
        }),
        1,
        OwnedAgent,
        Why::TooLong { document: "roster" }
    );
}

#[test]
fn only_a_registrar_of_the_newest_charter_signs_rosters() {
    for seed in [STRANGER, ANNA, GO, 1] {
        refused!(
            changed(|h| h.roster_by = seed),
            1,
            ArbitrarySoftware,
            Why::Signature {
                document: "roster",
                ..
            }
        );
    }
    let hand_over = |by| {
        changed(|h| {
            next_charter(h, &[1, 2]);
            h.charters[1].0.registrars[0].key = public(11);
            h.roster_by = by;
        })
    };
    accepted(hand_over(11));
    refused!(
        hand_over(REGISTRAR),
        1,
        ArbitrarySoftware,
        Why::Signature { .. }
    );
}

#[test]
fn rollback_of_the_roster() {
    let seen = |number, same: bool| {
        changed(|h| {
            let digest = h.papers().roster.digest();
            h.watermark.roster = Mark { number, digest };
            if !same {
                h.roster.issued.0 += MINUTE_MS;
            }
        })
    };
    accepted(seen(7, true));
    accepted(seen(6, false));
    refused!(
        seen(7, false),
        1,
        Rollback,
        Why::Changed { document: "roster" }
    );
    refused!(
        seen(8, true),
        1,
        Rollback,
        Why::Older {
            document: "roster",
            ..
        }
    );
}

#[test]
fn one_key_is_one_persons() {
    let malformed = |change: fn(&mut Hospital)| {
        refused!(
            changed(change),
            1,
            OwnedAgent,
            Why::Malformed {
                document: "roster",
                ..
            }
        );
    };
    malformed(|h| h.person(BEN).keys[0].key = public(ANNA_BROWSER));
    malformed(|h| h.person(BEN).id = name("anna"));
    malformed(|h| {
        let again = h.person(BEN).keys[0].clone();
        h.person(BEN).keys.push(again);
    });
    // The neutral point, for which anybody can sign, and bytes that are no point.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = PublicKey(neutral);
    assert!(!weak.is_usable() && !PublicKey([2; 32]).is_usable());
    assert!(public(ANNA).is_usable());
    malformed(|h| h.person(BEN).keys[0].key = PublicKey([2; 32]));
    malformed(|h| {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        h.person(BEN).keys[0].key = PublicKey(neutral);
    });
}

#[test]
fn a_go_key_is_nothing_else() {
    let with = |key: PublicKey| {
        changed(|h| {
            h.roster.go_keys.push(GoKey {
                key,
                ..h.roster.go_keys[0].clone()
            });
        })
    };
    accepted(with(public(31)));
    for seed in [GO, ANNA, REGISTRAR, 1] {
        refused!(
            with(public(seed)),
            1,
            OwnedAgent,
            Why::Malformed {
                document: "roster",
                ..
            }
        );
    }
}

#[test]
fn lists_of_charter_and_roster_are_bounded() {
    refused!(
        changed(|h| {
            let one = h.person(BEN).keys[0].clone();
            h.person(BEN).keys = (0..9)
                .map(|n| PersonKey {
                    key: public(100 + n),
                    kind: KeyKind::File,
                    ..one.clone()
                })
                .collect();
        }),
        1,
        OwnedAgent,
        Why::Malformed {
            document: "roster",
            ..
        }
    );
    let malformed = |change: fn(&mut Hospital)| {
        refused!(
            changed(change),
            1,
            OwnedAgent,
            Why::Malformed {
                document: "charter",
                ..
            }
        );
    };
    malformed(|h| {
        let again = h.charter().vendors[0].clone();
        h.charter().vendors.push(again);
    });
    malformed(|h| {
        let one = Registrar {
            name: name("rolf"),
            ..h.charter().registrars[0].clone()
        };
        h.charter().registrars.push(one);
    });
    malformed(|h| h.charter().registrars[0].key.0 = [2; 32]);
    for path in ["/viewer", "viewer/../pump", "..", "viewer//", "a\\b"] {
        refused!(
            changed(|h| h.charter().vendors[0].paths.push(path.into())),
            1,
            OwnedAgent,
            Why::Malformed {
                document: "charter",
                ..
            }
        );
    }
    malformed(|h| {
        h.charter().root.keys.push(public(1));
    });
}
