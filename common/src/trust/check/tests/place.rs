//! Step 2: the assignment.

use super::hospital::*;
use super::*;
use crate::digest::Digest;
use crate::time::DAY_MS;
use crate::trust::assignment::Mode;
use crate::trust::roster::Class;
use crate::trust::watermark::Mark;

/// The machine as an earlier assignment had it.
fn was(h: &mut Hospital, class: Class, unit: &str) {
    let mut row = h.rows[0].clone();
    (row.class, row.unit) = (class, name(unit));
    h.watermark.place = Some(row);
    h.watermark.assignment = Mark {
        number: 2,
        digest: Digest::of(b"before"),
    };
}

#[test]
fn one_stolen_key_assigns_nothing() {
    for by in [
        &[ANNA][..],
        &[ANNA, ANNA_BROWSER],
        &[ANNA, OLGA],
        &[ANNA, TINA],
        &[ANNA, CARL],
    ] {
        refused!(
            changed(|h| h.assignment_by = by.to_vec()),
            2,
            KeyStolen,
            Why::TooFewSigned {
                have: 1,
                need: 2,
                ..
            }
        );
    }
    refused!(
        changed(|h| h.assignment_by = vec![GO, REGISTRAR, 1]),
        2,
        ArbitrarySoftware,
        Why::Signature {
            document: "assignment",
            ..
        }
    );
    accepted(changed(|h| h.assignment_by = vec![DORA, BEN]));
}

#[test]
fn two_browser_keys_do_not_assign_a_critical_machine() {
    refused!(
        changed(|h| h.assignment_by = vec![ANNA_BROWSER, BEN]),
        2,
        KeyStolen,
        Why::TooFewSigned {
            have: 2,
            with_file_key: 0,
            need_file_key: 1,
            ..
        }
    );
}

#[test]
fn the_higher_of_old_and_new_class_says_who_signs() {
    let assign = |from: Option<Class>, to, by: &[u8]| {
        changed(|h| {
            h.set_class(to);
            if let Some(from) = from {
                was(h, from, "icu-3");
            }
            h.assignment_by = by.to_vec();
        })
    };
    let few =
        |result: Result<Outcome, Refusal>| refused!(result, 2, KeyStolen, Why::TooFewSigned { .. });
    accepted(assign(Some(Class::Standard), Class::Standard, &[BEN]));
    few(assign(Some(Class::Standard), Class::Critical, &[ANNA]));
    few(assign(Some(Class::Critical), Class::Standard, &[ANNA]));
    accepted(assign(Some(Class::Critical), Class::Standard, &[ANNA, BEN]));
    // Without one before, a machine is life support.
    few(assign(None, Class::Standard, &[ANNA]));
    accepted(assign(None, Class::Standard, &[ANNA, BEN]));
}

#[test]
fn a_machine_moves_by_approvers_of_both_units() {
    let moved = |by: &[u8]| {
        changed(|h| {
            was(h, Class::Critical, "radiology");
            h.assignment_by = by.to_vec();
        })
    };
    accepted(moved(&[ANNA, BEN]));
    refused!(moved(&[ANNA, CARL]), 2, KeyStolen, Why::TooFewSigned { .. });
    refused!(moved(&[ANNA, DORA]), 2, KeyStolen, Why::TooFewSigned { .. });
}

#[test]
fn rollback_of_the_assignment() {
    let seen = |number, same: bool| {
        changed(|h| {
            let digest = if same {
                h.papers().assignment.digest()
            } else {
                Digest::of(b"other")
            };
            h.watermark.place = Some(h.rows[0].clone());
            h.watermark.assignment = Mark { number, digest };
        })
    };
    accepted(seen(3, true));
    accepted(seen(2, false));
    refused!(
        seen(3, false),
        2,
        Rollback,
        Why::Changed {
            document: "assignment"
        }
    );
    refused!(
        seen(4, true),
        2,
        Rollback,
        Why::Older {
            document: "assignment",
            ..
        }
    );
}

#[test]
fn a_table_with_two_rows_for_the_machine_gives_no_choice() {
    // The row that was pinned was another one of the very same table.
    refused!(
        changed(|h| {
            let mut other = h.rows[0].clone();
            other.mode = Mode::Observe;
            h.watermark.place = Some(other);
            h.watermark.assignment = Mark {
                number: 3,
                digest: h.papers().assignment.digest(),
            };
        }),
        2,
        Rollback,
        Why::Changed {
            document: "assignment"
        }
    );
}

#[test]
fn wrong_machine_in_the_assignment() {
    let mut h = Hospital::new();
    h.run().unwrap();
    // The other machine's row with its own proof, and ours with the other's proof.
    h.rows.swap(0, 1);
    refused!(
        h.run(),
        2,
        WrongMachine,
        Why::OtherMachine {
            document: "assignment"
        }
    );
    let h = Hospital::new();
    let mut papers = h.papers();
    papers.row_proof.index = 1;
    refused!(
        h.judge(&papers),
        2,
        WrongMachine,
        Why::OtherMachine {
            document: "assignment"
        }
    );
    // A relabelled row that nobody signed.
    let mut papers = h.papers();
    let mut row = h.rows[0].clone();
    row.class = Class::Standard;
    papers.row = crate::trust::placement::leaf_bytes(&row);
    refused!(
        h.judge(&papers),
        2,
        WrongMachine,
        Why::OtherMachine {
            document: "assignment"
        }
    );
}

#[test]
fn a_row_is_well_formed_and_not_dated_ahead() {
    for groups in [
        vec!["b", "a"],
        vec!["a", "a"],
        vec!["a", "b", "c", "d", "e", "f", "g", "h", "i"],
    ] {
        refused!(
            changed(|h| h.rows[0].groups = groups.iter().map(|g| name(g)).collect()),
            2,
            OwnedAgent,
            Why::Malformed {
                document: "assignment",
                ..
            }
        );
    }
    accepted(changed(|h| h.assignment.issued = NOW.plus_ms(DAY_MS)));
    refused!(
        changed(|h| h.assignment.issued = NOW.plus_ms(DAY_MS + 1)),
        2,
        OwnedAgent,
        Why::Malformed {
            document: "assignment",
            ..
        }
    );
}

#[test]
fn the_mode_is_signed() {
    refused!(
        changed(|h| h.rows[0].mode = Mode::Observe),
        2,
        None,
        Why::Mode(Mode::Observe)
    );
    // What people work on, no installer touches, whoever got it there.
    refused!(
        changed(|h| h.rows[0].mode = Mode::Manual),
        2,
        None,
        Why::Mode(Mode::Manual)
    );
    // Rehearsal runs all steps, and the last question before the start record is this.
    let outcome = accepted(changed(|h| h.rows[0].mode = Mode::Rehearse));
    let place = |leaf| Place {
        leaf,
        mark: Mark::default(),
    };
    let rehearsed = place(outcome.place).may_install();
    refused!(rehearsed, 2, None, Why::Mode(Mode::Rehearse));
    assert!(place(Hospital::new().rows[0].clone()).may_install().is_ok());
}
