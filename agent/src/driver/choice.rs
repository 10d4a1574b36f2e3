//! Which of several collectors is asked first, and the way back: to one that stands before ours,
//! and from TCP to QUIC.

use super::backoff;
use crate::credentials::Credentials;
use crate::link::{Identity, Link, Watch, Ways};
use patchward_carrier::Carrier;
use patchward_common::time::MINUTE_MS;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a machine stays with a collector that is not its first, or with TCP, before it looks
/// whether one that stands before it answers, or QUIC, and between two looks. Up to half as long again by chance: a
/// fleet goes back over minutes, to a collector that has been there for a while.
pub(super) const BACK_MS: u64 = 10 * MINUTE_MS as u64;

/// The addresses in the order in which they are asked: as they stand, but later the one whose
/// connection was lost a moment ago, and last those that are busy.
pub(super) fn order(mut addresses: Vec<String>, lost: Option<&str>, busy: &Busy) -> Vec<String> {
    addresses.sort_by_key(|address| {
        let is_lost = Some(address.as_str()) == lost;
        (busy.0.contains(address), is_lost)
    });
    addresses
}

/// The collectors that were too busy for a hello, each by its address, since one was taken: one
/// that is cut off from its database makes handshakes, and knows of no stop.
#[derive(Debug, Default)]
pub(super) struct Busy(BTreeSet<String>);

impl Busy {
    /// One of the `addresses` is busy; whether another is to be asked. Where all are, or no other
    /// answers, the machine stays for once: their database is away, and each new connection would
    /// cost them more than a hello that they cannot answer.
    pub(super) fn is_to_leave(&mut self, ours: &str, addresses: &[String]) -> bool {
        let is_new = self.0.insert(ours.to_owned());
        let is_other = |address: &String| !self.0.contains(address);
        let leaves = is_new && addresses.iter().any(is_other);
        if !leaves {
            self.0.clear();
        }
        leaves
    }

    /// A collector took a hello.
    pub(super) fn none(&mut self) {
        self.0.clear();
    }
}

/// The addresses that stand before the one that a machine is connected with.
fn before(addresses: &[String], ours: &str) -> Vec<String> {
    let earlier = addresses.iter().take_while(|address| *address != ours);
    earlier.cloned().collect()
}

/// What a machine would rather have than the connection that it has.
pub(super) struct Rather {
    /// The collectors that stand before its own, and how they answered.
    earlier: Vec<String>,
    ways: Ways,
    /// Its own by QUIC, where it is with it by TCP, and how closely that is watched.
    by_quic: Option<(String, Watch)>,
}

impl Rather {
    pub(super) fn than(link: &Link, addresses: &[String], ways: &Ways) -> Self {
        let is_by_tcp = link.carrier() == Carrier::Tcp;
        let ours = || (link.name().to_owned(), Watch::of(addresses));
        Self {
            earlier: before(addresses, link.name()),
            ways: ways.clone(),
            by_quic: is_by_tcp.then(ours),
        }
    }

    async fn look(&self, credentials: &Credentials) -> Option<Link> {
        let note = |error| tracing::debug!(%error, "no way back yet");
        if !self.earlier.is_empty() {
            let identity = Identity::Machine(credentials);
            let link = Link::watched(&self.earlier, identity, Watch::Several, &self.ways).await;
            if let Ok(link) = link.map_err(note) {
                return Some(link);
            }
        }
        let (ours, watch) = self.by_quic.as_ref()?;
        let identity = Identity::Machine(credentials);
        let only = Ways::only(Carrier::Quic);
        let link = Link::watched(std::slice::from_ref(ours), identity, *watch, &only).await;
        link.map_err(note).ok()
    }
}

/// Looks every now and then whether there is what a machine would rather have, and ends with it.
/// It ends with what it is in; with nothing to look for there is nothing in it.
pub(super) fn way_back(rather: Rather, credentials: &Credentials, every_ms: u64) -> JoinSet<Link> {
    let mut looking = JoinSet::new();
    if rather.earlier.is_empty() && rather.by_quic.is_none() {
        return looking;
    }
    let credentials = credentials.clone();
    looking.spawn(async move {
        loop {
            let wait_ms = backoff::later(every_ms, rand::random());
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            if let Some(link) = rather.look(&credentials).await {
                return link;
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
        let order = |addresses, lost| order(addresses, lost, &Busy::default());
        assert_eq!(order(three(), None), ["a", "b", "c"]);
        assert_eq!(order(three(), Some("a")), ["b", "c", "a"]);
        assert_eq!(order(three(), Some("c")), ["a", "b", "c"]);
        assert_eq!(order(three(), Some("gone")), ["a", "b", "c"]);
        assert_eq!(order(vec!["a".into()], Some("a")), ["a"]);
    }

    #[test]
    fn who_is_busy_is_left_while_there_is_another() {
        let mut busy = Busy::default();
        assert!(busy.is_to_leave("a", &three()));
        assert_eq!(order(three(), Some("b"), &busy), ["c", "b", "a"]);
        assert!(busy.is_to_leave("b", &three()));
        // All of them are: it stays with the last for once, and begins anew.
        assert!(!busy.is_to_leave("c", &three()));
        assert!(busy.is_to_leave("c", &three()));
        // No other answered meanwhile.
        assert!(!busy.is_to_leave("c", &three()));
        assert!(busy.is_to_leave("a", &three()));
        busy.none();
        assert_eq!(order(three(), None, &busy), three());
        // There is no other at all.
        assert!(!busy.is_to_leave("a", &["a".to_owned()]));
    }

    #[test]
    fn the_way_back_leads_to_those_that_stand_before() {
        assert!(before(&three(), "a").is_empty());
        assert_eq!(before(&three(), "c"), ["a", "b"]);
    }
}
