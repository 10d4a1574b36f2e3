//! What holds for any change: flipped bytes, any set of signers, any order.

use super::hospital::*;
use super::*;
use crate::codec;
use crate::trust::roster::Class;
use crate::trust::sign::{Document, Signed};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::LazyLock;

/// A hospital of the least class, where one signature is enough and the second is spare.
static HOSPITAL: LazyLock<Hospital> = LazyLock::new(|| {
    let mut hospital = Hospital::new();
    hospital.set_class(Class::Standard);
    hospital.refreshed = Some(hospital.refresh());
    hospital
});
static ALLOWED: LazyLock<Outcome> =
    LazyLock::new(|| HOSPITAL.judge(&PAPERS).expect("the papers are good"));
static PAPERS: LazyLock<Papers> = LazyLock::new(|| HOSPITAL.papers());

/// The document after `change` to its wire form, or `None` where that cannot be read.
fn altered<T: Serialize + DeserializeOwned>(
    document: &T,
    change: &impl Fn(&mut Vec<u8>),
) -> Option<T> {
    let mut bytes = codec::encode(document);
    change(&mut bytes);
    codec::decode(&bytes, 1 << 20).ok()
}

/// The papers with one of them changed; the number wraps around.
fn with_one_altered(which: usize, change: &impl Fn(&mut Vec<u8>)) -> Option<Papers> {
    let mut papers = PAPERS.clone();
    match which % 9 {
        0 => papers.charters[0] = altered(&papers.charters[0], change)?,
        1 => papers.roster = altered(&papers.roster, change)?,
        2 => papers.assignment = altered(&papers.assignment, change)?,
        3 => change(&mut papers.row),
        4 => papers.row_proof = altered(&papers.row_proof, change)?,
        5 => papers.approval = altered(&papers.approval, change)?,
        6 => change(&mut papers.leaf),
        7 => papers.leaf_proof = altered(&papers.leaf_proof, change)?,
        _ => papers.go = altered(&papers.go, change)?,
    }
    Some(papers)
}

/// A payload with other bytes under the old signatures.
fn forged<T: Document>(signed: &Signed<T>, change: &impl Fn(&mut Vec<u8>)) -> Signed<T> {
    let mut payload = signed.payload().to_vec();
    change(&mut payload);
    let mut forged = Signed::unsigned(payload);
    forged.add_signatures(signed.signatures().iter().cloned());
    forged
}

/// Refused, or the very same meaning: never another.
fn same_or_refused(papers: Option<&Papers>) -> Result<(), TestCaseError> {
    if let Some(Ok(outcome)) = papers.map(|papers| HOSPITAL.judge(papers)) {
        prop_assert_eq!(&outcome, &*ALLOWED);
    }
    Ok(())
}

fn flip(at: usize, with: u8) -> impl Fn(&mut Vec<u8>) {
    move |bytes| {
        let at = at % bytes.len();
        bytes[at] ^= with;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_flipped_byte_means_nothing_else(which: usize, at: usize, with in 1u8..) {
        same_or_refused(with_one_altered(which, &flip(at, with)).as_ref())?;
    }

    #[test]
    fn cut_or_longer_papers_mean_nothing_else(which: usize, keep: usize, more in prop::collection::vec(any::<u8>(), 0..4)) {
        let change = |bytes: &mut Vec<u8>| {
            if more.is_empty() {
                bytes.truncate(keep % bytes.len());
            } else {
                bytes.extend(&more);
            }
        };
        same_or_refused(with_one_altered(which, &change).as_ref())?;
    }

    #[test]
    fn a_flipped_byte_in_what_is_signed_is_refused(which in 0usize..5, at: usize, with in 1u8..) {
        let change = flip(at, with);
        let mut papers = PAPERS.clone();
        let step = match which {
            0 => { papers.charters[0] = forged(&papers.charters[0], &change); 1 }
            1 => { papers.roster = forged(&papers.roster, &change); 1 }
            2 => { papers.assignment = forged(&papers.assignment, &change); 2 }
            3 => { papers.approval = forged(&papers.approval, &change); 3 }
            _ => { papers.go = forged(&papers.go, &change); 8 }
        };
        let refusal = HOSPITAL.judge(&papers).expect_err("forged");
        prop_assert_eq!(refusal.step.number(), step);
        prop_assert_eq!(refusal.attack(), Attack::ArbitrarySoftware);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_does_not_matter(
        by in Just(vec![ANNA, BEN, CARL, DORA, OLGA, STRANGER]).prop_shuffle(),
        people in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        roots in Just(vec![1, 2, 3]).prop_shuffle(),
    ) {
        let mut h = Hospital::new();
        h.set_class(Class::Standard);
        h.refreshed.clone_from(&HOSPITAL.refreshed);
        (h.approval_by, h.assignment_by) = (by.clone(), by);
        h.charters[0].1 = roots;
        h.roster.people = people.iter().map(|&at| h.roster.people[at].clone()).collect();
        prop_assert_eq!(&h.run().expect("only the order changed"), &*ALLOWED);
    }
}

/// All sets of signers, for all classes, against the rule in words.
#[test]
fn any_set_of_signers_below_the_quorum_is_refused() {
    let candidates = [ANNA, ANNA_BROWSER, BEN, DORA, CARL, TINA, OLGA, STRANGER];
    for class in [Class::Standard, Class::Critical, Class::LifeSupport] {
        let mut h = Hospital::new();
        h.refreshed.clone_from(&HOSPITAL.refreshed);
        h.set_class(class);
        for set in 0u32..1 << candidates.len() {
            let by: Vec<u8> = (0..candidates.len())
                .filter(|at| set >> at & 1 == 1)
                .map(|at| candidates[at])
                .collect();
            let signed = |seed| by.contains(&seed);
            let anna = signed(ANNA) || signed(ANNA_BROWSER);
            let people = [anna, signed(BEN), signed(DORA)];
            let people = people.iter().filter(|signed| **signed).count();
            let enough = match class {
                Class::Standard => people >= 1,
                _ => people >= 2 && (signed(ANNA) || signed(DORA)),
            };
            h.approval_by.clone_from(&by);
            match h.run() {
                Ok(_) => assert!(enough, "{class:?} by {by:?} was accepted"),
                Err(refusal) => {
                    assert!(!enough, "{class:?} by {by:?}: {refusal}");
                    assert_eq!(refusal.step.number(), 3);
                }
            }
        }
    }
}
