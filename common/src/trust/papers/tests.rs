//! What an agent may bring, and what is kept of it.

use super::*;
use crate::codec::encode_deterministic;
use crate::id::{Label, Name};
use crate::time::{DAY_MS, HOUR_MS, Interval};
use crate::trust::assignment::{AssignmentLeaf, Mode};
use crate::trust::charter::Charter;
use crate::trust::charter::{MAX_TIME_RESET_LIFE_MS, Registrar, RootKeys, TimeReset};
use crate::trust::roster::Roster;
use crate::trust::roster::{
    Approvers, Class, GoKey, KeyKind, Person, PersonKey, SigningRole, Units,
};
use crate::trust::sign::Document;
use crate::trust::sign::PublicKey;
use crate::trust::stop::Stop;
use crate::trust::watermark::Mark;
use ed25519_dalek::SigningKey;

const NOW: UtcMs = UtcMs(1_800_000_000_000);
const MACHINE: MachineId = MachineId([1; 32]);
const ROOT: u8 = 1;
const RITA: u8 = 2;
const RUDI: u8 = 3;
const ANNA: u8 = 4;
const GO: u8 = 5;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn sign<T: Document>(document: &T, by: u8) -> Signed<T> {
    let mut signed = Signed::unsigned(encode_deterministic(document));
    signed.cosign(&key(by));
    signed
}

fn root() -> RootKeys {
    RootKeys {
        keys: vec![PublicKey::of(&key(ROOT))],
        threshold: 1,
    }
}

/// The charter of a number, with one registrar.
fn charter(number: u64, registrar: u8) -> Signed<Charter> {
    let charter = Charter {
        number,
        issued: NOW,
        expires: NOW.plus_ms(365 * DAY_MS),
        root: root(),
        registrars: vec![Registrar {
            name: name("registrar"),
            key: PublicKey::of(&key(registrar)),
        }],
        vendors: Vec::new(),
    };
    sign(&charter, ROOT)
}

/// A roster with one approver and one go-key, whose keys end after `life_ms`.
fn roster(number: u64, life_ms: i64) -> Roster {
    let (from, until) = (NOW.plus_ms(-DAY_MS), NOW.plus_ms(life_ms));
    Roster {
        number,
        issued: NOW,
        expires: NOW.plus_ms(80 * DAY_MS),
        people: vec![Person {
            id: name("anna"),
            name: label("Anna"),
            roles: vec![SigningRole::Approver],
            units: Units::All,
            keys: vec![PersonKey {
                key: PublicKey::of(&key(ANNA)),
                kind: KeyKind::File,
                from,
                until,
            }],
        }],
        go_keys: vec![GoKey {
            collector: name("collector"),
            key: PublicKey::of(&key(GO)),
            from,
            until,
        }],
        approvers: Approvers::default(),
    }
}

/// A machine that took the first charter and roster.
fn started() -> Taken {
    let first = Documents {
        charters: vec![charter(1, RITA)],
        roster: Some(sign(&roster(1, 80 * DAY_MS), RITA)),
        ..Documents::default()
    };
    let watermark = Watermark::new(MACHINE, root());
    let taken = Papers::default().take(&watermark, first, NOW);
    assert!(taken.refused.is_empty(), "{:?}", taken.refused);
    taken
}

fn bring(before: &Taken, documents: Documents) -> Taken {
    before.papers.take(&before.watermark, documents, NOW)
}

fn numbers(taken: &Taken) -> (u64, u64) {
    (
        taken.watermark.charter.number,
        taken.watermark.roster.number,
    )
}

