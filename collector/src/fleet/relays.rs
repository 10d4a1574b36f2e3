//! Site relays: who may ask for artifacts on behalf of a site's machines, and which machine is told
//! of which. A relay is no machine and no collector: its certificate says so, and it is answered
//! artifacts and nothing else.

use super::handle::FleetHandle;
use super::{Fleet, FleetError, ca, locked};
use crate::config::RelaySetting;
use patchward_common::id::Name;
use rustls_pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// Connections of all relays: each has one, and another while it connects anew.
const CONNECTIONS: usize = 64;

/// What is known of relays.
pub(super) struct Relays {
    known: Vec<RelaySetting>,
    /// Which of them a unit's machines are told of, as units and sites are now.
    of_unit: Mutex<HashMap<Name, String>>,
    pub(super) places: Semaphore,
    /// Bytes of artifacts that left to machines, and to relays.
    sent: [AtomicU64; 2],
}

/// Bytes of artifacts that left since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// To machines.
    pub machines: u64,
    /// To relays.
    pub relays: u64,
}

impl Relays {
    pub(super) fn new(known: &[RelaySetting]) -> Self {
        Self {
            known: known.to_vec(),
            of_unit: Mutex::default(),
            places: Semaphore::new(CONNECTIONS),
            sent: Default::default(),
        }
    }

    /// The relay that a unit's machines are told of.
    pub(super) fn of(&self, unit: &Name) -> Option<String> {
        if self.known.is_empty() {
            return None;
        }
        locked(&self.of_unit).get(unit).cloned()
    }

    /// The relay that a certificate speaks for, if the settings know it.
    pub(super) fn by(&self, certificate: &CertificateDer<'_>) -> Option<Name> {
        let name = ca::relay_of(certificate)?;
        let is_known = self.known.iter().any(|relay| relay.name == name);
        is_known.then_some(name)
    }

    /// Bytes of an artifact are sent.
    pub(super) fn sends(&self, to_relay: bool, bytes: u64) {
        self.sent[usize::from(to_relay)].fetch_add(bytes, Ordering::Relaxed);
    }

    fn place(&self, units: Vec<(Name, Name)>) {
        let told = units.into_iter().filter_map(|(unit, site)| {
            let own = self.known.iter().find(|relay| relay.units.contains(&unit));
            let of_site = || {
                let mut known = self.known.iter();
                known.find(|relay| relay.site.as_ref() == Some(&site))
            };
            let relay = own.or_else(of_site)?;
            Some((unit, relay.address.clone()))
        });
        *locked(&self.of_unit) = told.collect();
    }
}

impl Fleet {
    /// Looks which unit belongs to which site: people move them.
    pub(super) async fn place_relays(&self) -> Result<(), FleetError> {
        if !self.relays.known.is_empty() {
            let units = self.store().view().await?.units().await?;
            let units = units.into_iter().map(|unit| (unit.name, unit.site));
            self.relays.place(units.collect());
        }
        Ok(())
    }
}

impl FleetHandle {
    /// Whether the settings name a relay.
    pub fn knows_relay(&self, name: &Name) -> bool {
        let mut known = self.fleet.relays.known.iter();
        known.any(|relay| relay.name == *name)
    }

    /// Bytes of artifacts that left since the start.
    pub fn sent(&self) -> Sent {
        let [machines, relays] = &self.fleet.relays.sent;
        Sent {
            machines: machines.load(Ordering::Relaxed),
            relays: relays.load(Ordering::Relaxed),
        }
    }
}

/// Whether a certificate that was verified is a machine's.
pub(crate) fn is_machine(certificate: &CertificateDer<'static>) -> bool {
    ca::identity_of(certificate).is_some()
}

/// The port of a relay takes of a machine what a collector's takes, and hands out artifacts.
pub(crate) fn of_relay(tls: rustls::ServerConfig) -> Result<quinn::ServerConfig, FleetError> {
    super::tls::of_artifacts(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_its_own_relay_before_its_sites() {
        let name = |text: &str| Name::new(text).unwrap();
        let relay = |relay: &str, site: Option<&str>, units: &[&str]| RelaySetting {
            name: name(relay),
            address: format!("{relay}:1"),
            site: site.map(name),
            units: units.iter().map(|unit| name(unit)).collect(),
        };
        let relays = Relays::new(&[relay("b", Some("b"), &[]), relay("icu", None, &["icu-3"])]);
        assert_eq!(relays.of(&name("ward")), None, "nothing is known yet");
        relays.place(vec![
            (name("icu-3"), name("b")),
            (name("ward"), name("b")),
            (name("lab"), name("a")),
        ]);
        assert_eq!(relays.of(&name("icu-3")).as_deref(), Some("icu:1"));
        assert_eq!(relays.of(&name("ward")).as_deref(), Some("b:1"));
        assert_eq!(relays.of(&name("lab")), None);
    }
}
