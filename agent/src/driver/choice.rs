//! Which of several collectors is asked first, and the way back to one that stands before ours.

use super::backoff;
use crate::credentials::Credentials;
use crate::link::{Identity, Link, Watch};
use patchward_common::time::MINUTE_MS;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a machine stays with a collector that is not its first before it looks whether one
/// that stands before it answers, and between two looks. Up to half as long again by chance: a
/// fleet goes back over minutes, to a collector that has been there for a while.
pub(super) const BACK_MS: u64 = 10 * MINUTE_MS as u64;

/// The addresses in the order in which they are asked: as they stand, and last the one whose
/// connection was lost a moment ago.
pub(super) fn order(mut addresses: Vec<String>, lost: Option<&str>) -> Vec<String> {
    addresses.sort_by_key(|address| Some(address.as_str()) == lost);
    addresses
}

/// The addresses that stand before the one that a machine is connected with.
pub(super) fn before(addresses: &[String], ours: &str) -> Vec<String> {
    let earlier = addresses.iter().take_while(|address| *address != ours);
    earlier.cloned().collect()
}

/// Looks every now and then whether one of `earlier` answers, and ends with a connection to it.
/// It ends with what it is in; with nobody to look for there is nothing in it.
pub(super) fn way_back(
    earlier: Vec<String>,
    credentials: &Credentials,
    every_ms: u64,
) -> JoinSet<Link> {
    let mut looking = JoinSet::new();
    if earlier.is_empty() {
        return looking;
    }
    let credentials = credentials.clone();
    looking.spawn(async move {
        loop {
            let wait_ms = backoff::later(every_ms, rand::random());
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            let identity = Identity::Machine(&credentials);
            match Link::watched(&earlier, identity, Watch::Several).await {
                Ok(link) => return link,
                Err(error) => tracing::debug!(%error, "no way back yet"),
            }
        }
    });
    looking
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    #[test]
    fn the_one_that_was_lost_is_asked_last() {
        assert_eq!(order(three(), None), ["a", "b", "c"]);
        assert_eq!(order(three(), Some("a")), ["b", "c", "a"]);
        assert_eq!(order(three(), Some("c")), ["a", "b", "c"]);
        assert_eq!(order(three(), Some("gone")), ["a", "b", "c"]);
        assert_eq!(order(vec!["a".into()], Some("a")), ["a"]);
    }

    #[test]
    fn the_way_back_leads_to_those_that_stand_before() {
        assert!(before(&three(), "a").is_empty());
        assert_eq!(before(&three(), "c"), ["a", "b"]);
    }
}