#[test]
fn a_registrar_who_was_taken_away_does_not_come_back() {
    // The agent withholds the roster that fits the new charter.
    let brought = Documents {
        charters: vec![charter(1, RITA), charter(2, RUDI)],
        ..Documents::default()
    };
    let gone = bring(&started(), brought);
    assert_eq!(numbers(&gone), (2, 1));
    assert!(gone.papers.authority(&gone.watermark, NOW).is_err());
    // Nor does it help to show the old charter with a new roster by the old registrar.
    let brought = Documents {
        charters: vec![charter(1, RITA)],
        roster: Some(sign(&roster(2, 80 * DAY_MS), RITA)),
        ..Documents::default()
    };
    let back = bring(&gone, brought);
    assert_eq!(numbers(&back), (2, 1));
    assert!(back.papers.authority(&back.watermark, NOW).is_err());
    assert_eq!(
        back.refused.len(),
        3,
        "charter, roster, rest: {:?}",
        back.refused
    );
    let brought = Documents {
        roster: Some(sign(&roster(2, 80 * DAY_MS), RUDI)),
        ..Documents::default()
    };
    let good = bring(&back, brought);
    assert!(good.refused.is_empty(), "{:?}", good.refused);
    assert_eq!(numbers(&good), (2, 2));
}

#[test]
fn charters_are_followed_however_many_came_before() {
    let mut taken = started();
    let mut all = vec![charter(1, RITA)];
    for number in 2..6 {
        all.push(charter(number, RITA));
        let brought = Documents {
            charters: all.clone(),
            ..Documents::default()
        };
        taken = bring(&taken, brought);
        assert!(taken.refused.is_empty(), "{:?}", taken.refused);
        assert_eq!(numbers(&taken), (number, 1));
        assert_eq!(taken.papers.documents.charters.len(), 2);
    }
    // A power cut between the papers and the watermark.
    let before = started();
    let torn = Taken {
        watermark: before.watermark,
        ..bring(
            &started(),
            Documents {
                charters: all,
                ..Documents::default()
            },
        )
    };
    let authority = torn.papers.authority(&torn.watermark, NOW).unwrap();
    assert_eq!(authority.charter.number, 5);
    assert_eq!(numbers(&bring(&torn, Documents::default())), (5, 1));
}

fn reset(machine: MachineId, issued: UtcMs) -> Documents {
    let reset = TimeReset {
        machine,
        to: NOW,
        issued,
    };
    Documents {
        time_resets: vec![sign(&reset, ROOT)],
        ..Documents::default()
    }
}

#[test]
fn the_time_falls_once_for_each_young_reset_of_this_machine() {
    let mut ahead = started();
    ahead.watermark.time = NOW.plus_ms(3_650 * DAY_MS);
    let old = NOW.plus_ms(-MAX_TIME_RESET_LIFE_MS);
    let mut stranger = reset(MACHINE, NOW);
    stranger.time_resets[0] = sign(&stranger.time_resets[0].peek().unwrap(), RITA);
    for (what, documents) in [
        ("of 30 days ago", reset(MACHINE, old)),
        ("of another machine", reset(MachineId([2; 32]), NOW)),
        ("by a registrar", stranger),
    ] {
        let taken = bring(&ahead, documents);
        assert_eq!(taken.watermark, ahead.watermark, "{what}");
        assert_eq!(taken.refused.len(), 1, "{what}");
    }
    let young = reset(MACHINE, old.plus_ms(1));
    let mut fallen = bring(&ahead, young.clone());
    assert_eq!(fallen.watermark.time, NOW);
    assert!(fallen.refused.is_empty());
    // A go raises it again; what was used counts no more.
    fallen.watermark.time = ahead.watermark.time;
    let again = bring(&fallen, young);
    assert_eq!(again.watermark, fallen.watermark);
    assert_eq!(again.refused.len(), 1);
}

