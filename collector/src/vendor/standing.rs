//! What becomes of the releases of a repository that are stored, once it was read again.

use crate::store::releases::ReleaseState;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use std::collections::BTreeSet;

/// A stored release, as far as this asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its target path.
    pub path: String,
    /// SHA-256 of that target.
    pub sha256: Digest,
    /// The product.
    pub product: Name,
    /// Its version.
    pub version: String,
    /// Its release counter.
    pub counter: u64,
    /// Versions that must be installed on the way to it.
    pub stones: Vec<String>,
    /// As it stands.
    pub state: ReleaseState,
}

/// A state that changes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its target path.
    pub path: String,
    /// SHA-256 of that target.
    pub sha256: Digest,
    /// As it stands from now on.
    pub state: ReleaseState,
    /// Why.
    pub reason: &'static str,
}

/// The states that change. `listed` is every target that the repository names now.
///
/// What the vendor took back, or a person withdrew, stays withdrawn: somebody had a reason.
/// A later release takes the place of an earlier one, unless that is a stepping stone on
/// the way to one that stands.
pub fn after(known: &[Known], listed: &BTreeSet<(String, Digest)>) -> Vec<Moved> {
    let is_listed = |one: &Known| listed.contains(&(one.path.clone(), one.sha256));
    let stands = |one: &&Known| one.state != ReleaseState::Withdrawn && is_listed(one);
    let standing: Vec<&Known> = known.iter().filter(stands).collect();
    let next = |one: &Known| {
        let of_product = || standing.iter().filter(|other| other.product == one.product);
        let is_stone = of_product().any(|other| other.stones.contains(&one.version));
        if one.state == ReleaseState::Withdrawn {
            (ReleaseState::Withdrawn, "")
        } else if !is_listed(one) {
            let reason = "its repository does not list it any more";
            (ReleaseState::Withdrawn, reason)
        } else if !is_stone && of_product().any(|other| other.counter > one.counter) {
            (ReleaseState::Superseded, "a later release takes its place")
        } else {
            (ReleaseState::Available, "no later release takes its place")
        }
    };
    let moved = known.iter().filter_map(|one| {
        let (state, reason) = next(one);
        (state != one.state).then(|| Moved {
            path: one.path.clone(),
            sha256: one.sha256,
            state,
            reason,
        })
    });
    moved.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(counter: u64, state: ReleaseState, stones: &[&str]) -> Known {
        Known {
            path: format!("viewer/{counter}"),
            sha256: Digest([counter as u8; 32]),
            product: Name::new("viewer").unwrap(),
            version: counter.to_string(),
            counter,
            stones: stones.iter().map(|stone| (*stone).to_owned()).collect(),
            state,
        }
    }

    fn states(known: &[Known], gone: &[u64]) -> Vec<(String, ReleaseState)> {
        let listed = known.iter().filter(|one| !gone.contains(&one.counter));
        let listed = listed.map(|one| (one.path.clone(), one.sha256)).collect();
        let moved = after(known, &listed).into_iter();
        moved.map(|one| (one.path, one.state)).collect()
    }

    #[test]
    fn a_later_release_takes_the_place_of_all_but_stepping_stones() {
        use ReleaseState::{Available, Superseded, Withdrawn};
        let all = [
            known(1, Available, &[]),
            known(2, Available, &[]),
            known(3, Available, &["2"]),
        ];
        assert_eq!(states(&all, &[]), [("viewer/1".into(), Superseded)]);
        // The later one is gone: the one before it stands again.
        let mut all = all.to_vec();
        all[0].state = Superseded;
        all[1].state = Superseded;
        let expected = [
            ("viewer/2".into(), Available),
            ("viewer/3".into(), Withdrawn),
        ];
        assert_eq!(states(&all, &[3]), expected);
        // A person's word stays.
        let all = [known(1, Available, &[]), known(2, Withdrawn, &[])];
        assert_eq!(states(&all, &[]), []);
    }
}
