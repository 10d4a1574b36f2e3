//! By which carrier each collector answered last: QUIC, or TCP where UDP is blocked on the way.

use crate::state::{self, StateError};
use patchward_carrier::Carrier;
use patchward_common::codec;
use std::collections::BTreeMap;
use std::path::Path;

/// The file's name in the agent's folder.
const FILE: &str = "carriers";
/// Largest file: as many addresses as credentials have.
const MAX_BYTES: usize = 32 * 1024;
/// Most addresses that are remembered.
const MAX_ADDRESSES: usize = 64;

/// How an address is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing is known: QUIC, and TCP beside it where QUIC has not answered soon.
    Unknown,
    /// QUIC has answered: TCP only after it was waited for in full. A collector that a fleet comes
    /// back to at once is slow, and must not get every machine twice.
    Quic,
    /// Only TCP has: QUIC only where that fails.
    Tcp,
    /// QUIC alone: whether it answers again.
    OnlyQuic,
    /// TCP alone, as the doctor asks.
    OnlyTcp,
}

/// What is remembered of all addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Whether TCP was what answered, by address.
    by_tcp: BTreeMap<String, bool>,
    only: Option<Carrier>,
}

impl Ways {
    /// This carrier and no other, whatever is remembered.
    pub fn only(carrier: Carrier) -> Self {
        Self {
            only: Some(carrier),
            ..Self::default()
        }
    }

    /// Reads them from the agent's folder. Without them nothing is lost but a few seconds.
    pub fn load(folder: &Path) -> Self {
        let bytes = state::read(&folder.join(FILE), MAX_BYTES).ok().flatten();
        let by_tcp = bytes.and_then(|bytes| codec::decode(&bytes, MAX_BYTES).ok());
        Self {
            by_tcp: by_tcp.unwrap_or_default(),
            only: None,
        }
    }

    /// Notes what an address answered by; whether that is news.
    pub fn note(&mut self, address: &str, carrier: Carrier) -> bool {
        let is_tcp = carrier == Carrier::Tcp;
        if self.by_tcp.get(address) == Some(&is_tcp) {
            return false;
        }
        if self.by_tcp.len() >= MAX_ADDRESSES {
            self.by_tcp.clear();
        }
        self.by_tcp.insert(address.to_owned(), is_tcp);
        true
    }

    /// Writes them into the agent's folder.
    pub fn save(&self, folder: &Path) -> Result<(), StateError> {
        state::write(&folder.join(FILE), &codec::encode(&self.by_tcp))
    }

    pub(super) fn of(&self, address: &str) -> Way {
        match (self.only, self.by_tcp.get(address)) {
            (Some(Carrier::Quic), _) => Way::OnlyQuic,
            (Some(Carrier::Tcp), _) => Way::OnlyTcp,
            (None, None) => Way::Unknown,
            (None, Some(false)) => Way::Quic,
            (None, Some(true)) => Way::Tcp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answered_is_remembered_across_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut ways = Ways::load(folder.path());
        assert_eq!(ways.of("a:1"), Way::Unknown);
        assert!(ways.note("a:1", Carrier::Tcp) && ways.note("b:1", Carrier::Quic));
        assert!(!ways.note("a:1", Carrier::Tcp), "no news");
        ways.save(folder.path()).unwrap();
        let mut ways = Ways::load(folder.path());
        assert_eq!((ways.of("a:1"), ways.of("b:1")), (Way::Tcp, Way::Quic));
        assert!(ways.note("a:1", Carrier::Quic));
        assert_eq!(ways.of("a:1"), Way::Quic);
        std::fs::write(folder.path().join(FILE), b"\xff").unwrap();
        assert_eq!(Ways::load(folder.path()), Ways::default());
    }

    #[test]
    fn addresses_that_change_for_years_do_not_add_up() {
        let mut ways = Ways::default();
        for n in 0..10 * MAX_ADDRESSES {
            ways.note(&format!("a:{n}"), Carrier::Tcp);
        }
        assert!(ways.by_tcp.len() <= MAX_ADDRESSES);
    }
}