#[test]
fn a_handover_is_for_the_open_slot_and_no_other_time() {
    let from = |hour| {
        let start = NOW.plus_ms(hour * HOUR_MS);
        Interval::new(start, start.plus_ms(2 * HOUR_MS)).unwrap()
    };
    let place = Place {
        leaf: AssignmentLeaf {
            machine: MACHINE,
            name: label("Pump server"),
            unit: name("icu"),
            class: Class::Standard,
            groups: Vec::new(),
            model: name("station"),
            mode: Mode::Active,
        },
        mark: Mark::default(),
    };
    let leaf = PlanLeaf {
        machine: MACHINE,
        unit: name("icu"),
        class: Class::Standard,
        groups: Vec::new(),
        wave: 0,
        slots: vec![from(-1), from(24)],
    };
    let job = JobId([7; 16]);
    let handover = |slot| Handover {
        machine: MACHINE,
        job,
        slot,
        stand_in: label("The other one"),
        issued: NOW,
    };
    let handed_over = |slot, at| {
        let brought = Documents {
            handovers: vec![sign(&handover(slot), ANNA)],
            ..Documents::default()
        };
        let taken = bring(&started(), brought);
        assert_eq!(taken.papers.documents.handovers.len(), 1);
        let authority = taken.papers.authority(&taken.watermark, NOW).unwrap();
        let papers = taken.papers;
        papers.handed_over(&authority, &leaf, &place, job, None, at)
    };
    assert!(handed_over(from(-1), NOW));
    assert!(!handed_over(from(-1), from(-1).end()), "the slot is over");
    assert!(!handed_over(from(24), NOW), "of the next slot");
    let all_time = Interval::new(UtcMs(0), UtcMs(i64::MAX)).unwrap();
    assert!(!handed_over(all_time, NOW), "for ever");
    // What is said at the machine ends with the slot as well.
    let local = LocalHandover {
        job,
        until: NOW.plus_ms(12 * HOUR_MS),
        stand_in: label("The other one"),
    };
    let taken = started();
    let authority = taken.papers.authority(&taken.watermark, NOW).unwrap();
    let papers = taken.papers;
    for (at, counts) in [(NOW, true), (from(-1).end(), false)] {
        let found = papers.handed_over(&authority, &leaf, &place, job, Some(&local), at);
        assert_eq!(found, counts);
    }
}

#[test]
fn a_stop_is_kept_although_its_key_has_run_out() {
    let brought = Documents {
        roster: Some(sign(&roster(2, 0), RITA)),
        ..Documents::default()
    };
    let expired = bring(&started(), brought);
    assert_eq!(numbers(&expired), (1, 2));
    let stop = Stop {
        scope: Scope::All,
        reason: label("look first"),
        issued: NOW.plus_ms(-HOUR_MS),
    };
    for (by, kept) in [(ANNA, 1), (GO, 1), (RUDI, 0)] {
        let brought = Documents {
            stops: vec![sign(&stop, by)],
            ..Documents::default()
        };
        let taken = bring(&expired, brought);
        assert_eq!(taken.papers.documents.stops.len(), kept, "by {by}");
    }
}

/// Whoever carries documents adds what is no signature: it must not fill the disk, nor
/// make one stop many.
#[test]
fn only_signatures_that_count_are_kept_and_each_document_once() {
    let stop = Stop {
        scope: Scope::All,
        reason: label("look first"),
        issued: NOW,
    };
    let honest = (sign(&stop, ANNA), sign(&roster(2, 80 * DAY_MS), RITA));
    let padded = |at: u8| {
        let junk = (0..12).map(|byte| vec![byte ^ at; 500]);
        let (mut stop, mut roster) = honest.clone();
        stop.add_signatures(junk.clone());
        roster.add_signatures(junk);
        let charter = charter(1, RITA);
        Documents {
            charters: vec![charter],
            roster: Some(roster),
            stops: vec![stop],
            ..Documents::default()
        }
    };
    let mut taken = started();
    for at in 0..3 {
        taken = bring(&taken, padded(at));
        assert_eq!(numbers(&taken), (1, 2));
    }
    let kept = taken.papers.documents;
    assert_eq!(kept.stops, [honest.0]);
    assert_eq!(kept.roster, Some(honest.1));
}
